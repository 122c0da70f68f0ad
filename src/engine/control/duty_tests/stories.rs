//! Purpose: what becomes of a duty by one piece of news after another. Owns: nothing. Thread: tests'.
//! Takes and gives: commands and news. Never: part of a build that ships.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::*;
use super::desk::{SECOND, SPOT, Venue, at, directory, duty, filters, listed, named, who};
use crate::bus::data::Filter;
use crate::config::route::{RestFnConfig, RouteConfig, UnknownFields};
use crate::dispatch::{DispatchTable, default_routes};
use crate::schema::canonical_type::builtin;
use crate::schema::command::{Command, ConsumerName, ControlCode, Filters};
use crate::schema::id::InstrumentId;
use crate::schema::report::StreamState;
use crate::schema::topic::PollScope;

fn subscribe(type_name: &str, choice: usize) -> Command {
    let type_name = type_name.to_owned();
    Command::Subscribe { type_name, filters: filters(choice), trace_id: None, lease_seconds: None }
}

fn streams(duty: &Duty) -> Vec<(String, StreamState)> {
    duty.subscriptions_report().streams.into_iter().map(|s| (s.stream, s.state)).collect()
}

#[test]
fn a_stream_goes_through_its_states_and_an_acknowledgement_proves_nothing() {
    let mut duty = duty(None);
    let plan = duty.plan(&who(1), &subscribe("TRADE", 2), at(0)).unwrap();
    duty.apply(plan, at(0));
    let (btc, eth) = ("btcusdt@trade", "ethusdt@trade");
    let hear = |duty: &mut Duty, stream: &str, heard, now| duty.hear(News::Stream(SPOT, stream.into(), heard), at(now));
    let both = |a, b| vec![(btc.to_owned(), a), (eth.to_owned(), b)];
    use StreamState as S;
    assert_eq!(streams(&duty), both(S::Requested, S::Requested));
    hear(&mut duty, btc, Heard::Acknowledged, 1);
    assert!(duty.take_answered().is_empty(), "one of two is answered");
    hear(&mut duty, eth, Heard::Acknowledged, 2);
    assert_eq!(duty.take_answered(), [2 * SECOND as u64], "the last answer counts");
    hear(&mut duty, btc, Heard::Live, 3);
    duty.tick(at(3));
    assert_eq!(streams(&duty), both(S::Live, S::Acknowledged));
    duty.tick(at(4));
    assert_eq!(streams(&duty), both(S::Live, S::Silent), "after two seconds without data");
    duty.hear(News::Symbol(SPOT, "ETHUSDT".into(), Listed::Halted), at(5));
    let why = duty.subscriptions_report().streams[1].why;
    assert_eq!(why, Some(crate::schema::report::SilentCause::Halted));
    hear(&mut duty, eth, Heard::Live, 6);
    hear(&mut duty, btc, Heard::Requested, 7);
    assert_eq!(streams(&duty), both(S::Requested, S::Live), "its connection was lost");
    hear(&mut duty, btc, Heard::Refused, 8);
    assert_eq!(streams(&duty)[0].1, S::Refused);
    let plan = duty.leaving(&who(1)).unwrap();
    duty.apply(plan, at(9));
    assert_eq!(streams(&duty), both(S::Leaving, S::Leaving));
    hear(&mut duty, btc, Heard::Live, 10);
    hear(&mut duty, btc, Heard::Gone, 10);
    hear(&mut duty, btc, Heard::Gone, 10);
    assert_eq!(streams(&duty), [(eth.to_owned(), S::Leaving)]);
    duty.hear(News::Symbol(SPOT, "ETHUSDT".into(), Listed::Trades), at(11));
    let plan = duty.plan(&who(1), &subscribe("TRADE", 2), at(11)).unwrap();
    duty.apply(plan, at(11));
    hear(&mut duty, eth, Heard::Gone, 12);
    assert_eq!(
        streams(&duty),
        both(S::Requested, S::Requested),
        "wanted anew before it was gone: a late word is no news"
    );
}

#[test]
fn a_stream_expected_rarely_is_given_three_intervals() {
    let mut duty = duty(None);
    let plan = duty.plan(&who(1), &subscribe("KLINE", 1), at(0)).unwrap();
    duty.apply(plan, at(0));
    duty.hear(News::Stream(SPOT, "btcusdt@kline_1m".into(), Heard::Acknowledged), at(0));
    duty.tick(at(5));
    assert_eq!(streams(&duty)[0].1, StreamState::Acknowledged);
    duty.tick(at(6));
    assert_eq!(streams(&duty)[0].1, StreamState::Silent);
}

