//! What two looks say: rates, what grew, restarts, losses.

use super::draw_tests::{latency, status, top};
use super::figures::{Contact, Figures};
use super::news::{News, Quality};
use crate::telemetry::Counter;
use std::time::Duration;

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn told(figures: &mut Figures, ms: u64, uptime_s: u64, counters: &[(Counter, u64)]) {
    figures.take(News::Status(Box::new(status(uptime_s, counters))), at(ms));
}

#[test]
fn rates_are_of_two_looks_and_begin_anew_with_the_feed() {
    let mut figures = Figures::default();
    let rate = |figures: &Figures| figures.count(Counter::Published).rate;
    told(&mut figures, 0, 10, &[(Counter::Published, 1_000)]);
    assert_eq!((rate(&figures), figures.count(Counter::Published).grown), (0.0, 0), "one look says nothing of speed");
    told(&mut figures, 200, 10, &[(Counter::Published, 9_000)]);
    assert_eq!(rate(&figures), 0.0, "too soon after the first one");
    told(&mut figures, 2_000, 12, &[(Counter::Published, 3_000)]);
    assert_eq!((rate(&figures), figures.history.make_contiguous()), (1_000.0, &mut [1_000][..]));
    // Counters that were not there were zero.
    told(&mut figures, 3_000, 13, &[(Counter::Published, 3_000), (Counter::Lagged, 4)]);
    assert_eq!((rate(&figures), figures.count(Counter::Lagged).rate), (0.0, 4.0));
    assert_eq!(
        figures.losses().map(|(label, count)| (label.to_owned(), count.grown)).collect::<Vec<_>>(),
        [(Counter::Lagged.label().to_owned(), 4)]
    );
    figures.take(News::Tops(vec![top("BTC-USDT", "Good", 7, 3_100)]), at(3_100));
    // It was started anew: nothing of before counts.
    told(&mut figures, 4_000, 1, &[(Counter::Published, 50)]);
    assert_eq!((rate(&figures), figures.losses().count(), figures.books.len()), (0.0, 0, 0));
}

/// Tops come late and by a way of their own: one from before a change of quality must not hide it, and a price is as old as its
/// line, whenever it is handed on and whatever is said of the book's quality.
#[test]
fn a_price_and_a_quality_are_each_as_old_as_they_are() {
    let price = |seq, read_ms| News::Tops(vec![top("BTC-USDT", "Good", seq, read_ms)]);
    let change = |quality: &str, receive_ns| {
        let book = top("BTC-USDT", "", 0, 0).book;
        News::Quality(Quality { book, quality: quality.to_owned(), receive_ns })
    };
    let table = [
        (5, change("Syncing", 1), ("Syncing", None, None), "no price yet"),
        (10, price(5, 10), ("Good", Some(at(10)), Some(5)), "a price"),
        (60, change("Stale", 60), ("Stale", Some(at(10)), Some(5)), "a change makes the price no younger"),
        (1_050, price(50, 55), ("Stale", Some(at(55)), Some(50)), "a price from before the change"),
        (1_060, change("Gap", 40), ("Stale", Some(at(55)), Some(50)), "a change from before the change"),
        (2_000, price(61, 2_000), ("Good", Some(at(2_000)), Some(61)), "a price from after it"),
        (
            17_000,
            price(70, 2_100),
            ("Good", Some(at(2_100)), Some(70)),
            "a price left over from a stream that fell silent",
        ),
    ];
    let mut figures = Figures::default();
    for (ms, news, expected, why) in table {
        figures.take(news, at(ms));
        let book = figures.books.values().next().unwrap();
        let found = (book.quality.as_str(), book.heard, book.top.as_ref().map(|top| top.seq));
        assert_eq!(found, expected, "{why}");
    }
}

#[test]
fn what_was_lost_is_told_of_for_a_minute() {
    let mut figures = Figures::default();
    told(&mut figures, 0, 10, &[(Counter::FramesMalformed, 3)]);
    assert_eq!(figures.losses().count(), 0, "it was lost before anyone looked");
    told(&mut figures, 1_000, 11, &[(Counter::FramesMalformed, 5), (Counter::DiffsHeld, 9)]);
    let lost = |figures: &Figures| figures.losses().map(|(label, _)| label.to_owned()).collect::<Vec<_>>();
    assert_eq!(lost(&figures), ["malformed frames"], "held diffs are no loss");
    for (ms, count) in [(60_999, 1), (61_000, 0)] {
        figures.tick(at(ms));
        assert_eq!(lost(&figures).len(), count, "{ms}");
    }
}

#[test]
fn a_feed_that_goes_away_is_lost_since_its_last_answer_until_the_next() {
    let mut figures = Figures::default();
    told(&mut figures, 0, 10, &[]);
    for ms in [1_000, 2_000] {
        figures.take(News::Lost(format!("gone at {ms}")), at(ms));
    }
    assert_eq!(figures.contact, Contact::Lost { since: at(0), why: "gone at 2000".to_owned() });
    told(&mut figures, 3_000, 13, &[]);
    assert_eq!(figures.contact, Contact::Held);
}

#[test]
fn updates_of_a_book_are_counted_by_their_numbers() {
    let mut figures = Figures::default();
    let mut rate = |ms: u64, seq: u64| {
        figures.take(News::Tops(vec![top("BTC-USDT", "Good", seq, ms)]), at(ms));
        figures.books.values().next().and_then(|book| book.rate)
    };
    let table = [
        (0, 100, None),
        (500, 110, None),
        (1_000, 150, Some(50.0)),
        (3_000, 350, Some(100.0)),
        (4_000, 3, Some(100.0)),
    ];
    for (ms, seq, expected) in table {
        assert_eq!(rate(ms, seq), expected, "{ms}");
    }
}

#[test]
fn percentiles_are_of_the_last_seconds() {
    let mut figures = Figures::default();
    // Values in ns, each report holding those before it.
    let mut all: Vec<u64> = Vec::new();
    let mut report = |ms: u64, new: &[u64]| {
        all.extend_from_slice(new);
        figures.take(News::Latency(Some(Box::new(latency(&all)))), at(ms));
        let latency = figures.latency.as_ref().unwrap();
        latency.rows.iter().find(|row| row.of.is_none()).map(|row| (row.p50_ns, row.rate, latency.span))
    };
    assert_eq!(report(0, &[1_000]), Some((1_000, None, None)), "since the feed began");
    assert_eq!(report(2_000, &[10, 10]), Some((10, Some(1.0), Some(at(2_000)))));
    assert_eq!(report(10_000, &[20; 8]), Some((20, Some(1.0), Some(at(10_000)))));
    assert_eq!(report(12_000, &[30; 20]), Some((30, Some(2.8), Some(at(10_000)))), "the oldest have gone");
    assert_eq!(report(22_000, &[]), None, "nothing new: no percentiles");
}

#[test]
fn a_damaged_report_says_nothing() {
    let mut figures = Figures::default();
    let mut report = latency(&[5]);
    report.hops[0].histogram = "AAAA".to_owned();
    figures.take(News::Latency(Some(Box::new(report))), at(0));
    assert!(!figures.latency.as_ref().unwrap().told);
}
