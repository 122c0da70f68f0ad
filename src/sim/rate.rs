//! Purpose: how many events bring so many frames. Owns: what an event brings on each channel, counted on the default symbols.
//! Thread: any (cold). Takes and gives: rates. Never: promises more than a mean.

use super::channel::{Channel, Channels};
use super::options::{EVENTS_PER_SECOND, ExchangeOptions};
use super::spec::Status;

/// Frames that an event brings on a channel, on average.
const PER_EVENT: [(Channel, f64); 3] = [(Channel::BookTicker, 0.72), (Channel::Trade, 0.33), (Channel::AggTrade, 0.19)];

/// Frames that a channel sends each second whatever happens.
const PER_SECOND: [Channel; 5] =
    [Channel::MiniTicker, Channel::Ticker, Channel::HourTicker, Channel::AvgPrice, Channel::ReferencePrice];

/// The part of what can be had that is asked for at most.
const NEARLY_ALL: f64 = 0.99;
/// Between two frames of a candle, in seconds.
const CANDLE_SECONDS: f64 = 2.0;
/// The part of all events that is apart from others in time and brings a candle a trade.
const TRADING: f64 = 0.09;
/// The part that is apart and changes a book: nearly all do, and one in ten comes in a burst with others.
const CHANGING: f64 = 0.90;

/// The events a second of a symbol of full activity that bring about `frames_per_second` from all symbols together, within
/// 0.001 and 1,000,000. With none but capped streams no rate of events brings more than their intervals let through.
pub fn events_for(frames_per_second: u32, exchange: &ExchangeOptions) -> f64 {
    let (mut low, mut high) = EVENTS_PER_SECOND;
    // Of capped streams more than nearly all would take ever more events for nothing.
    let wanted = f64::from(frames_per_second).min(NEARLY_ALL * frames_for(high, exchange));
    // More events bring more frames, never fewer: halved until the two are next to each other.
    while high / low > 1.001 {
        let middle = (low * high).sqrt();
        *(if frames_for(middle, exchange) < wanted { &mut low } else { &mut high }) = middle;
    }
    high
}

/// The frames a second that so many events bring from all symbols together.
fn frames_for(events_per_second: f64, exchange: &ExchangeOptions) -> f64 {
    let trading = exchange.symbols.iter().filter(|spec| spec.status == Status::Trading);
    let of = |symbol: &str| exchange.channels_of.iter().find(|(name, _)| name == symbol).map(|(_, channels)| *channels);
    let interval = f64::from(exchange.depth_interval_ms) / 1_000.0;
    trading
        .map(|spec| {
            let events = events_per_second * f64::from(spec.activity_permille) / 1_000.0;
            frames_of(events, of(&spec.symbol).unwrap_or(exchange.channels), interval)
        })
        .sum()
}

/// The same of one symbol, whose depth streams speak once in so many seconds.
fn frames_of(events: f64, channels: Channels, interval: f64) -> f64 {
    let has = |channel: Channel| f64::from(u8::from(channels.has(channel)));
    let each: f64 = PER_EVENT.iter().map(|(channel, frames)| has(*channel) * frames * events).sum();
    let steady: f64 = PER_SECOND.iter().map(|channel| has(*channel)).sum();
    let depth = (has(Channel::Depth) + has(Channel::PartialDepth)) * spoken(events * CHANGING, interval);
    each + steady + depth + has(Channel::Kline) * spoken(events * TRADING, CANDLE_SECONDS)
}

/// How often a second a stream speaks that says once in an interval what has changed, and nothing when nothing has.
fn spoken(changes: f64, interval: f64) -> f64 {
    (1.0 - (-changes * interval).exp()) / interval
}

#[cfg(test)]
mod tests {
    use super::super::batch::Batch;
    use super::super::exchange::Exchange;
    use super::super::spec::default_symbols;
    use super::*;

    /// What a second of virtual time brings on average, of a run that is long enough.
    fn brought(rate: u32, symbols: u32, depth_interval_ms: u32, channels: Channels) -> f64 {
        let symbols_of = default_symbols(symbols as usize);
        let mut options = ExchangeOptions { symbols: symbols_of, channels, depth_interval_ms, ..Default::default() };
        options.events_per_second = events_for(rate * symbols, &options);
        let mut exchange = Exchange::new(options).unwrap();
        let seconds = (40_000 / (rate * symbols)).max(5);
        let end = exchange.now().0 + i64::from(seconds) * 1_000_000_000;
        let (mut batch, mut frames) = (Batch::default(), 0);
        while exchange.next_due().is_some_and(|due| due.0 <= end) {
            batch.clear();
            exchange.advance(&mut batch);
            frames += batch.frames().len();
        }
        frames as f64 / f64::from(seconds) / f64::from(symbols)
    }

    #[test]
    fn a_rate_brings_as_many_diffs_best_prices_and_trades_as_it_says() {
        for (symbols, interval) in [(10, 100), (80, 100), (20, 1_000)] {
            for rate in [1, 2, 5, 10, 20, 50, 100, 1_000] {
                let brought = brought(rate, symbols, interval, Channels::CORE);
                let part = brought / f64::from(rate);
                assert!((0.9..=1.1).contains(&part), "{brought} of {symbols} symbols, {interval} ms, for {rate}");
            }
        }
    }

    #[test]
    fn what_comes_whatever_happens_is_part_of_it() {
        for rate in [10, 40, 200] {
            let part = brought(rate, 20, 100, Channels::ALL) / f64::from(rate);
            assert!((0.9..=1.1).contains(&part), "{part} for {rate}");
        }
    }

    #[test]
    fn a_rate_that_cannot_be_had_takes_no_events_for_nothing() {
        let of = |rate, channels| events_for(rate, &ExchangeOptions { channels, ..Default::default() });
        let capped = Channels::NONE.with(Channel::Depth);
        assert!((20.0..80.0).contains(&of(u32::MAX, capped)), "diffs come ten times a second at most");
        assert!((800_000.0..=1e6).contains(&of(u32::MAX, Channels::CORE)));
        assert!((0.001..0.002).contains(&of(0, Channels::CORE)));
    }
}
