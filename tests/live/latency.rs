//! The latency ledger over real sockets: every hop is recorded where it can be, and absent where it cannot.

use meltica::binance::live::LiveOptions;
use meltica::bus::data::{Bus, Filter, SubscribeOptions};
use meltica::engine::Topology;
use meltica::schema::latency::{Hop, HopView, LatencyDetail, LatencyReport};
use meltica::sim::venue::{TlsOptions, Venue};
use meltica::telemetry::Counter;

use crate::rig::{Rig, options_for, venue};

/// What a feed over this venue has recorded once every book is good, and whether the kernel refused stamps.
fn recorded(venue: &Venue, change: impl FnOnce(&mut LiveOptions)) -> (LatencyReport, bool, Rig) {
    let mut options = options_for(venue);
    change(&mut options);
    let mut rig = Rig::on(Topology::Lean, 1, &options, Some(venue.oracle()));
    let consumer = rig.engine.bus().subscribe(&[], Filter::all(), SubscribeOptions::default()).unwrap();
    let mut consumer = consumer.measured(rig.engine.clock(), rig.engine.latencies());
    rig.until("all is recorded", |rig| {
        consumer.poll(usize::MAX, |_| {});
        rig.engine.latencies().collect();
        rig.count(Counter::Published) > 2_000
    });
    // Each thread hands over with its next record.
    let published = rig.count(Counter::Published);
    rig.until("histograms are handed over", |rig| {
        consumer.poll(usize::MAX, |_| {});
        rig.count(Counter::Published) > published + 100
    });
    let refused = rig.notes.iter().any(|note| note.contains("SO_TIMESTAMPNS"));
    (rig.engine.latencies().report(LatencyDetail::Histograms, |id| Some(format!("{}", id.0))), refused, rig)
}

fn of(report: &LatencyReport, hop: Hop) -> Vec<&HopView> {
    report.hops.iter().filter(|view| view.hop == hop).collect()
}

#[test]
fn every_hop_is_recorded_over_tls_and_in_the_clear() {
    for tls in [false, true] {
        let venue = venue(|options| options.tls = tls.then(|| TlsOptions::loopback().unwrap()));
        let (report, refused, rig) = recorded(&venue, |options| {
            if tls {
                let ws = format!("wss://{}", venue.address());
                let rest = format!("https://{}", venue.address());
                options.ws = meltica::binance::live::Endpoint::websocket(&ws).unwrap();
                options.rest = meltica::binance::live::Endpoint::rest(&rest).unwrap();
                options.ca_pem = venue.ca_pem().map(str::to_owned);
            }
            options.kernel_stamps = true;
        });
        for hop in Hop::ALL {
            let views = of(&report, hop);
            if hop == Hop::KernelToRead && refused {
                assert!(views.is_empty(), "absent, not zero: {views:?}");
                continue;
            }
            let total = views.first().unwrap_or_else(|| panic!("{hop:?}, tls {tls}: {report:?}"));
            assert!(total.kind.is_none() && total.connection.is_none() && total.summary.count > 0, "{total:?}");
            let sum = |views: &[&HopView], by: fn(&&&HopView) -> bool| -> u64 {
                views.iter().filter(by).map(|view| view.summary.count).sum()
            };
            assert_eq!(sum(&views, |view| view.connection.is_some()), total.summary.count, "{hop:?}: by connection");
            // What the kernel stamps is no event yet.
            let kinds = if hop == Hop::KernelToRead { 0 } else { total.summary.count };
            assert_eq!(sum(&views, |view| view.kind.is_some()), kinds, "{hop:?}: by kind");
        }
        // A stamp is never used twice: at most one a frame.
        let stamped = of(&report, Hop::KernelToRead).first().map_or(0, |view| view.summary.count);
        assert!(stamped <= rig.count(Counter::FramesIn));
        // Ours and the exchange's clock are one here, read twice; it stamps by milliseconds, cut off: nothing is from the future.
        let exchange = of(&report, Hop::ExchangeToReceive)[0].summary;
        assert!(exchange.min_ns > -1_000_000, "{exchange:?}");
        let names: Vec<_> = report.agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["io", "shard-0"]);
        assert!(report.agents.iter().all(|agent| agent.cycles > agent.busy && agent.cycle_ns_max > 0), "{report:?}");
        rig.finish();
    }
}

#[test]
fn without_stamps_of_the_kernel_their_hop_is_absent() {
    let venue = venue(|_| {});
    let (report, refused, rig) = recorded(&venue, |_| {});
    assert!(!refused && of(&report, Hop::KernelToRead).is_empty());
    assert!(!of(&report, Hop::ReadToPublished).is_empty());
    rig.finish();
}
