//! Promise: `meltica run` says where it can be commanded, and the round of subscribe, tail, unsubscribe works against it, as the
//! README shows it; it refuses to start where others could command it; a token given to it appears in nothing that it or its
//! clients put out (S01, S11 of the fault catalogue).
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A feed that runs, and where it can be commanded.
struct Feed {
    child: Child,
    at: String,
    stderr: Option<std::thread::JoinHandle<String>>,
}

fn meltica(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MELTICA_")) {
        command.env_remove(name);
    }
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Feed {
    fn start(variables: &[(&str, &str)]) -> Feed {
        let mut command = meltica(&["run"]);
        command.env("MELTICA_CONTROL__LISTEN", "127.0.0.1:0").env("MELTICA_SIM__SYMBOLS", "4");
        command.envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let at = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {seen}");
            seen.push_str(&line);
            if let Some((_, at)) = line.split_once("control at ") {
                break at.split_whitespace().next().unwrap().to_owned();
            }
        };
        let stderr = std::thread::spawn(move || {
            lines.read_to_string(&mut seen).unwrap();
            seen
        });
        Feed { child, at, stderr: Some(stderr) }
    }

    fn said(&self, words: &[&str], token: Option<&Path>) -> Output {
        let mut command = meltica(words);
        command.env("MELTICA_AT", &self.at).env("RUST_BACKTRACE", "full");
        command.envs(token.map(|token| ("MELTICA_TOKEN_FILE", token)));
        command.output().unwrap()
    }

    fn ok(&self, words: &[&str]) -> Value {
        let words: Vec<_> = words.iter().copied().chain(["--output", "json"]).collect();
        let output = self.said(&words, None);
        let (out, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words:?}: {complaint}");
        let last = out.lines().last().unwrap_or_else(|| panic!("{words:?} said nothing"));
        serde_json::from_str(last).unwrap()
    }

    /// Ends it; everything it put out.
    fn stop(mut self) -> String {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        out + &self.stderr.take().unwrap().join().unwrap()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn private(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn a_type_is_turned_on_read_and_turned_off_while_the_feed_runs() {
    let feed = Feed::start(&[("MELTICA_CONTROL__INITIAL", "none")]);
    let first = feed.ok(&["subscribe", "TRADE", "-i", "BTC-USDT", "-c", "desk", "--wait=60s"]);
    assert_eq!((&first["type"], &first["status"]), (&"TRADE".into(), &"accepted".into()));
    let again = feed.ok(&["subscribe", "trade", "-i", "btc-usdt", "-c", "desk"]);
    assert_eq!((&again["status"], &again["dispatchVersion"]), (&"noop".into(), &first["dispatchVersion"]));
    let event = feed.ok(&["tail", "TRADE", "-n", "1"]);
    assert_eq!((&event["type"], &event["instrument"]), (&"TRADE".into(), &"BTC-USDT".into()));
    assert_eq!(event["dispatchVersion"], first["dispatchVersion"], "it says by which version it was routed");
    let wanted = feed.ok(&["subscriptions"]);
    let desk = wanted["consumers"].as_array().unwrap().iter().find(|consumer| consumer["name"] == "desk").unwrap();
    assert_eq!(desk["subscriptions"][0]["states"]["live"], 1, "{wanted}");
    assert_eq!(feed.ok(&["status"])["ready"], true);
    let last = feed.ok(&["unsubscribe", "TRADE", "-c", "desk"]);
    let version = |ack: &Value| ack["dispatchVersion"].as_u64().unwrap();
    assert_eq!((&last["status"], version(&last)), (&"accepted".into(), version(&first) + 1));
    assert!(feed.ok(&["subscriptions"])["consumers"].as_array().unwrap().iter().all(|c| c["name"] != "desk"));
    assert_eq!(feed.said(&["subscribe", "NO.SUCH"], None).status.code(), Some(65));
    feed.stop();
}

#[test]
fn s01_a_feed_that_others_could_command_does_not_start() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("far.yaml");
    let token = format!("admin root {}\n", "k".repeat(32));
    let (tokens, open) = (private(scratch.path(), "tokens", &token), scratch.path().join("open"));
    fs::write(&open, &token).unwrap();
    let tokens = tokens.display();
    let open = open.display();
    let table = [
        ("listen: 0.0.0.0:0".to_owned(), "far.yaml:2:11: control.listen: 0.0.0.0:0 is reached from other machines"),
        (format!("listen: 0.0.0.0:0\n  tokens_file: {tokens}"), "far.yaml:2:11: control.listen"),
        (format!("listen: 127.0.0.1:0\n  tokens_file: {open}"), "far.yaml:3:16: control.tokens_file"),
        (format!("listen: 127.0.0.1:0\n  tls_cert: {tokens}"), "far.yaml:3:13: control.tls_cert: tls_key is missing"),
        (format!("tls_cert: {tokens}\n  tls_key: {tokens}"), "far.yaml:2:13: control.tls_cert"),
        (format!("socket: {tokens}"), "far.yaml:2:11: control.socket"),
    ];
    for (text, expected) in table {
        fs::write(&file, format!("control:\n  {text}\n")).unwrap();
        let output = meltica(&["run", "--for", "1s", "--config", file.to_str().unwrap()]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{text}: {told}");
        assert!(told.contains(expected), "{text}: {told}");
        assert!(!told.contains("kkkk"), "{told}");
    }
}

#[test]
fn s11_a_token_appears_in_nothing_that_is_put_out() {
    const CANARY: &str = "canary-e3b0c44298fc1c149afbf4c8996fb92427ae41e4";
    let scratch = tempfile::tempdir().unwrap();
    let tokens = private(scratch.path(), "tokens", &format!("admin root {CANARY}\n"));
    let token = private(scratch.path(), "token", CANARY);
    let wrong = private(scratch.path(), "wrong", &format!("{CANARY}-not"));
    let feed = Feed::start(&[("MELTICA_CONTROL__TOKENS_FILE", tokens.to_str().unwrap()), ("RUST_BACKTRACE", "full")]);
    let mut all = String::new();
    let table: [(&[&str], &Path, i32); 6] = [
        (&["subscribe", "TRADE", "--output", "json"], &token, 0),
        (&["subscriptions", "--output", "json"], &token, 0),
        (&["tail", "CONTROL.UPDATE,TRADE", "-n", "50", "--output", "json"], &token, 0),
        (&["unsubscribe", "TRADE"], &token, 0),
        (&["status"], &wrong, 77),
        (&["subscribe", "NO.SUCH"], &token, 65),
    ];
    for (words, token, code) in table {
        let output = feed.said(words, Some(token));
        all.push_str(&String::from_utf8_lossy(&output.stdout));
        all.push_str(&String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words:?}: {all}");
    }
    // What others see of the processes: their command lines and environments hold the file's name and no more.
    for part in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{}/{part}", feed.child.id())).unwrap();
        all.push_str(&String::from_utf8_lossy(&seen));
    }
    all.push_str(&feed.stop());
    assert!(all.contains("control at http://127.0.0.1:"), "the feed's own words are among it");
    assert!(!all.contains("canary-"), "{all}");
}
