//! Purpose: invariants of faults.md under random faults: what is published as good is true, and told in order.
//! Owns: a consumer that believes only what is published. Thread: a test's. Takes and gives: seeds in, verdicts out.
//! Never: looks into the stage for what a consumer could not know, but for the report at quiet moments.

use std::collections::VecDeque;

use super::rig::{BTC, MS, Rig, tell};
use super::world::{Diff, Side, Truth, World};
use crate::conductor::ConductorOptions;
use crate::schema::event::EventRef;
use crate::schema::payload::{BookReference, BookStatus, Depth, Fused, PayloadKind};
use crate::schema::quality::{BookChange, Quality};
use crate::schema::raw::Level;
use crate::telemetry::Counter;

/// A consumer: keeps its own book from what is published, and holds the stage to its words.
#[derive(Default)]
struct Consumer {
    book: Truth,
    known: (Option<i64>, Option<i64>),
    quality: Option<Quality>,
    epoch: u32,
    last_id: i64,
    gap_open: bool,
    books_read: usize,
    good: usize,
}

impl Consumer {
    fn read(&mut self, words: &[u64], books: &[Vec<u64>], world: &World) {
        let event = EventRef::from_words(words).expect("a record");
        let header = event.header();
        match header.kind().expect("known") {
            PayloadKind::BookStatus => self.read_status(event),
            PayloadKind::BookReference => {
                let book = EventRef::from_words(&books[self.books_read]).expect("a record");
                self.books_read += 1;
                let side = |levels: &[Level]| levels.iter().map(|l| (l.price, l.quantity)).collect::<Side>();
                let (bids, asks) = book.levels();
                self.book = Truth { bids: side(bids), asks: side(asks) };
                let reference = event.payload::<BookReference>().expect("a reference");
                let bound = |d: Option<crate::schema::decimal::Decimal>| d.and_then(|d| d.mantissa_at(0));
                self.known = (bound(reference.known_bid()), bound(reference.known_ask()));
                self.judge(event, world);
            }
            PayloadKind::DepthDiff => {
                let diff = event.payload::<Depth>().expect("a diff");
                assert!(diff.last_id > self.last_id, "invariant 2: ids rise within an epoch: {}", tell(words));
                self.last_id = diff.last_id;
                let (bids, asks) = event.levels();
                apply(&mut self.book.bids, bids);
                apply(&mut self.book.asks, asks);
                assert!(
                    !matches!(header.quality(), Quality::Gap | Quality::Stale),
                    "no delta while unsynchronised: {}",
                    tell(words)
                );
                self.judge(event, world);
            }
            PayloadKind::Fused => {
                self.judge(event, world);
                if header.quality() == Quality::Good {
                    let fused = event.payload::<Fused>().expect("fused");
                    let truth = &world.history[&header.venue_id];
                    let whole = |p: Option<crate::schema::decimal::Decimal>| p.and_then(|d| d.mantissa_at(0));
                    let bid = whole(fused.bid()).zip(whole(fused.bid_quantity()));
                    let ask = whole(fused.ask()).zip(whole(fused.ask_quantity()));
                    assert_eq!((bid, ask), (truth.best_bid(), truth.best_ask()), "the top is true");
                }
            }
            _ => assert_eq!(header.quality(), Quality::None),
        }
    }

    fn read_status(&mut self, event: EventRef<'_>) {
        let status = event.payload::<BookStatus>().expect("a status");
        let (told, header) = (tell(event.words()), event.header());
        let from = Quality::from_byte(status.from as u8).expect("a quality");
        assert_eq!(from, self.quality.unwrap_or(Quality::Syncing), "statuses form a chain: {told}");
        assert_eq!(status.to as u8, header.quality);
        self.quality = Some(header.quality());
        match BookChange::NAMES[status.change as usize] {
            "GapOpen" => assert!(!std::mem::replace(&mut self.gap_open, true), "invariant 5: {told}"),
            "GapClose" => {
                assert!(std::mem::replace(&mut self.gap_open, false), "invariant 5: {told}");
                assert!(status.elapsed_ns >= 0);
            }
            "Reset" => {
                assert_eq!(header.epoch, self.epoch + 1, "epochs rise by one: {told}");
                self.epoch = header.epoch;
                self.last_id = i64::MIN;
            }
            _ => assert_ne!(from, header.quality(), "a change changes something: {told}"),
        }
        assert_eq!(header.epoch, self.epoch, "{told}");
    }

