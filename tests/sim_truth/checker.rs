//! Follows every book from published events alone and holds it against the truth whenever it is called Good.

use std::collections::BTreeMap;
use std::sync::Arc;

use meltica::engine::Engine;
use meltica::schema::canonical_type::builtin;
use meltica::schema::decimal::Decimal;
use meltica::schema::event::EventRef;
use meltica::schema::id::InstrumentId;
use meltica::schema::payload::{Book, BookReference, BookStatus, Depth, Fused};
use meltica::schema::quality::{BookChange, Quality};
use meltica::schema::raw::Level;
use meltica::sim::book::Side;
use meltica::sim::oracle::{Oracle, TruthCursor};
use meltica::snapshot::{Key, Store};

/// A whole book is compared after so many diffs of an instrument, and a diff's own levels after each.
const WHOLE_EVERY: u64 = 100;

#[derive(Default)]
pub(crate) struct Checker {
    followed: BTreeMap<InstrumentId, Followed>,
    /// Of instruments that are not followed yet.
    qualities: BTreeMap<InstrumentId, Quality>,
    pub(crate) checked: u64,
    pub(crate) gaps: u64,
}

struct Followed {
    truth: TruthCursor,
    quality: Quality,
    gap_open: bool,
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
        self.followed.len()
    }

    /// Another venue tells the truth: of each instrument only the quality is known.
    #[allow(dead_code)] // Only some tests have two venues.
    pub(crate) fn forget(&mut self, quality: &BTreeMap<InstrumentId, Quality>) {
        self.followed.clear();
        self.qualities.clone_from(quality);
    }

    pub(crate) fn take(&mut self, engine: &Engine, oracle: &Arc<Oracle>, event: EventRef<'_>) {
        let header = event.header();
        let type_id = header.type_id();
        let reference = event.payload::<BookReference>();
        let of_book = [builtin::ORDERBOOK_DELTA, builtin::ANALYTICS_FUSED, builtin::STATUS_BOOK].contains(&type_id)
            || reference.is_some();
        if !of_book {
            return;
        }
        let instrument = engine.directory().instrument(header.instrument()).unwrap();
        let followed = self.followed.entry(header.instrument()).or_insert_with(|| Followed {
            truth: oracle.cursor(&instrument.symbol).unwrap(),
            quality: self.qualities.get(&header.instrument()).copied().unwrap_or(Quality::Syncing),
            gap_open: false,
            book: None,
            diffs: 0,
        });
        if let Some(status) = event.payload::<BookStatus>() {
            self.gaps += u64::from(followed.announce(status, header.quality()));
            return;
        }
        assert_eq!(
            header.quality(),
            followed.quality,
            "{}: a quality that was not announced before",
            instrument.symbol
        );
        if let Some(reference) = reference {
            followed.start(
                engine,
                Key::new(instrument.market, header.instrument(), builtin::ORDERBOOK_SNAPSHOT),
                reference,
            );
        } else if let Some(depth) = event.payload::<Depth>() {
            followed.apply(event, depth);
            if header.quality() == Quality::Good {
                followed.hold_against_truth(event, depth, &instrument.symbol);
                self.checked += 1;
            }
        } else if let Some(fused) = event.payload::<Fused>().filter(|_| header.quality() == Quality::Good) {
            followed.hold_top(fused, &instrument.symbol);
        }
    }
}

impl Followed {
    fn announce(&mut self, status: &BookStatus, quality: Quality) -> bool {
        assert_eq!(status.to as u8, quality as u8);
        assert_eq!(status.from as u8, self.quality as u8, "a change from another quality than the last");
        self.quality = quality;
        let opens = status.change == BookChange::GapOpen as i64;
        if opens {
            assert!(!std::mem::replace(&mut self.gap_open, true), "a gap opened twice");
        }
        if status.change == BookChange::GapClose as i64 {
            assert!(std::mem::replace(&mut self.gap_open, false), "a gap closed that was not open");
        }
        if status.change == BookChange::Reset as i64 {
            self.book = None;
        }
        opens
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

    fn apply(&mut self, event: EventRef<'_>, depth: &Depth) {
        let Some(mirror) = &mut self.book else { return };
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

    fn hold_against_truth(&mut self, event: EventRef<'_>, depth: &Depth, symbol: &str) {
        let Some(mirror) = &self.book else { return };
        self.truth.move_to(depth.last_id as u64).unwrap_or_else(|e| panic!("{symbol} at {}: {e}", depth.last_id));
        let (bids, asks) = event.levels();
        for (side, levels, known) in [(Side::Bid, bids, &mirror.bids), (Side::Ask, asks, &mirror.asks)] {
            for level in levels {
                let price = Decimal::new(level.price, depth.price_scale).unwrap();
                if mirror.knows(side, price) {
                    let ours = known.get(&price).copied().unwrap_or(Decimal::ZERO);
                    assert_eq!(
                        ours,
                        self.truth.quantity_at(side, price),
                        "{symbol} at {}: {side:?} {price}",
                        depth.last_id
                    );
                }
            }
        }
        self.diffs += 1;
        if self.diffs % WHOLE_EVERY == 1 {
            self.hold_whole(symbol);
        }
    }

    fn hold_whole(&self, symbol: &str) {
        let Some(mirror) = &self.book else { return };
        for (side, levels) in [(Side::Bid, &mirror.bids), (Side::Ask, &mirror.asks)] {
            let ours: BTreeMap<_, _> =
                levels.iter().filter(|(p, _)| mirror.knows(side, **p)).map(|(p, q)| (*p, *q)).collect();
            let truth: BTreeMap<_, _> = self.truth.levels(side).filter(|(p, _)| mirror.knows(side, *p)).collect();
            assert_eq!(ours, truth, "{symbol} at {}: {side:?}", mirror.update_id);
        }
    }

    fn hold_top(&mut self, fused: &Fused, symbol: &str) {
        if self.book.is_none() {
            return;
        }
        self.truth.move_to(fused.update_id as u64).unwrap();
        let ours = [(fused.bid(), fused.bid_quantity()), (fused.ask(), fused.ask_quantity())];
        for (side, (price, quantity)) in [Side::Bid, Side::Ask].into_iter().zip(ours) {
            assert_eq!(price.zip(quantity), self.truth.best(side), "{symbol} at {}: best {side:?}", fused.update_id);
        }
    }
}

impl Mirror {
    /// Whether the snapshot vouched for this price.
    fn knows(&self, side: Side, price: Decimal) -> bool {
        match side {
            Side::Bid => self.known_bid.is_none_or(|bound| price >= bound),
            Side::Ask => self.known_ask.is_none_or(|bound| price <= bound),
        }
    }
}
