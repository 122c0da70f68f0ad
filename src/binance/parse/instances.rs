//! Purpose: the raw instances of one frame, from its tape. Owns: the buffer that they are built in, the memory of names, the
//! io thread's counters. Thread: the io thread. Takes and gives: a frame's root; raw instances, each only for the length of
//! a call. Never: gives an instance to an instrument that the payload contradicts.

use std::sync::Arc;

use super::bodies::{self, Body};
use super::control;
use super::envelope::{self, Envelope};
use super::error::{Cause, ParseError};
use super::fields::Fields;
use super::keys::KindKeys;
use super::names::{Names, Stream, Subject, is_symbol};
use super::parser::ParsedFrame;
use super::scan;
use super::scanner::{self, Shapes};
use super::short_name::ShortName;
use super::taker::RawTaker;
use super::tape::At;
use crate::directory::Directory;
use crate::schema::bodies::{body_kind, parameter, percent_decoded};
use crate::schema::frame::Origin;
use crate::schema::id::{InstrumentId, Market};
use crate::schema::instrument::{VenueState, uppercase_symbol};
use crate::schema::layout::{CONNECTION_CAUSE, CONNECTION_UP, VENUE_STATE, layout};
use crate::schema::raw::{RawBuf, RawOrigin, mark};
use crate::schema::topic::{StreamKind, Topic};
use crate::telemetry::{Counter, Counts};

/// The `st` of a COIN-M contract (binance.md, section 4).
const COIN_M: i64 = 2;

/// How the payloads of a frame are read.
#[derive(Clone, Copy, Debug)]
struct Reading<'p> {
    stream: Stream,
    /// Of a depth body, the `limit` that was asked for.
    limit: u32,
    /// It is the body of a poll.
    body: Option<Body<'p>>,
}

impl Reading<'_> {
    /// As a stream's frames are.
    #[inline]
    fn of(stream: Stream) -> Self {
        Reading { stream, limit: 0, body: None }
    }
}

/// Makes raw instances.
pub(super) struct Instances {
    pub(super) directory: Arc<Directory>,
    pub(super) counts: Counts,
    raw: RawBuf,
    /// The payload of an array read last: it goes out when it is known whether another one follows.
    held: RawBuf,
    fields: Fields,
    names: Names,
    shapes: Shapes,
    /// Frames that the scanner took.
    #[cfg(test)]
    pub(super) scanned: u64,
}

impl Instances {
    pub(super) fn new(directory: Arc<Directory>, counts: Counts) -> Instances {
        Instances {
            directory,
            counts,
            raw: RawBuf::default(),
            held: RawBuf::default(),
            fields: Fields::default(),
            names: Names::default(),
            shapes: Shapes::default(),
            #[cfg(test)]
            scanned: 0,
        }
    }

    /// Scans as every processor of the target does.
    pub(super) fn take_baseline(&mut self) {
        self.shapes.take_baseline();
    }

    /// Reads a frame. What stream it is of stands in `stream` as soon as it is known, also when the rest fails.
    pub(super) fn read<O: RawTaker>(
        &mut self,
        root: Option<At<'_, '_>>,
        from: &RawOrigin,
        origin: Origin<'_>,
        stream: &mut Option<Stream>,
        out: &mut O,
    ) -> Result<ParsedFrame, ParseError> {
        let root = root.ok_or(ParseError::of(Cause::Syntax))?;
        let (payload, reading) = match origin {
            Origin::Combined => match envelope::open(root)? {
                Envelope::Control(kind) => return Ok(ParsedFrame::Control(kind)),
                Envelope::Data { stream, payload } => {
                    (payload, Reading::of(self.names.stream(&self.directory, from.market, stream)))
                }
            },
            _ => {
                if let Some(kind) = control::classify(root) {
                    return Ok(ParsedFrame::Control(kind));
                }
                (root, self.unwrapped(from.market, origin))
            }
        };
        *stream = Some(reading.stream);
        match reading.stream.subject {
            Subject::Unknown => self.counts.add(Counter::UnknownStreams, 1),
            Subject::Refused => {
                self.counts.add(Counter::SymbolsRefused, 1);
                return Ok(ParsedFrame::Data { raws: 0, malformed: 0 });
            }
            Subject::One(_) | Subject::Whole => {}
        }
        self.payloads(payload, reading, from, out)
    }

