//! Purpose: spans of time as a person reads them. Owns: nothing. Thread: any (cold). Takes and gives: numbers in, text out.
//! Never: shows more digits than a histogram of three tells apart.

use std::time::Duration;

/// Nanoseconds with three digits: `417 ns`, `1.24 µs`, `12.4 ms`, `60.0 s`.
pub(super) fn span(ns: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];
    if ns < 1_000 {
        return format!("{ns} ns");
    }
    // The unit in which what is rounded to three digits still has at most three before the point.
    let (unit, size) = UNITS.into_iter().find(|(_, size)| ns < 999_500 * (size / 1_000)).unwrap_or(UNITS[2]);
    let value = ns as f64 / size as f64;
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.decimals$} {unit}")
}

/// The same, with a sign where it is below zero.
pub(super) fn span_signed(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    format!("{sign}{}", span(ns.unsigned_abs()))
}

/// How long ago: tenths of a second at first, then whole ones, then minutes.
pub(super) fn ago(span: Duration) -> String {
    match span.as_secs() {
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{}m{:02}", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_three_digits_and_the_unit_that_fits() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (9_994, "9.99 µs"),
            (9_995, "10.0 µs"),
            (99_949, "99.9 µs"),
            (99_950, "100 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (12_400_000, "12.4 ms"),
            (999_500_000, "1.00 s"),
            (60_000_000_000, "60.0 s"),
            (3_600_000_000_000, "3600 s"),
        ] {
            assert_eq!(span(ns), text, "{ns}");
        }
        for (ms, text) in [(0, "0.0 s"), (9_940, "9.9 s"), (10_000, "10 s"), (61_000, "1m01"), (3_660_000, "1h01")] {
            assert_eq!(ago(Duration::from_millis(ms)), text);
        }
    }
}
