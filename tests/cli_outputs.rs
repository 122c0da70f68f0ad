//! Promise: outputs destroy no input and not each other; what nobody can read any more is no panic; a reader that waits
//! makes no run longer; what `check` and `--exchange-info` are given is judged by what it is.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{json_lines, meltica, meltica_ok};

const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":1,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;
const CONFIG: &str = "topology: fused\n";
const EXCHANGE_INFO: &str =
    r#"{"symbols":[{"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT","status":"TRADING","filters":[]}]}"#;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    command.stdin(Stdio::null());
    command
}

#[test]
fn no_output_overwrites_an_input_or_the_other_output() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let capture = format!("5 {TRADE}\n");
    fs::write(at("a.txt"), &capture).unwrap();
    fs::write(at("b.txt"), &capture).unwrap();
    fs::write(at("c.yaml"), CONFIG).unwrap();
    fs::write(at("i.json"), EXCHANGE_INFO).unwrap();
    fs::hard_link(at("b.txt"), at("link.txt")).unwrap();
    let (a, b, c, i, link, new) = (at("a.txt"), at("b.txt"), at("c.yaml"), at("i.json"), at("link.txt"), at("new"));
    let table: [&[&str]; 8] = [
        &["replay", &a, &b, "--events", &b],
        &["replay", &a, &b, "--books", &link],
        &["replay", &a, "--config", &c, "--books", &c],
        &["replay", &a, "--exchange-info", &i, "--events", &i],
        &["run", "--for", "100ms", "--config", &c, "--events", &c],
        &["replay", &a, "--events", &new, "--books", &new],
        &["replay", &a, "--events", "-", "--books", "-"],
        &["run", "--for", "100ms", "--events", "-", "--books", "-"],
    ];
    for arguments in table {
        let output = meltica(arguments, &[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("--events") || told.contains("--books"), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    for (path, content) in [(&a, &*capture), (&b, &*capture), (&c, CONFIG), (&i, EXCHANGE_INFO)] {
        assert_eq!(fs::read_to_string(path).unwrap(), content, "{path} was written to");
    }
    assert!(!Path::new(&new).exists());
    // What goes nowhere may go there twice.
    meltica_ok(&["replay", &a, "--events", "/dev/null", "--books", "/dev/null"], &[]);
}

#[test]
fn words_that_cannot_be_told_stop_nothing_and_results_that_cannot_be_given_are_a_failure() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("a.txt");
    fs::write(&path, format!("5 {TRADE}\n")).unwrap();
    let path = path.to_str().unwrap();
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let gone = || Stdio::from(std::io::pipe().unwrap().1);
    if Path::new("/dev/full").exists() {
        let status = program().args(["replay", path]).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(0), "a full disk under standard error");
        let output = program().args(["check", path]).stdout(full()).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(74), "{told}");
        assert!(told.contains("standard output") && !told.contains("panicked"), "{told}");
    }
    for arguments in [["replay", path], ["check", path]] {
        let output = program().args(arguments).stdout(gone()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let status = program().args(arguments).stdout(Stdio::null()).stderr(gone()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?} without a reader of standard error");
    }
}

#[test]
fn a_reader_that_waits_makes_no_run_longer_and_loses_nothing() {
    let mut command = program();
    command.args(["run", "--for", "1s", "--events", "-"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Long past the end of the run, with a pipe that was full after a moment.
    std::thread::sleep(Duration::from_secs(6));
    let mut written = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut written).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("nothing was dropped") && told.contains("wait for their reader"), "{told}");
    let events = json_lines(&written);
    support::assert_gapless(&events);
    let published = told.lines().find_map(|line| line.strip_suffix("events published")).unwrap().trim();
    assert_eq!(published, events.len().to_string());
    let times: Vec<i64> = events.iter().map(|event| event["receiveTs"].as_i64().unwrap()).collect();
    let span = times.iter().max().unwrap() - times.iter().min().unwrap();
    assert!(span < 4_000_000_000, "the feed ran for {span} ns, told was 1 s");
}

#[test]
fn check_tells_captures_from_configurations_and_does_not_wait_for_pipes() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    let made = Command::new("mkfifo").arg(at("pipe")).status();
    assert!(made.unwrap().success());
    let names: String =
        (0..3_000).map(|i| format!(r#"5 {{"stream":"btcusdt@trade","data":{{"k{i}":1}}}}"#) + "\n").collect();
    let broken: String = (0..3_000).map(|_| "5 {\n").collect();
    let table: [(&str, String, i32, &[&str]); 7] = [
        ("sound.txt", format!("5 {TRADE}\n"), 0, &["a capture of BINANCE-SPOT", "no fault found"]),
        ("mark.txt", format!("\u{feff}5 {TRADE}\n"), 65, &["mark.txt:1", "expected `<receive time"]),
        ("minus.txt", format!("-5 {TRADE}\n"), 65, &["minus.txt:1", "expected `<receive time"]),
        ("back.txt", format!("5 {TRADE}\n4 {TRADE}\n"), 65, &["1  frames received", "back.txt:2", "backwards"]),
        ("broken.txt", broken, 65, &["broken.txt:1", "… and 2980 more"]),
        ("names.txt", names, 65, &["… and 2980 more"]),
        ("c.yaml", "5: 6\n".to_owned(), 78, &["c.yaml:1:1", "no such key; known here: books"]),
    ];
    for (name, content, code, words) in table {
        fs::write(at(name), content).unwrap();
        let output = meltica(&["check", &at(name)], &[]);
        let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {told}");
        words.iter().for_each(|word| assert!(told.contains(word), "{name}: `{word}` is not in: {told}"));
        assert!(told.len() < 8_192, "{name}: {} bytes were told", told.len());
    }
    for arguments in [&["check", &at("pipe")][..], &["replay", &at("sound.txt"), "--exchange-info", &at("pipe")]] {
        let output = meltica(arguments, &[]);
        assert_eq!(output.status.code(), Some(66), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn exchange_info_is_read_as_a_recorder_wrote_it_and_refused_by_its_fault() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("a.txt"), format!("5 {TRADE}\n")).unwrap();
    for (name, content, code, word) in [
        ("plain", EXCHANGE_INFO.to_owned(), 0, ""),
        ("recorded", format!("https://x/exchangeInfo -> 1.5: {EXCHANGE_INFO}\nconfiguration: {{\"a\":1}}\n"), 0, ""),
        ("other", "{}".to_owned(), 65, "symbols"),
        ("empty", String::new(), 65, "holds no JSON"),
        ("packed", "\u{1f}\u{8b}".to_owned(), 65, "holds no JSON"),
    ] {
        fs::write(at(name), content).unwrap();
        let output = meltica(&["replay", &at("a.txt"), "--exchange-info", &at(name)], &[]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{name}: {told}");
        assert!(told.contains(word), "{name}: {told}");
    }
    let missing = meltica(&["replay", &at("a.txt"), "--exchange-info", &at("missing")], &[]);
    assert_eq!(missing.status.code(), Some(66));
}

#[test]
fn the_feed_takes_an_instrument_named_twice_and_refuses_a_market_that_it_is_not() {
    let output = meltica_ok(&["run", "--for", "300ms"], &[("MELTICA_INSTRUMENTS", "BTC-USDT,btcusdt,ETHUSDT")]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("2 symbols"), "{told}");
    let output = meltica(&["run", "--for", "300ms"], &[("MELTICA_MARKET", "BINANCE-USDM")]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{told}");
    assert!(told.contains("MELTICA_MARKET") && told.contains("BINANCE-SPOT"), "{told}");
}