    /// Reads a frame without a tape, if it is one that the scanner takes; whether it was, and a raw instance handed out.
    /// What it leaves, it leaves as it was.
    #[inline]
    pub(super) fn scan<O: RawTaker>(
        &mut self,
        bytes: &[u8],
        from: &RawOrigin,
        origin: Origin<'_>,
        out: &mut O,
    ) -> bool {
        self.scanned(bytes, from, origin, out).is_some_and(|()| {
            #[cfg(test)]
            {
                self.scanned += 1;
            }
            self.hand_out(out);
            true
        })
    }

    #[inline]
    fn scanned<O: RawTaker>(&mut self, bytes: &[u8], from: &RawOrigin, origin: Origin<'_>, out: &mut O) -> Option<()> {
        let (name, payload) = match origin {
            Origin::Combined => scanner::open(bytes)?,
            Origin::Raw { stream } => (ShortName::of(stream.as_bytes())?, bytes),
            _ => return None,
        };
        let stream = self.names.scanned(from.market, &name)?;
        let kind = stream.topic.kind;
        out.expect(stream.instrument, kind.is_book());
        let symbol = if stream.symbol.is_empty() { &*self.directory.instrument(stream.instrument)?.symbol } else { "" };
        self.shapes.read((bytes.len(), payload), from, stream, symbol, &mut self.raw)?;
        self.raw.close().ok()?;
        let of_others = from.market == Market::BinanceUsdm
            && KindKeys::of(kind).contract().any(|slot| self.raw.read().int(slot) == Some(COIN_M));
        (!of_others).then_some(())
    }

