//! Purpose: holds the ledger's reports to what was recorded. Owns: nothing. Thread: tests'. Takes and gives: latencies in, reports out.
//! Never: part of a build that ships.

use std::collections::HashMap;

use hdrhistogram::Histogram;
use proptest::prelude::*;

use super::clock::Clock;
use super::distributions::CONNECTIONS_MAX;
use super::histogram::{Digits, empty, histogram_text, signed_summary};
use super::latencies::{CYCLE_OVER, Latencies};
use super::sheet::NO_KIND;
use crate::schema::id::{ConnectionId, TypeId};
use crate::schema::latency::{Hop, HopView, LatencyDetail};

const TRADE: TypeId = TypeId(1);

fn named(id: TypeId) -> Option<String> {
    (id == TRADE).then(|| "TRADE".to_owned())
}

#[test]
fn a_report_has_each_hop_once_over_all_threads_with_both_signs() {
    let latencies = Latencies::new(Clock::default(), CYCLE_OVER);
    let mut threads = [latencies.recorder(Hop::ReadToPublished), latencies.recorder(Hop::ReadToPublished)];
    let mut signed = latencies.signed(Hop::ExchangeToReceive);
    for (at, thread) in threads.iter_mut().enumerate() {
        (1..=10).for_each(|ns| assert!(thread.record(ns, TRADE, ConnectionId(at as u16))));
    }
    [-300, -20, 0, 40].into_iter().for_each(|ns| assert!(signed.record(ns, TypeId(9), ConnectionId(3))));
    drop((threads, signed));
    let report = latencies.report(LatencyDetail::Histograms, named);
    let rows: Vec<_> = report.hops.iter().map(|v| (v.hop, v.kind.as_deref(), v.connection, v.summary.count)).collect();
    let (exchange, published) = (Hop::ExchangeToReceive, Hop::ReadToPublished);
    let expected = [
        (exchange, None, None, 4),
        (exchange, Some("#9"), None, 4),
        (exchange, None, Some(3), 4),
        (published, None, None, 20),
        (published, Some("TRADE"), None, 20),
        (published, None, Some(0), 10),
        (published, None, Some(1), 10),
    ];
    assert_eq!(rows, expected);
    let total = &report.hops[0];
    assert_eq!((total.summary.min_ns, total.summary.p50_ns, total.summary.max_ns), (-300, -20, 40));
    assert!(total.negative.is_some() && report.hops[3].negative.is_none());
    assert!(report.recorded && report.at_ns >= report.since_ns);
}

#[test]
fn consumers_that_come_and_go_take_bounded_room_and_lose_nothing() {
    let latencies = Latencies::new(Clock::default(), CYCLE_OVER);
    for number in 0..300 {
        let mut consumer = latencies.recorder(Hop::PublishedToConsumed);
        assert!(consumer.record(7, TRADE, ConnectionId(number)));
        drop(consumer);
        // With and without somebody who collects.
        if number % 2 == 0 {
            latencies.collect();
        }
    }
    latencies.collect();
    assert_eq!(latencies.rows(), 1);
    let hops = latencies.report(LatencyDetail::Histograms, named).hops;
    assert_eq!(hops[0].summary.count, 300);
    let connections: Vec<u16> = hops.iter().filter_map(|view| view.connection).collect();
    assert_eq!((connections.len(), connections.last()), (CONNECTIONS_MAX, Some(&299)));
}

#[test]
fn switched_off_there_is_nothing() {
    let latencies = Latencies::off();
    assert!(!latencies.recorder(Hop::ReadToPublished).is_on());
    assert!(latencies.cycles("io").is_none() && latencies.summaries(Hop::ReadToPublished).is_empty());
    let report = latencies.report(LatencyDetail::Histograms, named);
    assert!(!report.recorded && report.hops.is_empty() && report.agents.is_empty());
}

/// What was recorded, latency by latency, by kind and connection.
type Recorded = HashMap<(u16, u16), Vec<i64>>;

/// The view of those that were recorded of some kinds and connections, as it would be if there were a histogram of them alone.
fn view(recorded: &Recorded, kind: Option<u16>, connection: Option<u16>) -> Option<HopView> {
    let digits = if kind.or(connection).is_some() { Digits::Two } else { Digits::Three };
    let (mut after, mut before) = (empty(digits), empty(digits));
    let of = recorded.iter().filter(|((k, c), _)| kind.unwrap_or(*k) == *k && connection.unwrap_or(*c) == *c);
    for ns in of.flat_map(|(_, values)| values) {
        let side: &mut Histogram<u64> = if *ns < 0 { &mut before } else { &mut after };
        side.record(ns.unsigned_abs()).unwrap();
    }
    let before = Some(before).filter(|before| !before.is_empty());
    let (summary, negative) = (signed_summary(&after, before.as_ref()), before.as_ref().map(histogram_text));
    let kind = kind.map(|kind| named(TypeId(kind)).unwrap_or_else(|| format!("#{kind}")));
    let view =
        HopView { hop: Hop::ExchangeToReceive, kind, connection, summary, histogram: histogram_text(&after), negative };
    (summary.count > 0).then_some(view)
}

const KINDS: [u16; 7] = [NO_KIND.0, 1, 2, 9, 33, 64, u16::MAX];
const CONNECTIONS: [u16; 7] = [0, 1, 2, 8, 16, 300, u16::MAX];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However records and swaps follow each other, and over however many threads: each view is, to the byte, that of a histogram of its own.
    #[test]
    fn a_report_is_what_separate_histograms_would_say(
        records in prop::collection::vec(
            (0..KINDS.len(), 0..CONNECTIONS.len(), 0..36_u32, any::<u32>(), any::<bool>(), 0..20_u8), 0..400
        )
    ) {
        let latencies = Latencies::new(Clock::default(), CYCLE_OVER);
        let mut threads = [latencies.signed(Hop::ExchangeToReceive), latencies.signed(Hop::ExchangeToReceive)];
        let mut recorded = Recorded::new();
        for (kind, connection, bits, low, negative, what) in records {
            let (kind, connection) = (KINDS[kind], CONNECTIONS[connection]);
            let size = ((1 << bits) - 1 + (i64::from(low) & ((1 << bits) - 1))).min(60_000_000_000);
            let ns = if negative { -size } else { size };
            recorded.entry((kind, connection)).or_default().push(ns);
            prop_assert!(threads[usize::from(what % 2)].record(ns, TypeId(kind), ConnectionId(connection)));
            if what < 2 {
                latencies.collect();
            }
        }
        drop(threads);
        let kinds = KINDS[1..].iter().map(|kind| view(&recorded, Some(*kind), None));
        let connections = CONNECTIONS.iter().map(|connection| view(&recorded, None, Some(*connection)));
        let expected: Vec<HopView> = [view(&recorded, None, None)].into_iter().chain(kinds).chain(connections).flatten().collect();
        prop_assert_eq!(latencies.report(LatencyDetail::Histograms, named).hops, expected);
    }
}
