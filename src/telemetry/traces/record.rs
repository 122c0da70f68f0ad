//! Purpose: a finished span as it goes through a ring: 14 words, nothing in it that must be looked up or formatted.
//! Owns: the layout. Thread: tracers write, the exporter reads. Takes and gives: plain data. Never: leaves the process.

use bytemuck::{Pod, Zeroable};

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum SpanKind {
    /// A frame from the read until all of it is handed on. Numbers: that on its connection, its bytes.
    Adapter,
    /// A raw instance until its events are handed on.
    Dispatch,
    /// An event in the conductor.
    Conduct,
    /// Number, store, ring. Numbers: `seq`, `latencyNs`.
    Publish,
    /// From the loss of a good book until it is good again. Details: why, and why again; numbers: the epochs.
    Resync,
    /// A command until its acknowledgement. Details: verb, outcome; numbers: when it came into force (0: never), version.
    Command,
}

impl SpanKind {
    /// All, in the order of their numbers.
    pub(super) const ALL: [SpanKind; 6] = [
        SpanKind::Adapter,
        SpanKind::Dispatch,
        SpanKind::Conduct,
        SpanKind::Publish,
        SpanKind::Resync,
        SpanKind::Command,
    ];

    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            SpanKind::Adapter => "adapter",
            SpanKind::Dispatch => "dispatch",
            SpanKind::Conduct => "conduct",
            SpanKind::Publish => "publish",
            SpanKind::Resync => "resync",
            SpanKind::Command => "command",
        }
    }
}

/// Why a span was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Why {
    /// Its frame is one in so many.
    Sampled,
    /// Its frame opened a gap, or cost the book its quality.
    Gap,
    /// Its frame made the book good again.
    Resync,
    /// Somebody commanded.
    Command,
}

impl Why {
    /// All, in the order of their numbers.
    pub(super) const ALL: [Why; 4] = [Why::Sampled, Why::Gap, Why::Resync, Why::Command];

    /// What it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Why::Sampled => "sampled",
            Why::Gap => "gap",
            Why::Resync => "resync",
            Why::Command => "command",
        }
    }
}

/// Bits of [`SpanRecord::marks`].
pub(super) mod mark {
    /// What it is about was held back on purpose, or caused by no frame.
    pub(in crate::telemetry::traces) const HELD: u8 = 1;
    /// Made afterwards of the stamps that the frame carried: when the adapter ended and dispatch began was not noted.
    pub(in crate::telemetry::traces) const RECONSTRUCTED: u8 = 2;
    /// It failed.
    pub(in crate::telemetry::traces) const FAILED: u8 = 4;
}

/// A finished span. Times are readings of the one clock, ns.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SpanRecord {
    pub(super) trace: [u64; 2],
    pub(super) span: u64,
    /// 0: it is the trace's first.
    pub(super) parent: u64,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    /// The trace and the span that it is linked to; 0 without.
    pub(super) link_trace: [u64; 2],
    pub(super) link_span: u64,
    pub(super) numbers: [u64; 2],
    pub(super) instrument: u32,
    pub(super) type_id: u16,
    pub(super) connection: u16,
    pub(super) kind: u8,
    pub(super) why: u8,
    pub(super) market: u8,
    pub(super) marks: u8,
    pub(super) details: [u8; 2],
    pub(super) reserved: [u8; 10],
}

/// "Of no type".
pub(super) const NO_TYPE: u16 = u16::MAX;
/// "On no connection".
pub(super) const NO_CONNECTION: u16 = u16::MAX;
/// "No detail".
pub(super) const NO_DETAIL: u8 = u8::MAX;

/// Words of a record.
pub(super) const SPAN_WORDS: usize = core::mem::size_of::<SpanRecord>() / 8;

impl SpanRecord {
    /// A record with these ids and times, about nothing in particular.
    #[inline]
    pub(super) fn of(kind: SpanKind, why: Why, trace: [u64; 2], ids: [u64; 2], times: [u64; 2]) -> SpanRecord {
        let ([span, parent], [start_ns, end_ns]) = (ids, times);
        SpanRecord {
            trace,
            span,
            parent,
            start_ns,
            end_ns: end_ns.max(start_ns),
            instrument: u32::MAX,
            type_id: NO_TYPE,
            connection: NO_CONNECTION,
            kind: kind as u8,
            why: why as u8,
            details: [NO_DETAIL; 2],
            ..SpanRecord::zeroed()
        }
    }

    #[inline]
    pub(super) fn words(&self) -> &[u64] {
        bytemuck::cast_slice(core::slice::from_ref(self))
    }

    /// From a ring's record; `None` when it has another length.
    pub(super) fn from_words(words: &[u64]) -> Option<SpanRecord> {
        (words.len() == SPAN_WORDS).then(|| *bytemuck::from_bytes(bytemuck::cast_slice(words)))
    }

    pub(super) fn kind(&self) -> SpanKind {
        SpanKind::ALL.get(usize::from(self.kind)).copied().unwrap_or(SpanKind::Adapter)
    }

    pub(super) fn why(&self) -> Why {
        Why::ALL.get(usize::from(self.why)).copied().unwrap_or(Why::Sampled)
    }

    pub(super) fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_fourteen_words_and_reads_back() {
        assert_eq!(SPAN_WORDS, 14);
        for (at, kind) in SpanKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
        }
        for (at, why) in Why::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, at);
            let record = SpanRecord::of(SpanKind::Publish, why, [1, 2], [3, 4], [5, 6]);
            let back = SpanRecord::from_words(record.words()).unwrap();
            assert_eq!((back, back.kind(), back.why()), (record, SpanKind::Publish, why));
        }
        assert_eq!(SpanRecord::from_words(&[0; SPAN_WORDS - 1]), None);
        assert_eq!(
            SpanRecord::of(SpanKind::Adapter, Why::Gap, [1, 2], [3, 0], [9, 8]).end_ns,
            9,
            "never before it began"
        );
    }
}
