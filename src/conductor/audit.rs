//! Purpose: a fresh snapshot brought to a book's own update id while the book goes on: a shadow, to compare it with and to
//! deepen it by. Owns: the diffs applied since the snapshot was asked for, the shadow. Thread: the conductor's.
//! Takes and gives: diffs and a snapshot in, levels out. Never: touches the book; allocates once it has grown.

use super::book::{Book, Levels};
use super::diffs::{levels_of, span_of};
use super::span::Verdict;
use crate::schema::event::EventRef;
use crate::schema::payload::Depth;
use crate::schema::raw::Level;

/// The shadow cannot be brought to the book's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// One audit.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// The book's epoch when it began: in another one what was written down belongs to another book.
    pub(super) epoch: u32,
    /// The book's id then: an older snapshot cannot be brought forward.
    pub(super) asked_at: i64,
    /// The `limit` of the snapshot that came.
    pub(super) limit: u32,
    /// Records of the diffs applied since, one behind the other, each behind its length.
    since: Vec<u64>,
    shadow: Book,
    /// Room for the shadow to work in.
    spare: Vec<Level>,
    shadow_id: Option<i64>,
    /// The shadow's known levels, best first: bids, asks.
    known: [Vec<Level>; 2],
}

impl Audit {
    /// Begins anew.
    pub(super) fn begin(&mut self, epoch: u32, local: i64) {
        (self.epoch, self.asked_at, self.limit, self.shadow_id) = (epoch, local, 0, None);
        self.since.clear();
    }

    /// Whether the snapshot is still to come.
    pub(super) fn awaits_snapshot(&self) -> bool {
        self.shadow_id.is_none()
    }

    /// The shadow's id, once there is one.
    pub(super) fn shadow_id(&self) -> Option<i64> {
        self.shadow_id
    }

    /// The book has applied a diff: written down, or applied to the shadow too.
    pub(super) fn applied(&mut self, event: EventRef<'_>, depth: &Depth, words_max: usize) -> Result<(), Lost> {
        if self.shadow_id.is_some() {
            return self.follow(event, depth);
        }
        if self.since.len() + event.words().len() > words_max {
            return Err(Lost);
        }
        self.since.push(event.words().len() as u64);
        self.since.extend_from_slice(event.words());
        Ok(())
    }

    /// The snapshot has come: the shadow is brought forward by what was written down since.
    pub(super) fn take(&mut self, snapshot: Levels<'_>, id: i64, whole_below: usize) -> Result<(), Lost> {
        if id < self.asked_at {
            return Err(Lost);
        }
        self.shadow.replace(snapshot, whole_below);
        self.shadow_id = Some(id);
        let since = core::mem::take(&mut self.since);
        let followed = self.follow_all(&since);
        self.since = since;
        self.since.clear();
        followed
    }

    fn follow_all(&mut self, mut records: &[u64]) -> Result<(), Lost> {
        while let Some((words, rest)) = records.split_first() {
            let (record, behind) = rest.split_at_checked(*words as usize).ok_or(Lost)?;
            let event = EventRef::from_words(record).ok_or(Lost)?;
            self.follow(event, event.payload::<Depth>().ok_or(Lost)?)?;
            records = behind;
        }
        Ok(())
    }

    fn follow(&mut self, event: EventRef<'_>, depth: &Depth) -> Result<(), Lost> {
        let Some(id) = self.shadow_id else { return Err(Lost) };
        match span_of(depth).verdict(id) {
            Verdict::Old => Ok(()),
            Verdict::Missing => Err(Lost),
            Verdict::Apply => {
                self.shadow.apply(levels_of(depth, event), &mut self.spare).map_err(|_| Lost)?;
                self.shadow_id = Some(depth.last_id);
                Ok(())
            }
        }
    }

    /// The shadow where it is known, best first, and which sides are known to their end (bids, asks). `None` when a side has
    /// no level left in its range: then nothing can be said of it.
    pub(super) fn levels(&mut self) -> Option<(Levels<'_>, [bool; 2])> {
        let Audit { shadow, known: [bids, asks], .. } = self;
        let whole = [shadow.known_bid.is_none(), shadow.known_ask.is_none()];
        bids.clear();
        bids.extend(shadow.bids.best_first().take_while(|l| shadow.known_bid.is_none_or(|b| l.price >= b)));
        asks.clear();
        asks.extend(shadow.asks.best_first().take_while(|l| shadow.known_ask.is_none_or(|b| l.price <= b)));
        if (bids.is_empty() && !whole[0]) || (asks.is_empty() && !whole[1]) {
            return None;
        }
        let (price_scale, quantity_scale) = (shadow.price_scale, shadow.quantity_scale);
        Some((Levels { bids, asks, price_scale, quantity_scale }, whole))
    }
}
