//! Purpose: the wrapper of combined frames as the venue writes it, `{"stream":"<name>","data":<payload>}`.
//! Owns: nothing. Thread: the io thread. Takes and gives: a frame's bytes in, the name's and the payload's out.
//! Never: judges a name: the caller looks it up among those that are known.

use super::window::{WINDOW, Window};
use crate::binance::parse::short_name::{ShortName, VIEW};

/// The stream's name and the payload; `None` when the frame is written otherwise, or the name is longer than is looked up here.
#[inline]
pub(in crate::binance::parse) fn open(frame: &[u8]) -> Option<(ShortName, &[u8])> {
    let rest = frame.strip_prefix(br#"{"stream":""#)?;
    let view: &[u8; VIEW] = rest.first_chunk()?;
    let [first, second]: &[[u8; WINDOW]; 2] = bytemuck::cast_ref(view);
    let quotes = Window::of(first).quotes() | Window::of(second).quotes() << WINDOW;
    let length = quotes.trailing_zeros() as usize;
    let name = ShortName::within(view, length)?;
    let payload = rest.get(length..)?.strip_prefix(br#"","data":"#)?.strip_suffix(b"}")?;
    Some((name, payload))
}
