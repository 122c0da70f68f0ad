//! Purpose: every stream kind becomes its payload, value by value; what does not fit is refused and never guessed.
//! Owns: nothing. Thread: a test's. Takes and gives: payloads in, events out. Never: needs a capture.

mod dispatch_support;

use dispatch_support::{Bench, fill, raw, topic};
use meltica::dispatch::{EVENT_WORDS_OVER_RAW, canonicaliser, default_routes};
use meltica::schema::id::{InstrumentId, Market, Source};
use meltica::schema::layout::{Want, layout};
use meltica::schema::raw::{RawBuf, mark};
use meltica::schema::topic::{StreamKind, Topic};
use meltica::telemetry::Counter;
use serde_json::{Value, json};

use Market::{BinanceSpot as SPOT, BinanceUsdm as USDM};

const MS: i64 = 1_000_000;

/// stream, market, payload, type, source, ts (ms; 0 is absent), venue id, payload expected
type Row = (&'static str, Market, Value, &'static str, &'static str, i64, Option<i64>, Value);

fn every_kind() -> Vec<Row> {
    vec![
        (
            "btcusdt@trade",
            SPOT,
            json!({"e":"trade","E":1723161255343i64,"s":"BTCUSDT","t":3735683259i64,"p":"61837.63000000","q":"0.02000000","T":1723161255342i64,"m":true,"M":true}),
            "TRADE",
            "binance.ws.trade",
            1723161255343,
            Some(3735683259),
            json!({"tradeTime":1723161255342i64*MS,"price":"61837.63","quantity":"0.02","buyerIsMaker":true,"bestMatch":true}),
        ),
        (
            "btcusdt@trade",
            USDM,
            json!({"e":"trade","E":1723161255343i64,"s":"BTCUSDT","t":5,"p":"61837.60","q":"0.002","T":1723161255342i64,"m":false,"X":"MARKET","ps":"BTCUSDT","st":1}),
            "TRADE",
            "binance.ws.trade",
            1723161255343,
            Some(5),
            json!({"tradeTime":1723161255342i64*MS,"price":"61837.6","quantity":"0.002","buyerIsMaker":false,"bestMatch":false}),
        ),
        (
            "btcusdt@blockTrade",
            SPOT,
            json!({"e":"blockTrade","E":1723161255343i64,"s":"BTCUSDT","t":6,"p":"61000","q":"20","T":1723161255342i64,"m":true}),
            "TRADE.BLOCK",
            "binance.ws.blockTrade",
            1723161255343,
            Some(6),
            json!({"tradeTime":1723161255342i64*MS,"price":"61000","quantity":"20","buyerIsMaker":true,"bestMatch":false}),
        ),
        (
            "btcusdt@aggTrade",
            USDM,
            json!({"e":"aggTrade","E":1786171884624i64,"a":3404749954i64,"s":"BTCUSDT","p":"64990.90","q":"0.002","nq":"0.002","f":7960913511i64,"l":7960913513i64,"T":1786171884471i64,"m":true,"st":1}),
            "TRADE.AGGREGATE",
            "binance.ws.aggTrade",
            1786171884624,
            Some(3404749954),
            json!({"tradeTime":1786171884471i64*MS,"firstTradeId":7960913511i64,"trades":3,"price":"64990.9","quantity":"0.002","buyerIsMaker":true}),
        ),
        (
            "btcusdt@aggTrade",
            SPOT,
            json!({"e":"aggTrade","E":1786171884624i64,"a":9,"s":"BTCUSDT","p":"1","q":"1","f":-1,"l":-1,"T":1786171884471i64,"m":false,"M":true}),
            "TRADE.AGGREGATE",
            "binance.ws.aggTrade",
            1786171884624,
            Some(9),
            json!({"tradeTime":1786171884471i64*MS,"firstTradeId":-1,"trades":0,"price":"1","quantity":"1","buyerIsMaker":false}),
        ),
        (
            "btcusdt@bookTicker",
            SPOT,
            json!({"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}),
            "TICKER.BOOK",
            "binance.ws.bookTicker",
            0,
            Some(400900217),
            json!({"bid":"25.3519","bidQuantity":"31.21","ask":"25.3652","askQuantity":"40.66"}),
        ),
        (
            "!bookTicker",
            USDM,
            json!({"u":7,"e":"bookTicker","s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4","T":1653811915499i64,"E":1653811915502i64,"ps":"BTCUSDT","st":1}),
            "TICKER.BOOK",
            "binance.ws.bookTicker",
            1653811915502,
            Some(7),
            json!({"bid":"1","bidQuantity":"2","ask":"3","askQuantity":"4"}),
        ),
        (
            "btcusdt@miniTicker",
            SPOT,
            json!({"e":"24hrMiniTicker","E":1672515782136i64,"s":"BTCUSDT","c":"0.0025","o":"0.0010","h":"0.0026","l":"0.0009","v":"10000","q":"18"}),
            "TICKER.MINI",
            "binance.ws.miniTicker",
            1672515782136,
            None,
            json!({"last":"0.0025","open":"0.001","high":"0.0026","low":"0.0009","volume":"10000","quoteVolume":"18"}),
        ),
        (
            "btcusdt@ticker",
            SPOT,
            json!({"e":"24hrTicker","E":1672515782136i64,"s":"BTCUSDT","p":"-0.0015","P":"-250.00","w":"0.0018","x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"11","a":"0.0026","A":"100","o":"0.0010","h":"0.0027","l":"0.0008","v":"10000","q":"18","O":1672429382136i64,"C":1672515782135i64,"F":0,"L":18150,"n":18151}),
            "TICKER",
            "binance.ws.ticker",
            1672515782136,
            None,
            json!({"openTime":1672429382136i64*MS,"closeTime":1672515782135i64*MS,"firstTradeId":0,"lastTradeId":18150,"trades":18151,"change":"-0.0015","changePercent":"-250","average":"0.0018","previousClose":"0.0009","last":"0.0025","lastQuantity":"10","bid":"0.0024","bidQuantity":"11","ask":"0.0026","askQuantity":"100","open":"0.001","high":"0.0027","low":"0.0008","volume":"10000","quoteVolume":"18"}),
        ),
        (
            "!ticker@arr",
            USDM,
            json!({"e":"24hrTicker","E":1653814800126i64,"s":"BTCUSDT","p":"0.1","P":"1.5","w":"2","c":"3","Q":"4","o":"5","h":"6","l":"7","v":"8","q":"9","O":1653728400000i64,"C":1653814800117i64,"F":-1,"L":-1,"n":0,"ps":"BTCUSDT","st":1}),
            "TICKER",
            "binance.ws.ticker",
            1653814800126,
            None,
            json!({"openTime":1653728400000i64*MS,"closeTime":1653814800117i64*MS,"firstTradeId":-1,"lastTradeId":-1,"trades":0,"change":"0.1","changePercent":"1.5","average":"2","previousClose":null,"last":"3","lastQuantity":"4","bid":null,"bidQuantity":null,"ask":null,"askQuantity":null,"open":"5","high":"6","low":"7","volume":"8","quoteVolume":"9"}),
        ),
        (
            "btcusdt@ticker_1h",
            SPOT,
            json!({"e":"1hTicker","E":1672515782136i64,"s":"BTCUSDT","p":"-1","P":"-2","o":"3","h":"4","l":"5","c":"6","w":"7","v":"8","q":"9","O":1672429382136i64,"C":1672515782135i64,"F":1,"L":2,"n":2}),
            "TICKER.WINDOW",
            "binance.ws.windowTicker",
            1672515782136,
            None,
            json!({"openTime":1672429382136i64*MS,"closeTime":1672515782135i64*MS,"firstTradeId":1,"lastTradeId":2,"trades":2,"window":"1h","change":"-1","changePercent":"-2","open":"3","high":"4","low":"5","last":"6","average":"7","volume":"8","quoteVolume":"9"}),
        ),
        (
            "btcusdt@kline_1m",
            SPOT,
            json!({"e":"kline","E":1786173360960i64,"s":"BTCUSDT","k":{"t":1786173300000i64,"T":1786173359999i64,"s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"1.10","c":"2.20","h":"3.30","l":"0.40","v":"9.090","n":101,"x":true,"q":"590577.96880","V":"3.460","Q":"224795.09440","B":"0"}}),
            "KLINE",
            "binance.ws.kline",
            1786173360960,
            None,
            json!({"openTime":1786173300000i64*MS,"closeTime":1786173359999i64*MS,"firstTradeId":100,"lastTradeId":200,"trades":101,"interval":"1m","open":"1.1","close":"2.2","high":"3.3","low":"0.4","volume":"9.09","quoteVolume":"590577.9688","takerBuyVolume":"3.46","takerBuyQuoteVolume":"224795.0944","closed":true}),
        ),
        (
            "btcusdt@depth@100ms",
            SPOT,
            json!({"e":"depthUpdate","E":1723161255208123i64,"s":"BTCUSDT","U":157,"u":160,"b":[["0.0024","10"],["0.00230","0.0"]],"a":[["0.0026","100.5"]]}),
            "ORDERBOOK.DELTA",
            "binance.ws.depth",
            0,
            Some(160),
            json!({"firstUpdateId":157,"updateId":160,"previousUpdateId":156,"bids":[["0.0024","10"],["0.0023","0"]],"asks":[["0.0026","100.5"]]}),
        ),
        (
            "btcusdt@depth@0ms",
            USDM,
            json!({"e":"depthUpdate","E":1571889248277i64,"T":1571889248276i64,"s":"BTCUSDT","U":4171697482390i64,"u":4171697488761i64,"pu":4171697482344i64,"b":[],"a":[],"ps":"BTCUSDT","st":1}),
            "ORDERBOOK.DELTA",
            "binance.ws.depth",
            1571889248277,
            Some(4171697488761),
            json!({"firstUpdateId":4171697482390i64,"updateId":4171697488761i64,"previousUpdateId":4171697482344i64,"bids":[],"asks":[]}),
        ),
        (
            "btcusdt@depth20@100ms",
            SPOT,
            json!({"lastUpdateId":160,"bids":[["2","3"]],"asks":[["2.5","4"]]}),
            "ORDERBOOK.SNAPSHOT",
            "binance.ws.depthPartial",
            0,
            Some(160),
            json!({"firstUpdateId":160,"updateId":160,"previousUpdateId":160,"bids":[["2","3"]],"asks":[["2.5","4"]]}),
        ),
        (
            "btcusdt@depth20@500ms",
            USDM,
            json!({"e":"depthUpdate","E":1571889248277i64,"T":1571889248276i64,"s":"BTCUSDT","U":390,"u":497,"pu":390,"b":[["2","3"]],"a":[]}),
            "ORDERBOOK.SNAPSHOT",
            "binance.ws.depthPartial",
            1571889248277,
            Some(497),
            json!({"firstUpdateId":497,"updateId":497,"previousUpdateId":497,"bids":[["2","3"]],"asks":[]}),
        ),
        (
            "depth-body",
            SPOT,
            json!({"lastUpdateId":-1,"bids":[],"asks":[["2.5","4"]]}),
            "ORDERBOOK.SNAPSHOT",
            "binance.rest.depth",
            0,
            Some(-1),
            json!({"firstUpdateId":-1,"updateId":-1,"previousUpdateId":-1,"bids":[],"asks":[["2.5","4"]]}),
        ),
        (
            "depth-body",
            USDM,
            json!({"lastUpdateId":1027024,"E":1589436922972i64,"T":1589436922959i64,"bids":[["4.00000000","431.0"]],"asks":[]}),
            "ORDERBOOK.SNAPSHOT",
            "binance.rest.depth",
            1589436922972,
            Some(1027024),
            json!({"firstUpdateId":1027024,"updateId":1027024,"previousUpdateId":1027024,"bids":[["4","431"]],"asks":[]}),
        ),
        (
            "btcusdt@avgPrice",
            SPOT,
            json!({"e":"avgPrice","E":1693907033000i64,"s":"BTCUSDT","i":"5m","w":"25776.86000000","T":1693907032213i64}),
            "PRICE.AVERAGE",
            "binance.ws.avgPrice",
            1693907033000,
            None,
            json!({"lastTradeTime":1693907032213i64*MS,"interval":"5m","price":"25776.86"}),
        ),
        (
            "btcusdt@referencePrice",
            SPOT,
            json!({"e":"referencePrice","s":"BTCUSDT","r":null,"t":1693907032213i64}),
            "PRICE.REFERENCE",
            "binance.ws.referencePrice",
            1693907032213,
            None,
            json!({"price":null}),
        ),
        (
            "btcusdt@markPrice",
            USDM,
            json!({"e":"markPriceUpdate","E":1786171884000i64,"s":"BTCUSDT","p":"64991.37858696","ap":"64991.3","P":"64980.01344384","i":"65016.05673913","r":"-0.00003936","T":1786176000000i64,"st":1}),
            "PRICE.MARK",
            "binance.ws.markPrice",
            1786171884000,
            None,
            json!({"nextFundingTime":1786176000000i64*MS,"mark":"64991.37858696","markAverage":"64991.3","index":"65016.05673913","settlement":"64980.01344384","fundingRate":"-0.00003936"}),
        ),
        (
            "!markPrice@arr@1s",
            USDM,
            json!({"e":"markPriceUpdate","E":1786171884000i64,"s":"BTCUSDT","p":"1","P":"2","r":"0","T":0}),
            "PRICE.MARK",
            "binance.ws.markPrice",
            1786171884000,
            None,
            json!({"nextFundingTime":null,"mark":"1","markAverage":null,"index":null,"settlement":"2","fundingRate":"0"}),
        ),
        (
            "btcusdt_260925@markPrice",
            USDM,
            json!({"e":"markPriceUpdate","E":1786171884000i64,"s":"BTCUSDT_260925","p":"1","P":"2","i":"3","r":"","T":0}),
            "PRICE.MARK",
            "binance.ws.markPrice",
            1786171884000,
            None,
            json!({"nextFundingTime":null,"mark":"1","markAverage":null,"index":"3","settlement":"2","fundingRate":null}),
        ),
        (
            "btcusdt@forceOrder",
            USDM,
            json!({"e":"forceOrder","E":1786172557615i64,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"5","p":"0.1336000","ap":"0.1355000","X":"FILLED","l":"4","z":"3","T":1786172556607i64,"ps":"BTCUSDT","st":1}}),
            "LIQUIDATION",
            "binance.ws.forceOrder",
            1786172557615,
            None,
            json!({"tradeTime":1786172556607i64*MS,"side":"SELL","orderType":"LIMIT","timeInForce":"IOC","status":"FILLED","quantity":"5","price":"0.1336","average":"0.1355","lastQuantity":"4","filledQuantity":"3"}),
        ),
    ]
}

#[test]
fn every_kind_becomes_its_payload_value_by_value() {
    let mut bench = Bench::of(&default_routes());
    let mut kinds = std::collections::BTreeSet::new();
    for (stream, market, payload, type_name, source, ts, venue_id, expected) in every_kind() {
        let events = bench.send_as(market, stream, bench.btc, &payload.to_string());
        assert_eq!(events.len(), 1, "{stream} {market}");
        let event = &events[0];
        assert_eq!(event["type"], type_name, "{stream} {market}");
        assert_eq!(event["source"], source, "{stream} {market}");
        assert_eq!(event["payload"], expected, "{stream} {market}");
        assert_eq!(event["venueId"], venue_id.map_or(Value::Null, Value::from), "{stream} {market}");
        // The spot diff of the table is in microseconds.
        let ts = match (stream, market) {
            ("btcusdt@depth@100ms", _) => json!(1_723_161_255_208_123_000i64),
            _ if ts == 0 => Value::Null,
            _ => json!(ts * MS),
        };
        assert_eq!(event["ts"], ts, "{stream} {market}");
        assert_eq!((&event["instrument"], &event["market"]), (&json!("BTC-USDT"), &json!(market.name())));
        assert_eq!(
            (&event["connection"], &event["latencyNs"], &event["receiveTs"]),
            (&json!(3), &json!(77), &json!(1000))
        );
        assert_eq!(event["dispatchVersion"], 1);
        let snapshot = type_name == "ORDERBOOK.SNAPSHOT";
        let flags = if snapshot { json!(["snapshot", "lastOfBatch"]) } else { json!(["lastOfBatch"]) };
        assert_eq!(event["flags"], flags, "{stream} {market}");
        kinds.insert(topic(stream).kind);
    }
    let served = StreamKind::ALL.into_iter().filter(|k| canonicaliser(*k).is_some()).count();
    assert_eq!(kinds.len(), served, "a kind is not in the table");
    assert_eq!(bench.count(Counter::UnknownFields), 0, "{:?}", bench.stage.unknown_fields().rows());
}

#[test]
fn the_limit_of_a_depth_body_travels_with_it() {
    use meltica::schema::event::EventRef;
    use meltica::schema::payload::DepthLevels;
    use meltica::schema::stage::{RawSink, Stage};
    let mut bench = Bench::of(&default_routes());
    let mut buf = RawBuf::default();
    fill(&mut buf, SPOT, topic("depth-body"), bench.btc, &json!({"lastUpdateId":5,"bids":[],"asks":[]}));
    buf.set_limit(1000);
    let raw = buf.finish().unwrap();
    assert!(bench.stage.ready(1, raw.words()));
    bench.stage.take_raw(raw);
    let event = EventRef::from_words(&bench.stage.next().events[0]).unwrap();
    assert_eq!(event.payload::<DepthLevels>().unwrap().0.limit, 1000);
    assert_eq!(event.header().source, Source::RestDepth as u16);
}

/// A key that a canonicaliser calls mapped changes the event, and one that it does not leaves it alone: otherwise a field
/// would be lost without a count.
#[test]
fn what_is_called_mapped_is_mapped_and_nothing_else_is() {
    for (stream, market, payload, ..) in every_kind() {
        let topic = topic(stream);
        let maker = canonicaliser(topic.kind).unwrap();
        let event = |payload: &Value| {
            let mut buf = RawBuf::default();
            let raw = raw(&mut buf, market, topic, InstrumentId(0), payload);
            let header = meltica::schema::event::EventHeader::from_raw(
                raw.header,
                meltica::schema::id::TypeId(1),
                topic.kind.source(),
            );
            let mut out = dispatch_support::buffer();
            (maker.make)(raw, header, &mut out)?;
            Some(out.read().words().to_vec())
        };
        let before = event(&payload).unwrap_or_else(|| panic!("{stream}"));
        for (slot, spec) in layout(topic.kind).iter().enumerate() {
            let pointer = format!("/{}", spec.key.replace('.', "/"));
            let mut changed = payload.clone();
            let Some(value) = changed.pointer_mut(&pointer) else { continue };
            *value = match (spec.want, &*value) {
                (Want::Int, v) => json!(v.as_i64().unwrap_or(0) + 1),
                (Want::Decimal, _) => json!("123.125"),
                (Want::Bool, v) => json!(!v.as_bool().unwrap_or(false)),
                (Want::Text, _) => json!("4dTicker"),
            };
            let mapped = maker.mapped >> slot & 1 == 1;
            // The symbol is carried as the instrument; a second time only gives way to a first.
            // A negative first id says that no trades are named, whatever the last one is.
            let unnamed = spec.key == "l" && payload["f"] == -1;
            let silent = unnamed
                || matches!(spec.key, "s" | "k.s" | "o.s" | "symbol")
                || (spec.key == "T" && has_both_times(&payload));
            assert_eq!(event(&changed) != Some(before.clone()), mapped && !silent, "{stream} {market} {}", spec.key);
        }
    }
}

fn has_both_times(payload: &Value) -> bool {
    let fallback = payload.get("lastUpdateId").is_some() || payload.get("B").is_some() || payload.get("pu").is_some();
    fallback && payload.get("E").is_some()
}

#[test]
fn absurd_values_are_refused_counted_and_touch_nothing_else() {
    let trade = json!({"E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true});
    let agg = json!({"E":1,"s":"BTCUSDT","a":1,"p":"1","q":"1","f":1,"l":1,"T":1,"m":true});
    let table: [(&str, &Value, &str, Value); 10] = [
        ("btcusdt@trade", &trade, "E", json!(i64::MAX)),
        ("btcusdt@trade", &trade, "T", json!(i64::MIN)),
        ("btcusdt@trade", &trade, "t", json!(-1)),
        ("btcusdt@trade", &trade, "p", json!("-1")),
        ("btcusdt@trade", &trade, "q", json!("-0.1")),
        ("btcusdt@trade", &trade, "p", Value::Null),
        ("btcusdt@aggTrade", &agg, "l", json!(0)),
        ("btcusdt@aggTrade", &agg, "l", json!(i64::MAX)),
        ("btcusdt@aggTrade", &agg, "l", json!(5_000_000_000i64)),
        ("btcusdt@aggTrade", &agg, "a", json!(-3)),
    ];
    for (stream, good, key, bad) in table {
        let mut bench = Bench::of(&default_routes());
        let mut payload = good.clone();
        payload[key] = bad.clone();
        assert!(bench.send(stream, &payload.to_string()).is_empty(), "{stream} {key} {bad}");
        assert_eq!(bench.count(Counter::RefusedCanonical), 1, "{stream} {key} {bad}");
        assert_eq!(bench.send(stream, &good.to_string()).len(), 1);
        assert_eq!(bench.count(Counter::Canonical), 1);
    }
}

#[test]
fn a_diff_that_makes_no_event_is_told_as_a_loss() {
    let good = json!({"E":1,"s":"BTCUSDT","U":5,"u":6,"b":[],"a":[]});
    let table: [(Market, &str, Value); 8] = [
        (SPOT, "U", json!(7)),
        (SPOT, "U", json!(-1)),
        (SPOT, "U", json!(i64::MIN)),
        (SPOT, "E", json!(i64::MAX)),
        (SPOT, "b", json!([["1", "-1"]])),
        (SPOT, "a", json!([["-1", "1"]])),
        (USDM, "pu", json!(-2)),
        // Futures ids are not contiguous: without `pu` nobody knows the span.
        (USDM, "E", json!(2)),
    ];
    for (market, key, bad) in table {
        let mut bench = Bench::of(&default_routes());
        let mut payload = good.clone();
        payload[key] = bad.clone();
        let events = bench.send_as(market, "btcusdt@depth", bench.btc, &payload.to_string());
        assert_eq!(events.len(), 1, "{key} {bad}");
        assert_eq!((&events[0]["type"], &events[0]["payload"]), (&json!("ORDERBOOK.DELTA"), &json!({})), "{key} {bad}");
        assert_eq!(events[0]["instrument"], "BTC-USDT");
        let counts = [Counter::RefusedCanonical, Counter::BookFramesLost, Counter::Canonical].map(|c| bench.count(c));
        assert_eq!(counts, [1, 1, 0], "{key} {bad}");
    }
    // Ids that jumped backwards pass: the conductor judges them.
    let mut bench = Bench::of(&default_routes());
    let back = json!({"E":1,"s":"BTCUSDT","U":5,"u":6,"pu":900,"b":[],"a":[]});
    let events = bench.send_as(USDM, "btcusdt@depth", bench.btc, &back.to_string());
    assert_eq!(events[0]["payload"]["previousUpdateId"], 900);
}

#[test]
fn a_loss_passes_whatever_the_routes_say() {
    let mut bench = Bench::new("TRADE: { topics: ['{symbol}@trade'] }");
    let mut buf = RawBuf::default();
    buf.begin(&dispatch_support::origin(SPOT, 1), Topic::plain(StreamKind::Lost), 0);
    buf.set_instrument(bench.eth);
    let raw = buf.finish().unwrap();
    assert!(raw.words() + EVENT_WORDS_OVER_RAW >= 12);
    let events = bench.take(raw);
    assert_eq!((&events[0]["type"], &events[0]["instrument"]), (&json!("ORDERBOOK.DELTA"), &json!("ETH-USDT")));
    buf.begin(&dispatch_support::origin(SPOT, 2), Topic::plain(StreamKind::Lost), 0);
    assert!(bench.take(buf.finish().unwrap()).is_empty());
    assert_eq!(bench.count(Counter::NoInstrument), 1);
}

/// `ready` promises room by this bound; the smallest frame of a kind comes nearest to it.
#[test]
fn no_event_is_longer_than_its_raw_instance_and_the_bound() {
    let mut bench = Bench::of(&default_routes());
    for (stream, market, payload, ..) in every_kind() {
        let mut buf = RawBuf::default();
        let raw = raw(&mut buf, market, topic(stream), bench.btc, &payload);
        // Texts only lengthen the raw instance: count as if there were none.
        let least = raw.words() - (raw.header.text_bytes as usize).div_ceil(8);
        let fixed =
            11 + canonicaliser(raw.kind()).unwrap().payload.fields().1 + raw.bids().len() * 2 + raw.asks().len() * 2;
        assert!(fixed <= least + EVENT_WORDS_OVER_RAW, "{stream}: {fixed} words from {least}");
        assert_eq!(bench.take(raw).len(), 1);
    }
}

#[test]
fn the_last_event_of_a_frame_says_so() {
    let yaml = "{ TRADE: { topics: ['{symbol}@trade'] }, A.TRADE: { topics: ['{symbol}@trade'] }, \
                Z.TRADE: { topics: ['{symbol}@trade'], filters: [{ field: m, op: eq, value: false }] } }";
    let mut bench = Bench::new(yaml);
    let trade = json!({"E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true});
    let flags = |events: &[Value]| -> Vec<(String, usize)> {
        events.iter().map(|e| (e["type"].as_str().unwrap().to_owned(), e["flags"].as_array().unwrap().len())).collect()
    };
    let events = bench.send("btcusdt@trade", &trade.to_string());
    assert_eq!(flags(&events), [("A.TRADE".to_owned(), 0), ("TRADE".to_owned(), 1)]);
    let mut buf = RawBuf::default();
    fill(&mut buf, SPOT, topic("btcusdt@trade"), bench.btc, &trade);
    buf.add_marks(mark::MORE_FOLLOW);
    let events = bench.take(buf.finish().unwrap());
    assert_eq!(flags(&events), [("A.TRADE".to_owned(), 0), ("TRADE".to_owned(), 0)]);
}
