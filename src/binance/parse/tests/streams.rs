//! Purpose: what the parser promises of the frames of streams. Owns: tables of frames. Thread: a test's. Takes and gives: nothing.
//! Never: needs a capture.

use super::super::{Cause, ParsedFrame};
use super::desk::{Desk, SPOT, USDM};
use crate::schema::frame::Origin;
use crate::schema::id::{ConnectionId, InstrumentId, TraceId};
use crate::schema::layout::slot_index;
use crate::schema::raw::{Level, Value, mark};
use crate::schema::topic::StreamKind;
use crate::telemetry::Counter;

const DIFF: &str = r#""e":"depthUpdate","E":1,"s":"BTCUSDT","U":5,"u":6,"b":[["1.50","2"]],"a":[]"#;

fn diff(fields: &str) -> String {
    format!(r#"{{"stream":"btcusdt@depth@100ms","data":{{{fields}}}}}"#)
}

#[test]
fn a_diff_is_read_whole() {
    let mut desk = Desk::new();
    let body = r#""U":5,"e":"depthUpdate","E":1,"T":2,"s":"btcusdt","u":6,"pu":-1,"b":[["1.50","0.0"]],"a":[["2","3.25",[]]],"new":{"k":[1,"x"]}"#;
    let frame = diff(body);
    let mut checked = 0;
    let parsed = desk.parse(USDM, Origin::Combined, frame.as_bytes(), |raw| {
        let slot = |key| raw.get(crate::schema::layout::slot_of(StreamKind::DepthDiff, key).unwrap());
        assert_eq!((slot("U"), slot("u"), slot("pu")), (Value::Int(5), Value::Int(6), Value::Int(-1)));
        assert_eq!((slot("s"), slot("e")), (Value::Text("BTCUSDT"), Value::Text("depthUpdate")));
        assert_eq!((slot("ps"), slot("st")), (Value::Absent, Value::Absent));
        assert_eq!(raw.bids(), [Level { price: 15, quantity: 0 }]);
        assert_eq!(raw.asks(), [Level { price: 20, quantity: 325 }]);
        assert_eq!(raw.unknown().collect::<Vec<_>>(), [("new", r#"{"k":[1,"x"]}"#)]);
        let head = raw.header;
        assert_eq!((head.connection, head.number, head.receive, head.ingress_ns), (3, 11, 77, 9));
        assert_eq!(head.trace(), TraceId::of_frame(5, ConnectionId(3), 11));
        checked += 1;
    });
    assert_eq!((parsed, checked), (Ok(ParsedFrame::Data { raws: 1, malformed: 0 }), 1));
    assert_eq!(desk.count([Counter::FramesIn, Counter::RawParsed, Counter::FramesMalformed]), [1, 1, 0]);
}

#[test]
fn unknown_keys_beyond_what_an_event_carries_are_counted() {
    let mut desk = Desk::new();
    let many: String = (0..1_100).map(|n| format!(r#","x{n}":{n}"#)).collect();
    let frame = diff(&format!("{DIFF}{many}"));
    let mut carried = 0;
    let parsed = desk.parse(USDM, Origin::Combined, frame.as_bytes(), |raw| carried = raw.unknown().count());
    assert_eq!(parsed.map(|_| carried), Ok(1_024));
    assert_eq!(desk.count([Counter::UnknownFieldsUncarried]), [1_100 - 1_024]);
}

/// faults.md F07, F41: the frame is dropped and counted, and the book is told.
#[test]
fn a_malformed_diff_opens_a_gap() {
    let swap = |from: &str, to: &str| diff(&DIFF.replacen(from, to, 1));
    let table: Vec<(String, Cause)> = vec![
        (diff(DIFF)[..60].to_owned(), Cause::Syntax),
        (diff(DIFF) + "x", Cause::Syntax),
        (swap("\"U\":5", "\"U\":05"), Cause::Syntax),
        (swap("\"U\":5", "\"U\":NaN"), Cause::Syntax),
        (swap("\"U\":5", "\"U\":Infinity"), Cause::Syntax),
        (swap("\"U\":5", "\"U\":+5"), Cause::Syntax),
        (swap("\"a\":[]", "\"a\":[],"), Cause::Syntax),
        (swap("\"a\":[]", &format!("\"x\":{}{}", "[".repeat(40), "]".repeat(40))), Cause::Syntax),
        (swap("\"U\":5", "\"U\":5.0"), Cause::NotExact),
        (swap("\"U\":5", "\"U\":5e0"), Cause::NotExact),
        (swap("\"U\":5", "\"U\":-0"), Cause::NotExact),
        (swap("\"U\":5", "\"U\":9223372036854775808"), Cause::NotExact),
        (swap("\"U\":5", "\"U\":18446744073709551616"), Cause::NotExact),
        (swap("\"U\":5", "\"U\":-1"), Cause::NegativeId),
        (swap("\"U\":5", "\"U\":\"5\""), Cause::WrongType),
        (swap("\"U\":5", "\"U\":null"), Cause::WrongType),
        (swap("\"U\":5", "\"U\":5,\"U\":5"), Cause::DuplicateKey),
        (swap("\"a\":[]", "\"a\":[],\"a\":[]"), Cause::DuplicateKey),
        (swap("\"U\":5,", ""), Cause::MissingField),
        (swap(",\"a\":[]", ""), Cause::MissingField),
        (swap("\"a\":[]", "\"a\":null"), Cause::WrongType),
        (swap("\"a\":[]", "\"a\":{}"), Cause::WrongType),
        (swap("\"2\"", "2"), Cause::BadLevel),
        (swap("\"2\"", "\"2\",0"), Cause::BadLevel),
        (swap("\"2\"", "\"2\",[1]"), Cause::BadLevel),
        (swap("\"2\"", "\"2\",[],[]"), Cause::BadLevel),
        (swap(",\"2\"", ""), Cause::BadLevel),
        (swap("\"2\"", "\"-2\""), Cause::BadLevel),
        (swap("[\"1.50\",\"2\"]", "\"1.50\""), Cause::BadLevel),
        (swap("\"2\"", "\"NaN\""), Cause::BadDecimal),
        (swap("\"2\"", "\"1e3\""), Cause::BadDecimal),
        (swap("\"2\"", "\"-0\""), Cause::BadDecimal),
        (swap("\"2\"", "\"02\""), Cause::BadDecimal),
        (swap("\"2\"", "\"\""), Cause::BadDecimal),
        (swap("\"2\"", "\"2.\""), Cause::BadDecimal),
        (swap("\"2\"", "\"9223372036854775808\""), Cause::DecimalOverflow),
        (swap("[\"1.50\",\"2\"]", "[\"1\",\"9000000000000000000\"],[\"1\",\"0.1\"]"), Cause::DecimalOverflow),
        (swap("BTCUSDT", "ETHUSDT"), Cause::SymbolMismatch),
        (diff(DIFF).replace("\"data\":", "\"date\":"), Cause::NotWrapped),
        (diff(DIFF).replace("{\"e\"", "{\"data\":1,\"e\"").replace("}}", "},\"data\":{}}"), Cause::DuplicateKey),
    ];
    let mut desk = Desk::new();
    let (good, _) = desk.combined(SPOT, &diff(DIFF));
    assert_eq!(good, Ok(ParsedFrame::Data { raws: 1, malformed: 0 }));
    for (at, (json, cause)) in table.iter().enumerate() {
        let (parsed, seen) = desk.combined(SPOT, json);
        assert_eq!(parsed.map_err(|e| e.cause), Err(*cause), "{json}");
        assert_eq!(seen, [(StreamKind::Lost, "BTCUSDT".to_owned())], "{json}");
        let told = at as u64 + 1;
        assert_eq!(desk.count([Counter::FramesMalformed, Counter::BookFramesLost]), [told, told], "{json}");
    }
    let overflows = table.iter().filter(|(_, c)| *c == Cause::DecimalOverflow).count() as u64;
    assert_eq!(desk.count([Counter::DecimalOverflow]), [overflows]);
    let mut invalid = diff(DIFF).into_bytes();
    let at = invalid.iter().position(|b| *b == b'T').unwrap();
    invalid[at] = 0xff;
    assert_eq!(desk.bytes(SPOT, &invalid).1, [(StreamKind::Lost, "BTCUSDT".to_owned())]);
}

#[test]
fn a_broken_frame_of_a_book_nobody_knows_admits_nothing() {
    let mut desk = Desk::new();
    let (parsed, seen) = desk.combined(SPOT, r#"{"stream":"btcusdt@depth","data":{"#);
    assert_eq!((parsed.map_err(|e| e.cause), seen.len()), (Err(Cause::Syntax), 0));
    assert_eq!(desk.directory.instruments(), 0);
    let broken = desk.parse(SPOT, Origin::Raw { stream: "btcusdt@depth" }, b"{", |raw| {
        assert_eq!((raw.kind(), raw.instrument()), (StreamKind::Lost, InstrumentId(0)));
    });
    assert!(broken.is_err());
    assert_eq!(desk.count([Counter::BookFramesLost]), [1], "a raw stream's name is our own: it is known");
}

#[test]
fn other_kinds_are_lost_without_a_gap() {
    let mut desk = Desk::new();
    let table = [
        (r#"{"stream":"btcusdt@trade","data":{"E":1}}"#, Cause::MissingField),
        (r#"{"stream":"btcusdt@depth5","data":{"bids":[],"asks":[]}}"#, Cause::MissingField),
        (r#"{"stream":"btcusdt@depth5","data":{"lastUpdateId":1,"bids":[],"b":[],"asks":[]}}"#, Cause::DuplicateKey),
        (r#"{"stream":"btcusdt@avgPrice","data":{"E":1,"s":"BTCUSDT","i":"5m","w":1.5,"T":1}}"#, Cause::NotExact),
        (r#"{"stream":"btcusdt@avgPrice","data":{"E":1,"s":"BTCUSDT","i":5,"w":"1","T":1}}"#, Cause::WrongType),
        (r#"{"stream":"btcusdt@kline_1m","data":{"E":1,"s":"BTCUSDT","k":7}}"#, Cause::WrongType),
        (r#"{"stream":"btcusdt@kline_1m","data":{"E":1,"s":"BTCUSDT","k":{},"k":{}}}"#, Cause::DuplicateKey),
        (r#"{"stream":"btcusdt@trade","data":7}"#, Cause::NotAnObject),
        (r#"{"stream":"btcusdt@trade","data":[7]}"#, Cause::NotAnObject),
        (r#"{"stream":5,"data":{}}"#, Cause::WrongType),
        (r#"{"e":"trade"}"#, Cause::NotWrapped),
        ("[]", Cause::NotAnObject),
        ("", Cause::Syntax),
    ];
    for (at, (json, cause)) in table.into_iter().enumerate() {
        let (parsed, seen) = desk.combined(SPOT, json);
        assert_eq!((parsed.map_err(|e| e.cause), seen.len()), (Err(cause), 0), "{json}");
        assert_eq!(desk.count([Counter::FramesMalformed, Counter::BookFramesLost]), [at as u64 + 1, 0], "{json}");
    }
}

#[test]
fn elements_of_an_array_stand_alone() {
    let ticker = |symbol: &str, st: &str, price: &str| {
        format!(r#"{{"E":1,"s":"{symbol}","c":"{price}","o":"1","h":"1","l":"1","v":"1","q":"1"{st}}}"#)
    };
    let rows = [
        ticker("BTCUSDT", "", "1"),
        ticker("ETHUSDT", "", "x"),
        ticker("BTCUSD_PERP", r#","st":2"#, "1"),
        ticker("", "", "1"),
        ticker("BNBUSDT", r#","st":1"#, "9223372036854775808"),
        ticker("XRPUSDT", r#","st":1"#, "1"),
    ];
    let mut desk = Desk::new();
    let (parsed, seen) = desk.combined(USDM, &format!(r#"{{"stream":"!miniTicker@arr","data":[{}]}}"#, rows.join(",")));
    assert_eq!(parsed, Ok(ParsedFrame::Data { raws: 2, malformed: 3 }));
    assert_eq!(seen, ["BTCUSDT", "XRPUSDT"].map(|s| (StreamKind::MiniTicker, s.to_owned())));
    let counters = [Counter::FramesMalformed, Counter::NoInstrument, Counter::DecimalOverflow, Counter::RawParsed];
    assert_eq!(desk.count(counters), [1, 1, 1, 2]);
    assert_eq!(desk.directory.instruments(), 2, "what is malformed or another market's is not admitted");
}

#[test]
fn what_the_directory_has_no_room_for_is_counted() {
    let mut desk = Desk::with_capacity(1);
    let trade = |s: &str, u: &str| {
        format!(r#"{{"stream":"{s}@trade","data":{{"E":1,"s":"{u}","t":1,"p":"1","q":"1","T":1,"m":true}}}}"#)
    };
    assert_eq!(desk.combined(SPOT, &trade("btcusdt", "BTCUSDT")).1.len(), 1);
    let (parsed, seen) = desk.combined(SPOT, &trade("ethusdt", "ETHUSDT"));
    assert_eq!((parsed, seen.len()), (Ok(ParsedFrame::Data { raws: 0, malformed: 0 }), 0));
    let all = r#"{"stream":"!bookTicker","data":{"u":1,"s":"ETHUSDT","b":"1","B":"1","a":"1","A":"1"}}"#;
    assert_eq!(desk.combined(SPOT, all).1.len(), 0);
    assert_eq!(desk.count([Counter::SymbolsRefused, Counter::FramesMalformed]), [2, 0]);
}

/// Delivery contracts have no funding: the venue writes an empty text, and 0 for the next time.
#[test]
fn an_empty_text_is_no_number_where_there_may_be_none() {
    let mut desk = Desk::new();
    let mark = |r: &str, p: &str, ap: &str| {
        format!(
            r#"{{"stream":"btcusdt_260925@markPrice","data":{{"e":"markPriceUpdate","E":1,"s":"BTCUSDT_260925","p":"{p}","ap":"{ap}","i":"","P":"2","r":{r},"T":0}}}}"#
        )
    };
    let at = |key| slot_index(StreamKind::MarkPrice, key);
    for r in [r#""""#, "null"] {
        let mut seen = 0;
        let parsed = desk.parse(USDM, Origin::Combined, mark(r, "1", "").as_bytes(), |raw| {
            assert_eq!([at("r"), at("ap"), at("i")].map(|slot| raw.get(slot)), [Value::Null; 3]);
            seen += 1;
        });
        assert_eq!((parsed.is_ok(), seen), (true, 1), "{r}");
    }
    // The mark price itself must be there.
    let parsed = desk.parse(USDM, Origin::Combined, mark(r#""""#, "", "1").as_bytes(), |_| ());
    assert_eq!(parsed.map_err(|e| (e.cause, e.key)), Err((Cause::BadDecimal, Some("p"))));
}

/// `lastOfBatch` means the last of its frame: of an array every payload but the last that can be read says that more follow.
#[test]
fn the_payloads_of_an_array_say_whether_more_follow() {
    let mut desk = Desk::new();
    let row = |s: &str| format!(r#"{{"u":1,"s":"{s}","b":"1","B":"1","a":"1","A":"1"}}"#);
    let (a, b, c, bad) = (row("A1"), row("B1"), row("C1"), r#"{"u":1}"#.to_owned());
    let table = [
        (vec![&a], "A1."),
        (vec![&a, &b, &c], "A1+ B1+ C1."),
        (vec![&bad, &a, &bad, &b, &bad], "A1+ B1."),
        (vec![&a, &bad, &bad], "A1."),
        (vec![], ""),
    ];
    for (rows, expected) in table {
        let rows: Vec<&str> = rows.into_iter().map(String::as_str).collect();
        let frame = format!(r#"{{"stream":"!bookTicker","data":[{}]}}"#, rows.join(","));
        let mut seen = Vec::new();
        let _ = desk.parse(USDM, Origin::Combined, frame.as_bytes(), |raw| {
            let sign = if raw.header.marks & mark::MORE_FOLLOW != 0 { '+' } else { '.' };
            seen.push(format!("{}{sign}", raw.text(slot_index(StreamKind::BookTicker, "s")).unwrap()));
        });
        assert_eq!(seen.join(" "), expected);
    }
}

#[test]
fn a_null_is_taken_where_the_field_may_be_absent() {
    let mut desk = Desk::new();
    let body = r#""E":1,"s":"BTCUSDT","U":5,"u":6,"st":null,"b":[],"a":[]"#;
    let mut seen = 0;
    let parsed = desk.parse(USDM, Origin::Combined, diff(body).as_bytes(), |raw| {
        assert_eq!(raw.get(slot_index(StreamKind::DepthDiff, "st")), Value::Null);
        seen += 1;
    });
    assert_eq!((parsed.is_ok(), seen), (true, 1));
}
