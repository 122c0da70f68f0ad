//! `meltica top` at a terminal: what it shows, that it goes on over a feed that goes away, and that however it ends the terminal
//! is as it was.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::rig::{PATIENCE, Rig};

const SECOND_SCREEN: &str = "\u{1b}[?1049h";
const FIRST_SCREEN: &str = "\u{1b}[?1049l";
const CURSOR: &str = "\u{1b}[?25h";

/// A terminal with `top` on it.
struct Terminal {
    master: File,
    /// Held open, so that what the program left can be looked at.
    slave: File,
    before: Termios,
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn open(rig: &Rig) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        // Neither end is the program's beyond what it is given, nor anybody's controlling terminal.
        fcntl_setfd(&master, FdFlags::CLOEXEC).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        tcsetwinsize(&slave, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let before = tcgetattr(&slave).unwrap();
        let end = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
        let at = rig.server.as_ref().unwrap().address().to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_meltica"))
            .args(["top", "--at", &at])
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let master = File::from(master);
        let (sender, output) = channel();
        let mut reader = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // It ends with an error when nobody holds the other end any more.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { master, slave, before, child, output, seen: String::new() }
    }

    /// Reads until these words were shown, in one piece.
    fn until(&mut self, words: &str) {
        let since = Instant::now();
        let from = self.seen.len();
        while !self.seen[from..].contains(words) {
            assert!(since.elapsed() < PATIENCE, "{words:?} never came; there is {:?}", self.seen);
            if let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for its end, and looks at what it left behind.
    fn end(mut self) {
        let status = self.child.wait().unwrap();
        self.until(FIRST_SCREEN);
        self.until_quiet();
        let (left, entered) = (self.seen.rfind(FIRST_SCREEN), self.seen.rfind(SECOND_SCREEN));
        assert!(left > entered && self.seen.ends_with(CURSOR), "{:?}", self.seen);
        let after = tcgetattr(&self.slave).unwrap();
        assert_eq!(format!("{after:?}"), format!("{:?}", self.before), "the terminal's modes");
        assert_eq!(status.code(), Some(0));
    }

    /// What is left to read of a program that has ended.
    fn until_quiet(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(std::time::Duration::from_millis(50)) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Of a test that failed; one that went well has waited for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    let rig = Rig::open();
    for how in ["q", "\u{1b}", "\u{3}", "TERM", "INT", "HUP", "QUIT"] {
        let mut terminal = Terminal::open(&rig);
        terminal.until("frames/s");
        if how.len() > 1 {
            let id = terminal.child.id().to_string();
            assert!(Command::new("kill").args([&format!("-{how}"), &id]).status().unwrap().success());
        } else {
            terminal.press(how);
        }
        terminal.end();
    }
}

#[test]
fn keys_turn_panes_and_a_feed_that_goes_away_is_told_of() {
    let mut rig = Rig::open();
    let mut terminal = Terminal::open(&rig);
    terminal.until("frames/s");
    terminal.press("2");
    terminal.until("HOP");
    terminal.press("3");
    terminal.until("frames-0");
    terminal.press("?");
    terminal.until("Keys");
    drop(rig.server.take());
    terminal.until("FEED LOST");
    // The first shows the help away.
    terminal.press("qq");
    terminal.end();
}
