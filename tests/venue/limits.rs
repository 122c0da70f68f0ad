//! What the venue does not let its clients exceed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use tungstenite::Message;

use crate::client::{PATIENCE, Socket, ask, connect, get, http, try_connect, until, venue};

/// Reads until the session ends; gives the close code, if there was one.
fn end_of(socket: &mut Socket) -> Option<u16> {
    loop {
        match socket.read() {
            Ok(Message::Close(frame)) => return frame.map(|f| f.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[test]
fn a_sixth_message_within_a_second_ends_the_session() {
    let venue = venue(|_| {});
    let mut socket = connect(venue.address(), "/ws");
    for id in 0..8 {
        let message = json!({"method": "LIST_SUBSCRIPTIONS", "id": id}).to_string();
        if socket.send(Message::text(message)).is_err() {
            break;
        }
    }
    assert_eq!(end_of(&mut socket), Some(1008));
    assert_eq!(venue.stats().exceeded.messages, 1);
}

#[test]
fn a_connection_has_1024_streams_at_most() {
    let venue = venue(|_| {});
    let mut socket = connect(venue.address(), "/ws");
    let names: Vec<String> = (0..1_024).map(|n| format!("x{n}usdt@trade")).collect();
    let all = json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string();
    assert_eq!(ask(&mut socket, &all), json!({"result": null, "id": 1}));
    let again = json!({"method": "SUBSCRIBE", "params": names[..2], "id": 2}).to_string();
    assert_eq!(ask(&mut socket, &again), json!({"result": null, "id": 2}));
    assert_eq!(venue.stats().exceeded.streams, 0);
    let more = r#"{"method":"SUBSCRIBE","params":["one@trade"],"id":3}"#;
    assert_eq!(ask(&mut socket, more)["code"], 2);
    assert_eq!(venue.stats().exceeded.streams, 1);
    assert_eq!(venue.stats().sessions[0].streams.len(), 1_024);
}

#[test]
fn attempts_are_limited_by_address() {
    let venue = venue(|options| options.limits.attempts_max = 3);
    let sockets: Vec<Socket> = (0..3).map(|_| connect(venue.address(), "/ws")).collect();
    assert!(try_connect(venue.address(), "/ws").unwrap_err().contains("429"));
    assert_eq!((sockets.len(), venue.stats().exceeded.attempts), (3, 1));
}

#[test]
fn who_does_not_answer_pings_is_cut_off_and_who_does_is_not() {
    let venue = venue(|options| {
        options.limits.ping_every = Duration::from_millis(100);
        options.limits.pong_within = Duration::from_millis(700);
        options.limits.messages_per_second = 50;
    });
    let mut good = connect(venue.address(), "/ws");
    let bad = connect(venue.address(), "/ws");
    let mut pings = 0;
    while pings < 20 {
        if let Message::Ping(payload) = good.read().unwrap() {
            assert!(payload.iter().all(u8::is_ascii_digit));
            pings += 1;
        }
    }
    until("the mute one is cut off", || venue.stats().exceeded.pongs == 1);
    until("the other stays", || venue.stats().sessions.len() == 1);
    assert_eq!(venue.stats().sessions[0].peer, good.get_ref().local_addr().unwrap());
    drop(bad);
}

#[test]
fn a_session_has_an_age() {
    let venue = venue(|options| options.limits.max_age = Duration::from_millis(300));
    let mut socket = connect(venue.address(), "/ws/btcusdt@trade");
    assert_eq!(end_of(&mut socket), Some(1001));
}

#[test]
fn a_slow_reader_is_cut_off_and_disturbs_nobody() {
    let venue = venue(|options| {
        options.exchange.events_per_second = 5_000.0;
        options.outbox_frames_max = 64;
    });
    let slow =
        connect(venue.address(), "/ws/btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade/btcusdt@depth20@100ms");
    socket_buffers(&slow);
    let mut quick = connect(venue.address(), "/ws/ethusdt@trade");
    until("the slow one is cut off", || {
        quick.read().unwrap();
        venue.stats().slow_readers == 1
    });
    until("its subscriptions are gone", || venue.stats().sessions.len() == 1);
    quick.read().unwrap();
}

/// So small that the kernel soon holds no more.
fn socket_buffers(socket: &Socket) {
    socket2::SockRef::from(socket.get_ref()).set_recv_buffer_size(4_096).unwrap();
}

#[test]
fn weight_is_counted_refused_with_429_and_banned_with_418() {
    let venue = venue(|options| {
        options.limits.weight_max = 60;
        options.limits.weight_window = Duration::from_secs(86_400 * 365 * 100);
        options.limits.impatience_max = 3;
    });
    let depth = |limit| get(venue.address(), &format!("/api/v3/depth?symbol=BTCUSDT&limit={limit}"));
    for (limit, used) in [(100, "5"), (500, "30"), (101, "55"), (1, "60")] {
        let answer = depth(limit);
        assert_eq!((answer.status, answer.header("X-MBX-USED-WEIGHT-1M")), (200, Some(used)), "{answer:?}");
    }
    let refused = get(venue.address(), "/api/v3/ping");
    assert_eq!((refused.status, refused.json()["code"].as_i64()), (429, Some(-1003)));
    assert!(refused.header("Retry-After").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!((venue.stats().exceeded.weight, venue.stats().exceeded.patience), (1, 0));
    for _ in 0..3 {
        assert_eq!(get(venue.address(), "/api/v3/ping").status, 429);
    }
    let banned = get(venue.address(), "/api/v3/ping");
    assert_eq!((banned.status, banned.header("Retry-After")), (418, Some("120")));
    assert_eq!(get(venue.address(), "/api/v3/time").status, 418);
    assert_eq!(venue.stats().bans, 1);
}

#[test]
fn what_is_no_request_is_refused_within_bounds() {
    let venue = venue(|options| options.limits.request_within = Duration::from_millis(300));
    assert_eq!(http(venue.address(), "what is this\r\n\r\n").status, 400);
    let long = format!("GET /api/v3/ping HTTP/1.1\r\nX: {}", "a".repeat(17 << 10));
    assert_eq!(http(venue.address(), &long).status, 431);
    assert_eq!(http(venue.address(), "GET /api/v3/ping HTTP/1.1\r\nHo").status, 408);
    let mut silent = TcpStream::connect(venue.address()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(silent.read(&mut [0; 8]).unwrap(), 0, "a silent connection is closed");
    assert_eq!(venue.stats().bad_requests, 3);
    let mut early = TcpStream::connect(venue.address()).unwrap();
    early.write_all(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").unwrap();
    until("a handshake without a version is refused", || venue.stats().handshakes_refused == 1);
}