#[test]
fn a_time_that_a_later_command_overtook_is_not_measured() {
    let mut duty = duty(None);
    for (n, seconds) in [(1, 0), (1, 1)] {
        let plan = match seconds {
            0 => duty.plan(&who(n), &subscribe("TRADE", 1), at(0)).unwrap(),
            _ => duty.leaving(&who(n)).unwrap(),
        };
        duty.apply(plan, at(seconds));
    }
    duty.hear(News::Stream(SPOT, "btcusdt@trade".into(), Heard::Gone), at(5));
    assert_eq!(duty.take_answered(), [4 * SECOND as u64]);
}

#[test]
fn what_the_venue_lists_later_reaches_those_whom_it_concerns() {
    let mut duty = duty(None);
    let mut venue = Venue::default();
    for (n, choice) in [(1, 0), (3, 1), (5, 4)] {
        let plan = duty.plan(&who(n), &subscribe("TRADE", choice), at(0)).unwrap();
        duty.apply(plan, at(0));
    }
    venue.carry_out(duty.take_orders());
    let version = duty.version();
    duty.directory.admit(listed("SUI")).unwrap();
    assert!(duty.discover(at(1)), "a set of instruments has grown");
    assert!(!duty.discover(at(1)));
    venue.carry_out(duty.take_orders());
    assert!(venue.on.contains("suiusdt@trade") && duty.version() == version);
    assert!(duty.table().lets_through(builtin::TRADE, InstrumentId(4)));
    // One that is halted gets its streams when it trades, and loses them when it is dropped.
    let turn = |duty: &mut Duty, listed| duty.hear(News::Symbol(SPOT, "OLDUSDT".into(), listed), at(2));
    turn(&mut duty, Listed::Trades);
    turn(&mut duty, Listed::Trades);
    venue.carry_out(duty.take_orders());
    assert!(venue.on.contains("oldusdt@trade"));
    turn(&mut duty, Listed::Dropped);
    venue.carry_out(duty.take_orders());
    assert!(!venue.on.contains("oldusdt@trade"));
}

#[test]
fn the_configuration_is_a_consumer_that_nobody_can_send_for() {
    let boot = Boot { instruments: vec!["BTC-USDT".into(), "ETHUSDT".into()], quote: None };
    let mut duty = duty(Some(boot));
    assert_eq!(duty.version(), 1);
    let wanted = duty.wanted_streams();
    assert!(wanted.contains(&(SPOT, "ethusdt@trade".into())) && !wanted.iter().any(|(_, s)| s.starts_with("sol")));
    let plan = duty.plan(&who(1), &subscribe("TRADE", 0), at(0)).unwrap();
    duty.apply(plan, at(0));
    assert!(duty.wanted_streams().contains(&(SPOT, "solusdt@trade".into())));
    let plan = duty.leaving(&who(1)).unwrap();
    duty.apply(plan, at(0));
    assert_eq!(duty.wanted_streams(), wanted, "what the configuration wants stays");
    assert!(ConsumerName::parse(Who::Config.name()).is_err());
    let report = duty.subscriptions_report();
    assert_eq!(report.consumers[0].subscriptions[0].filters["instrument"], json!(["BTC-USDT", "ETHUSDT"]));
}

#[test]
fn commands_are_refused_with_the_code_that_fits() {
    let duty = duty(None);
    let with_trace = |trace: &str| Command::Unsubscribe {
        type_name: "TRADE".into(),
        filters: None,
        trace_id: Some(trace.to_owned()),
    };
    let with = |field: &str, value: Value| Command::Subscribe {
        type_name: "trade".into(),
        filters: Filters::from([(field.to_owned(), value)]),
        trace_id: None,
        lease_seconds: None,
    };
    let table = [
        (subscribe("no.route", 0), Some(ControlCode::UnknownType)),
        (subscribe("bad type", 0), Some(ControlCode::BadType)),
        (subscribe("", 0), Some(ControlCode::BadType)),
        (with_trace("0123"), Some(ControlCode::BadTrace)),
        (with_trace("00000000000000000000000000000001"), None),
        (with_trace("00-00000000000000000000000000000001-0000000000000002-01"), None),
        (with_trace("00-00000000000000000000000000000001-0000000000000000-01"), Some(ControlCode::BadTrace)),
        (with("price", json!("1.5")), None),
        (with("isBuyerMaker2", json!(true)), Some(ControlCode::BadFilter)),
        (with("lastUpdateId", json!(1)), Some(ControlCode::BadFilter)),
        (with("instrument", json!({"op": "like", "value": "B"})), Some(ControlCode::BadFilter)),
        (with("instrument", json!({"op": "in", "value": ["BTC-USDT", "X-Y"]})), Some(ControlCode::UnknownInstrument)),
        (with("instrument", json!({"op": "neq", "value": "X-Y"})), None),
        (with("instrument", json!("BTCUSDT")), Some(ControlCode::UnknownInstrument)),
        (with("market", json!("NASDAQ")), Some(ControlCode::UnknownMarket)),
    ];
    for (command, code) in table {
        let found = duty.plan(&who(1), &command, at(0)).err().map(|(code, _)| code);
        assert_eq!(found, code, "{command:?}");
    }
    let mut full = super::desk::duty(None);
    for n in 0..=SUBSCRIPTIONS_MAX {
        let command = with("price", json!(n));
        match full.plan(&who(1), &command, at(0)) {
            Ok(plan) => _ = full.apply(plan, at(0)),
            Err((code, _)) => assert_eq!((n, code), (SUBSCRIPTIONS_MAX, ControlCode::TooMany)),
        }
    }
    assert_eq!(full.version(), 1 + SUBSCRIPTIONS_MAX as u64);
}