    /// A book event: rule Q, and the one oracle: good means true.
    fn judge(&mut self, event: EventRef<'_>, world: &World) {
        let (told, header) = (tell(event.words()), event.header());
        assert_eq!(Some(header.quality()), self.quality, "rule Q: told before it matters: {told}");
        assert_eq!((header.epoch, header.flags & 8 == 0), (self.epoch, header.quality() == Quality::Good), "{told}");
        if header.quality() != Quality::Good {
            return;
        }
        self.good += 1;
        let truth = world.history.get(&header.venue_id).unwrap_or_else(|| panic!("no such id: {told}"));
        assert_eq!(inside(&self.book, self.known), inside(truth, self.known), "I0: {told}");
        let crossed = self.book.best_bid().zip(self.book.best_ask()).is_some_and(|(b, a)| b.0 >= a.0);
        assert!(!crossed, "invariant 6: {told}");
    }
}

fn apply(side: &mut Side, levels: &[Level]) {
    for level in levels {
        if level.quantity == 0 {
            side.remove(&level.price);
        } else {
            side.insert(level.price, level.quantity);
        }
    }
}

fn inside(book: &Truth, known: (Option<i64>, Option<i64>)) -> Truth {
    let bids = book.bids.iter().filter(|(p, _)| known.0.is_none_or(|k| **p >= k));
    let asks = book.asks.iter().filter(|(p, _)| known.1.is_none_or(|k| **p <= k));
    Truth { bids: bids.map(|(p, q)| (*p, *q)).collect(), asks: asks.map(|(p, q)| (*p, *q)).collect() }
}

/// The way between the exchange and the stage, with its faults.
struct Way {
    /// Diffs that come later: after so many more.
    delayed: VecDeque<(u64, Diff)>,
    /// Answers on their way: after so many steps.
    answers: Vec<u64>,
    answered: usize,
    /// How often a fault strikes, per cent; 0 heals.
    faults: u64,
}

fn step(rig: &mut Rig, world: &mut World, way: &mut Way, sent: &mut i64) {
    rig.later(world.dice.below(60) as i64 * MS);
    if way.faults > 0 && world.dice.below(300) == 0 {
        world.restart();
        *sent = world.id();
    }
    world.tick();
    if world.dice.chance(50) {
        let (bid, ask) = (world.now.best_bid().unwrap_or((0, 0)), world.now.best_ask().unwrap_or((0, 0)));
        rig.ticker(world.id(), bid, ask);
    }
    if world.dice.chance(60) {
        send_diff(rig, world, way, sent);
    }
    let due = way.delayed.iter_mut().filter_map(|d| d.0.checked_sub(1).map(|left| d.0 = left)).count();
    if due < way.delayed.len()
        && let Some(at) = way.delayed.iter().position(|d| d.0 == 0)
        && let Some((_, diff)) = way.delayed.remove(at)
    {
        rig.diff(diff.previous, diff.last, &diff.bids, &diff.asks);
    }
    answer(rig, world, way);
    if world.dice.chance(3) {
        rig.stage.request_book(BTC);
        rig.drain();
    }
}

fn send_diff(rig: &mut Rig, world: &mut World, way: &mut Way, sent: &mut i64) {
    let to = world.id();
    let mut from = *sent;
    *sent = to;
    let strikes = |world: &mut World| world.dice.chance(way.faults);
    if strikes(world) {
        // Regrouped: the span begins earlier, at an id of this engine.
        let back = world.dice.below(4) as usize;
        let at = world.ids.iter().position(|&id| id == from).unwrap_or(0);
        from = world.ids[at.saturating_sub(back)];
    }
    let diff = world.diff(from, to);
    if strikes(world) {
        if world.dice.chance(30) {
            rig.lost();
        }
        return;
    }
    if strikes(world) {
        let after = 1 + world.dice.below(6);
        way.delayed.push_back((after, diff));
        return;
    }
    rig.diff(diff.previous, diff.last, &diff.bids, &diff.asks);
    if strikes(world) {
        rig.diff(diff.previous, diff.last, &diff.bids, &diff.asks);
    }
}

fn answer(rig: &mut Rig, world: &mut World, way: &mut Way) {
    while way.answered < rig.asks() {
        way.answered += 1;
        let never = way.faults > 0 && world.dice.chance(10);
        way.answers.push(if never { u64::MAX } else { world.dice.below(5) });
    }
    for left in &mut way.answers {
        *left = left.saturating_sub(u64::from(*left != u64::MAX));
    }
    // Uncalled for now and then.
    let uncalled = world.dice.chance(2);
    if !uncalled && !way.answers.contains(&0) {
        return;
    }
    way.answers.retain(|left| *left != 0);
    let stale = world.dice.chance(30);
    let back = if stale { world.dice.below(8) as usize } else { 0 };
    let id = world.ids[world.ids.len().saturating_sub(1 + back)];
    let limit = 3 + world.dice.below(10) as usize;
    let (mut bids, asks) = world.body(id, limit);
    if way.faults > 0 && world.dice.chance(5) {
        bids.extend(bids.last().copied());
    }
    rig.snapshot(id, &bids, &asks);
}

