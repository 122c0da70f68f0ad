//! What becomes of symbols and of what is told of them: halts, delistings, finer ticks, other words, numbers that are none.

use std::time::Duration;

use meltica::sim::faults::Fault;
use meltica::sim::spec::Status;
use meltica::sim::spoil::{BadNumber, Dress};
use meltica::sim::venue::{Venue, VenueFault};
use serde_json::Value;
use tungstenite::Message;

use crate::client::{NaiveBook, connect, get, json, until, venue};

fn busy() -> Venue {
    venue(|options| {
        options.exchange.events_per_second = 1_000.0;
        // These tests ask for exchangeInfo again and again.
        options.limits.weight_max = 10_000_000;
        options.exchange.symbols.iter_mut().for_each(|spec| spec.levels = spec.levels.min(500));
    })
}

fn btc() -> Vec<String> {
    vec!["BTCUSDT".to_owned()]
}

/// What exchangeInfo says of a symbol.
fn info(venue: &Venue, symbol: &str) -> Option<Value> {
    let listed = get(venue.address(), "/api/v3/exchangeInfo").json();
    listed["symbols"].as_array().unwrap().iter().find(|s| s["symbol"] == symbol).cloned()
}

/// Waits until a stream of another symbol has spoken so often more, and gives what the stream of the first said meanwhile.
fn while_another_speaks(venue: &Venue, frames: usize) -> usize {
    let mut socket = connect(venue.address(), "/stream?streams=btcusdt@trade/btcusdt@bookTicker/ethusdt@bookTicker");
    let (mut own, mut others) = (0, 0);
    while others < frames {
        let frame = json(&mut socket);
        if frame["stream"] == "ethusdt@bookTicker" { others += 1 } else { own += 1 }
    }
    own
}

#[test]
fn a_symbol_of_any_other_status_is_told_so_and_stands_still_until_it_trades_again() {
    for becomes in Status::ALL.into_iter().filter(|status| *status != Status::Trading) {
        let venue = busy();
        venue.inject(VenueFault::Status { symbols: btc(), becomes, lasts: None });
        until("the status is told", || info(&venue, "BTCUSDT").unwrap()["status"] == becomes.word());
        assert_eq!(while_another_speaks(&venue, 100), 0, "{becomes:?}");
        assert_eq!(get(venue.address(), "/api/v3/depth?symbol=BTCUSDT&limit=5").status, 200, "its book stands still");
        assert_eq!(info(&venue, "ETHUSDT").unwrap()["status"], "TRADING");
        venue.inject(VenueFault::Status { symbols: btc(), becomes: Status::Trading, lasts: None });
        until("it trades again", || while_another_speaks(&venue, 20) > 0);
    }
    let venue = busy();
    let lasts = Some(Duration::from_millis(500));
    venue.inject(VenueFault::Status { symbols: btc(), becomes: Status::Halt, lasts });
    until("it halts", || info(&venue, "BTCUSDT").unwrap()["status"] == "HALT");
    until("it trades again by itself", || info(&venue, "BTCUSDT").unwrap()["status"] == "TRADING");
}

#[test]
fn a_symbol_that_never_traded_may_begin_to() {
    let venue = venue(|options| {
        options.exchange.events_per_second = 1_000.0;
        options.exchange.symbols[0].status = Status::Break;
    });
    assert_eq!(while_another_speaks(&venue, 50), 0);
    venue.inject(VenueFault::Status { symbols: btc(), becomes: Status::Trading, lasts: None });
    until("it trades", || while_another_speaks(&venue, 20) > 0);
}

#[test]
fn a_symbol_that_is_delisted_is_unknown_and_silent_until_it_is_listed_again() {
    let venue = busy();
    let mut socket = connect(venue.address(), "/ws/btcusdt@depth@100ms");
    let before = json(&mut socket)["u"].as_u64().unwrap();
    venue.inject(VenueFault::Delist { symbols: btc(), lasts: Some(Duration::from_secs(2)) });
    until("it is gone", || info(&venue, "BTCUSDT").is_none());
    for target in
        ["depth?symbol=BTCUSDT", "trades?symbol=BTCUSDT", "exchangeInfo?symbol=BTCUSDT", "ticker/price?symbol=BTCUSDT"]
    {
        assert_eq!(get(venue.address(), &format!("/api/v3/{target}")).json()["code"], -1121, "{target}");
    }
    let all = get(venue.address(), "/api/v3/ticker/price").json();
    assert!(all.as_array().unwrap().iter().all(|t| t["symbol"] != "BTCUSDT"));
    until("it is back", || info(&venue, "BTCUSDT").is_some());
    assert!(json(&mut socket)["u"].as_u64().unwrap() >= before, "and its stream goes on");
}

