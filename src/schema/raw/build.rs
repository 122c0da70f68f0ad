//! Purpose: builds one raw instance after another in the same buffers. Owns: the buffers. Thread: the io thread.
//! Takes and gives: values in, [`RawRef`]s out. Never: allocates once its buffers have grown, changes a key or a number.

use bytemuck::Zeroable;

use super::levels::LevelBuf;
use super::read::RawRef;
use super::record::{Level, RAW_HEADER_WORDS, RawHeader, Side, Slot};
use super::texts::Texts;
use crate::schema::decimal::{Decimal, DecimalError};
use crate::schema::digits::{first_sixteen, needs_raising};
use crate::schema::id::{ConnectionId, InstrumentId, Market, TraceIds};
use crate::schema::layout::SLOTS_MAX;
use crate::schema::time::UnixNanos;
use crate::schema::topic::Topic;

/// Slots of a buffer: a power of two, so that a masked number of a slot needs no check.
const SLOT_PLACES: usize = SLOTS_MAX.next_power_of_two();
/// How many slots are emptied at once.
const EMPTIED: usize = 4;

/// Builds one raw instance after another in the same buffers.
#[derive(Debug)]
pub struct RawBuf {
    header: RawHeader,
    slots: [Slot; SLOT_PLACES],
    bids: LevelBuf,
    levels: LevelBuf,
    text: Texts,
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
    /// The run's trace ids.
    pub traces: TraceIds,
}

impl Default for RawBuf {
    fn default() -> Self {
        RawBuf {
            header: RawHeader::zeroed(),
            slots: [Slot::zeroed(); SLOT_PLACES],
            bids: LevelBuf::default(),
            levels: LevelBuf::default(),
            text: Texts::default(),
            tail: Vec::with_capacity(1 << 10),
        }
    }
}

