//! Purpose: the instruments of a conductor, by id, side by side: with thousands of them each turn finds its instrument cold, and memory
//! that lies close together takes fewer entries of the processor's page tables, which are cold too. Owns: the instruments.
//! Thread: the conductor's. Takes and gives: ids in, instruments out. Never: moves one that is here.

use super::fusion::Instrument;

/// How many share a block, in the order in which they came: a shard has one of several ids.
const BLOCK: usize = 64;
/// The place of one that did not come yet.
const NOWHERE: u32 = u32::MAX;

/// The instruments, by id.
#[derive(Debug, Default)]
pub(super) struct Instruments {
    /// By id: where it is.
    places: Vec<u32>,
    /// Each full but the last, and never more than full: so that nothing in it is moved.
    blocks: Vec<Vec<Instrument>>,
}

impl Instruments {
    /// Above all ids that were put here.
    pub(super) fn end(&self) -> usize {
        self.places.len()
    }

    #[inline]
    fn place(&self, id: usize) -> Option<usize> {
        self.places.get(id).map(|place| *place as usize)
    }

    /// The instrument of an id.
    #[inline]
    pub(super) fn get(&self, id: usize) -> Option<&Instrument> {
        let place = self.place(id)?;
        self.blocks.get(place / BLOCK)?.get(place % BLOCK)
    }

    /// Likewise, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, id: usize) -> Option<&mut Instrument> {
        let place = self.place(id)?;
        self.blocks.get_mut(place / BLOCK)?.get_mut(place % BLOCK)
    }

    /// Puts an instrument in the place of its id.
    pub(super) fn put(&mut self, instrument: Instrument) {
        let id = instrument.id.index();
        if let Some(there) = self.get_mut(id) {
            *there = instrument;
            return;
        }
        if self.places.len() <= id {
            self.places.resize(id + 1, NOWHERE);
        }
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let blocks = self.blocks.len();
        if let Some(block) = self.blocks.last_mut() {
            self.places[id] = ((blocks - 1) * BLOCK + block.len()) as u32;
            block.push(instrument);
        }
    }

    /// All of them, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Instrument> {
        (0..self.end()).filter_map(|id| self.get(id))
    }

    /// The id of the first from `from` on of which it holds.
    pub(super) fn next(&self, from: usize, holds: impl Fn(&Instrument) -> bool) -> Option<usize> {
        (from..self.end()).find(|&id| self.get(id).is_some_and(&holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::id::InstrumentId;

    #[test]
    fn each_is_found_by_its_id_and_all_come_in_its_order() {
        let mut instruments = Instruments::default();
        let ids: Vec<u32> = [200, 3, 64, 63, 0, 1_000].into_iter().chain(300..500).collect();
        for id in &ids {
            instruments.put(Instrument::new(InstrumentId(*id), 1, 0));
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        assert_eq!(instruments.iter().map(|i| i.id.0).collect::<Vec<_>>(), sorted);
        let mut found = Vec::new();
        while let Some(id) = instruments.next(found.last().map_or(0, |id| id + 1), |_| true) {
            found.push(id);
        }
        assert_eq!(found.iter().map(|id| *id as u32).collect::<Vec<_>>(), sorted);
        for id in 0..2_000 {
            let is_there = sorted.contains(&(id as u32));
            assert_eq!(
                (instruments.get(id).is_some(), instruments.get_mut(id).is_some()),
                (is_there, is_there),
                "{id}"
            );
        }
    }
}
