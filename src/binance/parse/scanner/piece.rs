//! Purpose: up to sixteen bytes that are expected, made ready to be compared with a window at once. Owns: nothing.
//! Thread: the io thread. Takes and gives: bytes. Never: holds more than a window shows.

use super::window::{WINDOW, Window};

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    bytes: [u8; WINDOW],
    /// All ones where a byte is.
    mask: [u8; WINDOW],
    length: usize,
}

impl Piece {
    /// Nothing, which comes next everywhere.
    pub(super) const EMPTY: Piece = Piece { bytes: [0; WINDOW], mask: [0; WINDOW], length: 0 };

    /// These bytes; `None` for more than a window shows.
    pub(super) fn new(bytes: &[u8]) -> Option<Piece> {
        bytes.iter().try_fold(Piece::EMPTY, |piece, byte| piece.and(*byte))
    }

    /// With one byte more.
    pub(super) fn and(self, byte: u8) -> Option<Piece> {
        let Piece { mut bytes, mut mask, length } = self;
        *bytes.get_mut(length)? = byte;
        mask[length] = u8::MAX;
        Some(Piece { bytes, mask, length: length + 1 })
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
    pub(super) fn begins(&self, window: Window) -> bool {
        window.begins(&self.bytes, &self.mask)
    }

    /// The bytes but for the last, with whatever behind them, and how many they are.
    #[inline]
    pub(super) const fn without_last(&self) -> ([u8; WINDOW], usize) {
        (self.bytes, self.length.saturating_sub(1))
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
                assert_eq!(piece.begins(Window::of(&other)), at >= length, "{length} bytes, the one at {at} differs");
            }
        }
        assert_eq!(Piece::new(b"0123456789abcdefg"), None);
    }
}
