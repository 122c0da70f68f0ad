//! Purpose: up to sixteen bytes that are expected, made ready to be compared with a window at once. Owns: nothing.
//! Thread: the io thread. Takes and gives: bytes. Never: holds more than a window shows.

use super::window::{WINDOW, Window};

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    word: u128,
    mask: u128,
    length: usize,
}

impl Piece {
    /// Nothing, which comes next everywhere.
    pub(super) const EMPTY: Piece = Piece { word: 0, mask: 0, length: 0 };

    /// These bytes; `None` for more than a window shows.
    pub(super) fn new(bytes: &[u8]) -> Option<Piece> {
        bytes.iter().try_fold(Piece::EMPTY, |piece, byte| piece.and(*byte))
    }

    /// With one byte more.
    pub(super) fn and(self, byte: u8) -> Option<Piece> {
        let Piece { word, mask, length } = self;
        let at = 8 * length as u32;
        let fits = length < WINDOW;
        fits.then(|| Piece { word: word | u128::from(byte) << at, mask: mask | 0xff << at, length: length + 1 })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes.
    #[inline]
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Whether a window begins with them.
    #[inline]
    pub(super) const fn begins(&self, window: &Window) -> bool {
        (window.word() ^ self.word) & self.mask == 0
    }

    /// The bytes but for the last, with whatever behind them, and how many they are.
    #[inline]
    pub(super) const fn without_last(&self) -> ([u8; WINDOW], usize) {
        (self.word.to_le_bytes(), self.length.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_begins_what_has_its_bytes_and_nothing_else() {
        let text = *b"0123456789abcdef";
        for length in 0..=WINDOW {
            let piece = Piece::new(&text[..length]).unwrap();
            assert_eq!((piece.length(), piece.is_empty()), (length, length == 0));
            assert_eq!(&piece.without_last().0[..piece.without_last().1], &text[..length.saturating_sub(1)]);
            for at in 0..WINDOW {
                let mut other = text;
                other[at] ^= 1;
                assert_eq!(piece.begins(&Window(other)), at >= length, "{length} bytes, the one at {at} differs");
            }
        }
        assert_eq!(Piece::new(b"0123456789abcdefg"), None);
    }
}
