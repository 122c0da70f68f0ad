//! Purpose: the frames of a sample again and again, their update ids going on, as bytes or as a source.
//! Owns: the scratch buffer that frames are copied into, for the parser works in place. Thread: its owner's.
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

/// Bytes that are made ready at once, as a read of a socket brings them: one frame at least.
const BATCH_BYTES: usize = 8 << 10;
/// Bytes between frames: the header of a WebSocket frame.
const BETWEEN: [u8; 4] = [0x81, 0x7e, 0, 0];

/// Frames for ever, each a copy with its own id. They are made ready many at a time: a frame that is read the moment it was copied has its
/// reader wait for the copy, which no reader of a socket does, for the kernel's copy is long done.
pub(crate) struct Feed {
    templates: Vec<Template>,
    at: usize,
    id: Digits,
    scratch: Vec<u8>,
    /// Where the frames that are ready lie.
    ready: Vec<core::ops::Range<usize>>,
    /// How many of those are handed out.
    given: usize,
}

impl Feed {
    pub(crate) fn of(sample: &Sample) -> Feed {
        let longest = sample.templates.iter().map(|t| t.bytes.len()).max().unwrap() + BETWEEN.len();
        let shortest = sample.templates.iter().map(|t| t.bytes.len()).min().unwrap() + BETWEEN.len();
        Feed {
            templates: sample.templates.clone(),
            at: 0,
            id: Digits::of(SNAPSHOT_ID),
            scratch: Vec::with_capacity(BATCH_BYTES + longest),
            ready: Vec::with_capacity(BATCH_BYTES.div_ceil(shortest) + 1),
            given: 0,
        }
    }

    /// The next frame.
    #[inline]
    pub(crate) fn next(&mut self) -> &mut [u8] {
        if self.given == self.ready.len() {
            self.make_ready();
        }
        let frame = self.ready[self.given].clone();
        self.given += 1;
        &mut self.scratch[frame]
    }

    #[inline(never)]
    fn make_ready(&mut self) {
        self.scratch.clear();
        self.ready.clear();
        self.given = 0;
        while self.scratch.len() < BATCH_BYTES {
            let template = &self.templates[self.at];
            self.at = if self.at + 1 == self.templates.len() { 0 } else { self.at + 1 };
            self.scratch.extend_from_slice(&BETWEEN);
            let begin = self.scratch.len();
            self.scratch.extend_from_slice(&template.bytes);
            if !template.ids.is_empty() {
                self.id.up();
                for at in &template.ids {
                    self.scratch[begin + at..begin + at + ID_DIGITS].copy_from_slice(&self.id.0);
                }
            }
            self.ready.push(begin..self.scratch.len());
        }
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
