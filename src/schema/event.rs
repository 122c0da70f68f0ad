//! Purpose: `MelticaEvent` as a plain record: a fixed header, then a fixed payload, then level arrays where the kind has them.
//! Owns: the record layout and its version. Thread: any. Takes and gives: `&[u64]` words, the same bytes for every reader.
//! Never: allocates once a buffer has grown; formats.

use bytemuck::{Pod, Zeroable};

use super::id::{ConnectionId, InstrumentId, Market, Source, TraceId, TypeId};
use super::payload::{Payload, PayloadKind};
use super::quality::Quality;
use super::raw::{Level, RawHeader};
use super::time::UnixNanos;

/// The version of the record layout. A reader refuses another one.
pub const RECORD_VERSION: u8 = 1;

/// The fixed head of an event: 88 bytes, so that a head and a payload of 40 fill two cache lines.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct EventHeader {
    /// Length of the whole record, in 8-byte words.
    pub words: u32,
    /// [`RECORD_VERSION`].
    pub version: u8,
    /// [`PayloadKind`].
    pub kind: u8,
    /// [`TypeId`].
    pub type_id: u16,
    /// [`InstrumentId`].
    pub instrument: u32,
    /// [`Market`]; 0 where the event concerns none.
    pub market: u8,
    /// [`Quality`] of the instrument's book as of this event.
    pub quality: u8,
    /// [`flag`]s.
    pub flags: u16,
    /// [`Source`].
    pub source: u16,
    /// [`ConnectionId`].
    pub connection: u16,
    /// How often the instrument was resynchronised.
    pub epoch: u32,
    /// The version of the dispatch table that routed it.
    pub dispatch_version: u32,
    /// How many states this event stands for; 1 unless the throttle conflated.
    pub conflated: u32,
    /// Number within (instrument, type), from 1, without a hole.
    pub seq: u64,
    /// Exchange event time, UTC ns, or [`UnixNanos::ABSENT`].
    pub ts: i64,
    /// Receive time, UTC ns.
    pub receive: i64,
    /// The venue's own id (`u`, trade id), or [`VENUE_ID_ABSENT`].
    pub venue_id: i64,
    /// Until publication the clock's reading at ingress, ns; from then on the latency from ingress to publication, ns.
    pub latency_ns: u64,
    /// [`TraceId`].
    pub trace: [u64; 2],
}

/// "The venue gave no id".
pub const VENUE_ID_ABSENT: i64 = i64::MIN;

/// Words of an [`EventHeader`].
pub const HEADER_WORDS: usize = core::mem::size_of::<EventHeader>() / 8;

/// Bits of [`EventHeader::flags`].
pub mod flag {
    /// The event carries or refers to a whole state, not a change.
    pub const SNAPSHOT: u16 = 1;
    /// The last event that dispatch made from its frame; what the conductor derives from it follows without.
    pub const LAST_OF_BATCH: u16 = 2;
    /// Stands for more than one state.
    pub const CONFLATED: u16 = 4;
    /// The book that this is about may be wrong: see the quality.
    pub const MAYBE_BAD_BOOK: u16 = 8;
    /// The snapshot store refused this state.
    pub const NOT_STORED: u16 = 16;

    /// Was held back on purpose, or caused by no frame: until a snapshot or a missing diff came, by the throttle, by a
    /// timer. Its latency says how long, and is no figure of the engine's speed: histograms leave it out.
    pub const HELD: u16 = 32;

    /// `receive` is a reading of this process's clock, that of ingress: with the latency behind it, the moment of publication.
    /// Not so in a replay, whose receive times are the capture's. Of no interest outside: JSON does not show it.
    pub const CLOCKED: u16 = 64;

    /// Names by bit, as JSON shows them.
    pub const NAMES: [&str; 6] = ["snapshot", "lastOfBatch", "conflated", "maybeBadBook", "notStored", "held"];
}

impl EventHeader {
    /// A header for an event made from a raw instance: ids, times and trace are taken over, the rest is zero.
    pub fn from_raw(raw: &RawHeader, type_id: TypeId, source: Source) -> EventHeader {
        EventHeader {
            version: RECORD_VERSION,
            type_id: type_id.0,
            instrument: raw.instrument,
            market: raw.market,
            source: source as u16,
            connection: raw.connection,
            conflated: 1,
            ts: UnixNanos::ABSENT.0,
            receive: raw.receive,
            venue_id: VENUE_ID_ABSENT,
            latency_ns: raw.ingress_ns,
            trace: raw.trace().0,
            ..EventHeader::zeroed()
        }
    }

