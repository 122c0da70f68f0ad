//! Purpose: what the parser promises, frame by frame. Owns: tables of frames. Thread: a test's. Takes and gives: nothing.
//! Never: needs a capture.

use std::sync::Arc;

use super::{Cause, ControlKind, ParseError, ParsedFrame, Parser, ParserOptions};
use crate::directory::Directory;
use crate::schema::frame::{Frame, Origin, Stamps};
use crate::schema::id::{ConnectionId, InstrumentId, Market, TraceId};
use crate::schema::instrument::VenueState;
use crate::schema::layout::{VENUE_STATE, slot_index};
use crate::schema::raw::{Level, RawRef, Value, mark};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Ledger};

const SPOT: Market = Market::BinanceSpot;
const USDM: Market = Market::BinanceUsdm;

struct Desk {
    parser: Parser,
    directory: Arc<Directory>,
    ledger: Ledger,
}

impl Desk {
    fn with_capacity(instruments: usize) -> Desk {
        let (directory, ledger) = (Arc::new(Directory::with_capacity(instruments)), Ledger::default());
        let parser = Parser::new(ParserOptions { trace_seed: 5 }, Arc::clone(&directory), ledger.sheet("io"));
        Desk { parser, directory, ledger }
    }

    fn new() -> Desk {
        Desk::with_capacity(64)
    }

