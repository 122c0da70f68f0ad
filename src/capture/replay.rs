//! Purpose: replays capture files, merged by receive time, as a source of frames.
//! Owns: the open files, one line of look-ahead each. Thread: the io thread; [`Progress`] is read from any.
//! Takes and gives: paths in, frames out. Never: blocks on time, reads a clock of its own, goes on past a damaged line.

use core::cmp::Reverse;
use core::ops::Range;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::path::PathBuf;
use std::sync::Arc;

use super::line::LineReader;
use super::scan::{MarketGuess, Scan, Symbols};
use super::shape::{RestCall, Shape, shape};
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use crate::schema::id::{ConnectionId, Market};
use crate::schema::time::UnixNanos;
use crate::sync::{AtomicU64, Ordering};

/// A file to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFile {
    /// Where it is.
    pub path: PathBuf,
    /// The market it is of; `None`: as [`super::guess_market`] has it.
    pub market: Option<Market>,
}

/// How fast to replay.
pub enum Speed {
    /// As fast as the frames are taken.
    Max,
    /// With the distances at which frames were received. The reading of a monotonic clock, in ns, is handed in (the
    /// engine hands in the one clock's): the first frame goes out at once and sets the start.
    Recorded(Box<dyn Fn() -> u64 + Send>),
}

/// How to replay.
pub struct ReplayOptions {
    /// How fast.
    pub speed: Speed,
    /// Most bytes of one line, its stamp included. A buffer of that size a file is the most that is ever held.
    pub line_bytes_max: usize,
    /// Called for each snapshot that was asked for: a capture cannot serve it (the engine counts).
    pub unserved: Box<dyn FnMut() + Send>,
}

impl Default for ReplayOptions {
    /// Fastest; lines of at most 64 MiB; unserved requests are not told to anyone.
    fn default() -> ReplayOptions {
        ReplayOptions { speed: Speed::Max, line_bytes_max: 64 << 20, unserved: Box::new(|| ()) }
    }
}

/// How much of the files was read, in bytes as they lie on disk. Read from any thread.
#[derive(Clone, Debug)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: u64,
}

impl Progress {
    /// Bytes read; never more than [`Progress::total`], though a file may grow meanwhile.
    pub fn read(&self) -> u64 {
        // Relaxed: a figure to show; nothing else is read by it.
        self.read.load(Ordering::Relaxed).min(self.total)
    }

    /// Bytes of all files when they were opened.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// What is known of a file that is being replayed. Its connection id is its place in the list.
#[derive(Clone, Debug)]
pub struct CaptureInfo {
    /// Where it is.
    pub path: PathBuf,
    /// The market its frames carry.
    pub market: Market,
    /// What its first lines say of that.
    pub guess: MarketGuess,
}

struct Tape {
    info: CaptureInfo,
    reader: LineReader,
    stamp: i64,
    json: Range<usize>,
    symbols: Symbols,
    /// The first line whose body was taken to be of the file's only symbol.
    bare_body: Option<u64>,
}

/// Capture files, merged by receive time; equal times go in the order of the files, then of the lines.
///
/// Frames carry the line's stamp as receive time, the file's place as connection, and the line's number from 0.
pub struct ReplaySource {
    tapes: Vec<Tape>,
    /// The next line of each tape, earliest first. The top one is stale once it was handed over.
    order: BinaryHeap<Reverse<(i64, usize)>>,
    stale: bool,
    speed: Speed,
    start: Option<(i64, u64)>,
    unserved: Box<dyn FnMut() + Send>,
    progress: Progress,
    broken: Option<SourceError>,
}

impl ReplaySource {
    /// Opens the files and reads the first line of each.
    ///
    /// # Errors
    /// When there is none, or too many (65,535 fit a connection id), or one cannot be opened, is empty, or begins with
    /// a line that is none.
    pub fn open(files: Vec<CaptureFile>, options: ReplayOptions) -> Result<ReplaySource, SourceError> {
        if files.is_empty() || files.len() > usize::from(u16::MAX) {
            let count = files.len();
            let message = format!("replay: {count} capture files: expected 1 to 65535; name the files to replay");
            return Err(SourceError::damaged(message));
        }
        let read = Arc::new(AtomicU64::new(0));
        let (mut tapes, mut order, mut total) = (Vec::new(), BinaryHeap::new(), 0u64);
        for file in files {
            let (tape, bytes) = Tape::open(file, options.line_bytes_max, &read)?;
            total += bytes;
            order.push(Reverse((tape.stamp, tapes.len())));
            tapes.push(tape);
        }
        let progress = Progress { read, total };
        let ReplayOptions { speed, unserved, .. } = options;
        Ok(ReplaySource { tapes, order, stale: false, speed, start: None, unserved, progress, broken: None })
    }

    /// How far it is; clone it before the source moves to its thread.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The files, in order of their connection ids.
    pub fn files(&self) -> impl Iterator<Item = &CaptureInfo> {
        self.tapes.iter().map(|tape| &tape.info)
    }

    fn step(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if self.stale {
            self.refill()?;
        }
        let Some(Reverse((stamp, at))) = self.order.peek().copied() else { return Ok(Pulled::Ended) };
        if !self.due(stamp) {
            return Ok(Pulled::Nothing);
        }
        self.stale = true;
        self.tapes[at].hand_over(ConnectionId(at as u16), take)?;
        Ok(Pulled::Frame)
    }

