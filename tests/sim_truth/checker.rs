//! Follows every book from published events alone and holds it against the truth whenever it is called Good.

use std::collections::BTreeMap;
use std::sync::Arc;

use meltica::engine::Engine;
use meltica::schema::canonical_type::builtin;
use meltica::schema::decimal::Decimal;
use meltica::schema::event::EventRef;
use meltica::schema::id::InstrumentId;
use meltica::schema::payload::{Book, BookReference, BookStatus, Depth, Fused};
use meltica::schema::quality::{BookCause, BookChange, Quality};
use meltica::schema::raw::Level;
use meltica::sim::book::Side;
use meltica::sim::oracle::{Oracle, TruthCursor};
use meltica::snapshot::{Key, Store};

/// A whole book is compared after so many diffs of an instrument, and a diff's own levels after each.
const WHOLE_EVERY: u64 = 100;

#[derive(Default)]
pub(crate) struct Checker {
    books: BTreeMap<InstrumentId, Followed>,
    /// Diffs that were called Good and held against the truth, best prices likewise, and whole books.
    pub(crate) checked: u64,
    pub(crate) tops: u64,
    pub(crate) wholes: u64,
    /// Diffs that were called Good and followed, whether or not somebody tells the truth about them.
    pub(crate) followed: u64,
    /// Diffs that were called Good while their book's start had not been seen (a reader that is late finds a later book).
    pub(crate) unseen: u64,
    pub(crate) gaps: u64,
    pub(crate) closed: u64,
    pub(crate) resets: u64,
}

struct Followed {
    truth: Option<TruthCursor>,
    quality: Quality,
    /// The id that an open gap expected; `None` within when the venue's ids went back meanwhile.
    gap: Option<Option<i64>>,
    /// The id at which a gap closed, until the book's next event shows it.
    resumed_at: Option<i64>,
    book: Option<Mirror>,
    diffs: u64,
}

struct Mirror {
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
    known_bid: Option<Decimal>,
    known_ask: Option<Decimal>,
    update_id: i64,
}

impl Checker {
    pub(crate) fn books(&self) -> usize {
        self.books.len()
    }

    /// Takes an event; without an oracle (a venue in another process) it is only followed.
    pub(crate) fn take(&mut self, engine: &Engine, oracle: Option<&Arc<Oracle>>, event: EventRef<'_>) {
        let header = event.header();
        let type_id = header.type_id();
        let reference = event.payload::<BookReference>();
        let of_book = [builtin::ORDERBOOK_DELTA, builtin::ANALYTICS_FUSED, builtin::STATUS_BOOK].contains(&type_id)
            || reference.is_some();
        if !of_book {
            return;
        }
        let instrument = engine.directory().instrument(header.instrument()).unwrap();
        let followed = self.books.entry(header.instrument()).or_insert_with(|| Followed {
            truth: oracle.map(|oracle| oracle.cursor(&instrument.symbol).unwrap()),
            quality: Quality::Syncing,
            gap: None,
            resumed_at: None,
            book: None,
            diffs: 0,
        });
        if let Some(status) = event.payload::<BookStatus>() {
            followed.announce(status, header.quality(), &instrument.symbol);
            self.gaps += u64::from(status.change == BookChange::GapOpen as i64);
            self.closed += u64::from(status.change == BookChange::GapClose as i64);
            self.resets += u64::from(status.change == BookChange::Reset as i64);
            return;
        }
        assert_eq!(
            header.quality(),
            followed.quality,
            "{}: a quality that was not announced before",
            instrument.symbol
        );
        let good = header.quality() == Quality::Good;
        if let Some(reference) = reference {
            followed.start(
                engine,
                Key::new(instrument.market, header.instrument(), builtin::ORDERBOOK_SNAPSHOT),
                reference,
            );
            self.wholes += u64::from(good && followed.hold_whole(&instrument.symbol));
        } else if let Some(depth) = event.payload::<Depth>() {
            followed.apply(event, depth, &instrument.symbol);
            if good && followed.book.is_some() && followed.truth.is_some() {
                self.wholes += u64::from(followed.hold_against_truth(event, depth, &instrument.symbol));
                self.checked += 1;
            }
            self.followed += u64::from(good && followed.book.is_some());
            self.unseen += u64::from(good && followed.book.is_none());
        } else if let Some(fused) = event.payload::<Fused>().filter(|_| good) {
            followed.hold_top(fused, &instrument.symbol);
            self.tops += 1;
        }
    }

