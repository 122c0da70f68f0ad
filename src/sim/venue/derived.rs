//! Purpose: the streams that the venue makes from others: diffs once a second, books of other depths, windows, all-market
//! arrays. Owns: which of them somebody wants, and what they owe. Thread: the market's.
//! Takes and gives: the exchange's frames in, payloads out. Never: wants a stream that nobody asked for.

use std::collections::HashMap;

use super::candles::Candles;
use crate::sim::channel::{Channel, Channels};
use crate::sim::exchange::Exchange;
use crate::sim::listing::HOUR;

/// Where symbols stand, by their lowercase names.
pub(super) type Places<'a> = HashMap<&'a str, u32>;

/// A stream made of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    /// `@depth`: a diff a second.
    SlowDiff,
    /// `@depth<levels>` a second, or each 100 ms when `fast`.
    Levels { levels: u8, fast: bool },
    /// `@ticker_<window>`: minutes, and the name of the event.
    Window(i64, &'static str),
}

const EXTRAS: usize = 8;

impl Extra {
    const ALL: [(Extra, &'static str); EXTRAS] = [
        (Extra::SlowDiff, "@depth"),
        (Extra::Levels { levels: 5, fast: false }, "@depth5"),
        (Extra::Levels { levels: 10, fast: false }, "@depth10"),
        (Extra::Levels { levels: 20, fast: false }, "@depth20"),
        (Extra::Levels { levels: 5, fast: true }, "@depth5@100ms"),
        (Extra::Levels { levels: 10, fast: true }, "@depth10@100ms"),
        (Extra::Window(240, "4hTicker"), "@ticker_4h"),
        (Extra::Window(1_440, "1dTicker"), "@ticker_1d"),
    ];

    fn index(self) -> usize {
        Extra::ALL.iter().position(|(extra, _)| *extra == self).unwrap_or(0)
    }
}

/// What an array is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Mini,
    Window(i64, &'static str),
}

/// The arrays and their names. The second name of the first one is not in the documentation, but python-binance 1.0 asks for
/// it and is served.
const ARRAYS: [(Item, &[&str]); 4] = [
    (Item::Mini, &["!miniTicker@arr", "!miniTicker@arr@1000ms"]),
    (Item::Window(HOUR.0, HOUR.1), &["!ticker_1h@arr"]),
    (Item::Window(240, "4hTicker"), &["!ticker_4h@arr"]),
    (Item::Window(1_440, "1dTicker"), &["!ticker_1d@arr"]),
];

/// Where the first one stands.
const MINI: usize = 0;

/// What is wanted of one symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    own: Option<Channels>,
    extras: [bool; EXTRAS],
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
    /// By place, the last trade when the symbol stood in the array last: it stands there only with a new one.
    told_ids: Vec<u64>,
}

/// See the file's head.
#[derive(Debug)]
pub(super) struct Derived {
    symbols: Vec<Wanted>,
    lower: Vec<String>,
    arrays: [Array; ARRAYS.len()],
    arrays_due_ns: i64,
    pub(super) candles: Candles,
}

/// More changes than a symbol of this simulation makes in a second.
const IDS_A_SECOND_MAX: u64 = 60_000;

impl Derived {
    pub(super) fn new(exchange: &Exchange) -> Derived {
        let lower: Vec<String> = exchange.symbols().map(|spec| spec.symbol.to_lowercase()).collect();
        let symbols = vec![Wanted::default(); lower.len()];
        Derived { symbols, lower, arrays: Default::default(), arrays_due_ns: 0, candles: Candles::default() }
    }

    /// Takes note of every name that somebody has, and has the exchange write what they need.
    pub(super) fn want(&mut self, names: &[String], depth_ms: u32, exchange: &mut Exchange, now_ns: i64) {
        let places: Places<'_> = self.lower.iter().zip(0..).map(|(name, place)| (name.as_str(), place)).collect();
        self.candles.want(names, &places, now_ns);
        let mut channels = vec![Channels::NONE; self.symbols.len()];
        self.symbols.iter_mut().for_each(|s| s.extras = [false; EXTRAS]);
        self.arrays.iter_mut().for_each(|array| array.wanted = false);
        for name in names {
            if let Some(at) = ARRAYS.iter().position(|(_, own)| own.contains(&name.as_str())) {
                self.arrays[at].wanted = true;
            }
            let Some(at) = name.find('@') else { continue };
            let (symbol, suffix) = name.split_at(at);
            let Some(place) = places.get(symbol).map(|place| *place as usize) else { continue };
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
        for (place, mut own) in channels.into_iter().enumerate() {
            for (_, (item, _)) in self.arrays.iter().zip(ARRAYS).filter(|(array, _)| array.wanted) {
                own = own.with(if item == Item::Mini { Channel::MiniTicker } else { Channel::ReferencePrice });
            }
            if self.symbols[place].own != Some(own) {
                self.symbols[place].own = Some(own);
                exchange.set_channels(place as u32, own);
            }
        }
    }

    /// What a frame of the exchange brings with it on other streams.
    pub(super) fn follow(&mut self, exchange: &Exchange, frame: (u32, Channel, i64), payload: &[u8]) -> Vec<Made> {
        let (place, channel, now_ns) = frame;
        let mut made = Vec::new();
        match channel {
            Channel::PartialDepth => self.books(exchange, place, true, &mut made),
            Channel::ReferencePrice => {
                self.books(exchange, place, false, &mut made);
                self.windows(exchange, place, now_ns, &mut made);
                made.extend(self.slow_diff(exchange, place));
            }
            Channel::MiniTicker if self.arrays[MINI].wanted => self.gather(exchange, place, MINI, payload),
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

    fn windows(&mut self, exchange: &Exchange, place: u32, now_ns: i64, made: &mut Vec<Made>) {
        let Some(listing) = exchange.listing(place) else { return };
        for (extra, suffix) in Extra::ALL {
            let Extra::Window(minutes, name) = extra else { continue };
            if self.symbols[place as usize].extras[extra.index()] {
                let mut payload = Vec::new();
                listing.write_window(now_ns, (minutes, name), &mut payload);
                made.push(self.made(place, suffix, payload, Channel::HourTicker));
            }
        }
        for (at, (item, _)) in ARRAYS.into_iter().enumerate() {
            let Item::Window(minutes, name) = item else { continue };
            if !self.arrays[at].wanted {
                continue;
            }
            let mut payload = Vec::new();
            listing.write_window(now_ns, (minutes, name), &mut payload);
            self.gather(exchange, place, at, &payload);
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

    /// Appends a symbol's statistics to an array, when it traded since they stood there last.
    fn gather(&mut self, exchange: &Exchange, place: u32, at: usize, payload: &[u8]) {
        let array = &mut self.arrays[at];
        let last_id = exchange.listing(place).map_or(0, |listing| listing.tape.last().id);
        array.told_ids.resize(self.symbols.len(), 0);
        let told = core::mem::replace(&mut array.told_ids[place as usize], last_id);
        if told != last_id {
            array.payload.push(if array.payload.is_empty() { b'[' } else { b',' });
            array.payload.extend_from_slice(payload);
        }
    }

    /// The arrays, once a second.
    pub(super) fn arrays(&mut self, now_ns: i64) -> Vec<Made> {
        if now_ns < self.arrays_due_ns {
            return Vec::new();
        }
        self.arrays_due_ns = now_ns + 1_000_000_000;
        let mut made = Vec::new();
        for (array, (_, names)) in self.arrays.iter_mut().zip(ARRAYS) {
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
