//! Purpose: proves the simulated exchange truthful, by an independent reading of what it sends.
//! Owns: a naive book by the official rule, on serde_json and ordered maps. Thread: the test's.
//! Takes and gives: frames as the io agent would get them. Never: uses the simulation's own books to check themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use meltica::schema::decimal::Decimal;
use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest};
use meltica::schema::id::Market;
use meltica::schema::topic::{StreamKind, StreamName};
use meltica::sim::book::Side;
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::exchange::ExchangeOptions;
use meltica::sim::faults::{Fault, FaultPlan, FaultRule, When};
use meltica::sim::options::{Pace, SimOptions};
use meltica::sim::oracle::{Oracle, Retain, TruthCursor};
use meltica::sim::source::SimSource;
use meltica::sim::spec::default_symbols;
use meltica::telemetry::Clock;
use serde_json::Value;

/// A frame as it came, kept.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    connection: u16,
    number: u64,
    receive: i64,
    /// The symbol of a depth body; empty for stream frames, `*` for exchangeInfo.
    body_of: String,
    bytes: Vec<u8>,
}

fn keep(frame: Frame<'_>) -> Kept {
    let body_of = match frame.origin {
        Origin::RestDepth { symbol, .. } => symbol.to_owned(),
        Origin::ExchangeInfo => "*".to_owned(),
        _ => String::new(),
    };
    assert_eq!(frame.market, Market::BinanceSpot);
    Kept {
        connection: frame.connection.0,
        number: frame.number,
        receive: frame.receive.0,
        body_of,
        bytes: frame.bytes.to_vec(),
    }
}

/// Pulls to the end; `each` may ask for snapshots, as the conductor does.
fn drain(source: &mut SimSource, mut each: impl FnMut(&Kept) -> Option<String>) -> Vec<Kept> {
    let mut kept: Vec<Kept> = Vec::new();
    loop {
        let before = kept.len();
        let pulled = source.pull(&mut |frame| kept.push(keep(frame))).expect("the simulation never breaks");
        match pulled {
            Pulled::Ended => return kept,
            Pulled::Nothing => assert_eq!(kept.len(), before),
            Pulled::Frame => {
                assert_eq!(kept.len(), before + 1);
                if let Some(symbol) = each(&kept[before]) {
                    let request = SnapshotRequest { market: Market::BinanceSpot, symbol: &symbol, epoch: 1 };
                    source.request_snapshot(request);
                }
            }
        }
    }
}

fn options(seed: u64, symbols: usize, channels: Channels, frames: u64) -> SimOptions {
    let exchange = ExchangeOptions { seed, symbols: default_symbols(symbols), channels, ..ExchangeOptions::default() };
    SimOptions { exchange, frames_max: Some(frames), ..SimOptions::default() }
}

/// Name of the stream and its payload.
fn parse(bytes: &[u8]) -> (String, Value) {
    let mut frame: Value = serde_json::from_slice(bytes).expect("every true frame is JSON");
    let name = frame["stream"].as_str().expect("a combined frame").to_owned();
    (name, frame["data"].take())
}

fn kind(name: &str) -> StreamKind {
    StreamName::parse(name).unwrap_or_else(|| panic!("{name} is a stream that the venue has")).topic.kind
}

fn decimal(value: &Value) -> Decimal {
    let text = value.as_str().expect("numbers are strings");
    let (_, behind) = text.split_once('.').expect("with a point");
    assert_eq!(behind.len(), 8, "eight decimals: {text}");
    text.parse().expect("a plain decimal")
}

/// A book by the venue's own description: absolute quantities, zero removes.
#[derive(Default)]
struct NaiveBook {
    id: u64,
    sides: [BTreeMap<Decimal, Decimal>; 2],
}

