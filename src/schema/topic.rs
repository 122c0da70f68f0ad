//! Purpose: the venue's stream names, and the templates by which routes name them.
//! Owns: the grammar of binance.md (sections 2 and 4, 2026-07-22). Thread: any. Takes and gives: text, [`Topic`].
//! Never: looks at a payload; a stream's name alone says what its frames are.

use std::collections::BTreeSet;

use super::id::Source;

/// What the frames of a stream, or the body of a REST call, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StreamKind {
    /// `@trade`.
    Trade = 1,
    /// `@aggTrade`.
    AggTrade,
    /// `@blockTrade`.
    BlockTrade,
    /// `@depth` and its speeds: changes of a book.
    DepthDiff,
    /// `@depth5`, `@depth10`, `@depth20`: the best levels.
    DepthPartial,
    /// `@bookTicker`, `!bookTicker`.
    BookTicker,
    /// `@kline_<interval>`.
    Kline,
    /// `@miniTicker`, `!miniTicker@arr`.
    MiniTicker,
    /// `@ticker`, `!ticker@arr`.
    Ticker,
    /// `@ticker_<window>`, `!ticker_<window>@arr`.
    WindowTicker,
    /// `@avgPrice`.
    AvgPrice,
    /// `@referencePrice`.
    ReferencePrice,
    /// `@markPrice`, `!markPrice@arr`.
    MarkPrice,
    /// `@forceOrder`, `!forceOrder@arr`.
    ForceOrder,
    /// The body of `GET …/depth`.
    RestDepth,
    /// A stream or body that no table knows: all its keys are unknown ones.
    Other,
    /// Not a stream: "content of this instrument's book stream was lost here" (a frame that could not be parsed, or was dropped).
    Lost,
    /// Not a stream: "take one body from the ring of REST bodies here", so that bodies and frames keep their order.
    BodyFollows,
    /// Not a stream: a connection came or went, and every shard is told; or, of an instrument, it feeds its book from here on.
    Connection,
    /// Not a stream: the venue said that an instrument trades, does not trade, or is gone.
    VenueStatus,
}

impl StreamKind {
    /// Every kind, in order of its number.
    pub const ALL: [StreamKind; 20] = [
        StreamKind::Trade,
        StreamKind::AggTrade,
        StreamKind::BlockTrade,
        StreamKind::DepthDiff,
        StreamKind::DepthPartial,
        StreamKind::BookTicker,
        StreamKind::Kline,
        StreamKind::MiniTicker,
        StreamKind::Ticker,
        StreamKind::WindowTicker,
        StreamKind::AvgPrice,
        StreamKind::ReferencePrice,
        StreamKind::MarkPrice,
        StreamKind::ForceOrder,
        StreamKind::RestDepth,
        StreamKind::Other,
        StreamKind::Lost,
        StreamKind::BodyFollows,
        StreamKind::Connection,
        StreamKind::VenueStatus,
    ];

    /// From the byte in a record.
    pub const fn from_byte(byte: u8) -> Option<StreamKind> {
        if byte >= 1 && (byte as usize) <= StreamKind::ALL.len() {
            Some(StreamKind::ALL[byte as usize - 1])
        } else {
            None
        }
    }

    /// The source that events of this kind carry.
    pub const fn source(self) -> Source {
        match self {
            StreamKind::Trade => Source::WsTrade,
            StreamKind::AggTrade => Source::WsAggTrade,
            StreamKind::BlockTrade => Source::WsBlockTrade,
            StreamKind::DepthDiff => Source::WsDepth,
            StreamKind::DepthPartial => Source::WsDepthPartial,
            StreamKind::BookTicker => Source::WsBookTicker,
            StreamKind::Kline => Source::WsKline,
            StreamKind::MiniTicker => Source::WsMiniTicker,
            StreamKind::Ticker => Source::WsTicker,
            StreamKind::WindowTicker => Source::WsWindowTicker,
            StreamKind::AvgPrice => Source::WsAvgPrice,
            StreamKind::ReferencePrice => Source::WsReferencePrice,
            StreamKind::MarkPrice => Source::WsMarkPrice,
            StreamKind::ForceOrder => Source::WsForceOrder,
            StreamKind::RestDepth => Source::RestDepth,
            StreamKind::Connection => Source::Connection,
            StreamKind::VenueStatus => Source::RestPoll,
            StreamKind::Other | StreamKind::Lost | StreamKind::BodyFollows => Source::WsOther,
        }
    }

    /// Whether frames of this kind carry level arrays.
    pub const fn has_levels(self) -> bool {
        matches!(self, StreamKind::DepthDiff | StreamKind::DepthPartial | StreamKind::RestDepth)
    }

