//! The producer's view of the gates: how far it may write before it has to look at them again.
//!
//! Owns: the limit as last computed, and the count of demotions.
//! Thread: the producer's. Takes and gives: the position it wants to write up to in, yes or no out.
//! Never: a wait. A limit only ever errs on the safe side: cursors move forward, and a registration is counted.

use super::gates::{Gates, Sight};
use super::shared::past;

/// Whom a look at the gates may demote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demote {
    /// No one.
    None,
    /// Bounded readers that would be over their bound.
    Bounded,
    /// And unbounded ones whose records would be overwritten.
    All,
}

/// What the producer remembers of the gates.
#[derive(Default)]
pub(super) struct Watch {
    /// The registrations known.
    registered: u64,
    /// How many readers gated at the last look.
    gates: usize,
    /// The position up to which no gate has to be asked; means nothing without gates.
    limit: u64,
    /// As `limit`, by unbounded readers alone; `None` without such.
    held: Option<u64>,
    demotions: u64,
}

impl Watch {
    /// How many readers were demoted so far.
    pub(super) fn demotions(&self) -> u64 {
        self.demotions
    }

    /// How many readers gate now.
    pub(super) fn gates(&mut self, gates: &Gates, span: usize) -> usize {
        self.look(gates, span, 0, Demote::None);
        self.gates
    }

    /// The position up to which unbounded gating readers let the producer write, fresh; `None` when there is none.
    pub(super) fn held(&mut self, gates: &Gates, span: usize) -> Option<u64> {
        self.look(gates, span, 0, Demote::None);
        self.held
    }

    /// Whether writing up to `end` leaves every gating reader what it has not read, bounded ones aside: those that are
    /// in the way are demoted.
    #[inline(always)]
    pub(super) fn allows(&mut self, gates: &Gates, span: usize, end: u64) -> bool {
        if !self.must_look(gates, end) {
            return true;
        }
        self.look(gates, span, end, Demote::Bounded);
        self.held.is_none_or(|held| !past(end, held))
    }

    /// Clears the way up to `end`: whoever is in it is demoted.
    #[inline(always)]
    pub(super) fn clear(&mut self, gates: &Gates, span: usize, end: u64) {
        if self.must_look(gates, end) {
            self.look(gates, span, end, Demote::All);
        }
    }

    #[inline(always)]
    fn must_look(&self, gates: &Gates, end: u64) -> bool {
        gates.registered() != self.registered || (self.gates > 0 && past(end, self.limit))
    }

    #[cold]
    fn look(&mut self, gates: &Gates, span: usize, end: u64, demote: Demote) {
        self.registered = gates.registered();
        (self.gates, self.held) = (0, None);
        for place in 0..gates.places() {
            while let Some(sight) = gates.look(place) {
                let limit = sight.limit(span);
                if past(end, limit) && in_reach(&sight, demote) {
                    if gates.demote(&sight) {
                        self.demotions += 1;
                    }
                    // Gone or demoted, the next look tells: each turn here is a change made by the place's owner.
                    continue;
                }
                self.count(&sight, limit);
                break;
            }
        }
    }

    fn count(&mut self, sight: &Sight, limit: u64) {
        if self.gates == 0 || past(self.limit, limit) {
            self.limit = limit;
        }
        if sight.bound_words().is_none() && self.held.is_none_or(|held| past(held, limit)) {
            self.held = Some(limit);
        }
        self.gates += 1;
    }
}

fn in_reach(sight: &Sight, demote: Demote) -> bool {
    match demote {
        Demote::None => false,
        Demote::Bounded => sight.bound_words().is_some(),
        Demote::All => true,
    }
}