impl NaiveBook {
    fn apply(&mut self, side: Side, levels: &Value) {
        for level in levels.as_array().expect("a list") {
            let (price, quantity) = (decimal(&level[0]), decimal(&level[1]));
            if quantity.is_zero() {
                self.sides[side as usize].remove(&price);
            } else {
                self.sides[side as usize].insert(price, quantity);
            }
        }
    }

    fn of_snapshot(body: &Value) -> NaiveBook {
        let mut book = NaiveBook { id: body["lastUpdateId"].as_u64().expect("an id"), ..NaiveBook::default() };
        book.apply(Side::Bid, &body["bids"]);
        book.apply(Side::Ask, &body["asks"]);
        book
    }

    fn best_first(&self, side: Side) -> Vec<(Decimal, Decimal)> {
        let levels = self.sides[side as usize].iter().map(|(p, q)| (*p, *q));
        if side == Side::Bid { levels.rev().collect() } else { levels.collect() }
    }
}

/// One symbol's books by the official rule: buffer, snapshot, drop, apply in order.
struct Synced {
    buffered: Vec<Value>,
    asked: bool,
    book: Option<NaiveBook>,
    /// Worst bid and ask that the snapshot showed; `None` for a side that it showed whole.
    known: [Option<Decimal>; 2],
    cursor: TruthCursor,
    compared: u64,
}

impl Synced {
    fn new(oracle: &Arc<Oracle>, symbol: &str) -> Synced {
        let cursor = oracle.cursor(symbol).expect("listed");
        Synced { buffered: Vec::new(), asked: false, book: None, known: [None; 2], cursor, compared: 0 }
    }

    fn snapshot(&mut self, body: &[u8], limit: usize) {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let book = NaiveBook::of_snapshot(&body);
        for side in [Side::Bid, Side::Ask] {
            let levels = book.best_first(side);
            self.known[side as usize] = (levels.len() == limit).then(|| levels[limit - 1].0);
            self.cursor.move_to(book.id).expect("a true id");
            assert!(self.cursor.levels(side).take(limit).eq(levels), "a snapshot is the truth at its id");
        }
        self.book = Some(book);
        for diff in std::mem::take(&mut self.buffered) {
            self.diff(&diff);
        }
    }

    fn diff(&mut self, diff: &Value) {
        let (first, last) = (diff["U"].as_u64().expect("U"), diff["u"].as_u64().expect("u"));
        let Some(book) = self.book.as_mut() else { return self.buffered.push(diff.clone()) };
        if last <= book.id {
            return;
        }
        assert!(first <= book.id + 1, "no id is missing");
        book.apply(Side::Bid, &diff["b"]);
        book.apply(Side::Ask, &diff["a"]);
        book.id = last;
        self.compare();
    }

    fn compare(&mut self) {
        let Some(book) = &self.book else { return };
        self.cursor.move_to(book.id).expect("a true id");
        for side in [Side::Bid, Side::Ask] {
            let known = self.known[side as usize];
            let inside = |price: Decimal| {
                known.is_none_or(|worst| if side == Side::Bid { price >= worst } else { price <= worst })
            };
            let mine = book.best_first(side).into_iter().take_while(|l| inside(l.0));
            let truth = self.cursor.levels(side).take_while(|l| inside(l.0));
            assert!(mine.eq(truth), "{side:?} at {}", book.id);
        }
        let (bid, ask) = (self.cursor.best(Side::Bid).expect("bids"), self.cursor.best(Side::Ask).expect("asks"));
        assert!(bid.0 < ask.0, "never crossed");
        self.compared += 1;
    }
}

