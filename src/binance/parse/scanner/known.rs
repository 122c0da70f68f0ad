//! Purpose: a text that many frames have, made ready to be compared and copied: a stream's symbol. Owns: the text.
//! Thread: the io thread. Takes and gives: a position in, the one behind it out. Never: takes a text that begins alike.

use super::cursor::Cursor;
use super::piece::Piece;
use crate::schema::raw::RawBuf;

/// A text that many frames have, made ready to be compared.
#[derive(Clone, Debug)]
pub(in crate::binance::parse) struct Known {
    text: Box<str>,
    /// With its quote; empty when it is too long for a window.
    quoted: Piece,
}

impl Known {
    /// Makes a text ready.
    pub(in crate::binance::parse) fn new(text: &str) -> Known {
        let quoted = Piece::new(text.as_bytes()).and_then(|piece| piece.and(b'"')).unwrap_or(Piece::EMPTY);
        Known { text: text.into(), quoted }
    }

    /// Passes it with the quote behind it, and puts it into a slot.
    // Apart, so that a loop over values does not carry what only this needs.
    #[inline(never)]
    pub(super) fn pass<'a>(&self, mut cursor: Cursor<'a>, slot: usize, raw: &mut RawBuf) -> Option<Cursor<'a>> {
        if self.quoted.is_empty() {
            return self.pass_long(cursor, slot, raw);
        }
        cursor.piece(&self.quoted)?;
        let (bytes, length) = self.quoted.without_last();
        raw.set_padded(slot, &bytes, length);
        Some(cursor)
    }

    #[cold]
    fn pass_long<'a>(&self, mut cursor: Cursor<'a>, slot: usize, raw: &mut RawBuf) -> Option<Cursor<'a>> {
        cursor.literal(self.text.as_bytes())?;
        cursor.literal(b"\"")?;
        raw.set_text(slot, &self.text);
        Some(cursor)
    }
}
