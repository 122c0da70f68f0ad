//! Purpose: a capture in the market's place: its frames for whoever subscribed to their streams, its depth bodies for
//! whoever asks. Owns: the open capture. Thread: the market's; REST answers look in under its lock.
//! Takes and gives: time in, frames to the hub. Never: starts before somebody listens; invents a frame or a body.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use super::hub::{Hub, Sending};
use super::market::payload_of;
use super::micros::with_micros;
use crate::capture::{CaptureFile, ReplayOptions, ReplaySource};
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SourceError};
use crate::schema::instrument::uppercase_symbol;

/// Which captures are served, and how fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// One `<unix ns> <json>` a line, plain or gzip; several are merged by receive time.
    pub files: Vec<PathBuf>,
    /// How many times faster than recorded; 0 is as fast as it is read.
    pub speed: u32,
}

/// Where a served capture stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureProgress {
    /// Its first frame went out.
    pub started: bool,
    /// All its frames went out.
    pub ended: bool,
    /// Why it cannot be read on.
    pub fault: Option<String>,
}

/// After the last change of subscriptions the capture still waits so long: a client subscribes in several messages.
const SETTLE_NS: u64 = 400_000_000;
/// Frames handed out in one turn.
const FRAMES_PER_TURN: u32 = 512;

/// A depth body and when it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Body {
    receive_ns: i64,
    bytes: Vec<u8>,
}

/// A frame that waits for its time.
#[derive(Debug)]
struct Waiting {
    receive_ns: i64,
    stream: String,
    bytes: Vec<u8>,
}

/// What the whole capture holds, read once before it is served.
#[derive(Debug, Default)]
struct Contents {
    streams: BTreeSet<String>,
    bodies: BTreeMap<String, Vec<Body>>,
}

/// See the file's head.
pub(super) struct ServedCapture {
    source: ReplaySource,
    contents: Contents,
    speed: u32,
    next: Option<Waiting>,
    /// The first frame's time and the moment at which it went out.
    began: Option<(i64, u64)>,
    /// When the subscriptions last changed, and their version then.
    changed: (u64, u64),
    /// Receive time of the last frame that went out.
    reached_ns: i64,
    ended: bool,
}

impl fmt::Debug for ServedCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedCapture").field("streams", &self.contents.streams.len()).finish_non_exhaustive()
    }
}

fn open(files: &[PathBuf]) -> Result<ReplaySource, SourceError> {
    let files = files.iter().map(|path| CaptureFile { path: path.clone(), market: None }).collect();
    ReplaySource::open(files, ReplayOptions::default())
}

/// The stream's name within a combined frame; white space may follow the colon.
fn stream_of(bytes: &[u8]) -> Option<&str> {
    let at = bytes.windows(8).position(|w| w == b"\"stream\"")? + 8;
    let rest = core::str::from_utf8(&bytes[at..]).ok()?;
    rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()
}

impl Contents {
    fn note(&mut self, frame: &Frame<'_>) {
        match frame.origin {
            Origin::RestDepth { symbol, .. } => {
                let body = Body { receive_ns: frame.receive.0, bytes: frame.bytes.to_vec() };
                self.bodies.entry(uppercase_symbol(symbol)).or_default().push(body);
            }
            Origin::Combined => {
                self.streams.extend(stream_of(frame.bytes).map(str::to_owned));
            }
            _ => {}
        }
    }
}

impl ServedCapture {
    /// Reads the captures through once, for their bodies and the names of their streams, and opens them again.
    pub(super) fn open(options: &CaptureOptions) -> Result<ServedCapture, SourceError> {
        let mut contents = Contents::default();
        let mut source = open(&options.files)?;
        while source.pull(&mut |frame| contents.note(&frame))? != Pulled::Ended {}
        Ok(ServedCapture {
            source: open(&options.files)?,
            contents,
            speed: options.speed,
            next: None,
            began: None,
            changed: (0, u64::MAX),
            reached_ns: i64::MIN,
            ended: false,
        })
    }

    /// The symbols that it has streams or bodies of, uppercase.
    pub(super) fn symbols(&self) -> Vec<String> {
        let of_streams = self.contents.streams.iter().filter_map(|name| name.split_once('@'));
        let mut symbols: BTreeSet<String> = of_streams.map(|(symbol, _)| uppercase_symbol(symbol)).collect();
        symbols.extend(self.contents.bodies.keys().cloned());
        symbols.into_iter().filter(|symbol| !symbol.is_empty() && !symbol.starts_with('!')).collect()
    }

    /// The depth body of a symbol: the last one received until now, or else the first one to come.
    pub(super) fn depth(&self, symbol: &str) -> Option<&[u8]> {
        let bodies = self.contents.bodies.get(symbol)?;
        let past = bodies.iter().rfind(|body| body.receive_ns <= self.reached_ns);
        past.or(bodies.first()).map(|body| body.bytes.as_slice())
    }

    /// Where it stands.
    pub(super) fn progress(&self) -> CaptureProgress {
        CaptureProgress { started: self.began.is_some(), ended: self.ended, fault: None }
    }

    /// Whether it may start: somebody has a stream of it, and the subscriptions have settled.
    fn may_start(&mut self, now_ns: u64, hub: &Hub) -> bool {
        let version = hub.version();
        if self.changed.1 != version {
            self.changed = (now_ns, version);
        }
        now_ns.saturating_sub(self.changed.0) >= SETTLE_NS
            && hub.names().iter().any(|name| self.contents.streams.contains(name))
    }

    /// Hands out what is due, at most a turn's worth; true when more may be.
    ///
    /// # Errors
    /// When the capture cannot be read on.
    pub(super) fn turn(&mut self, now_ns: u64, hub: &Hub) -> Result<bool, SourceError> {
        if self.ended || (self.began.is_none() && !self.may_start(now_ns, hub)) {
            return Ok(false);
        }
        for _ in 0..FRAMES_PER_TURN {
            if self.next.is_none() && !self.refill()? {
                self.ended = true;
                return Ok(false);
            }
            let Some(frame) = self.next.take() else { continue };
            let (first, began) = *self.began.get_or_insert((frame.receive_ns, now_ns));
            let ahead = frame.receive_ns.saturating_sub(first).max(0) as u64;
            if self.speed > 0 && now_ns - began < ahead / u64::from(self.speed) {
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

    /// Reads the next line; bodies only move the time on. False at the end.
    fn refill(&mut self) -> Result<bool, SourceError> {
        let (next, reached) = (&mut self.next, &mut self.reached_ns);
        let pulled = self.source.pull(&mut |frame| match (&frame.origin, stream_of(frame.bytes)) {
            (Origin::Combined, Some(stream)) => {
                let (stream, bytes) = (stream.to_owned(), frame.bytes.to_vec());
                *next = Some(Waiting { receive_ns: frame.receive.0, stream, bytes });
            }
            _ => *reached = (*reached).max(frame.receive.0),
        })?;
        Ok(pulled != Pulled::Ended)
    }
}
