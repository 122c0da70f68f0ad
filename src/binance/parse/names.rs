//! Purpose: stream name → topic and instrument, symbol → instrument, remembered so that a frame costs one look-up.
//! Owns: the memory, bounded. Thread: the io thread. Takes and gives: names and ids.
//! Never: allocates for a name that it knows; admits a symbol that a broken frame names.

use std::collections::HashMap;

use super::scanned::{Scanned, ScannedStreams};
use super::short_name::{BuildHashed, ShortName};
use crate::directory::Directory;
use crate::schema::id::{InstrumentId, Market};
use crate::schema::instrument::{Instrument, SYMBOL_LEN_MAX, uppercase_symbol};
use crate::schema::topic::{StreamKind, StreamName, Topic};

/// The most names remembered a market; those past it are looked up the slow way each time.
pub(super) const NAMES_MAX: usize = 65_536;
/// The longest stream name remembered, in bytes.
const NAME_LEN_MAX: usize = 4 * SYMBOL_LEN_MAX;

/// Whose frames a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Those of one instrument.
    One(InstrumentId),
    /// Those of one instrument that the directory has no room for.
    Refused,
    /// Those of all: the payload names each.
    Whole,
    /// Nobody knows.
    Unknown,
}

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    /// What its frames are.
    pub(super) topic: Topic,
    /// Whose.
    pub(super) subject: Subject,
}

/// What is remembered by name. Nearly all names are short, and lie in the map itself.
#[derive(Debug)]
struct ByName<V> {
    short: HashMap<ShortName, V, BuildHashed>,
    long: HashMap<Box<[u8]>, V>,
}

impl<V> Default for ByName<V> {
    fn default() -> Self {
        ByName { short: HashMap::default(), long: HashMap::default() }
    }
}

impl<V> ByName<V> {
    #[inline]
    fn get(&self, name: &[u8]) -> Option<&V> {
        match ShortName::of(name) {
            Some(short) => self.short.get(&short),
            None => self.long.get(name),
        }
    }

    /// Remembers another name, if there is room for one.
    fn insert(&mut self, name: &[u8], value: V) -> bool {
        if self.len() >= NAMES_MAX || name.len() > NAME_LEN_MAX {
            return false;
        }
        match ShortName::of(name) {
            Some(short) => self.short.insert(short, value),
            None => self.long.insert(name.into(), value),
        };
        true
    }

    fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }
}

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Names {
    streams: [ByName<Stream>; Market::ALL.len()],
    scanned: [ScannedStreams; Market::ALL.len()],
    symbols: [ByName<Option<InstrumentId>>; Market::ALL.len()],
}

impl Names {
    /// What a stream's name says; a new symbol is admitted.
    #[inline]
    pub(super) fn stream(&mut self, directory: &Directory, market: Market, name: &str) -> Stream {
        match self.streams[index(market)].get(name.as_bytes()) {
            Some(stream) => *stream,
            None => self.meet_stream(directory, market, name),
        }
    }

    /// A stream that was met by this name, if the scanner may try its frames.
    #[inline]
    pub(super) fn scanned(&self, market: Market, name: &ShortName) -> Option<&Scanned> {
        self.scanned[index(market)].get(name)
    }

    /// The instrument of a symbol as a payload writes it, admitted if it is new; `None` when the directory is full.
    #[inline]
    pub(super) fn symbol(&mut self, directory: &Directory, market: Market, symbol: &str) -> Option<InstrumentId> {
        match self.symbols[index(market)].get(symbol.as_bytes()) {
            Some(id) => *id,
            None => self.meet_symbol(directory, market, symbol),
        }
    }

    /// What is known of a stream whose name may be damaged: nothing is admitted or remembered.
    pub(super) fn known(&self, directory: &Directory, market: Market, name: &str) -> Option<Stream> {
        if let Some(stream) = self.streams[index(market)].get(name.as_bytes()) {
            return Some(*stream);
        }
        let StreamName { symbol, topic } = StreamName::parse(name)?;
        let id = directory.find_symbol(market, &uppercase_symbol(symbol?))?;
        Some(Stream { topic, subject: Subject::One(id) })
    }

