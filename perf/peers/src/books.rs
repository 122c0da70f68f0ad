//! Purpose: the book cells: our book, a map, and barter-data's, changed by the same diffs; and frame → book → event.
//! Owns: nothing. Thread: main. Takes and gives: samples in; cells out. Never: measures a book that differs from the others
//! (each is held against a map first).

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use meltica::binance::parse::{Parser, ParserOptions};
use meltica::directory::Directory;
use meltica::schema::decimal::Decimal;
use meltica::schema::frame::Origin;
use meltica::schema::raw::Level;
use meltica::telemetry::Ledger;

use crate::against::barter;
use crate::conductor::alone::{Changes, OurBook};
use crate::decode::payloads;
use crate::measure::Run;
use crate::support::feed::{Feed, SNAPSHOT, frame};
use crate::support::frames::Sample;
use crate::support::rooms::{Round, round_of};

/// A book of two maps, by price mantissa; quantity 0 removes.
#[derive(Debug, Default)]
struct MapBook {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
}

impl MapBook {
    #[inline]
    fn apply(&mut self, changes: &Changes) {
        for (side, levels) in [(&mut self.bids, &changes.bids), (&mut self.asks, &changes.asks)] {
            for level in levels {
                match level.quantity {
                    0 => _ = side.remove(&level.price),
                    quantity => _ = side.insert(level.price, quantity),
                }
            }
        }
    }

    fn best(&self) -> (Option<i64>, Option<i64>) {
        (self.bids.last_key_value().map(|(p, _)| *p), self.asks.first_key_value().map(|(p, _)| *p))
    }
}

/// Our books: all levels in a row; with the windows that the conductor's have.
const OURS: [(&str, usize); 2] = [("meltica's book, rows", 0), ("meltica's book, windows", 1_024)];

/// The name of a cell.
pub(crate) fn cell(sample: &Sample, name: &str) -> String {
    format!("book/{}/{name}", sample.kind.name())
}

/// Adds the cells of a kind of diff.
pub(crate) fn add(run: &mut Run, sample: &Sample) {
    let (snapshot, diffs) = changes(sample);
    check(sample, &snapshot, &diffs);
    let nothing = cell(sample, "nothing");
    run.add_round(nothing.clone(), None, turning(&diffs, |changes| _ = black_box(changes)));
    // The map knows one scale, so it is handed what was brought to it beforehand. Our book does that itself.
    let scaled: Vec<Changes> = diffs.iter().map(|diff| at_scales(diff, snapshot.scales)).collect();
    for (name, window_ticks) in OURS {
        let mut book = OurBook::of(&snapshot, window_ticks);
        let ours = turning(&diffs, move |changes| {
            assert!(book.apply(changes));
            black_box(book.best());
        });
        run.add_round(cell(sample, name), Some(nothing.clone()), ours);
    }
    let mut map = MapBook::default();
    map.apply(&snapshot);
    let theirs = turning(&scaled, move |changes| {
        map.apply(changes);
        black_box(map.best());
    });
    run.add_round(cell(sample, "BTreeMap"), Some(nothing), theirs);

    let raw = payloads(sample);
    run.add_round(cell(sample, "copy"), None, round_of("copy", sample));
    run.add_round(cell(sample, "copy, raw"), None, round_of("copy", &raw));
    let walk = round_of("walk+ledger", sample);
    run.add_round(cell(sample, "meltica, frame to event read"), Some(cell(sample, "copy")), walk);
    run.add_round(cell(sample, "barter-data, frame to book"), Some(cell(sample, "copy, raw")), barter::apply(&raw));
}

/// One diff after the other, for ever.
fn turning(diffs: &[Changes], mut apply: impl FnMut(&Changes) + 'static) -> Round {
    let (diffs, mut at) = (diffs.to_vec(), 0);
    Box::new(move || {
        apply(&diffs[at]);
        at = if at + 1 == diffs.len() { 0 } else { at + 1 };
    })
}

/// The levels of the snapshot and of each diff, at the scales of the snapshot.
fn changes(sample: &Sample) -> (Changes, Vec<Changes>) {
    let directory = Arc::new(Directory::default());
    let mut parser = Parser::new(ParserOptions { trace_seed: 1 }, directory, Ledger::default().sheet("p"));
    let mut read = |bytes: &mut [u8], origin| {
        let mut found = None;
        let taken = parser.parse(frame(bytes, 1, origin), 0, |raw| {
            let scales = (raw.header.price_scale, raw.header.quantity_scale);
            found = Some(Changes { bids: raw.bids().to_vec(), asks: raw.asks().to_vec(), scales });
        });
        assert!(taken.is_ok());
        found.unwrap()
    };
    let snapshot = read(&mut sample.snapshot.clone(), SNAPSHOT);
    let mut feed = Feed::of(sample);
    let diffs = sample.templates.iter().map(|_| read(feed.next(), Origin::Combined)).collect();
    (snapshot, diffs)
}

/// The same levels at other scales, exactly.
fn at_scales(changes: &Changes, scales: (u8, u8)) -> Changes {
    let at = |mantissa, from, to| Decimal::new(mantissa, from).unwrap().mantissa_at(to).unwrap();
    let (price, quantity) = changes.scales;
    let level = |l: &Level| Level { price: at(l.price, price, scales.0), quantity: at(l.quantity, quantity, scales.1) };
    let side = |levels: &[Level]| levels.iter().map(level).collect();
    Changes { bids: side(&changes.bids), asks: side(&changes.asks), scales }
}

/// All books must be the same after all diffs but the last (after the last they are the snapshot's again).
fn check(sample: &Sample, snapshot: &Changes, diffs: &[Changes]) {
    let count = diffs.len() - 1;
    let mut map = MapBook::default();
    map.apply(snapshot);
    for changes in &diffs[..count] {
        map.apply(&at_scales(changes, snapshot.scales));
    }
    let (price_scale, quantity_scale) = snapshot.scales;
    let text = |(price, quantity): (i64, i64)| {
        let said = |mantissa, scale| Decimal::new(mantissa, scale).unwrap().to_string();
        (said(price, price_scale), said(quantity, quantity_scale))
    };
    let of_book = |levels: Vec<Level>| levels.iter().map(|l| text((l.price, l.quantity))).collect::<Vec<_>>();
    let bids: Vec<_> = map.bids.iter().rev().map(|(p, q)| text((*p, *q))).collect();
    let asks: Vec<_> = map.asks.iter().map(|(p, q)| text((*p, *q))).collect();
    let [their_bids, their_asks] = barter::book_after(&payloads(sample), count);
    for (name, window_ticks) in OURS {
        let mut book = OurBook::of(snapshot, window_ticks);
        diffs[..count].iter().for_each(|changes| assert!(book.apply(changes)));
        assert_eq!(book.best(), map.best(), "{name}");
        assert_eq!(book.is_windowed(), window_ticks > 0, "{name}");
        let [our_bids, our_asks] = book.sides().map(of_book);
        assert_eq!((our_bids, our_asks), (bids.clone(), asks.clone()), "{name}");
    }
    assert_eq!((their_bids, their_asks), (bids, asks));
}