/// What the runs must have met for the test to mean anything.
const COUNTED: &[Counter] = &[
    Counter::GapsOpened,
    Counter::GapsClosed,
    Counter::Resets,
    Counter::DiffsDropped,
    Counter::DiffsHeld,
    Counter::HeldDiscarded,
    Counter::SnapshotsAdopted,
    Counter::SnapshotsUnused,
    Counter::SnapshotsRefused,
    Counter::LevelsPruned,
    Counter::Conflated,
    Counter::IntegrityAgree,
];

/// One seeded run; how many events were published as good.
fn run(seed: u64, seen: &mut [u64]) -> usize {
    let mut world = World::new(seed);
    let options = ConductorOptions {
        fill_deadline_ns: world.dice.below(3) as i64 * 100 * MS,
        held_diffs_max: if world.dice.chance(20) { 5 } else { 4_096 },
        prune_outside: world.dice.chance(30),
        prune_keep: 2,
        throttle: if world.dice.chance(20) {
            vec![(crate::schema::canonical_type::builtin::ANALYTICS_FUSED, 100 * MS)]
        } else {
            Vec::new()
        },
        ..ConductorOptions::default()
    };
    let mut rig = Rig::new(options);
    let mut consumer = Consumer::default();
    let mut sent = world.id();
    let faults = world.dice.below(20);
    let mut way = Way { delayed: VecDeque::new(), answers: Vec::new(), answered: 0, faults };
    let mut read = 0;
    let mut catch_up = |rig: &mut Rig, world: &World, consumer: &mut Consumer| {
        let publisher = rig.stage.publisher();
        for words in &publisher.events[read..] {
            consumer.read(words, &publisher.books, world);
        }
        read = publisher.events.len();
        check_report(rig, world);
    };
    for _ in 0..60 {
        step(&mut rig, &mut world, &mut way, &mut sent);
        catch_up(&mut rig, &world, &mut consumer);
    }
    // It heals: every book becomes good and true again (faults.md invariant 36, L1).
    (way.faults, way.delayed) = (0, VecDeque::new());
    let mut healthy = 0;
    for _ in 0..60 {
        rig.later(300 * MS);
        step(&mut rig, &mut world, &mut way, &mut sent);
        catch_up(&mut rig, &world, &mut consumer);
        let update_id = rig.stage.report(BTC).and_then(|r| r.update_id);
        let whole = rig.quality() == Quality::Good && update_id == Some(sent);
        healthy = if whole { healthy + 1 } else { 0 };
        if healthy > 5 {
            break;
        }
    }
    // A walk of the prices may leave the known range at any time, but a fresh snapshot follows.
    assert!(healthy > 0, "never good again: {:?} {:?}", rig.stage.state(BTC), rig.quality());
    for (total, counter) in seen.iter_mut().zip(COUNTED) {
        *total += rig.count(*counter);
    }
    consumer.good
}

/// The stage's own book at a quiet moment: deepened ranges included.
fn check_report(rig: &Rig, world: &World) {
    let Some(report) = rig.stage.report(BTC).filter(|r| r.quality == Quality::Good) else { return };
    let whole = |d: Option<crate::schema::decimal::Decimal>| d.and_then(|d| d.mantissa_at(0));
    let known = (whole(report.known_bid), whole(report.known_ask));
    let (bids, asks) = rig.book();
    let book = Truth { bids: bids.into_iter().collect(), asks: asks.into_iter().collect() };
    let id = report.update_id.expect("a good book has an id");
    assert_eq!(inside(&book, known), inside(&world.history[&id], known), "I0 of the stage's own book at {id}");
}

#[test]
fn whatever_happens_on_the_way_good_means_true_and_told_in_order() {
    let (mut good, mut seen) = (0, vec![0; COUNTED.len()]);
    for seed in 0..3_000 {
        let published = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut seen)));
        good += published.unwrap_or_else(|_| panic!("seed {seed} breaks an invariant"));
    }
    assert!(good > 100_000, "good was claimed only {good} times");
    for (count, counter) in seen.iter().zip(COUNTED) {
        assert!(*count > 100, "{counter:?} was met only {count} times");
    }
}
