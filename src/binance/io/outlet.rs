//! Purpose: the sink, and what waits before it. Owns: the spill, the list of books that lost something.
//! Thread: the io thread. Takes and gives: raw instances. Never: changes their order; drops one without counting it.

use super::spill::Spill;
use crate::binance::parse::RawTaker;
use crate::schema::id::{ConnectionId, InstrumentId, Market};
use crate::schema::raw::{RAW_HEADER_WORDS, RawBuf, RawOrigin, RawRef};
use crate::schema::stage::RawSink;
use crate::schema::time::UnixNanos;
use crate::schema::topic::{StreamKind, Topic};
use crate::telemetry::{Counter, Counts};

/// Words that nearly all raw instances of streams fit: a diff of a hundred levels.
const GRANTED_WORDS: usize = 256;

/// What happens when the sink has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// Nothing is pulled until there is room: captures, simulations.
    Wait,
    /// After so many duty cycles without room what waits and what comes is dropped and counted until there is room again;
    /// a book that lost a diff is then told by [`StreamKind::Lost`]. For live sources: a socket that is not read is closed.
    DropAfter(u32),
}

/// The sink with its waiting room.
#[derive(Debug)]
pub(super) struct Outlet<K> {
    pub(super) sink: K,
    on_full: OnFull,
    words_max: usize,
    spill: Spill,
    /// Duty cycles since something that waits last moved.
    stuck: u32,
    /// Whether raw instances are being dropped.
    dropping: bool,
    /// Words of one raw instance that the sink has said it takes now; 0 when it is to be asked.
    granted: usize,
    lossy: Vec<LossyBook>,
    /// Whether an instrument stands in `lossy`, by its number.
    is_lossy: Vec<bool>,
    notice: RawBuf,
}

/// A book that lost a diff, and where.
#[derive(Clone, Copy, Debug)]
struct LossyBook {
    instrument: InstrumentId,
    from: RawOrigin,
}

impl<K: RawSink> Outlet<K> {
    pub(super) fn new(sink: K, on_full: OnFull, words_max: usize) -> Outlet<K> {
        Outlet {
            sink,
            on_full,
            words_max,
            spill: Spill::default(),
            stuck: 0,
            dropping: false,
            granted: 0,
            lossy: Vec::new(),
            is_lossy: Vec::new(),
            notice: RawBuf::default(),
        }
    }

    /// Whether a frame may be pulled: nothing waits. While dropping, frames are pulled and dropped.
    pub(super) fn is_open(&self) -> bool {
        self.spill.is_empty()
    }

    /// Whether a duty cycle has nothing to do here: nothing waits, was lost, or stood still in the cycle before.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.is_idle() && !self.dropping && self.stuck == 0
    }

    /// Whether everything has been handed on.
    pub(super) fn is_idle(&self) -> bool {
        self.spill.is_empty() && self.lossy.is_empty()
    }

    /// Takes one: to the sink, or behind those that wait, or nowhere.
    pub(super) fn offer(&mut self, raw: RawRef<'_>, loss: &mut Loss) {
        if self.dropping {
            self.drop_one(raw, loss);
        } else if raw.words() > self.words_max {
            // It would wait for ever: no ring takes a record of this size.
            if let Some(book) = loss.of(raw) {
                write_notice(&mut self.notice, book);
                hand(&mut self.sink, &mut self.spill, &mut self.granted, self.notice.read());
            }
        } else {
            hand(&mut self.sink, &mut self.spill, &mut self.granted, raw);
        }
    }

    /// Whether the sink is ready for a raw instance; for one that is not longer than most it is not asked again.
    pub(super) fn is_ready(&mut self) -> bool {
        // What no ring takes is no room to ask for.
        let words = GRANTED_WORDS.min(self.words_max);
        if self.sink.ready(1, words) {
            self.granted = words;
            return true;
        }
        self.granted = 0;
        self.sink.ready(1, RAW_HEADER_WORDS)
    }

    /// The sink's time moves on, and with it what it may have to do first.
    pub(super) fn advance(&mut self, now: UnixNanos) {
        self.granted = 0;
        self.sink.advance(now);
    }

    /// Hands on what waits, as far as there is room; then, what was lost. How many were handed on.
    pub(super) fn flush(&mut self) -> usize {
        let mut moved = 0;
        while let Some(raw) = self.spill.first() {
            if !self.sink.ready(1, raw.words()) {
                break;
            }
            self.sink.take_raw(raw);
            self.spill.release();
            moved += 1;
        }
        if self.spill.is_empty() {
            moved += self.tell_losses();
            if self.dropping {
                self.dropping = !self.lossy.is_empty() || !self.sink.ready(1, RAW_HEADER_WORDS);
            }
        }
        moved
    }

    /// One duty cycle has ended with something waiting; past the bound it is dropped.
    pub(super) fn wait(&mut self, moved: usize, loss: &mut Loss) {
        self.stuck = if moved > 0 || self.spill.is_empty() { 0 } else { self.stuck + 1 };
        let OnFull::DropAfter(cycles) = self.on_full else { return };
        if self.stuck <= cycles || self.spill.is_empty() {
            return;
        }
        self.dropping = true;
        self.stuck = 0;
        let mut spill = core::mem::take(&mut self.spill);
        while let Some(raw) = spill.first() {
            self.drop_one(raw, loss);
            spill.release();
        }
        self.spill = spill;
    }

    fn drop_one(&mut self, raw: RawRef<'_>, loss: &mut Loss) {
        let Some(book) = loss.of(raw) else { return };
        let at = book.instrument.index();
        if self.is_lossy.len() <= at {
            self.is_lossy.resize(at + 1, false);
        }
        if !core::mem::replace(&mut self.is_lossy[at], true) {
            self.lossy.push(book);
        }
    }

    fn tell_losses(&mut self) -> usize {
        let mut told = 0;
        while let Some(book) = self.lossy.last().copied() {
            if !self.sink.ready(1, RAW_HEADER_WORDS) {
                break;
            }
            write_notice(&mut self.notice, book);
            self.sink.take_raw(self.notice.read());
            self.lossy.pop();
            self.is_lossy[book.instrument.index()] = false;
            told += 1;
        }
        told
    }
}

