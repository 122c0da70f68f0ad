//! The program as a child: its standard error line by line, its memory, its end.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use meltica::sim::venue::{Venue, VenueOptions};

/// Nothing on the loopback takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A venue of two symbols on a free port.
pub(crate) fn venue(change: impl FnOnce(&mut VenueOptions)) -> Venue {
    let mut options = VenueOptions::default();
    options.exchange.symbols.truncate(2);
    change(&mut options);
    Venue::start(options).unwrap()
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Writes a configuration of a live feed.
pub(crate) fn configuration(dir: &Path, feed: &str) -> PathBuf {
    let path = dir.join("feed.yaml");
    std::fs::write(&path, format!("feed:\n  source: live\n{feed}")).unwrap();
    path
}

/// Reads what is left, so that an answer is not lost to a reset.
pub(crate) fn linger(stream: &mut TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    while matches!(stream.read(&mut [0; 4_096]), Ok(n) if n > 0) {}
}

/// A running child.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// `meltica` with these arguments and no overrides of its environment.
    pub(crate) fn meltica(arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
        command.args(arguments);
        Running::start(command)
    }

    pub(crate) fn start(mut command: Command) -> Running {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MELTICA_")) {
            command.env_remove(name);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, errors) = (Arc::clone(&said), BufReader::new(child.stderr.take().unwrap()));
        let reader = std::thread::spawn(move || {
            errors.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line));
        });
        Running { child, said, reader: Some(reader) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The first line of its standard output.
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// Lines of standard error that contain all of these words.
    pub(crate) fn said(&self, words: &[&str]) -> usize {
        self.said.lock().unwrap().iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// Waits until it has said so, so often.
    pub(crate) fn until_said(&mut self, times: usize, words: &[&str]) {
        let begun = Instant::now();
        while self.said(words) < times {
            let (lines, end) = (self.said.lock().unwrap().join("\n"), self.child.try_wait().unwrap());
            assert!(
                begun.elapsed() < PATIENCE && end.is_none(),
                "never said {words:?} {times} times ({end:?}):\n{lines}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A figure of `/proc/<pid>/status` in KiB, such as `VmRSS`.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Descriptors that it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// Tells it to end, and waits until it has: its code, and all that it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
        assert!(told.success(), "it ended before it was told to:\n{}", self.said.lock().unwrap().join("\n"));
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begun.elapsed() < PATIENCE, "it does not end"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        (status.code(), self.said.lock().unwrap().join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
