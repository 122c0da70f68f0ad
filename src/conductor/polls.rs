//! Purpose: knows what streams have delivered, so that a repeat of it is dropped: by a poll, or by a second connection
//! while one takes over from another (architecture.md sections 3 and 4).
//! Owns: the latest id and time a stream delivered for each type of an instrument. Thread: the conductor's.
//! Takes and gives: event heads. Never: drops what one connection delivers alone.

use crate::schema::event::{EventHeader, VENUE_ID_ABSENT};
use crate::schema::id::{Source, TypeId};
use crate::schema::time::UnixNanos;

#[derive(Clone, Copy, Debug)]
struct Delivered {
    type_id: TypeId,
    id: i64,
    ts: i64,
    /// The connection that delivered last, and when.
    connection: u16,
    receive: i64,
}

/// Two connections that deliver the same lie no further apart. Past it ids that do not rise are new ones: the venue's have
/// started over.
const OVERLAP_NS: i64 = 2_000_000_000;

/// What an event is beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// New.
    No,
    /// A poll's result that a stream has delivered.
    OfPoll,
    /// What another connection has delivered.
    OfConnection,
}

impl Delivered {
    /// Whether an event of another connection was delivered before.
    fn has(&self, header: &EventHeader) -> bool {
        header.venue_id().is_some_and(|id| id <= self.id) && header.receive.saturating_sub(self.receive) < OVERLAP_NS
    }
}

/// What streams delivered for one instrument.
#[derive(Debug, Default)]
pub(super) struct Streamed {
    types: Vec<Delivered>,
}

impl Streamed {
    /// Whether this was delivered already: ids and times of a stream only rise, so what a poll or another connection brings
    /// that is not beyond the latest has been. Otherwise a stream's event is remembered.
    #[inline]
    pub(super) fn repeats(&mut self, header: &EventHeader) -> Repeat {
        let known = self.types.iter_mut().find(|d| d.type_id == header.type_id());
        if header.source == Source::RestPoll as u16 {
            let repeats = known.is_some_and(|d| match header.venue_id() {
                Some(id) if d.id != VENUE_ID_ABSENT => id <= d.id,
                _ => header.ts().get().is_some_and(|ts| ts <= d.ts),
            });
            return if repeats { Repeat::OfPoll } else { Repeat::No };
        }
        match known {
            Some(d) if d.connection != header.connection && d.has(header) => return Repeat::OfConnection,
            Some(d) => {
                (d.connection, d.receive) = (header.connection, header.receive);
                d.id = d.id.max(header.venue_id);
                d.ts = d.ts.max(header.ts);
            }
            None => {
                let EventHeader { venue_id: id, ts, connection, receive, .. } = *header;
                self.types.push(Delivered { type_id: header.type_id(), id, ts, connection, receive });
            }
        }
        Repeat::No
    }

    /// The venue's ids start over: what was delivered before says nothing.
    pub(super) fn forget_ids(&mut self) {
        for delivered in &mut self.types {
            delivered.id = VENUE_ID_ABSENT;
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

    #[test]
    fn a_poll_is_dropped_when_a_stream_has_delivered_it() {
        let mut streamed = Streamed::default();
        let (stream, poll) = (Source::WsTrade, Source::RestPoll);
        assert_eq!(streamed.repeats(&header(1, poll, Some(5), None)), Repeat::No, "no stream yet");
        assert_eq!(streamed.repeats(&header(1, stream, Some(7), Some(70))), Repeat::No);
        assert_eq!(
            streamed.repeats(&header(1, stream, Some(7), Some(70))),
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
            assert_eq!(streamed.repeats(&header(type_id, poll, id, ts)), expected, "{type_id} {id:?} {ts:?}");
        }
        streamed.forget_ids();
        assert_eq!(streamed.repeats(&header(1, poll, Some(3), None)), Repeat::No);
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
            assert_eq!(streamed.repeats(&header), expected, "connection {connection}, id {id:?}, at {at} s");
        }
    }
}