    #[cold]
    fn meet_stream(&mut self, directory: &Directory, market: Market, name: &str) -> Stream {
        let unknown = Stream { topic: Topic::plain(StreamKind::Other), subject: Subject::Unknown };
        let stream = match StreamName::parse(name) {
            None => unknown,
            Some(StreamName { symbol: None, topic }) => Stream { topic, subject: Subject::Whole },
            Some(StreamName { symbol: Some(symbol), .. }) if !is_symbol(symbol) => unknown,
            Some(StreamName { symbol: Some(symbol), topic }) => {
                let id = self.symbol(directory, market, symbol);
                Stream { topic, subject: id.map_or(Subject::Refused, Subject::One) }
            }
        };
        if self.streams[index(market)].insert(name.as_bytes(), stream)
            && let Some(stream) = scanned(directory, market, stream, name)
        {
            self.scanned[index(market)].insert(stream);
        }
        stream
    }

    #[cold]
    fn meet_symbol(&mut self, directory: &Directory, market: Market, symbol: &str) -> Option<InstrumentId> {
        let id = directory.admit(Instrument::from_symbol(market, symbol)).ok();
        // A directory that is full stays full, so a refusal is worth remembering too.
        self.symbols[index(market)].insert(symbol.as_bytes(), id);
        id
    }
}

/// What the scanner has to know of a stream, if it may try its frames.
fn scanned(directory: &Directory, market: Market, stream: Stream, name: &str) -> Option<Scanned> {
    let Stream { topic, subject: Subject::One(instrument) } = stream else { return None };
    Scanned::new(market, name, &directory.instrument(instrument)?.symbol, instrument, topic)
}

/// Whether a text can be a symbol.
#[inline]
pub(super) fn is_symbol(text: &str) -> bool {
    !text.is_empty() && text.len() <= SYMBOL_LEN_MAX
}

const fn index(market: Market) -> usize {
    market as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Market = Market::BinanceSpot;

    #[test]
    fn a_stream_is_the_same_when_it_is_remembered() {
        let (directory, mut names) = (Directory::default(), Names::default());
        for _ in 0..2 {
            let depth = names.stream(&directory, SPOT, "btcusdt@depth@100ms");
            assert_eq!(
                depth,
                Stream { topic: Topic::plain(StreamKind::DepthDiff), subject: Subject::One(InstrumentId(0)) }
            );
            assert_eq!(names.stream(&directory, SPOT, "btcusdt@trade").subject, Subject::One(InstrumentId(0)));
            assert_eq!(names.stream(&directory, SPOT, "!miniTicker@arr").subject, Subject::Whole);
            assert_eq!(names.stream(&directory, SPOT, "x@nothing").topic.kind, StreamKind::Other);
            assert_eq!(names.symbol(&directory, SPOT, "BTCUSDT"), Some(InstrumentId(0)));
            assert_eq!(names.symbol(&directory, Market::BinanceUsdm, "BTCUSDT"), Some(InstrumentId(1)));
        }
        assert_eq!(directory.instruments(), 2);
    }

    #[test]
    fn damaged_names_admit_nothing() {
        let (directory, mut names) = (Directory::default(), Names::default());
        assert_eq!(names.known(&directory, SPOT, "btcusdt@depth"), None);
        names.stream(&directory, SPOT, "btcusdt@trade");
        let known = names.known(&directory, SPOT, "btcusdt@depth").unwrap();
        assert_eq!((known.topic.kind, known.subject), (StreamKind::DepthDiff, Subject::One(InstrumentId(0))));
        assert_eq!(names.known(&directory, SPOT, "ctcusdt@depth"), None);
        assert_eq!(directory.instruments(), 1);
    }

    #[test]
    fn a_full_directory_refuses_and_a_long_symbol_is_no_stream() {
        let (directory, mut names) = (Directory::with_capacity(1), Names::default());
        names.stream(&directory, SPOT, "btcusdt@trade");
        for _ in 0..2 {
            assert_eq!(names.stream(&directory, SPOT, "ethusdt@trade").subject, Subject::Refused);
        }
        let long = format!("{}@trade", "x".repeat(SYMBOL_LEN_MAX + 1));
        assert_eq!(names.stream(&directory, SPOT, &long).topic.kind, StreamKind::Other);
    }

    #[test]
    fn a_flood_of_names_is_not_remembered_for_ever() {
        let (directory, mut names) = (Directory::with_capacity(1), Names::default());
        for n in 0..NAMES_MAX + 10 {
            names.stream(&directory, SPOT, &format!("flood {n}"));
        }
        assert_eq!(names.streams[index(SPOT)].len(), NAMES_MAX);
        assert_eq!(names.stream(&directory, SPOT, "flood again").topic.kind, StreamKind::Other);
    }
}