    /// From here on another venue tells the truth, about the books that begin anew.
    pub(crate) fn change_oracle(&mut self, oracle: Option<&Arc<Oracle>>, symbol_of: impl Fn(InstrumentId) -> String) {
        for (instrument, followed) in &mut self.books {
            followed.truth = oracle.map(|oracle| oracle.cursor(&symbol_of(*instrument)).unwrap());
        }
    }

    /// The book's own id as followed from events.
    pub(crate) fn update_id(&self, instrument: InstrumentId) -> Option<i64> {
        Some(self.books.get(&instrument)?.book.as_ref()?.update_id)
    }

    /// What the book holds of a side as followed from events, inside its known range.
    pub(crate) fn known_levels(&self, instrument: InstrumentId, side: Side) -> BTreeMap<Decimal, Decimal> {
        let mirror = self.books.get(&instrument).and_then(|followed| followed.book.as_ref());
        mirror.map(|mirror| mirror.known_levels(side)).unwrap_or_default()
    }
}

impl Followed {
    fn announce(&mut self, status: &BookStatus, quality: Quality, symbol: &str) {
        assert_eq!(status.to as u8, quality as u8);
        assert_eq!(status.from as u8, self.quality as u8, "{symbol}: a change from another quality than the last");
        self.quality = quality;
        match status.change {
            change if change == BookChange::GapOpen as i64 => {
                if let Some(mirror) = &self.book {
                    assert_eq!(status.expected, mirror.update_id + 1, "{symbol}: a gap after another id than the last");
                }
                assert!(status.got == i64::MIN || status.got > status.expected, "{symbol}: a gap without a hole");
                assert_eq!(self.gap.replace(Some(status.expected)), None, "{symbol}: a gap opened twice");
            }
            change if change == BookChange::GapClose as i64 => {
                let expected = self.gap.take().unwrap_or_else(|| panic!("{symbol}: a gap closed that was not open"));
                assert!(expected.is_none_or(|id| status.resumed_at >= id), "{symbol}: a gap closed before it opened");
                self.resumed_at = Some(status.resumed_at);
            }
            change if change == BookChange::Reset as i64 => {
                self.book = None;
                if status.cause == BookCause::IdsWentBack as i64 {
                    // What was said of the old ids says nothing of the new ones.
                    (self.gap, self.resumed_at) = (self.gap.map(|_| None), None);
                }
            }
            _ => {}
        }
    }

    /// The book's next event after a gap is of the id at which the gap was said to close.
    fn resumes(&mut self, id: i64, symbol: &str) {
        if let Some(resumed_at) = self.resumed_at.take() {
            assert!(id >= resumed_at, "{symbol}: a gap closed at {resumed_at}, and {id} came next");
        }
    }

    fn start(&mut self, engine: &Engine, key: Key, reference: &BookReference) {
        let record = engine.store().get(key).unwrap();
        if record.version as i64 != reference.store_version {
            // A later book is there already: its own reference follows.
            return;
        }
        let event = EventRef::from_words(&record.data).unwrap();
        let book = event.payload::<Book>().unwrap();
        let (bids, asks) = event.levels();
        let level = |l: &Level| {
            (Decimal::new(l.price, book.price_scale).unwrap(), Decimal::new(l.quantity, book.quantity_scale).unwrap())
        };
        let bound =
            |bit: u8, mantissa| (book.flags & bit != 0).then(|| Decimal::new(mantissa, book.price_scale).unwrap());
        self.book = Some(Mirror {
            bids: bids.iter().map(level).collect(),
            asks: asks.iter().map(level).collect(),
            known_bid: bound(1, book.known_bid),
            known_ask: bound(2, book.known_ask),
            update_id: book.update_id,
        });
    }

