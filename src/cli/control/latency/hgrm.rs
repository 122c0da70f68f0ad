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

/// The text. Percentiles are of all values, as in the table and on the page: the lines begin where what is below zero ends, for
/// the form's axis of values begins at zero. Comments say so too, but plotters skip them.
pub(super) fn hgrm(series: &Series) -> String {
    let histogram = &series.positive;
    let digits = usize::from(histogram.sigfig());
    let (all, below) = (series.count(), series.below_zero());
    let mut text = format!("#[{}, in microseconds]\n", plain(words(&series.tag.text(false))));
    if below > 0 {
        let _ = writeln!(text, "#[{below} of {all} values are below zero: the first line stands at their share]");
    }
    let _ = writeln!(text, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut so_far = below;
    for tick in histogram.iter_quantiles(TICKS) {
        so_far += tick.count_since_last_iteration();
        let value = tick.value_iterated_to() as f64 / NS_A_UNIT;
        let quantile = series.of_all(tick.quantile_iterated_to());
        let _ = write!(text, "{value:12.digits$} {quantile:.12} {so_far:10}");
        if quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - quantile));
        }
        text.push('\n');
    }
    let (mean, deviation) = spread(series);
    let (mean, deviation) = (mean / NS_A_UNIT, deviation / NS_A_UNIT);
    let _ = writeln!(text, "#[Mean    = {mean:12.digits$}, StdDeviation   = {deviation:12.digits$}]");
    let max = series.summary().max_ns as f64 / NS_A_UNIT;
    let _ = writeln!(text, "#[Max     = {max:12.digits$}, Total count    = {all:12}]");
    let (buckets, parts) = (histogram.buckets(), parts(histogram.sigfig()));
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {parts:12}]");
    text
}

/// Mean and standard deviation of all, ns: of both signs, each weighed by how many there are.
fn spread(series: &Series) -> (f64, f64) {
    let parts = [(Some(&series.positive), 1.0), (series.negative.as_ref(), -1.0)];
    let parts: Vec<(f64, f64, f64)> = parts
        .into_iter()
        .filter_map(|(part, sign)| part.filter(|part| !part.is_empty()).map(|part| (part, sign)))
        .map(|(part, sign)| (part.len() as f64 / series.count() as f64, sign * part.mean(), part.stdev()))
        .collect();
    let mean = parts.iter().fold(0.0, |sum, (share, mean, _)| sum + share * mean);
    let around = |(share, own, deviation): &(f64, f64, f64)| share * (deviation.powi(2) + (own - mean).powi(2));
    (mean, parts.iter().fold(0.0, |sum, part| sum + around(part)).sqrt())
}

/// Into how many parts each doubling of the value is cut: the next power of two that tells so many digits apart.
fn parts(digits: u8) -> u64 {
    (2 * 10_u64.pow(u32::from(digits))).next_power_of_two()
}
