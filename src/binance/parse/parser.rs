//! Purpose: one frame in, its raw instances out; counts. Owns: the tape and its reused buffers.
//! Thread: the io thread. Takes and gives: frames; raw instances, each only for the length of a call.
//! Never: allocates after warm-up but for a name it meets first; lets a broken frame of a book go unsaid.

use std::sync::Arc;

use simd_json::{Buffers, Tape};

use super::control::ControlKind;
use super::error::{Cause, ParseError};
use super::instances::Instances;
use super::listed::Listed;
use super::taker::{RawTaker, Unhinted};
use super::tape::At;
use crate::binance::catalogue::{self, Catalogue};
use crate::directory::Directory;
use crate::schema::frame::{Frame, Origin};
use crate::schema::id::{InstrumentId, TraceIds};
use crate::schema::instrument::{Trading, VenueState, uppercase_symbol};
use crate::schema::raw::{RawOrigin, RawRef};
use crate::telemetry::{Counter, Counts};

/// How deep a frame may nest. The venue's nest five deep.
const DEPTH_MAX: usize = 32;
/// "Invalid symbol." (binance.md, section 2.)
const INVALID_SYMBOL: i64 = -1121;
/// Bytes for which buffers are made at the start: a frame of about 1,200 levels.
const FRAME_BYTES: usize = 64 << 10;

/// What a parser is told.
#[derive(Clone, Copy, Debug)]
pub struct ParserOptions {
    /// The run's seed of trace ids; fixed in replay.
    pub trace_seed: u64,
}

/// What a frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParsedFrame {
    /// Data.
    Data {
        /// Raw instances handed out.
        raws: u32,
        /// Elements of an array that were malformed; their siblings are among `raws`.
        malformed: u32,
    },
    /// No data.
    Control(ControlKind),
    /// exchangeInfo: its instruments are in the directory, what has changed of them was handed out, the rest waits in
    /// [`Parser::take_catalogue`].
    Catalogue,
    /// A connection came or went: one raw instance, which concerns no instrument; or the stream of an instrument's book.
    Connection,
}

/// Turns frames into raw instances.
pub struct Parser {
    options: ParserOptions,
    traces: TraceIds,
    buffers: Buffers,
    // Empty between frames; kept for its memory.
    tape: Tape<'static>,
    instances: Instances,
    listed: Listed,
    catalogue: Option<Catalogue>,
    scans: bool,
}

impl core::fmt::Debug for Parser {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Parser").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Parser {
    /// A parser that admits what it meets into `directory`.
    pub fn new(options: ParserOptions, directory: Arc<Directory>, counts: Counts) -> Parser {
        Parser {
            options,
            traces: TraceIds::new(options.trace_seed),
            buffers: Buffers::with_max_depth(FRAME_BYTES, DEPTH_MAX),
            tape: Tape(Vec::with_capacity(FRAME_BYTES / 8)),
            instances: Instances::new(directory, counts),
            listed: Listed::default(),
            catalogue: None,
            scans: true,
        }
    }

    /// Reads every frame by the tape: the rule that the scanner is held to.
    pub fn without_scanner(self) -> Parser {
        Parser { scans: false, ..self }
    }

    /// Scans numbers by the instructions that every processor of the target has, whatever this one has: the rule that those of others are
    /// held to.
    pub fn by_baseline(mut self) -> Parser {
        self.instances.take_baseline();
        self
    }

