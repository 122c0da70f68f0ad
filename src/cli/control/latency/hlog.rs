//! Purpose: HdrHistogram logs. Owns: our tags in them. Thread: main. Takes and gives: what was measured in, a log out, and back.
//! Never: leaves out an interval of a log that it reads; takes two series for one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{self, IntervalLogIterator, IntervalLogWriterBuilder, LogEntry};

use super::coded::decode;
use super::measured::{Measured, Series, Tag, by_hop};
use crate::cli::control::grid::plain;
use crate::schema::latency::CLOCK_CAVEAT;

/// The log's own maximum is in milliseconds, as the original's is.
const NS_A_MILLISECOND: f64 = 1e6;
/// What a log's interval without a tag is called.
const UNTAGGED: &str = "untagged";

/// The log: one interval for each series, from the start of the recording to now.
///
/// # Errors
/// A series whose name no tag can hold.
pub(super) fn write(measured: &Measured) -> Result<Vec<u8>, String> {
    let since = moment(measured.since_ns);
    let span =
        Duration::from_nanos(u64::try_from(measured.at_ns.saturating_sub(measured.since_ns)).unwrap_or_default());
    let (mut out, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("[Histogram log format version 1.2]").add_comment("[Logged by meltica; values in ns]");
    // Both: with one alone readers guess whether intervals count from it.
    builder.with_start_time(since).with_base_time(since).with_max_value_divisor(NS_A_MILLISECOND);
    // Writing to memory cannot fail.
    let failed = |error: &dyn std::fmt::Display| format!("the log: {error}");
    let mut log = builder.begin_log_with(&mut out, &mut serializer).map_err(|error| failed(&error))?;
    for series in &measured.series {
        let parts = [(Some(&series.positive), false), (series.negative.as_ref(), true)];
        for (histogram, negative) in parts.into_iter().filter_map(|(part, negative)| Some((part?, negative))) {
            let text = series.tag.text(negative);
            let tag = interval_log::Tag::new(&text).filter(|_| !text.contains(char::is_control));
            let tag = tag.ok_or_else(|| format!("{text:?} cannot be a tag"))?;
            log.write_histogram(histogram, Duration::ZERO, span, Some(tag)).map_err(|error| failed(&error))?;
        }
    }
    Ok(out)
}

/// What a log holds, its intervals added up by their tags.
///
/// # Errors
/// What is wrong with it, and in which line.
pub(super) fn read(bytes: &[u8]) -> Result<Measured, String> {
    // The last line may have lost its end; the reader wants one.
    let mut text = bytes.to_vec();
    text.push(b'\n');
    let mut measured = Measured { clock: CLOCK_CAVEAT.to_owned(), ..Measured::default() };
    let (mut start, mut base) = (Duration::ZERO, None);
    let mut ends = Duration::ZERO;
    for entry in IntervalLogIterator::new(&text) {
        match entry {
            Ok(LogEntry::StartTime(time)) => start = time,
            Ok(LogEntry::BaseTime(time)) => base = Some(time),
            Ok(LogEntry::Interval(interval)) => {
                let end = interval.start_timestamp().checked_add(interval.duration());
                ends = ends.max(end.ok_or("an interval ends at a time that no clock has")?);
                let name = interval.tag().map_or(UNTAGGED, |tag| tag.as_str());
                let histogram = decode(interval.encoded_histogram())
                    .map_err(|error| format!("an interval of {}: {error}", plain(name)))?;
                add(&mut measured.series, name, histogram).map_err(|error| format!("{}: {error}", plain(name)))?;
            }
            // An empty line is no line of a log, and harms nobody at its end.
            Err(interval_log::LogIteratorError::ParseError { offset }) => {
                if text[offset..].iter().all(u8::is_ascii_whitespace) {
                    break;
                }
                let line = 1 + text[..offset].iter().filter(|byte| **byte == b'\n').count();
                return Err(format!("line {line} is none of an HdrHistogram log (an interval, or a comment with #)"));
            }
        }
    }
    if measured.series.is_empty() {
        return Err("it holds no interval: no HdrHistogram log, or an empty one".to_owned());
    }
    measured.series = by_hop(measured.series);
    let since = if start.is_zero() { base.unwrap_or_default() } else { start };
    measured.since_ns = nanos(since);
    measured.at_ns = nanos(base.unwrap_or(start).saturating_add(ends));
    Ok(measured)
}

fn add(all: &mut Vec<Series>, name: &str, histogram: Histogram<u64>) -> Result<(), String> {
    let (tag, negative) = Tag::read(name);
    let place = all.iter().position(|series| series.tag == tag);
    let place = place.unwrap_or_else(|| {
        // As large as what it will hold, and growing: intervals of one tag may differ.
        let mut positive = Histogram::new_from(&histogram);
        positive.auto(true);
        all.push(Series { tag, positive, negative: None });
        all.len() - 1
    });
    let series = &mut all[place];
    let sum = if negative {
        series.negative.get_or_insert_with(|| {
            let mut empty = Histogram::new_from(&histogram);
            empty.auto(true);
            empty
        })
    } else {
        &mut series.positive
    };
    sum.add(&histogram).map_err(|error| format!("intervals that do not add up: {error}"))
}

fn moment(unix_ns: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(unix_ns).unwrap_or_default())
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}