#[test]
fn a_book_kept_by_the_official_rule_equals_the_truth_at_every_id() {
    const LIMIT: usize = 100;
    let mut options = options(11, 14, Channels::CORE.with(Channel::PartialDepth), 60_000);
    options.rest_limit = LIMIT as u32;
    let mut source = SimSource::new(options).expect("valid options");
    let oracle = source.oracle();
    let mut books: HashMap<String, Synced> = HashMap::new();
    let mut tickers = 0;
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        if !kept.body_of.is_empty() {
            books.get_mut(&kept.body_of).expect("asked for").snapshot(&kept.bytes, LIMIT);
            return None;
        }
        let (name, data) = parse(&kept.bytes);
        let symbol = name.split('@').next().unwrap_or_default().to_uppercase();
        let synced = books.entry(symbol.clone()).or_insert_with(|| Synced::new(&oracle, &symbol));
        match kind(&name) {
            StreamKind::DepthDiff => {
                synced.diff(&data);
                return (!std::mem::replace(&mut synced.asked, true)).then_some(symbol);
            }
            StreamKind::BookTicker => {
                let mut cursor = oracle.cursor(&symbol).expect("listed");
                cursor.move_to(data["u"].as_u64().expect("u")).expect("a true id");
                for (side, price, quantity) in [(Side::Bid, "b", "B"), (Side::Ask, "a", "A")] {
                    assert_eq!(cursor.best(side), Some((decimal(&data[price]), decimal(&data[quantity]))));
                }
                tickers += 1;
            }
            StreamKind::DepthPartial => {
                let truth = oracle.truth(&symbol, data["lastUpdateId"].as_u64().expect("id")).expect("held");
                let book = NaiveBook::of_snapshot(&data);
                assert!(book.best_first(Side::Bid).iter().eq(truth.bids.iter().take(20)));
                assert!(book.best_first(Side::Ask).iter().eq(truth.asks.iter().take(20)));
            }
            _ => {}
        }
        None
    });
    assert_eq!(books.len(), 14);
    assert!(books.values().all(|b| b.compared > 100), "every symbol was checked");
    assert!(books["BTCUSDT"].known.iter().all(Option::is_some), "a deep book is known in part only");
    assert!(tickers > 5_000, "{tickers}");
}

#[test]
fn ids_of_diffs_and_trades_are_contiguous() {
    let mut source = SimSource::new(options(5, 13, Channels::ALL, 40_000)).expect("valid options");
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut next_agg_first: HashMap<String, u64> = HashMap::new();
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        let (name, data) = parse(&kept.bytes);
        let id = |key: &str| data[key].as_u64().expect("an id");
        let (first, last) = match kind(&name) {
            StreamKind::DepthDiff => (id("U"), id("u")),
            StreamKind::Trade | StreamKind::BlockTrade => (id("t"), id("t")),
            StreamKind::AggTrade => {
                if let Some(expected) = next_agg_first.insert(name.clone(), id("l") + 1) {
                    assert_eq!(id("f"), expected);
                }
                assert!(id("f") <= id("l"));
                (id("a"), id("a"))
            }
            _ => return None,
        };
        assert!(first <= last);
        if let Some(expected) = next.insert(name, last + 1) {
            assert_eq!(first, expected);
        }
        None
    });
    assert!(next.len() >= 13 * 3);
}

/// Keys in the order in which the venue writes them: binance.md section 2, and the captures.
const KEYS: [(&str, &str); 12] = [
    ("@depth@100ms", "e,E,s,U,u,b,a"),
    ("@depth20@100ms", "lastUpdateId,bids,asks"),
    ("@bookTicker", "u,s,b,B,a,A"),
    ("@trade", "e,E,s,t,p,q,T,m,M"),
    ("@aggTrade", "e,E,s,a,p,q,f,l,T,m,M"),
    ("@blockTrade", "e,E,s,t,p,q,T,m"),
    ("@kline_1m", "e,E,s,k"),
    ("@miniTicker", "e,E,s,c,o,h,l,v,q"),
    ("@ticker", "e,E,s,p,P,w,x,c,Q,b,B,a,A,o,h,l,v,q,O,C,F,L,n"),
    ("@ticker_1h", "e,E,s,p,P,o,h,l,c,w,v,q,O,C,F,L,n"),
    ("@avgPrice", "e,E,s,i,w,T"),
    ("@referencePrice", "e,s,r,t"),
];

