//! The commands against a server: what each says to a person, to a program and to a shell.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use meltica::http::{HttpOptions, Listen, tls_from_files};
use serde_json::{Value, json};

use super::rig::{ADMIN, READ, Rig, loopback, private};

fn command(rig: &Rig, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MELTICA_")) {
        command.env_remove(name);
    }
    command.env("MELTICA_AT", rig.server.as_ref().unwrap().address().to_string());
    command.args(words.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(rig: &Rig, words: &str) -> Output {
    command(rig, words).output().unwrap()
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_round_of_commands_reads_well_and_ends_as_a_shell_expects() {
    let rig = Rig::open();
    let said = |words: &str| told(&run(&rig, words));
    assert_eq!(said("subscribe trade -i btc-usdt -c desk"), (0, "TRADE  accepted, version 2\n".into(), String::new()));
    assert_eq!(
        said("subscribe TRADE -i BTC-USDT -c desk"),
        (0, "TRADE  nothing to change, version 2\n".into(), String::new())
    );
    // The duty of this test has no streams: all of none are live, which is not what was waited for.
    let (code, _, complaint) = said("subscribe TRADE -c desk --wait=300ms");
    assert!(code == 75 && complaint.contains("no stream fits yet"), "{code}: {complaint}");
    let (code, routes, _) = said("routes");
    assert_eq!(
        (code, routes.as_str()),
        (
            0,
            "TYPE      PAYLOAD  WANTED  ROUTED  FROM\n\
             DESK.OWN  Trade         0  yes     {symbol}@trade\n\
             TRADE     Trade         1  yes     {symbol}@trade\n"
        )
    );
    let (code, subscriptions, _) = said("subscriptions");
    assert_eq!(
        (code, subscriptions.as_str()),
        (0, "CONSUMER  TYPE   FILTERS  VERSION  LEASE  LIVE\ndesk      TRADE  -              2  -       0/0\n")
    );
    assert_eq!(said("status").0, 0);
    assert_eq!(said("unsubscribe TRADE -c desk"), (0, "TRADE  accepted, version 3\n".into(), String::new()));
    let (code, status, complaint) = said("status");
    assert_eq!(code, 75, "not ready");
    assert!(status.starts_with("ready      no\n"), "{status}");
    assert!(complaint.contains("waits for somebody who wants something"), "{complaint}");
    // For a program: what the feed answered, on one line.
    for (words, expected) in [
        ("subscribe TRADE --output json", json!({"type": "TRADE", "status": "accepted", "dispatchVersion": 4})),
        ("unsubscribe TRADE --output json", json!({"type": "TRADE", "status": "accepted", "dispatchVersion": 5})),
    ] {
        let (code, out, _) = said(words);
        assert_eq!((code, out.lines().count()), (0, 1));
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected);
    }
    for words in ["routes", "subscriptions", "status"] {
        let (_, out, _) = said(&format!("{words} --output json"));
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["kind"], words);
    }
}

#[test]
fn every_failure_has_its_exit_code_and_says_what_to_do() {
    let mut rig = Rig::open();
    let said = |rig: &Rig, words: &str| told(&run(rig, words));
    let table = [
        ("subscribe UNKNOWN.TYPE", 65, "control/unknown-type"),
        ("subscribe BAD.FILTER", 65, "control/bad-filter"),
        ("subscribe BUSY", 75, "control/busy"),
        ("subscribe TRADE -f price", 2, "k=v"),
        ("subscribe TRADE -c a/b", 65, "control/bad-consumer"),
        ("subscribe TRADE --lease 0s", 2, "longer than nothing"),
        ("tail NO.SUCH", 65, "events/unknown-type"),
        ("status --at http://127.0.0.1:1", 69, "no feed answers"),
        ("status --at nowhere", 2, "no place of a feed"),
        ("status --at unix:/no/such/socket", 69, "no feed answers"),
        ("status --token-file /no/such/file", 66, "/no/such/file"),
        ("status --ca-file /no/such/file", 66, "/no/such/file"),
        ("status --token x", 2, "--token"),
    ];
    for (words, code, message) in table {
        let (found, out, complaint) = said(&rig, words);
        assert_eq!((found, out.as_str()), (code, ""), "{words}: {complaint}");
        assert!(complaint.contains(message), "{words}: {complaint}");
    }
    rig.end_duty();
    let (code, _, complaint) = said(&rig, "subscribe TRADE");
    assert_eq!(code, 75);
    assert!(complaint.contains("control/closed"), "{complaint}");
}

