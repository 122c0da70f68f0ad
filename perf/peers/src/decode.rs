//! Purpose: the decode cells: every decoder on the frames of every kind, each with its own feed.
//! Owns: nothing. Thread: main. Takes and gives: samples in; cells out. Never: gives one decoder other numbers than another.

use std::hint::black_box;
use std::sync::Arc;

use meltica::binance::parse::{ParsedFrame, Parser, ParserOptions};
use meltica::directory::Directory;
use meltica::schema::frame::{Frame, Origin};
use meltica::schema::id::Market;
use meltica::telemetry::Ledger;

use crate::against::tape_walk::TapeWalk;
use crate::against::{barter, typed};
use crate::measure::Run;
use crate::support::feed::{Feed, frame};
use crate::support::frames::{Kind, Sample, Template};
use crate::support::rooms::{Round, round_of};
use crate::usdm;

/// What is measured for a kind, by name.
pub(crate) struct Decoder {
    pub(crate) name: &'static str,
    /// Whether it reads payloads without the wrapper of combined frames.
    pub(crate) raw: bool,
    pub(crate) make: fn(&Sample) -> Option<Round>,
}

/// In the order of tables. `copy` is what a round costs by itself: the frame copied into a scratch buffer with its own id.
pub(crate) const DECODERS: [Decoder; 10] = [
    Decoder { name: "copy", raw: false, make: |sample| Some(round_of("copy", sample)) },
    Decoder { name: "copy, raw", raw: true, make: |sample| Some(round_of("copy", sample)) },
    Decoder { name: "meltica", raw: false, make: |sample| Some(ours(sample, Market::BinanceSpot, true)) },
    Decoder { name: "meltica, raw", raw: true, make: |sample| Some(ours(sample, Market::BinanceSpot, true)) },
    Decoder {
        name: "meltica's validated path",
        raw: false,
        make: |sample| Some(ours(sample, Market::BinanceSpot, false)),
    },
    Decoder { name: "tape", raw: false, make: |sample| Some(round_of("tape", sample)) },
    Decoder { name: "tape + walk", raw: false, make: |sample| Some(tape_walk(sample)) },
    Decoder { name: "serde_json typed", raw: false, make: |sample| Some(serde_typed(sample)) },
    Decoder { name: "barter-data decode", raw: true, make: |sample| barter::decode(sample.kind, sample) },
    Decoder { name: "barter-data to its event", raw: true, make: |sample| barter::transform(sample.kind, sample) },
];

/// The name of a cell.
pub(crate) fn cell(kind: Kind, name: &str) -> String {
    format!("decode/{}/{name}", kind.name())
}

/// Adds the cells of a kind.
pub(crate) fn add(run: &mut Run, sample: &Sample) {
    let raw = payloads(sample);
    for decoder in &DECODERS {
        let sample = if decoder.raw { &raw } else { sample };
        let Some(round) = (decoder.make)(sample) else { continue };
        let overhead = if decoder.raw { "copy, raw" } else { "copy" };
        let overhead = (decoder.name != overhead).then(|| cell(sample.kind, overhead));
        run.add_round(cell(sample.kind, decoder.name), overhead, round);
    }
}

/// Adds the cells of a kind as USD-M writes it.
pub(crate) fn add_usdm(run: &mut Run, sample: &Sample) {
    let combined = usdm::of(sample);
    let raw = payloads(&combined);
    let name = |name: &str| usdm_cell(sample.kind, name);
    run.add_round(name("copy"), None, round_of("copy", &combined));
    run.add_round(name("copy, raw"), None, round_of("copy", &raw));
    for (own, of, scans, copy) in [
        ("meltica", &combined, true, "copy"),
        ("meltica, raw", &raw, true, "copy, raw"),
        ("meltica's validated path", &combined, false, "copy"),
    ] {
        run.add_round(name(own), Some(name(copy)), ours(of, Market::BinanceUsdm, scans));
    }
    run.add_round(name("tape + walk"), Some(name("copy")), tape_walk(&combined));
}

/// The name of a cell of USD-M's frames.
pub(crate) fn usdm_cell(kind: Kind, name: &str) -> String {
    format!("decode USD-M/{}/{name}", kind.name())
}

