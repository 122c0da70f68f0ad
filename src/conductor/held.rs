//! Purpose: diffs held until a snapshot or a missing diff comes, in the order of their spans.
//! Owns: copies of their records in one arena. Thread: the conductor's. Takes and gives: event records.
//! Never: trims: a full buffer is refused whole and its owner starts over.

use std::collections::VecDeque;

use super::span::Span;
use crate::schema::event::EventRef;

/// The buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Clone, Copy, Debug)]
struct Entry {
    span: Span,
    at: usize,
    words: usize,
}

/// The held diffs of one instrument.
#[derive(Debug, Default)]
pub(super) struct Held {
    arena: Vec<u64>,
    entries: VecDeque<Entry>,
    live_words: usize,
    high: Option<i64>,
}

impl Held {
    /// Holds a copy, behind all whose span does not begin later.
    pub(super) fn push(
        &mut self,
        span: Span,
        event: EventRef<'_>,
        words_max: usize,
        diffs_max: usize,
    ) -> Result<(), Full> {
        let words = event.words().len();
        if self.entries.len() >= diffs_max || self.live_words + words > words_max {
            return Err(Full);
        }
        if self.arena.len() + words > words_max {
            self.compact();
        }
        let entry = Entry { span, at: self.arena.len(), words };
        self.arena.extend_from_slice(event.words());
        self.live_words += words;
        self.high = self.high.max(Some(span.last));
        let behind = self.entries.iter().rev().take_while(|e| e.span > span).count();
        self.entries.insert(self.entries.len() - behind, entry);
        Ok(())
    }

    /// Moves what is still held to the front of a fresh arena.
    fn compact(&mut self) {
        let mut arena = Vec::with_capacity(self.arena.capacity());
        for entry in &mut self.entries {
            let at = arena.len();
            arena.extend_from_slice(&self.arena[entry.at..entry.at + entry.words]);
            entry.at = at;
        }
        self.arena = arena;
    }

    /// The span of the first one.
    #[inline]
    pub(super) fn front(&self) -> Option<Span> {
        self.entries.front().map(|e| e.span)
    }

    /// How many words the first one has.
    pub(super) fn front_words(&self) -> usize {
        self.entries.front().map_or(0, |e| e.words)
    }

    /// The first one that ends after `id`.
    pub(super) fn first_after(&self, id: i64) -> Option<Span> {
        self.entries.iter().map(|e| e.span).find(|s| s.last > id)
    }

    /// Whether the diffs from the first one on lead from `local` to `until` without a hole.
    pub(super) fn reaches(&self, local: i64, until: i64) -> bool {
        let mut reached = local;
        for span in self.entries.iter().map(|e| e.span) {
            if reached >= until || span.previous > reached {
                break;
            }
            reached = reached.max(span.last);
        }
        reached > local && reached >= until
    }

    /// The highest id held since it was last empty.
    #[inline]
    pub(super) fn high(&self) -> Option<i64> {
        self.high
    }

    /// Whether nothing is held.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes the first one out, its record into `into`; whether there was one.
    pub(super) fn pop_into(&mut self, into: &mut Vec<u64>) -> bool {
        into.clear();
        let Some(entry) = self.entries.pop_front() else { return false };
        into.extend_from_slice(&self.arena[entry.at..entry.at + entry.words]);
        self.forget(entry);
        true
    }

    /// Drops the first ones as long as they end at or before `id`; how many.
    pub(super) fn drop_old(&mut self, id: i64) -> u64 {
        let mut dropped = 0;
        while let Some(entry) = self.entries.front().copied().filter(|e| e.span.last <= id) {
            self.entries.pop_front();
            self.forget(entry);
            dropped += 1;
        }
        dropped
    }

    fn forget(&mut self, entry: Entry) {
        self.live_words -= entry.words;
        if self.entries.is_empty() {
            self.arena.clear();
            self.high = None;
        }
    }

    /// Drops everything; how many.
    pub(super) fn clear(&mut self) -> u64 {
        let dropped = self.entries.len() as u64;
        self.entries.clear();
        self.arena.clear();
        self.live_words = 0;
        self.high = None;
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::event::{EventBuf, EventHeader};
    use crate::schema::id::{Source, TypeId};
    use crate::schema::payload::Depth;
    use crate::schema::time::UnixNanos;
    use bytemuck::Zeroable;

    fn record(last: i64) -> EventBuf {
        let mut buf = EventBuf::default();
        let header = EventHeader::internal(TypeId(9), Source::WsDepth, UnixNanos(0), 0);
        buf.begin(&header, &Depth { last_id: last, ..Depth::zeroed() });
        buf
    }

    fn push(held: &mut Held, previous: i64, last: i64, words_max: usize) -> Result<(), Full> {
        held.push(Span { previous, last }, record(last).read(), words_max, 4)
    }

    fn drain(held: &mut Held) -> Vec<i64> {
        let mut words = Vec::new();
        let mut out = Vec::new();
        while held.pop_into(&mut words) {
            out.push(EventRef::from_words(&words).unwrap().payload::<Depth>().unwrap().last_id);
        }
        out
    }

    #[test]
    fn diffs_leave_in_the_order_of_their_spans_whatever_the_order_they_came_in() {
        let mut held = Held::default();
        for (previous, last) in [(20, 30), (0, 10), (10, 20), (10, 15)] {
            push(&mut held, previous, last, 1_000).unwrap();
        }
        assert_eq!(held.high(), Some(30));
        assert_eq!(held.first_after(10), Some(Span { previous: 10, last: 15 }));
        assert_eq!(held.drop_old(12), 1);
        assert_eq!(drain(&mut held), [15, 20, 30]);
    }

    #[test]
    fn a_full_buffer_refuses_by_count_and_by_words() {
        let mut held = Held::default();
        for at in 0..4 {
            push(&mut held, at, at + 1, 1_000).unwrap();
        }
        assert_eq!(push(&mut held, 4, 5, 1_000), Err(Full));
        assert_eq!(held.clear(), 4);
        let words = record(1).read().words().len();
        assert_eq!(push(&mut held, 0, 1, words), Ok(()));
        assert_eq!(push(&mut held, 1, 2, words), Err(Full));
    }

    #[test]
    fn space_of_released_diffs_is_used_again() {
        let mut held = Held::default();
        let bound = record(1).read().words().len() * 3;
        let mut words = Vec::new();
        push(&mut held, 0, 1, bound).unwrap();
        push(&mut held, 1, 2, bound).unwrap();
        for at in 2..50 {
            push(&mut held, at, at + 1, bound).unwrap();
            assert!(held.pop_into(&mut words));
            assert!(held.arena.len() <= bound);
        }
        assert_eq!(drain(&mut held), [49, 50]);
    }
}
