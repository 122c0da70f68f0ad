//! Purpose: raw instances that wait for room, in order, in one reused buffer. Owns: their words.
//! Thread: the io thread. Takes and gives: raw instances. Never: allocates once it has grown.

use crate::schema::raw::RawRef;

/// A first-in first-out of records.
#[derive(Debug, Default)]
pub(super) struct Spill {
    words: Vec<u64>,
    read: usize,
}

impl Spill {
    /// Whether nothing waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.read == self.words.len()
    }

    /// Puts one behind the others.
    pub(super) fn push(&mut self, raw: RawRef<'_>) {
        let at = self.words.len();
        self.words.resize(at + raw.words(), 0);
        raw.copy_to(&mut self.words[at..]);
    }

    /// The oldest.
    pub(super) fn first(&self) -> Option<RawRef<'_>> {
        let rest = &self.words[self.read..];
        // A record begins with its length in words.
        let length = *rest.first()? as u32 as usize;
        RawRef::from_words(rest.get(..length)?)
    }

    /// Forgets the oldest.
    pub(super) fn release(&mut self) {
        self.read += self.first().map_or(self.words.len() - self.read, |raw| raw.words());
        if self.is_empty() {
            self.words.clear();
            self.read = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::id::{ConnectionId, Market, TraceIds};
    use crate::schema::raw::{RawBuf, RawOrigin};
    use crate::schema::time::UnixNanos;
    use crate::schema::topic::{StreamKind, Topic};

    #[test]
    fn what_waits_comes_out_whole_and_in_order() {
        let (mut spill, mut buf) = (Spill::default(), RawBuf::default());
        for round in 0..3 {
            for number in 0..20 {
                let from = RawOrigin {
                    market: Market::BinanceSpot,
                    connection: ConnectionId(1),
                    number,
                    receive: UnixNanos(5),
                    ingress_ns: 0,
                    traces: TraceIds::new(0),
                };
                buf.begin(&from, Topic::plain(StreamKind::Trade), 3);
                buf.set_text(1, &"x".repeat(number as usize));
                spill.push(buf.finish().unwrap());
            }
            for number in 0..20 {
                let raw = spill.first().unwrap();
                assert_eq!((raw.header.number, raw.text(1).map(str::len)), (number, Some(number as usize)), "{round}");
                spill.release();
            }
            assert!(spill.is_empty() && spill.first().is_none());
        }
    }
}
