//! Purpose: histograms as they are read: figures, the text that travels, a tally for what is rare.
//! Owns: their bounds and digits. Thread: any (cold). Takes and gives: nanoseconds in, summaries out.
//! Never: clamps unseen; counts in floating point.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use super::buckets::LATENCY_NS_MAX;
use crate::schema::latency::HopSummary;

/// How finely a histogram tells values apart (architecture, section 7: three digits a hop, two below that).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// 1 in 100.
    Two,
    /// 1 in 1,000.
    Three,
}

pub(super) fn empty(digits: Digits) -> Histogram<u64> {
    let digits = if digits == Digits::Two { 2 } else { 3 };
    // Constant bounds: the crate refuses only a low bound of 0, a high one below twice the low, or more than 5 digits.
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, digits).expect("constant bounds are valid")
}

/// What a histogram says. Latencies in ns, each the largest value that the histogram cannot tell from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySummary {
    /// How many were recorded.
    pub count: u64,
    /// The least.
    pub min_ns: u64,
    /// Half of them are at most this.
    pub p50_ns: u64,
    /// 90 in 100 are at most this.
    pub p90_ns: u64,
    /// 95 in 100 are at most this.
    pub p95_ns: u64,
    /// 99 in 100 are at most this.
    pub p99_ns: u64,
    /// 999 in 1,000 are at most this.
    pub p999_ns: u64,
    /// The greatest.
    pub max_ns: u64,
    /// The greatest of those that are new since the call before; 0 when none are.
    pub newest_max_ns: u64,
}

pub(super) fn summarise(total: &Histogram<u64>) -> LatencySummary {
    if total.is_empty() {
        return LatencySummary::default();
    }
    LatencySummary {
        count: total.len(),
        min_ns: total.min(),
        p50_ns: total.value_at_quantile(0.5),
        p90_ns: total.value_at_quantile(0.9),
        p95_ns: total.value_at_quantile(0.95),
        p99_ns: total.value_at_quantile(0.99),
        p999_ns: total.value_at_quantile(0.999),
        max_ns: total.max(),
        newest_max_ns: 0,
    }
}

/// The figures of a signed distribution: what is not negative, and what is, without its sign. Each is the largest value that the
/// histogram cannot tell from it: of a negative one, that with the least magnitude.
pub fn signed_summary(after: &Histogram<u64>, before: Option<&Histogram<u64>>) -> HopSummary {
    let mut rows: Vec<(i64, u64)> =
        before.into_iter().flat_map(|of| recorded(of).map(|(value, count)| (-least_of(of, value), count))).collect();
    rows.reverse();
    rows.extend(recorded(after));
    let (mut count, mut sum) = (0, 0);
    for (value, many) in &mut rows {
        // Each taken as the middle of those that the histogram cannot tell from it.
        let of = if *value < 0 { before.unwrap_or(after) } else { after };
        let middle = i128::from(of.median_equivalent(value.unsigned_abs())) * i128::from(value.signum());
        sum += middle * i128::from(*many);
        count += *many;
        *many = count;
    }
    // The value of so manieth place, counted from the least, from 1.
    let at = |place: u64| rows.get(rows.partition_point(|(_, until)| *until < place)).map_or(0, |(value, _)| *value);
    let per = |share: u64| at(count.saturating_mul(share).div_ceil(10_000).max(1));
    HopSummary {
        count,
        min_ns: at(1),
        p50_ns: per(5_000),
        p90_ns: per(9_000),
        p95_ns: per(9_500),
        p99_ns: per(9_900),
        p999_ns: per(9_990),
        p9999_ns: per(9_999),
        max_ns: at(count),
        mean_ns: i64::try_from(sum / i128::from(count.max(1))).unwrap_or(i64::MAX),
        sum_ns: i64::try_from(sum).unwrap_or(i64::MAX),
    }
}

/// The least value that the histogram cannot tell from it.
fn least_of(histogram: &Histogram<u64>, value: i64) -> i64 {
    i64::try_from(histogram.lowest_equivalent(value.unsigned_abs())).unwrap_or(i64::MAX)
}

