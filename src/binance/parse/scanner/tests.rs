//! Purpose: what the scanner takes, what it leaves, and that it reads as the tape does. Owns: tables of frames, a seeded
//! mutator. Thread: a test's. Takes and gives: nothing. Never: needs a capture.

use std::sync::Arc;

use crate::binance::parse::{ParseError, ParsedFrame, Parser, ParserOptions};
use crate::directory::Directory;
use crate::schema::frame::{Frame, Origin, Stamps};
use crate::schema::id::{ConnectionId, Market};
use crate::schema::raw::{RawBuf, RawRef};
use crate::schema::time::UnixNanos;
use crate::telemetry::{Counter, Ledger};

use super::plain::{PLAIN, SPOT, combined};

/// What a parser makes of a frame.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    answer: Result<ParsedFrame, ParseError>,
    records: Vec<Vec<u64>>,
}

/// How a parser reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The scanner, with what the processor has.
    Scanner,
    /// The scanner, with what all processors have.
    Baseline,
    /// The tape alone.
    Tape,
}

/// A parser.
struct Desk {
    parser: Parser,
    ledger: Ledger,
}

impl Desk {
    fn new(by: By) -> Desk {
        let ledger = Ledger::default();
        let directory = Arc::new(Directory::with_capacity(64));
        let parser = Parser::new(ParserOptions { trace_seed: 5 }, directory, ledger.sheet("io"));
        let parser = match by {
            By::Scanner => parser,
            By::Baseline => parser.by_baseline(),
            By::Tape => parser.without_scanner(),
        };
        Desk { parser, ledger }
    }

    fn make(&mut self, market: Market, origin: Origin<'_>, bytes: &[u8]) -> Made {
        let (connection, receive) = (ConnectionId(3), UnixNanos(77));
        let frame =
            Frame { market, connection, number: 11, receive, stamps: Stamps::NONE, origin, bytes: &mut bytes.to_vec() };
        let mut records = Vec::new();
        let answer = self.parser.parse(frame, 9, |raw| records.push(words_of(raw)));
        Made { answer, records }
    }

    /// What it has counted so far.
    fn counts(&self) -> Vec<u64> {
        Counter::ALL.iter().map(|counter| self.ledger.total(*counter)).collect()
    }
}

fn words_of(raw: RawRef<'_>) -> Vec<u64> {
    let mut words = vec![0; raw.words()];
    raw.copy_to(&mut words);
    words
}

/// The tape and both scanners, who have met every stream of [`PLAIN`].
struct Readers {
    scanning: Desk,
    baseline: Desk,
    plain: Desk,
}

impl Readers {
    fn new() -> Readers {
        let [scanning, baseline, plain] = [By::Scanner, By::Baseline, By::Tape].map(Desk::new);
        let mut readers = Readers { scanning, baseline, plain };
        for (market, name, payload) in PLAIN {
            readers.compare(market, Origin::Combined, combined(name, payload).as_bytes());
        }
        readers
    }

    fn compare(&mut self, market: Market, origin: Origin<'_>, bytes: &[u8]) -> Made {
        let plain = self.plain.make(market, origin, bytes);
        for (scanner, name) in [(&mut self.scanning, "the scanner"), (&mut self.baseline, "the baseline's")] {
            let scanned = scanner.make(market, origin, bytes);
            assert_eq!(scanned, plain, "{name}: {origin:?} {}", String::from_utf8_lossy(bytes));
        }
        plain
    }

    /// Counts never go down, so that a difference stays until it is looked for.
    fn compare_counts(&self) {
        let plain = self.plain.counts();
        assert_eq!((self.scanning.counts(), self.baseline.counts()), (plain.clone(), plain));
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.compare_counts();
        }
    }
}

