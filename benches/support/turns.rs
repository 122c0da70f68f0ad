//! Purpose: frames of many instruments that take turns, and the walk over them. Owns: the source. Thread: its owner's.
//! Takes and gives: a sample in; frames, or a round. Never: gives the many other diffs than the one; allocates after the first turns.

use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Counter, Ledger};

use super::feed::{Digits, frame};
use super::frames::{ID_DIGITS, Sample, Template};
use super::rooms::{Round, walk_over};

/// How many instruments the goal speaks of.
pub(crate) const MANY: usize = 2_500;

/// The walk over so many instruments, each with its book where the sample is of diffs.
pub(crate) fn walk_of(sample: &Sample, count: usize) -> Round {
    let ledger = Ledger::default();
    let mut walk = walk_over(Turns::of(sample, count), &ledger);
    let opening = if sample.kind.is_diff() { 2 * count } else { 0 };
    for _ in 0..opening + 70 * count {
        walk();
    }
    if sample.kind.is_diff() {
        assert!(ledger.total(Counter::DiffsApplied) >= 4 * count as u64, "diffs were not applied");
        assert_eq!(ledger.total(Counter::GapsOpened) + ledger.total(Counter::Crossed), 0);
    }
    walk
}

/// Each instrument's next frame in turn. Diffs begin with one of each, then a snapshot of each.
///
/// All frames are made in one buffer from one set of templates, as a socket's come in one buffer: what 2,500 instruments cost is
/// Meltica's own memory, not that of whoever sends.
pub(crate) struct Turns {
    count: usize,
    templates: Vec<Named>,
    snapshot: Option<Vec<u8>>,
    scratch: Vec<u8>,
    /// The update id of this turn's frames.
    id: Digits,
    turn: usize,
    /// The instrument whose turn it is.
    at: usize,
    symbol: String,
}

/// A frame of [`symbol`] 0.
#[derive(Debug)]
struct Named {
    template: Template,
    /// Where the symbol's number stands.
    numbers: Vec<usize>,
}

/// Digits of a symbol's number.
const NUMBER_DIGITS: usize = 4;

fn symbol(number: usize) -> String {
    format!("S{number:0NUMBER_DIGITS$}USDT")
}

impl Turns {
    pub(crate) fn of(sample: &Sample, count: usize) -> Turns {
        let templates: Vec<Named> = sample.templates.iter().map(named).collect();
        let longest = templates.iter().map(|t| t.template.bytes.len()).max().unwrap();
        Turns {
            count,
            templates,
            snapshot: sample.kind.is_diff().then(|| sample.snapshot.clone()),
            scratch: Vec::with_capacity(longest),
            id: Digits::first(),
            turn: 0,
            at: 0,
            symbol: symbol(0),
        }
    }

    /// Passes what a book begins with.
    #[allow(dead_code, reason = "for programs that measure a source alone")]
    pub(crate) fn begin(&mut self) {
        self.turn = 2;
        self.id.up();
    }

    /// Whether this turn is that of snapshots.
    fn is_opening(&self) -> bool {
        self.turn == 1 && self.snapshot.is_some()
    }

    fn next(&mut self) -> &mut [u8] {
        let frames = if self.snapshot.is_some() { self.turn.saturating_sub(1) } else { self.turn };
        // A diff and its undoing stay together.
        let pairs = self.templates.len() / 2;
        let at = if self.count == 1 { frames % (2 * pairs) } else { 2 * (self.at % pairs) + frames % 2 };
        let Named { template, numbers } = &self.templates[at];
        self.scratch.clear();
        self.scratch.extend_from_slice(&template.bytes);
        for id in &template.ids {
            self.scratch[*id..*id + ID_DIGITS].copy_from_slice(self.id.bytes());
        }
        let number = [1_000, 100, 10, 1].map(|place| b'0' + (self.at / place % 10) as u8);
        for at in numbers {
            self.scratch[*at..*at + NUMBER_DIGITS].copy_from_slice(&number);
        }
        &mut self.scratch
    }

    fn advance(&mut self) {
        self.at += 1;
        if self.at == self.count {
            if !self.is_opening() {
                self.id.up();
            }
            (self.at, self.turn) = (0, self.turn + 1);
        }
    }
}

fn named(template: &Template) -> Named {
    let (text, symbol) = (String::from_utf8(template.bytes.clone()).unwrap(), symbol(0));
    let (old, lower) = ("BTCUSDT", symbol.to_lowercase());
    let longer = |text: &str| text.replace(&old.to_lowercase(), &lower).replace(old, &symbol);
    let ids = template.ids.iter().map(|at| longer(&text[..*at]).len()).collect();
    let text = longer(&text);
    let found = [&lower, &symbol].into_iter().flat_map(|name| text.match_indices(name.as_str()));
    let numbers = found.map(|(at, _)| at + 1).collect();
    Named { template: Template { bytes: text.into_bytes(), ids }, numbers }
}

impl FrameSource for Turns {
    #[inline]
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if let Some(body) = self.snapshot.as_ref().filter(|_| self.turn == 1) {
            let mut body = body.clone();
            self.symbol = symbol(self.at);
            take(frame(&mut body, 1, Origin::RestDepth { symbol: &self.symbol, limit: 1_000 }));
        } else {
            // An instrument's frames are a tenth of a second apart, however many others there are.
            let (turn, at) = (self.turn as u64, self.at as i64);
            let next = frame(self.next(), turn, Origin::Combined);
            let receive = UnixNanos(next.receive.0 + at * 1_000);
            take(Frame { receive, ..next });
        }
        self.advance();
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}
