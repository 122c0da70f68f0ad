//! Purpose: points in time, as UTC nanoseconds since 1970.
//! Owns: nothing. Thread: any. Takes and gives: plain integers. Never: reads a clock.

use core::fmt;

/// UTC nanoseconds since 1970-01-01; signed, for receive clocks can run behind the venue's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// "The venue sends no time here" (spot `bookTicker`, partial depth).
    pub const ABSENT: UnixNanos = UnixNanos(i64::MIN);

    /// The value, or `None` when absent.
    #[inline]
    pub const fn get(self) -> Option<i64> {
        if self.0 == Self::ABSENT.0 { None } else { Some(self.0) }
    }

    /// From a venue's milliseconds or microseconds, told apart by size (a millisecond count reaches 10^14 in the year 5138,
    /// a microsecond count passed it in 1973). `None` when it overflows.
    pub fn from_venue(count: i64) -> Option<UnixNanos> {
        let factor = if count.unsigned_abs() >= 100_000_000_000_000 { 1_000 } else { 1_000_000 };
        count.checked_mul(factor).map(UnixNanos)
    }

    /// Nanoseconds from `earlier` to here; negative when it lies ahead, saturating.
    #[inline]
    pub const fn since(self, earlier: UnixNanos) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(nanos) => write!(f, "{nanos}"),
            None => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn venue_times_are_told_apart_by_size() {
        assert_eq!(UnixNanos::from_venue(1_723_161_255_208), Some(UnixNanos(1_723_161_255_208_000_000)));
        assert_eq!(UnixNanos::from_venue(1_723_161_255_208_123), Some(UnixNanos(1_723_161_255_208_123_000)));
        assert_eq!(UnixNanos::from_venue(i64::MAX), None);
    }
}