/// The keys of the first object in `text` as they are written, which `serde_json` does not keep.
fn written_keys(text: &str) -> String {
    let (mut depth, mut keys, mut start) = (0, Vec::new(), None);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => match start.take() {
                None => start = Some(at + 1),
                Some(from) if depth == 1 && text.as_bytes().get(at + 1) == Some(&b':') => keys.push(&text[from..at]),
                Some(_) => {}
            },
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    keys.join(",")
}

#[test]
fn every_payload_has_exactly_the_venues_keys_in_its_order() {
    let mut options = options(3, 16, Channels::ALL, u64::MAX);
    options.frames_max = None;
    options.duration_ns = Some(65_000_000_000);
    options.exchange.events_per_second = 20;
    let mut source = SimSource::new(options).expect("valid options");
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let (mut closed, mut nulls) = (0, 0);
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        let text = std::str::from_utf8(&kept.bytes).expect("UTF-8");
        let (name, data) = parse(&kept.bytes);
        let (symbol, _) = name.split_once('@').expect("a symbol");
        let payload = &text[text.find("\"data\":").expect("wrapped") + 7..];
        assert!(text.starts_with(&format!("{{\"stream\":\"{name}\",\"data\":{{")), "{text}");
        let (suffix, keys) = KEYS.iter().find(|(suffix, _)| name[symbol.len()..] == **suffix).expect("a known stream");
        assert_eq!(written_keys(payload), *keys, "{name}");
        *seen.entry(suffix).or_default() += 1;
        if data.get("s").is_some() {
            assert_eq!(data["s"].as_str(), Some(symbol.to_uppercase().as_str()));
        }
        if *suffix == "@kline_1m" {
            let candle = &payload[payload.find("\"k\":").expect("k") + 4..];
            assert_eq!(written_keys(candle), "t,T,s,i,f,L,o,c,h,l,v,n,x,q,V,Q,B");
            closed += u64::from(data["k"]["x"] == Value::Bool(true));
        }
        if *suffix == "@referencePrice" {
            nulls += u64::from(data["r"].is_null());
        }
        for (key, value) in data.as_object().expect("an object") {
            if value.is_string() && !["e", "s", "P", "i", "p"].contains(&key.as_str()) {
                decimal(value);
            }
        }
        None
    });
    assert_eq!(seen.len(), KEYS.len(), "{seen:?}");
    assert_eq!(closed, 16, "each symbol's minute closed once");
    assert!(nulls > 0);
}

#[test]
fn statistics_are_those_of_the_own_trades() {
    let mut options = options(8, 9, Channels::ALL, u64::MAX);
    options.duration_ns = Some(20_000_000_000);
    let mut source = SimSource::new(options).expect("valid options");
    let mut sums: HashMap<String, (Decimal, u64)> = HashMap::new();
    let mut checked = 0;
    drain(&mut source, |kept| {
        if kept.body_of == "*" {
            return None;
        }
        let (name, data) = parse(&kept.bytes);
        let symbol = name.split('@').next().unwrap_or_default().to_owned();
        let sum = sums.entry(symbol).or_insert((Decimal::ZERO, 0));
        match kind(&name) {
            StreamKind::Trade => {
                sum.0 = sum.0.checked_add(decimal(&data["q"])).expect("small");
                sum.1 += 1;
            }
            StreamKind::Ticker | StreamKind::WindowTicker | StreamKind::MiniTicker => {
                assert_eq!(decimal(&data["v"]), sum.0, "{name}");
                if let Some(count) = data["n"].as_u64() {
                    assert_eq!(count, sum.1);
                }
                if sum.1 > 0 {
                    let (low, high) = (decimal(&data["l"]), decimal(&data["h"]));
                    assert!(low <= decimal(&data["o"]) && decimal(&data["o"]) <= high);
                    assert!(low <= decimal(&data["c"]) && decimal(&data["c"]) <= high);
                    checked += 1;
                }
            }
            _ => {}
        }
        None
    });
    assert!(checked > 300, "{checked}");
}

