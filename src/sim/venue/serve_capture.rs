//! Purpose: a capture in the market's place: its frames for whoever subscribed to their streams, its depth bodies for
//! whoever asks. Owns: the open capture. Thread: the market's; REST answers look in under its lock.
//! Takes and gives: time in, frames to the hub. Never: starts before somebody listens; invents a frame or a body; is faster
//! than its slowest reader.

use std::fmt;
use std::path::PathBuf;

use super::body_waits::BodyWaits;
use super::capture_contents::{self, Contents, stream_of};
use super::hub::{Hub, Sending};
use super::market::payload_of;
use super::micros::with_micros;
use crate::capture::{ReplaySource, guess_market};
use crate::schema::frame::{FrameSource, Origin, Pulled, SourceError};
use crate::schema::id::Market;
use crate::schema::instrument::uppercase_symbol;
use crate::schema::topic::{StreamKind, StreamName};

/// Which captures are served, and how fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// One `<unix ns> <json>` a line, plain or gzip; several of one market are merged by receive time.
    pub files: Vec<PathBuf>,
    /// How many times faster than recorded; 0 is as fast as it is read. It waits for a reader that is slower, and, at the
    /// first diff behind a symbol's first depth body, until somebody has fetched that body, 10 s at most.
    pub speed: u32,
}

impl CaptureOptions {
    /// The market of the first file, told by its first lines.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn market(&self) -> Result<Market, SourceError> {
        self.files.first().map_or(Ok(Market::BinanceSpot), |path| guess_market(path).map(|guess| guess.market))
    }
}

/// Where a served capture stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureProgress {
    /// Its first frame went out.
    pub started: bool,
    /// All its frames went out, and none waits for a reader any more.
    pub ended: bool,
    /// Why it cannot be read on.
    pub fault: Option<String>,
}

/// While some of its streams have no reader, the capture waits so long after the last change of subscriptions: a client
/// subscribes in several messages, and at a pace.
const SETTLE_NS: u64 = 1_500_000_000;
/// Frames handed out in one turn.
const FRAMES_PER_TURN: u32 = 512;

/// A frame that waits for its time.
#[derive(Debug)]
struct Waiting {
    receive_ns: i64,
    stream: String,
    /// The symbol, uppercase, when it is a diff.
    diff_of: Option<String>,
    bytes: Vec<u8>,
}

/// See the file's head.
pub(super) struct ServedCapture {
    source: ReplaySource,
    contents: Contents,
    waits: BodyWaits,
    speed: u32,
    next: Option<Waiting>,
    /// The first frame's time and the moment at which it went out, moved on by the time spent waiting for a body.
    began: Option<(i64, u64)>,
    held_since: Option<u64>,
    /// When the subscriptions last changed, and their version then.
    changed: (u64, u64),
    /// Receive time of the last line that was passed.
    reached_ns: i64,
    exhausted: bool,
    ended: bool,
}

impl fmt::Debug for ServedCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedCapture").field("streams", &self.contents.streams.len()).finish_non_exhaustive()
    }
}

impl ServedCapture {
    /// Reads the captures through once, for their bodies and the names of their streams, and opens them again.
    pub(super) fn open(options: &CaptureOptions) -> Result<ServedCapture, SourceError> {
        let contents = Contents::read(&options.files)?;
        let first = |(symbol, bodies): (&String, &Vec<_>)| {
            bodies.first().map(|body: &capture_contents::Body| (symbol.clone(), body.receive_ns))
        };
        Ok(ServedCapture {
            source: capture_contents::open(&options.files)?,
            waits: BodyWaits::new(contents.bodies.iter().filter_map(first)),
            contents,
            speed: options.speed,
            next: None,
            began: None,
            held_since: None,
            changed: (0, u64::MAX),
            reached_ns: i64::MIN,
            exhausted: false,
            ended: false,
        })
    }

    /// Its market.
    pub(super) fn market(&self) -> Market {
        self.contents.market
    }

    /// Its symbols, uppercase.
    pub(super) fn symbols(&self) -> Vec<String> {
        self.contents.symbols()
    }

    /// Its streams, sorted.
    pub(super) fn streams(&self) -> Vec<String> {
        self.contents.streams.iter().cloned().collect()
    }

