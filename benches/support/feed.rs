//! Purpose: the frames of a sample again and again, their update ids going on, as bytes or as a source.
//! Owns: the scratch buffer that each frame is copied into, for the parser works in place. Thread: its owner's.
//! Takes and gives: frames. Never: allocates after the first round.

use meltica::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::time::UnixNanos;
use meltica::telemetry::Clock;

use super::frames::{ID_DIGITS, SNAPSHOT_ID, Sample, Template};

/// 2024-08-09 00:00 UTC, as the simulated exchange starts.
const START_NS: i64 = 1_723_161_600_000_000_000;

/// An update id as digits, so that the next one costs an addition, not a conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits([u8; ID_DIGITS]);

impl Digits {
    fn of(id: u64) -> Digits {
        Digits(format!("{id:0ID_DIGITS$}").into_bytes().try_into().unwrap())
    }

    /// The first frame's.
    pub(crate) fn first() -> Digits {
        let mut first = Digits::of(SNAPSHOT_ID);
        first.up();
        first
    }

    pub(crate) fn bytes(&self) -> &[u8; ID_DIGITS] {
        &self.0
    }

    pub(crate) fn up(&mut self) {
        for digit in self.0.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
    }
}

/// Frames for ever.
pub(crate) struct Feed {
    templates: Vec<Template>,
    at: usize,
    id: Digits,
    scratch: Vec<u8>,
}

impl Feed {
    pub(crate) fn of(sample: &Sample) -> Feed {
        let longest = sample.templates.iter().map(|t| t.bytes.len()).max().unwrap();
        Feed {
            templates: sample.templates.clone(),
            at: 0,
            id: Digits::of(SNAPSHOT_ID),
            scratch: Vec::with_capacity(longest.max(sample.snapshot.len())),
        }
    }

    /// A copy of the next frame with its own id.
    #[inline]
    pub(crate) fn next(&mut self) -> &mut [u8] {
        let template = &self.templates[self.at];
        self.at = if self.at + 1 == self.templates.len() { 0 } else { self.at + 1 };
        self.scratch.clear();
        self.scratch.extend_from_slice(&template.bytes);
        if !template.ids.is_empty() {
            self.id.up();
            for at in &template.ids {
                self.scratch[*at..*at + ID_DIGITS].copy_from_slice(&self.id.0);
            }
        }
        &mut self.scratch
    }
}

/// A frame in memory, as a source hands it over.
#[inline]
pub(crate) fn frame<'a>(bytes: &'a mut [u8], number: u64, origin: Origin<'a>) -> Frame<'a> {
    Frame {
        market: Market::BinanceSpot,
        connection: ConnectionId(0),
        number,
        // A tenth of a second apart, as diffs are.
        receive: UnixNanos(START_NS + number as i64 * 100_000_000),
        stamps: Stamps::NONE,
        origin,
        bytes,
    }
}

/// The body that a book's first diff asks for.
pub(crate) const SNAPSHOT: Origin<'static> = Origin::RestDepth { symbol: "BTCUSDT", limit: 1_000 };

/// A feed as a source: one diff, the snapshot where the sample is of diffs, then the rest.
pub(crate) struct Memory {
    feed: Feed,
    snapshot: Option<Vec<u8>>,
    number: u64,
    stamped: Stamped,
}

/// Which stamps a source's frames have.
#[derive(Clone, Debug)]
pub(crate) enum Stamped {
    /// None.
    No,
    /// The kernel's.
    Kernel,
    /// The kernel's and the clock's, which receive times are readings of, as a socket's frames have them.
    Clock(Clock),
}

impl Memory {
    pub(crate) fn of(sample: &Sample, stamped: Stamped) -> Memory {
        let snapshot = sample.kind.is_diff().then(|| sample.snapshot.clone());
        Memory { feed: Feed::of(sample), snapshot, number: 0, stamped }
    }
}

impl Stamped {
    #[inline]
    fn on<'a>(&self, mut frame: Frame<'a>) -> Frame<'a> {
        if let Stamped::Clock(clock) = self {
            let read_ns = clock.now_ns();
            frame.receive = clock.unix_at(read_ns);
            frame.stamps.read_ns = Some(read_ns);
        }
        if !matches!(self, Stamped::No) {
            frame.stamps.kernel = Some(UnixNanos(frame.receive.0 - 5_000));
        }
        frame
    }
}

impl FrameSource for Memory {
    #[inline]
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let snapshot = if self.number == 1 { self.snapshot.take() } else { None };
        match snapshot {
            Some(mut body) => take(self.stamped.on(frame(&mut body, self.number, SNAPSHOT))),
            None => take(self.stamped.on(frame(self.feed.next(), self.number, Origin::Combined))),
        }
        self.number += 1;
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, _: SnapshotRequest<'_>) {}
}