    fn refill(&mut self) -> Result<(), SourceError> {
        self.stale = false;
        let Some(mut top) = self.order.peek_mut() else { return Ok(()) };
        let tape = &mut self.tapes[top.0.1];
        if tape.advance()? {
            top.0.0 = tape.stamp;
        } else {
            PeekMut::pop(top);
        }
        Ok(())
    }

    fn due(&mut self, stamp: i64) -> bool {
        let Speed::Recorded(now) = &self.speed else { return true };
        let now = now();
        let (first, began) = *self.start.get_or_insert((stamp, now));
        // The merge never goes back, so the distance is not negative.
        now.saturating_sub(began) >= stamp.saturating_sub(first).max(0) as u64
    }
}

impl Tape {
    fn open(file: CaptureFile, line_bytes_max: usize, read: &Arc<AtomicU64>) -> Result<(Tape, u64), SourceError> {
        let scan = Scan::of(&file.path, line_bytes_max)?;
        let (reader, bytes) = LineReader::open(&file.path, line_bytes_max, Arc::clone(read))?;
        let market = file.market.unwrap_or(scan.guess.market);
        let info = CaptureInfo { path: file.path, market, guess: scan.guess };
        let symbols = scan.symbols;
        let mut tape = Tape { info, reader, stamp: i64::MIN, json: 0..0, symbols, bare_body: None };
        if tape.advance()? {
            return Ok((tape, bytes));
        }
        let todo = "was the recorder stopped before the first message?";
        Err(tape.reader.whole_fault(&"holds no line", "at least one message", todo))
    }

    /// Reads the next line; `false` at the end.
    fn advance(&mut self) -> Result<bool, SourceError> {
        let Some(line) = self.reader.advance()? else { return Ok(false) };
        if line.stamp < self.stamp {
            let (now, before) = (line.stamp, self.stamp);
            let what = format!("time goes backwards, from {before} to {now}");
            let todo = "sort the file by its stamps (`sort -s -n -k1,1`), or split it there";
            return Err(self.reader.fault(&what, "lines in order of receive time", todo));
        }
        self.stamp = line.stamp;
        self.json = line.json;
        Ok(true)
    }

    fn hand_over(&mut self, connection: ConnectionId, take: &mut dyn FnMut(Frame<'_>)) -> Result<(), SourceError> {
        let json = &self.reader.bytes()[self.json.clone()];
        let (mut bytes, mut call, mut path) = (self.json.clone(), None, String::new());
        match shape(json) {
            Shape::Stream { name } => self.note_stream(name)?,
            Shape::BareDepth => call = Some(self.bare_depth()?),
            Shape::Rest { path: at, data } => {
                path = unescaped(&json[at]);
                call = Some(RestCall::parse(&path));
                bytes = bytes.start + data.start..bytes.start + data.end;
            }
            Shape::Other => {}
        }
        let origin = match &call {
            None => Origin::Combined,
            Some(RestCall::Depth { symbol, limit }) => Origin::RestDepth { symbol, limit: *limit },
            Some(RestCall::ExchangeInfo { whole }) => Origin::ExchangeInfo { whole: *whole },
            Some(RestCall::Other) => Origin::RestOther { path: &path },
        };
        let (market, receive) = (self.info.market, UnixNanos(self.stamp));
        let number = self.reader.lines() - 1;
        take(Frame {
            market,
            connection,
            number,
            receive,
            stamps: Stamps::NONE,
            origin,
            bytes: &mut self.reader.line()[bytes],
        });
        Ok(())
    }

    #[inline]
    fn note_stream(&mut self, name: Range<usize>) -> Result<(), SourceError> {
        let json = &self.reader.bytes()[self.json.clone()];
        let name = core::str::from_utf8(&json[name]).unwrap_or("");
        if !self.symbols.note(name, self.reader.lines()) {
            return Ok(());
        }
        let (Some(body), Symbols::Several { first, second, .. }) = (self.bare_body, &self.symbols) else {
            return Ok(());
        };
        let what = format!("{second} is named here, but the depth body in line {body} was taken to be of {first}");
        Err(self.reader.fault(&what, "one symbol in a file with bare depth bodies", REWRITE_BODIES))
    }

    fn bare_depth(&mut self) -> Result<RestCall, SourceError> {
        let what = match &self.symbols {
            Symbols::One(symbol) => {
                self.bare_body.get_or_insert(self.reader.lines());
                return Ok(RestCall::Depth { symbol: symbol.clone(), limit: 0 });
            }
            Symbols::None => "a depth body without a symbol, and no stream near it names one".to_owned(),
            Symbols::Several { first, second, line } => {
                format!("a depth body without a symbol, but the file names {first} and (line {line}) {second}")
            }
        };
        Err(self.reader.fault(&what, "one symbol in a file with bare depth bodies", REWRITE_BODIES))
    }
}

const REWRITE_BODIES: &str =
    r#"write such bodies as {"rest":"/api/v3/depth?symbol=SYMBOL&limit=N","data":BODY}, or split the file by symbol"#;

/// A JSON string's inside as text.
fn unescaped(inside: &[u8]) -> String {
    let plain = || String::from_utf8_lossy(inside).into_owned();
    if !inside.contains(&b'\\') {
        return plain();
    }
    serde_json::from_str(&format!("\"{}\"", plain())).unwrap_or_else(|_| plain())
}

impl FrameSource for ReplaySource {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let pulled = self.step(take);
        self.broken = pulled.as_ref().err().cloned();
        pulled
    }

    fn request_snapshot(&mut self, _request: SnapshotRequest<'_>) {
        (self.unserved)();
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