    fn apply(&mut self, event: EventRef<'_>, depth: &Depth, symbol: &str) {
        self.resumes(depth.last_id, symbol);
        let quality = self.quality;
        let Some(mirror) = &mut self.book else { return };
        let covers = depth.previous_id <= mirror.update_id;
        assert!(covers || quality != Quality::Good, "{symbol} at {}: a hole and called Good", depth.last_id);
        assert!(depth.last_id > mirror.update_id, "a diff was published that the book had");
        mirror.update_id = depth.last_id;
        let (bids, asks) = event.levels();
        for (side, levels) in [(&mut mirror.bids, bids), (&mut mirror.asks, asks)] {
            for level in levels {
                let price = Decimal::new(level.price, depth.price_scale).unwrap();
                match level.quantity {
                    0 => side.remove(&price),
                    quantity => side.insert(price, Decimal::new(quantity, depth.quantity_scale).unwrap()),
                };
            }
        }
    }

    /// Whether the whole book had its turn too.
    fn hold_against_truth(&mut self, event: EventRef<'_>, depth: &Depth, symbol: &str) -> bool {
        let Followed { book: Some(mirror), truth: Some(truth), .. } = self else { return false };
        truth.move_to(depth.last_id as u64).unwrap_or_else(|e| panic!("{symbol} at {}: {e}", depth.last_id));
        let (bids, asks) = event.levels();
        for (side, levels, known) in [(Side::Bid, bids, &mirror.bids), (Side::Ask, asks, &mirror.asks)] {
            for level in levels {
                let price = Decimal::new(level.price, depth.price_scale).unwrap();
                if mirror.knows(side, price) {
                    let ours = known.get(&price).copied().unwrap_or(Decimal::ZERO);
                    assert_eq!(ours, truth.quantity_at(side, price), "{symbol} at {}: {side:?} {price}", depth.last_id);
                }
            }
        }
        self.diffs += 1;
        self.diffs % WHOLE_EVERY == 1 && self.hold_whole(symbol)
    }

    /// Holds all that is known of the book against the truth at its id; `false` when its start was not seen.
    fn hold_whole(&mut self, symbol: &str) -> bool {
        let Followed { book: Some(mirror), truth: Some(truth), .. } = self else { return false };
        let id = mirror.update_id;
        truth.move_to(id as u64).unwrap_or_else(|e| panic!("{symbol} at {id}: {e}"));
        for side in [Side::Bid, Side::Ask] {
            let theirs: BTreeMap<_, _> = truth.levels(side).filter(|(p, _)| mirror.knows(side, *p)).collect();
            assert_eq!(mirror.known_levels(side), theirs, "{symbol} at {id}: {side:?}");
        }
        true
    }

    fn hold_top(&mut self, fused: &Fused, symbol: &str) {
        let id = fused.update_id;
        self.resumes(id, symbol);
        if let (Some(bid), Some(ask)) = (fused.bid(), fused.ask()) {
            assert!(bid < ask, "{symbol} at {id}: crossed and called Good");
        }
        let Some(truth) = &mut self.truth else { return };
        truth.move_to(id as u64).unwrap_or_else(|e| panic!("{symbol} at {id}: {e}"));
        let ours = [(fused.bid(), fused.bid_quantity()), (fused.ask(), fused.ask_quantity())];
        for (side, (price, quantity)) in [Side::Bid, Side::Ask].into_iter().zip(ours) {
            assert_eq!(price.zip(quantity), truth.best(side), "{symbol} at {id}: best {side:?}");
        }
    }
}

impl Mirror {
    fn known_levels(&self, side: Side) -> BTreeMap<Decimal, Decimal> {
        let levels = match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        };
        levels.iter().filter(|(price, _)| self.knows(side, **price)).map(|(p, q)| (*p, *q)).collect()
    }

    /// Whether the snapshot vouched for this price.
    fn knows(&self, side: Side, price: Decimal) -> bool {
        match side {
            Side::Bid => self.known_bid.is_none_or(|bound| price >= bound),
            Side::Ask => self.known_ask.is_none_or(|bound| price <= bound),
        }
    }
}
