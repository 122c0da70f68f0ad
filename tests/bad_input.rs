//! Promise: whatever is wrong with an input or an output, the program says what and where, ends with the documented code,
//! and never hangs, panics or grows.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;

use support::meltica;

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":1,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Name, content, exit code, words that the message must have.
fn captures() -> Vec<(&'static str, Vec<u8>, i32, &'static [&'static str])> {
    let line = |stamp: u64| format!("{stamp} {TRADE}\n");
    let whole = gzip(line(5).repeat(1_000).as_bytes());
    vec![
        ("truncated.gz", whole[..whole.len() / 2].to_vec(), 65, &["truncated.gz"]),
        (
            "garbage.bin",
            (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
            65,
            &["garbage.bin:1"],
        ),
        ("unsorted.txt", (line(5) + &line(3)).into_bytes(), 65, &["unsorted.txt:2", "5", "3"]),
        ("no_stamp.txt", format!("{TRADE}\n").into_bytes(), 65, &["no_stamp.txt:1"]),
        ("empty.txt", Vec::new(), 65, &["empty.txt"]),
        ("not_utf8.txt", b"5 {\"stream\":\"\xff\xfe@trade\"}\n6 \xff\n".to_vec(), 65, &["not_utf8.txt:1", "UTF-8"]),
    ]
}

#[test]
fn bad_captures_are_refused_with_a_place_and_a_code() {
    let scratch = tempfile::tempdir().unwrap();
    for (name, content, code, words) in captures() {
        let path = scratch.path().join(name);
        fs::write(&path, content).unwrap();
        let output = meltica(&["replay", path.to_str().unwrap()], &[]);
        check(name, &output, code, words);
    }
}

fn check(name: &str, output: &std::process::Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{name}: `{word}` is not in: {stderr}");
    }
    assert!(!stderr.contains("panicked") && !stderr.contains("RUST_BACKTRACE"), "{name}: {stderr}");
}

#[test]
fn files_that_cannot_be_read_say_so() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = scratch.path().join("missing.gz");
    check("missing", &meltica(&["replay", missing.to_str().unwrap()], &[]), 66, &["missing.gz"]);
    check("folder", &meltica(&["replay", scratch.path().to_str().unwrap()], &[]), 66, &[]);
    check("config", &meltica(&["run", "--config", missing.to_str().unwrap()], &[]), 78, &["missing.gz"]);
}

#[test]
fn a_line_of_a_gigabyte_is_refused_without_being_read_whole() {
    // A gigabyte of one letter packs to a megabyte: what is refused is the line, not the file.
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("bomb.gz");
    let mut encoder = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
    encoder.write_all(b"5 {\"stream\":\"").unwrap();
    let block = vec![b'a'; 1 << 20];
    for _ in 0..1024 {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap();
    check("bomb", &meltica(&["replay", path.to_str().unwrap()], &[]), 65, &["bomb.gz:1"]);
}

#[test]
fn every_fault_of_a_configuration_is_shown_with_its_place() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("bad.yaml");
    fs::write(
        &path,
        "topology: fusd\nbooks:\n  fill_deadline: 200\nbogus: 1\nroutes:\n  trade!:\n    topics: [\"{symbol}@trad\"]\n",
    )
    .unwrap();
    let output = meltica(&["run", "--config", path.to_str().unwrap()], &[]);
    check("config", &output, 78, &["bad.yaml:1:", "bad.yaml:3:", "bad.yaml:4:", "fusd", "200", "bogus"]);
    let output = meltica(&["check", path.to_str().unwrap()], &[]);
    check("check", &output, 78, &["bad.yaml:1:", "bad.yaml:3:", "bad.yaml:4:"]);
    let output = meltica(&["run"], &[("MELTICA_TOPOLOGY", "fusd"), ("MELTICA_BOGUS", "1")]);
    check("environment", &output, 78, &["MELTICA_TOPOLOGY", "MELTICA_BOGUS"]);
}

