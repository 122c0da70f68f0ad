//! Purpose: proves the books true: at every id they are what the oracle says, and the oracle is what the frames say.
//! Owns: nothing. Thread: the test's. Takes and gives: whole runs. Never: trusts one side to check itself.

use std::collections::HashMap;
use std::sync::Arc;

use meltica::schema::decimal::Decimal;
use meltica::schema::frame::{FrameSource, Pulled};
use meltica::schema::topic::StreamKind;
use meltica::sim::book::Side;
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::oracle::{Oracle, Retain, TruthCursor, TruthError};
use meltica::sim::source::SimSource;
use serde_json::Value;

use crate::reading::{NaiveBook, decimal, drain, kind, options, parse};

/// One symbol's books by the official rule: buffer, snapshot, drop, apply in order.
struct Synced {
    buffered: Vec<Value>,
    asked: bool,
    book: Option<NaiveBook>,
    /// Worst bid and ask that the snapshot showed; `None` for a side that it showed whole.
    known: [Option<Decimal>; 2],
    cursor: TruthCursor,
    /// Another one, for best prices run ahead of diffs.
    top: TruthCursor,
    compared: u64,
}

impl Synced {
    fn new(oracle: &Arc<Oracle>, symbol: &str) -> Synced {
        let cursor = || oracle.cursor(symbol).expect("listed");
        let (cursor, top) = (cursor(), cursor());
        Synced { buffered: Vec::new(), asked: false, book: None, known: [None; 2], cursor, top, compared: 0 }
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
                synced.top.move_to(data["u"].as_u64().expect("u")).expect("a true id");
                for (side, price, quantity) in [(Side::Bid, "b", "B"), (Side::Ask, "a", "A")] {
                    assert_eq!(synced.top.best(side), Some((decimal(&data[price]), decimal(&data[quantity]))));
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

#[test]
fn the_oracle_tells_what_it_holds_and_refuses_the_rest() {
    let mut source = SimSource::new(options(7, 1, Channels::CORE, 5_000)).expect("valid options");
    let oracle = source.oracle();
    let mut cursor = oracle.cursor("BTCUSDT").expect("listed");
    let first = cursor.update_id();
    assert_eq!(cursor.move_to(first + 1), Err(TruthError::NotHeld), "it has not come yet");
    drain(&mut source, |_| None);
    let newest = oracle.newest_id("BTCUSDT").expect("listed");
    assert!(newest > first + 1_000);
    for id in [first + 1, newest, first + 500, first + 501, newest - 1, first] {
        cursor.move_to(id).expect("held");
        let truth = oracle.truth("BTCUSDT", id).expect("held");
        assert_eq!((cursor.update_id(), truth.update_id), (id, id));
        assert!(cursor.levels(Side::Bid).eq(truth.bids.iter().copied()));
        assert!(cursor.levels(Side::Ask).eq(truth.asks.iter().copied()));
        assert_eq!(cursor.quantity_at(Side::Ask, truth.asks[3].0), truth.asks[3].1);
        assert_eq!(cursor.quantity_at(Side::Bid, truth.asks[3].0), Decimal::ZERO);
    }
    assert_eq!(oracle.truth("BTCUSDT", newest + 1), Err(TruthError::NotHeld));
    assert_eq!(oracle.truth("BTCUSDT", first - 1), Err(TruthError::NotHeld));
    assert_eq!(oracle.truth("NOPE", first), Err(TruthError::UnknownSymbol));
}
