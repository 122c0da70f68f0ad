//! Purpose: one place of the plan: the connection that serves it, the one that is to take over, and when to try again.
//! Owns: its streams' names. Thread: the io thread. Takes and gives: moments in ns. Never: touches a socket.

use std::collections::BTreeSet;

use super::backoff::Backoff;
use super::cause::Cause;
use super::plan::Place;

/// A connection that lived so long has succeeded: what ends it then says nothing about the next try.
const PROVEN_NS: u64 = 5_000_000_000;
/// How often the bound on silence doubles at most.
const STALLS_MAX: u32 = 5;

/// One place of the plan.
#[derive(Debug)]
pub(super) struct Leg {
    /// Which place it is.
    pub(super) place: Place,
    /// Its streams.
    pub(super) names: BTreeSet<Box<str>>,
    /// The slot of the connection that serves it.
    pub(super) active: Option<usize>,
    /// The slot of the one that is to take over.
    pub(super) successor: Option<usize>,
    /// Whether a successor is wanted.
    pub(super) replace: bool,
    /// Since when the successor carries all that is wanted.
    pub(super) settled: Option<u64>,
    /// Not before this moment.
    pub(super) retry_at: u64,
    /// Since when its address is looked up.
    pub(super) resolving: Option<u64>,
    /// How often it had opened.
    pub(super) opened: u64,
    stalls: u32,
    backoff: Backoff,
}

/// What a leg wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing now.
    Nothing,
    /// A connection that serves it.
    Active,
    /// A connection that is to take over.
    Successor,
}

impl Leg {
    /// Without streams.
    pub(super) fn new(place: Place, backoff_ns: (u64, u64), seed: u64) -> Leg {
        Leg {
            place,
            names: BTreeSet::new(),
            active: None,
            successor: None,
            replace: false,
            settled: None,
            retry_at: 0,
            resolving: None,
            opened: 0,
            stalls: 0,
            backoff: Backoff::new(backoff_ns.0, backoff_ns.1, seed),
        }
    }

    /// What it wants now.
    pub(super) fn wants(&self, now: u64) -> Want {
        if self.names.is_empty() || now < self.retry_at || self.successor.is_some() {
            return Want::Nothing;
        }
        match self.active {
            None => Want::Active,
            Some(_) if self.replace => Want::Successor,
            Some(_) => Want::Nothing,
        }
    }

    /// Its connection opens in this slot.
    pub(super) fn opens(&mut self, slot: usize) {
        (self.resolving, self.settled) = (None, None);
        if self.active.is_none() {
            self.active = Some(slot);
        } else {
            self.successor = Some(slot);
        }
    }

    /// A try failed before there was a connection, or before it proved itself: how long it waits now.
    pub(super) fn failed(&mut self, now: u64) -> u64 {
        self.resolving = None;
        let wait = self.backoff.failed();
        self.retry_at = now.saturating_add(wait);
        wait
    }

    /// The connection in this slot is over after `lived` ns open. A successor that there is takes over.
    pub(super) fn lost(&mut self, slot: usize, cause: Cause, lived: u64, now: u64) {
        if self.successor == Some(slot) {
            self.successor = None;
        } else if self.active == Some(slot) {
            self.active = self.successor.take();
            self.replace = false;
        } else {
            // One that was replaced: nobody waits for it.
            return;
        }
        if lived >= PROVEN_NS {
            self.backoff.succeeded();
        }
        if cause == Cause::Stalled {
            self.stalls = (self.stalls + 1).min(STALLS_MAX);
        } else if lived >= 10 * PROVEN_NS {
            self.stalls = 0;
        }
        self.failed(now);
    }

    /// The successor takes over: the slot of the one it replaces.
    pub(super) fn hand_over(&mut self) -> Option<usize> {
        let old = self.active?;
        self.active = Some(self.successor.take()?);
        self.replace = false;
        self.backoff.succeeded();
        Some(old)
    }

    /// Its connections end, for it has no streams: their slots.
    pub(super) fn ends(&mut self) -> impl Iterator<Item = usize> + use<> {
        self.replace = false;
        [self.active.take(), self.successor.take()].into_iter().flatten()
    }

    /// The bound on silence of the next connection.
    pub(super) const fn stall_ns(&self, stall_ns: u64) -> u64 {
        stall_ns.saturating_mul(1 << self.stalls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn leg() -> Leg {
        let mut leg = Leg::new(Place::default(), (200 * MS, 30_000 * MS), 1);
        leg.names.insert("a@trade".into());
        leg
    }

    #[test]
    fn a_lost_connection_is_tried_again_soon_and_then_ever_later() {
        let mut leg = leg();
        assert_eq!(leg.wants(0), Want::Active);
        let mut waits = Vec::new();
        let mut now = 0;
        for slot in 0..12 {
            leg.opens(slot);
            assert_eq!(leg.wants(now), Want::Nothing);
            leg.lost(slot, Cause::Reset, 0, now);
            waits.push(leg.retry_at - now);
            assert_eq!(leg.wants(leg.retry_at - 1), Want::Nothing);
            now = leg.retry_at;
            assert_eq!(leg.wants(now), Want::Active);
        }
        assert!(waits.is_sorted() && waits[0] <= 250 * MS && waits[11] == 30_000 * MS, "{waits:?}");
        leg.opens(0);
        leg.lost(0, Cause::Reset, PROVEN_NS, now);
        assert!(leg.retry_at - now <= 250 * MS, "one that had worked is tried again soon");
    }

    #[test]
    fn a_successor_takes_over_while_the_old_one_serves_and_when_it_is_lost() {
        for old_is_lost in [false, true] {
            let mut leg = leg();
            leg.opens(3);
            leg.replace = true;
            assert_eq!(leg.wants(0), Want::Successor);
            leg.opens(4);
            assert_eq!((leg.active, leg.successor, leg.wants(0)), (Some(3), Some(4), Want::Nothing));
            if old_is_lost {
                leg.lost(3, Cause::Closed(1001), PROVEN_NS, 0);
            } else {
                assert_eq!(leg.hand_over(), Some(3));
                leg.lost(3, Cause::Replaced, 0, 0);
            }
            assert_eq!((leg.active, leg.successor, leg.replace), (Some(4), None, false));
            assert_eq!(leg.wants(u64::MAX), Want::Nothing);
        }
    }

    #[test]
    fn a_failed_successor_leaves_the_old_one_and_is_tried_again() {
        let mut leg = leg();
        leg.opens(0);
        leg.replace = true;
        leg.opens(1);
        leg.lost(1, Cause::Refused, 0, 0);
        assert_eq!((leg.active, leg.successor), (Some(0), None));
        assert_eq!((leg.wants(0), leg.wants(leg.retry_at)), (Want::Nothing, Want::Successor));
        assert_eq!(leg.hand_over(), None);
    }

    #[test]
    fn a_quiet_market_is_not_cut_for_ever() {
        let mut leg = leg();
        let mut bounds = Vec::new();
        for slot in 0..8 {
            bounds.push(leg.stall_ns(3));
            leg.opens(slot);
            leg.lost(slot, Cause::Stalled, 3, 0);
        }
        assert_eq!(bounds, [3, 6, 12, 24, 48, 96, 96, 96]);
        leg.opens(0);
        leg.lost(0, Cause::Reset, 10 * PROVEN_NS, 0);
        assert_eq!(leg.stall_ns(3), 3);
    }
}