#[test]
fn a_handle_is_handed_what_its_subscriptions_want() {
    let mut duty = duty(None);
    for choice in [1, 3] {
        let plan = duty.plan(&who(2), &subscribe("TRADE", choice), at(0)).unwrap();
        duty.apply(plan, at(0));
    }
    let wants = duty.wants_of(&who(2));
    let passes = |name: &str| wants.iter().any(|(id, f): &(_, Filter)| *id == builtin::TRADE && f.may_pass(name, SPOT));
    assert!(passes("BTC-USDT") && passes("ETH-USDT"));
    assert!(duty.wants_of(&who(4)).is_empty());
}

#[test]
fn a_timed_poll_runs_for_those_who_are_wanted_and_as_long_as_somebody_wants_it() {
    let poll = |name: &str, endpoint: &str| RestFnConfig {
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        interval: Duration::from_secs(5),
        parser: "avg_price".to_owned(),
    };
    let own = RouteConfig {
        rest: vec![poll("average", "/api/v3/avgPrice?symbol={symbol}")],
        unknown_fields: UnknownFields::Drop,
        ..default_routes()["PRICE.AVERAGE"].clone()
    };
    let mut routes = default_routes();
    routes.insert("OWN.AVERAGE".to_owned(), RouteConfig { topics: Vec::new(), ..own });
    let directory = directory();
    let table = DispatchTable::compile(1, &routes, &directory).unwrap();
    let options = DutyOptions { markets: vec![SPOT], boot: None };
    let mut duty = Duty::new(options, table, Arc::clone(&directory), at(0));
    duty.hear(News::Listing(SPOT), at(0));
    duty.discover(at(0));
    let told = |duty: &mut Duty, consumer: usize, command: Option<Command>| {
        if let Some(command) = command {
            let plan = duty.plan(&named(consumer), &command, at(1)).unwrap();
            duty.apply(plan, at(1));
        }
        let polls = duty.take_orders().into_iter().filter_map(|order| match order {
            Order::Poll { name, scope } => Some((name, scope)),
            _ => None,
        });
        polls.map(|(name, scope)| (name == "average").then_some(scope).unwrap()).collect::<Vec<_>>()
    };
    let symbols = |names: &[&str]| PollScope::Symbols(names.iter().map(|name| (*name).into()).collect());
    let leave = || Command::Unsubscribe { type_name: "OWN.AVERAGE".into(), filters: None, trace_id: None };
    assert_eq!(told(&mut duty, 0, None), [], "nobody wants it");
    assert_eq!(told(&mut duty, 1, Some(subscribe("TRADE", 0))), []);
    assert_eq!(told(&mut duty, 1, Some(subscribe("OWN.AVERAGE", 1))), [symbols(&["BTCUSDT"])]);
    assert_eq!(told(&mut duty, 3, Some(subscribe("OWN.AVERAGE", 2))), [symbols(&["BTCUSDT", "ETHUSDT"])]);
    assert_eq!(told(&mut duty, 5, Some(subscribe("OWN.AVERAGE", 1))), [], "it runs for this one already");
    assert_eq!(told(&mut duty, 3, Some(leave())), [symbols(&["BTCUSDT"])]);
    assert_eq!(told(&mut duty, 3, Some(subscribe("OWN.AVERAGE", 0))), [PollScope::All]);
    assert_eq!(told(&mut duty, 3, Some(leave())), [symbols(&["BTCUSDT"])]);
    assert_eq!(told(&mut duty, 5, Some(subscribe("OWN.AVERAGE", 4))), [symbols(&["BTCUSDT", "SOLUSDT"])]);
    directory.admit(listed("SUI")).unwrap();
    duty.discover(at(2));
    assert_eq!(told(&mut duty, 0, None), [symbols(&["BTCUSDT", "SOLUSDT", "SUIUSDT"])], "one that is listed later");
    assert_eq!(told(&mut duty, 1, Some(leave())), [symbols(&["BTCUSDT", "SOLUSDT", "SUIUSDT"])][..0]);
    assert_eq!(told(&mut duty, 5, Some(leave())), [PollScope::Off]);
}
