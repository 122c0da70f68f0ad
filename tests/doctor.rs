//! Promise: `meltica doctor` looks at the machine it runs on whatever that shows, races the addresses of a venue that is there,
//! says so of one that is not, is wrong about none that misbehaves, and ends as it was asked to.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;
use support::{Running, json_lines, meltica, meltica_ok};

/// What it says of a configuration.
fn told(output: &Output) -> Value {
    let lines = json_lines(&output.stdout);
    assert_eq!(lines.len(), 1, "{}", String::from_utf8_lossy(&output.stderr));
    lines[0].clone()
}

fn of_group<'t>(told: &'t Value, group: &str) -> Vec<&'t Value> {
    told["findings"].as_array().unwrap().iter().filter(|finding| finding["group"] == group).collect()
}

#[test]
fn this_machine_is_looked_at_and_a_person_and_a_program_are_told_the_same() {
    let told = told(&meltica_ok(&["doctor", "--no-net", "--output", "json"], &[]));
    let findings = told["findings"].as_array().unwrap();
    let groups = ["cores", "frequency", "interrupts", "clock", "limits", "memory", "network", "machine", "venue"];
    for group in groups {
        assert!(findings.iter().any(|finding| finding["group"] == group), "{group}");
    }
    for finding in findings {
        let to_do = ["warn", "bad"].contains(&finding["verdict"].as_str().unwrap());
        for key in ["change", "why", "gain", "source"] {
            assert_eq!(finding[key].as_str().is_some_and(|text| !text.is_empty()), to_do, "{key} of {finding}");
        }
    }
    let human = meltica_ok(&["doctor", "--no-net"], &[("CLICOLOR_FORCE", "1")]);
    let human = String::from_utf8(human.stdout).unwrap();
    assert!(!human.contains('\u{1b}'), "colours where there is no terminal");
    for finding in findings {
        assert!(human.contains(finding["name"].as_str().unwrap()), "{finding}");
    }
    assert!(human.ends_with(" unknown\n") && human.contains("left out (--no-net)"), "{human}");
}

#[test]
fn the_addresses_of_a_venue_are_raced_over_tcp_and_tls() {
    let scratch = tempfile::tempdir().unwrap();
    let ca = scratch.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    for tls in [false, true] {
        let mut words = vec!["venue", "--listen", "127.0.0.1:0", "--for", "60s"];
        words.extend(["--tls", "--ca-out", ca].iter().filter(|_| tls));
        let mut venue = Running::start(&words, &[]);
        let line = venue.stdout().next().unwrap().unwrap();
        let mut urls = line.split_whitespace().filter(|word| word.contains("://"));
        let (ws, rest) = (urls.next().unwrap(), urls.next().unwrap());
        let mut variables = vec![("MELTICA_FEED__WS", ws), ("MELTICA_FEED__REST", rest)];
        variables.extend(tls.then_some(("MELTICA_FEED__CA_FILE", ca)));
        let told = told(&meltica_ok(&["doctor", "--rounds", "3", "--output", "json"], &variables));
        let race = told["race"].as_array().unwrap();
        assert_eq!(race.len(), 1, "one port serves both: {race:#?}");
        let lane = &race[0]["addresses"][0];
        assert_eq!(
            (&lane["rounds"], &lane["connected"], &lane["wins"]),
            (&3.into(), &3.into(), &true.into()),
            "{lane}"
        );
        assert_eq!((lane["tcpUs"].is_u64(), lane["tlsUs"].is_u64()), (true, tls), "{lane}");
        assert_eq!(of_group(&told, "venue")[0]["verdict"], "good", "{told}");
        let human = String::from_utf8(meltica_ok(&["doctor"], &variables).stdout).unwrap();
        assert!(human.contains("ADDRESS") && human.contains("5/5  wins"), "{human}");
        if tls {
            // Whom the certificate is of is not known to the public roots.
            let output = meltica(&["doctor", "--strict", "--output", "json"], &variables[..2]);
            assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn venues_that_misbehave_or_are_not_there_are_told_apart_and_fail_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let (silent_at, rude_at) = (silent.local_addr().unwrap(), rude.local_addr().unwrap());
    std::thread::spawn(move || {
        for tcp in rude.incoming() {
            let _ = tcp.unwrap().write_all(b"SSH-2.0-x\r\n");
        }
    });
    let shut = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // (where, verdict, its words): a name that can never be is as being offline.
    let table = [
        ("venue.invalid:443".to_owned(), "unknown", "offline"),
        (shut.to_string(), "bad", "connection refused"),
        (rude_at.to_string(), "bad", "peer speaks no tls"),
        (silent_at.to_string(), "bad", "tls timed out"),
    ];
    for (at, verdict, words) in table {
        let (ws, rest) = (format!("wss://{at}"), format!("https://{at}"));
        let variables = [("MELTICA_FEED__WS", &*ws), ("MELTICA_FEED__REST", &*rest)];
        let output = meltica_ok(&["doctor", "--output", "json"], &variables);
        let told = told(&output);
        let finding = of_group(&told, "venue")[0];
        assert_eq!(finding["verdict"], verdict, "{at}: {finding}");
        assert!(finding["is"].as_str().unwrap().contains(words), "{at}: {finding}");
        let strict = meltica(&["doctor", "--strict", "--rounds", "1"], &variables).status.code();
        let bad = told["counts"]["bad"].as_u64().unwrap();
        assert_eq!(strict, Some(i32::from(bad > 0)), "{at}: {}", told["counts"]);
    }
}

#[test]
fn a_configuration_is_held_against_the_machine_and_a_wrong_one_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("my.yaml");
    let run = |text: &str, words: &[&str]| {
        fs::write(&path, text).unwrap();
        meltica(&[&["doctor", "--config", path.to_str().unwrap(), "--output", "json"], words].concat(), &[])
    };
    // No machine has these cores.
    let far = "topology: lean\ncores: { io: [16000], shards: [16001] }\n";
    let output = run(far, &["--no-net", "--strict"]);
    assert_eq!(output.status.code(), Some(1));
    let told = told(&output);
    let pinning = *of_group(&told, "cores").iter().find(|finding| finding["name"] == "pinning").unwrap();
    assert_eq!(pinning["verdict"], "bad", "{pinning}");
    assert!(pinning["is"].as_str().unwrap().contains("16000-16001"), "{pinning}");
    for (text, place) in [
        ("feed: { ws: 'http://a' }\n", "feed.ws"),
        ("topology: fusd\n", "topology"),
        ("feed: { ca_file: none.pem }\n", "feed.ca_file"),
    ] {
        let output = run(text, &[]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{text}: {complaint}");
        assert!(complaint.contains(place) && output.stdout.is_empty(), "{text}: {complaint}");
    }
}
