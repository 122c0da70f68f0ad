//! Purpose: the raw instances of one frame, from its tape. Owns: the buffer that they are built in, the memory of names, the
//! io thread's counters. Thread: the io thread. Takes and gives: a frame's root; raw instances, each only for the length of
//! a call. Never: gives an instance to an instrument that the payload contradicts.

use std::sync::Arc;

use super::control;
use super::envelope::{self, Envelope};
use super::error::{Cause, ParseError};
use super::fields::Fields;
use super::keys::KindKeys;
use super::names::{Names, Stream, Subject, is_symbol};
use super::parser::ParsedFrame;
use super::scan;
use super::tape::At;
use crate::directory::Directory;
use crate::schema::frame::Origin;
use crate::schema::id::{InstrumentId, Market};
use crate::schema::layout::{CONNECTION_CAUSE, CONNECTION_UP, layout};
use crate::schema::raw::{RawBuf, RawOrigin, RawRef, mark};
use crate::schema::topic::{StreamKind, Topic};
use crate::telemetry::{Counter, Counts};

/// The `st` of a COIN-M contract (binance.md, section 4).
const COIN_M: i64 = 2;

/// Makes raw instances.
pub(super) struct Instances {
    pub(super) directory: Arc<Directory>,
    pub(super) counts: Counts,
    raw: RawBuf,
    /// The payload of an array read last: it goes out when it is known whether another one follows.
    held: RawBuf,
    fields: Fields,
    names: Names,
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
        }
    }

    /// Reads a frame. What stream it is of stands in `stream` as soon as it is known, also when the rest fails.
    pub(super) fn read<F>(
        &mut self,
        root: Option<At<'_, '_>>,
        from: &RawOrigin,
        origin: Origin<'_>,
        stream: &mut Option<Stream>,
        out: &mut F,
    ) -> Result<ParsedFrame, ParseError>
    where
        F: FnMut(RawRef<'_>),
    {
        let root = root.ok_or(ParseError::of(Cause::Syntax))?;
        let (payload, known, limit) = match origin {
            Origin::Combined => match envelope::open(root)? {
                Envelope::Control(kind) => return Ok(ParsedFrame::Control(kind)),
                Envelope::Data { stream, payload } => {
                    (payload, self.names.stream(&self.directory, from.market, stream), 0)
                }
            },
            _ => {
                if let Some(kind) = control::classify(root) {
                    return Ok(ParsedFrame::Control(kind));
                }
                let (known, limit) = self.unwrapped(from.market, origin);
                (root, known, limit)
            }
        };
        *stream = Some(known);
        match known.subject {
            Subject::Unknown => self.counts.add(Counter::UnknownStreams, 1),
            Subject::Refused => {
                self.counts.add(Counter::SymbolsRefused, 1);
                return Ok(ParsedFrame::Data { raws: 0, malformed: 0 });
            }
            Subject::One(_) | Subject::Whole => {}
        }
        self.payloads(payload, known, limit, from, out)
    }

    fn unwrapped(&mut self, market: Market, origin: Origin<'_>) -> (Stream, u32) {
        let other = Stream { topic: Topic::plain(StreamKind::Other), subject: Subject::Unknown };
        match origin {
            Origin::Raw { stream } => (self.names.stream(&self.directory, market, stream), 0),
            Origin::RestDepth { symbol, limit } => {
                let id = self.names.symbol(&self.directory, market, symbol);
                let subject = id.map_or(Subject::Refused, Subject::One);
                (Stream { topic: Topic::plain(StreamKind::RestDepth), subject }, limit)
            }
            Origin::Combined
            | Origin::ExchangeInfo
            | Origin::Connection { .. }
            | Origin::BookStream { .. }
            | Origin::RestOther { .. } => (other, 0),
        }
    }

    fn payloads<F>(
        &mut self,
        payload: At<'_, '_>,
        stream: Stream,
        limit: u32,
        from: &RawOrigin,
        out: &mut F,
    ) -> Result<ParsedFrame, ParseError>
    where
        F: FnMut(RawRef<'_>),
    {
        let Some(elements) = payload.elements() else {
            let readable = self.payload(payload, stream, limit, from)?;
            if readable {
                self.hand_out(out);
            }
            return Ok(ParsedFrame::Data { raws: u32::from(readable), malformed: 0 });
        };
        let (mut raws, mut malformed, mut last) = (0, 0, None);
        for element in elements {
            match self.payload(element, stream, limit, from) {
                Ok(false) => {}
                Ok(true) => {
                    // Now the one before it is known not to be the last of its frame.
                    core::mem::swap(&mut self.raw, &mut self.held);
                    if raws > 0 {
                        self.raw.set_marks(mark::MORE_FOLLOW);
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

    /// Reads one payload; whether a raw instance lies in the buffer, to be handed out.
    fn payload(
        &mut self,
        payload: At<'_, '_>,
        stream: Stream,
        limit: u32,
        from: &RawOrigin,
    ) -> Result<bool, ParseError> {
        let Some(instrument) = self.fill(payload, stream, from).inspect_err(|error| {
            if error.cause == Cause::DecimalOverflow {
                self.counts.add(Counter::DecimalOverflow, 1);
            }
        })?
        else {
            return Ok(false);
        };
        self.raw.set_instrument(instrument);
        self.raw.set_limit(limit);
        Ok(true)
    }

    fn hand_out<F: FnMut(RawRef<'_>)>(&mut self, out: &mut F) {
        self.counts.add(Counter::RawParsed, 1);
        out(self.raw.read());
    }

    /// Reads a payload into the buffer and closes it; whose it is, or `None` when it is to be left out.
    fn fill(
        &mut self,
        payload: At<'_, '_>,
        stream: Stream,
        from: &RawOrigin,
    ) -> Result<Option<InstrumentId>, ParseError> {
        let kind = stream.topic.kind;
        self.raw.begin(from, stream.topic, layout(kind).len());
        if kind == StreamKind::Other && payload.entries().is_none() {
            self.fields.whole("data", payload, &mut self.raw);
        } else {
            self.fields.read(payload, kind, &mut self.raw)?;
        }
        let whose = match kind {
            StreamKind::Other => Some(InstrumentId::NONE),
            _ => self.whose(KindKeys::of(kind), stream.subject, from.market)?,
        };
        self.raw.finish().map_err(|_| ParseError::of(Cause::DecimalOverflow))?;
        Ok(whose)
    }

    /// The instrument of the payload just read; `None`, counted, when it is not one of this market or finds no room.
    fn whose(&mut self, keys: &KindKeys, subject: Subject, market: Market) -> Result<Option<InstrumentId>, ParseError> {
        let raw = self.raw.read();
        if market == Market::BinanceUsdm && keys.contract().any(|slot| raw.int(slot) == Some(COIN_M)) {
            self.counts.add(Counter::NoInstrument, 1);
            return Ok(None);
        }
        let written = keys.symbol().and_then(|slot| raw.text(slot));
        match (subject, written) {
            (Subject::One(id), Some(symbol)) => {
                let same = self.directory.instrument(id).is_some_and(|i| *i.symbol == *symbol);
                if same { Ok(Some(id)) } else { Err(ParseError::at(Cause::SymbolMismatch, "s")) }
            }
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
    pub(super) fn connection<F>(&mut self, from: &RawOrigin, up: bool, cause: &str, out: &mut F)
    where
        F: FnMut(RawRef<'_>),
    {
        self.raw.begin(from, Topic::plain(StreamKind::Connection), layout(StreamKind::Connection).len());
        self.raw.set_bool(CONNECTION_UP, up);
        self.raw.set_text(CONNECTION_CAUSE, cause);
        // Without levels there is nothing to overflow.
        if let Ok(raw) = self.raw.finish() {
            out(raw);
        }
    }

    /// Says that the connection feeds the book of a symbol from here on; nothing of one that was never listed.
    #[cold]
    pub(super) fn book_stream<F>(&mut self, from: &RawOrigin, symbol: &str, out: &mut F)
    where
        F: FnMut(RawRef<'_>),
    {
        let Some(id) = self.directory.find_symbol(from.market, symbol) else { return };
        self.raw.begin(from, Topic::plain(StreamKind::Connection), layout(StreamKind::Connection).len());
        self.raw.set_instrument(id);
        self.raw.set_bool(CONNECTION_UP, true);
        // Without levels there is nothing to overflow.
        if let Ok(raw) = self.raw.finish() {
            out(raw);
        }
    }

    /// Counts a malformed frame, and says so to the book that it belonged to.
    #[cold]
    pub(super) fn malformed<F>(&mut self, from: &RawOrigin, stream: Option<Stream>, out: &mut F)
    where
        F: FnMut(RawRef<'_>),
    {
        self.counts.add(Counter::FramesMalformed, 1);
        if let Some(Stream { topic, subject: Subject::One(id) }) = stream
            && topic.kind.is_book()
        {
            self.counts.add(Counter::BookFramesLost, 1);
            self.raw.begin(from, Topic::plain(StreamKind::Lost), 0);
            self.raw.set_instrument(id);
            // Without levels there is nothing to overflow.
            if let Ok(raw) = self.raw.finish() {
                out(raw);
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
            | Origin::ExchangeInfo
            | Origin::Connection { .. }
            | Origin::BookStream { .. }
            | Origin::RestOther { .. } => None,
        }
    }
}
