//! Purpose: knows what has been delivered, so that a repeat of it is dropped: by a poll, or by a second connection while one
//! takes over from another (architecture.md sections 3 and 4).
//! Owns: the latest id and time delivered for each type of an instrument, for candles and windows of each length.
//! Thread: the conductor's. Takes and gives: events. Never: drops what one connection delivers alone, or what tells neither
//! an id nor a time: of that nobody can say whether it is new.

use crate::schema::event::{EventHeader, EventRef, VENUE_ID_ABSENT};
use crate::schema::id::{Source, TypeId};
use crate::schema::payload::{Kline, PayloadKind, WindowTicker};
use crate::schema::time::UnixNanos;

#[derive(Clone, Copy, Debug)]
struct Delivered {
    type_id: TypeId,
    /// The interval of a candle, the window of a ticker: each has times of its own. 0 for all else.
    part: u64,
    id: i64,
    ts: i64,
    /// The connection that delivered last, and when.
    connection: u16,
    receive: i64,
    /// The ids between these two were not delivered: another connection had run ahead when it took over.
    hole: (i64, i64),
}

/// Two connections that deliver the same lie no further apart. Past it ids that do not rise are new ones: the venue's have
/// started over.
const OVERLAP_NS: i64 = 2_000_000_000;

/// What an event is beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// New.
    No,
    /// A poll's result that a stream, or a poll before it, has delivered.
    OfPoll,
    /// What another connection has delivered.
    OfConnection,
}

/// The text of an interval or a window as a number; texts are short.
fn part_of(event: EventRef<'_>) -> u64 {
    let text: &[u8] = match event.header().kind() {
        Some(PayloadKind::Kline) => event.payload::<Kline>().map_or(&[], |kline| &kline.interval),
        Some(PayloadKind::WindowTicker) => event.payload::<WindowTicker>().map_or(&[], |ticker| &ticker.window),
        _ => return 0,
    };
    text.iter().take(8).fold(0, |part, byte| part << 8 | u64::from(*byte))
}

impl Delivered {
    /// Whether a poll's event is no newer than the latest: by its id where both have one, else by its time.
    fn is_behind(&self, header: &EventHeader) -> bool {
        match header.venue_id() {
            Some(id) if self.id != VENUE_ID_ABSENT => id <= self.id,
            _ => header.ts().get().is_some_and(|ts| ts <= self.ts),
        }
    }

    /// Whether an event of another connection was delivered before.
    fn has(&self, header: &EventHeader) -> bool {
        header.venue_id().is_some_and(|id| id <= self.id) && header.receive.saturating_sub(self.receive) < OVERLAP_NS
    }

    /// Whether the event is one of those that another connection left out. Ids of one connection rise: what is below it now
    /// will not come.
    fn fills(&mut self, header: &EventHeader) -> bool {
        let (after, before) = self.hole;
        let fills = header.venue_id().is_some_and(|id| after < id && id < before);
        if fills {
            self.hole.0 = header.venue_id;
        }
        fills
    }

    fn advance(&mut self, header: &EventHeader) {
        let ahead = self.connection != header.connection && self.id != VENUE_ID_ABSENT && header.venue_id > self.id;
        if ahead {
            self.hole = (self.id, header.venue_id);
        }
        (self.connection, self.receive) = (header.connection, header.receive);
        self.id = self.id.max(header.venue_id);
        self.ts = self.ts.max(header.ts);
    }
}

/// What streams delivered for one instrument.
#[derive(Debug, Default)]
pub(super) struct Streamed {
    /// Of the types that came first: here, with their instrument.
    first: [Option<Delivered>; 2],
    others: Vec<Delivered>,
}

impl Streamed {
    /// Whether this was delivered already: ids and times only rise, so what a poll or another connection brings that is not
    /// beyond the latest has been. Otherwise it is remembered.
    #[inline]
    pub(super) fn repeats(&mut self, event: EventRef<'_>) -> Repeat {
        self.of_part(event.header(), part_of(event))
    }

    fn of_part(&mut self, header: &EventHeader, part: u64) -> Repeat {
        let known = self.all().find(|d| d.type_id == header.type_id() && d.part == part);
        let polled = header.source == Source::RestPoll as u16;
        match known {
            Some(d) if polled && d.is_behind(header) => return Repeat::OfPoll,
            // Trades count each; of a state what is older than the latest is worth nothing.
            Some(d) if !polled && d.connection != header.connection && d.has(header) => {
                let counts = matches!(header.kind(), Some(PayloadKind::Trade | PayloadKind::AggTrade));
                return if counts && d.fills(header) { Repeat::No } else { Repeat::OfConnection };
            }
            Some(d) => d.advance(header),
            None => {
                let EventHeader { venue_id: id, ts, connection, receive, .. } = *header;
                let (type_id, hole) = (header.type_id(), (id, id));
                let delivered = Delivered { type_id, part, id, ts, connection, receive, hole };
                match self.first.iter_mut().find(|free| free.is_none()) {
                    Some(free) => *free = Some(delivered),
                    None => self.others.push(delivered),
                }
            }
        }
        Repeat::No
    }

    #[inline]
    fn all(&mut self) -> impl Iterator<Item = &mut Delivered> {
        self.first.iter_mut().flatten().chain(&mut self.others)
    }

