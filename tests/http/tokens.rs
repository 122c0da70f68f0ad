//! Tokens: who may do what, what a wrong one costs, and that none is ever shown.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use meltica::http::{HttpError, HttpOptions, Listen, Tokens};
use meltica::telemetry::Counter;

use super::rig::{ADMIN, Client, OPERATE, PATIENCE, READ, Rig, loopback, private};

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn s02_s03_each_role_may_do_what_it_says_and_no_more() {
    let rig = Rig::guarded();
    let subscribe = |token: &str, consumer: &str| {
        let body = format!(r#"{{"type":"TRADE"{consumer}}}"#);
        rig.connect().post("/control/subscribe", &bearer(token), &body)
    };
    let table = [
        (READ, "", 403, "http/role"),
        (OPERATE, "", 202, ""),
        (OPERATE, r#","consumer":"desk""#, 200, ""),
        (OPERATE, r#","consumer":"desk.night""#, 202, ""),
        (OPERATE, r#","consumer":"desk2""#, 403, "http/consumer"),
        (OPERATE, r#","consumer":"root""#, 403, "http/consumer"),
        (ADMIN, r#","consumer":"desk2""#, 202, ""),
    ];
    for (token, consumer, status, code) in table {
        let reply = subscribe(token, consumer);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{token} {consumer}");
    }
    let heard: Vec<_> = rig.heard.lock().unwrap().iter().map(|row| (row[2].clone(), row[3].clone())).collect();
    let expected = [("desk", "http:desk"), ("desk", "http:desk"), ("desk.night", "http:desk"), ("desk2", "http:root")];
    assert_eq!(heard, expected.map(|(consumer, via)| (consumer.to_owned(), via.to_owned())), "the audit has who");
    for path in ["/status", "/control/routes", "/control/subscriptions", "/openapi.json"] {
        assert_eq!(rig.connect().get(path, &bearer(READ)).status, 200, "{path}");
        assert_eq!(rig.get(path).status, 401, "{path}");
    }
    // This machine's supervisor needs no token to probe.
    assert_eq!((rig.get("/healthz").status, rig.get("/readyz").status), (200, 200));
}

#[test]
fn s02_ten_wrong_tokens_a_minute_and_then_429_whatever_comes() {
    let rig = Rig::guarded();
    let wrong = "w".repeat(32);
    let long = "w".repeat(129);
    let attempts = [
        String::new(),
        bearer(&wrong),
        bearer(&long),
        bearer(&READ[..READ.len() - 1]),
        bearer(&format!("{READ}x")),
        bearer(""),
        format!("Authorization: Basic {READ}\r\n"),
        format!("Authorization: {READ}\r\n"),
        format!("Cookie: token={READ}\r\n"),
    ];
    for (at, headers) in attempts.iter().enumerate() {
        let reply = rig.connect().get("/status", headers);
        assert_eq!((reply.status, reply.code().as_str()), (401, "http/unauthorised"), "{at}");
        assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    // In a query it is no token either, and the tenth failure.
    assert_eq!(rig.get(&format!("/status?token={READ}")).status, 401);
    let reply = rig.connect().get("/status", &bearer(READ));
    assert_eq!((reply.status, reply.code().as_str()), (429, "http/too-many-failures"));
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(rig.get("/healthz").status, 200, "a probe goes on");
    assert_eq!(rig.total(Counter::HttpTokensRefused), 10);
    let told = rig.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "said once: {told:?}");
    assert!(told[0].contains("127.0.0.1"), "{told:?}");
}

#[test]
fn s11_no_answer_and_no_line_shows_a_token() {
    let rig = Rig::guarded();
    let mut seen = String::new();
    for (path, token) in
        [("/status", READ), ("/control/subscriptions", OPERATE), ("/nowhere", ADMIN), ("/openapi.json", ADMIN)]
    {
        let reply = rig.connect().get(path, &bearer(token));
        seen.push_str(&format!("{reply:?}"));
    }
    seen.push_str(&format!("{:?}", rig.connect().post("/control/subscribe", &bearer(ADMIN), r#"{"type":"TRADE"}"#)));
    // Where a request is broken beside its token, and where the token itself is.
    for said in [
        format!("GET /status HTTP/1.1\r\nHost: localhost\r\n{}{}\r\n", bearer(READ), bearer(READ)),
        format!("GET /status HTTP/1.1\r\nHost: localhost\r\n{}X: \0\r\n\r\n", bearer(READ)),
        format!("GET /status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {READ} {ADMIN}\r\n\r\n"),
        format!("GET /{OPERATE} HTTP/1.1\r\nHost: {ADMIN}\r\n\r\n"),
    ] {
        seen.push_str(&format!("{:?}", rig.connect().say(said).reply()));
    }
    seen.push_str(&rig.told.lock().unwrap().join("\n"));
    seen.push_str(&format!("{:?}", rig.heard.lock().unwrap()));
    let file = private(&rig.scratch, "more", &format!("read eyes {READ}\nread eyes {ADMIN}\n"));
    seen.push_str(&Tokens::read(&file).unwrap_err().to_string());
    let good = private(&rig.scratch, "good", &format!("read eyes {READ}\n"));
    seen.push_str(&format!("{:?}", HttpOptions { tokens: Some(Tokens::read(&good).unwrap()), ..loopback() }));
    assert!(!seen.contains("canary"), "{seen}");
    let core = std::fs::read_to_string("/proc/self/limits").unwrap();
    let core = core.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core dump would hold a token: {core}");
}

#[test]
fn s01_what_other_machines_reach_is_refused_without_tokens_and_tls() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let address: SocketAddr = address.parse().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let tokens = || Tokens::read(&private(&scratch, "tokens", &format!("read eyes {READ}\n"))).unwrap();
        for tokens in [None, Some(tokens())] {
            let options = HttpOptions { tokens, ..HttpOptions::open(Listen::Tcp(address)) };
            let refused = super::rig::try_start(options).err().expect("it started");
            assert!(matches!(refused, HttpError::Unguarded(_)), "{refused}");
        }
    }
}

#[test]
fn a_unix_socket_serves_its_owner_and_nobody_else() {
    let rig = Rig::start(|scratch| HttpOptions::open(Listen::Unix(scratch.path().join("control.sock"))));
    let path = rig.scratch.path().join("control.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(rig.server.as_ref().unwrap().address().to_string(), format!("unix:{}", path.display()));
    let socket = UnixStream::connect(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client::new(socket);
    assert_eq!(client.post("/control/subscribe", "", r#"{"type":"TRADE"}"#).status, 202);
    assert_eq!(client.say("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n").reply().unwrap().status, 421);
    drop(rig);
    assert_eq!(client.socket.read(&mut [0; 1]).unwrap_or(0), 0, "it ended");
    assert!(!path.exists(), "and took its file along");
}
