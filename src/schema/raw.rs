//! Purpose: `RawInstance`, a parsed frame before filtering: a header, slots laid out by stream kind, levels, and a text
//! area that ends with the tail of unknown keys. One form in a reused buffer, the same words in a ring.
//! Owns: the record layout. Thread: the io thread writes, the dispatch stage reads.
//! Takes and gives: values, `&[u64]` words. Never: allocates once its buffers have grown, changes a key or a number.

use bytemuck::{Pod, Zeroable};

use super::decimal::{Decimal, DecimalError, SCALE_MAX, power_of_ten};
use super::id::{ConnectionId, InstrumentId, Market, TraceId};
use super::layout::SLOTS_MAX;
use super::time::UnixNanos;
use super::topic::{StreamKind, Topic};

/// The fixed head of a raw instance.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct RawHeader {
    /// Length of the whole record, in 8-byte words.
    pub words: u32,
    /// [`StreamKind`].
    pub kind: u8,
    /// [`Market`].
    pub market: u8,
    /// How many slots follow.
    pub slots: u8,
    /// [`mark`]s.
    pub marks: u8,
    /// [`InstrumentId`]; `NONE` where the frame concerns none that is known.
    pub instrument: u32,
    /// [`ConnectionId`].
    pub connection: u16,
    /// [`Topic::detail`].
    pub topic_detail: u16,
    /// Receive time, UTC ns.
    pub receive: i64,
    /// The one clock's reading when the frame entered, ns; what latency is measured from.
    pub ingress_ns: u64,
    /// The frame's number on its connection.
    pub number: u64,
    /// [`TraceId`].
    pub trace: [u64; 2],
    /// Bit `i` says that slot `i` is present (a `null` is present).
    pub present: u64,
    /// How many bid levels follow the slots.
    pub bids: u32,
    /// How many ask levels follow the bids.
    pub asks: u32,
    /// Decimals of all level prices.
    pub price_scale: u8,
    /// Decimals of all level quantities.
    pub quantity_scale: u8,
    /// How many unknown keys stand in the tail.
    pub unknown: u16,
    /// Bytes in the text area, padded to words in the record.
    pub text_bytes: u32,
    /// Where in the text area the unknown keys begin.
    pub tail_at: u32,
    /// For a depth body: the `limit` asked for, 0 when unknown.
    pub limit: u32,
}

/// Bits of [`RawHeader::marks`].
pub mod mark {
    /// The result of a REST poll other than a depth body: it goes to the routes that list such a poll, not to a stream's.
    pub const POLLED: u8 = 1;
    /// More raw instances of the same frame follow (`!ticker@arr`).
    pub const MORE_FOLLOW: u8 = 2;
}

/// Words of a [`RawHeader`].
pub const RAW_HEADER_WORDS: usize = core::mem::size_of::<RawHeader>() / 8;

// Tag 0 is an absent value, so that a zeroed slot is one.
const TAG_NULL: u8 = 1;
const TAG_BOOL: u8 = 2;
const TAG_INT: u8 = 3;
const TAG_DECIMAL: u8 = 4;
const TAG_TEXT: u8 = 5;

/// One value as a record stores it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Slot {
    bits: i64,
    length: u32,
    scale: u8,
    tag: u8,
    reserved: [u8; 2],
}

/// One value as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The frame has no such key.
    Absent,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A decimal.
    Decimal(Decimal),
    /// A text.
    Text(&'a str),
}

/// One level: mantissas at the record's scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Level {
    /// Price mantissa.
    pub price: i64,
    /// Quantity mantissa; 0 removes the level.
    pub quantity: i64,
}

/// A side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
}

/// A raw instance, read in place.
#[derive(Clone, Copy, Debug)]
pub struct RawRef<'a> {
    /// The head.
    pub header: &'a RawHeader,
    slots: &'a [Slot],
    levels: &'a [Level],
    text: &'a [u8],
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

/// Builds one raw instance after another in the same buffers.
#[derive(Debug)]
pub struct RawBuf {
    header: RawHeader,
    slots: [Slot; SLOTS_MAX],
    bids: LevelBuf,
    levels: LevelBuf,
    text: Vec<u8>,
    tail: Vec<u8>,
}

