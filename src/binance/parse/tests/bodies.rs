//! Purpose: what the parser promises of REST bodies, and of notices. Owns: tables of bodies. Thread: a test's. Takes and gives: nothing.
//! Never: needs a capture.

use std::sync::Arc;

use super::super::{Cause, ControlKind, ParsedFrame};
use super::desk::{Desk, SPOT};
use crate::schema::frame::Origin;
use crate::schema::id::InstrumentId;
use crate::schema::instrument::VenueState;
use crate::schema::layout::{VENUE_STATE, slot_index};
use crate::schema::raw::{Value, mark};
use crate::schema::topic::StreamKind;
use crate::telemetry::Counter;

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
