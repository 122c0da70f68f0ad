//! The OpenAPI document is true: every route and status in it is met on a real socket with a body of the documented schema, and
//! the server answers nothing that is not in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::rig::{ADMIN, Client, READ, Rig, wish};
use super::schema::{faults, resolve};
use meltica::schema::command::ControlCode;

/// Which statuses were met, by method and path.
struct Met<'a> {
    document: &'a Value,
    seen: BTreeMap<(String, String), BTreeSet<u16>>,
}

impl Met<'_> {
    /// Holds an answer against the document.
    fn meet(&mut self, method: &str, path: &str, reply: &super::rig::Reply) {
        let bare = path.split('?').next().unwrap();
        let operation = &self.document["paths"][bare][method.to_lowercase()];
        let status = reply.status.to_string();
        let documented = operation["responses"].get(&status);
        let documented =
            documented.unwrap_or_else(|| panic!("{method} {path} answered {status}, which is not documented"));
        let documented = resolve(self.document, documented);
        let kind = reply.header("content-type").unwrap();
        let schema = &documented["content"][kind]["schema"];
        assert!(!schema.is_null(), "{method} {path} {status}: {kind} is not documented");
        if kind == "application/json" {
            let found = faults(self.document, schema, &reply.json());
            assert!(found.is_empty(), "{method} {path} {status}: {found:?} in {}", reply.body);
        }
        for header in documented["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            // Of several causes of a status some have nothing to say when.
            if !(status == "503" || status == "429") {
                assert!(reply.header(header).is_some(), "{method} {path} {status}: {header} is missing");
            }
        }
        self.seen.entry((method.to_owned(), bare.to_owned())).or_default().insert(reply.status);
    }
}

/// Paths that ask nothing of the control duty.
const ALONE: [&str; 3] = ["/healthz", "/events", "/openapi.json"];