    /// A header for an event that no frame caused.
    pub fn internal(type_id: TypeId, source: Source, receive: UnixNanos, ingress_ns: u64) -> EventHeader {
        EventHeader {
            version: RECORD_VERSION,
            type_id: type_id.0,
            instrument: InstrumentId::NONE.0,
            source: source as u16,
            conflated: 1,
            ts: UnixNanos::ABSENT.0,
            receive: receive.0,
            venue_id: VENUE_ID_ABSENT,
            latency_ns: ingress_ns,
            trace: TraceId::NONE.0,
            ..EventHeader::zeroed()
        }
    }

    /// The instrument.
    #[inline]
    pub fn instrument(&self) -> InstrumentId {
        InstrumentId(self.instrument)
    }

    /// The market, if it concerns one.
    #[inline]
    pub fn market(&self) -> Option<Market> {
        Market::from_byte(self.market)
    }

    /// The type.
    #[inline]
    pub fn type_id(&self) -> TypeId {
        TypeId(self.type_id)
    }

    /// The quality.
    #[inline]
    pub fn quality(&self) -> Quality {
        Quality::from_byte(self.quality).unwrap_or_default()
    }

    /// The payload's kind; `None` for one that this version does not know.
    #[inline]
    pub fn kind(&self) -> Option<PayloadKind> {
        PayloadKind::from_byte(self.kind)
    }

    /// The connection.
    #[inline]
    pub fn connection(&self) -> ConnectionId {
        ConnectionId(self.connection)
    }

    /// The trace.
    #[inline]
    pub fn trace(&self) -> TraceId {
        TraceId(self.trace)
    }

    /// Exchange event time.
    #[inline]
    pub fn ts(&self) -> UnixNanos {
        UnixNanos(self.ts)
    }

    /// The venue's id, if it gave one.
    #[inline]
    pub fn venue_id(&self) -> Option<i64> {
        (self.venue_id != VENUE_ID_ABSENT).then_some(self.venue_id)
    }
}

/// Sets flags of a record that lies in a buffer. Nothing happens to words too short for a head.
pub fn set_flags(record: &mut [u64], flags: u16) {
    if let Some(head) = record.get_mut(..HEADER_WORDS) {
        let header: &mut EventHeader = bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(head));
        header.flags |= flags;
    }
}

/// An event, read in place.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    words: &'a [u64],
}

impl<'a> EventRef<'a> {
    /// Reads a record. `None` when the words are no whole event of this [`RECORD_VERSION`].
    #[inline]
    pub fn from_words(words: &'a [u64]) -> Option<EventRef<'a>> {
        let event = EventRef { words };
        (words.len() >= HEADER_WORDS
            && event.header().version == RECORD_VERSION
            && event.header().words as usize == words.len())
        .then_some(event)
    }

    /// The words.
    #[inline]
    pub fn words(&self) -> &'a [u64] {
        self.words
    }

    /// The head.
    #[inline]
    pub fn header(&self) -> &'a EventHeader {
        bytemuck::from_bytes(bytemuck::cast_slice(&self.words[..HEADER_WORDS]))
    }

    /// The payload's bytes, level arrays included.
    #[inline]
    pub fn payload_words(&self) -> &'a [u64] {
        &self.words[HEADER_WORDS..]
    }

    /// The payload as `P`; `None` when the event carries another kind.
    #[inline]
    pub fn payload<P: Payload>(&self) -> Option<&'a P> {
        if self.header().kind != P::KIND as u8 {
            return None;
        }
        let words = self.payload_words().get(..P::WORDS)?;
        Some(bytemuck::from_bytes(bytemuck::cast_slice(words)))
    }

    /// The levels behind a payload that carries them: bids, then asks. Both empty for other kinds.
    pub fn levels(&self) -> (&'a [Level], &'a [Level]) {
        let Some((fixed, bids, asks)) = self.header().kind().and_then(|k| k.level_counts(self.payload_words())) else {
            return (&[], &[]);
        };
        // Counts come with the record: one that claims more levels than it holds has none.
        let end = bids.checked_add(asks).and_then(|n| n.checked_mul(2)).and_then(|n| n.checked_add(fixed));
        let Some(words) = end.and_then(|end| self.payload_words().get(fixed..end)) else { return (&[], &[]) };
        bytemuck::cast_slice(words).split_at(bids)
    }
}

/// Builds one event after another in the same buffer.
#[derive(Debug)]
pub struct EventBuf {
    words: Vec<u64>,
}

impl Default for EventBuf {
    fn default() -> Self {
        EventBuf { words: Vec::with_capacity(HEADER_WORDS + 4 * 4096) }
    }
}