#[test]
fn after_a_change_of_the_tick_size_prices_are_finer_and_books_stay_true() {
    let venue = busy();
    let tick = || info(&venue, "ETHUSDT").unwrap()["filters"][0]["tickSize"].as_str().unwrap().to_owned();
    assert_eq!(tick(), "0.01000000");
    let mut socket = connect(venue.address(), "/ws/ethusdt@depth@100ms");
    let first = json(&mut socket);
    let mut book = NaiveBook::from_snapshot(&get(venue.address(), "/api/v3/depth?symbol=ETHUSDT&limit=5000").json());
    assert!(book.apply(&first));
    venue.inject(VenueFault::TickSize { symbols: vec!["ETHUSDT".to_owned()], digits: 2 });
    let finer = |diff: &Value| {
        let levels = diff["b"].as_array().unwrap().iter().chain(diff["a"].as_array().unwrap());
        levels.filter(|l| !l[0].as_str().unwrap().ends_with("000000")).count()
    };
    let mut seen = 0;
    while seen < 20 {
        let diff = json(&mut socket);
        seen += finer(&diff);
        assert!(book.apply(&diff));
    }
    assert_eq!(tick(), "0.00010000");
    book.must_be_true(&venue.oracle(), "ETHUSDT");
    // Scales of more than eight digits together do not fit: nothing happens.
    venue.inject(VenueFault::TickSize { symbols: vec!["ETHUSDT".to_owned()], digits: 8 });
    for _ in 0..10 {
        assert!(book.apply(&json(&mut socket)));
    }
    book.must_be_true(&venue.oracle(), "ETHUSDT");
    assert_eq!(tick(), "0.00010000");
}

#[test]
fn other_words_say_the_same_and_bad_numbers_are_in_what_they_befell_only() {
    let faults =
        Dress::ALL.iter().map(|d| Fault::Dressed(*d)).chain(BadNumber::ALL.iter().map(|b| Fault::BadNumber(*b)));
    let venue = busy();
    let mut socket = connect(venue.address(), "/stream?streams=btcusdt@depth@100ms/ethusdt@depth@100ms");
    for fault in faults {
        let before = venue.journal().entries().len();
        venue.inject(VenueFault::Frames { fault: fault.clone(), symbols: btc(), count: 1 });
        let plain = |text: &str, symbol: &str| {
            text.starts_with(&format!(r#"{{"stream":"{symbol}@depth@100ms","data":{{"e":"depthUpdate","E":"#))
        };
        // The frame that it befell follows its entry in the journal; all others are plain.
        let struck = loop {
            let Message::Text(text) = socket.read().unwrap() else { continue };
            let ordinary = plain(&text, "ethusdt") || plain(&text, "btcusdt") && !is_struck(&text, &fault);
            if !ordinary {
                break text.to_string();
            }
        };
        let entries = venue.journal().entries();
        assert_eq!((entries.len(), &entries[before].fault), (before + 1, &fault), "{struck}");
        if let Fault::Dressed(_) = fault {
            let read: Value = serde_json::from_str(&struck).unwrap();
            assert_eq!(read["data"]["u"], entries[before].ids.1, "{struck}");
        }
    }
}

/// Whether a frame that begins as all do was written by this fault.
fn is_struck(text: &str, fault: &Fault) -> bool {
    let read: Value = serde_json::from_str(text).unwrap();
    let levels = |side: &str| read["data"][side].as_array().unwrap().clone();
    let prices: Vec<Value> = [levels("b"), levels("a")].concat().iter().map(|level| level[0].clone()).collect();
    let decimals = |price: &Value| price.as_str().map_or(0, |p| p.split_once('.').map_or(0, |(_, tail)| tail.len()));
    if *fault == Fault::Dressed(Dress::MoreDecimals) {
        return prices.iter().any(|price| decimals(price) == 14);
    }
    let sound = |price: &Value| {
        let digits = price.as_str().unwrap_or_default();
        let plain = digits.len() < 40 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        plain && digits.parse::<f64>().is_ok_and(|price| price > 0.0)
    };
    !read["data"]["u"].is_u64() || !prices.iter().all(sound)
}
