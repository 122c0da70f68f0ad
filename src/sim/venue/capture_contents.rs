//! Purpose: what a capture holds, read once before it is served: its market, its streams, its depth bodies.
//! Owns: that. Thread: any (cold). Takes and gives: files in, plain data out. Never: takes captures of two markets for one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::capture::{CaptureFile, ReplayOptions, ReplaySource};
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SourceError};
use crate::schema::id::Market;
use crate::schema::instrument::uppercase_symbol;

/// A depth body and when it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) receive_ns: i64,
    pub(super) bytes: Vec<u8>,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) market: Market,
    pub(super) streams: BTreeSet<String>,
    /// By symbol, uppercase, in order of time.
    pub(super) bodies: BTreeMap<String, Vec<Body>>,
}

/// Opens captures for reading, merged by receive time.
pub(super) fn open(files: &[PathBuf]) -> Result<ReplaySource, SourceError> {
    let files = files.iter().map(|path| CaptureFile { path: path.clone(), market: None }).collect();
    ReplaySource::open(files, ReplayOptions::default())
}

/// The stream's name within a combined frame; white space may follow the colon.
pub(super) fn stream_of(bytes: &[u8]) -> Option<&str> {
    let at = bytes.windows(8).position(|w| w == b"\"stream\"")? + 8;
    let rest = core::str::from_utf8(&bytes[at..]).ok()?;
    rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()
}

impl Contents {
    /// Reads the captures through.
    ///
    /// # Errors
    /// When they cannot be read, or are of two markets.
    pub(super) fn read(files: &[PathBuf]) -> Result<Contents, SourceError> {
        let mut source = open(files)?;
        let market = one_market(&source)?;
        let mut contents = Contents { market, streams: BTreeSet::new(), bodies: BTreeMap::new() };
        while source.pull(&mut |frame| contents.note(&frame))? != Pulled::Ended {}
        Ok(contents)
    }

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

    /// The symbols that it has streams or bodies of, uppercase.
    pub(super) fn symbols(&self) -> Vec<String> {
        let of_streams = self.streams.iter().filter_map(|name| name.split_once('@'));
        let mut symbols: BTreeSet<String> = of_streams.map(|(symbol, _)| uppercase_symbol(symbol)).collect();
        symbols.extend(self.bodies.keys().cloned());
        symbols.into_iter().filter(|symbol| !symbol.is_empty() && !symbol.starts_with('!')).collect()
    }
}

fn one_market(source: &ReplaySource) -> Result<Market, SourceError> {
    let mut files = source.files();
    let market = files.next().map_or(Market::BinanceSpot, |first| first.market);
    match files.find(|file| file.market != market) {
        None => Ok(market),
        Some(other) => {
            let (path, its) = (other.path.display(), other.market);
            let message = format!("{path}: a capture of {its} among captures of {market}: a venue is of one market");
            Err(SourceError::damaged(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_tells_its_market_streams_and_bodies_and_two_markets_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let written = |name: &str, lines: &[&str]| {
            let text: String = lines.iter().enumerate().map(|(n, line)| format!("{} {line}\n", n + 1)).collect();
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let spot =
            written("spot", &[r#"{"stream":"abusdt@depth","data":{"e":"depthUpdate","U":1,"u":2,"b":[],"a":[]}}"#]);
        let usdm = written(
            "usdm",
            &[
                r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","U":1,"u":2,"pu":0,"b":[],"a":[]}}"#,
                r#"{"rest":"/fapi/v1/depth?symbol=ethusdt&limit=5","data":{"lastUpdateId":7,"bids":[],"asks":[]}}"#,
            ],
        );
        let contents = Contents::read(std::slice::from_ref(&usdm)).unwrap();
        assert_eq!(contents.market, Market::BinanceUsdm);
        assert_eq!(contents.symbols(), ["BTCUSDT", "ETHUSDT"]);
        assert!(contents.streams.contains("btcusdt@depth@0ms"));
        assert_eq!(contents.bodies["ETHUSDT"][0].receive_ns, 2);
        assert_eq!(Contents::read(std::slice::from_ref(&spot)).unwrap().market, Market::BinanceSpot);
        let refused = Contents::read(&[spot, usdm]).unwrap_err().message;
        assert!(refused.contains("one market"), "{refused}");
    }

    #[test]
    fn names_are_found_as_the_venue_writes_them_and_with_white_space() {
        let table = [
            (r#"{"stream":"a@trade","data":{}}"#, Some("a@trade")),
            (r#"{"data":{}, "stream" : "b@depth"}"#, Some("b@depth")),
            (r#"{"data":{}}"#, None),
        ];
        for (frame, name) in table {
            assert_eq!(stream_of(frame.as_bytes()), name, "{frame}");
        }
    }
}