fn run(options: SimOptions) -> Vec<Kept> {
    let mut asked = HashMap::new();
    drain(&mut SimSource::new(options).expect("valid options"), |kept| {
        let text = String::from_utf8_lossy(&kept.bytes).into_owned();
        let name = text.strip_prefix("{\"stream\":\"")?.split('"').next()?.to_owned();
        let symbol = name.strip_suffix("@depth@100ms")?.to_uppercase();
        let diffs = asked.entry(symbol.clone()).or_insert(0u64);
        *diffs += 1;
        (*diffs % 40 == 1).then_some(symbol)
    })
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let first = run(options(21, 12, Channels::ALL, 8_000));
    assert!(first == run(options(21, 12, Channels::ALL, 8_000)));
    assert!(first != run(options(22, 12, Channels::ALL, 8_000)));
}

#[test]
fn watching_fewer_streams_or_more_symbols_changes_no_event() {
    let of = |symbols, channels| {
        let mut options = options(4, symbols, channels, u64::MAX);
        options.duration_ns = Some(3_000_000_000);
        let kept = drain(&mut SimSource::new(options).expect("valid options"), |_| None);
        let is_btc_diff = |k: &Kept| k.bytes.starts_with(b"{\"stream\":\"btcusdt@depth@100ms\"");
        kept.into_iter().filter(is_btc_diff).map(|k| k.bytes).collect::<Vec<_>>()
    };
    let alone = of(1, Channels::NONE.with(Channel::Depth));
    assert!(alone.len() > 20);
    assert!(alone == of(40, Channels::ALL));
}

#[test]
fn frames_come_in_order_of_their_receive_times_with_numbers_per_connection() {
    let kept = run(options(2, 20, Channels::ALL, 10_000));
    let mut next = [0; 2];
    let mut last = i64::MIN;
    for frame in &kept {
        assert!(frame.receive >= last);
        last = frame.receive;
        assert_eq!(frame.number, next[usize::from(frame.connection)]);
        next[usize::from(frame.connection)] += 1;
        assert_eq!(frame.connection == 1, !frame.body_of.is_empty());
    }
    assert!(next[0] == 10_000 && next[1] > 20);
    let info: Value = serde_json::from_slice(&kept[0].bytes).expect("JSON");
    let listed = info["symbols"].as_array().expect("symbols");
    assert_eq!(listed.len(), 20);
    assert_eq!((&listed[0]["symbol"], &listed[0]["status"]), (&"BTCUSDT".into(), &"TRADING".into()));
    assert_eq!(listed[0]["filters"][0]["tickSize"], "0.01000000");
    assert_eq!(listed[0]["filters"][1]["stepSize"], "0.00001000");
    assert_eq!(info["rateLimits"][0]["limit"], 6_000);
}

fn rule(symbol: &str, fault: Fault, when: When) -> FaultRule {
    FaultRule { symbols: vec![symbol.to_owned()], fault, when }
}

