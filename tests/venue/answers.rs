//! Control messages, handshakes and REST requests that are answered wrongly, as a client sees them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use meltica::sim::venue::{AnswerFault, HandshakeFault, RestFault, Venue, VenueFault};
use serde_json::json;
use tungstenite::Message;

use crate::client::{PATIENCE, Socket, ask, connect, get, text, until, venue};

fn answers(venue: &Venue, how: AnswerFault, count: u32) {
    venue.inject(VenueFault::Answers { how, count, by: Duration::from_millis(300) });
    std::thread::sleep(Duration::from_millis(100));
}

fn say(socket: &mut Socket, id: u64, stream: &str) {
    let message = json!({"method": "SUBSCRIBE", "params": [stream], "id": id}).to_string();
    socket.send(Message::text(message)).unwrap();
}

#[test]
fn acknowledgements_are_missing_late_doubled_for_another_or_errors_and_then_right_again() {
    let venue = venue(|options| options.exchange.events_per_second = 1_000.0);
    let streams = |venue: &Venue| venue.stats().sessions[0].streams.len();
    for how in AnswerFault::ALL {
        let mut socket = connect(venue.address(), "/ws");
        answers(&venue, *how, 1);
        let begun = Instant::now();
        say(&mut socket, 7, "nosuch@trade");
        let done = r#"{"result":null,"id":7}"#;
        match how {
            AnswerFault::Missing => {
                until("it is subscribed", || streams(&venue) == 1);
            }
            AnswerFault::Late => {
                assert_eq!(text(&mut socket), done);
                assert!(begun.elapsed() >= Duration::from_millis(300));
            }
            AnswerFault::Twice => assert_eq!([text(&mut socket), text(&mut socket)], [done, done]),
            AnswerFault::WrongId => {
                let answer = text(&mut socket);
                assert!(answer.starts_with(r#"{"result":null,"id":4000"#), "{answer}");
            }
            AnswerFault::Error | AnswerFault::ErrorWithoutId => {
                let answer: serde_json::Value = serde_json::from_str(&text(&mut socket)).unwrap();
                assert_eq!(answer["code"], 2);
                assert_eq!(answer.get("id").is_some(), *how == AnswerFault::Error);
                assert_eq!(streams(&venue), 0, "nothing was done");
            }
            AnswerFault::Garbage => assert!(serde_json::from_str::<serde_json::Value>(&text(&mut socket)).is_err()),
        }
        let listing = r#"{"method":"LIST_SUBSCRIPTIONS","id":8}"#;
        assert_eq!(ask(&mut socket, listing)["id"], 8, "{how:?}: the next one is right");
        drop(socket);
        until("the session is gone", || venue.stats().sessions.is_empty());
    }
}

/// What comes back on a new connection, until its end, or until so many bytes or so much time.
fn exchange(
    address: SocketAddr,
    request: &str,
    bytes_max: usize,
    within: Duration,
) -> (Vec<u8>, Option<std::io::ErrorKind>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(within)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    let begun = Instant::now();
    while bytes.len() < bytes_max && begun.elapsed() < within {
        match stream.read(&mut chunk) {
            Ok(0) => return (bytes, None),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(fault) => return (bytes, Some(fault.kind())),
        }
    }
    (bytes, Some(std::io::ErrorKind::TimedOut))
}

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// The key that belongs to it (RFC 6455 section 1.3): also the one that a wrong answer gives to others.
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[test]
fn handshakes_are_answered_in_every_wrong_way_and_no_session_comes_of_it() {
    let venue = venue(|options| options.limits.request_within = Duration::from_millis(1_500));
    for how in HandshakeFault::ALL {
        let lasts = Duration::from_secs(600);
        venue.inject(VenueFault::Handshake { how: *how, lasts });
        std::thread::sleep(Duration::from_millis(50));
        let request =
            if *how == HandshakeFault::WrongAccept { UPGRADE.replace("dGhl", "eGhl") } else { UPGRADE.to_owned() };
        let (bytes, end) = exchange(venue.address(), &request, 1 << 20, PATIENCE);
        let (answer, starts) = (String::from_utf8_lossy(&bytes), |head: &str| bytes.starts_with(head.as_bytes()));
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        let holds = match how {
            HandshakeFault::Forbidden => starts("HTTP/1.1 403 ") && answer.ends_with("</html>\r\n"),
            HandshakeFault::TooMany => starts("HTTP/1.1 429 ") && head.contains("Retry-After: 1"),
            HandshakeFault::Legal => starts("HTTP/1.1 451 "),
            HandshakeFault::Unavailable => starts("HTTP/1.1 503 "),
            HandshakeFault::Redirect => starts("HTTP/1.1 301 ") && head.contains("Location: ws://"),
            HandshakeFault::NoUpgrade => starts("HTTP/1.1 200 "),
            HandshakeFault::WrongAccept => starts("HTTP/1.1 101 ") && head.contains(ACCEPT),
            HandshakeFault::NoAccept => starts("HTTP/1.1 101 ") && !head.contains("Accept"),
            HandshakeFault::Extension => head.contains(ACCEPT) && head.contains("permessage-deflate"),
            HandshakeFault::LongHeader => head.len() > 64 << 10 && head.contains(ACCEPT),
            HandshakeFault::HeaderFlood => bytes.len() >= 1 << 20 && !answer.contains("\r\n\r\n"),
            HandshakeFault::Slow => (1..20).contains(&bytes.len()) && starts("H"),
            HandshakeFault::Silent => bytes.is_empty() && end.is_none(),
            HandshakeFault::NotHttp => starts("SSH-2.0"),
            HandshakeFault::Reset => bytes.is_empty() && end.is_some(),
        };
        assert!(holds, "{how:?}: {end:?} {:?}", &answer[..answer.len().min(400)]);
        assert!(venue.stats().sessions.is_empty() && venue.stats().websockets == 0, "{how:?}");
    }
    assert_eq!(venue.stats().handshakes_refused, HandshakeFault::ALL.len() as u64);
    venue.inject(VenueFault::Handshake { how: HandshakeFault::Silent, lasts: Duration::ZERO });
    std::thread::sleep(Duration::from_millis(50));
    connect(venue.address(), "/ws");
}

#[test]
fn rest_is_answered_in_every_wrong_way_where_it_is_meant_and_nowhere_else() {
    let venue = venue(|options| options.limits.request_within = Duration::from_millis(1_500));
    let request = "GET /api/v3/depth?symbol=BTCUSDT&limit=5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for how in RestFault::ALL {
        let (lasts, routes) = (Duration::from_secs(600), vec!["depth".to_owned()]);
        venue.inject(VenueFault::BadRest { how: *how, lasts, routes });
        std::thread::sleep(Duration::from_millis(50));
        let (bytes, end) = exchange(venue.address(), request, 4 << 20, PATIENCE);
        let (answer, starts) = (String::from_utf8_lossy(&bytes), |head: &str| bytes.starts_with(head.as_bytes()));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let length = || -> usize {
            let line = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")).unwrap();
            line.parse().unwrap()
        };
        let sound =
            |body: &str| serde_json::from_str::<serde_json::Value>(body).is_ok_and(|b| b["lastUpdateId"].is_u64());
        let holds = match how {
            RestFault::Redirect => starts("HTTP/1.1 302 ") && head.contains("Location: http://127.0.0.1:1/"),
            RestFault::Page => starts("HTTP/1.1 200 ") && body.starts_with("<html>"),
            RestFault::Empty => starts("HTTP/1.1 200 ") && body.is_empty() && length() == 0,
            RestFault::LongLength => sound(body) && length() > body.len(),
            RestFault::ShortLength => sound(body) && length() < body.len(),
            RestFault::BadChunks => head.contains("chunked") && body.starts_with("zz\r\n"),
            RestFault::Chunked => {
                let letters: String = body.split("\r\n").skip(1).step_by(2).collect();
                head.contains("chunked") && sound(&letters)
            }
            RestFault::Gzip => head.contains("Content-Encoding: gzip") && bytes.windows(2).any(|w| w == [0x1f, 0x8b]),
            RestFault::GzipBomb => head.contains("Content-Encoding: gzip") && (1_000..1 << 20).contains(&bytes.len()),
            RestFault::Endless => bytes.len() >= 4 << 20 && !head.contains("Content-Length"),
            RestFault::HeaderFlood => bytes.len() >= 4 << 20 && !answer.contains("\r\n\r\n"),
            RestFault::SlowBody => (1..12).contains(&body.len()) && length() > body.len(),
            RestFault::Reset => end == Some(std::io::ErrorKind::ConnectionReset) || body.len() < length(),
            RestFault::NotHttp => starts("hello"),
            RestFault::Busy => starts("HTTP/1.1 503 ") && body.contains("-1008"),
            RestFault::Banned => starts("HTTP/1.1 418 ") && head.contains("Retry-After: 2"),
            RestFault::NoWeight => sound(body) && !head.contains("x-mbx-used-weight"),
            RestFault::ForeignWeight => sound(body) && head.contains("x-mbx-used-weight-1m: 5900"),
        };
        assert!(holds, "{how:?}: {end:?} {:?}", &answer[..answer.len().min(400)]);
        assert_eq!(get(venue.address(), "/api/v3/time").status, 200, "{how:?}");
    }
    assert_eq!(venue.stats().panics, 0);
}