#[test]
fn the_document_says_what_the_server_does() {
    let mut rig = Rig::guarded();
    let admin = format!("Authorization: Bearer {ADMIN}\r\n");
    let document = rig.connect().get("/openapi.json", &admin).json();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut met = Met { document: &document, seen: BTreeMap::new() };
    let methods = |path: &str| document["paths"][path].as_object().unwrap().keys().map(|method| method.to_uppercase());
    let paths = document["paths"].as_object().unwrap().keys();
    let operations: Vec<(String, String)> =
        paths.flat_map(|path| methods(path).map(|method| (method, path.clone()))).collect();
    assert_eq!(operations.len(), 12);
    for (method, path) in &operations {
        // Of its own for each: ten wrong tokens in all would end the others.
        provoke(&Rig::guarded(), &mut met, method, path, &admin);
    }
    // What takes the control duty to be slow, or gone.
    let asking: Vec<_> = operations.iter().filter(|(_, path)| !ALONE.contains(&path.as_str())).collect();
    rig.pause_duty();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let ask = |(method, path): &(String, String)| request(&mut rig.connect(), method, path, &admin);
        let asked: Vec<_> = asking.iter().map(|operation| scope.spawn(move || ask(operation))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ((method, path), reply) in asking.iter().zip(&replies) {
        assert_eq!(reply.status, 504, "{path}");
        met.meet(method, path, reply);
    }
    rig.end_duty();
    for (method, path) in &asking {
        let reply = request(&mut rig.connect(), method, path, &admin);
        assert_eq!(reply.status, 503, "{path}");
        met.meet(method, path, &reply);
    }
    lock_out(&rig, &mut met, &operations);
    everything_was_met(&met, &operations);
}

fn said(method: &str, path: &str, headers: &str) -> String {
    match method {
        "GET" => {
            let query = if path == "/events" { "?type=TRADE" } else { "" };
            format!("GET {path}{query} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
        }
        _ => {
            let body = r#"{"type":"TRADE","consumer":"desk","filters":{}}"#;
            let length = body.len();
            let json = "Content-Type: application/json\r\n";
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{json}{headers}Content-Length: {length}\r\n\r\n{body}")
        }
    }
}

fn request(client: &mut Client<std::net::TcpStream>, method: &str, path: &str, headers: &str) -> super::rig::Reply {
    client.say(said(method, path, headers)).reply().expect("an answer")
}

/// Meets every status of an operation that takes no special state of the server.
fn provoke(rig: &Rig, met: &mut Met<'_>, method: &str, path: &str, admin: &str) {
    let mut meet = |said: String| {
        let reply = rig.connect().say(&said).reply().unwrap_or_else(|| panic!("no answer to {said}"));
        met.meet(method, path, &reply);
    };
    meet(said(method, path, admin));
    let _ = request(&mut rig.connect(), "POST", "/control/subscribe", admin);
    meet(said(method, path, admin));
    meet(said(method, path, admin));
    // Twice the same header; a page; a wrong name; a wrong version; a long head; a long body; a wish; a token of no use.
    meet(said(method, path, &format!("{admin}Host: localhost\r\n")));
    meet(said(method, path, &format!("{admin}Origin: http://localhost\r\n")));
    meet(said(method, path, admin).replace("Host: localhost", "Host: evil.example"));
    meet(said(method, path, admin).replace("HTTP/1.1", "HTTP/1.0"));
    meet(said(method, path, &format!("{admin}X: {}\r\n", "x".repeat(8 << 10))));
    meet(said(method, path, &format!("{admin}Expect: miracle\r\n")));
    meet(said(method, path, "Authorization: none\r\n"));
    let long = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{admin}Content-Length: 70000\r\n\r\n");
    meet(long);
    if method == "POST" {
        let post = |body: &str| {
            let json = "Content-Type: application/json\r\n";
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{json}{admin}Content-Length: {length}\r\n\r\n{body}")
        };
        for code in ControlCode::ALL {
            meet(post(&format!(r#"{{"type":"{}","filters":{{}}}}"#, wish(*code))));
        }
        meet(post(r#"{"type":"TRADE","consumer":"-fresh","filters":{}}"#));
        meet(said(method, path, admin).replace("application/json", "text/plain"));
    }
    if path == "/events" {
        for query in ["type=NO.SUCH", "type=a%20b", "colour=red"] {
            meet(format!("GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n{admin}\r\n"));
        }
    }
}

fn lock_out(rig: &Rig, met: &mut Met<'_>, operations: &[(String, String)]) {
    for _ in 0..10 {
        let _ = rig.get("/status");
    }
    for (method, path) in operations {
        let token = format!("Authorization: Bearer {READ}\r\n");
        let reply = request(&mut rig.connect(), method, path, &token);
        assert_eq!(reply.status, 429, "{path}");
        met.meet(method, path, &reply);
    }
}

/// Every documented status was met, but for those that take a machine in trouble.
fn everything_was_met(met: &Met<'_>, operations: &[(String, String)]) {
    // Slow requests (408) are met in `bounds.rs`, and so are full houses (503), which any path may meet.
    let elsewhere = |status: &str| status == "408" || status == "503";
    let mut missing = Vec::new();
    for (method, path) in operations {
        let seen = met.seen.get(&(method.clone(), path.clone())).cloned().unwrap_or_default();
        let documented = met.document["paths"][path][method.to_lowercase()]["responses"].as_object().unwrap();
        let unseen = documented.keys().filter(|status| !seen.contains(&status.parse().unwrap()) && !elsewhere(status));
        missing.extend(unseen.map(|status| format!("{method} {path} {status}")));
    }
    assert!(missing.is_empty(), "documented and never met: {missing:?}");
}

#[test]
fn references_lead_somewhere_and_every_path_is_served() {
    let rig = Rig::open();
    let document = rig.get("/openapi.json").json();
    fn walk(document: &Value, at: &Value) {
        match at {
            Value::Object(entries) => {
                let _ = resolve(document, at);
                entries.values().for_each(|below| walk(document, below));
            }
            Value::Array(items) => items.iter().for_each(|below| walk(document, below)),
            _ => {}
        }
    }
    walk(&document, &document);
    for path in document["paths"].as_object().unwrap().keys() {
        // A method that no path has: 405 where there is a path, with what it takes.
        let reply = rig.connect().say(format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).reply().unwrap();
        assert_eq!(reply.status, 405, "{path}");
        let allowed = reply.header("allow").unwrap().to_lowercase();
        assert_eq!(document["paths"][path].as_object().unwrap().keys().collect::<Vec<_>>(), [&allowed], "{path}");
        assert_eq!(
            reply.json(),
            json!({"error": {"code": "http/method", "message": format!("{path} takes {} alone", allowed.to_uppercase())}})
        );
    }
}