#[test]
fn faults_of_routes_and_addresses_have_a_place_too() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("routes.yaml");
    fs::write(&path, "routes:\n  TRADE:\n    topics: [\"{symbol}@trad\"]\n    payload_version: 9\n").unwrap();
    let output = meltica(&["check", path.to_str().unwrap()], &[]);
    check("routes", &output, 78, &["routes.yaml:3:", "routes.yaml:4:", "@trad"]);
    let path = scratch.path().join("addresses.yaml");
    let text =
        "feed:\n  ws: https://stream.example\n  rest: nowhere\nroutes:\n  TRADE:\n    topics: [\"{symbol}@trad\"]\n";
    fs::write(&path, text).unwrap();
    for verb in [&["check"][..], &["run", "--config"]] {
        let output = meltica(&[verb, &[path.to_str().unwrap()]].concat(), &[]);
        let words = ["addresses.yaml:2:", "addresses.yaml:3:", "addresses.yaml:6:", "wss://", "https://api", "@trad"];
        check("addresses", &output, 78, &words);
    }
}

/// A configuration is judged by what it names, too. What `run` refuses is an error. Of what `run` does not need, or could not be
/// judged without harm, `check` warns.
#[test]
fn certificates_and_cores_that_are_not_to_be_had_are_told_with_their_place() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, no_pem) = (scratch.path().join("here.yaml"), scratch.path().join("no.pem"));
    fs::write(&no_pem, "no certificate\n").unwrap();
    for (file, reason) in [("/nowhere/ca.pem", "/nowhere/ca.pem"), (no_pem.to_str().unwrap(), "holds no certificate")] {
        let feed = "  source: live\n  ws: wss://127.0.0.1:1\n  rest: https://127.0.0.1:1";
        fs::write(&path, format!("feed:\n{feed}\n  ca_file: {file}\n")).unwrap();
        for verb in [&["check"][..], &["run", "--for", "1s", "--config"]] {
            let output = meltica(&[verb, &[path.to_str().unwrap()]].concat(), &[]);
            check("certificates", &output, 78, &["here.yaml:5:12: feed.ca_file: ", reason, "PEM"]);
            assert!(output.stdout.is_empty(), "{output:?}");
        }
        // No other source reads them.
        for source in ["venue", "sim"] {
            fs::write(&path, format!("feed:\n  source: {source}\n  ca_file: {file}\n")).unwrap();
            let output = meltica(&["check", path.to_str().unwrap()], &[]);
            let words = ["here.yaml:3:12: feed.ca_file: warning: ", reason, "`source: live` and `doctor`"];
            check(source, &output, 0, &words);
            assert!(String::from_utf8_lossy(&output.stdout).contains("a sound configuration"), "{output:?}");
        }
        let output = meltica(&["run", "--for", "200ms", "--config", path.to_str().unwrap()], &[]);
        check("a run that reads none", &output, 0, &[]);
    }
    // A fault hides no warning.
    let text = "topology: lean\ncores:\n  shards: [65000]\nfeed:\n  source: live\n  ca_file: /nowhere/ca.pem\n";
    fs::write(&path, text).unwrap();
    let output = meltica(&["check", path.to_str().unwrap()], &[]);
    check("both", &output, 78, &["here.yaml:3:12: cores.shards[0]: warning: ", "here.yaml:6:12: feed.ca_file: "]);
    fs::write(&path, "topology: lean\ncores:\n  shards: [65000]\n").unwrap();
    let output = meltica(&["check", path.to_str().unwrap()], &[]);
    check("cores", &output, 0, &["here.yaml:3:12: cores.shards[0]: warning: ", "core 65000", "another machine"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("a sound configuration"), "{output:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_guards_or_is_secret_is_judged_by_check_as_by_run() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let (path, open, closed) = (at("here.yaml"), at("open"), at("closed"));
    for (file, mode) in [(&open, 0o644), (&closed, 0o600)] {
        fs::write(file, "no: secret\nat all\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }
    let traces = "telemetry:\n  traces:\n    endpoint: http://127.0.0.1:1/v1/traces\n    headers_file: ";
    let tls = |certificate: &str| format!("control:\n  tls_cert: {certificate}\n  tls_key: {closed}\n");
    for (text, words) in [
        (
            "control:\n  tokens_file: /nowhere/tokens\n".to_owned(),
            ["here.yaml:2:16: control.tokens_file: ", "/nowhere/tokens"],
        ),
        (format!("control:\n  tokens_file: {open}\n"), ["here.yaml:2:16: control.tokens_file: ", "chmod 0600"]),
        (tls("/nowhere/cert.pem"), ["here.yaml:2:13: control.tls_cert: ", "/nowhere/cert.pem"]),
        (tls(&open), ["here.yaml:2:13: control.tls_cert: ", "no certificate"]),
        (
            format!("{traces}/nowhere/headers\n"),
            ["here.yaml:4:19: telemetry.traces.headers_file: ", "/nowhere/headers"],
        ),
        (format!("{traces}{closed}\n"), ["here.yaml:4:19: telemetry.traces.headers_file: ", "line 2 is no header"]),
    ] {
        fs::write(&path, text).unwrap();
        for verb in [&["check"][..], &["run", "--for", "1s", "--config"]] {
            check("secrets", &meltica(&[verb, &[&*path]].concat(), &[]), 78, &words);
        }
    }
    // All that is wrong at once, and nothing of a plane that is off.
    let text = format!("control:\n  tokens_file: {open}\n{traces}/nowhere/headers\n");
    fs::write(&path, &text).unwrap();
    check("both", &meltica(&["check", &path], &[]), 78, &["control.tokens_file: ", "telemetry.traces.headers_file: "]);
    fs::write(&path, format!("control:\n  enabled: false\n  tokens_file: {open}\n")).unwrap();
    check("off", &meltica(&["check", &path], &[]), 0, &[]);
    // A pipe may never end.
    let pipe = at("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&path, tls(&pipe)).unwrap();
    let warning = "here.yaml:2:13: control.tls_cert: warning: ";
    check("pipe", &meltica(&["check", &path], &[]), 0, &[warning, "was not read"]);
    // What else is wrong is told all the same.
    fs::write(&path, tls(&pipe) + &format!("  tokens_file: {open}\n")).unwrap();
    check("pipe, tokens", &meltica(&["check", &path], &[]), 78, &[warning, "control.tokens_file: "]);
}

/// Whoever read them would wait for ever, or take memory for ever.
#[cfg(unix)]
#[test]
fn certificates_are_read_of_regular_files_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, pipe) = (scratch.path().join("here.yaml"), scratch.path().join("pipe"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in [pipe.to_str().unwrap(), "/dev/zero"] {
        fs::write(&path, format!("feed:\n  source: live\n  ca_file: {file}\n")).unwrap();
        let mut checked = support::Running::start(&["check", path.to_str().unwrap()], &[]);
        let since = std::time::Instant::now();
        while checked.is_running() {
            assert!(since.elapsed() < std::time::Duration::from_secs(20), "{file}: it reads what does not end");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let (status, told) = checked.end();
        assert_eq!(status.code(), Some(0), "{file}: {told}");
        assert!(told.contains("here.yaml:3:12: feed.ca_file: warning: ") && told.contains("was not read"), "{told}");
    }
    // A folder is refused at once, as by `run`.
    fs::write(&path, format!("feed:\n  source: live\n  ca_file: {}\n", scratch.path().display())).unwrap();
    check("folder", &meltica(&["check", path.to_str().unwrap()], &[]), 78, &["here.yaml:3:12: feed.ca_file: ", "PEM"]);
}

#[test]
fn a_full_disk_under_events_ends_with_a_message() {
    if !Path::new("/dev/full").exists() {
        eprintln!("SKIPPED a_full_disk_under_events_ends_with_a_message: this system has no /dev/full");
        return;
    }
    let output = meltica(&["run", "--for", "20s", "--events", "/dev/full"], &[]);
    check("full disk", &output, 74, &["/dev/full", "space"]);
    let output = meltica(&["run", "--for", "1s", "--books", "/nowhere/at/all.json"], &[]);
    check("no folder", &output, 74, &["/nowhere/at/all.json"]);
}

#[test]
fn a_wrong_command_line_is_code_2() {
    for words in [&["replay"][..], &["run", "--for", "10"], &["fly"]] {
        check("usage", &meltica(words, &[]), 2, &[]);
    }
}