    /// Whether losing a frame of this kind opens a gap in a book.
    pub const fn is_book(self) -> bool {
        matches!(self, StreamKind::DepthDiff)
    }
}

/// What a stream's name says beyond its symbol: the kind, and the parameters that change the meaning of its frames.
/// The speed (`@100ms`) changes how often they come, not what they say, and is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The kind.
    pub kind: StreamKind,
    /// Levels of a partial depth; the interval of a kline and the window of a window ticker, count and unit packed
    /// (exactly: two of them never share a number); 0 otherwise.
    pub detail: u16,
}

/// A stream name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamName<'a> {
    /// The symbol as written; `None` for a stream of all symbols (`!ticker@arr`).
    pub symbol: Option<&'a str>,
    /// What its frames are.
    pub topic: Topic,
}

/// The placeholder in a route's topic template.
pub const SYMBOL_PLACEHOLDER: &str = "{symbol}";

/// Of which symbols a timed poll of a route is wanted. A poll of the whole market in one request runs unless it is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PollScope {
    /// Nobody wants it.
    Off,
    /// Of every symbol that is listed.
    #[default]
    All,
    /// Of these, uppercase, as far as they are listed.
    Symbols(BTreeSet<Box<str>>),
}

impl Topic {
    /// A topic without parameters.
    pub const fn plain(kind: StreamKind) -> Topic {
        Topic { kind, detail: 0 }
    }
}

