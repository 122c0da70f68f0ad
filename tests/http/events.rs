//! Event streams: lines as they are published, filters, lag told in its place, heartbeats, slow readers, the end.

use std::io::Write;
use std::time::Instant;

use meltica::telemetry::Counter;
use serde_json::Value;

use super::rig::{PATIENCE, Rig};

fn json(line: Option<String>) -> Value {
    serde_json::from_str(&line.expect("a line")).unwrap()
}

#[test]
fn events_come_as_lines_and_the_end_is_told() {
    let mut rig = Rig::open();
    let mut all = rig.connect();
    let reply = all.get("/events?type=trade&type=STATUS.BOOK", "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    let mut one = rig.connect();
    assert_eq!(one.get("/events?type=TRADE&instrument=eth-usdt&market=BINANCE-SPOT", "").status, 200);
    assert_eq!(json(all.line())["types"], serde_json::json!(["TRADE", "STATUS.BOOK"]));
    assert_eq!(
        json(one.line()),
        serde_json::json!({"stream": "open", "types": ["TRADE"], "instruments": ["ETH-USDT"], "markets": ["BINANCE-SPOT"]})
    );
    for at in 0..6 {
        rig.publish(at % 2);
    }
    rig.sequencer = None;
    let mut lines = Vec::new();
    while let Some(line) = all.line() {
        lines.push(serde_json::from_str::<Value>(&line).unwrap());
    }
    let end = lines.pop().unwrap();
    assert_eq!(end, serde_json::json!({"stream": "end", "reason": "the feed has ended"}));
    let keys: Vec<_> = lines.iter().filter_map(|event| event["key"].as_str()).collect();
    let expected: Vec<_> = (0..6).map(|at| format!("{}-USDT:TRADE:{}", ["BTC", "ETH"][at % 2], at / 2 + 1)).collect();
    assert_eq!(keys, expected);
    let mut seqs = Vec::new();
    while let Some(line) = one.line() {
        let event: Value = serde_json::from_str(&line).unwrap();
        seqs.extend(event["seq"].as_u64().inspect(|_| assert_eq!(event["instrument"], "ETH-USDT")));
    }
    assert_eq!(seqs, [1, 2, 3]);
}

#[test]
fn a_stream_without_events_says_so_each_second() {
    let rig = Rig::open();
    let mut stream = rig.connect();
    assert_eq!(stream.get("/events?type=KLINE", "").status, 200);
    assert_eq!(json(stream.line())["stream"], "open");
    let beats = [json(stream.line()), json(stream.line())];
    let times = beats.map(|beat| {
        assert_eq!(beat["stream"], "heartbeat");
        beat["ts"].as_i64().unwrap()
    });
    assert!(times[1] - times[0] >= 1_000_000_000, "{times:?}");
}

/// A reader that does not read: the ring laps it, it is told exactly how much it missed, and when it takes nothing at all it is
/// cut, while the publisher never waits.
#[test]
fn f48_a_slow_reader_is_told_what_it_missed_or_cut_and_nobody_else_notices() {
    let mut rig = Rig::open();
    let (mut slow, mut dead) = (rig.connect(), rig.connect());
    for stream in [&mut slow, &mut dead] {
        assert_eq!(stream.get("/events?type=TRADE", "").status, 200);
        assert_eq!(json(stream.line())["stream"], "open");
    }
    let since = Instant::now();
    let (mut lagged, mut seen, mut expected) = (0, 0, 1);
    // Until both have happened: the ring is small, and sockets hold megabytes.
    let mut published = 0;
    while rig.total(Counter::HttpStreamsCut) == 0 {
        assert!(since.elapsed() < PATIENCE, "no reader was cut");
        for _ in 0..2_000 {
            rig.publish(0);
        }
        published += 2_000;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    rig.sequencer = None;
    // What the slow one finds when it reads at last: events and lags that add up, as far as it was served.
    while let Some(line) = slow.line() {
        let line: Value = serde_json::from_str(&line).unwrap();
        match line["stream"].as_str() {
            None => {
                assert_eq!(line["seq"], expected);
                (seen, expected) = (seen + 1, expected + 1);
            }
            Some("lag") => {
                let (from, to) = (line["from"].as_u64().unwrap(), line["to"].as_u64().unwrap());
                assert_eq!(line["count"], to - from + 1);
                (lagged, expected) = (lagged + to - from + 1, expected + (to - from + 1));
            }
            Some("heartbeat" | "end") => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(lagged > 0, "it was lapped");
    assert!(seen + lagged <= published);
    let since = Instant::now();
    while rig.total(Counter::HttpStreamsCut) < 2 && rig.total(Counter::HttpEventsMissed) == 0 {
        assert!(since.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(rig.total(Counter::HttpEventsMissed) > 0, "and counted");
    let _ = dead.socket.flush();
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    let rig = Rig::open();
    let many: String = (0..257).map(|_| "type=TRADE&").collect();
    let table = [
        ("/events", 400, "http/bad-query"),
        ("/events?instrument=BTC-USDT", 400, "http/bad-query"),
        ("/events?type=TRADE&colour=red", 400, "http/bad-query"),
        ("/events?type=TRADE&instrument=%zz", 400, "http/bad-query"),
        ("/events?type=a%20b", 422, "events/bad-type"),
        ("/events?type=", 422, "events/bad-type"),
        ("/events?type=NO.SUCH", 404, "events/unknown-type"),
        (&format!("/events?{many}"), 400, "http/bad-query"),
    ];
    for (path, status, code) in table {
        let reply = rig.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path}");
    }
    // Asking for types that nobody makes fills no table.
    for at in 0..600 {
        assert_eq!(rig.get(&format!("/events?type=X.N{at}")).status, 404);
    }
    assert_eq!(rig.get("/events?type=X.N0").status, 404);
}
