//! The program as a user runs it: traces by configuration, to the test's own collector and to `rotel`, one of others; and commands
//! over HTTP with the caller's trace.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::collector::{Collector, Seen};
use super::rig::PATIENCE;
use super::support::Running;

/// A feed whose traces go to `endpoint`, and where its facade listens.
fn feed(endpoint: &str, more: &[(&str, &str)]) -> (Running, String) {
    let own = [("MELTICA_SIM__SYMBOLS", "3"), ("MELTICA_TELEMETRY__TRACES__ENDPOINT", endpoint)];
    Running::feed(&[&own, more].concat())
}

/// Looks until there is something to see.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn post(url: &str, traceparent: &str, body: &str) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.post(url).header("content-type", "application/json").header("traceparent", traceparent);
    request.send(body).unwrap().status().as_u16()
}

/// A trace and a span of a caller, and what the header says of them.
const CALLER: (&str, &str) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");

fn command_all(control: &str) {
    let (trace, span) = CALLER;
    let header = format!("00-{trace}-{span}-01");
    let subscribe = |kind: &str| format!(r#"{{"consumer":"t","type":"{kind}"}}"#);
    for (path, parent, body, status) in [
        ("subscribe", header.as_str(), subscribe("TRADE"), 202),
        ("subscribe", &header, subscribe("TRADE"), 200),
        ("subscribe", &header, subscribe("NO.SUCH"), 404),
        ("unsubscribe", "no traceparent", format!(r#"{{"consumer":"t","type":"TRADE","traceId":"{trace}"}}"#), 202),
    ] {
        assert_eq!(post(&format!("{control}/control/{path}"), parent, &body), status, "{path} {body}");
    }
}

#[test]
fn commands_over_http_are_spans_in_the_caller_s_trace() {
    let collector = Collector::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let headers = folder.path().join("headers");
    fs::write(&headers, "# of the receiver\n\nAuthorization: Bearer canary\n").unwrap();
    fs::set_permissions(&headers, fs::Permissions::from_mode(0o600)).unwrap();
    let sparse = [
        ("MELTICA_TELEMETRY__TRACES__SAMPLE_ONE_IN", "1000000000"),
        ("MELTICA_TELEMETRY__TRACES__HEADERS_FILE", headers.to_str().unwrap()),
    ];
    let (_feed, control) = feed(&collector.url(), &sparse);
    command_all(&control);
    let commands = until("four commands", || {
        let commands: Vec<Seen> = collector.spans().into_iter().filter(|span| span.name == "command").collect();
        (commands.len() == 4).then_some(commands)
    });
    let said: Vec<_> = commands
        .iter()
        .map(|span| {
            (span.said("verb"), span.said("outcome"), span.said("type"), span.has_remote_parent, span.events.len())
        })
        .collect();
    let expected = [
        ("subscribe", "accepted", "TRADE", true, 1),
        ("subscribe", "noop", "TRADE", true, 0),
        ("subscribe", "error", "", true, 0),
        ("unsubscribe", "accepted", "TRADE", false, 1),
    ];
    assert_eq!(said, expected);
    for span in &commands {
        assert_eq!((span.trace.as_str(), span.said("kept_for")), (CALLER.0, "command"));
        assert_eq!(span.parent, if span.has_remote_parent { CALLER.1 } else { "" });
        for (name, at) in &span.events {
            assert!(name == "in force" && (span.start_ns..=span.end_ns).contains(at), "{span:?}");
        }
    }
    let ids: BTreeSet<_> = commands.iter().map(|span| &span.span).collect();
    assert_eq!(ids.len(), 4);
    assert!(collector.heads().iter().all(|head| head.contains(&"authorization: bearer canary".to_owned())));
}

#[test]
fn headers_that_are_none_or_others_can_read_stop_the_start_without_showing_them() {
    let folder = tempfile::tempdir().unwrap();
    let headers = folder.path().join("headers");
    for (text, mode, expected) in [
        ("authorization: canary", 0o644, "chmod 0600"),
        ("fine: yes\ncanary", 0o600, "line 2 is no header: expected `name: value`"),
        ("na me: canary", 0o600, "line 1 is no header"),
        ("name: canary\u{7f}", 0o600, "line 1 is no header"),
    ] {
        fs::write(&headers, text).unwrap();
        fs::set_permissions(&headers, fs::Permissions::from_mode(mode)).unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_meltica"))
            .args(["run", "--for", "1s"])
            .env("MELTICA_TELEMETRY__TRACES__ENDPOINT", "http://127.0.0.1:1")
            .env("MELTICA_TELEMETRY__TRACES__HEADERS_FILE", &headers)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && told.contains(expected) && !told.contains("canary"), "{told}");
        assert!(told.contains("telemetry.traces.headers_file"), "{told}");
    }
}

#[test]
fn a_receiver_that_is_down_is_told_with_its_address() {
    let environment = [
        ("MELTICA_CONTROL__ENABLED", "false"),
        ("MELTICA_TELEMETRY__TRACES__SAMPLE_ONE_IN", "1"),
        ("MELTICA_TELEMETRY__TRACES__ENDPOINT", "http://127.0.0.1:1"),
    ];
    let mut feed = Running::start(&["run"], &environment);
    let mut lines = feed.stderr().map_while(Result::ok);
    let told = lines.find(|line| line.contains("traces: ")).expect("a line of the receiver");
    assert!(told.contains("traces: http://127.0.0.1:1/v1/traces: ") && told.contains("refused"), "{told}");
}

/// rotel, an OpenTelemetry collector by others, which writes the spans that it took to its standard output; `None` where there is none.
fn rotel(folder: &Path) -> Option<(Running, String, std::path::PathBuf)> {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // It takes no port 0: ones that were free a moment ago.
    let (http, grpc) = (free(), free());
    let log = folder.join("rotel.txt");
    let out = fs::File::create(&log).unwrap();
    let child = Command::new("rotel-agent")
        .args(["start", "--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"])
        .args(["--otlp-http-endpoint", &http.to_string(), "--otlp-grpc-endpoint", &grpc.to_string()])
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn();
    match child {
        Ok(child) => Some((Running::of(child), format!("http://{http}"), log)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("rotel-agent cannot be started: {error}"),
    }
}

#[test]
fn a_collector_by_others_takes_what_a_feed_sends() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_rotel, endpoint, log)) = rotel(folder.path()) else {
        println!("there is no rotel-agent on the path: not tried (it is in the Python package rotel)");
        return;
    };
    let (_feed, control) = feed(&endpoint, &[("MELTICA_TELEMETRY__TRACES__SAMPLE_ONE_IN", "50")]);
    command_all(&control);
    let tree = until("rotel has a command of the caller's, and a frame from its read to its publication", || {
        let spans = told(&fs::read_to_string(&log).unwrap());
        let commanded = spans.iter().any(|[trace, _, parent, name]| {
            (trace.as_str(), parent.as_str(), name.as_str()) == (CALLER.0, CALLER.1, "command")
        });
        let above = |of: &[String; 4]| spans.iter().find(|[trace, span, ..]| *trace == of[0] && *span == of[2]);
        let whole = spans.iter().filter(|[.., name]| name == "publish").find_map(|publish| {
            let conduct = above(publish).filter(|span| span[3] == "conduct")?;
            let dispatch = above(conduct).filter(|span| span[3] == "dispatch")?;
            let adapter = above(dispatch).filter(|span| span[3] == "adapter" && span[2].is_empty())?;
            Some([adapter, dispatch, conduct, publish].map(|span| span.join(" ")))
        });
        whole.filter(|_| commanded)
    });
    println!("trace, span, parent and name, as rotel tells them:\n{}", tree.join("\n"));
}

/// The spans of rotel's text: trace, id, parent and name of each that is whole.
fn told(text: &str) -> Vec<[String; 4]> {
    let mut spans = Vec::new();
    for part in text.split("\nSpan #").skip(1) {
        let field = |name: &str| {
            let mut lines = part.lines().map(str::trim);
            lines.find_map(|line| Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_owned()))
        };
        if let (Some(trace), Some(span), Some(name)) = (field("Trace ID"), field("ID"), field("Name")) {
            spans.push([trace, span, field("Parent ID").unwrap_or_default(), name]);
        }
    }
    spans
}