impl<'a> StreamName<'a> {
    /// Takes a stream name or a template apart. `None` when no table knows it.
    #[inline]
    pub fn parse(name: &'a str) -> Option<StreamName<'a>> {
        let (head, rest) = match name.find('@') {
            Some(at) => (&name[..at], &name[at + 1..]),
            None => (name, ""),
        };
        if let Some(all) = head.strip_prefix('!') {
            let topic = whole_market(all)?;
            let array = rest.is_empty() || rest == "arr" || rest.strip_prefix("arr@").is_some_and(is_speed);
            return array.then_some(StreamName { symbol: None, topic });
        }
        if head.is_empty() || rest.is_empty() {
            return None;
        }
        let (word, option) = match rest.find('@') {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let topic = per_symbol(word, option)?;
        Some(StreamName { symbol: Some(head), topic })
    }
}

fn whole_market(word: &str) -> Option<Topic> {
    let kind = match word {
        "bookTicker" => StreamKind::BookTicker,
        "miniTicker" => StreamKind::MiniTicker,
        "ticker" => StreamKind::Ticker,
        "markPrice" => StreamKind::MarkPrice,
        "forceOrder" => StreamKind::ForceOrder,
        _ => return Some(Topic { kind: StreamKind::WindowTicker, detail: span(word.strip_prefix("ticker_")?)? }),
    };
    Some(Topic::plain(kind))
}

fn per_symbol(word: &str, option: Option<&str>) -> Option<Topic> {
    let kind = match word {
        "depth" => StreamKind::DepthDiff,
        "bookTicker" => StreamKind::BookTicker,
        "trade" => StreamKind::Trade,
        "aggTrade" => StreamKind::AggTrade,
        "blockTrade" => StreamKind::BlockTrade,
        "miniTicker" => StreamKind::MiniTicker,
        "ticker" => StreamKind::Ticker,
        "avgPrice" => StreamKind::AvgPrice,
        "referencePrice" => StreamKind::ReferencePrice,
        "markPrice" => StreamKind::MarkPrice,
        "forceOrder" => StreamKind::ForceOrder,
        _ => return with_parameter(word, option),
    };
    let sped = matches!(kind, StreamKind::DepthDiff | StreamKind::MarkPrice);
    option.is_none_or(|o| sped && is_speed(o)).then_some(Topic::plain(kind))
}

fn with_parameter(word: &str, option: Option<&str>) -> Option<Topic> {
    if let Some(levels) = word.strip_prefix("depth") {
        let detail = match levels {
            "5" => 5,
            "10" => 10,
            "20" => 20,
            _ => return None,
        };
        return option.is_none_or(is_speed).then_some(Topic { kind: StreamKind::DepthPartial, detail });
    }
    if let Some(interval) = word.strip_prefix("kline_") {
        let zone = u16::from(option.is_some());
        let fine = option.is_none_or(|o| o == "+08:00");
        return span(interval).filter(|_| fine).map(|d| Topic { kind: StreamKind::Kline, detail: d | zone });
    }
    let detail = span(word.strip_prefix("ticker_")?)?;
    option.is_none().then_some(Topic { kind: StreamKind::WindowTicker, detail })
}

fn is_speed(text: &str) -> bool {
    let digits = text.strip_suffix("ms").or_else(|| text.strip_suffix('s'));
    digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
}

/// A span of time as the venue writes it, a count and a unit (`15m`, `1M`, `1h`), as a number of its own: the count in bits
/// 7 to 15, the unit's letter in bits 1 to 6. Bit 0 is kept free for the time zone of a kline.
fn span(text: &str) -> Option<u16> {
    let (unit, count) = text.as_bytes().split_last()?;
    let unit = match unit {
        b'a'..=b'z' => unit - b'a',
        b'A'..=b'Z' => unit - b'A' + 26,
        _ => return None,
    };
    if !(1..=3).contains(&count.len()) || count[0] == b'0' || !count.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = count.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (count <= SPAN_COUNT_MAX).then_some(count << 7 | u16::from(unit) << 1)
}

/// The largest count of a span: nine bits. The venue's largest is 30.
const SPAN_COUNT_MAX: u16 = 511;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_its_frames_are() {
        let table = [
            ("btcusdt@depth@100ms", Some("btcusdt"), StreamKind::DepthDiff),
            ("btcusdt@depth@0ms", Some("btcusdt"), StreamKind::DepthDiff),
            ("btcusdt@depth", Some("btcusdt"), StreamKind::DepthDiff),
            ("ethusdt@depth20", Some("ethusdt"), StreamKind::DepthPartial),
            ("ethusdt@depth5@500ms", Some("ethusdt"), StreamKind::DepthPartial),
            ("币安人生usdt@trade", Some("币安人生usdt"), StreamKind::Trade),
            ("{symbol}@aggTrade", Some("{symbol}"), StreamKind::AggTrade),
            ("!ticker@arr", None, StreamKind::Ticker),
            ("!ticker_1h@arr", None, StreamKind::WindowTicker),
            ("!markPrice@arr@1s", None, StreamKind::MarkPrice),
            ("!bookTicker", None, StreamKind::BookTicker),
            ("btcusdt@markPrice@1s", Some("btcusdt"), StreamKind::MarkPrice),
            ("btcusdt@kline_1m@+08:00", Some("btcusdt"), StreamKind::Kline),
        ];
        for (name, symbol, kind) in table {
            let parsed = StreamName::parse(name).unwrap_or_else(|| panic!("{name} is a known stream"));
            assert_eq!((parsed.symbol, parsed.topic.kind), (symbol, kind), "{name}");
        }
    }

    #[test]
    fn names_that_no_table_knows_are_not_guessed() {
        for name in [
            "",
            "@",
            "btcusdt",
            "@trade",
            "btcusdt@",
            "btcusdt@depth7",
            "btcusdt@depth@fast",
            "btcusdt@trade@100ms",
            "!x@arr",
            "BTCUSDT@TICKER_ALL",
            "btcusdt@rpiDepth@500ms",
            "!ticker@all",
        ] {
            assert_eq!(StreamName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn intervals_windows_and_zones_make_distinct_topics() {
        let mut seen = std::collections::HashSet::new();
        for i in ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"] {
            for zone in ["", "@+08:00"] {
                let name = format!("btcusdt@kline_{i}{zone}");
                assert!(seen.insert(StreamName::parse(&name).unwrap().topic), "{name}");
            }
        }
        for w in ["1h", "4h", "1d"] {
            let (one, all) = (format!("btcusdt@ticker_{w}"), format!("!ticker_{w}@arr"));
            let topic = StreamName::parse(&one).unwrap().topic;
            assert!(seen.insert(topic));
            assert_eq!(StreamName::parse(&all).unwrap().topic, topic);
        }
    }

    /// A hash would send the candles of two intervals to one route, sooner or later.
    #[test]
    fn no_two_spans_share_a_number_and_what_is_no_span_is_no_stream() {
        let mut seen = std::collections::HashSet::new();
        for unit in ('a'..='z').chain('A'..='Z') {
            for count in 1..=SPAN_COUNT_MAX {
                let detail = span(&format!("{count}{unit}")).unwrap();
                assert!(detail > 1 && detail & 1 == 0 && seen.insert(detail), "{count}{unit}");
            }
        }
        for text in ["", "m", "1", "0m", "01m", "512m", "1000m", "1mo", "-1m", "1 m", "1µ", "m1"] {
            assert_eq!(span(text), None, "{text}");
            assert_eq!(StreamName::parse(&format!("btcusdt@kline_{text}")), None, "{text}");
            assert_eq!(StreamName::parse(&format!("!ticker_{text}@arr")), None, "{text}");
        }
        assert_eq!(StreamName::parse("btcusdt@kline_1m@+09:00"), None);
    }

    #[test]
    fn kinds_survive_the_byte_in_a_record() {
        for kind in StreamKind::ALL {
            assert_eq!(StreamKind::from_byte(kind as u8), Some(kind));
        }
        assert_eq!(StreamKind::from_byte(0), None);
        assert_eq!(StreamKind::from_byte(21), None);
    }
}