    /// The venue's ids start over: what was delivered before says nothing.
    pub(super) fn forget_ids(&mut self) {
        for delivered in self.all() {
            (delivered.id, delivered.hole) = (VENUE_ID_ABSENT, (VENUE_ID_ABSENT, VENUE_ID_ABSENT));
        }
    }
}

// Both marks of absence are the smallest number, so `max` above never prefers them.
const _: () = assert!(VENUE_ID_ABSENT == i64::MIN && UnixNanos::ABSENT.0 == i64::MIN);

#[cfg(test)]
mod tests {
    use super::*;

    fn header(type_id: u16, source: Source, id: Option<i64>, ts: Option<i64>) -> EventHeader {
        EventHeader {
            venue_id: id.unwrap_or(VENUE_ID_ABSENT),
            ts: ts.unwrap_or(UnixNanos::ABSENT.0),
            ..EventHeader::internal(TypeId(type_id), source, UnixNanos(0), 0)
        }
    }

    fn repeats(streamed: &mut Streamed, header: &EventHeader) -> Repeat {
        streamed.of_part(header, 0)
    }

    #[test]
    fn a_poll_is_dropped_when_it_was_delivered() {
        let mut streamed = Streamed::default();
        let (stream, poll) = (Source::WsTrade, Source::RestPoll);
        assert_eq!(repeats(&mut streamed, &header(1, poll, Some(5), None)), Repeat::No, "nothing yet");
        assert_eq!(repeats(&mut streamed, &header(1, poll, Some(5), None)), Repeat::OfPoll, "the poll before it");
        assert_eq!(repeats(&mut streamed, &header(1, stream, Some(7), Some(70))), Repeat::No);
        assert_eq!(
            repeats(&mut streamed, &header(1, stream, Some(7), Some(70))),
            Repeat::No,
            "a stream's repeat is not a poll's"
        );
        let table = [
            (1, Some(7), None, Repeat::OfPoll),
            (1, Some(6), Some(99), Repeat::OfPoll),
            (1, Some(8), Some(60), Repeat::No),
            (1, None, Some(70), Repeat::OfPoll),
            (1, None, Some(71), Repeat::No),
            (1, None, None, Repeat::No),
            (2, Some(7), Some(70), Repeat::No),
        ];
        for (type_id, id, ts, expected) in table {
            assert_eq!(repeats(&mut streamed, &header(type_id, poll, id, ts)), expected, "{type_id} {id:?} {ts:?}");
        }
        assert_eq!(
            repeats(&mut streamed, &header(1, poll, Some(8), None)),
            Repeat::OfPoll,
            "and what it passed is known"
        );
        assert_eq!(repeats(&mut streamed, &header(3, poll, None, Some(5))), Repeat::No);
        assert_eq!(repeats(&mut streamed, &header(3, poll, None, Some(5))), Repeat::OfPoll, "the same time again");
        assert_eq!(repeats(&mut streamed, &header(3, poll, None, None)), Repeat::No, "nobody can say");
        streamed.forget_ids();
        assert_eq!(repeats(&mut streamed, &header(1, poll, Some(3), None)), Repeat::No);
    }

    #[test]
    fn trades_that_the_connection_which_ran_ahead_left_out_are_no_repeats() {
        // connection, id → whether it is a repeat
        let table = [
            (1, 94, Repeat::No),
            (2, 100, Repeat::No),
            (1, 94, Repeat::OfConnection),
            (1, 95, Repeat::No),
            (1, 97, Repeat::No),
            (1, 96, Repeat::OfConnection),
            (1, 99, Repeat::No),
            (1, 100, Repeat::OfConnection),
            (2, 101, Repeat::No),
            (1, 99, Repeat::OfConnection),
        ];
        for (type_id, payload) in [(1, PayloadKind::Trade), (2, PayloadKind::BookTicker)] {
            let mut streamed = Streamed::default();
            for (connection, id, expected) in table {
                let of = header(type_id, Source::WsTrade, Some(id), None);
                let header = EventHeader { connection, kind: payload as u8, ..of };
                // Of a state what is older than the latest is worth nothing.
                let old = payload != PayloadKind::Trade && connection == 1 && id > 94;
                let expected = if old { Repeat::OfConnection } else { expected };
                assert_eq!(repeats(&mut streamed, &header), expected, "{payload:?}, connection {connection}, id {id}");
            }
        }
    }

    #[test]
    fn while_one_connection_takes_over_from_another_each_event_counts_once() {
        let mut streamed = Streamed::default();
        let second = 1_000_000_000;
        // connection, id, second received → whether it is a repeat
        let table = [
            (1, Some(100), 0, Repeat::No),
            (2, Some(99), 0, Repeat::OfConnection),
            (2, Some(100), 1, Repeat::OfConnection),
            (2, Some(101), 1, Repeat::No),
            (1, Some(101), 1, Repeat::OfConnection),
            (1, Some(102), 2, Repeat::No),
            (2, None, 2, Repeat::No),
            (1, Some(102), 3, Repeat::OfConnection),
            // The venue's ids have started over.
            (3, Some(5), 4, Repeat::No),
            (3, Some(4), 4, Repeat::No),
        ];
        for (connection, id, at, expected) in table {
            let header = EventHeader { connection, receive: at * second, ..header(1, Source::WsTrade, id, None) };
            assert_eq!(repeats(&mut streamed, &header), expected, "connection {connection}, id {id:?}, at {at} s");
        }
    }
}
