//! Purpose: the streams that the venue makes from others: diffs once a second, books of other depths, all-market arrays.
//! Owns: which of them somebody wants, and what they owe. Thread: the market's.
//! Takes and gives: the exchange's frames in, payloads out. Never: wants a stream that nobody asked for.

use crate::sim::channel::{Channel, Channels};
use crate::sim::exchange::Exchange;

/// A stream made of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// `@depth`: a diff a second.
    SlowDiff,
    /// `@depth<levels>` a second, or each 100 ms when `fast`.
    Levels { levels: u8, fast: bool },
}

impl Extra {
    const ALL: [(Extra, &'static str); 6] = [
        (Extra::SlowDiff, "@depth"),
        (Extra::Levels { levels: 5, fast: false }, "@depth5"),
        (Extra::Levels { levels: 10, fast: false }, "@depth10"),
        (Extra::Levels { levels: 20, fast: false }, "@depth20"),
        (Extra::Levels { levels: 5, fast: true }, "@depth5@100ms"),
        (Extra::Levels { levels: 10, fast: true }, "@depth10@100ms"),
    ];

    fn index(self) -> usize {
        Extra::ALL.iter().position(|(extra, _)| *extra == self).unwrap_or(0)
    }
}

/// What is wanted of one symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    own: Option<Channels>,
    extras: [bool; 6],
    /// Newest id when the last second ended.
    slow_id: u64,
}

/// A payload on a stream of its own.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) stream: String,
    pub(super) payload: Vec<u8>,
    pub(super) channel: Option<Channel>,
}

#[derive(Debug, Default)]
struct Array {
    wanted: bool,
    payload: Vec<u8>,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Derived {
    symbols: Vec<Wanted>,
    lower: Vec<String>,
    mini: Array,
    hour: Array,
    arrays_due_ns: i64,
}

impl Derived {
    pub(super) fn new(exchange: &Exchange) -> Derived {
        let lower: Vec<String> = exchange.symbols().map(|spec| spec.symbol.to_lowercase()).collect();
        let symbols = vec![Wanted::default(); lower.len()];
        Derived { symbols, lower, mini: Array::default(), hour: Array::default(), arrays_due_ns: 0 }
    }

    /// Takes note of every name that somebody has, and has the exchange write what they need.
    pub(super) fn want(&mut self, names: &[String], depth_ms: u32, exchange: &mut Exchange) {
        let places: std::collections::HashMap<&str, usize> =
            self.lower.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let mut channels = vec![Channels::NONE; self.symbols.len()];
        self.symbols.iter_mut().for_each(|s| s.extras = [false; 6]);
        (self.mini.wanted, self.hour.wanted) = (false, false);
        for name in names {
            match name.as_str() {
                MINI_ARRAY | MINI_ARRAY_LONG => self.mini.wanted = true,
                HOUR_ARRAY => self.hour.wanted = true,
                _ => {}
            }
            let Some(at) = name.find('@') else { continue };
            let (symbol, suffix) = name.split_at(at);
            let Some(&place) = places.get(symbol) else { continue };
            if let Some(own) = Channel::ALL.into_iter().find(|c| c.suffix(depth_ms) == suffix) {
                channels[place] = channels[place].with(own);
            } else if let Some((extra, _)) = Extra::ALL.iter().find(|(_, own)| *own == suffix) {
                self.symbols[place].extras[extra.index()] = true;
                let tick = match extra {
                    Extra::Levels { fast: true, .. } => Channel::PartialDepth,
                    // Once a second whatever happens: what such streams go by.
                    _ => Channel::ReferencePrice,
                };
                channels[place] = channels[place].with(tick);
            }
        }
        for (place, own) in channels.into_iter().enumerate() {
            let own = if self.mini.wanted { own.with(Channel::MiniTicker) } else { own };
            let own = if self.hour.wanted { own.with(Channel::HourTicker) } else { own };
            if self.symbols[place].own != Some(own) {
                self.symbols[place].own = Some(own);
                exchange.set_channels(place as u32, own);
            }
        }
    }

