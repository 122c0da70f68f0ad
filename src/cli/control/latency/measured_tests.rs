//! Percentiles over both signs, tags, logs there and back, percentile text.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::coded::decode;
use super::hgrm::hgrm;
use super::hlog;
use super::measured::{Measured, Series, Tag};
use super::text::text;
use crate::schema::latency::{CLOCK_CAVEAT, Hop};
use crate::telemetry::histogram_text;

/// A series of these values, ns.
pub(super) fn series(hop: &str, kind: Option<&str>, values: &[i64]) -> Series {
    let empty = || Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    let (mut positive, mut negative) = (empty(), empty());
    for value in values {
        if *value < 0 { &mut negative } else { &mut positive }.record(value.unsigned_abs()).unwrap();
    }
    let negative = Some(negative).filter(|negative| !negative.is_empty());
    Series { tag: Tag { hop: hop.into(), kind: kind.map(str::to_owned), connection: None }, positive, negative }
}

pub(super) fn measured(series: Vec<Series>) -> Measured {
    let (since_ns, at_ns) = (1_795_701_000_000_000_000, 1_795_701_012_500_000_000);
    Measured { since_ns, at_ns, series, clock: CLOCK_CAVEAT.into(), ..Measured::default() }
}

#[test]
fn percentiles_are_over_both_signs() {
    let own: Vec<i64> = (1..=100).collect();
    let both: Vec<i64> = (-50..50).collect();
    let below: Vec<i64> = (-100..=-1).collect();
    // Three digits tell 2,048 from 2,047, and 3,001 not from 3,000: of those each figure is the largest.
    let coarse = vec![-3_001, -3_000, 3_000, 3_001];
    // (values, [least, p50, p90, p99, greatest, mean])
    for (values, expected) in [
        (&own, [1, 50, 90, 99, 100, 50]),
        (&both, [-50, -1, 39, 48, 49, 0]),
        (&below, [-100, -51, -11, -2, -1, -50]),
        (&coarse, [-3_000, -3_000, 3_001, 3_001, 3_001, 0]),
        (&vec![7], [7; 6]),
        (&Vec::new(), [0; 6]),
    ] {
        let one = series("x", None, values);
        let figures = one.summary();
        let found = [figures.min_ns, figures.p50_ns, figures.p90_ns, figures.p99_ns, figures.max_ns, figures.mean_ns];
        assert_eq!(found, expected, "{values:?}");
        assert_eq!((one.count(), figures.count), (values.len() as u64, values.len() as u64));
        if *values != coarse {
            assert_eq!(figures.sum_ns, values.iter().sum::<i64>(), "{values:?}");
        }
    }
}