impl RawBuf {
    /// Starts an instance of a topic with `slots` empty slots.
    ///
    /// # Panics
    /// When `slots` is above [`SLOTS_MAX`]: the layouts hold to it.
    #[inline]
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
            traces: origin.traces,
            ..RawHeader::zeroed()
        };
        assert!(slots <= SLOTS_MAX, "{slots} slots");
        // A few more than are used: so many at once that no loop runs over single ones.
        for places in self.slots.as_chunks_mut::<EMPTIED>().0.iter_mut().take(slots.div_ceil(EMPTIED)) {
            *places = [Slot::zeroed(); EMPTIED];
        }
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

    /// Adds to [`RawHeader::marks`].
    pub fn add_marks(&mut self, marks: u8) {
        self.header.marks |= marks;
    }

    /// Sets a whole number.
    #[inline]
    pub fn set_int(&mut self, slot: usize, value: i64) {
        self.set(slot, Slot::int(value));
    }

    /// Sets a decimal.
    #[inline]
    pub fn set_decimal(&mut self, slot: usize, value: Decimal) {
        self.set(slot, Slot::decimal(value));
    }

    /// Sets a truth value.
    #[inline]
    pub fn set_bool(&mut self, slot: usize, value: bool) {
        self.set(slot, Slot::truth(value));
    }

    /// Sets `null`.
    #[inline]
    pub fn set_null(&mut self, slot: usize) {
        self.set(slot, Slot::null());
    }

    /// Sets a text as written.
    #[inline]
    pub fn set_text(&mut self, slot: usize, text: &str) {
        let at = self.text.len();
        self.text.push(text.as_bytes());
        self.set(slot, Slot::text(at, text.len()));
    }

    /// Sets a text in uppercase, Unicode included.
    #[inline]
    pub fn set_uppercase(&mut self, slot: usize, text: &str) {
        // Nearly all are short, and in uppercase as they come.
        let word = first_sixteen(text.as_bytes());
        if text.len() <= 16 && !needs_raising(word as u64) && !needs_raising((word >> 64) as u64) {
            self.header.present |= 1 << slot;
            return self.put_padded(slot, &word.to_le_bytes(), text.len());
        }
        self.set_raised(slot, text);
    }

    #[cold]
    fn set_raised(&mut self, slot: usize, text: &str) {
        let at = self.text.len();
        for upper in text.chars().flat_map(char::to_uppercase) {
            self.text.push(upper.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.set(slot, Slot::text(at, self.text.len() - at));
    }

    /// Writes a whole number into a slot that [`RawBuf::note_present`] will note.
    #[inline]
    pub(crate) fn put_int(&mut self, slot: usize, value: i64) {
        self.slots[slot & (SLOT_PLACES - 1)] = Slot::int(value);
    }

    /// Likewise a decimal.
    #[inline]
    pub(crate) fn put_decimal(&mut self, slot: usize, value: Decimal) {
        self.slots[slot & (SLOT_PLACES - 1)] = Slot::decimal(value);
    }

    /// Likewise a truth value.
    #[inline]
    pub(crate) fn put_bool(&mut self, slot: usize, value: bool) {
        self.slots[slot & (SLOT_PLACES - 1)] = Slot::truth(value);
    }

    /// Likewise a short text as written: the first `length` bytes, which are whole characters.
    #[inline]
    pub(crate) fn put_padded(&mut self, slot: usize, bytes: &[u8; 16], length: usize) {
        let at = self.text.len();
        self.text.push_padded(bytes, length);
        self.slots[slot & (SLOT_PLACES - 1)] = Slot::text(at, length);
    }

    /// Notes slots as set, a bit each, as [`RawHeader::present`]: those that were put.
    #[inline]
    pub(crate) fn note_present(&mut self, slots: u64) {
        self.header.present |= slots;
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
        self.side(side).push(price, quantity)
    }

    /// A side's levels, to be filled with mantissas of eight decimals; [`RawBuf::settle_units`] closes it.
    #[inline]
    pub fn units(&mut self, side: Side) -> &mut Vec<Level> {
        &mut self.side(side).levels
    }

    /// Says that a side's levels, all of them units of eight decimals and not below zero, need no more than these scales,
    /// which are at most 8.
    #[inline]
    pub fn settle_units(&mut self, side: Side, price_scale: u8, quantity_scale: u8) {
        self.side(side).settle(price_scale, quantity_scale);
    }

    /// Forgets a side's levels.
    pub fn clear_levels(&mut self, side: Side) {
        self.side(side).clear();
    }

    #[inline]
    fn side(&mut self, side: Side) -> &mut LevelBuf {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.levels,
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
    #[inline]
    pub fn finish(&mut self) -> Result<RawRef<'_>, DecimalError> {
        self.close()?;
        Ok(self.read())
    }

    /// Closes the instance: [`RawBuf::read`] gives it from then on.
    ///
    /// # Errors
    /// As [`RawBuf::finish`].
    #[inline(always)]
    pub(crate) fn close(&mut self) -> Result<(), DecimalError> {
        // Without levels the header keeps the zeros that it began with.
        let levels = self.bids.levels.len() + self.levels.levels.len();
        if levels > 0 {
            self.join_sides()?;
        }
        self.header.tail_at = self.text.len() as u32;
        if self.header.unknown > 0 {
            self.text.push(&self.tail);
        }
        self.header.text_bytes = self.text.len() as u32;
        let slots = self.header.slots as usize;
        self.header.words = (RAW_HEADER_WORDS + slots * 2 + levels * 2 + self.text.len().div_ceil(8)) as u32;
        Ok(())
    }

    /// Bids go first in the record: appends the asks behind them; the joined array is what is read.
    #[inline(never)]
    fn join_sides(&mut self) -> Result<(), DecimalError> {
        let (bids, asks) = (self.bids.levels.len(), self.levels.levels.len());
        let price_scale = self.bids.price_scale.max(self.levels.price_scale);
        let quantity_scale = self.bids.quantity_scale.max(self.levels.quantity_scale);
        self.bids.widen(price_scale, quantity_scale)?;
        self.levels.widen(price_scale, quantity_scale)?;
        self.bids.levels.extend_from_slice(&self.levels.levels);
        self.header.bids = bids as u32;
        self.header.asks = asks as u32;
        self.header.price_scale = price_scale;
        self.header.quantity_scale = quantity_scale;
        Ok(())
    }

    /// The instance as last closed by [`RawBuf::finish`].
    #[inline]
    pub fn read(&self) -> RawRef<'_> {
        let slots = &self.slots[..self.header.slots as usize];
        RawRef { header: &self.header, slots, levels: &self.bids.levels, text: self.text.bytes() }
    }
}