/// Values from the least, each the largest that the histogram cannot tell from it, and how many of each.
fn recorded(histogram: &Histogram<u64>) -> impl Iterator<Item = (i64, u64)> + '_ {
    let value = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    histogram.iter_recorded().map(move |v| (value(v.value_iterated_to()), v.count_at_value()))
}

/// As log files of HdrHistogram have it: V2, compressed, in base64.
pub fn histogram_text(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    match V2DeflateSerializer::new().serialize(histogram, &mut bytes) {
        Ok(_) => STANDARD.encode(&bytes),
        // A Vec takes whatever is written, and our bounds have a form: there is nothing to fail.
        Err(_) => String::new(),
    }
}

/// A histogram of one thread that records and reads: for what is rare.
#[derive(Debug)]
pub struct LatencyTally(Box<Histogram<u64>>);

impl LatencyTally {
    /// Without a record.
    pub fn new(digits: Digits) -> LatencyTally {
        LatencyTally(Box::new(empty(digits)))
    }

    /// Records a latency in ns; one above 60 s counts as that.
    pub fn record(&mut self, latency_ns: u64) {
        // Within the bounds it cannot fail.
        let _ = self.0.record(latency_ns.min(LATENCY_NS_MAX));
    }

    /// What was recorded so far; nothing is newest.
    pub fn summary(&self) -> LatencySummary {
        summarise(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;

    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut histogram = empty(Digits::Three);
        values.into_iter().for_each(|value| histogram.record(value).unwrap());
        histogram
    }

    #[test]
    fn a_tally_says_what_was_recorded_and_clamps() {
        let mut tally = LatencyTally::new(Digits::Three);
        [0, LATENCY_NS_MAX, LATENCY_NS_MAX + 1, u64::MAX].into_iter().for_each(|value| tally.record(value));
        let summary = tally.summary();
        assert_eq!((summary.count, summary.min_ns), (4, 0));
        assert!(summary.max_ns >= LATENCY_NS_MAX && summary.max_ns < LATENCY_NS_MAX + LATENCY_NS_MAX / 900);
    }

    /// Against the sorted values themselves: all below 2,048 a histogram of three digits holds exactly.
    #[test]
    fn figures_of_both_sides_are_those_of_the_values() {
        let cases: [&[i64]; 6] =
            [&[], &[5], &[-5], &[-3, -2, -1], &[-1_000, -7, 0, 0, 3, 900], &[-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]];
        for values in cases {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            let after = of(values.iter().filter(|v| **v >= 0).map(|v| *v as u64));
            let before = of(values.iter().filter(|v| **v < 0).map(|v| v.unsigned_abs()));
            let found = signed_summary(&after, (!before.is_empty()).then_some(&before));
            if sorted.is_empty() {
                assert_eq!(found, HopSummary::default());
                continue;
            }
            let place = |share: usize| sorted[(sorted.len() * share).div_ceil(10_000).max(1) - 1];
            let mean = sorted.iter().sum::<i64>() / sorted.len() as i64;
            assert_eq!(
                [found.min_ns, found.p50_ns, found.p90_ns, found.p95_ns, found.p99_ns, found.max_ns, found.mean_ns],
                [sorted[0], place(5_000), place(9_000), place(9_500), place(9_900), *sorted.last().unwrap(), mean],
                "{values:?}"
            );
            assert_eq!(found.sum_ns, sorted.iter().sum::<i64>(), "{values:?}");
            assert_eq!((found.p999_ns, found.p9999_ns), (place(9_990), place(9_999)), "{values:?}");
        }
    }

    #[test]
    fn the_text_reads_back_as_the_same_histogram() {
        let histogram = of([1, 5, 5, 900_000, LATENCY_NS_MAX]);
        let text = histogram_text(&histogram);
        assert!(text.starts_with("HISTFAA"), "{text}");
        let bytes = STANDARD.decode(text).unwrap();
        let back: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        assert_eq!(back, histogram);
    }
}
