//! Purpose: looks, guided by coverage, for a frame that the scanner reads otherwise than the tape. Owns: the parsers.
//! Thread: libFuzzer's. Takes and gives: an input in; a panic where the two differ. Never: judges a frame: the tape does.
//!
//! An input is a byte that chooses a frame of [`PLAIN`] and how it comes, and then frames with line feeds between them. The chosen frame
//! comes first, so that what the scanner has seen before an input does not hang on the inputs before it.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use meltica::binance::parse::{ParseError, ParsedFrame, Parser, ParserOptions};
use meltica::directory::Directory;
use meltica::schema;
use meltica::schema::frame::{Frame, Origin, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::Ledger;

#[path = "../../src/binance/parse/scanner/plain.rs"]
mod plain;
use plain::{PLAIN, combined};

/// Frames of an input.
const FRAMES_MAX: usize = 8;

/// What a parser makes of a frame.
#[derive(Debug, Default)]
struct Made {
    answer: Option<Result<ParsedFrame, ParseError>>,
    words: Vec<u64>,
}

/// The tape and the scanners, by what this processor has and by what all have; and what each has made last.
struct Readers {
    parsers: [Parser; 3],
    made: [Made; 3],
    bytes: Vec<u8>,
}

impl Readers {
    fn new() -> Readers {
        let parser = || {
            let directory = Arc::new(Directory::with_capacity(64));
            Parser::new(ParserOptions { trace_seed: 5 }, directory, Ledger::default().sheet("io"))
        };
        let parsers = [parser().without_scanner(), parser(), parser().by_baseline()];
        Readers { parsers, made: Default::default(), bytes: Vec::new() }
    }

    fn compare(&mut self, market: Market, origin: Origin<'_>, frame: &[u8]) {
        let (connection, receive) = (ConnectionId(3), UnixNanos(77));
        for (parser, made) in self.parsers.iter_mut().zip(&mut self.made) {
            self.bytes.clear();
            self.bytes.extend_from_slice(frame);
            let frame =
                Frame { market, connection, number: 11, receive, stamps: Stamps::NONE, origin, bytes: &mut self.bytes };
            made.words.clear();
            made.answer = Some(parser.parse(frame, 9, |raw| {
                let at = made.words.len();
                made.words.resize(at + raw.words(), 0);
                raw.copy_to(&mut made.words[at..]);
            }));
        }
        let [plain, scanners @ ..] = &self.made;
        for (scanned, name) in scanners.iter().zip(["scanner", "scanner by the baseline"]) {
            assert!(
                scanned.answer == plain.answer && scanned.words == plain.words,
                "{market:?} {origin:?} {}\n{name}: {scanned:?}\ntape: {plain:?}",
                String::from_utf8_lossy(frame)
            );
        }
    }
}

thread_local! {
    static READERS: RefCell<Readers> = RefCell::new(Readers::new());
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, frames)) = input.split_first() else { return };
    let (raw, choice) = (choice & 1 == 1, usize::from(choice >> 1));
    let (market, name, payload) = PLAIN[choice % PLAIN.len()];
    let origin = if raw { Origin::Raw { stream: name } } else { Origin::Combined };
    READERS.with_borrow_mut(|readers| {
        let first = if raw { payload.to_owned() } else { combined(name, payload) };
        readers.compare(market, origin, first.as_bytes());
        for frame in frames.split(|byte| *byte == b'\n').take(FRAMES_MAX) {
            readers.compare(market, origin, frame);
        }
    });
});