/// Where a frame came from, as every raw instance of it repeats.
#[derive(Clone, Copy, Debug)]
pub struct RawOrigin {
    /// The market.
    pub market: Market,
    /// The connection.
    pub connection: ConnectionId,
    /// The frame's number there.
    pub number: u64,
    /// Receive time.
    pub receive: UnixNanos,
    /// The one clock at entry, ns.
    pub ingress_ns: u64,
    /// The frame's trace.
    pub trace: TraceId,
}

impl Default for RawBuf {
    fn default() -> Self {
        RawBuf {
            header: RawHeader::zeroed(),
            slots: [Slot::zeroed(); SLOTS_MAX],
            bids: LevelBuf::default(),
            levels: LevelBuf::default(),
            text: Vec::with_capacity(1 << 10),
            tail: Vec::with_capacity(1 << 10),
        }
    }
}

impl RawBuf {
    /// Starts an instance of a topic with `slots` empty slots.
    ///
    /// # Panics
    /// When `slots` is above [`SLOTS_MAX`]: the layouts hold to it.
    pub fn begin(&mut self, origin: &RawOrigin, topic: Topic, slots: usize) {
        self.header = RawHeader {
            kind: topic.kind as u8,
            market: origin.market as u8,
            slots: slots as u8,
            instrument: InstrumentId::NONE.0,
            connection: origin.connection.0,
            topic_detail: topic.detail,
            receive: origin.receive.0,
            ingress_ns: origin.ingress_ns,
            number: origin.number,
            trace: origin.trace.0,
            ..RawHeader::zeroed()
        };
        self.slots[..slots].fill(Slot::zeroed());
        self.bids.clear();
        self.levels.clear();
        self.text.clear();
        self.tail.clear();
    }

    /// Names the instrument.
    pub fn set_instrument(&mut self, instrument: InstrumentId) {
        self.header.instrument = instrument.0;
    }

    /// For a depth body: the `limit` asked for.
    pub fn set_limit(&mut self, limit: u32) {
        self.header.limit = limit;
    }

    /// Sets [`RawHeader::marks`].
    pub fn set_marks(&mut self, marks: u8) {
        self.header.marks = marks;
    }

    /// Sets a whole number.
    #[inline]
    pub fn set_int(&mut self, slot: usize, value: i64) {
        self.set(slot, Slot { bits: value, tag: TAG_INT, ..Slot::zeroed() });
    }

    /// Sets a decimal.
    #[inline]
    pub fn set_decimal(&mut self, slot: usize, value: Decimal) {
        self.set(slot, Slot { bits: value.mantissa(), scale: value.scale(), tag: TAG_DECIMAL, ..Slot::zeroed() });
    }

    /// Sets a truth value.
    #[inline]
    pub fn set_bool(&mut self, slot: usize, value: bool) {
        self.set(slot, Slot { bits: i64::from(value), tag: TAG_BOOL, ..Slot::zeroed() });
    }

    /// Sets `null`.
    #[inline]
    pub fn set_null(&mut self, slot: usize) {
        self.set(slot, Slot { tag: TAG_NULL, ..Slot::zeroed() });
    }

    /// Sets a text as written.
    #[inline]
    pub fn set_text(&mut self, slot: usize, text: &str) {
        let at = self.text.len();
        self.text.extend_from_slice(text.as_bytes());
        self.set(slot, Slot { bits: at as i64, length: text.len() as u32, tag: TAG_TEXT, ..Slot::zeroed() });
    }