    /// The depth body of a symbol for somebody who asks: the last one received until now, or else the first one to come.
    pub(super) fn depth(&mut self, symbol: &str, now_ns: u64) -> Option<&[u8]> {
        self.waits.fetched(symbol, now_ns);
        let bodies = self.contents.bodies.get(symbol)?;
        let past = bodies.iter().rfind(|body| body.receive_ns <= self.reached_ns);
        past.or(bodies.first()).map(|body| body.bytes.as_slice())
    }

    /// Where it stands.
    pub(super) fn progress(&self) -> CaptureProgress {
        CaptureProgress { started: self.began.is_some(), ended: self.ended, fault: None }
    }

    /// Whether it may start: all its streams have a reader, or some have and the subscriptions have settled.
    fn may_start(&mut self, now_ns: u64, hub: &Hub) -> bool {
        let version = hub.version();
        if self.changed.1 != version {
            self.changed = (now_ns, version);
        }
        let heard = self.contents.streams.iter().filter(|stream| hub.is_heard(stream)).count();
        let settled = now_ns.saturating_sub(self.changed.0) >= SETTLE_NS;
        heard > 0 && (settled || heard == self.contents.streams.len())
    }

    /// Hands out what is due, at most a turn's worth; true when more may be.
    ///
    /// # Errors
    /// When the capture cannot be read on.
    pub(super) fn turn(&mut self, now_ns: u64, hub: &Hub) -> Result<bool, SourceError> {
        if self.exhausted {
            self.ended = self.ended || hub.is_drained();
            return Ok(false);
        }
        if self.began.is_none() && !self.may_start(now_ns, hub) {
            return Ok(false);
        }
        for _ in 0..FRAMES_PER_TURN {
            if self.next.is_none() && !self.refill()? {
                self.exhausted = true;
                return Ok(true);
            }
            let Some(frame) = self.next.take() else { continue };
            if !self.may_go(&frame, now_ns, hub) {
                self.next = Some(frame);
                return Ok(false);
            }
            self.reached_ns = frame.receive_ns;
            let payload = payload_of(&frame.bytes);
            let micros = || with_micros(payload, None, -500_000);
            let combined = Some(frame.bytes.as_slice());
            hub.publish(&Sending { stream: &frame.stream, payload, combined, micros: &micros });
        }
        Ok(true)
    }

    /// Whether a frame's time has come, its readers have room, and the body before it is in somebody's hands.
    fn may_go(&mut self, frame: &Waiting, now_ns: u64, hub: &Hub) -> bool {
        let (first, began) = *self.began.get_or_insert((frame.receive_ns, now_ns));
        let ahead = frame.receive_ns.saturating_sub(first).max(0) as u64;
        if self.held_since.is_none() && self.speed > 0 && now_ns - began < ahead / u64::from(self.speed) {
            return false;
        }
        if !hub.has_room(&frame.stream, frame.bytes.len()) {
            return false;
        }
        let diff_of = frame.diff_of.as_deref().filter(|_| hub.is_heard(&frame.stream));
        if diff_of.is_some_and(|symbol| self.waits.holds(symbol, frame.receive_ns, now_ns)) {
            self.held_since.get_or_insert(now_ns);
            return false;
        }
        if let (Some(since), Some((_, began))) = (self.held_since.take(), &mut self.began) {
            *began += now_ns - since;
        }
        true
    }

    /// Reads the next line; bodies only move the time on. False at the end.
    fn refill(&mut self) -> Result<bool, SourceError> {
        let (next, reached) = (&mut self.next, &mut self.reached_ns);
        let pulled = self.source.pull(&mut |frame| match (&frame.origin, stream_of(frame.bytes)) {
            (Origin::Combined, Some(stream)) => {
                let name = StreamName::parse(stream).filter(|name| name.topic.kind == StreamKind::DepthDiff);
                let diff_of = name.and_then(|name| name.symbol).map(uppercase_symbol);
                let (stream, bytes) = (stream.to_owned(), frame.bytes.to_vec());
                *next = Some(Waiting { receive_ns: frame.receive.0, stream, diff_of, bytes });
            }
            _ => *reached = (*reached).max(frame.receive.0),
        })?;
        Ok(pulled != Pulled::Ended)
    }
}
