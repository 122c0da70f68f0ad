//! Purpose: percentile text of one series, as HdrHistogram's `outputPercentileDistribution` writes it and its plotter reads it.
//! Owns: the form. Thread: main. Takes and gives: a series in, text out. Never: mixes two series.

use std::fmt::Write;

use super::hops::words;
use super::measured::Series;
use crate::cli::control::grid::plain;

/// Lines for each halving of the distance to 100 %, as the original has by default.
const TICKS: u32 = 5;
/// Values are in microseconds.
const NS_A_UNIT: f64 = 1_000.0;

// Writing to a String cannot fail, so the results below are dropped.

/// The text. Comments say what it is of; readers skip them.
pub(super) fn hgrm(series: &Series) -> String {
    let histogram = &series.positive;
    let digits = usize::from(histogram.sigfig());
    let mut text = format!("#[{}, in microseconds]\n", plain(words(&series.tag.text(false))));
    if series.below_zero() > 0 {
        let _ = writeln!(text, "#[{} values below zero are not in here]", series.below_zero());
    }
    let _ = writeln!(text, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut so_far = 0;
    for tick in histogram.iter_quantiles(TICKS) {
        so_far += tick.count_since_last_iteration();
        let (value, quantile) = (tick.value_iterated_to() as f64 / NS_A_UNIT, tick.quantile_iterated_to());
        let _ = write!(text, "{value:12.digits$} {quantile:.12} {so_far:10}");
        if quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - quantile));
        }
        text.push('\n');
    }
    let (mean, deviation) = (histogram.mean() / NS_A_UNIT, histogram.stdev() / NS_A_UNIT);
    let _ = writeln!(text, "#[Mean    = {mean:12.digits$}, StdDeviation   = {deviation:12.digits$}]");
    let (max, count) = (histogram.max() as f64 / NS_A_UNIT, histogram.len());
    let _ = writeln!(text, "#[Max     = {max:12.digits$}, Total count    = {count:12}]");
    let (buckets, parts) = (histogram.buckets(), parts(histogram.sigfig()));
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {parts:12}]");
    text
}

/// Into how many parts each doubling of the value is cut: the next power of two that tells so many digits apart.
fn parts(digits: u8) -> u64 {
    (2 * 10_u64.pow(u32::from(digits))).next_power_of_two()
}
