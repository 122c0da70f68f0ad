//! Purpose: a name in two vectors, so that it is hashed and compared without a loop and without a call: a stream's, or a symbol. Owns: nothing.
//! Thread: the io thread. Takes and gives: bytes in, words out. Never: takes two names for one.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use wide::u8x16;

use crate::schema::digits::first_sixteen;

/// Bytes that are looked at.
pub(super) const VIEW: usize = 32;
/// The longest name that is held so: its length takes the last byte.
const LENGTH_MAX: usize = VIEW - 1;

/// A name of at most 31 bytes, zeros behind it, and its length in the last byte: so a name with a zero at its end is another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortName {
    first: u8x16,
    second: u8x16,
}

/// For each length: what keeps a name's bytes, and the length where it is put.
static KEPT: [[[u8; 16]; 3]; LENGTH_MAX + 1] = {
    let mut kept = [[[0; 16]; 3]; LENGTH_MAX + 1];
    let mut length = 0;
    while length <= LENGTH_MAX {
        let mut at = 0;
        while at < length {
            kept[length][at / 16][at % 16] = 0xff;
            at += 1;
        }
        kept[length][2][15] = length as u8;
        length += 1;
    }
    kept
};

impl ShortName {
    /// The first `length` of these bytes; `None` for more than are held.
    #[inline]
    pub(super) fn within(bytes: &[u8; VIEW], length: usize) -> Option<ShortName> {
        let [first, second]: &[[u8; 16]; 2] = bytemuck::cast_ref(bytes);
        ShortName::kept(u8x16::new(*first), u8x16::new(*second), length)
    }

    /// A whole text; `None` for one of more bytes than are held.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<ShortName> {
        // Of a text of its own nothing may be read behind the end, so its last bytes are read from their end.
        let behind = match text.last_chunk::<16>() {
            None => 0,
            Some(last) => {
                let more = text.len().checked_sub(16).filter(|more| *more < 16)?;
                u128::from_le_bytes(*last).checked_shr(8 * (16 - more) as u32).unwrap_or(0)
            }
        };
        let [first, second] = [first_sixteen(text), behind].map(|half| bytemuck::cast(half.to_le_bytes()));
        ShortName::kept(first, second, text.len())
    }

    /// Names come from the venue over TLS, and how many are kept is bounded: nothing here needs to withstand chosen keys.
    #[inline]
    pub(super) fn hash(&self) -> u64 {
        let [[first, second], [third, last]]: [[u64; 2]; 2] = [self.first, self.second].map(bytemuck::cast);
        // The constants are odd, with their bits well spread: two words that make one of them would hide the other two.
        folded(first ^ third.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15, second ^ last ^ 0xbf58_476d_1ce4_e5b9)
    }

    #[inline(always)]
    fn kept(first: u8x16, second: u8x16, length: usize) -> Option<ShortName> {
        let [of_first, of_second, last] = KEPT.get(length)?.map(u8x16::new);
        Some(ShortName { first: first & of_first, second: second & of_second | last })
    }
}

impl PartialEq for ShortName {
    #[inline]
    fn eq(&self, other: &ShortName) -> bool {
        let same = self.first.simd_eq(other.first) & self.second.simd_eq(other.second);
        same.to_bitmask() == 0xffff
    }
}

impl Eq for ShortName {}

impl Hash for ShortName {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash());
    }
}

/// A product's halves together: each of its bits depends on all bits of both.
#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

/// Takes what is hashed already as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Makes [`Hashed`].
pub(super) type BuildHashed = BuildHasherDefault<Hashed>;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn a_name_is_the_same_wherever_it_is_read_and_no_other() {
        let text = b"1000000mogusdt_260327@depth20@100ms";
        let mut met = HashSet::new();
        for length in 0..text.len() {
            let own = ShortName::of(&text[..length]);
            assert_eq!(own.is_some(), length <= LENGTH_MAX, "{length} bytes");
            for behind in [b'"', 0, 0xff] {
                let mut bytes = [behind; VIEW];
                bytes[..length.min(VIEW)].copy_from_slice(&text[..length.min(VIEW)]);
                assert_eq!(ShortName::within(&bytes, length), own, "{length} bytes, {behind} behind them");
            }
            let Some(own) = own else { continue };
            assert!(met.insert(own), "{length} bytes are a name of their own");
            if length < LENGTH_MAX {
                let zero = [&text[..length], b"\0"].concat();
                assert!(ShortName::of(&zero).is_some_and(|with_zero| with_zero != own), "{length} bytes and a zero");
            }
        }
    }

    #[test]
    fn names_that_differ_a_little_hash_apart() {
        let (mut hashes, mut names, mut low) = (HashSet::new(), 0, HashSet::new());
        for base in ["btc", "eth", "1000000mog", "1000000bob", "币"] {
            for quote in ["usdt", "usdc", "usdt_260327", "usdt_260626"] {
                for stream in ["@trade", "@aggTrade", "@bookTicker", "@depth", "@depth@100ms", "@depth5", "@depth10"] {
                    let Some(name) = ShortName::of(format!("{base}{quote}{stream}").as_bytes()) else { continue };
                    let hash = BuildHashed::default().hash_one(name);
                    names += 1;
                    hashes.insert(hash);
                    // A table takes low bits for the place and the highest seven to tell neighbours apart.
                    low.insert((hash & 0xfff, hash >> 57));
                }
            }
        }
        assert_eq!((hashes.len(), low.len()), (names, names));
    }
}