#[test]
fn s11_a_token_comes_from_a_private_file_and_is_shown_nowhere() {
    let rig = Rig::guarded();
    let good = private(&rig.scratch, "admin", &format!("{ADMIN}\n"));
    let reader = private(&rig.scratch, "reader", READ);
    let open = rig.scratch.path().join("open");
    std::fs::write(&open, ADMIN).unwrap();
    let empty = private(&rig.scratch, "empty", "\n");
    let said = |words: &str, token: &Path| {
        let mut command = command(&rig, words);
        let output = command.env("MELTICA_TOKEN_FILE", token).env("RUST_BACKTRACE", "full").output().unwrap();
        told(&output)
    };
    let table = [
        ("subscribe TRADE", &good, 0),
        ("subscribe KLINE", &reader, 77),
        ("status", &reader, 0),
        ("status", &open, 66),
        ("status", &empty, 66),
        ("status --at http://192.0.2.1:1", &good, 2),
    ];
    let mut all = String::new();
    for (words, token, code) in table {
        let (found, out, complaint) = said(words, token);
        assert_eq!(found, code, "{words}: {complaint}");
        all.push_str(&out);
        all.push_str(&complaint);
    }
    let (code, out, complaint) = told(&run(&rig, "status"));
    assert_eq!(code, 77, "without one");
    assert!(!(all + &out + &complaint).contains("canary"));
}

