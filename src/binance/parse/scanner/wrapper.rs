//! Purpose: the wrapper of combined frames as the venue writes it, `{"stream":"<name>","data":<payload>}`.
//! Owns: nothing. Thread: the io thread. Takes and gives: a frame's bytes in, the name's and the payload's out.
//! Never: judges a name: the caller looks it up among those that are known.

use super::cursor::Cursor;

/// The stream's name and the payload; `None` when the frame is written otherwise.
#[inline]
pub(in crate::binance::parse) fn open(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut cursor = Cursor::new(frame);
    cursor.literal(br#"{"stream":""#)?;
    let name = cursor.quoted()?;
    cursor.literal(br#","data":"#)?;
    Some((name, cursor.rest().strip_suffix(b"}")?))
}
