//! Purpose: a value for each (instrument, type), found by two indexings.
//! Owns: the values. Thread: its owner's. Takes and gives: ids in, values out.
//! Never: shrinks; allocates for a key it has seen; trusts an id with its memory (large ones go to a map).

use std::collections::HashMap;

use crate::schema::id::{InstrumentId, TypeId};

/// Instruments with an id below this have a place in the dense table: sixty-four times the directory's default size.
/// Larger ids, [`InstrumentId::NONE`] among them, are kept apart in a map.
const DENSE_INSTRUMENTS: usize = 1 << 20;

/// A growing table, empty places filled with `T::default()`.
#[derive(Debug)]
pub(super) struct KeyTable<T> {
    by_type: Vec<Vec<T>>,
    sparse: HashMap<(InstrumentId, TypeId), T>,
}

impl<T> Default for KeyTable<T> {
    fn default() -> Self {
        KeyTable { by_type: Vec::new(), sparse: HashMap::new() }
    }
}

impl<T: Default> KeyTable<T> {
    /// The place of a key. Allocates when the key, or one near it, was not seen before.
    #[inline]
    pub(super) fn place(&mut self, instrument: InstrumentId, type_id: TypeId) -> &mut T {
        let (row, at) = (type_id.index(), instrument.index());
        if self.by_type.get(row).is_none_or(|values| at >= values.len()) {
            return self.grow(instrument, type_id);
        }
        &mut self.by_type[row][at]
    }

    /// The value of a key, if it has a place.
    #[inline]
    pub(super) fn get(&self, instrument: InstrumentId, type_id: TypeId) -> Option<&T> {
        let dense = self.by_type.get(type_id.index()).and_then(|values| values.get(instrument.index()));
        dense.or_else(|| self.sparse.get(&(instrument, type_id)))
    }

    #[cold]
    fn grow(&mut self, instrument: InstrumentId, type_id: TypeId) -> &mut T {
        let (row, at) = (type_id.index(), instrument.index());
        if at >= DENSE_INSTRUMENTS {
            return self.sparse.entry((instrument, type_id)).or_default();
        }
        if row >= self.by_type.len() {
            self.by_type.resize_with(row + 1, Vec::new);
        }
        let values = &mut self.by_type[row];
        values.resize_with((at + 1).next_power_of_two(), T::default);
        &mut values[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_value_whatever_its_id() {
        let mut table = KeyTable::<u64>::default();
        let ids = [0, 1, 7, 8, 1_000, DENSE_INSTRUMENTS as u32 - 1, DENSE_INSTRUMENTS as u32, u32::MAX - 1, u32::MAX];
        let keys = || ids.into_iter().flat_map(|i| [0, 9, 64, 65_535].map(|t| (InstrumentId(i), TypeId(t))));
        for (n, (instrument, type_id)) in keys().enumerate() {
            assert_eq!(table.get(instrument, type_id).copied().unwrap_or(0), 0);
            *table.place(instrument, type_id) = n as u64 + 1;
        }
        for (n, (instrument, type_id)) in keys().enumerate() {
            assert_eq!(table.get(instrument, type_id), Some(&(n as u64 + 1)));
            assert_eq!(*table.place(instrument, type_id), n as u64 + 1);
        }
        assert_eq!(table.sparse.len(), 3 * 4, "only ids beyond the dense part");
    }
}
