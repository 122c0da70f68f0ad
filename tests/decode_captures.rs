//! Purpose: every frame of the real captures decodes, and decodes as a second, plain reader says; so do other spellings of
//! them, and damaged ones are refused alike. Owns: the list of fields that the venue sends and no layout knows.
//! Thread: the test runner's. Takes and gives: `$MELTICA_CAPTURES` or `../shared/captures`. Never: passes in silence when
//! captures are absent: it says so.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use meltica::binance::catalogue;
use meltica::schema::id::Market;
use meltica::schema::instrument::Trading;
use meltica::schema::topic::StreamKind;
use meltica::telemetry::Counter;
use proptest::prelude::*;

#[path = "decode/bench.rs"]
mod bench;
#[path = "decode/captures.rs"]
mod captures;
#[path = "decode/json.rs"]
mod json;
#[path = "decode/mutate.rs"]
mod mutate;
#[path = "decode/oracle.rs"]
mod oracle;
#[path = "decode/plain.rs"]
mod plain;

use bench::Bench;
use captures::{FILES, Sample};
use json::Json;
use mutate::{Choices, damage, respell};
use oracle::Verdict;

/// Fields of the captures that no layout knows: those of option streams and of open interest, which no layout is for.
/// Every field of every other frame has its slot.
const UNKNOWN: [(StreamKind, &[&str]); 1] =
    [(StreamKind::Other, &["e", "E", "s", "t", "c", "p", "symbol", "pair", "openInterest", "contractType", "time"])];

#[test]
fn every_captured_frame_decodes_as_the_oracle_says() {
    let Some(dir) = captures::directory() else { return };
    let mut unknown: BTreeMap<StreamKind, BTreeSet<String>> = BTreeMap::new();
    for (file, market, messages) in FILES {
        let mut bench = Bench::new();
        let samples = captures::frames(&dir, file, market);
        assert_eq!(samples.len(), messages, "{file}");
        for Sample { place, market, sent, bytes } in samples {
            let verdict = bench.compare(market, &sent, &bytes).unwrap_or_else(|e| panic!("{place}: {e}"));
            let Verdict::Data(raws, 0) = verdict else { panic!("{place}: {verdict:?}") };
            assert!(!raws.is_empty(), "{place}");
            for raw in raws {
                let keys = raw.unknown.into_iter().map(|(key, _)| key);
                unknown.entry(raw.kind).or_default().extend(keys);
            }
        }
        assert_eq!(bench.ledger.total(Counter::FramesMalformed), 0, "{file}");
        assert_eq!(bench.ledger.total(Counter::FramesIn) as usize, messages, "{file}");
    }
    unknown.retain(|_, keys| !keys.is_empty());
    let listed: BTreeMap<StreamKind, BTreeSet<String>> =
        UNKNOWN.iter().map(|(kind, keys)| (*kind, keys.iter().map(|k| (*k).to_owned()).collect())).collect();
    assert_eq!(unknown, listed);
}

#[test]
fn exchange_info_of_2021_lists_every_instrument() {
    let Some(dir) = captures::directory() else { return };
    let table = [
        ("cryptofeed/BINANCE.0.exchangeInfo.gz", Market::BinanceSpot, 1_695, 1_200, "ETHBTC", "ETH-BTC", 6, 4),
        ("cryptofeed/BINANCE_FUTURES.0.exchangeInfo.gz", Market::BinanceUsdm, 122, 2_400, "BTCUSDT", "BTC-USDT", 2, 3),
    ];
    for (file, market, symbols, weight, symbol, name, price_scale, quantity_scale) in table {
        let text = captures::text(&dir.join(file));
        // `<url> -> <time>: <body>`; a second line tells the recorder's own configuration.
        let line = text.lines().next().expect("a line");
        let body = &line[line.find('{').expect("a body")..];
        let catalogue = catalogue::read(market, body.as_bytes()).expect("an exchangeInfo");
        assert_eq!((catalogue.instruments.len(), catalogue.skipped.len()), (symbols, 0), "{file}");
        assert_eq!(catalogue.weight_per_minute, Some(weight), "{file}");
        let one = catalogue.instruments.iter().find(|i| &*i.symbol == symbol).expect("a known symbol");
        assert_eq!((&*one.name, one.price_scale, one.quantity_scale), (name, price_scale, quantity_scale), "{file}");
        assert_eq!(one.trading, Trading::Open, "{file}");
        assert!(catalogue.instruments.iter().any(|i| i.trading == Trading::Halted), "{file}");
        let names: BTreeSet<&str> = catalogue.instruments.iter().map(|i| &*i.name).collect();
        assert_eq!(names.len(), symbols, "{file}: each instrument has its own name");
    }
}

/// A frame of each shape: those made by hand, the single frames, and some of each long capture; short ones, for speed.
fn pool() -> &'static [Sample] {
    static POOL: OnceLock<Vec<Sample>> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool = captures::by_hand();
        if let Some(dir) = captures::directory() {
            for (file, market, _) in FILES {
                let samples = captures::frames(&dir, file, market);
                let step = samples.len().div_ceil(50);
                pool.extend(samples.into_iter().step_by(step).filter(|s| s.bytes.len() < 3_000));
            }
        }
        pool
    })
}

#[test]
fn a_frame_cut_at_any_byte_is_malformed() {
    let mut bench = Bench::new();
    for Sample { place, market, sent, bytes } in pool() {
        for cut in 0..bytes.len() {
            let verdict = bench.compare(*market, sent, &bytes[..cut]).unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(verdict, Verdict::Malformed, "{place} cut at {cut}");
        }
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn other_spellings_mean_the_same() {
    let bench = RefCell::new(Bench::new());
    let mut runner = proptest::test_runner::TestRunner::new(cases(4_000));
    let inputs = (0..pool().len(), proptest::collection::vec(any::<u32>(), 64));
    let outcome = runner.run(&inputs, |(at, words)| {
        let Sample { market, sent, bytes, .. } = &pool()[at];
        let json = Json::read(bytes).expect("a frame of the pool");
        let spelled = respell(&json, &mut Choices::new(&words));
        let verdict = bench.borrow_mut().compare(*market, sent, spelled.as_bytes()).map_err(TestCaseError::fail)?;
        let original = oracle::read(*market, sent, bytes);
        prop_assert_eq!(stripped(verdict), stripped(original));
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
}

/// A verdict without what no table knows: respelling adds to it.
fn stripped(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Data(mut raws, malformed) => {
            raws.iter_mut().for_each(|raw| raw.unknown.clear());
            Verdict::Data(raws, malformed)
        }
        other => other,
    }
}

#[test]
fn damaged_frames_are_refused_alike_or_mean_what_the_oracle_says() {
    let bench = RefCell::new(Bench::new());
    let (read, refused) = (Cell::new(0u32), Cell::new(0u32));
    let mut runner = proptest::test_runner::TestRunner::new(cases(20_000));
    let inputs = (0..pool().len(), proptest::collection::vec(any::<u32>(), 24));
    let outcome = runner.run(&inputs, |(at, words)| {
        let Sample { market, sent, bytes, .. } = &pool()[at];
        let damaged = damage(bytes, &mut Choices::new(&words));
        match bench.borrow_mut().compare(*market, sent, &damaged).map_err(TestCaseError::fail)? {
            Verdict::Data(..) => read.set(read.get() + 1),
            Verdict::Malformed => refused.set(refused.get() + 1),
            Verdict::Control => {}
        }
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
    // Damage that is always refused, or never, would compare nothing.
    assert!(read.get() > 1_000 && refused.get() > 1_000, "{} read, {} refused", read.get(), refused.get());
}