    /// Parses a frame in place and hands out its raw instances in the order of the frame. The frame's bytes are spent.
    ///
    /// A malformed frame of a book's diff stream hands out one [`Lost`](crate::schema::topic::StreamKind::Lost). An element of an array that is
    /// malformed does not lose its siblings. What the venue says of an instrument (an exchangeInfo that differs from the one
    /// before, a depth body that says "invalid symbol") becomes a [`VenueStatus`](crate::schema::topic::StreamKind::VenueStatus) of it.
    ///
    /// # Errors
    /// [`ParseError`] when nothing of the frame could be read; it is counted.
    #[inline]
    pub fn parse<F>(&mut self, frame: Frame<'_>, ingress_ns: u64, out: F) -> Result<ParsedFrame, ParseError>
    where
        F: FnMut(RawRef<'_>),
    {
        self.parse_into(frame, ingress_ns, &mut Unhinted(out))
    }

    /// As [`Parser::parse`], for a taker that wants to know as early as can be whose frame it is.
    ///
    /// # Errors
    /// As [`Parser::parse`].
    pub fn parse_into<O: RawTaker>(
        &mut self,
        frame: Frame<'_>,
        ingress_ns: u64,
        out: &mut O,
    ) -> Result<ParsedFrame, ParseError> {
        let Frame { market, connection, number, receive, origin, bytes, stamps: _ } = frame;
        let from = RawOrigin { market, connection, number, receive, ingress_ns, traces: self.traces };
        if let Origin::Connection { up, cause } = origin {
            self.instances.connection(&from, up, cause, out);
            return Ok(ParsedFrame::Connection);
        }
        if let Origin::BookStream { symbol } = origin {
            self.instances.book_stream(&from, symbol, out);
            return Ok(ParsedFrame::Connection);
        }
        self.instances.counts.add(Counter::FramesIn, 1);
        if let Origin::ExchangeInfo { whole } = origin {
            return self.exchange_info(&from, whole, bytes, out);
        }
        if self.scans && self.instances.scan(bytes, &from, origin, out) {
            return Ok(ParsedFrame::Data { raws: 1, malformed: 0 });
        }
        let mut stream = None;
        let mut tape = core::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let parsed = match simd_json::fill_tape(bytes, &mut self.buffers, &mut tape) {
            Ok(()) => self.instances.read(At::root(&tape.0), &from, origin, &mut stream, out),
            Err(error) => {
                Err(ParseError { cause: Cause::Syntax, key: None, offset: Some(error.index()).filter(|i| *i > 0) })
            }
        };
        self.tape = tape.reset();
        match parsed {
            Ok(ParsedFrame::Control(kind)) => {
                self.instances.counts.add(Counter::FramesControl, 1);
                if let (ControlKind::Refusal { code: Some(INVALID_SYMBOL), .. }, Origin::RestDepth { symbol, .. }) =
                    (kind, origin)
                {
                    self.unknown_symbol(&from, symbol, out);
                }
                Ok(ParsedFrame::Control(kind))
            }
            Ok(done @ ParsedFrame::Data { malformed, .. }) => {
                if malformed > 0 {
                    self.instances.malformed(&from, stream, out);
                }
                Ok(done)
            }
            Ok(done) => Ok(done),
            Err(error) => {
                let stream = stream.or_else(|| self.instances.damaged(market, origin, bytes));
                self.instances.malformed(&from, stream, out);
                Err(error)
            }
        }
    }

    /// How many frames the scanner took.
    #[cfg(test)]
    pub(super) const fn scanned(&self) -> u64 {
        self.instances.scanned
    }

    /// What the last exchangeInfo said, once.
    pub fn take_catalogue(&mut self) -> Option<Catalogue> {
        self.catalogue.take()
    }

    /// The directory that it admits into.
    pub fn directory(&self) -> &Directory {
        &self.instances.directory
    }

    /// The io thread's counters.
    pub fn counts(&mut self) -> &mut Counts {
        &mut self.instances.counts
    }

    #[cold]
    fn exchange_info<O: RawTaker>(
        &mut self,
        from: &RawOrigin,
        whole: bool,
        bytes: &[u8],
        out: &mut O,
    ) -> Result<ParsedFrame, ParseError> {
        let Ok(catalogue) = catalogue::read(from.market, bytes) else {
            self.instances.counts.add(Counter::FramesMalformed, 1);
            return Err(ParseError::of(Cause::BadCatalogue));
        };
        let mut listed: Vec<(InstrumentId, Trading)> = Vec::with_capacity(catalogue.instruments.len());
        for instrument in &catalogue.instruments {
            match self.instances.directory.admit(instrument.clone()) {
                Ok(id) => listed.push((id, instrument.trading)),
                Err(_) => self.instances.counts.add(Counter::SymbolsRefused, 1),
            }
        }
        for (id, state) in self.listed.update(from.market, &listed, whole && catalogue.skipped.is_empty()) {
            self.instances.venue_status(from, id, state, out);
        }
        self.catalogue = Some(catalogue);
        Ok(ParsedFrame::Catalogue)
    }

    /// The venue has refused a depth body: it does not know the symbol.
    #[cold]
    fn unknown_symbol<O: RawTaker>(&mut self, from: &RawOrigin, symbol: &str, out: &mut O) {
        let found = self.instances.directory.find_symbol(from.market, &uppercase_symbol(symbol));
        if let Some(id) = found.filter(|id| self.listed.gone(from.market, *id)) {
            self.instances.venue_status(from, id, VenueState::Gone, out);
        }
    }
}
