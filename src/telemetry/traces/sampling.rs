//! Purpose: which frames are kept, and the ids of their spans: both by the trace id alone, so that all stages agree and nothing
//! is passed from one to the next. Owns: the threshold. Thread: any. Takes and gives: ids. Never: keeps state.

use crate::schema::id::{InstrumentId, TraceId};

/// The bits of a trace id that count as random (W3C Trace Context, level 2): its last 56.
const RANDOM_BITS: u32 = 56;

/// Keeps one frame in so many, as OpenTelemetry's consistent sampling does: whoever applies the same rule keeps the same traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sampling {
    /// What the random bits must reach.
    threshold: u64,
}

impl Sampling {
    /// One in `n`; 0 is taken as 1.
    pub(super) fn one_in(n: u64) -> Sampling {
        let all = 1 << RANDOM_BITS;
        Sampling { threshold: all - (all / n.max(1)).max(1) }
    }

    /// Whether a frame of this trace is kept. What has no trace is not.
    #[inline]
    pub(super) fn keeps(self, trace: TraceId) -> bool {
        trace.0[1] & ((1 << RANDOM_BITS) - 1) >= self.threshold && trace != TraceId::NONE
    }

    /// What `tracestate` says of it (`ot=th:…`), so that whoever counts spans knows how many frames one stands for.
    pub(super) fn trace_state(self) -> String {
        let digits = format!("{:014x}", self.threshold);
        let short = digits.trim_end_matches('0');
        format!("ot=th:{}", if short.is_empty() { "0" } else { short })
    }
}

/// The span of a frame's way in: the root of its trace.
#[inline]
pub(super) const fn root_of(trace: TraceId) -> u64 {
    span_id(trace, 1)
}

/// The span of an instrument's part of a frame in dispatch.
#[inline]
pub(super) const fn dispatch_of(trace: TraceId, instrument: InstrumentId) -> u64 {
    span_id(trace, 2 << 32 | instrument.0 as u64)
}

/// A span's id: a mix of its trace and of what tells it from the trace's other spans. Never 0, which is no id.
#[inline]
pub(super) const fn span_id(trace: TraceId, salt: u64) -> u64 {
    let mut z = trace.0[1] ^ trace.0[0].rotate_left(32) ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    z = (z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    z ^= z >> 32;
    if z == 0 { 1 } else { z }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::schema::id::ConnectionId;

    #[test]
    fn one_in_n_is_kept_and_the_few_are_among_the_many() {
        let frames: Vec<_> = (0..200_000).map(|number| TraceId::of_frame(7, ConnectionId(3), number)).collect();
        let kept = |n| frames.iter().filter(|trace| Sampling::one_in(n).keeps(**trace)).count();
        assert_eq!((kept(0), kept(1)), (200_000, 200_000));
        // Four standard deviations of the count.
        for (n, expected, within) in [(2, 100_000, 900), (10, 20_000, 540), (1_000, 200, 57)] {
            assert!(kept(n).abs_diff(expected) < within, "1 in {n}: {}", kept(n));
        }
        let nested = frames.iter().filter(|trace| Sampling::one_in(10).keeps(**trace));
        assert!(nested.into_iter().all(|trace| Sampling::one_in(3).keeps(*trace)));
        assert!(!Sampling::one_in(1).keeps(TraceId::NONE));
        assert!(!Sampling::one_in(u64::MAX).keeps(TraceId([1, 5])));
    }

    #[test]
    fn a_receiver_can_tell_how_many_frames_a_span_stands_for() {
        // The examples of OpenTelemetry's specification: a half is th:8, all is th:0.
        for (n, state) in [(1, "ot=th:0"), (2, "ot=th:8"), (4, "ot=th:c"), (1_000, "ot=th:ffbe76c8b43959")] {
            assert_eq!(Sampling::one_in(n).trace_state(), state, "1 in {n}");
        }
    }

    #[test]
    fn spans_of_a_trace_have_ids_of_their_own() {
        let trace = TraceId::of_frame(1, ConnectionId(0), 0);
        let mut seen: HashSet<u64> = (0..10_000).map(|at| dispatch_of(trace, InstrumentId(at))).collect();
        seen.extend([root_of(trace), 0]);
        seen.extend((0..10_000).map(|at| span_id(trace, 1 << 48 | at)));
        assert_eq!(seen.len(), 20_002);
    }
}