/// The histograms of this test are another library's.
#[test]
fn latencies_are_shown_kept_and_drawn_and_what_was_kept_is_drawn_again() {
    let rig = Rig::open();
    let said = |words: &str| told(&run(&rig, words));
    let at = |name: &str| rig.scratch.path().join(name).display().to_string();
    let (code, table, complaint) = said("latency");
    assert_eq!((code, complaint.as_str()), (0, ""));
    for row in [
        "exchangeToReceive  all               8  -4.00 µs  -1.00 µs  4.00 µs  4.00 µs  4.00 µs  4.00 µs  4.00 µs\n",
        "readToPublished    TRADE             4   1.00 µs   2.00 µs  4.00 µs  4.00 µs  4.00 µs  4.00 µs  4.00 µs\n",
        "kernelToRead       connection 3      4   1.00 µs",
        "THREAD  CYCLES",
        "frames-0  12.5 %      8  64\n",
    ] {
        assert!(table.contains(row), "{row} is not in\n{table}");
    }
    let (code, json, _) = said("latency --output json");
    assert_eq!((code, json.lines().count()), (0, 1));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["kind"], "latency");
    // What was read and written again says as much as what was handed on.
    let keys = |text: &str| -> std::collections::BTreeSet<String> {
        serde_json::from_str::<Value>(text).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let (code, drawn, _) = said(&format!("latency --output json --svg {}", at("b.svg")));
    assert_eq!((code, keys(&drawn)), (0, &keys(&json) - &["dispatchVersion".to_owned()].into()));
    let (code, percentiles, _) = said("latency --output hgrm --kind trade");
    assert_eq!(code, 0);
    assert!(percentiles.contains("       2.000 0.500000000000          2           2.00\n"), "{percentiles}");
    let (code, log, _) = said("latency --output hlog");
    assert_eq!((code, log.matches("\nTag=").count()), (0, 4), "{log}");
    std::fs::write(at("a.hlog"), &log).unwrap();
    // Files alone: nothing on standard output.
    let files = format!("latency --svg {} --html {}", at("a.svg"), at("a.html"));
    assert_eq!(said(&files), (0, String::new(), String::new()));
    let kept = format!("latency --from {} --svg - --output hlog", at("a.hlog"));
    let (code, both, _) = said(&kept);
    let (svg, again) = both.split_once("</svg>\n").unwrap();
    let intervals = |log: &str| {
        log.lines()
            .filter(|line| line.starts_with("Tag="))
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!((code, intervals(again)), (0, intervals(&log)));
    let lines = |svg: &str| {
        svg.lines().filter(|line| line.starts_with("<path class=\"line")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lines(svg), lines(&std::fs::read_to_string(at("a.svg")).unwrap()));
    assert!(std::fs::read_to_string(at("a.html")).unwrap().contains("Two clocks"));
    let (_, figures, _) = said(&format!("latency --from {} --output json --hop readtopublished", at("a.hlog")));
    let figures: Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures["hops"].as_array().unwrap().len(), 1);
    assert_eq!(figures["hops"][0]["summary"]["p50Ns"], 2_000);
}

#[test]
fn latencies_that_cannot_be_had_end_as_a_shell_expects() {
    let rig = Rig::open();
    let at = |name: &str| rig.scratch.path().join(name).display().to_string();
    std::fs::write(at("no.hlog"), "1.0,2.0,what\n").unwrap();
    let table = [
        ("latency --at http://127.0.0.1:1".to_owned(), 69, "no feed answers"),
        ("latency --hop nowhere".to_owned(), 2, "readToPublished/TRADE"),
        ("latency --hop publishedToConsumed".to_owned(), 75, "publishedToConsumed yet"),
        ("latency --kind TRAED".to_owned(), 2, "no type is called TRAED; did you mean TRADE?"),
        // The rig's feed routes it, and has published none of it.
        ("latency --kind desk.own".to_owned(), 75, "nothing was recorded of --kind desk.own yet"),
        ("latency --output xml".to_owned(), 2, "hgrm"),
        ("latency --output hgrm".to_owned(), 0, ""),
        ("latency --from /no/such/file".to_owned(), 66, "/no/such/file"),
        ("latency --from x --at http://127.0.0.1:1".to_owned(), 2, "--at"),
        (format!("latency --from {}", at("no.hlog")), 65, "line 1"),
        (format!("latency --from {0} --svg {0}", at("no.hlog")), 2, "would overwrite"),
        (format!("latency --svg {0} --html {0}", at("x")), 2, "--html"),
        (format!("latency --svg {}", at("no/folder.svg")), 74, "cannot be written"),
    ];
    for (words, code, message) in table {
        let (found, _, complaint) = told(&run(&rig, &words));
        assert_eq!(found, code, "{words}: {complaint}");
        assert!(complaint.contains(message), "{words}: {complaint}");
    }
    assert_eq!(std::fs::read_to_string(at("no.hlog")).unwrap(), "1.0,2.0,what\n");
}

#[cfg(feature = "top")]
#[test]
fn top_asks_for_a_terminal() {
    let (code, out, complaint) = told(&run(&Rig::open(), "top"));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(complaint.contains("meltica status"), "{complaint}");
}

fn tail(rig: &Rig, words: &str) -> (Child, BufReader<impl Read + use<>>) {
    let mut child = command(rig, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

#[test]
fn tail_shows_events_as_they_come() {
    let mut rig = Rig::open();
    let (mut people, mut shown) = tail(&rig, "tail TRADE -i eth-usdt -n 2");
    let (mut program, raw) = tail(&rig, "tail TRADE,STATUS.BOOK --output json -n 3");
    let (mut lines, mut objects) = ((String::new(), String::new()), Vec::new());
    // Until both have seen what they want: they join when they join.
    while people.try_wait().unwrap().is_none() || program.try_wait().unwrap().is_none() {
        rig.publish(0);
        rig.publish(1);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    shown.read_line(&mut lines.0).unwrap();
    shown.read_line(&mut lines.1).unwrap();
    for line in [&lines.0, &lines.1] {
        assert!(line.contains("  ETH-USDT      TRADE  #"), "{line}");
        assert!(line.contains(" price=0"), "{line}");
    }
    raw.lines().for_each(|line| objects.push(serde_json::from_str::<Value>(&line.unwrap()).unwrap()));
    assert_eq!(objects.len(), 3);
    assert!(objects.iter().all(|event| event["type"] == "TRADE"));
    assert_eq!((people.wait().unwrap().code(), program.wait().unwrap().code()), (Some(0), Some(0)));
    // A feed that ends is no error, and neither is a reader that goes away.
    let (mut last, mut rest) = tail(&rig, "tail TRADE --output json");
    let (mut gone, reader) = tail(&rig, "tail TRADE");
    // It joins when it joins: until its first line is there.
    let (first, arrived) = std::sync::mpsc::channel();
    let rest = std::thread::spawn(move || {
        let mut line = String::new();
        rest.read_line(&mut line).unwrap();
        first.send(line).unwrap();
        rest.read_to_string(&mut String::new()).unwrap();
    });
    while arrived.recv_timeout(std::time::Duration::from_millis(5)).is_err() {
        rig.publish(0);
    }
    drop(reader);
    while gone.try_wait().unwrap().is_none() {
        rig.publish(0);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    rig.sequencer = None;
    rest.join().unwrap();
    assert_eq!((gone.wait().unwrap().code(), last.wait().unwrap().code()), (Some(0), Some(0)));
}

#[test]
fn a_unix_socket_and_tls_are_ways_like_any_other() {
    let rig = Rig::start(|scratch| HttpOptions::open(Listen::Unix(scratch.path().join("control.sock"))));
    assert_eq!(told(&run(&rig, "subscribe TRADE")), (0, "TRADE  accepted, version 2\n".into(), String::new()));
    let (mut child, _) = tail(&rig, "tail TRADE");
    child.kill().unwrap();
    child.wait().unwrap();
    let rig = Rig::start(|scratch| {
        let (certificate, key) = certificate(scratch);
        HttpOptions { tls: Some(tls_from_files(&certificate, &key).unwrap()), ..loopback() }
    });
    assert!(rig.server.as_ref().unwrap().address().to_string().starts_with("https://127.0.0.1:"));
    let (code, _, complaint) = told(&run(&rig, "status"));
    assert_eq!(code, 69, "an authority that nobody knows: {complaint}");
    let trusting = |words: &str| {
        let mut command = command(&rig, words);
        told(&command.env("MELTICA_CA_FILE", rig.scratch.path().join("certificate.pem")).output().unwrap())
    };
    assert_eq!(trusting("subscribe TRADE"), (0, "TRADE  accepted, version 2\n".into(), String::new()));
    assert_eq!(trusting("status").0, 0);
}

/// A certificate for the loopback that vouches for itself, and its private key.
fn certificate(scratch: &tempfile::TempDir) -> (std::path::PathBuf, std::path::PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (private(scratch, "certificate.pem", &certificate.pem()), private(scratch, "key.pem", &key.serialize_pem()))
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let rig = Rig::open();
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = told(&run(&rig, &format!("completions {shell}")));
        assert_eq!(code, 0);
        for command in
            ["subscribe", "unsubscribe", "routes", "subscriptions", "status", "tail", "run", "replay", "latency"]
        {
            assert!(script.contains(command), "{shell} {command}");
        }
    }
    let folder = rig.scratch.path().join("man");
    let (code, out, _) = told(&run(&rig, &format!("man {}", folder.display())));
    assert_eq!(code, 0, "{out}");
    let page = std::fs::read_to_string(folder.join("meltica-subscribe.1")).unwrap();
    assert!(page.contains("\\-\\-token\\-file") && page.contains("Exit codes"), "{page}");
    assert!(folder.join("meltica.1").exists());
}
