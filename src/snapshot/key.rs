//! Purpose: what a record is filed under, and its one-word form for the index.
//! Owns: nothing. Thread: any. Takes and gives: ids of `schema`. Never: allocates.

use core::fmt;

use crate::schema::id::{InstrumentId, Market, TypeId};

/// Names one record of the store: the latest state of one type of one instrument of one market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The market.
    pub market: Market,
    /// The instrument, within the run's directory.
    pub instrument: InstrumentId,
    /// The canonical type.
    pub type_id: TypeId,
}

/// Marks a packed key, so that no key packs to 0, the index's empty place.
const PRESENT: u64 = 1 << 63;

impl Key {
    /// Files under these three.
    pub const fn new(market: Market, instrument: InstrumentId, type_id: TypeId) -> Key {
        Key { market, instrument, type_id }
    }

    /// The key as one word, never 0: bit 63 set, market in bits 48..56, type in 32..48, instrument in 0..32.
    pub(super) const fn packed(self) -> u64 {
        PRESENT | (self.market as u64) << 48 | (self.type_id.0 as u64) << 32 | self.instrument.0 as u64
    }

    /// The key of a packed word; `None` for the empty place.
    pub(super) const fn from_packed(word: u64) -> Option<Key> {
        match Market::from_byte((word >> 48) as u8) {
            Some(market) if word & PRESENT != 0 => {
                Some(Key { market, instrument: InstrumentId(word as u32), type_id: TypeId((word >> 32) as u16) })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} instrument #{} type #{}", self.market.name(), self.instrument.0, self.type_id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_key_is_never_the_empty_place_and_unpacks_to_itself() {
        for market in Market::ALL {
            for instrument in [0, 1, 77, u32::MAX - 1, u32::MAX] {
                for type_id in [0, 1, 300, u16::MAX] {
                    let key = Key::new(market, InstrumentId(instrument), TypeId(type_id));
                    assert_ne!(key.packed(), 0);
                    assert_eq!(Key::from_packed(key.packed()), Some(key));
                }
            }
        }
        assert_eq!(Key::from_packed(0), None);
    }
}
