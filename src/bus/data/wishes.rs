//! Purpose: what a consumer wants while it changes its mind: filters by the control version from which they hold.
//! Owns: the recent wishes of one consumer. Thread: the control duty writes, the consumer reads; neither waits.
//! Takes and gives: wishes in, yes or no to an event out. Never: judges an event by filters of another version than its own.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::filter::{Filter, Gate};
use crate::directory::Directory;
use crate::schema::event::EventRef;
use crate::schema::id::TypeId;

/// Wishes remembered: an event that waited long in a conductor is judged by the filters of its own version as long as no
/// more changes than these came after it.
const WISHES_MAX: usize = 64;

/// What is wanted from a version on: an event passes when a filter of its type lets it pass.
#[derive(Debug)]
struct Wish {
    from: u32,
    wants: Vec<(TypeId, Filter)>,
}

/// Oldest first.
type Wishes = Vec<Arc<Wish>>;

/// One consumer's wishes. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct WishSlot {
    wishes: Arc<ArcSwap<Wishes>>,
}

impl WishSlot {
    /// Sets what is wanted by events that are routed by this version or a later one. To be called before the table of that
    /// version is published: so whoever meets an event of the version finds the wish.
    pub fn set(&self, version: u32, wants: Vec<(TypeId, Filter)>) {
        let old = self.wishes.load();
        let skip = (old.len() + 1).saturating_sub(WISHES_MAX);
        let kept = old.iter().skip(skip).filter(|wish| wish.from < version).cloned();
        let wishes: Wishes = kept.chain([Arc::new(Wish { from: version, wants })]).collect();
        self.wishes.store(Arc::new(wishes));
    }
}

/// The consumer's end of a [`WishSlot`].
#[derive(Debug)]
pub(super) struct WishGate {
    slot: WishSlot,
    /// Wishes up to this version are among `gates`.
    known: u32,
    gates: Vec<(u32, Vec<Gate>)>,
}

impl WishGate {
    /// Over a slot; nothing passes before its first wish.
    pub(super) fn new(slot: WishSlot) -> WishGate {
        WishGate { slot, known: 0, gates: Vec::new() }
    }

    /// Whether the event is wanted by the wishes of the version that it was routed by; one that no table routed, by the
    /// latest.
    #[inline]
    pub(super) fn passes(&mut self, event: EventRef<'_>, directory: &Directory) -> bool {
        let version = match event.header().dispatch_version {
            0 => u32::MAX,
            version => {
                if version > self.known {
                    self.refresh(version);
                }
                version
            }
        };
        // Almost always the last one.
        let Some((_, gates)) = self.gates.iter_mut().rev().find(|(from, _)| *from <= version) else { return false };
        gates.iter_mut().any(|gate| gate.passes(event, directory))
    }

    /// Takes up wishes set since the last time. Also for events without a version: to be called now and then.
    #[cold]
    pub(super) fn refresh(&mut self, version: u32) {
        let wishes = self.slot.wishes.load();
        let newest = self.gates.last().map_or(0, |(from, _)| *from);
        for wish in wishes.iter().filter(|wish| wish.from > newest) {
            let gates = wish.wants.iter().map(|(id, filter)| Gate::new(&[*id], filter.clone())).collect();
            self.gates.push((wish.from, gates));
        }
        let excess = self.gates.len().saturating_sub(WISHES_MAX);
        self.gates.drain(..excess);
        let newest = self.gates.last().map_or(0, |(from, _)| *from);
        self.known = self.known.max(version).max(newest);
    }

    /// Whether there are wishes that were not taken up.
    #[inline]
    pub(super) fn is_behind(&self) -> bool {
        let newest = self.slot.wishes.load().last().map_or(0, |wish| wish.from);
        newest > self.gates.last().map_or(0, |(from, _)| *from)
    }
}

/// What judges events for a consumer: one filter for good, or wishes that change.
#[derive(Debug)]
pub(super) enum Judge {
    /// Fixed.
    Gate(Gate),
    /// Following the control duty.
    Wishes(WishGate),
}

impl Judge {
    #[inline]
    pub(super) fn passes(&mut self, event: EventRef<'_>, directory: &Directory) -> bool {
        match self {
            Judge::Gate(gate) => gate.passes(event, directory),
            Judge::Wishes(wishes) => wishes.passes(event, directory),
        }
    }

    /// To be called once a poll.
    #[inline]
    pub(super) fn look(&mut self) {
        if let Judge::Wishes(wishes) = self
            && wishes.is_behind()
        {
            wishes.refresh(0);
        }
    }
}
