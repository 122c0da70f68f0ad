//! The table: what is said on a connection, what comes back, and whether the connection lives on.

use meltica::telemetry::Counter;

use super::rig::Rig;

const SUBSCRIBE: &str = "POST /control/subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const GET: &str = "GET /healthz HTTP/1.1\r\n";
const BODY: &str = r#"{"type":"TRADE","consumer":"desk"}"#;

fn length(body: &str) -> String {
    format!("{SUBSCRIBE}Content-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn s04_s05_s07_every_row_is_refused_as_told() {
    let rig = Rig::open();
    let chunked = |chunks: &str| format!("{SUBSCRIBE}Transfer-Encoding: chunked\r\n\r\n{chunks}");
    let get = |lines: &str| format!("{GET}Host: localhost\r\n{lines}\r\n");
    let deep = format!(r#"{{"type":"TRADE","filters":{{"a":{}1{}}}}}"#, "[".repeat(40), "]".repeat(40));
    let keys: String = (0..5_000).map(|at| format!(r#""k{at}":1,"#)).collect();
    let closes = true;
    let lives = false;
    let table: Vec<(&str, String, u16, &str, bool)> = vec![
        // Not HTTP, or HTTP that two readers could read in two ways: 400, and the connection ends.
        ("no HTTP", "hello\r\n\r\n".into(), 400, "http/malformed", closes),
        ("binary", "\x16\x03\x01\x02\0\x01\0".into(), 400, "http/malformed", closes),
        (
            "CL and TE",
            format!("{SUBSCRIBE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
            "http/malformed",
            closes,
        ),
        (
            "CL twice",
            format!("{SUBSCRIBE}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}"),
            400,
            "http/malformed",
            closes,
        ),
        (
            "CL twice, different",
            format!("{SUBSCRIBE}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}"),
            400,
            "http/malformed",
            closes,
        ),
        (
            "TE twice",
            format!("{SUBSCRIBE}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
            400,
            "http/malformed",
            closes,
        ),
        ("another TE", format!("{SUBSCRIBE}Transfer-Encoding: gzip\r\n\r\n"), 400, "http/malformed", closes),
        ("obs-fold", get("X: a\r\n b\r\n"), 400, "http/malformed", closes),
        ("bare LF", format!("{GET}Host: localhost\n\n"), 400, "http/malformed", closes),
        ("bare LF in the middle", get("X: a\nY: b\r\n"), 400, "http/malformed", closes),
        ("bare CR", get("X: a\rY: b\r\n"), 400, "http/malformed", closes),
        ("NUL", get("X: a\0b\r\n"), 400, "http/malformed", closes),
        ("a space before the colon", get("X : a\r\n"), 400, "http/malformed", closes),
        ("no Host", format!("{GET}\r\n"), 400, "http/malformed", closes),
        ("Host twice", get("Host: localhost\r\n"), 400, "http/malformed", closes),
        (
            "a whole URL",
            "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            400,
            "http/malformed",
            closes,
        ),
        (
            "a huge chunk extension",
            chunked(&format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(9_000))),
            400,
            "http/malformed",
            closes,
        ),
        ("a signed chunk size", chunked("+1\r\na\r\n0\r\n\r\n"), 400, "http/malformed", closes),
        ("a trailer", chunked("0\r\nX: y\r\n\r\n"), 400, "http/malformed", closes),
        (
            "a body on a GET",
            format!("{GET}Host: localhost\r\nContent-Length: 2\r\n\r\n{{}}"),
            400,
            "http/malformed",
            closes,
        ),
        ("HTTP/1.0", "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n".into(), 505, "http/version", closes),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505, "http/version", closes),
        // Too much.
        (
            "a long head",
            format!("{GET}Host: localhost\r\nX: {}\r\n\r\n", "x".repeat(9_000)),
            431,
            "http/head-too-large",
            closes,
        ),
        ("many headers", get(&"X: y\r\n".repeat(64)), 431, "http/head-too-large", closes),
        (
            "a long body",
            format!("{SUBSCRIBE}Content-Length: 65537\r\n\r\n{}", "x".repeat(65_537)),
            413,
            "http/body-too-large",
            closes,
        ),
        (
            "an endless body",
            format!("{SUBSCRIBE}Content-Length: 9223372036854775808\r\n\r\n"),
            413,
            "http/body-too-large",
            closes,
        ),
        ("a chunk bomb", chunked("ffffffff\r\n"), 413, "http/body-too-large", closes),
        // Somebody else's page or name.
        ("a foreign Host", format!("{GET}Host: evil.example\r\n\r\n"), 421, "http/wrong-host", lives),
        (
            "a Host that begins like ours",
            format!("{GET}Host: localhost.evil.example\r\n\r\n"),
            421,
            "http/wrong-host",
            lives,
        ),
        ("an Origin", get("Origin: http://evil.example\r\n"), 403, "http/origin", lives),
        ("our own Origin", get("Origin: http://localhost\r\n"), 403, "http/origin", lives),
        ("the null Origin", get("Origin: null\r\n"), 403, "http/origin", lives),
        ("a page's fetch", get("Sec-Fetch-Site: cross-site\r\n"), 403, "http/origin", lives),
        (
            "a preflight",
            "OPTIONS /control/subscribe HTTP/1.1\r\nHost: localhost\r\nOrigin: http://e\r\n\r\n".into(),
            403,
            "http/origin",
            lives,
        ),
        // The wrong thing.
        ("another path", "GET /etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 404, "http/unknown-path", lives),
        (
            "a path in disguise",
            "GET /%68ealthz HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            404,
            "http/unknown-path",
            lives,
        ),
        ("another method", "DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 405, "http/method", lives),
        (
            "a query where none is",
            "GET /healthz?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            400,
            "http/bad-query",
            lives,
        ),
        (
            "a form",
            length("a=b").replace("application/json", "application/x-www-form-urlencoded"),
            415,
            "http/content-type",
            closes,
        ),
        ("plain text", length(BODY).replace("application/json", "text/plain"), 415, "http/content-type", closes),
        ("no type", length(BODY).replace("Content-Type: application/json\r\n", ""), 415, "http/content-type", closes),
        ("another expectation", get("Expect: miracle\r\n"), 417, "http/expectation", closes),
        // JSON.
        ("no JSON", length("{"), 400, "control/bad-command", lives),
        ("no body", length(""), 400, "control/bad-command", lives),
        ("deep JSON", length(&deep), 400, "control/bad-command", lives),
        ("the deepest JSON", length(&"[".repeat(65_000)), 400, "control/bad-command", lives),
        ("many keys", length(&format!(r#"{{{keys}"type":"TRADE"}}"#)), 400, "control/bad-command", lives),
        (
            "a huge number",
            length(&format!(r#"{{"type":"TRADE","filters":{{"price":{}}}}}"#, "9".repeat(60_000))),
            400,
            "control/bad-command",
            lives,
        ),
        ("a key twice", length(r#"{"type":"TRADE","type":"KLINE"}"#), 400, "control/bad-command", lives),
        (
            "a filter twice",
            length(r#"{"type":"TRADE","filters":{"market":"A","market":"B"}}"#),
            400,
            "control/bad-command",
            lives,
        ),
        ("an unknown key", length(r#"{"type":"TRADE","verb":"subscribe"}"#), 400, "control/bad-command", lives),
        ("a missing key", length(r#"{"consumer":"desk"}"#), 400, "control/bad-command", lives),
        ("a wrong kind", length(r#"{"type":7}"#), 400, "control/bad-command", lives),
        ("a negative lease", length(r#"{"type":"TRADE","leaseSeconds":-1}"#), 400, "control/bad-command", lives),
        ("a consumer's name", length(r#"{"type":"TRADE","consumer":"a b"}"#), 422, "control/bad-consumer", lives),
        ("a reserved name", length(r#"{"type":"TRADE","consumer":"config"}"#), 422, "control/bad-consumer", lives),
    ];
    for (name, said, status, code, closes) in &table {
        let mut client = rig.connect();
        let reply = client.say(said).reply().unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!((reply.status, reply.code().as_str()), (*status, *code), "{name}: {}", reply.body);
        assert_eq!(reply.closed, *closes, "{name}: {reply:?}");
        assert!(reply.body.len() < 600, "{name}: a short answer to a long request");
        for forbidden in ["access-control-allow-origin", "set-cookie", "location"] {
            assert_eq!(reply.header(forbidden), None, "{name}");
        }
        if !closes {
            assert_eq!(client.get("/healthz", "").status, 200, "{name}: the connection lives on");
        }
    }
    assert!(rig.heard.lock().unwrap().is_empty(), "nothing of it reached the control duty");
    assert_eq!(rig.total(Counter::HttpRefused), table.len() as u64, "each is counted");
    assert_eq!(rig.get("/healthz").status, 200);
}

#[test]
fn s05_what_is_smuggled_behind_a_refused_request_is_never_read() {
    let rig = Rig::open();
    let smuggled = length(r#"{"type":"TRADE","consumer":"smuggler"}"#);
    for front in [
        format!("{SUBSCRIBE}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{SUBSCRIBE}Content-Length: 0\r\nContent-Length: {}\r\n\r\n", smuggled.len()),
        format!("{GET}Host: localhost\r\nContent-Length: {}\r\n\r\n", smuggled.len()),
        format!("{SUBSCRIBE}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n"),
    ] {
        let mut client = rig.connect();
        let reply = client.say(format!("{front}{smuggled}")).reply().unwrap();
        assert_eq!((reply.status, reply.closed), (400, true), "{front}");
        assert!(client.reply().is_none(), "{front}: a second answer");
    }
    assert!(rig.heard.lock().unwrap().is_empty());
}

#[test]
fn requests_one_after_another_are_answered_in_order() {
    let rig = Rig::open();
    let mut client = rig.connect();
    // In one write, the second one's body in chunks, the first after the server says that it may.
    client.say(format!("{}{SUBSCRIBE}Transfer-Encoding: chunked\r\n\r\n4\r\n{{\"ty\r\nd\r\npe\":\"KLINE\"}} \r\n0\r\n\r\n{GET}Host: [::1]:1\r\n\r\n", length(BODY)));
    let replies = [client.reply().unwrap(), client.reply().unwrap(), client.reply().unwrap()];
    assert_eq!(replies.clone().map(|reply| reply.status), [202, 202, 200], "{replies:?}");
    assert_eq!(replies[1].json()["type"], "KLINE");
    let head = format!("{SUBSCRIBE}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", BODY.len());
    assert_eq!(client.say(head).reply().unwrap().status, 100);
    assert_eq!(client.say(BODY).reply().unwrap().status, 200, "a repeat");
    let last = client.get("/healthz", "Connection: close\r\n");
    assert!(last.closed);
    assert!(client.reply().is_none());
}
