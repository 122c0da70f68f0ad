//! Purpose: which instrument has something to do next. Owns: a binary heap in which each instrument stands at most once, so
//! that it never holds more than there are instruments, however often one changes its mind.
//! Thread: the conductor's. Takes and gives: moments, UTC ns. Never: allocates once every instrument has stood in it.

use crate::schema::id::InstrumentId;

/// "It does not stand in the heap."
const NOWHERE: u32 = u32::MAX;

/// The earliest moments of instruments, those of one moment in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Moments {
    heap: Vec<(i64, u32)>,
    /// Where each instrument stands in the heap, by its id.
    places: Vec<u32>,
}

impl Moments {
    /// The first instrument, and its moment.
    #[inline]
    pub(super) fn first(&self) -> Option<(i64, InstrumentId)> {
        self.heap.first().map(|(moment, id)| (*moment, InstrumentId(*id)))
    }

    /// Has an instrument stand at this moment, if it stands at none or at a later one.
    pub(super) fn bring_forward(&mut self, id: InstrumentId, moment: i64) {
        if self.places.len() <= id.index() {
            self.places.resize(id.index() + 1, NOWHERE);
        }
        let mut at = self.places[id.index()] as usize;
        if self.places[id.index()] == NOWHERE {
            at = self.heap.len();
            self.heap.push((moment, id.0));
        } else if self.heap[at].0 <= moment {
            return;
        }
        let entry = (moment, id.0);
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= entry {
                break;
            }
            self.put(at, self.heap[parent]);
            at = parent;
        }
        self.put(at, entry);
    }

    /// Takes the first instrument out.
    pub(super) fn pop(&mut self) -> Option<(i64, InstrumentId)> {
        let last = self.heap.pop()?;
        let Some(&first) = self.heap.first() else {
            self.places[last.1 as usize] = NOWHERE;
            return Some((last.0, InstrumentId(last.1)));
        };
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let Some(&(mut child)) = self.heap.get(left) else { break };
            let mut next = left;
            if let Some(other) = self.heap.get(right).filter(|other| **other < child) {
                (child, next) = (*other, right);
            }
            if last <= child {
                break;
            }
            self.put(at, child);
            at = next;
        }
        self.put(at, last);
        self.places[first.1 as usize] = NOWHERE;
        Some((first.0, InstrumentId(first.1)))
    }

    fn put(&mut self, at: usize, entry: (i64, u32)) {
        self.heap[at] = entry;
        self.places[entry.1 as usize] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn instruments_come_in_the_order_of_their_earliest_moments_and_each_stands_once(
            steps in prop::collection::vec(prop::option::weighted(0.7, (0u32..20, -50i64..50)), 1..400)
        ) {
            let (mut moments, mut model) = (Moments::default(), BTreeMap::<u32, i64>::new());
            for step in steps {
                match step {
                    Some((id, moment)) => {
                        moments.bring_forward(InstrumentId(id), moment);
                        let known = model.entry(id).or_insert(moment);
                        *known = moment.min(*known);
                    }
                    None => {
                        let first = model.iter().map(|(id, moment)| (*moment, *id)).min();
                        prop_assert_eq!(moments.pop(), first.map(|(moment, id)| (moment, InstrumentId(id))));
                        first.map(|(_, id)| model.remove(&id));
                    }
                }
                prop_assert_eq!(moments.heap.len(), model.len());
                let first = model.iter().map(|(id, moment)| (*moment, InstrumentId(*id))).min_by_key(|m| (m.0, m.1.0));
                prop_assert_eq!(moments.first(), first);
            }
        }
    }

    #[test]
    fn changes_of_mind_take_no_room() {
        let mut moments = Moments::default();
        for turn in 0..10_000 {
            moments.bring_forward(InstrumentId(3), 3_600_000);
            moments.bring_forward(InstrumentId(3), turn);
            assert_eq!((moments.pop(), moments.heap.len()), (Some((turn, InstrumentId(3))), 0));
        }
        assert!(moments.heap.capacity() < 16);
    }
}