    /// What a frame of the exchange brings with it on other streams.
    pub(super) fn follow(&mut self, exchange: &Exchange, place: u32, channel: Channel, payload: &[u8]) -> Vec<Made> {
        let mut made = Vec::new();
        match channel {
            Channel::PartialDepth => self.books(exchange, place, true, &mut made),
            Channel::ReferencePrice => {
                self.books(exchange, place, false, &mut made);
                made.extend(self.slow_diff(exchange, place));
            }
            Channel::MiniTicker if self.mini.wanted => self.mini.gather(payload),
            Channel::HourTicker if self.hour.wanted => self.hour.gather(payload),
            _ => {}
        }
        made
    }

    fn books(&self, exchange: &Exchange, place: u32, when_fast: bool, made: &mut Vec<Made>) {
        for (extra, suffix) in Extra::ALL {
            let Extra::Levels { levels, fast } = extra else { continue };
            if fast != when_fast || !self.symbols[place as usize].extras[extra.index()] {
                continue;
            }
            let mut payload = Vec::new();
            exchange.write_depth(place, u32::from(levels), &mut payload);
            made.push(self.made(place, suffix, payload, Channel::PartialDepth));
        }
    }

    fn made(&self, place: u32, suffix: &str, payload: Vec<u8>, channel: Channel) -> Made {
        let stream = format!("{}{suffix}", self.lower[place as usize]);
        Made { stream, payload, channel: Some(channel) }
    }

    /// A diff over all ids since the last second.
    fn slow_diff(&mut self, exchange: &Exchange, place: u32) -> Option<Made> {
        let newest = exchange.listing(place)?.update_id;
        let wanted = &mut self.symbols[place as usize];
        let from = core::mem::replace(&mut wanted.slow_id, newest);
        if !wanted.extras[Extra::SlowDiff.index()] || newest == from {
            return None;
        }
        // The first one after a pause begins where it can: any start is as good as another to a new subscriber.
        let oldest = newest.saturating_sub(IDS_A_SECOND_MAX);
        let first = if from < oldest || from > newest { newest } else { from + 1 };
        let mut whole = Vec::new();
        if !exchange.write_diff(place, (first, newest), None, &mut whole) {
            return None;
        }
        let payload = super::market::payload_of(&whole).to_vec();
        Some(self.made(place, "@depth", payload, Channel::Depth))
    }

    /// The arrays, once a second.
    pub(super) fn arrays(&mut self, now_ns: i64) -> Vec<Made> {
        if now_ns < self.arrays_due_ns {
            return Vec::new();
        }
        self.arrays_due_ns = now_ns + 1_000_000_000;
        let mut made = Vec::new();
        for (array, names) in
            [(&mut self.mini, &[MINI_ARRAY, MINI_ARRAY_LONG][..]), (&mut self.hour, &[HOUR_ARRAY][..])]
        {
            if array.payload.is_empty() {
                continue;
            }
            array.payload.push(b']');
            let payload = core::mem::take(&mut array.payload);
            made.extend(names.iter().map(|name| Made {
                stream: (*name).to_owned(),
                payload: payload.clone(),
                channel: None,
            }));
        }
        made
    }
}

const MINI_ARRAY: &str = "!miniTicker@arr";
/// Not in the documentation, but python-binance 1.0 asks for it and is served.
const MINI_ARRAY_LONG: &str = "!miniTicker@arr@1000ms";
const HOUR_ARRAY: &str = "!ticker_1h@arr";
/// More changes than a symbol of this simulation makes in a second.
const IDS_A_SECOND_MAX: u64 = 60_000;

impl Array {
    fn gather(&mut self, payload: &[u8]) {
        self.payload.push(if self.payload.is_empty() { b'[' } else { b',' });
        self.payload.extend_from_slice(payload);
    }
}
