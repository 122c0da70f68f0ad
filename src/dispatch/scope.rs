//! Purpose: which instruments a table lets through, a type each.
//! Owns: one bit an instrument. Thread: made cold, read by any. Takes and gives: ids. Never: hashes or allocates to answer.

use crate::schema::id::InstrumentId;

/// A set of instruments by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstrumentSet {
    /// Whether every instrument is in it, also one that is not known yet.
    all: bool,
    bits: Vec<u64>,
}

impl InstrumentSet {
    /// Every instrument, known or not.
    pub const ALL: InstrumentSet = InstrumentSet { all: true, bits: Vec::new() };
    /// No instrument.
    pub const NONE: InstrumentSet = InstrumentSet { all: false, bits: Vec::new() };

    /// Takes one in; meaningless ids are left out.
    pub fn insert(&mut self, id: InstrumentId) {
        if self.all || !id.is_some() {
            return;
        }
        if self.bits.len() <= id.index() / 64 {
            self.bits.resize(id.index() / 64 + 1, 0);
        }
        self.bits[id.index() / 64] |= 1 << (id.index() % 64);
    }

    /// Takes in all of another.
    pub fn union_with(&mut self, other: &InstrumentSet) {
        if self.all || other.all {
            *self = InstrumentSet::ALL;
            return;
        }
        if self.bits.len() < other.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        self.bits.iter_mut().zip(&other.bits).for_each(|(word, more)| *word |= more);
    }

    /// Whether an instrument is in it. What concerns no instrument is kept out by nobody.
    #[inline]
    pub fn has(&self, id: InstrumentId) -> bool {
        self.all
            || !id.is_some()
            || self.bits.get(id.index() / 64).is_some_and(|word| word & (1 << (id.index() % 64)) != 0)
    }

    /// Whether it is every instrument.
    pub const fn is_all(&self) -> bool {
        self.all
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        !self.all && self.bits.iter().all(|word| *word == 0)
    }
}

impl FromIterator<InstrumentId> for InstrumentSet {
    fn from_iter<I: IntoIterator<Item = InstrumentId>>(ids: I) -> InstrumentSet {
        let mut set = InstrumentSet::NONE;
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

/// Of which instruments a route's frames are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteScope {
    /// Of its streams and polls.
    pub frames: InstrumentSet,
    /// Of its depth bodies, which books need whoever wants the route's own events.
    pub bodies: InstrumentSet,
}

impl RouteScope {
    /// Everything.
    pub const ALL: RouteScope = RouteScope { frames: InstrumentSet::ALL, bodies: InstrumentSet::ALL };

    /// Whether nothing is let through.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.bodies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in_and_unite() {
        let ids = |list: &[u32]| list.iter().map(|n| InstrumentId(*n)).collect::<InstrumentSet>();
        let mut set = ids(&[0, 63, 64, 1_000]);
        for (id, there) in [(0, true), (1, false), (63, true), (64, true), (999, false), (1_000, true), (9_999, false)]
        {
            assert_eq!(set.has(InstrumentId(id)), there, "{id}");
        }
        assert!(set.has(InstrumentId::NONE), "what concerns no instrument passes");
        set.union_with(&ids(&[1, 2_000]));
        assert!(set.has(InstrumentId(1)) && set.has(InstrumentId(2_000)) && set.has(InstrumentId(0)));
        assert!(InstrumentSet::NONE.is_empty() && !set.is_empty() && !InstrumentSet::ALL.is_empty());
        set.union_with(&InstrumentSet::ALL);
        assert!(set.is_all() && set.has(InstrumentId(77)));
        set.insert(InstrumentId::NONE);
        assert_eq!(set, InstrumentSet::ALL);
    }
}