    fn parse(
        &mut self,
        market: Market,
        origin: Origin<'_>,
        bytes: &[u8],
        see: impl FnMut(RawRef<'_>),
    ) -> Result<ParsedFrame, ParseError> {
        let (connection, receive) = (ConnectionId(3), UnixNanos(77));
        let frame =
            Frame { market, connection, number: 11, receive, stamps: Stamps::NONE, origin, bytes: &mut bytes.to_vec() };
        self.parser.parse(frame, 9, see)
    }

    /// The kinds and symbols that a combined frame hands out.
    fn combined(&mut self, market: Market, json: &str) -> (Result<ParsedFrame, ParseError>, Vec<(StreamKind, String)>) {
        self.bytes(market, json.as_bytes())
    }

    fn bytes(&mut self, market: Market, bytes: &[u8]) -> (Result<ParsedFrame, ParseError>, Vec<(StreamKind, String)>) {
        let (mut seen, directory) = (Vec::new(), Arc::clone(&self.directory));
        let parsed = self.parse(market, Origin::Combined, bytes, |raw| {
            let symbol = directory.instrument(raw.instrument()).map_or("-", |i| &*i.symbol);
            seen.push((raw.kind(), symbol.to_owned()));
        });
        (parsed, seen)
    }

    fn count<const N: usize>(&self, counters: [Counter; N]) -> [u64; N] {
        counters.map(|c| self.ledger.total(c))
    }
}

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
        assert_eq!(TraceId(head.trace), TraceId::of_frame(5, ConnectionId(3), 11));
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

#[test]
fn bodies_and_notices_are_told_apart() {
    let mut desk = Desk::new();
    let depth = Origin::RestDepth { symbol: "BTCUSDT", limit: 1_000 };
    let body = br#"{"lastUpdateId":-1,"bids":[],"asks":[["1","2"]]}"#;
    let mut seen = 0;
    let parsed = desk.parse(SPOT, depth, body, |raw| {
        assert_eq!((raw.kind(), raw.header.limit, raw.instrument()), (StreamKind::RestDepth, 1_000, InstrumentId(0)));
        assert_eq!(raw.int(slot_index(StreamKind::RestDepth, "lastUpdateId")), Some(-1));
        seen += 1;
    });
    assert_eq!((parsed, seen), (Ok(ParsedFrame::Data { raws: 1, malformed: 0 }), 1));
    let other = br#"{"code":-1121,"msg":"Invalid symbol."}"#;
    let refusal = Ok(ParsedFrame::Control(ControlKind::Refusal { code: Some(-1121), id: None }));
    let mut told = Vec::new();
    for _ in 0..2 {
        let parsed =
            desk.parse(SPOT, depth, other, |raw| told.push((raw.kind(), raw.instrument(), raw.int(VENUE_STATE))));
        assert_eq!(parsed, refusal);
    }
    assert_eq!(told, [(StreamKind::VenueStatus, InstrumentId(0), Some(VenueState::Gone as i64))], "news, once");
    let busy = br#"{"code":-1008,"msg":"Server is currently overloaded."}"#;
    assert!(desk.parse(SPOT, depth, busy, |_| panic!("another refusal says nothing of the symbol")).is_ok());
    let wrong = br#"{"lastUpdateId":1,"symbol":"ETHUSDT","bids":[],"asks":[]}"#;
    assert_eq!(desk.parse(SPOT, depth, wrong, |_| ()).map_err(|e| e.cause), Err(Cause::SymbolMismatch));
    let poll = Origin::RestOther { path: "/api/v3/never/heard/of" };
    let mut prices = Vec::new();
    let parsed = desk.parse(SPOT, poll, br#"[{"symbol":"A","price":"1"},{"symbol":"B"},3]"#, |raw| {
        prices.push(raw.unknown().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "));
    });
    assert_eq!(parsed, Ok(ParsedFrame::Data { raws: 3, malformed: 0 }));
    assert_eq!(prices, [r#"symbol="A" price="1""#, r#"symbol="B""#, "data=3"]);
    let info = br#"{"symbols":[{"symbol":"ABUSD","baseAsset":"AB","quoteAsset":"USD","status":"TRADING"},{}]}"#;
    assert_eq!(desk.parse(SPOT, Origin::ExchangeInfo { whole: true }, info, |_| ()), Ok(ParsedFrame::Catalogue));
    assert_eq!(desk.parser.take_catalogue().map(|c| (c.instruments.len(), c.skipped.len())), Some((1, 1)));
    assert!(desk.directory.find_symbol(SPOT, "ABUSD").is_some());
    let bad = desk.parse(SPOT, Origin::ExchangeInfo { whole: true }, b"<html>", |_| ());
    assert_eq!(bad.map_err(|e| e.cause), Err(Cause::BadCatalogue));
    assert_eq!(desk.count([Counter::FramesControl, Counter::UnknownStreams]), [3, 1]);
}

#[test]
fn what_a_new_exchange_info_changes_is_handed_out_by_instrument() {
    let mut desk = Desk::new();
    let entry = |symbol: &str, status: &str| {
        format!(r#"{{"symbol":"{symbol}","baseAsset":"{symbol}","quoteAsset":"X","status":"{status}"}}"#)
    };
    let bad = r#"{"symbol":"A"}"#.to_owned();
    let steps = [
        (true, vec![entry("A", "TRADING"), entry("B", "BREAK")], vec!["B Halted"]),
        (true, vec![entry("A", "NEVER_HEARD_OF"), entry("B", "TRADING")], vec!["A Halted", "B Open"]),
        (false, vec![entry("B", "TRADING")], vec![]),
        // Of which instrument the entry is that cannot be read, nobody knows.
        (true, vec![bad, entry("B", "TRADING")], vec![]),
        (true, vec![entry("B", "TRADING")], vec!["A Gone"]),
        (true, vec![entry("A", "TRADING"), entry("B", "TRADING")], vec!["A Open"]),
    ];
    for (at, (whole, entries, expected)) in steps.into_iter().enumerate() {
        let body = format!(r#"{{"symbols":[{}]}}"#, entries.join(","));
        let (mut told, directory) = (Vec::new(), Arc::clone(&desk.directory));
        let parsed = desk.parse(SPOT, Origin::ExchangeInfo { whole }, body.as_bytes(), |raw| {
            assert_eq!(raw.kind(), StreamKind::VenueStatus);
            let symbol = &directory.instrument(raw.instrument()).unwrap().symbol;
            told.push(format!("{symbol} {}", VenueState::NAMES[raw.int(VENUE_STATE).unwrap() as usize]));
        });
        assert_eq!(parsed, Ok(ParsedFrame::Catalogue));
        assert_eq!(told, expected, "list {at}");
    }
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

/// A poll's body: its rows by symbol, with the slots that a stream's frame would have filled.
#[test]
fn bodies_of_polls_fill_the_slots_of_the_stream_that_says_the_same() {
    let day = r#"{"symbol":"BTCUSDT","priceChange":"-1","priceChangePercent":"-2","weightedAvgPrice":"3","prevClosePrice":"4",
        "lastPrice":"5","lastQty":"6","bidPrice":"7","bidQty":"8","askPrice":"9","askQty":"10","openPrice":"11","highPrice":"12",
        "lowPrice":"13","volume":"14","quoteVolume":"15","openTime":16,"closeTime":17,"firstId":18,"lastId":19,"count":20}"#;
    let row = |open: u64| format!(r#"[{open},"1","2","3","4","5",{},"7",8,"9","10","0"]"#, open + 59_999);
    let rows = format!("[{},{}]", row(60_000), row(120_000));
    type Case<'a> = (&'a str, &'a str, StreamKind, &'a [&'a str]);
    let table: &[Case<'_>] = &[
        (
            "/api/v3/trades?symbol=BTCUSDT&limit=2",
            r#"[{"id":1,"price":"2","qty":"3","quoteQty":"6","time":4,"isBuyerMaker":true,"isBestMatch":true}]"#,
            StreamKind::Trade,
            &["BTCUSDT t=1 p=2 q=3 T=4 m=true M=true ?quoteQty"],
        ),
        (
            "/api/v3/aggTrades?symbol=btcusdt",
            r#"[{"a":1,"p":"2","q":"3","f":4,"l":5,"T":6,"m":false,"M":true},{"a":2,"p":"2","q":"3","f":6,"l":6,"T":7,"m":false}]"#,
            StreamKind::AggTrade,
            &["BTCUSDT a=1 p=2 q=3 f=4 l=5 T=6 m=false M=true +", "BTCUSDT a=2 p=2 q=3 f=6 l=6 T=7 m=false"],
        ),
        (
            "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=2",
            &rows,
            StreamKind::Kline,
            &[
                "BTCUSDT k.t=60000 k.T=119999 k.i=1m k.f=-1 k.L=-1 k.o=1 k.c=4 k.h=2 k.l=3 k.v=5 k.n=8 k.x=true k.q=7 k.V=9 k.Q=10 +",
                "BTCUSDT k.t=120000 k.T=179999 k.i=1m k.f=-1 k.L=-1 k.o=1 k.c=4 k.h=2 k.l=3 k.v=5 k.n=8 k.x=false k.q=7 k.V=9 k.Q=10",
            ],
        ),
        (
            "https://api.binance.com/api/v3/avgPrice?symbol=BTCUSDT",
            r#"{"mins":5,"price":"9.35751834","closeTime":1694061154503}"#,
            StreamKind::AvgPrice,
            &["BTCUSDT i=5m w=9.35751834 T=1694061154503"],
        ),
        (
            "/api/v3/ticker/24hr?symbol=BTCUSDT",
            day,
            StreamKind::Ticker,
            &[
                "BTCUSDT s=BTCUSDT p=-1 P=-2 w=3 x=4 c=5 Q=6 b=7 B=8 a=9 A=10 o=11 h=12 l=13 v=14 q=15 O=16 C=17 F=18 L=19 n=20",
            ],
        ),
        (
            "/api/v3/ticker/24hr?type=MINI",
            r#"[{"symbol":"BTCUSDT","openPrice":"1","highPrice":"2","lowPrice":"3","lastPrice":"4","volume":"5","quoteVolume":"6","openTime":7,"closeTime":8,"firstId":9,"lastId":10,"count":11}]"#,
            StreamKind::MiniTicker,
            &["BTCUSDT E=8 s=BTCUSDT c=4 o=1 h=2 l=3 v=5 q=6 ?openTime ?firstId ?lastId ?count"],
        ),
        (
            "/api/v3/ticker?symbol=BTCUSDT&windowSize=1h",
            r#"{"symbol":"BTCUSDT","priceChange":"1","priceChangePercent":"2","weightedAvgPrice":"3","openPrice":"4","highPrice":"5","lowPrice":"6","lastPrice":"7","volume":"8","quoteVolume":"9","openTime":10,"closeTime":11,"firstId":12,"lastId":13,"count":14}"#,
            StreamKind::WindowTicker,
            &["BTCUSDT e=1hTicker s=BTCUSDT p=1 P=2 o=4 h=5 l=6 c=7 w=3 v=8 q=9 O=10 C=11 F=12 L=13 n=14"],
        ),
        (
            "/api/v3/ticker/bookTicker",
            r#"[{"symbol":"BTCUSDT","bidPrice":"1","bidQty":"2","askPrice":"3","askQty":"4"},{"symbol":"ETHUSDT","bidPrice":"1","bidQty":"2","askPrice":"3","askQty":"4"}]"#,
            StreamKind::BookTicker,
            &["BTCUSDT s=BTCUSDT b=1 B=2 a=3 A=4 +", "ETHUSDT s=ETHUSDT b=1 B=2 a=3 A=4"],
        ),
        (
            "/api/v3/ticker/price",
            r#"[{"symbol":"BTCUSDT","price":"1.5"}]"#,
            StreamKind::ReferencePrice,
            &["BTCUSDT s=BTCUSDT r=1.5"],
        ),
        (
            "/fapi/v1/premiumIndex",
            r#"[{"symbol":"BTCUSDT","markPrice":"1","indexPrice":"2","estimatedSettlePrice":"3","lastFundingRate":"-0.1","interestRate":"0.2","nextFundingTime":4,"time":5}]"#,
            StreamKind::MarkPrice,
            &["BTCUSDT E=5 s=BTCUSDT p=1 i=2 P=3 r=-0.1 T=4 ?interestRate"],
        ),
    ];
    for (path, body, kind, expected) in table {
        let mut desk = Desk::new();
        let (mut seen, directory) = (Vec::new(), Arc::clone(&desk.directory));
        let parsed = desk.parse(SPOT, Origin::RestOther { path }, body.as_bytes(), |raw| {
            assert_eq!((raw.kind(), raw.header.marks & mark::POLLED), (*kind, mark::POLLED), "{path}");
            let mut line = directory.instrument(raw.instrument()).unwrap().symbol.to_string();
            for (slot, spec) in crate::schema::layout::layout(*kind).iter().enumerate() {
                match raw.get(slot) {
                    Value::Absent => {}
                    Value::Decimal(value) => line.push_str(&format!(" {}={value}", spec.key)),
                    Value::Int(value) => line.push_str(&format!(" {}={value}", spec.key)),
                    Value::Bool(value) => line.push_str(&format!(" {}={value}", spec.key)),
                    Value::Text(value) => line.push_str(&format!(" {}={value}", spec.key)),
                    Value::Null => line.push_str(&format!(" {}=null", spec.key)),
                }
            }
            raw.unknown().for_each(|(key, _)| line.push_str(&format!(" ?{key}")));
            if raw.header.marks & mark::MORE_FOLLOW != 0 {
                line.push_str(" +");
            }
            seen.push(line);
        });
        assert_eq!(parsed, Ok(ParsedFrame::Data { raws: expected.len() as u32, malformed: 0 }), "{path}");
        assert_eq!(seen, *expected, "{path}");
    }
}

#[test]
fn a_row_of_a_poll_that_is_broken_or_anothers_is_left_out_and_its_neighbours_stay() {
    let good = r#"{"symbol":"BTCUSDT","price":"1"}"#;
    let table = [
        (
            "/api/v3/ticker/price",
            format!(r#"[{good},{{"symbol":"X"}},7,{{"price":"1"}},{{"symbol":"Y","price":1e5}}]"#),
            1,
            4,
        ),
        ("/api/v3/ticker/price?symbol=ETHUSDT", format!("[{good}]"), 0, 0),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m", r#"[[1,"1","2","3","4","5",6,"7",8,"9"]]"#.to_owned(), 0, 0),
        ("/api/v3/klines?symbol=BTCUSDT", r#"[[1,"1","2","3","4","5",6,"7",8,"9","10","0"]]"#.to_owned(), 0, 0),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m", r#"{"t":1}"#.to_owned(), 0, 0),
        ("/api/v3/avgPrice?symbol=BTCUSDT", r#"{"price":"1","closeTime":1}"#.to_owned(), 0, 0),
        ("/api/v3/trades", r#"[{"id":1,"price":"2","qty":"3","time":4,"isBuyerMaker":true}]"#.to_owned(), 0, 0),
    ];
    for (path, body, raws, malformed) in table {
        let mut seen = 0;
        let parsed = Desk::new().parse(SPOT, Origin::RestOther { path }, body.as_bytes(), |_| seen += 1);
        assert_eq!(seen, raws, "{path} {body}");
        match raws {
            0 => assert!(parsed.is_err(), "{path} {body}: {parsed:?}"),
            _ => assert_eq!(parsed, Ok(ParsedFrame::Data { raws, malformed }), "{path} {body}"),
        }
    }
    let mut desk = Desk::new();
    let busy =
        desk.parse(SPOT, Origin::RestOther { path: "/api/v3/trades?symbol=A" }, br#"{"code":-1121,"msg":"x"}"#, |_| ());
    assert!(matches!(busy, Ok(ParsedFrame::Control(_))), "and says nothing of the instrument: polls may name any");
}