/// Whether the scanner itself takes a payload.
fn takes(market: Market, name: &str, payload: &str) -> bool {
    let stream = crate::schema::topic::StreamName::parse(name).unwrap();
    let (directory, mut raw) = (Directory::default(), RawBuf::default());
    let symbol = crate::schema::instrument::uppercase_symbol(stream.symbol.unwrap());
    let mut names = crate::binance::parse::names::Names::default();
    names.stream(&directory, market, name);
    let origin = crate::schema::raw::RawOrigin {
        market,
        connection: ConnectionId(1),
        number: 1,
        receive: UnixNanos(1),
        ingress_ns: 1,
        traces: crate::schema::id::TraceIds::new(1),
    };
    let slots = crate::schema::layout::layout(stream.topic.kind).len();
    raw.begin(&origin, stream.topic, slots);
    let quoted = super::Piece::quoted(&symbol).unwrap_or(super::Piece::EMPTY);
    let symbol = super::step::Symbol { quoted: &quoted, text: &symbol };
    super::payload::read(payload.as_bytes(), stream.topic.kind, symbol, &mut raw, |_, _, _| {}).is_some()
}

#[test]
fn frames_as_the_venue_writes_them_are_taken_and_read_as_the_tape_reads_them() {
    let mut readers = Readers::new();
    for (market, name, payload) in PLAIN {
        // One level of these tables is too large to be held: the tape says so.
        assert_eq!(takes(market, name, payload), !payload.contains("12345678901234567890"), "{name} {payload}");
        for origin in [Origin::Combined, Origin::Raw { stream: name }] {
            let bytes = if origin == Origin::Combined { combined(name, payload) } else { payload.to_owned() };
            let before = readers.scanning.parser.scanned();
            let Made { answer, records } = readers.compare(market, origin, bytes.as_bytes());
            let scanned = readers.scanning.parser.scanned() - before;
            assert_eq!(scanned, u64::from(answer.is_ok()), "the scanner itself took it: {origin:?} {payload}");
            assert_eq!((answer.is_ok(), records.len()), (!payload.contains("12345678901234567890"), 1), "{payload}");
        }
    }
}

