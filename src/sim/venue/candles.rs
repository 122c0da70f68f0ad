//! Purpose: candle streams of every interval and zone but the exchange's own (web-socket-streams.md of 2026-07-21).
//! Owns: which of them somebody wants, and what they told last. Thread: the market's.
//! Takes and gives: moments in, payloads out. Never: wants a stream that nobody asked for.

use super::derived::{Made, Places};
use crate::sim::channel::Channel;
use crate::sim::exchange::Exchange;
use crate::sim::interval::Interval;

const SECOND_NS: i64 = 1_000_000_000;
/// The one zone besides UTC that streams have, in milliseconds ahead of it.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

#[derive(Debug)]
struct Wanted {
    stream: String,
    place: u32,
    interval: Interval,
    zone_ms: i64,
    /// The last trade when it spoke last: a candle without a new one says nothing until it is over.
    told_id: u64,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Candles {
    wanted: Vec<Wanted>,
    /// The next whole second.
    due_ns: i64,
}

impl Default for Candles {
    fn default() -> Self {
        Candles { wanted: Vec::new(), due_ns: i64::MAX }
    }
}

/// What follows the symbol in a stream's name, read: the interval and its zone.
fn read(suffix: &str) -> Option<(Interval, i64)> {
    let rest = suffix.strip_prefix("@kline_")?;
    let (name, zone_ms) = rest.strip_suffix("@+08:00").map_or((rest, 0), |name| (name, SHANGHAI_MS));
    Interval::of(name).map(|interval| (interval, zone_ms))
}

impl Candles {
    /// Takes note of every name that somebody has.
    pub(super) fn want(&mut self, names: &[String], places: &Places<'_>, now_ns: i64) {
        let before = core::mem::take(&mut self.wanted);
        let told: std::collections::HashMap<&str, u64> =
            before.iter().map(|wanted| (wanted.stream.as_str(), wanted.told_id)).collect();
        for name in names {
            let Some((symbol, suffix)) = name.find('@').map(|at| name.split_at(at)) else { continue };
            let (Some(&place), Some((interval, zone_ms))) = (places.get(symbol), read(suffix)) else { continue };
            if (interval, zone_ms) != (Interval::MINUTE, 0) {
                let told_id = told.get(name.as_str()).copied().unwrap_or(0);
                self.wanted.push(Wanted { stream: name.clone(), place, interval, zone_ms, told_id });
            }
        }
        if self.wanted.is_empty() {
            self.due_ns = i64::MAX;
        } else if self.due_ns == i64::MAX {
            self.due_ns = (now_ns.div_euclid(SECOND_NS) + 1) * SECOND_NS;
        }
    }

    /// When they speak next; never when nobody listens.
    pub(super) const fn due_ns(&self) -> i64 {
        self.due_ns
    }

    /// Speaks at the moment that is due: of candles that are over, and each other second of open ones with new trades.
    pub(super) fn speak(&mut self, exchange: &Exchange) -> Vec<Made> {
        let now_ns = self.due_ns;
        self.due_ns = now_ns.saturating_add(SECOND_NS);
        let now_ms = now_ns.div_euclid(1_000_000);
        let mut made = Vec::new();
        for wanted in &mut self.wanted {
            let Some(listing) = exchange.listing(wanted.place).filter(|listing| listing.trades()) else { continue };
            let Wanted { interval, zone_ms, .. } = *wanted;
            let start_ms = interval.start(now_ms - 1, zone_ms);
            let closed = interval.next(start_ms, zone_ms) == now_ms;
            let last_id = listing.tape.last().id;
            if !closed && (now_ms % 2_000 != 0 || wanted.told_id == last_id) {
                continue;
            }
            wanted.told_id = last_id;
            let mut payload = Vec::new();
            listing.write_candle(now_ns, interval, start_ms, zone_ms, closed, &mut payload);
            made.push(Made { stream: wanted.stream.clone(), payload, channel: Some(Channel::Kline) });
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_both_zones() {
        assert_eq!(read("@kline_1s"), Interval::of("1s").map(|i| (i, 0)));
        assert_eq!(read("@kline_1M@+08:00"), Interval::of("1M").map(|i| (i, SHANGHAI_MS)));
        for none in ["@kline_7m", "@kline_1m@+09:00", "@kline_", "@trade"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
