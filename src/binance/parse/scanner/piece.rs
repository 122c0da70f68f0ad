//! Purpose: up to sixteen bytes that are expected, made ready to be compared with a window at once. Owns: nothing.
//! Thread: the io thread. Takes and gives: bytes. Never: holds more than a window shows.

use super::window::{WINDOW, Window};

/// What is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::binance::parse) struct Piece {
    bytes: [u8; WINDOW],
    /// A bit for each byte, the first the lowest.
    wanted: u16,
    length: u8,
}

impl Piece {
    /// Nothing, which comes next everywhere.
    pub(in crate::binance::parse) const EMPTY: Piece = Piece { bytes: [0; WINDOW], wanted: 0, length: 0 };

    /// These bytes; `None` for more than a window shows.
    pub(super) fn new(bytes: &[u8]) -> Option<Piece> {
        bytes.iter().try_fold(Piece::EMPTY, |piece, byte| piece.and(*byte))
    }

    /// A text and the quote behind it; `None` for more than a window shows.
    pub(in crate::binance::parse) fn quoted(text: &str) -> Option<Piece> {
        Piece::new(text.as_bytes())?.and(b'"')
    }

    /// With one byte more.
    pub(super) fn and(self, byte: u8) -> Option<Piece> {
        let Piece { mut bytes, wanted, length } = self;
        *bytes.get_mut(usize::from(length))? = byte;
        Some(Piece { bytes, wanted: wanted << 1 | 1, length: length + 1 })
    }

    #[inline]
    pub(in crate::binance::parse) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes.
    #[inline]
    pub(super) const fn length(&self) -> usize {
        self.length as usize
    }

    /// Whether a window begins with them.
    #[inline(always)]
    pub(super) fn begins(&self, window: Window) -> bool {
        !window.equal(&self.bytes) & u32::from(self.wanted) == 0
    }

    /// The bytes but for the last, with whatever behind them, and how many they are; of nothing, anything.
    #[inline]
    pub(super) const fn without_last(&self) -> (&[u8; WINDOW], usize) {
        (&self.bytes, self.length().wrapping_sub(1) % WINDOW)
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
            if length > 0 {
                let (bytes, without) = piece.without_last();
                assert_eq!(bytes[..without], text[..length - 1]);
            }
            for at in 0..WINDOW {
                let mut other = text;
                other[at] ^= 1;
                assert_eq!(piece.begins(Window::of(&other)), at >= length, "{length} bytes, the one at {at} differs");
            }
        }
        assert_eq!(Piece::new(b"0123456789abcdefg"), None);
        assert_eq!(Piece::quoted("0123456789abcde"), Piece::new(b"0123456789abcde\""));
        assert_eq!(Piece::quoted("0123456789abcdef"), None);
    }
}
