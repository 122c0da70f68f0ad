//! Consumers that join books in mid-stream, over and over, while a publisher changes, resets and loses parts of them: at
//! every change that a joiner is handed, its copy is the publisher's book at that change (F50: no hole, nothing twice).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytemuck::Zeroable;
use meltica::bus::data::{
    BookJoin, BookRequests, BookUpdate, DataBus, Guarantee, Sequencer, SequencerOptions, StartsOver,
};
use meltica::directory::Directory;
use meltica::ring::broadcast::channel;
use meltica::schema::canonical_type::builtin;
use meltica::schema::event::{EventBuf, EventHeader, EventRef};
use meltica::schema::id::{InstrumentId, Market, Source, TypeId};
use meltica::schema::instrument::Instrument;
use meltica::schema::payload::{Book, BookReference, BookStatus, Depth};
use meltica::schema::quality::BookChange;
use meltica::schema::raw::Level;
use meltica::schema::stage::Publish;
use meltica::schema::time::UnixNanos;
use meltica::snapshot::{MemoryStore, StoreOptions};
use meltica::telemetry::{Clock, Ledger};

const RING_WORDS: usize = 1 << 12;
const JOINERS: usize = 3;
const ROUNDS: usize = 60;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One side of a book is enough to see a hole: quantity by price.
type Levels = BTreeMap<i64, i64>;

fn apply(levels: &mut Levels, changes: &[Level]) {
    for change in changes {
        match change.quantity {
            0 => levels.remove(&change.price),
            quantity => levels.insert(change.price, quantity),
        };
    }
}

fn hash(levels: &Levels) -> u64 {
    let mut hasher = DefaultHasher::new();
    levels.hash(&mut hasher);
    hasher.finish()
}

/// The true book of one instrument and its publisher.
struct Truth {
    instrument: InstrumentId,
    epoch: u32,
    levels: Levels,
    /// The book's hash after change `n`, at `n`.
    hashes: Vec<u64>,
    reference: EventBuf,
    buf: EventBuf,
}

impl Truth {
    fn new(instrument: u32) -> Truth {
        let (reference, buf) = (EventBuf::default(), EventBuf::default());
        let instrument = InstrumentId(instrument);
        Truth { instrument, epoch: 1, levels: Levels::new(), hashes: vec![hash(&Levels::new())], reference, buf }
    }

    fn head(&self, type_id: TypeId) -> EventHeader {
        let mut header = EventHeader::internal(type_id, Source::ConductorBook, UnixNanos(0), 0);
        (header.instrument, header.market, header.epoch) = (self.instrument.0, 1, self.epoch);
        header
    }

    fn change(&mut self, sequencer: &mut Sequencer<MemoryStore>, dice: &mut Dice, levels: u64) {
        let change = |dice: &mut Dice| Level { price: dice.roll(64) as i64, quantity: dice.roll(4) as i64 };
        let changes: Vec<Level> = (0..levels).map(|_| change(dice)).collect();
        apply(&mut self.levels, &changes);
        let head = self.head(builtin::ORDERBOOK_DELTA);
        self.buf.begin(&head, &Depth { bids: changes.len() as u32, ..Depth::zeroed() });
        self.buf.push_levels(&changes);
        let seq = sequencer.publish(&mut self.buf);
        assert_eq!(seq, self.hashes.len() as u64);
        self.hashes.push(hash(&self.levels));
    }

    fn store(&mut self, sequencer: &mut Sequencer<MemoryStore>) {
        let head = self.head(builtin::ORDERBOOK_SNAPSHOT);
        let delta_seq = sequencer.last_seq(self.instrument, builtin::ORDERBOOK_DELTA);
        self.reference.begin(&head, &BookReference { delta_seq: delta_seq as i64, ..BookReference::zeroed() });
        self.buf.begin(&head, &Book { delta_seq, bids: self.levels.len() as u32, ..Book::zeroed() });
        let levels: Vec<Level> =
            self.levels.iter().map(|(price, quantity)| Level { price: *price, quantity: *quantity }).collect();
        self.buf.push_levels(&levels);
        sequencer.publish_book(&mut self.reference, &mut self.buf);
    }

    /// A new epoch: the book as it was counts for nothing. The change of the last number is in it.
    fn reset(&mut self, sequencer: &mut Sequencer<MemoryStore>, dice: &mut Dice) {
        self.epoch += 1;
        let head = self.head(builtin::STATUS_BOOK);
        self.buf.begin(&head, &BookStatus { change: BookChange::Reset as i64, ..BookStatus::zeroed() });
        sequencer.publish(&mut self.buf);
        self.levels = (0..dice.roll(30)).map(|price| (price as i64, 9)).collect();
        self.store(sequencer);
    }
}

fn publish(
    mut sequencer: Sequencer<MemoryStore>,
    requests: BookRequests,
    finished: &AtomicUsize,
) -> (Vec<Truth>, usize) {
    let mut dice = Dice(7);
    let mut books = vec![Truth::new(0), Truth::new(1)];
    let mut served = 0;
    while finished.load(Ordering::Acquire) < JOINERS {
        let book = &mut books[dice.roll(2) as usize];
        match dice.roll(400) {
            0 => book.reset(&mut sequencer, &mut dice),
            // Longer than the ring's records.
            1 => book.change(&mut sequencer, &mut dice, 260),
            2 => book.store(&mut sequencer),
            _ => {
                let levels = 1 + dice.roll(4);
                book.change(&mut sequencer, &mut dice, levels);
            }
        }
        if dice.roll(8) == 0 {
            while let Some(instrument) = requests.take() {
                books[instrument.index()].store(&mut sequencer);
                served += 1;
            }
        }
        thread::yield_now();
    }
    (books, served)
}

