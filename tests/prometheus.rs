//! Promise: Debian's Prometheus scrapes a running feed, takes what it says for OpenMetrics, and finds counters, hops and books
//! in it. Where there is no `prometheus` on the path the test says so and passes: what is served is held to the format by
//! `tests/http/metrics.rs` on every machine.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod support;

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Running;

/// Far beyond what anything here takes, for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// Prometheus over a feed, and where it answers; `None` where there is none.
fn prometheus(folder: &std::path::Path, target: &str) -> Option<(Running, String)> {
    let config = folder.join("prometheus.yml");
    let text = format!(
        "global: {{ scrape_interval: 250ms, scrape_timeout: 250ms }}\n\
         scrape_configs: [{{ job_name: meltica, static_configs: [{{ targets: ['{target}'] }}] }}]\n"
    );
    fs::write(&config, text).unwrap();
    // It takes no port 0: one that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = format!("127.0.0.1:{port}");
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={at}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(child) => Some((Running::of(child), at)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("prometheus cannot be started: {error}"),
    }
}

/// An answer of Prometheus's own interface; `None` while it does not answer.
fn ask(at: &str, path: &str) -> Option<Value> {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
    let text = agent.get(format!("http://{at}{path}")).call().ok()?.body_mut().read_to_string().ok()?;
    serde_json::from_str(&text).ok()
}

/// Asks until an answer is as it should be.
fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let since = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(since.elapsed() < PATIENCE, "{what}: {seen}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn prometheus_scrapes_a_feed() {
    let (_feed, target) = Running::feed(&[("MELTICA_SIM__SYMBOLS", "4")]);
    let target = target.trim_start_matches("http://");
    let folder = tempfile::tempdir().unwrap();
    let Some((_prometheus, at)) = prometheus(folder.path(), target) else {
        println!("there is no prometheus on the path: not tried (Debian: apt install prometheus)");
        return;
    };
    until("the target is up", || {
        let targets = ask(&at, "/api/v1/targets").ok_or("no answer")?;
        let target = &targets["data"]["activeTargets"][0];
        let up = target["health"] == "up" && target["lastError"] == "";
        if up { Ok(()) } else { Err(target.to_string()) }
    });
    // What it made of the text: values that rise, kinds by name, books by quality; and types, as metadata tells them.
    for query in [
        "meltica_frames_in_total > 0",
        "meltica_published_total > 0",
        "sum(meltica_books) > 0",
        "meltica_hop_seconds{hop=\"readToPublished\",quantile=\"0.99\"} > 0",
        "meltica_hop_seconds_count{hop=\"readToPublished\"} > 0",
        "meltica_hop_kind_seconds_count{kind=\"TRADE\"} > 0",
        "meltica_exchange_to_receive_seconds{quantile=\"0.5\"}",
        "meltica_agent_cycles_total > 0",
        "meltica_ring_capacity_bytes > 0",
        "meltica_build_info == 1",
    ] {
        until(query, || {
            let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let answer = ask(&at, &format!("/api/v1/query?query={encoded}")).ok_or("no answer")?;
            let found = answer["data"]["result"].as_array().is_some_and(|rows| !rows.is_empty());
            if found { Ok(()) } else { Err(answer.to_string()) }
        });
    }
    let metadata = ask(&at, "/api/v1/metadata").unwrap();
    for (family, kind) in [
        ("meltica_frames_in", "counter"),
        ("meltica_hop_seconds", "summary"),
        ("meltica_books", "gauge"),
        ("meltica_build", "info"),
    ] {
        assert_eq!(metadata["data"][family][0]["type"], kind, "{family}: {}", metadata["data"][family]);
    }
    assert_eq!(metadata["data"]["meltica_frames_in"][0]["help"], "frames received");
}