#[test]
fn a_curve_begins_where_what_is_below_zero_ends_and_ends_at_the_slowest() {
    let one = series("x", None, &(-50..50).collect::<Vec<_>>());
    let curve = one.curve();
    assert_eq!(curve[0], (2.0, 0.0), "half of them are below zero");
    assert_eq!(*curve.last().unwrap(), (100.0, 49.0), "one in a hundred");
    assert!(curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
}

#[test]
fn tags_are_read_as_they_are_written() {
    for (hop, kind, connection, negative, text) in [
        ("readToPublished", None, None, false, "readToPublished"),
        ("readToPublished", Some("TRADE.AGGREGATE"), None, false, "readToPublished/TRADE.AGGREGATE"),
        ("exchangeToReceive", None, Some(4), true, "exchangeToReceive/connection-4/negative"),
        ("somebody's", None, None, false, "somebody's"),
    ] {
        let tag = Tag { hop: hop.into(), kind: kind.map(str::to_owned), connection };
        assert_eq!((tag.text(negative).as_str(), Tag::read(text)), (text, (tag, negative)));
    }
}

#[test]
fn a_log_is_read_as_it_was_written() {
    let hops = vec![
        series(Hop::ExchangeToReceive.name(), None, &[-3_000, 5, 900_000]),
        series(Hop::ReadToPublished.name(), None, &(1..5_000).collect::<Vec<_>>()),
        series(Hop::ReadToPublished.name(), Some("TRADE"), &[700, 800]),
    ];
    let before = measured(hops);
    let log = String::from_utf8(hlog::write(&before).unwrap()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "#[Histogram log format version 1.2]");
    assert!(log.contains("#[StartTime: 1795701000.000 (seconds since epoch)]"), "{log}");
    assert!(log.contains("\nTag=exchangeToReceive/negative,0.000,12.500,0.003,HIST"), "{log}");
    let after = hlog::read(log.as_bytes()).unwrap();
    assert_eq!((after.since_ns, after.at_ns), (before.since_ns, before.at_ns));
    assert_eq!(before.series.len(), after.series.len());
    for (one, other) in before.series.iter().zip(&after.series) {
        assert_eq!((&one.tag, one.summary()), (&other.tag, other.summary()));
        assert_eq!((&one.positive, &one.negative), (&other.positive, &other.negative));
    }
    // Intervals of one tag add up; so does what has no tag; a line end that is missing or doubled is no fault.
    let interval = lines.last().unwrap().trim_start_matches("Tag=readToPublished/TRADE,");
    let foreign = format!(
        "{log}{interval}\nTag=b,1.000,2.000,0.1,{0}\nTag=b,3.500,0.250,0.1,{0}\n\n",
        interval.rsplit(',').next().unwrap()
    );
    for text in [foreign.as_str(), foreign.trim_end()] {
        let read = hlog::read(text.as_bytes()).unwrap();
        let counts: BTreeMap<String, u64> = read.series.iter().map(|one| (one.tag.to_string(), one.count())).collect();
        assert_eq!((counts["untagged"], counts["b"], counts["readToPublished/TRADE"]), (2, 4, 2));
    }
    assert!(
        text(&before, None).contains("-3.00 µs") && text(&after, None).contains("clockAheadNs"),
        "{}",
        text(&before, None)
    );
}

#[test]
fn a_damaged_log_is_refused_and_says_where() {
    let log = String::from_utf8(hlog::write(&measured(vec![series("a", None, &[1, 2])])).unwrap()).unwrap();
    let broken = |from: &str, to: &str| log.replace(from, to);
    for (text, word) in [
        (String::new(), "no interval"),
        ("hello\n".to_owned(), "line 1"),
        (format!("{log}what is this\n{log}"), "line 7"),
        (broken("HIST", "HI,T"), "an interval of a"),
        (broken(",HIST", ",####"), "no base64"),
        (broken(",HIST", ",AAAA"), "no HdrHistogram"),
        ("\u{0}\u{ff}\n".to_owned(), "line 1"),
        ("18446744073709551615.5,1.5,1.0,x\n".to_owned(), "no clock has"),
    ] {
        let error = hlog::read(text.as_bytes()).map(|_| ()).unwrap_err();
        assert!(error.contains(word), "{word} is not in: {error}");
    }
    assert!(decode("").is_err() && decode(&histogram_text(&Histogram::new(3).unwrap())).is_ok());
}

/// As `outputPercentileDistribution` of the original writes it (five ticks, microseconds); held against another library by hand.
#[test]
fn percentile_text_is_as_the_plotter_reads_it() {
    let one = series("readToPublished", Some("TRADE"), &[1_000, 2_000, 3_000, 4_000]);
    assert_eq!(hgrm(&one), include_str!("four.hgrm"));
}

#[test]
fn percentile_text_says_of_both_signs_what_the_table_says() {
    // Its arithmetic puts a line one place too far where a share is no binary fraction.
    const PLACE: f64 = 1.5;
    let all_below: Vec<i64> = (-9..0).map(|us| us * 1_000).collect();
    for (values, lines) in [
        (&(1..=400).map(|us| us * 1_000).collect::<Vec<i64>>(), true),
        (&(-100..300).map(|us| us * 1_000).collect(), true),
        (&(-399..=1).map(|us| us * 1_000).collect(), true),
        (&all_below, false),
        (&Vec::new(), false),
    ] {
        let one = series("exchangeToReceive", None, values);
        let (text, figures) = (hgrm(&one), one.summary());
        let rows: Vec<Vec<f64>> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<_>>())
            .filter(|row: &Vec<f64>| !row.is_empty())
            .collect();
        assert_eq!(!rows.is_empty(), lines, "{text}");
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            let share = one.below_zero() as f64 / values.len() as f64;
            assert!((first[1] - share).abs() < 1e-9, "it begins at {share}: {text}");
            assert_eq!((last[1], last[2] as usize), (1.0, values.len()), "{text}");
        }
        for (quantile, ns) in [(0.5, figures.p50_ns), (0.9, figures.p90_ns), (0.99, figures.p99_ns)] {
            let us = ns as f64 / 1_000.0;
            let before = rows.iter().rev().find(|row| row[1] <= quantile).map_or(f64::NEG_INFINITY, |row| row[0]);
            let after = rows.iter().find(|row| row[1] >= quantile).map_or(f64::INFINITY, |row| row[0]);
            assert!(before - PLACE < us && us < after + PLACE, "{quantile} is {us}, not {before} to {after}: {text}");
        }
        let mean = figures.mean_ns as f64 / 1_000.0;
        let told = text.split("#[Mean    = ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
        assert!((told.trim().parse::<f64>().unwrap() - mean).abs() < 0.6, "mean {mean}: {text}");
        assert!(text.contains(&format!("Total count    = {:12}]", values.len())), "{text}");
    }
}