#[test]
fn faults_leave_every_other_symbols_frames_as_they_were() {
    let all = [
        Fault::Drop,
        Fault::Repeat,
        Fault::Swap,
        Fault::DelayNs(450_000_000),
        Fault::DelayDiffs(3),
        Fault::Overlap,
        Fault::Garbage,
        Fault::Crossing { ticks: 3 },
        Fault::StaleSnapshot { ids_back: 500 },
        Fault::TruncatedSnapshot,
        Fault::UnansweredSnapshot,
    ];
    let mut with = options(6, 12, Channels::ALL, 20_000);
    let struck = |symbol: &str| {
        let mut rules: Vec<_> =
            all.iter().map(|fault| rule(symbol, fault.clone(), When::PerMillion(100_000))).collect();
        rules.push(rule(symbol, Fault::RestartIds { at: 1_000 }, When::At(vec![30])));
        rules
    };
    with.faults = FaultPlan { seed: 9, rules: [struck("ETHUSDT"), struck("LRCBTC")].concat() };
    let without = SimOptions { faults: FaultPlan::default(), ..with.clone() };
    let others = |kept: Vec<Kept>| {
        let spoilt = |k: &Kept| {
            let text = String::from_utf8_lossy(&k.bytes);
            let own = |s: &str| text.contains(&format!("\"{s}@")) || k.body_of == s.to_uppercase();
            own("ethusdt") || own("lrcbtc") || text.starts_with("<html>")
        };
        kept.into_iter().filter(|k| !spoilt(k)).map(|k| (k.receive, k.body_of, k.bytes)).collect::<Vec<_>>()
    };
    let (spoilt, pure) = (run(with), run(without));
    assert!(spoilt != pure);
    let (spoilt, pure) = (others(spoilt), others(pure));
    assert!(pure.len() > 10_000);
    assert!(spoilt == pure);
}

/// Spans of a symbol's diffs as they arrive; `None` for one that is not a diff any more.
fn spans(fault: Fault, at: u64) -> (Vec<Option<(u64, u64)>>, Vec<Option<(u64, u64)>>, SimSource) {
    let mut options = options(31, 2, Channels::NONE.with(Channel::Depth), 60);
    let of = |options: SimOptions| {
        let mut source = SimSource::new(options).expect("valid options");
        let kept = drain(&mut source, |_| None);
        let mine = kept.iter().filter(|k| k.connection == 0 && !k.bytes.starts_with(b"{\"stream\":\"ethusdt"));
        let span = |k: &Kept| {
            let frame: Value = serde_json::from_slice(&k.bytes).ok()?;
            Some((frame["data"]["U"].as_u64()?, frame["data"]["u"].as_u64()?))
        };
        (mine.map(span).collect::<Vec<_>>(), source)
    };
    let pure = of(options.clone()).0;
    options.faults.rules = vec![rule("BTCUSDT", fault, When::At(vec![at]))];
    let (spoilt, source) = of(options);
    (pure, spoilt, source)
}

#[test]
fn each_fault_does_what_its_name_says() {
    let whole = |(first, last): (Option<(u64, u64)>, Option<(u64, u64)>)| {
        first.zip(last).map(|((first, _), (_, last))| (first, last))
    };
    let check = |fault: Fault, expected: &dyn Fn(&mut Vec<Option<(u64, u64)>>)| {
        let (mut pure, spoilt, source) = spans(fault.clone(), 5);
        expected(&mut pure);
        assert_eq!(spoilt, pure, "{fault:?}");
        let journal = source.journal().entries();
        assert_eq!(journal.len(), 1, "{fault:?}");
        assert_eq!((journal[0].symbol.as_str(), &journal[0].fault, journal[0].number), ("BTCUSDT", &fault, 5));
    };
    check(Fault::Drop, &|spans| drop(spans.remove(5)));
    check(Fault::Repeat, &|spans| spans.insert(5, spans[5]));
    check(Fault::Swap, &|spans| spans.swap(5, 6));
    check(Fault::DelayDiffs(3), &|spans| spans[5..=8].rotate_left(1));
    check(Fault::DelayNs(250_000_000), &|spans| spans[5..=7].rotate_left(1));
    check(Fault::Overlap, &|spans| spans[6] = whole((spans[5], spans[6])));
    check(Fault::Crossing { ticks: 2 }, &|_| ());
    check(Fault::RestartIds { at: 700 }, &|spans| {
        let base = spans[5].expect("a diff").1 - 700;
        for span in spans[6..].iter_mut().flatten() {
            *span = (span.0 - base, span.1 - base);
        }
    });
    let (pure, spoilt, _) = spans(Fault::Garbage, 5);
    assert!(spoilt[5] != pure[5] && spoilt[6..] == pure[6..]);
}

