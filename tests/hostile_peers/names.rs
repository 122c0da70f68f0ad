//! Names that nobody knows, or that are told late.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::child::{Running, configuration, until, venue};

#[test]
fn a_name_without_an_address_is_told_and_looked_up_again() {
    let scratch = tempfile::tempdir().unwrap();
    let rest = venue(|_| {});
    let feed = format!("  ws: ws://no-such-host.invalid:1\n  rest: http://{}\n", rest.address());
    let mut run = Running::meltica(&["run", "--config", configuration(scratch.path(), &feed).to_str().unwrap()]);
    run.until_said(2, &["connection 0", "name not resolved; again in"]);
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
}

/// Answers a question for an IPv4 address with the loopback's, and any other with none.
fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let name = question.get(12..)?.iter().position(|byte| *byte == 0)?;
    let end = 12 + name + 5;
    let is_a = question.get(end - 4..end)? == [0, 1, 0, 1];
    let mut out = question[..2].to_vec();
    out.extend([0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    out.extend(question.get(12..end)?);
    if is_a {
        out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    Some(out)
}

/// A name server for one program, where one may be had: a mount namespace with its own resolv.conf, and port 53 of an
/// address of the loopback that nobody uses.
fn with_name_server(dir: &Path, arguments: &[&str]) -> Option<(UdpSocket, Command)> {
    let server = UdpSocket::bind("127.53.0.9:53").ok()?;
    let resolv = dir.join("resolv.conf");
    std::fs::write(&resolv, "nameserver 127.53.0.9\noptions timeout:30 attempts:1\n").unwrap();
    let hosts = dir.join("nsswitch.conf");
    std::fs::write(&hosts, "hosts: dns\n").unwrap();
    let mounts = format!(
        "mount --bind {} /etc/resolv.conf && {{ [ ! -e /etc/nsswitch.conf ] || mount --bind {} /etc/nsswitch.conf; }}",
        resolv.display(),
        hosts.display()
    );
    let works = Command::new("unshare").args(["--mount", "sh", "-c", &mounts]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut command = Command::new("unshare");
    let program = env!("CARGO_BIN_EXE_meltica");
    command.args(["--mount", "sh", "-c", &format!("{mounts} && exec \"$@\""), "sh", program]).args(arguments);
    Some((server, command))
}

#[test]
fn a_name_that_is_told_late_costs_its_deadline_and_nothing_else() {
    let scratch = tempfile::tempdir().unwrap();
    let venue = venue(|_| {});
    let feed = format!("  ws: ws://venue.test:{}\n  rest: http://{}\n", venue.address().port(), venue.address());
    let config = configuration(scratch.path(), &feed);
    let Some((server, command)) = with_name_server(scratch.path(), &["run", "--config", config.to_str().unwrap()])
    else {
        eprintln!("SKIPPED: no mount namespace, or no port 53 of the loopback, to be had here");
        return;
    };
    let run = Running::start(command);
    server.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let (mut asked, mut packet) = (Vec::new(), [0; 512]);
    // Silence at first: the deadline is told, and tried again.
    until("the deadline is told twice", || {
        if let Ok((count, from)) = server.recv_from(&mut packet) {
            asked.push((packet[..count].to_vec(), from));
        }
        run.said(&["connection 0", "name not resolved; again in"]) >= 2
    });
    assert!(!asked.is_empty(), "it was this server that was asked");
    until("the venue is found once the answer comes", || {
        if let Ok((count, from)) = server.recv_from(&mut packet) {
            asked.push((packet[..count].to_vec(), from));
        }
        for (question, from) in asked.drain(..) {
            if let Some(answer) = answer(&question) {
                let _ = server.send_to(&answer, from);
            }
        }
        !venue.stats().sessions.is_empty()
    });
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
}