#[test]
fn other_spellings_are_left_to_the_tape() {
    let spot = r#"{"e":"trade","E":1,"s":"BTCUSDT","t":2,"p":"1.5","q":"2","T":3,"m":true,"M":true}"#;
    assert!(takes(SPOT, "btcusdt@trade", spot));
    let table = [
        ("\"E\":1", "\"E\": 1"),
        ("\"E\":1", "\"E\":01"),
        ("\"E\":1", "\"E\":-1"),
        ("\"E\":1", "\"E\":1.0"),
        ("\"E\":1", "\"E\":1e0"),
        ("\"E\":1", "\"E\":1234567890123456789"),
        ("\"E\":1", "\"E\":\"1\""),
        ("\"E\":1", "\"E\":null"),
        ("\"E\":1", "\"E\":1,\"E\":1"),
        ("\"E\":1", "\"E\":1,\"zz\":1"),
        ("\"E\":1", "\"E\":1,\"\\\\\":1"),
        ("\"p\":\"1.5\"", "\"p\":1"),
        ("\"p\":\"1.5\"", "\"p\":\"\""),
        ("\"p\":\"1.5\"", "\"p\":\"1.5e1\""),
        ("\"p\":\"1.5\"", "\"p\":\"01.5\""),
        ("\"p\":\"1.5\"", "\"p\":\"123456789012345678901.5\""),
        ("\"m\":true", "\"m\":True"),
        ("\"m\":true", "\"m\":null"),
        ("\"m\":true,", ""),
        ("BTCUSDT", "btcusdt"),
        ("BTCUSDT", "ETHUSDT"),
        ("\"trade\"", "\"tra\\u0064e\""),
        ("\"trade\"", "\"serverShutdown\""),
        ("\"trade\"", "\"tra\u{1}de\""),
        ("\"trade\"", "\"trad€\""),
        ("}", "} "),
        ("}", ",}"),
        ("}", ""),
        ("{", " {"),
    ];
    let mut readers = Readers::new();
    for (from, to) in table {
        let other = spot.replacen(from, to, 1);
        assert!(!takes(SPOT, "btcusdt@trade", &other), "{other}");
        readers.compare(SPOT, Origin::Combined, combined("btcusdt@trade", &other).as_bytes());
        readers.compare(SPOT, Origin::Raw { stream: "btcusdt@trade" }, other.as_bytes());
    }
    for wrapped in [
        format!(r#"{{"data":{spot},"stream":"btcusdt@trade"}}"#),
        format!(r#"{{"stream":"btcusdt@trade", "data":{spot}}}"#),
        format!(r#"{{"stream":"btcusdt\u0040trade","data":{spot}}}"#),
        format!(r#"{{"stream":"btcusdt@trade","data":{spot},"more":1}}"#),
        format!(r#"{{"stream":"btcusdt@trade","data":{spot}}}}}"#),
        format!(r#"{{"stream":"btcusdt@trade","data":{spot}"#),
    ] {
        readers.compare(SPOT, Origin::Combined, wrapped.as_bytes());
    }
}

#[test]
fn coin_m_contracts_are_left_out_by_both() {
    let mut readers = Readers::new();
    let (market, name, payload) = PLAIN[7];
    let coin_m = payload.replace("\"st\":1", "\"st\":2");
    let Made { answer, records } = readers.compare(market, Origin::Combined, combined(name, &coin_m).as_bytes());
    assert_eq!((answer, records.len()), (Ok(ParsedFrame::Data { raws: 0, malformed: 0 }), 0));
}

/// A small generator of choices (SplitMix64): the same seed, the same run.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

/// Bytes that matter in JSON, and pieces of frames that matter here.
const PIECES: [&[u8]; 30] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"-",
    b".",
    b"0",
    b"9",
    b"1e5",
    b"null",
    b"true",
    b"false",
    b" ",
    b"\n",
    b"\x00",
    b"\x80",
    b"\xff",
    b"\"E\":1,",
    b"\"b\":[],",
    b",[\"1\",\"2\"]",
    b"\"st\":2,",
    b"18446744073709551616",
    b"00000000",
    b"[[",
    b"\"\"",
    b"\"k\":{\"t\":1},",
];

fn insert(frame: &mut Vec<u8>, at: usize, piece: &[u8]) {
    frame.splice(at..at, piece.iter().copied()).for_each(drop);
}

fn mutate(frame: &mut Vec<u8>, choices: &mut Choices) {
    for _ in 0..1 + choices.below(3) {
        let at = choices.below(frame.len() + 1);
        let end = (at + choices.below(9)).min(frame.len());
        match choices.below(6) {
            0 if at < frame.len() => frame[at] ^= 1 << choices.below(8),
            1 if at < frame.len() => frame[at] = PIECES[choices.below(21)][0],
            2 => frame.drain(at..end).for_each(drop),
            3 => insert(frame, at, PIECES[choices.below(PIECES.len())]),
            4 => {
                let piece = frame[at..end].to_vec();
                let to = choices.below(frame.len() + 1);
                insert(frame, to, &piece);
            }
            // A digit more or less, which is where windows of eight and sixteen end.
            _ => {
                if let Some(digit) = frame[at..].iter().position(u8::is_ascii_digit) {
                    let digits = [b'7', b'0', b'3'].repeat(1 + choices.below(6));
                    insert(frame, at + digit, &digits);
                }
            }
        }
    }
}

/// How many mutated frames the long run tries: `MELTICA_SCANNER_FRAMES`, for soaks outside the suite.
fn rounds() -> u64 {
    std::env::var("MELTICA_SCANNER_FRAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(60_000)
}

#[test]
fn the_scanner_never_differs_from_the_tape() {
    let seed = std::env::var("MELTICA_SCANNER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut readers, mut choices, mut data) = (Readers::new(), Choices(seed), 0_u64);
    for round in 0..rounds() {
        let (market, name, payload) = PLAIN[choices.below(PLAIN.len())];
        let raw = choices.below(2) == 0;
        let mut bytes = if raw { payload.to_owned() } else { combined(name, payload) }.into_bytes();
        mutate(&mut bytes, &mut choices);
        let origin = if raw { Origin::Raw { stream: name } } else { Origin::Combined };
        let Made { answer, .. } = readers.compare(market, origin, &bytes);
        data += u64::from(matches!(answer, Ok(ParsedFrame::Data { raws: 1, .. })));
        if round % 4_096 == 0 {
            readers.compare_counts();
        }
        if round % 10_000_000 == 9_999_999 {
            eprintln!("scanner: {} frames, {data} of them data, no difference", round + 1);
        }
    }
    assert!(data * 20 > rounds(), "only {data} of the frames were data: the mutator destroys too much");
}