    /// Sets a text in uppercase, Unicode included.
    #[inline]
    pub fn set_uppercase(&mut self, slot: usize, text: &str) {
        let at = self.text.len();
        if text.is_ascii() {
            self.text.extend(text.bytes().map(|b| b.to_ascii_uppercase()));
        } else {
            for upper in text.chars().flat_map(char::to_uppercase) {
                self.text.extend_from_slice(upper.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.set(
            slot,
            Slot { bits: at as i64, length: (self.text.len() - at) as u32, tag: TAG_TEXT, ..Slot::zeroed() },
        );
    }

    #[inline]
    fn set(&mut self, slot: usize, value: Slot) {
        self.slots[slot] = value;
        self.header.present |= 1 << slot;
    }

    /// Which slots have been set, as [`RawHeader::present`].
    #[inline]
    pub fn present(&self) -> u64 {
        self.header.present
    }

    /// Adds a level. Bids may come after asks: venues reorder keys.
    ///
    /// # Errors
    /// [`DecimalError::Overflow`] when the level cannot be held at the scale that the frame needs.
    #[inline]
    pub fn push_level(&mut self, side: Side, price: Decimal, quantity: Decimal) -> Result<(), DecimalError> {
        match side {
            Side::Bid => self.bids.push(price, quantity),
            Side::Ask => self.levels.push(price, quantity),
        }
    }

    /// Adds an unknown key (a dot path) with the JSON text of its value; both are cut at 255 bytes.
    pub fn push_unknown(&mut self, key: &str, value: &str) {
        for text in [key, value] {
            let cut = text.floor_char_boundary(255);
            self.tail.push(cut as u8);
            self.tail.extend_from_slice(&text.as_bytes()[..cut]);
        }
        self.header.unknown = self.header.unknown.saturating_add(1);
    }

    /// Closes the instance and gives it to read.
    ///
    /// # Errors
    /// [`DecimalError::Overflow`] when bids and asks cannot be held at one scale.
    pub fn finish(&mut self) -> Result<RawRef<'_>, DecimalError> {
        let bids = self.bids.levels.len();
        let (price, quantity) = (
            self.bids.price_scale.max(self.levels.price_scale),
            self.bids.quantity_scale.max(self.levels.quantity_scale),
        );
        self.bids.widen(price, quantity)?;
        self.levels.widen(price, quantity)?;
        let asks = self.levels.levels.len();
        // Bids go first in the record: append the asks behind them, and read the joined array.
        self.bids.levels.extend_from_slice(&self.levels.levels);
        self.header.tail_at = self.text.len() as u32;
        if self.header.unknown > 0 {
            self.text.extend_from_slice(&self.tail);
        }
        self.header.bids = bids as u32;
        self.header.asks = asks as u32;
        self.header.price_scale = price;
        self.header.quantity_scale = quantity;
        self.header.text_bytes = self.text.len() as u32;
        let slots = self.header.slots as usize;
        self.header.words = (RAW_HEADER_WORDS + slots * 2 + (bids + asks) * 2 + self.text.len().div_ceil(8)) as u32;
        Ok(self.read())
    }

    /// The instance as last closed by [`RawBuf::finish`].
    pub fn read(&self) -> RawRef<'_> {
        let slots = &self.slots[..self.header.slots as usize];
        RawRef { header: &self.header, slots, levels: &self.bids.levels, text: &self.text }
    }
}

/// Levels at one common scale, widened when a finer value comes.
#[derive(Debug)]
struct LevelBuf {
    levels: Vec<Level>,
    price_scale: u8,
    quantity_scale: u8,
}

impl Default for LevelBuf {
    fn default() -> Self {
        LevelBuf { levels: Vec::with_capacity(4096), price_scale: 0, quantity_scale: 0 }
    }
}

impl LevelBuf {
    fn clear(&mut self) {
        self.levels.clear();
        self.price_scale = 0;
        self.quantity_scale = 0;
    }

    #[inline]
    fn push(&mut self, price: Decimal, quantity: Decimal) -> Result<(), DecimalError> {
        if price.scale() > self.price_scale || quantity.scale() > self.quantity_scale {
            self.widen(self.price_scale.max(price.scale()), self.quantity_scale.max(quantity.scale()))?;
        }
        let price = price.mantissa_at(self.price_scale).ok_or(DecimalError::Overflow)?;
        let quantity = quantity.mantissa_at(self.quantity_scale).ok_or(DecimalError::Overflow)?;
        self.levels.push(Level { price, quantity });
        Ok(())
    }