    fn unwrapped<'o>(&mut self, market: Market, origin: Origin<'o>) -> Reading<'o> {
        let of_kind = |kind, subject| Reading::of(Stream { topic: Topic::plain(kind), subject });
        let other = of_kind(StreamKind::Other, Subject::Unknown);
        match origin {
            Origin::Raw { stream } => Reading::of(self.names.stream(&self.directory, market, stream)),
            Origin::RestDepth { symbol, limit } => {
                let id = self.names.symbol(&self.directory, market, symbol);
                Reading { limit, ..of_kind(StreamKind::RestDepth, id.map_or(Subject::Refused, Subject::One)) }
            }
            Origin::RestOther { path } => match body_kind(path) {
                Some(kind) => {
                    Reading { body: Some(Body { kind, path }), ..of_kind(kind, self.asked_for(market, path)) }
                }
                None => other,
            },
            Origin::Combined | Origin::ExchangeInfo { .. } | Origin::Connection { .. } | Origin::BookStream { .. } => {
                other
            }
        }
    }

    /// Whose body the path asks for: one symbol's, or that of all, of which each row says whose it is.
    fn asked_for(&mut self, market: Market, path: &str) -> Subject {
        let symbol = parameter(path, "symbol").map(percent_decoded);
        match symbol.filter(|symbol| is_symbol(symbol)) {
            Some(symbol) => {
                let id = self.names.symbol(&self.directory, market, &uppercase_symbol(&symbol));
                id.map_or(Subject::Refused, Subject::One)
            }
            None => Subject::Whole,
        }
    }

    fn payloads<O: RawTaker>(
        &mut self,
        payload: At<'_, '_>,
        reading: Reading<'_>,
        from: &RawOrigin,
        out: &mut O,
    ) -> Result<ParsedFrame, ParseError> {
        let Some(mut elements) = payload.elements() else {
            let readable = self.payload(payload, reading, false, from)?;
            if readable {
                self.hand_out(out);
            }
            return Ok(ParsedFrame::Data { raws: u32::from(readable), malformed: 0 });
        };
        let (mut raws, mut malformed, mut last) = (0, 0, None);
        while let Some(element) = elements.next() {
            match self.payload(element, reading, elements.left() > 0, from) {
                Ok(false) => {}
                Ok(true) => {
                    // Now the one before it is known not to be the last of its frame.
                    core::mem::swap(&mut self.raw, &mut self.held);
                    if raws > 0 {
                        self.raw.add_marks(mark::MORE_FOLLOW);
                        self.hand_out(out);
                    }
                    raws += 1;
                }
                Err(error) => {
                    malformed += 1;
                    last = Some(error);
                }
            }
        }
        if raws > 0 {
            core::mem::swap(&mut self.raw, &mut self.held);
            self.hand_out(out);
        }
        match last {
            Some(error) if raws == 0 => Err(error),
            _ => Ok(ParsedFrame::Data { raws, malformed }),
        }
    }

    /// Reads one payload; whether a raw instance lies in the buffer, to be handed out. `follows`: another one comes behind it.
    fn payload(
        &mut self,
        payload: At<'_, '_>,
        reading: Reading<'_>,
        follows: bool,
        from: &RawOrigin,
    ) -> Result<bool, ParseError> {
        let Some(instrument) = self.fill(payload, reading, follows, from).inspect_err(|error| {
            if error.cause == Cause::DecimalOverflow {
                self.counts.add(Counter::DecimalOverflow, 1);
            }
        })?
        else {
            return Ok(false);
        };
        self.raw.set_instrument(instrument);
        self.raw.set_limit(reading.limit);
        if reading.body.is_some() {
            self.raw.add_marks(mark::POLLED);
        }
        Ok(true)
    }

    #[inline]
    fn hand_out<O: RawTaker>(&mut self, out: &mut O) {
        self.counts.add(Counter::RawParsed, 1);
        out.take(self.raw.read());
    }

    /// Reads a payload into the buffer and closes it; whose it is, or `None` when it is to be left out.
    fn fill(
        &mut self,
        payload: At<'_, '_>,
        reading: Reading<'_>,
        follows: bool,
        from: &RawOrigin,
    ) -> Result<Option<InstrumentId>, ParseError> {
        let (stream, kind) = (reading.stream, reading.stream.topic.kind);
        self.raw.begin(from, stream.topic, layout(kind).len());
        if let Some(body) = reading.body {
            bodies::read(&mut self.fields, payload, body, follows, &mut self.raw)?;
        } else if kind == StreamKind::Other && payload.entries().is_none() {
            self.fields.whole("data", payload, &mut self.raw);
        } else {
            self.fields.read(payload, kind, &mut self.raw)?;
        }
        self.counts.add(Counter::UnknownFieldsUncarried, self.fields.take_uncarried());
        let whose = match kind {
            StreamKind::Other => Some(InstrumentId::NONE),
            _ if reading.body.is_some() => self.whose(KindKeys::of_body(kind), stream.subject, from.market)?,
            _ => self.whose(KindKeys::of(kind), stream.subject, from.market)?,
        };
        self.raw.close().map_err(|_| ParseError::of(Cause::DecimalOverflow))?;
        Ok(whose)
    }

    /// The instrument of the payload just read; `None`, counted, when it is not one of this market or finds no room.
    fn whose(&mut self, keys: &KindKeys, subject: Subject, market: Market) -> Result<Option<InstrumentId>, ParseError> {
        let raw = self.raw.read();
        if market == Market::BinanceUsdm && keys.contract().any(|slot| raw.int(slot) == Some(COIN_M)) {
            self.counts.add(Counter::NoInstrument, 1);
            return Ok(None);
        }
        if let (Subject::One(id), Some(slot)) = (subject, keys.symbol())
            && self.directory.instrument(id).is_some_and(|i| raw.has_text(slot, &i.symbol))
        {
            return Ok(Some(id));
        }
        match (subject, keys.symbol().and_then(|slot| raw.text(slot))) {
            (Subject::One(_), Some(_)) => Err(ParseError::at(Cause::SymbolMismatch, "s")),
            (Subject::One(id), None) => Ok(Some(id)),
            (_, Some(symbol)) if is_symbol(symbol) => {
                let id = self.names.symbol(&self.directory, market, symbol);
                if id.is_none() {
                    self.counts.add(Counter::SymbolsRefused, 1);
                }
                Ok(id)
            }
            _ => Err(ParseError::at(Cause::BadSymbol, "s")),
        }
    }

    /// Says that a connection came or went.
    #[cold]
    pub(super) fn connection<O: RawTaker>(&mut self, from: &RawOrigin, up: bool, cause: &str, out: &mut O) {
        self.raw.begin(from, Topic::plain(StreamKind::Connection), layout(StreamKind::Connection).len());
        self.raw.set_bool(CONNECTION_UP, up);
        self.raw.set_text(CONNECTION_CAUSE, cause);
        // Without levels there is nothing to overflow.
        if let Ok(raw) = self.raw.finish() {
            out.take(raw);
        }
    }

    /// Says that the connection feeds the book of a symbol from here on; nothing of one that was never listed.
    #[cold]
    pub(super) fn book_stream<O: RawTaker>(&mut self, from: &RawOrigin, symbol: &str, out: &mut O) {
        let Some(id) = self.directory.find_symbol(from.market, symbol) else { return };
        self.raw.begin(from, Topic::plain(StreamKind::Connection), layout(StreamKind::Connection).len());
        self.raw.set_instrument(id);
        self.raw.set_bool(CONNECTION_UP, true);
        // Without levels there is nothing to overflow.
        if let Ok(raw) = self.raw.finish() {
            out.take(raw);
        }
    }

    /// Says what the venue says of an instrument.
    #[cold]
    pub(super) fn venue_status<O: RawTaker>(
        &mut self,
        from: &RawOrigin,
        id: InstrumentId,
        state: VenueState,
        out: &mut O,
    ) {
        self.raw.begin(from, Topic::plain(StreamKind::VenueStatus), layout(StreamKind::VenueStatus).len());
        self.raw.set_instrument(id);
        self.raw.set_int(VENUE_STATE, state as i64);
        // Without levels there is nothing to overflow.
        if let Ok(raw) = self.raw.finish() {
            out.take(raw);
        }
    }

    /// Counts a malformed frame, and says so to the book that it belonged to.
    #[cold]
    pub(super) fn malformed<O: RawTaker>(&mut self, from: &RawOrigin, stream: Option<Stream>, out: &mut O) {
        self.counts.add(Counter::FramesMalformed, 1);
        if let Some(Stream { topic, subject: Subject::One(id) }) = stream
            && topic.kind.is_book()
        {
            self.counts.add(Counter::BookFramesLost, 1);
            self.raw.begin(from, Topic::plain(StreamKind::Lost), 0);
            self.raw.set_instrument(id);
            // Without levels there is nothing to overflow.
            if let Ok(raw) = self.raw.finish() {
                out.take(raw);
            }
        }
    }

    /// The stream of a frame that could not be read as far as its name.
    #[cold]
    pub(super) fn damaged(&mut self, market: Market, origin: Origin<'_>, bytes: &[u8]) -> Option<Stream> {
        match origin {
            Origin::Combined => self.names.known(&self.directory, market, scan::stream_name(bytes)?),
            Origin::Raw { stream } => Some(self.names.stream(&self.directory, market, stream)),
            Origin::RestDepth { .. }
            | Origin::ExchangeInfo { .. }
            | Origin::Connection { .. }
            | Origin::BookStream { .. }
            | Origin::RestOther { .. } => None,
        }
    }
}
