//! Purpose: the instruments of a conductor, by id, side by side: with thousands of them each turn finds its instrument cold, and memory
//! that lies close together takes fewer entries of the processor's page tables, which are cold too. Owns: the instruments.
//! Thread: the conductor's. Takes and gives: ids in, instruments out. Never: moves an instrument; allocates for one that its block has room for.

use super::fusion::Instrument;

/// How many ids share a block: ids are given in order, so blocks are full but for what other shards have.
const BLOCK: usize = 64;

type Block = [Option<Instrument>; BLOCK];

/// The instruments, by id.
#[derive(Debug, Default)]
pub(super) struct Instruments {
    blocks: Vec<Option<Box<Block>>>,
}

impl Instruments {
    /// Above all ids that were put here.
    pub(super) fn end(&self) -> usize {
        self.blocks.len() * BLOCK
    }

    #[inline]
    fn place(&self, id: usize) -> Option<&Option<Instrument>> {
        Some(&self.blocks.get(id / BLOCK)?.as_deref()?[id % BLOCK])
    }

    /// The instrument of an id.
    #[inline]
    pub(super) fn get(&self, id: usize) -> Option<&Instrument> {
        self.place(id)?.as_ref()
    }

    /// Likewise, to be changed.
    #[inline]
    pub(super) fn get_mut(&mut self, id: usize) -> Option<&mut Instrument> {
        self.blocks.get_mut(id / BLOCK)?.as_deref_mut()?[id % BLOCK].as_mut()
    }

    /// Asks for what an input reads of an instrument; also of one that is not there, for nothing is read here.
    #[inline]
    pub(super) fn prefetch(&self, id: usize, of_book: bool) {
        if let Some(place) = self.place(id) {
            Instrument::prefetch(place, of_book);
        }
    }

    /// Puts an instrument in the place of its id.
    pub(super) fn put(&mut self, instrument: Instrument) {
        let id = instrument.id.index();
        if self.blocks.len() <= id / BLOCK {
            self.blocks.resize_with(id / BLOCK + 1, || None);
        }
        let block = self.blocks[id / BLOCK].get_or_insert_with(empty);
        block[id % BLOCK] = Some(instrument);
    }

    /// All of them, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.blocks.iter().flatten().flat_map(|block| block.iter().flatten())
    }

    /// Likewise, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Instrument> {
        self.blocks.iter_mut().flatten().flat_map(|block| block.iter_mut().flatten())
    }

    /// The id of the first from `from` on of which it holds.
    pub(super) fn next(&self, from: usize, holds: impl Fn(&Instrument) -> bool) -> Option<usize> {
        (from..self.end()).find(|&id| self.get(id).is_some_and(&holds))
    }
}

#[cold]
fn empty() -> Box<Block> {
    let places: Vec<Option<Instrument>> = (0..BLOCK).map(|_| None).collect();
    match places.into_boxed_slice().try_into() {
        Ok(block) => block,
        Err(_) => unreachable!("so many were made"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::id::InstrumentId;

    #[test]
    fn each_is_found_by_its_id_and_all_come_in_its_order() {
        let mut instruments = Instruments::default();
        let ids = [200, 3, 64, 63, 0, 1_000];
        for id in ids {
            instruments.put(Instrument::new(InstrumentId(id), 1, 0));
            instruments.prefetch(id as usize, true);
        }
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        assert_eq!(instruments.iter().map(|i| i.id.0).collect::<Vec<_>>(), sorted);
        assert_eq!(instruments.iter_mut().map(|i| i.id.0).collect::<Vec<_>>(), sorted);
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
