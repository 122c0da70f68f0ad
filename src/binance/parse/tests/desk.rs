//! Purpose: a parser as tests have it, and what it made of a frame. Owns: the parser, its directory, its ledger. Thread: a test's.
//! Takes and gives: frames in, answers out. Never: needs a capture.

use std::sync::Arc;

use super::super::{ParseError, ParsedFrame, Parser, ParserOptions};
use crate::directory::Directory;
use crate::schema::frame::{Frame, Origin, Stamps};
use crate::schema::id::{ConnectionId, Market};
use crate::schema::raw::RawRef;
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Ledger};

pub(super) const SPOT: Market = Market::BinanceSpot;
pub(super) const USDM: Market = Market::BinanceUsdm;

pub(super) struct Desk {
    pub(super) parser: Parser,
    pub(super) directory: Arc<Directory>,
    ledger: Ledger,
}

impl Desk {
    pub(super) fn with_capacity(instruments: usize) -> Desk {
        let (directory, ledger) = (Arc::new(Directory::with_capacity(instruments)), Ledger::default());
        let parser = Parser::new(ParserOptions { trace_seed: 5 }, Arc::clone(&directory), ledger.sheet("io"));
        Desk { parser, directory, ledger }
    }

    pub(super) fn new() -> Desk {
        Desk::with_capacity(64)
    }

    pub(super) fn parse(
        &mut self,
        market: Market,
        origin: Origin<'_>,
        bytes: &[u8],
        see: impl FnMut(RawRef<'_>),
    ) -> Result<ParsedFrame, ParseError> {
        let (connection, receive) = (ConnectionId(3), UnixNanos(77));
        let frame =
            Frame { market, connection, number: 11, receive, stamps: Stamps::NONE, origin, bytes: &mut bytes.to_vec() };
        self.parser.parse(frame, 9, see)
    }

    /// The kinds and symbols that a combined frame hands out.
    pub(super) fn combined(
        &mut self,
        market: Market,
        json: &str,
    ) -> (Result<ParsedFrame, ParseError>, Vec<(StreamKind, String)>) {
        self.bytes(market, json.as_bytes())
    }

    pub(super) fn bytes(
        &mut self,
        market: Market,
        bytes: &[u8],
    ) -> (Result<ParsedFrame, ParseError>, Vec<(StreamKind, String)>) {
        let (mut seen, directory) = (Vec::new(), Arc::clone(&self.directory));
        let parsed = self.parse(market, Origin::Combined, bytes, |raw| {
            let symbol = directory.instrument(raw.instrument()).map_or("-", |i| &*i.symbol);
            seen.push((raw.kind(), symbol.to_owned()));
        });
        (parsed, seen)
    }

    pub(super) fn count<const N: usize>(&self, counters: [Counter; N]) -> [u64; N] {
        counters.map(|c| self.ledger.total(c))
    }
}