/// What a joiner saw: the instrument, the number of the last change in its copy, and the copy's hash. `at_change` is
/// false for a snapshot of a reset book, whose content no change has made.
struct Seen {
    instrument: InstrumentId,
    seq: u64,
    hash: u64,
    at_change: bool,
}

#[derive(Default)]
struct Joiner {
    copy: Option<(u64, Levels)>,
    seen: Vec<Seen>,
    deltas: usize,
    starts: usize,
    lags: usize,
}

impl Joiner {
    fn take(&mut self, instrument: InstrumentId, update: BookUpdate<'_>) {
        let at_change = match update {
            BookUpdate::Snapshot(event) => {
                self.snapshot(event);
                false
            }
            BookUpdate::Delta(event) => {
                let (seq, levels) = self.copy.as_mut().expect("a change without a book");
                assert_eq!(event.header().seq, *seq + 1, "a hole, or twice");
                assert_eq!(event.header().instrument(), instrument);
                *seq += 1;
                apply(levels, event.levels().0);
                self.deltas += 1;
                true
            }
            BookUpdate::Status(_) => return,
            BookUpdate::StartsOver(why) => {
                assert!(self.copy.take().is_some(), "there was a book to start over");
                self.starts += 1;
                self.lags += usize::from(matches!(why, StartsOver::Lagged(_)));
                return;
            }
        };
        if let Some((seq, levels)) = &self.copy {
            self.seen.push(Seen { instrument, seq: *seq, hash: hash(levels), at_change });
        }
    }

    fn snapshot(&mut self, event: EventRef<'_>) {
        assert!(self.copy.is_none(), "a snapshot for who has a book");
        let mut levels = Levels::new();
        apply(&mut levels, event.levels().0);
        self.copy = Some((event.payload::<Book>().expect("a book").delta_seq, levels));
    }

    fn run(mut self, number: usize, bus: &DataBus, store: &MemoryStore, requests: &BookRequests) -> Joiner {
        let mut dice = Dice(1_000 + number as u64);
        for _ in 0..ROUNDS {
            let instrument = InstrumentId(dice.roll(2) as u32);
            let join = BookJoin::new(bus, store.clone(), requests.clone(), instrument, Guarantee::Lossy);
            let mut join = join.expect("the instrument is known");
            (self.copy, self.deltas) = (None, 0);
            let enough = 1 + dice.roll(60) as usize;
            while self.deltas < enough {
                join.poll(1 + dice.roll(20) as usize, |update| self.take(instrument, update));
                // Now and then long enough to be lapped.
                let pause = if dice.roll(30) == 0 { 400 } else { 1 };
                (0..pause).for_each(|_| thread::yield_now());
            }
        }
        self
    }
}

#[test]
fn a_joined_book_is_the_publishers_at_every_change() {
    let directory = Directory::default();
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        directory.admit(Instrument::from_symbol(Market::BinanceSpot, symbol)).unwrap();
    }
    let (ring, tap) = channel(RING_WORDS).unwrap();
    let store = MemoryStore::new(StoreOptions::default());
    let options = SequencerOptions { event_words_max: RING_WORDS / 8, ..SequencerOptions::default() };
    let sheet = Ledger::default().sheet("sequencer");
    let sequencer = Sequencer::new(ring, store.clone(), Clock::default(), sheet, options).unwrap();
    let (bus, requests) = (DataBus::new(vec![tap], Arc::new(directory)), BookRequests::new(4));
    let finished = AtomicUsize::new(0);
    thread::scope(|scope| {
        let publisher = scope.spawn(|| publish(sequencer, requests.clone(), &finished));
        let joiners: Vec<_> = (0..JOINERS)
            .map(|number| {
                let (bus, store, requests, finished) = (&bus, &store, &requests, &finished);
                scope.spawn(move || {
                    // Counted also when it panics, or the publisher would go on for ever.
                    struct Leave<'a>(&'a AtomicUsize);
                    impl Drop for Leave<'_> {
                        fn drop(&mut self) {
                            self.0.fetch_add(1, Ordering::Release);
                        }
                    }
                    let _leave = Leave(finished);
                    Joiner::default().run(number, bus, store, requests)
                })
            })
            .collect();
        let joiners: Vec<Joiner> = joiners.into_iter().map(|joiner| joiner.join().unwrap()).collect();
        let (books, served) = publisher.join().unwrap();
        let (mut changes, mut starts, mut lags) = (0, 0, 0);
        for joiner in joiners {
            for seen in joiner.seen.iter().filter(|seen| seen.at_change) {
                let truth = books[seen.instrument.index()].hashes[seen.seq as usize];
                assert_eq!(seen.hash, truth, "{:?} at change {}", seen.instrument, seen.seq);
                changes += 1;
            }
            (starts, lags) = (starts + joiner.starts, lags + joiner.lags);
        }
        assert!(changes >= JOINERS * ROUNDS && served > 0);
        println!(
            "{changes} changes held against the truth, {starts} starts over, {lags} of them lags, {served} books served"
        );
    });
}
