//! Purpose: what a frame costs when 2,500 instruments take turns, beside one instrument: the whole walk, a book each.
//! Owns: the source that takes turns. Thread: main. Takes and gives: a sample in; cells out.
//! Never: gives the many other diffs than the one.

use std::hint::black_box;

use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::{Counter, Ledger};

use crate::measure::Run;
use crate::support::feed::{Feed, frame};
use crate::support::frames::{Sample, Template};
use crate::support::rooms::walk_over;

/// How many instruments the goal speaks of.
pub(crate) const MANY: usize = 2_500;

/// The name of a cell.
pub(crate) fn cell(sample: &Sample, instruments: usize, name: &str) -> String {
    format!("instruments/{}/{name}, {instruments}", sample.kind.name())
}

/// Adds the walk over one instrument and over many.
pub(crate) fn add(run: &mut Run, sample: &Sample) {
    for count in [1, MANY] {
        let mut source = Turns::of(sample, count);
        source.begin();
        let copy = cell(sample, count, "copy");
        let round = Box::new(move || _ = source.pull(&mut |frame| _ = black_box(frame.bytes.len())));
        run.add_round(copy.clone(), None, round);
        let ledger = Ledger::default();
        let mut walk = walk_over(Turns::of(sample, count), &ledger);
        let opening = if sample.kind.is_diff() { 2 * count } else { 0 };
        for _ in 0..opening + 4 * count {
            walk();
        }
        if sample.kind.is_diff() {
            assert!(ledger.total(Counter::DiffsApplied) >= 4 * count as u64, "diffs were not applied");
        }
        run.add_round(cell(sample, count, "walk"), Some(copy), walk);
    }
}

/// Each instrument's next frame in turn. Diffs begin with one of each, then a snapshot of each.
struct Turns {
    feeds: Vec<(String, Feed)>,
    snapshot: Option<Vec<u8>>,
    /// Frames so far.
    frames: usize,
}

impl Turns {
    fn of(sample: &Sample, count: usize) -> Turns {
        // A diff and its undoing stay together.
        let pairs = sample.templates.len() / 2;
        let feeds = (0..count).map(|number| {
            let own = if count == 1 { 0..2 * pairs } else { 2 * (number % pairs)..2 * (number % pairs) + 2 };
            let symbol = format!("S{number:04}USDT");
            let templates = sample.templates[own].iter().map(|template| renamed(template, &symbol)).collect();
            (symbol, Feed::of(&Sample { templates, ..sample.clone() }))
        });
        Turns { feeds: feeds.collect(), snapshot: sample.kind.is_diff().then(|| sample.snapshot.clone()), frames: 0 }
    }

    /// Passes what a book begins with.
    fn begin(&mut self) {
        self.frames = 2 * self.feeds.len();
    }
}

/// The frame of another symbol.
fn renamed(template: &Template, symbol: &str) -> Template {
    let text = String::from_utf8(template.bytes.clone()).unwrap();
    let (old, lower) = ("BTCUSDT", symbol.to_lowercase());
    let longer = |text: &str| text.replace(&old.to_lowercase(), &lower).replace(old, symbol);
    let ids = template.ids.iter().map(|at| longer(&text[..*at]).len()).collect();
    Template { bytes: longer(&text).into_bytes(), ids }
}

impl FrameSource for Turns {
    #[inline]
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let count = self.feeds.len();
        let (turn, at) = (self.frames / count, self.frames % count);
        self.frames += 1;
        let (symbol, feed) = &mut self.feeds[at];
        match &self.snapshot {
            Some(body) if turn == 1 => {
                let mut body = body.clone();
                take(frame(&mut body, 1, Origin::RestDepth { symbol, limit: 1_000 }));
            }
            _ => {
                // An instrument's frames are a tenth of a second apart, however many others there are.
                let next = frame(feed.next(), turn as u64, Origin::Combined);
                let receive = UnixNanos(next.receive.0 + at as i64 * 1_000);
                take(Frame { receive, ..next });
            }
        }
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}
