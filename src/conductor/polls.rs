//! Purpose: knows what streams have delivered, so that a poll's repeat of it is dropped (architecture.md section 3).
//! Owns: the latest id and time a stream delivered for each type of an instrument. Thread: the conductor's.
//! Takes and gives: event heads. Never: drops what a stream delivers.

use crate::schema::event::{EventHeader, VENUE_ID_ABSENT};
use crate::schema::id::{Source, TypeId};
use crate::schema::time::UnixNanos;

#[derive(Clone, Copy, Debug)]
struct Delivered {
    type_id: TypeId,
    id: i64,
    ts: i64,
}

/// What streams delivered for one instrument.
#[derive(Debug, Default)]
pub(super) struct Streamed {
    types: Vec<Delivered>,
}

impl Streamed {
    /// Whether this is a poll's result that a stream has delivered already: ids and times of a stream only rise, so
    /// whatever is not beyond the latest has been. Otherwise a stream's event is remembered.
    #[inline]
    pub(super) fn repeats(&mut self, header: &EventHeader) -> bool {
        let known = self.types.iter_mut().find(|d| d.type_id == header.type_id());
        if header.source == Source::RestPoll as u16 {
            return known.is_some_and(|d| match header.venue_id() {
                Some(id) if d.id != VENUE_ID_ABSENT => id <= d.id,
                _ => header.ts().get().is_some_and(|ts| ts <= d.ts),
            });
        }
        match known {
            Some(d) => {
                d.id = d.id.max(header.venue_id);
                d.ts = d.ts.max(header.ts);
            }
            None => {
                self.types.push(Delivered { type_id: header.type_id(), id: header.venue_id, ts: header.ts });
            }
        }
        false
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
        assert!(!streamed.repeats(&header(1, poll, Some(5), None)), "no stream yet");
        assert!(!streamed.repeats(&header(1, stream, Some(7), Some(70))));
        assert!(!streamed.repeats(&header(1, stream, Some(7), Some(70))), "a stream's repeat is not a poll's");
        let table = [
            (1, Some(7), None, true),
            (1, Some(6), Some(99), true),
            (1, Some(8), Some(60), false),
            (1, None, Some(70), true),
            (1, None, Some(71), false),
            (1, None, None, false),
            (2, Some(7), Some(70), false),
        ];
        for (type_id, id, ts, expected) in table {
            assert_eq!(streamed.repeats(&header(type_id, poll, id, ts)), expected, "{type_id} {id:?} {ts:?}");
        }
        streamed.forget_ids();
        assert!(!streamed.repeats(&header(1, poll, Some(3), None)));
    }
}
