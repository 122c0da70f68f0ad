//! Purpose: the parser beside the oracle. Owns: a parser with its directory. Thread: a test's.
//! Takes and gives: frames; what came out. Never: hides a difference.

use std::sync::Arc;

use meltica::binance::parse::{ParseError, ParsedFrame, Parser, ParserOptions};
use meltica::directory::Directory;
use meltica::schema::frame::{Frame, Origin, Stamps};
use meltica::schema::id::{ConnectionId, Market};
use meltica::schema::time::UnixNanos;
use meltica::schema::topic::StreamKind;
use meltica::telemetry::{Counter, Ledger};

use crate::captures::Sent;
use crate::oracle::{self, Verdict};
use crate::plain::Plain;

/// A parser and what it admits into.
pub(crate) struct Bench {
    parser: Parser,
    directory: Arc<Directory>,
    pub(crate) ledger: Ledger,
    number: u64,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let (directory, ledger) = (Arc::new(Directory::with_capacity(1 << 18)), Ledger::default());
        let parser = Parser::new(ParserOptions { trace_seed: 7 }, Arc::clone(&directory), ledger.sheet("test"));
        Bench { parser, directory, ledger, number: 0 }
    }

    /// Parses a frame.
    pub(crate) fn parse(
        &mut self,
        market: Market,
        sent: &Sent,
        bytes: &[u8],
    ) -> (Result<ParsedFrame, ParseError>, Vec<Plain>) {
        let mut bytes = bytes.to_vec();
        let origin = match sent {
            Sent::Combined => Origin::Combined,
            Sent::Raw(stream) => Origin::Raw { stream },
            Sent::RestDepth(symbol, limit) => Origin::RestDepth { symbol, limit: *limit },
            Sent::RestOther => Origin::RestOther { path: "/fapi/v1/openInterest" },
        };
        let (connection, receive) = (ConnectionId(3), UnixNanos(1));
        let frame =
            Frame { market, connection, number: self.number, receive, stamps: Stamps::NONE, origin, bytes: &mut bytes };
        self.number += 1;
        let (mut out, directory) = (Vec::new(), &self.directory);
        let parsed = self.parser.parse(frame, 9, |raw| out.push(Plain::of(raw, directory)));
        (parsed, out)
    }

    /// Parses a frame, and asks that it comes out as the oracle says. Gives the verdict.
    ///
    /// # Errors
    /// The difference.
    pub(crate) fn compare(&mut self, market: Market, sent: &Sent, bytes: &[u8]) -> Result<Verdict, String> {
        let lost = self.ledger.total(Counter::BookFramesLost);
        let (parsed, mut out) = self.parse(market, sent, bytes);
        let notices = out.iter().filter(|p| p.kind == StreamKind::Lost).count() as u64;
        out.retain(|p| p.kind != StreamKind::Lost);
        let verdict = oracle::read(market, sent, bytes);
        let same = match (&parsed, &verdict) {
            (Ok(ParsedFrame::Data { raws, malformed }), Verdict::Data(expected, bad)) => {
                (*raws as usize, *malformed) == (expected.len(), *bad)
                    && out.len() == expected.len()
                    && out.iter().zip(expected).all(|(own, theirs)| own.agrees(theirs))
            }
            (Ok(ParsedFrame::Control(_)), Verdict::Control) | (Err(_), Verdict::Malformed) => out.is_empty(),
            _ => false,
        };
        let told = self.ledger.total(Counter::BookFramesLost) - lost == notices && notices <= 1;
        if same && told {
            return Ok(verdict);
        }
        let text = String::from_utf8_lossy(bytes);
        Err(format!("{text}\nparser: {parsed:?} {out:#?}\noracle: {verdict:#?}\nnotices: {notices}"))
    }
}
