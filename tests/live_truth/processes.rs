//! Processes that die: a `meltica venue` killed and started again under the feed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use meltica::engine::Topology;
use meltica::sim::spec::default_symbols;

use crate::audit::audit_foreign;
use crate::rig::{Rig, options};

/// A program that does not outlive its test.
struct Program(Child);

impl Program {
    fn start(arguments: &[&str]) -> (Program, BufReader<ChildStdout>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MELTICA_")) {
            command.env_remove(name);
        }
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        (Program(child), out)
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A venue in a process of its own, without TLS: each start has another authority.
fn venue(listen: &str, seed: &str) -> (Program, SocketAddr) {
    let (program, mut out) =
        Program::start(&["venue", "--listen", listen, "--symbols", "12", "--rate", "60", "--seed", seed]);
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.trim().rsplit('/').next().unwrap().parse().unwrap_or_else(|e| panic!("{e}: {line}"));
    (program, address)
}

#[test]
fn a_venue_process_that_is_killed_and_started_again_is_followed_anew() {
    let (mut program, address) = venue("127.0.0.1:0", "5");
    let symbols: Vec<String> = default_symbols(12).into_iter().map(|spec| spec.symbol).collect();
    let mut rig = Rig::on(Topology::Lean, 1, &options(&format!("ws://{address}"), address), None);
    rig.until_good(12);
    audit_foreign(&mut rig, address, &symbols);
    for (lives, seed) in ["5", "6"].into_iter().enumerate() {
        program.signal("-KILL");
        rig.until("the connection is lost", |rig| rig.manners.downs > lives as u64);
        // The address may be in use for a moment longer.
        drop(program);
        (program, _) = venue(&address.to_string(), seed);
        rig.until("it is back", |rig| rig.changes().iter().filter(|(up, _)| *up).count() > lives + 1);
        rig.until_good(12);
        audit_foreign(&mut rig, address, &symbols);
    }
    println!(
        "killed twice: {} events, {} Good diffs, {} gaps",
        rig.manners.events, rig.checker.followed, rig.checker.gaps
    );
    rig.finish();
}
