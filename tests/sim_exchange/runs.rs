//! Purpose: proves runs repeatable, ordered, paced, and refused when asked for nonsense.
//! Owns: nothing. Thread: the test's. Takes and gives: whole runs. Never: measures time.

use meltica::schema::frame::{FrameSource, Pulled, SnapshotRequest, Urgency};
use meltica::schema::id::Market;
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::faults::{Fault, FaultRule, When};
use meltica::sim::options::{Pace, SimOptions};
use meltica::sim::source::SimSource;
use meltica::telemetry::Clock;
use serde_json::Value;

use crate::reading::{Kept, drain, keep, options, run};

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let first = run(options(21, 12, Channels::ALL, 8_000));
    assert!(first == run(options(21, 12, Channels::ALL, 8_000)));
    assert!(first != run(options(22, 12, Channels::ALL, 8_000)));
}

#[test]
fn watching_fewer_streams_or_more_symbols_changes_no_event() {
    let of = |symbols, channels| {
        let mut options = options(4, symbols, channels, u64::MAX);
        options.duration_ns = Some(3_000_000_000);
        let kept = drain(&mut SimSource::new(options).expect("valid options"), |_| None);
        let is_btc_diff = |k: &Kept| k.bytes.starts_with(b"{\"stream\":\"btcusdt@depth@100ms\"");
        kept.into_iter().filter(is_btc_diff).map(|k| k.bytes).collect::<Vec<_>>()
    };
    let alone = of(1, Channels::NONE.with(Channel::Depth));
    assert!(alone.len() > 20);
    assert!(alone == of(40, Channels::ALL));
}

#[test]
fn frames_come_in_order_of_their_receive_times_with_numbers_per_connection() {
    let kept = run(options(2, 20, Channels::ALL, 10_000));
    let mut next = [0; 2];
    let mut last = i64::MIN;
    for frame in &kept {
        assert!(frame.receive >= last);
        last = frame.receive;
        assert_eq!(frame.number, next[usize::from(frame.connection)]);
        next[usize::from(frame.connection)] += 1;
        assert_eq!(frame.connection == 1, !frame.body_of.is_empty());
    }
    assert!(next[0] == 10_000 && next[1] > 20);
    let info: Value = serde_json::from_slice(&kept[0].bytes).expect("JSON");
    let listed = info["symbols"].as_array().expect("symbols");
    assert_eq!(listed.len(), 20);
    assert_eq!((&listed[0]["symbol"], &listed[0]["status"]), (&"BTCUSDT".into(), &"TRADING".into()));
    assert_eq!(listed[0]["filters"][0]["tickSize"], "0.01000000");
    assert_eq!(listed[0]["filters"][1]["stepSize"], "0.00001000");
    assert_eq!(info["rateLimits"][0]["limit"], 6_000);
}

fn never(symbol: &str) -> FaultRule {
    FaultRule { symbols: vec![symbol.to_owned()], fault: Fault::Drop, when: When::At(Vec::new()) }
}

#[test]
fn what_is_not_listed_is_refused_and_bad_options_are_named() {
    let mut source = SimSource::new(options(1, 1, Channels::CORE, 1)).expect("valid options");
    source.request_snapshot(SnapshotRequest {
        market: Market::BinanceSpot,
        symbol: "NOPE",
        epoch: 0,
        urgency: Urgency::Book,
    });
    source.request_snapshot(SnapshotRequest {
        market: Market::BinanceUsdm,
        symbol: "BTCUSDT",
        epoch: 0,
        urgency: Urgency::Book,
    });
    assert_eq!(source.counts().requests_refused, 2);
    type Spoil = fn(&mut SimOptions);
    let table: [(Spoil, &str); 7] = [
        (|o| o.exchange.symbols.clear(), "no symbols"),
        (|o| o.exchange.symbols.push(o.exchange.symbols[0].clone()), "twice"),
        (|o| o.exchange.symbols[1].order_lots = 0, "ETHUSDT"),
        (|o| o.exchange.events_per_second = 0.0, "events_per_second"),
        (|o| o.exchange.depth_interval_ms = 1, "depth_interval_ms"),
        (|o| o.exchange.channels_of = vec![("NOPE".to_owned(), Channels::ALL)], "NOPE"),
        (|o| o.faults.rules = vec![never("GONE")], "GONE"),
    ];
    for (spoil, word) in table {
        let mut bad = options(1, 2, Channels::CORE, 1);
        spoil(&mut bad);
        let error = SimSource::new(bad).expect_err("refused").to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_rate_of_frames_is_met_within_a_fifth() {
    for (channels, rate) in [(Channels::CORE, 20_000), (Channels::ALL, 50_000), (Channels::CORE, 5_000)] {
        let mut options = options(1, 30, channels, u64::MAX);
        options.frames_per_second = Some(rate);
        options.duration_ns = Some(2_000_000_000);
        let mut source = SimSource::new(options).expect("valid options");
        drain(&mut source, |_| None);
        let made = source.counts().frames_made / 2;
        let rate = u64::from(rate);
        assert!(made > rate * 4 / 5 && made < rate * 6 / 5, "{made} for {rate}");
    }
}

#[test]
fn in_real_time_nothing_comes_before_it_is_due() {
    let clock = Clock::default();
    let mut options = options(1, 3, Channels::CORE, 200);
    options.pace = Pace::RealTime(clock.clone());
    options.exchange.events_per_second = 2_000.0;
    options.announce_exchange_info = false;
    let start = options.exchange.start.0;
    let mut source = SimSource::new(options).expect("valid options");
    let opened = clock.now_ns();
    let mut kept = Vec::new();
    let mut waited = 0u64;
    loop {
        let pulled = source.pull(&mut |frame| kept.push(keep(frame))).expect("never breaks");
        match pulled {
            Pulled::Ended => break,
            Pulled::Nothing => waited += 1,
            Pulled::Frame => {
                let receive = kept.last().map_or(0, |k: &Kept| k.receive) - start;
                assert!(receive as u64 <= clock.now_ns() - opened, "before its time");
            }
        }
    }
    assert!(waited > 0 && kept.len() == 200);
}