#[test]
fn a_crossing_diff_crosses_and_restarted_ids_have_a_truth_of_their_own() {
    let mut options = options(31, 1, Channels::NONE.with(Channel::Depth), 40);
    options.faults.rules = vec![
        rule("BTCUSDT", Fault::Crossing { ticks: 0 }, When::At(vec![3])),
        rule("BTCUSDT", Fault::RestartIds { at: 50 }, When::At(vec![9])),
    ];
    let mut source = SimSource::new(options).expect("valid options");
    let oracle = source.oracle();
    let mut book: Option<NaiveBook> = None;
    let mut diffs = 0;
    let kept = drain(&mut source, |kept| (kept.number == 0 && kept.connection == 0).then(|| "BTCUSDT".to_owned()));
    let snapshot = kept.iter().find(|k| k.body_of == "BTCUSDT").expect("answered");
    for frame in kept.iter().filter(|k| k.connection == 0) {
        let (_, data) = parse(&frame.bytes);
        let first = data["b"].as_array().expect("bids").first().map(|level| decimal(&level[0]));
        let id = data["u"].as_u64().expect("u");
        let truth = oracle.truth("BTCUSDT", id).expect("held, also after the restart");
        assert!(truth.bids[0].0 < truth.asks[0].0, "the truth never crosses");
        assert_eq!(first == Some(truth.asks[0].0), diffs == 3, "the false bid stands at the best ask");
        assert_eq!(id < 1_000_000, diffs > 9);
        diffs += 1;
        let body: Value = serde_json::from_slice(&snapshot.bytes).expect("JSON");
        let book = book.get_or_insert_with(|| NaiveBook::of_snapshot(&body));
        if id > book.id || diffs > 10 {
            book.apply(Side::Bid, &data["b"]);
        }
    }
    assert_eq!(diffs, 40);
}

#[test]
fn snapshots_can_be_stale_cut_off_or_never_come() {
    let answers = |fault: Option<Fault>| {
        let mut options = options(31, 1, Channels::NONE.with(Channel::Depth), 40);
        options.rest_limit = 10;
        options.faults.rules = fault.into_iter().map(|f| rule("BTCUSDT", f, When::At(vec![1]))).collect();
        let mut source = SimSource::new(options).expect("valid options");
        let ask = |k: &Kept| (k.connection == 0 && k.number % 10 == 0).then(|| "BTCUSDT".to_owned());
        let kept = drain(&mut source, ask);
        (kept.into_iter().filter(|k| k.body_of == "BTCUSDT").map(|k| k.bytes).collect::<Vec<_>>(), source)
    };
    let (pure, source) = answers(None);
    assert_eq!((pure.len(), source.counts().snapshots_asked), (4, 4));
    let id = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("JSON")["lastUpdateId"].as_u64();
    let (stale, source) = answers(Some(Fault::StaleSnapshot { ids_back: 40 }));
    assert_eq!(id(&stale[1]), id(&pure[1]).map(|id| id - 40));
    let truth = source.oracle().truth("BTCUSDT", id(&stale[1]).expect("an id")).expect("held");
    let body = NaiveBook::of_snapshot(&serde_json::from_slice(&stale[1]).expect("JSON"));
    assert_eq!(body.best_first(Side::Bid), truth.bids[..10], "stale, but true in its time");
    let (cut, _) = answers(Some(Fault::TruncatedSnapshot));
    assert!(serde_json::from_slice::<Value>(&cut[1]).is_err() && pure[1].starts_with(&cut[1]));
    let (silent, source) = answers(Some(Fault::UnansweredSnapshot));
    assert_eq!((silent.len(), source.counts().snapshots_answered), (3, 3));
    assert!(silent[0] == pure[0] && silent[1..] == pure[2..]);
}