/// The same frames without their wrapper, as a connection to one raw stream carries them.
pub(crate) fn payloads(sample: &Sample) -> Sample {
    let unwrapped = |template: &Template| {
        let key = b"\"data\":";
        let at = template.bytes.windows(key.len()).position(|w| w == key).unwrap() + key.len();
        let bytes = template.bytes[at..template.bytes.len() - 1].to_vec();
        Template { bytes, ids: template.ids.iter().map(|id| id - at).collect() }
    };
    Sample { templates: sample.templates.iter().map(unwrapped).collect(), ..sample.clone() }
}

/// The name of a kind's stream.
fn stream(kind: Kind) -> &'static str {
    match kind {
        Kind::BookTicker => "btcusdt@bookTicker",
        Kind::Trade => "btcusdt@trade",
        Kind::AggTrade => "btcusdt@aggTrade",
        Kind::Diff20 | Kind::Diff1226 => "btcusdt@depth@100ms",
    }
}

fn ours(sample: &Sample, market: Market, scans: bool) -> Round {
    let parser =
        Parser::new(ParserOptions { trace_seed: 1 }, Arc::new(Directory::default()), Ledger::default().sheet("p"));
    let mut parser = if scans { parser } else { parser.without_scanner() };
    let wrapped = sample.templates[0].bytes.starts_with(b"{\"stream\"");
    let origin = if wrapped { Origin::Combined } else { Origin::Raw { stream: stream(sample.kind) } };
    let (mut feed, mut number) = (Feed::of(sample), 0);
    Box::new(move || {
        number += 1;
        let frame = Frame { market, ..frame(feed.next(), number, origin) };
        let parsed = parser.parse(frame, 0, |raw| _ = black_box(raw.words()));
        assert!(matches!(parsed, Ok(ParsedFrame::Data { raws: 1, malformed: 0 })));
    })
}

fn tape_walk(sample: &Sample) -> Round {
    let (mut feed, mut reader) = (Feed::of(sample), TapeWalk::new());
    check_walk(sample);
    Box::new(move || {
        let message = reader.read(feed.next());
        assert!(message.is_some());
        black_box(message);
    })
}

/// The walk must have read what stands there: the id that the feed put in, and every level.
fn check_walk(sample: &Sample) {
    let (mut feed, mut reader) = (Feed::of(sample), TapeWalk::new());
    for template in &sample.templates {
        let mut bytes = feed.next().to_vec();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let message = reader.read(&mut bytes).unwrap();
        let levels = text.matches("[\"").count();
        let expected = if sample.kind.is_diff() { levels } else { 0 };
        assert_eq!(message.bids.len() + message.asks.len(), expected);
        assert!(message.instrument == 7 && message.present.count_ones() >= 4 && message.event_ms >= 0);
        assert!(template.ids.is_empty() || text.contains(&format!("\"u\":{}", message.id)));
    }
}

fn serde_typed(sample: &Sample) -> Round {
    fn reading<T: 'static>(sample: &Sample, read: fn(&[u8]) -> T) -> Round {
        let mut feed = Feed::of(sample);
        Box::new(move || _ = black_box(read(feed.next())))
    }
    match sample.kind {
        Kind::BookTicker => reading(sample, |bytes| {
            let frame: typed::Combined<'_, typed::BookTicker<'_>> = serde_json::from_slice(bytes).unwrap();
            black_box(&frame);
        }),
        Kind::Trade => reading(sample, |bytes| {
            let frame: typed::Combined<'_, typed::Trade<'_>> = serde_json::from_slice(bytes).unwrap();
            black_box(&frame);
        }),
        Kind::AggTrade => reading(sample, |bytes| {
            let frame: typed::Combined<'_, typed::AggTrade<'_>> = serde_json::from_slice(bytes).unwrap();
            black_box(&frame);
        }),
        Kind::Diff20 | Kind::Diff1226 => reading(sample, |bytes| {
            let frame: typed::Combined<'_, typed::DepthUpdate<'_>> = serde_json::from_slice(bytes).unwrap();
            black_box(&frame);
        }),
    }
}