    fn widen(&mut self, price_scale: u8, quantity_scale: u8) -> Result<(), DecimalError> {
        if (price_scale, quantity_scale) == (self.price_scale, self.quantity_scale) {
            return Ok(());
        }
        let by_price = power_of_ten(price_scale - self.price_scale).ok_or(DecimalError::Overflow)?;
        let by_quantity = power_of_ten(quantity_scale - self.quantity_scale).ok_or(DecimalError::Overflow)?;
        for level in &mut self.levels {
            level.price = level.price.checked_mul(by_price).ok_or(DecimalError::Overflow)?;
            level.quantity = level.quantity.checked_mul(by_quantity).ok_or(DecimalError::Overflow)?;
        }
        (self.price_scale, self.quantity_scale) = (price_scale, quantity_scale);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> RawOrigin {
        let trace = TraceId::of_frame(1, ConnectionId(0), 7);
        RawOrigin {
            market: Market::BinanceSpot,
            connection: ConnectionId(3),
            number: 7,
            receive: UnixNanos(11),
            ingress_ns: 5,
            trace,
        }
    }

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn layout_of_the_head_and_of_slots() {
        assert_eq!(core::mem::size_of::<RawHeader>(), 88);
        assert_eq!(core::mem::size_of::<Slot>(), 16);
        assert_eq!(core::mem::size_of::<Level>(), 16);
        assert_eq!(core::mem::align_of::<RawHeader>(), 8);
    }

    #[test]
    fn what_is_built_reads_back_from_the_words_of_a_ring() {
        let mut buf = RawBuf::default();
        for round in 0..2 {
            buf.begin(&origin(), Topic::plain(StreamKind::DepthDiff), 9);
            buf.set_instrument(InstrumentId(4));
            buf.set_int(3, 100);
            buf.set_uppercase(2, "ethß币usdt");
            buf.set_null(5);
            buf.push_level(Side::Ask, d("3.25"), d("0")).unwrap();
            buf.push_level(Side::Bid, d("3.1"), d("1000000000000.00000000")).unwrap();
            buf.push_level(Side::Bid, d("3"), d("0.001")).unwrap();
            buf.push_unknown("z.y", "{\"a\":1}");
            buf.push_unknown("w", "null");
            let raw = buf.finish().unwrap();
            let mut words = vec![u64::MAX; raw.words()];
            raw.copy_to(&mut words);
            let raw = RawRef::from_words(&words).unwrap();
            assert_eq!(raw.text(2), Some("ETHSS币USDT"), "round {round}");
            assert_eq!(
                (raw.int(3), raw.get(5), raw.get(0), raw.get(99)),
                (Some(100), Value::Null, Value::Absent, Value::Absent)
            );
            assert_eq!((raw.header.price_scale, raw.header.quantity_scale), (2, 3));
            assert_eq!(
                raw.bids(),
                [Level { price: 310, quantity: 1_000_000_000_000_000 }, Level { price: 300, quantity: 1 }]
            );
            assert_eq!(raw.asks(), [Level { price: 325, quantity: 0 }]);
            assert_eq!(raw.unknown().collect::<Vec<_>>(), [("z.y", "{\"a\":1}"), ("w", "null")]);
            assert_eq!(raw.instrument(), InstrumentId(4));
        }
    }

    #[test]
    fn words_that_are_no_whole_record_are_refused() {
        let mut buf = RawBuf::default();
        buf.begin(&origin(), Topic::plain(StreamKind::Trade), 3);
        buf.set_text(0, "trade");
        let raw = buf.finish().unwrap();
        let mut words = vec![0; raw.words()];
        raw.copy_to(&mut words);
        for cut in 0..words.len() {
            assert!(RawRef::from_words(&words[..cut]).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn levels_that_need_more_than_63_bits_at_one_scale_are_refused() {
        let mut buf = RawBuf::default();
        buf.begin(&origin(), Topic::plain(StreamKind::DepthDiff), 9);
        buf.push_level(Side::Bid, d("1"), d("9000000000000000000")).unwrap();
        assert_eq!(buf.push_level(Side::Bid, d("1"), d("0.1")), Err(DecimalError::Overflow));
    }
}