#[test]
fn what_is_not_listed_is_refused_and_bad_options_are_named() {
    let mut source = SimSource::new(options(1, 1, Channels::CORE, 1)).expect("valid options");
    source.request_snapshot(SnapshotRequest { market: Market::BinanceSpot, symbol: "NOPE", epoch: 0 });
    source.request_snapshot(SnapshotRequest { market: Market::BinanceUsdm, symbol: "BTCUSDT", epoch: 0 });
    assert_eq!(source.counts().requests_refused, 2);
    let table: [(fn(&mut ExchangeOptions), &str); 5] = [
        (|o| o.symbols.clear(), "no symbols"),
        (|o| o.symbols.push(o.symbols[0].clone()), "twice"),
        (|o| o.events_per_second = 0, "events_per_second"),
        (|o| o.depth_interval_ms = 1, "depth_interval_ms"),
        (|o| o.channels_of = vec![("NOPE".to_owned(), Channels::ALL)], "NOPE"),
    ];
    for (spoil, word) in table {
        let mut bad = options(1, 2, Channels::CORE, 1);
        spoil(&mut bad.exchange);
        let error = SimSource::new(bad).err().expect("refused").to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_rate_of_frames_is_met_within_a_fifth() {
    for (channels, rate) in [(Channels::CORE, 20_000), (Channels::ALL, 50_000), (Channels::CORE, 5_000)] {
        let mut options = options(1, 30, channels, u64::MAX);
        options.frames_per_second = Some(rate);
        options.duration_ns = Some(2_000_000_000);
        let mut source = SimSource::new(options).expect("valid options");
        drain(&mut source, |_| None);
        let made = source.counts().frames_made / 2;
        let rate = u64::from(rate);
        assert!(made > rate * 4 / 5 && made < rate * 6 / 5, "{made} for {rate}");
    }
}

#[test]
fn in_real_time_nothing_comes_before_it_is_due() {
    let clock = Clock::default();
    let mut options = options(1, 3, Channels::CORE, 200);
    options.pace = Pace::RealTime(clock.clone());
    options.exchange.events_per_second = 2_000;
    options.announce_exchange_info = false;
    let start = options.exchange.start.0;
    let mut source = SimSource::new(options).expect("valid options");
    let opened = clock.now_ns();
    let mut kept = Vec::new();
    let mut waited = 0u64;
    loop {
        let pulled = source.pull(&mut |frame| kept.push(keep(frame))).expect("never breaks");
        match pulled {
            Pulled::Ended => break,
            Pulled::Nothing => waited += 1,
            Pulled::Frame => {
                let receive = kept.last().map_or(0, |k: &Kept| k.receive) - start;
                assert!(receive as u64 <= clock.now_ns() - opened, "before its time");
            }
        }
    }
    assert!(waited > 0 && kept.len() == 200);
}

#[test]
fn many_symbols_stay_true_with_a_bounded_history() {
    let mut options = options(77, 200, Channels::CORE, 120_000);
    options.exchange.retain = Retain::Last(20_000);
    let mut source = SimSource::new(options).expect("valid options");
    let oracle = source.oracle();
    let mut frames = 0u64;
    let mut last_receive = 0;
    loop {
        let pulled = source.pull(&mut |frame| {
            frames += 1;
            assert!(frame.receive.0 >= last_receive);
            last_receive = frame.receive.0;
        });
        if pulled.expect("never breaks") == Pulled::Ended {
            break;
        }
    }
    assert_eq!(frames, 120_001);
    for spec in source.exchange().symbols() {
        let id = oracle.newest_id(&spec.symbol).expect("listed");
        let truth = oracle.truth(&spec.symbol, id).expect("held");
        assert!(truth.bids[0].0 < truth.asks[0].0 && truth.bids.len() >= 8 && truth.asks.len() >= 8);
        assert!(truth.bids.is_sorted_by(|a, b| a.0 > b.0) && truth.asks.is_sorted_by(|a, b| a.0 < b.0));
    }
}
