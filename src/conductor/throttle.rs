//! Purpose: conflates states to the latest, before they get a `seq`.
//! Owns: at most one state held back for each type of an instrument. Thread: the conductor's.
//! Takes and gives: event records. Never: holds a delta, a trade, a candle or a status.

use super::ask::NEVER;
use crate::schema::event::EventRef;
use crate::schema::id::TypeId;
use crate::schema::payload::PayloadKind;

/// Whether events of a kind are states, of which only the latest counts. Window tickers are not: their windows share a type.
pub(super) fn is_state(kind: Option<PayloadKind>) -> bool {
    matches!(
        kind,
        Some(
            PayloadKind::Ticker
                | PayloadKind::MiniTicker
                | PayloadKind::BookTicker
                | PayloadKind::DepthLevels
                | PayloadKind::AveragePrice
                | PayloadKind::ReferencePrice
                | PayloadKind::MarkPrice
                | PayloadKind::Fused
        )
    )
}

/// What becomes of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Publish it now; it stands for this many.
    Publish(u32),
    /// It is held back; whether it took the place of another one.
    Held {
        /// It did.
        replaced: bool,
    },
}

#[derive(Debug)]
struct Cell {
    type_id: TypeId,
    due: i64,
    interval: i64,
    stands_for: u32,
    record: Vec<u64>,
}

/// The states held back for one instrument.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    cells: Vec<Cell>,
}

impl Throttle {
    /// Offers a state of a throttled type.
    pub(super) fn offer(&mut self, event: EventRef<'_>, interval: i64, now: i64) -> Offer {
        let cell = self.cell(event.header().type_id(), interval, now);
        if now >= cell.due {
            cell.due = now.saturating_add(interval);
            cell.record.clear();
            return Offer::Publish(core::mem::take(&mut cell.stands_for).saturating_add(1));
        }
        cell.record.clear();
        cell.record.extend_from_slice(event.words());
        cell.stands_for = cell.stands_for.saturating_add(1);
        Offer::Held { replaced: cell.stands_for > 1 }
    }

    fn cell(&mut self, type_id: TypeId, interval: i64, now: i64) -> &mut Cell {
        let at = self.cells.iter().position(|c| c.type_id == type_id).unwrap_or_else(|| {
            self.cells.push(Cell { type_id, due: now, interval, stands_for: 0, record: Vec::new() });
            self.cells.len() - 1
        });
        &mut self.cells[at]
    }

    /// When the next one held back is due.
    pub(super) fn next(&self) -> i64 {
        self.cells.iter().filter(|c| c.stands_for > 0).map(|c| c.due).min().unwrap_or(NEVER)
    }

    /// Takes out one that is due by `now`, its record into `into`; how many states it stands for. `now` [`NEVER`] takes all.
    pub(super) fn take_due(&mut self, now: i64, into: &mut Vec<u64>) -> Option<u32> {
        let cell = self.cells.iter_mut().find(|c| c.stands_for > 0 && c.due <= now)?;
        if now != NEVER {
            cell.due = now.saturating_add(cell.interval);
        }
        Some(Self::take(cell, into))
    }

    /// Takes out the one of a type, due or not.
    pub(super) fn take_type(&mut self, type_id: TypeId, into: &mut Vec<u64>) -> Option<u32> {
        let cell = self.cells.iter_mut().find(|c| c.type_id == type_id && c.stands_for > 0)?;
        Some(Self::take(cell, into))
    }

    fn take(cell: &mut Cell, into: &mut Vec<u64>) -> u32 {
        core::mem::swap(&mut cell.record, into);
        cell.record.clear();
        core::mem::take(&mut cell.stands_for)
    }

    /// How many are held back, and their words.
    pub(super) fn held(&self) -> (usize, usize) {
        let held = self.cells.iter().filter(|c| c.stands_for > 0);
        held.fold((0, 0), |(n, words), c| (n + 1, words + c.record.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::event::{EventBuf, EventHeader};
    use crate::schema::id::Source;
    use crate::schema::payload::BookTicker;
    use crate::schema::time::UnixNanos;
    use bytemuck::Zeroable;

    fn offer(throttle: &mut Throttle, type_id: u16, receive: i64) -> Offer {
        let mut buf = EventBuf::default();
        let header = EventHeader::internal(TypeId(type_id), Source::WsBookTicker, UnixNanos(receive), 0);
        buf.begin(&header, &BookTicker::zeroed());
        throttle.offer(buf.read(), 100, receive)
    }

    #[test]
    fn the_latest_state_goes_out_and_says_how_many_it_stands_for() {
        let mut throttle = Throttle::default();
        let mut words = Vec::new();
        assert_eq!(offer(&mut throttle, 6, 0), Offer::Publish(1));
        assert_eq!(offer(&mut throttle, 6, 10), Offer::Held { replaced: false });
        assert_eq!(offer(&mut throttle, 6, 20), Offer::Held { replaced: true });
        assert_eq!(offer(&mut throttle, 4, 20), Offer::Publish(1), "types do not share a clock");
        assert_eq!((throttle.next(), throttle.held().0), (100, 1));
        assert_eq!(throttle.take_due(99, &mut words), None);
        assert_eq!(throttle.take_due(100, &mut words), Some(2));
        assert_eq!(EventRef::from_words(&words).unwrap().header().receive, 20, "the latest one");
        assert_eq!(throttle.next(), NEVER);
        assert_eq!(offer(&mut throttle, 6, 150), Offer::Held { replaced: false }, "counted from the last one out");
        assert_eq!(offer(&mut throttle, 6, 201), Offer::Publish(2), "due before its timer fired");
        assert_eq!(offer(&mut throttle, 6, 202), Offer::Held { replaced: false });
        assert_eq!(throttle.take_type(TypeId(6), &mut words), Some(1));
        assert_eq!(throttle.take_due(NEVER, &mut words), None);
    }

    #[test]
    fn only_states_conflate() {
        for kind in PayloadKind::ALL {
            let never = matches!(
                kind,
                PayloadKind::Trade
                    | PayloadKind::AggTrade
                    | PayloadKind::DepthDiff
                    | PayloadKind::BookStatus
                    | PayloadKind::BookReference
                    | PayloadKind::Kline
                    | PayloadKind::Liquidation
                    | PayloadKind::ControlUpdate
                    | PayloadKind::ConnectionStatus
                    | PayloadKind::VenueStatus
                    | PayloadKind::StreamStatus
            );
            assert!(!(never && is_state(Some(kind))), "{kind:?}");
        }
        assert!(!is_state(None));
    }
}