/// The outlet as a parser's taker, with what it drops on the way.
#[derive(Debug)]
pub(super) struct Offering<'a, K> {
    pub(super) outlet: &'a mut Outlet<K>,
    pub(super) loss: &'a mut Loss,
}

impl<K: RawSink> RawTaker for Offering<'_, K> {
    #[inline]
    fn expect(&mut self, instrument: InstrumentId, of_book: bool) {
        self.outlet.sink.expect(instrument, of_book);
    }

    #[inline]
    fn take(&mut self, raw: RawRef<'_>) {
        self.outlet.offer(raw, self.loss);
    }
}

fn hand<K: RawSink>(sink: &mut K, spill: &mut Spill, granted: &mut usize, raw: RawRef<'_>) {
    // A grant is for one.
    let is_granted = raw.words() <= core::mem::take(granted);
    if spill.is_empty() && (is_granted || sink.ready(1, raw.words())) {
        sink.take_raw(raw);
    } else {
        spill.push(raw);
    }
}

fn write_notice(notice: &mut RawBuf, book: LossyBook) {
    notice.begin(&book.from, Topic::plain(StreamKind::Lost), 0);
    notice.set_instrument(book.instrument);
    // Without levels there is nothing to overflow.
    let _ = notice.finish();
}

/// What was dropped during one call; the caller counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    dropped: u64,
    book_frames: u64,
}

impl Loss {
    /// Notes one that is dropped; the book that must be told of it, if there is one.
    fn of(&mut self, raw: RawRef<'_>) -> Option<LossyBook> {
        self.dropped += 1;
        let book = raw.kind().is_book();
        self.book_frames += u64::from(book);
        // A notice that is dropped must be given again.
        let must_tell = (book || raw.kind() == StreamKind::Lost) && raw.instrument().is_some();
        must_tell.then(|| LossyBook { instrument: raw.instrument(), from: origin_of(raw) })
    }

    /// Counts it.
    pub(super) fn count(self, counts: &mut Counts) {
        if self.dropped > 0 {
            counts.add(Counter::RingFull, self.dropped);
            counts.add(Counter::BookFramesLost, self.book_frames);
        }
    }
}

fn origin_of(raw: RawRef<'_>) -> RawOrigin {
    RawOrigin {
        // A raw instance was made from a market: the byte is one.
        market: Market::from_byte(raw.header.market).unwrap_or(Market::BinanceSpot),
        connection: ConnectionId(raw.header.connection),
        number: raw.header.number,
        receive: UnixNanos(raw.header.receive),
        ingress_ns: raw.header.ingress_ns,
        traces: raw.header.traces,
    }
}
