//! Purpose: the streams that the simulated exchange serves for each symbol, and their names.
//! Owns: nothing. Thread: any. Takes and gives: plain values. Never: knows a frame's bytes.

/// One kind of stream of one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Channel {
    /// `@depth@100ms`, or `@depth` when the interval is a second.
    Depth,
    /// `@depth20@100ms`, or `@depth20`.
    PartialDepth,
    /// `@bookTicker`.
    BookTicker,
    /// `@trade`.
    Trade,
    /// `@aggTrade`.
    AggTrade,
    /// `@blockTrade`.
    BlockTrade,
    /// `@kline_1m`.
    Kline,
    /// `@miniTicker`.
    MiniTicker,
    /// `@ticker`.
    Ticker,
    /// `@ticker_1h`.
    HourTicker,
    /// `@avgPrice`.
    AvgPrice,
    /// `@referencePrice`.
    ReferencePrice,
}

impl Channel {
    /// Every channel, in order of its number.
    pub const ALL: [Channel; 12] = [
        Channel::Depth,
        Channel::PartialDepth,
        Channel::BookTicker,
        Channel::Trade,
        Channel::AggTrade,
        Channel::BlockTrade,
        Channel::Kline,
        Channel::MiniTicker,
        Channel::Ticker,
        Channel::HourTicker,
        Channel::AvgPrice,
        Channel::ReferencePrice,
    ];

    /// What follows the symbol in the stream's name, given the interval of the depth streams in milliseconds.
    pub const fn suffix(self, depth_ms: u32) -> &'static str {
        let slow = depth_ms >= 1_000;
        match self {
            Channel::Depth if slow => "@depth",
            Channel::Depth => "@depth@100ms",
            Channel::PartialDepth if slow => "@depth20",
            Channel::PartialDepth => "@depth20@100ms",
            Channel::BookTicker => "@bookTicker",
            Channel::Trade => "@trade",
            Channel::AggTrade => "@aggTrade",
            Channel::BlockTrade => "@blockTrade",
            Channel::Kline => "@kline_1m",
            Channel::MiniTicker => "@miniTicker",
            Channel::Ticker => "@ticker",
            Channel::HourTicker => "@ticker_1h",
            Channel::AvgPrice => "@avgPrice",
            Channel::ReferencePrice => "@referencePrice",
        }
    }
}

/// A set of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels(u16);

impl Channels {
    /// No channel.
    pub const NONE: Channels = Channels(0);
    /// All of them.
    pub const ALL: Channels = Channels((1 << Channel::ALL.len()) - 1);
    /// What a trading program follows: diffs, best prices, trades.
    pub const CORE: Channels = Channels::NONE.with(Channel::Depth).with(Channel::BookTicker).with(Channel::Trade);

    /// The set with one more.
    pub const fn with(self, channel: Channel) -> Channels {
        Channels(self.0 | 1 << channel as u16)
    }

    /// The set with one less.
    pub const fn without(self, channel: Channel) -> Channels {
        Channels(self.0 & !(1 << channel as u16))
    }

    /// Whether it is in the set.
    #[inline]
    pub const fn has(self, channel: Channel) -> bool {
        self.0 & (1 << channel as u16) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::topic::{StreamKind, StreamName};

    #[test]
    fn every_stream_has_a_name_that_the_schema_knows() {
        for interval in [100, 1_000] {
            for channel in Channel::ALL {
                let name = format!("btcusdt{}", channel.suffix(interval));
                let parsed = StreamName::parse(&name).unwrap_or_else(|| panic!("{name}"));
                assert_eq!(parsed.symbol, Some("btcusdt"));
                assert_eq!(parsed.topic.kind == StreamKind::DepthDiff, channel == Channel::Depth);
            }
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = Channels::CORE.without(Channel::Trade).with(Channel::Kline);
        let held: Vec<_> = Channel::ALL.into_iter().filter(|c| set.has(*c)).collect();
        assert_eq!(held, [Channel::Depth, Channel::BookTicker, Channel::Kline]);
        assert!(Channel::ALL.into_iter().all(|c| Channels::ALL.has(c) && !Channels::NONE.has(c)));
    }
}
