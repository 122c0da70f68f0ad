//! The producer's view of the gates: how far it may write before it has to look at them again.
//!
//! Owns: the limit as last computed, and the count of demotions.
//! Thread: the producer's. Takes and gives: the position it wants to write up to in, yes or no out.
//! Never: a wait. A limit only ever errs on the safe side: cursors move forward, and a registration is counted.

use super::gates::{Gates, Sight};
use super::shared::past;

/// How far the limit lies ahead when nobody gates: the look that it costs comes once in so many words.
const NOBODY: u64 = 1 << 62;

/// What a look at the gates is for, and what it may do to those in the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// To count them: nothing.
    Count,
    /// To promise room: bounded readers that would be over their bound are demoted; unbounded ones that have lost nothing,
    /// which is what lies before the oldest whole record, are heeded from now on.
    Promise {
        /// Position of the oldest whole record.
        oldest: u64,
    },
    /// To write: whoever is not heeded is demoted.
    Write,
}

/// What the producer remembers of the gates.
pub(super) struct Watch {
    /// How far behind the last word written a record surely is whole, in words.
    span: usize,
    /// The registrations known.
    registered: u64,
    /// How many readers gated at the last look.
    gates: usize,
    /// The position up to which no gate has to be asked.
    limit: u64,
    /// As `limit`, by unbounded readers alone; `None` without such.
    held: Option<u64>,
    /// As `held`, by those alone that are heeded.
    promised: Option<u64>,
    demotions: u64,
}

impl Watch {
    /// For a ring that begins at a position, without a reader yet; what lies `span` words behind the last one written is whole.
    pub(super) fn new(position: u64, span: usize) -> Watch {
        Watch {
            span,
            registered: 0,
            gates: 0,
            limit: position.wrapping_add(NOBODY),
            held: None,
            promised: None,
            demotions: 0,
        }
    }

    /// How many readers were demoted so far.
    pub(super) fn demotions(&self) -> u64 {
        self.demotions
    }

    /// How many readers gate now. `tail` is the position behind the newest record.
    pub(super) fn gates(&mut self, gates: &Gates, tail: u64) -> usize {
        self.look(gates, tail, Look::Count);
        self.gates
    }

    /// The position up to which unbounded gating readers let the producer write, fresh; `None` when there is none.
    pub(super) fn held(&mut self, gates: &Gates, tail: u64) -> Option<u64> {
        self.look(gates, tail, Look::Count);
        self.held
    }

    /// The position up to which no gate has to be asked, as last computed.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether writing up to `end` surely leaves every gating reader what it has not read; `false` means that it has to be
    /// looked for.
    #[inline(always)]
    pub(super) fn is_clear(&self, gates: &Gates, end: u64) -> bool {
        !self.is_news(gates) && !past(end, self.limit)
    }

    /// Whether readers have registered of whom nothing is known yet.
    #[inline(always)]
    pub(super) fn is_news(&self, gates: &Gates) -> bool {
        gates.registered() != self.registered
    }

    /// Whether writing up to `end` leaves every gating reader what it has not read, bounded ones aside: those that are
    /// in the way are demoted. `oldest` is the position of the oldest whole record.
    pub(super) fn promise(&mut self, gates: &Gates, end: u64, oldest: u64) -> bool {
        self.look(gates, end, Look::Promise { oldest });
        self.held.is_none_or(|held| !past(end, held))
    }

    /// Clears the way up to `end`: whoever is in it is demoted. `false` when one of them is heeded, and then nobody is.
    pub(super) fn clear(&mut self, gates: &Gates, end: u64) -> bool {
        if self.is_clear(gates, end) {
            return true;
        }
        self.look(gates, end, Look::Count);
        let is_free = self.promised.is_none_or(|promised| !past(end, promised));
        if is_free {
            self.look(gates, end, Look::Write);
        }
        is_free
    }

    fn look(&mut self, gates: &Gates, end: u64, look: Look) {
        self.registered = gates.registered();
        (self.gates, self.limit) = (0, end.wrapping_add(NOBODY));
        (self.held, self.promised) = (None, None);
        for place in 0..gates.places() {
            // Gone, demoted or heeded, the next look tells: each turn is a change made by the place's owner, or by us.
            while let Some(sight) = gates.look(place) {
                let limit = sight.limit(self.span);
                if past(end, limit) && look.demotes(&sight) {
                    self.demotions += u64::from(gates.demote(&sight));
                } else if look.heeds(&sight) {
                    gates.heed(&sight);
                } else {
                    self.count(&sight, limit);
                    break;
                }
            }
        }
    }

    fn count(&mut self, sight: &Sight, limit: u64) {
        let nearer = |of: Option<u64>| Some(of.filter(|of| !past(*of, limit)).unwrap_or(limit));
        if past(self.limit, limit) {
            self.limit = limit;
        }
        if sight.bound_words().is_none() {
            self.held = nearer(self.held);
        }
        if sight.is_heeded() {
            self.promised = nearer(self.promised);
        }
        self.gates += 1;
    }
}

impl Look {
    fn demotes(self, sight: &Sight) -> bool {
        match self {
            Look::Count => false,
            Look::Promise { .. } => sight.bound_words().is_some(),
            Look::Write => !sight.is_heeded(),
        }
    }

    fn heeds(self, sight: &Sight) -> bool {
        let Look::Promise { oldest } = self else { return false };
        sight.bound_words().is_none() && !sight.is_heeded() && !past(oldest, sight.cursor())
    }
}