impl EventBuf {
    /// Starts an event with its head and payload. Its kind is taken from `P`.
    #[inline]
    pub fn begin<P: Payload>(&mut self, header: &EventHeader, payload: &P) {
        self.words.clear();
        self.words.extend_from_slice(bytemuck::cast_slice(core::slice::from_ref(header)));
        self.words.extend_from_slice(bytemuck::cast_slice(core::slice::from_ref(payload)));
        self.header_mut().kind = P::KIND as u8;
        self.close();
    }

    /// Appends levels. The payload must count them: bids first, then asks.
    #[inline]
    pub fn push_levels(&mut self, levels: &[Level]) {
        self.words.extend_from_slice(bytemuck::cast_slice(levels));
        self.close();
    }

    /// Takes a copy of another event.
    #[inline]
    pub fn copy_from(&mut self, event: EventRef<'_>) {
        self.words.clear();
        self.words.extend_from_slice(event.words());
    }

    #[inline]
    fn close(&mut self) {
        let words = self.words.len() as u32;
        self.header_mut().words = words;
    }

    /// The head, to be changed.
    ///
    /// # Panics
    /// Before the first [`EventBuf::begin`].
    #[inline]
    pub fn header_mut(&mut self) -> &mut EventHeader {
        bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(&mut self.words[..HEADER_WORDS]))
    }

    /// The payload, to be changed; `None` when the event carries another kind.
    #[inline]
    pub fn payload_mut<P: Payload>(&mut self) -> Option<&mut P> {
        if self.header_mut().kind != P::KIND as u8 {
            return None;
        }
        let words = self.words.get_mut(HEADER_WORDS..HEADER_WORDS + P::WORDS)?;
        Some(bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(words)))
    }

    /// The event, to be read.
    #[inline]
    pub fn read(&self) -> EventRef<'_> {
        EventRef { words: &self.words }
    }
}

#[cfg(test)]
mod tests {
    use super::super::payload::{BookTicker, Depth};
    use super::*;

    #[test]
    fn the_head_is_88_bytes_and_every_field_has_its_place() {
        assert_eq!(core::mem::size_of::<EventHeader>(), 88);
        let places = [
            (core::mem::offset_of!(EventHeader, words), 0),
            (core::mem::offset_of!(EventHeader, version), 4),
            (core::mem::offset_of!(EventHeader, kind), 5),
            (core::mem::offset_of!(EventHeader, type_id), 6),
            (core::mem::offset_of!(EventHeader, instrument), 8),
            (core::mem::offset_of!(EventHeader, market), 12),
            (core::mem::offset_of!(EventHeader, quality), 13),
            (core::mem::offset_of!(EventHeader, flags), 14),
            (core::mem::offset_of!(EventHeader, source), 16),
            (core::mem::offset_of!(EventHeader, connection), 18),
            (core::mem::offset_of!(EventHeader, epoch), 20),
            (core::mem::offset_of!(EventHeader, dispatch_version), 24),
            (core::mem::offset_of!(EventHeader, conflated), 28),
            (core::mem::offset_of!(EventHeader, seq), 32),
            (core::mem::offset_of!(EventHeader, ts), 40),
            (core::mem::offset_of!(EventHeader, receive), 48),
            (core::mem::offset_of!(EventHeader, venue_id), 56),
            (core::mem::offset_of!(EventHeader, latency_ns), 64),
            (core::mem::offset_of!(EventHeader, trace), 72),
        ];
        for (found, expected) in places {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_built_reads_back_and_other_kinds_do_not() {
        let header = EventHeader::internal(TypeId(9), Source::WsDepth, UnixNanos(5), 6);
        let mut buf = EventBuf::default();
        let depth =
            Depth { first_id: 3, last_id: 4, previous_id: 2, bids: 1, asks: 2, price_scale: 2, ..Depth::zeroed() };
        buf.begin(&header, &depth);
        buf.push_levels(&[
            Level { price: 1, quantity: 2 },
            Level { price: 3, quantity: 0 },
            Level { price: 5, quantity: 6 },
        ]);
        buf.header_mut().seq = 77;
        let event = EventRef::from_words(buf.read().words()).unwrap();
        assert_eq!(event.header().seq, 77);
        assert_eq!(event.payload::<Depth>().unwrap().last_id, 4);
        assert!(event.payload::<BookTicker>().is_none());
        let (bids, asks) = event.levels();
        assert_eq!((bids.len(), asks.len(), asks[1]), (1, 2, Level { price: 5, quantity: 6 }));
        assert!(EventRef::from_words(&buf.read().words()[..20]).is_none(), "a cut record is refused");
        let mut other = buf.read().words().to_vec();
        other[0] ^= 0xff << 32;
        assert!(EventRef::from_words(&other).is_none(), "another version is refused");
    }
}
