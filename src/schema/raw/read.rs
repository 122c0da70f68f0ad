//! Purpose: a raw instance read in place, from a builder's buffers or the words of a ring. Owns: nothing.
//! Thread: the reader's. Takes and gives: values. Never: allocates, trusts lengths that the words claim.

use super::record::{
    Level, RAW_HEADER_WORDS, RawHeader, Slot, TAG_BOOL, TAG_DECIMAL, TAG_INT, TAG_NULL, TAG_TEXT, Value,
};
use crate::schema::decimal::{Decimal, SCALE_MAX};
use crate::schema::id::InstrumentId;
use crate::schema::topic::{StreamKind, Topic};

/// A raw instance, read in place.
#[derive(Clone, Copy, Debug)]
pub struct RawRef<'a> {
    /// The head.
    pub header: &'a RawHeader,
    pub(super) slots: &'a [Slot],
    pub(super) levels: &'a [Level],
    pub(super) text: &'a [u8],
}

impl<'a> RawRef<'a> {
    /// Reads a record. `None` when the words are no whole raw instance, or have scales that no decimal has.
    pub fn from_words(words: &'a [u64]) -> Option<RawRef<'a>> {
        let (head, rest) = words.split_at_checked(RAW_HEADER_WORDS)?;
        let header: &RawHeader = bytemuck::from_bytes(bytemuck::cast_slice(head));
        let (slots, rest) = rest.split_at_checked(header.slots as usize * 2)?;
        if header.words as usize != words.len() || header.price_scale.max(header.quantity_scale) > SCALE_MAX {
            return None;
        }
        let levels = (header.bids as usize).checked_add(header.asks as usize)?.checked_mul(2)?;
        let (levels, rest) = rest.split_at_checked(levels)?;
        let text = bytemuck::cast_slice::<u64, u8>(rest).get(..header.text_bytes as usize)?;
        Some(RawRef { header, slots: bytemuck::cast_slice(slots), levels: bytemuck::cast_slice(levels), text })
    }

    /// Words the record takes.
    #[inline]
    pub fn words(&self) -> usize {
        self.header.words as usize
    }

    /// The parts of the record in order, to be written one behind the other; the last is padded by the writer.
    pub fn copy_to(&self, out: &mut [u64]) {
        let mut at = 0;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(out);
        let parts: [&[u8]; 4] = [
            bytemuck::bytes_of(self.header),
            bytemuck::cast_slice(self.slots),
            bytemuck::cast_slice(self.levels),
            self.text,
        ];
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes[at..].fill(0);
    }

    /// The stream kind.
    #[inline]
    pub fn kind(&self) -> StreamKind {
        StreamKind::from_byte(self.header.kind).unwrap_or(StreamKind::Other)
    }

    /// Kind and parameters.
    #[inline]
    pub fn topic(&self) -> Topic {
        Topic { kind: self.kind(), detail: self.header.topic_detail }
    }

    /// The instrument.
    #[inline]
    pub fn instrument(&self) -> InstrumentId {
        InstrumentId(self.header.instrument)
    }

    /// The value in a slot; [`Value::Absent`] past the layout too.
    #[inline]
    pub fn get(&self, slot: usize) -> Value<'a> {
        let Some(slot) = self.slots.get(slot) else { return Value::Absent };
        match slot.tag {
            TAG_NULL => Value::Null,
            TAG_BOOL => Value::Bool(slot.bits != 0),
            TAG_INT => Value::Int(slot.bits),
            TAG_DECIMAL => Decimal::new(slot.bits, slot.scale).map_or(Value::Absent, Value::Decimal),
            TAG_TEXT => self.text_at(slot.bits as usize, slot.length as usize).map_or(Value::Absent, Value::Text),
            _ => Value::Absent,
        }
    }

    /// A whole number in a slot.
    #[inline]
    pub fn int(&self, slot: usize) -> Option<i64> {
        if let Value::Int(value) = self.get(slot) { Some(value) } else { None }
    }

    /// A decimal in a slot.
    #[inline]
    pub fn decimal(&self, slot: usize) -> Option<Decimal> {
        if let Value::Decimal(value) = self.get(slot) { Some(value) } else { None }
    }

    /// A text in a slot.
    #[inline]
    pub fn text(&self, slot: usize) -> Option<&'a str> {
        if let Value::Text(value) = self.get(slot) { Some(value) } else { None }
    }

    /// Whether a slot has just this text.
    #[inline]
    pub fn has_text(&self, slot: usize, text: &str) -> bool {
        let of = |slot: &Slot| self.text.get(slot.bits as usize..)?.get(..slot.length as usize);
        self.slots.get(slot).is_some_and(|slot| slot.tag == TAG_TEXT && of(slot) == Some(text.as_bytes()))
    }

    /// A truth value in a slot.
    #[inline]
    pub fn bool(&self, slot: usize) -> Option<bool> {
        if let Value::Bool(value) = self.get(slot) { Some(value) } else { None }
    }

    /// The bid levels, in the venue's order.
    #[inline]
    pub fn bids(&self) -> &'a [Level] {
        &self.levels[..self.header.bids as usize]
    }

    /// The ask levels, in the venue's order.
    #[inline]
    pub fn asks(&self) -> &'a [Level] {
        &self.levels[self.header.bids as usize..]
    }

    /// The unknown keys with the raw text of their values, in the order of the frame.
    pub fn unknown(&self) -> Unknown<'a> {
        Unknown { tail: self.text.get(self.header.tail_at as usize..).unwrap_or_default(), left: self.header.unknown }
    }

    fn text_at(&self, at: usize, length: usize) -> Option<&'a str> {
        core::str::from_utf8(self.text.get(at..at.checked_add(length)?)?).ok()
    }
}

/// The keys of a frame that no table knows.
#[derive(Clone, Debug)]
pub struct Unknown<'a> {
    tail: &'a [u8],
    left: u16,
}

impl<'a> Iterator for Unknown<'a> {
    /// The key as a dot path, and the value as JSON text (cut at 255 bytes).
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (&key_len, rest) = self.tail.split_first()?;
        let (key, rest) = rest.split_at_checked(key_len as usize)?;
        let (&value_len, rest) = rest.split_first()?;
        let (value, rest) = rest.split_at_checked(value_len as usize)?;
        self.tail = rest;
        Some((core::str::from_utf8(key).unwrap_or("?"), core::str::from_utf8(value).unwrap_or("?")))
    }
}
