//! Purpose: the frames that are measured: tickers and trades as the simulated exchange sends them, diffs of a set number of
//! levels over its book, written by its own writer.
//! Owns: the templates. Thread: one (setup). Takes and gives: a kind in, templates out. Never: two runs that differ.
//!
//! Diffs come in pairs, one and its undoing, so that the book is the same after each pair and rounds can go on for ever.
//! Of a diff's levels 4 in 9 remove a level and 4 in 9 bring one at a price that was free: in the spot capture of
//! 2024-08-08 47 in 100 levels have quantity 0.

use std::collections::HashSet;

use meltica::schema::decimal::Decimal;
use meltica::sim::batch::Batch;
use meltica::sim::book::{Level, Side};
use meltica::sim::channel::{Channel, Channels};
use meltica::sim::exchange::Exchange;
use meltica::sim::options::ExchangeOptions;
use meltica::sim::rng::Rng;
use meltica::sim::spec::{SymbolSpec, default_symbols};
use meltica::sim::wire;

/// Digits of every update id here, as BTCUSDT's have.
pub(crate) const ID_DIGITS: usize = 11;
/// The update id of the snapshot; the first frame has the next one.
pub(crate) const SNAPSHOT_ID: u64 = 50_000_000_000;
/// Levels a side of the snapshot.
const SNAPSHOT_LEVELS: u32 = 1_000;
/// Frames of a kind, but for the longest.
const TEMPLATES: usize = 64;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `@bookTicker`.
    BookTicker,
    /// `@trade`.
    Trade,
    /// `@aggTrade`.
    AggTrade,
    /// `@depth@100ms` with 20 levels.
    Diff20,
    /// The same with 1,226, the longest in the captures.
    Diff1226,
}

impl Kind {
    /// Each of them.
    pub(crate) const ALL: [Kind; 5] = [Kind::BookTicker, Kind::Trade, Kind::AggTrade, Kind::Diff20, Kind::Diff1226];

    /// As tables show it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::BookTicker => "bookTicker",
            Kind::Trade => "trade",
            Kind::AggTrade => "aggTrade",
            Kind::Diff20 => "diff-20",
            Kind::Diff1226 => "diff-1226",
        }
    }

    /// Whether its frames change a book.
    pub(crate) const fn is_diff(self) -> bool {
        matches!(self, Kind::Diff20 | Kind::Diff1226)
    }
}

/// A combined frame, and where its update ids stand.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ids: Vec<usize>,
}

/// The frames of a kind.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) kind: Kind,
    pub(crate) templates: Vec<Template>,
    /// A depth body of the book that diffs change.
    pub(crate) snapshot: Vec<u8>,
}

impl Sample {
    /// Bytes of a frame, on average.
    pub(crate) fn bytes(&self) -> usize {
        self.templates.iter().map(|t| t.bytes.len()).sum::<usize>() / self.templates.len()
    }
}

/// The frames of every kind.
pub(crate) fn samples() -> Vec<Sample> {
    let channels = Channels::CORE.with(Channel::AggTrade);
    let options = ExchangeOptions { symbols: default_symbols(1), channels, ..ExchangeOptions::default() };
    let mut exchange = Exchange::new(options).unwrap();
    let sent = [Channel::BookTicker, Channel::Trade, Channel::AggTrade].map(|c| (c, collect(&mut exchange, c)));
    let mut body = Vec::new();
    exchange.write_depth(0, SNAPSHOT_LEVELS, &mut body).unwrap();
    let snapshot = numbered(body, &["\"lastUpdateId\":"], SNAPSHOT_ID).bytes;
    let mut composer = Composer::over(&exchange);
    let templates = |kind: Kind, composer: &mut Composer| match kind {
        Kind::BookTicker => sent[0].1.clone(),
        Kind::Trade => sent[1].1.clone(),
        Kind::AggTrade => sent[2].1.clone(),
        Kind::Diff20 => composer.diffs(10, 100, TEMPLATES),
        Kind::Diff1226 => composer.diffs(613, 900, 8),
    };
    Kind::ALL
        .map(|kind| Sample { kind, templates: templates(kind, &mut composer), snapshot: snapshot.clone() })
        .to_vec()
}

/// The next frames of a channel.
fn collect(exchange: &mut Exchange, channel: Channel) -> Vec<Template> {
    let (mut batch, mut found) = (Batch::default(), Vec::new());
    while found.len() < TEMPLATES {
        batch.clear();
        assert!(exchange.advance(&mut batch), "the exchange never ends");
        let wanted = batch.frames().iter().filter(|f| f.channel == channel);
        // Tickers carry update ids, which must rise for the integrity checks to be what they are live.
        let keys: &[&str] = if channel == Channel::BookTicker { &["\"u\":"] } else { &[] };
        found.extend(wanted.map(|f| numbered(batch.bytes(&f.frame).to_vec(), keys, SNAPSHOT_ID)));
    }
    found.truncate(TEMPLATES);
    found
}

/// Puts an id of [`ID_DIGITS`] behind each key, in the order of the frame.
fn numbered(mut bytes: Vec<u8>, keys: &[&str], id: u64) -> Template {
    let digits = format!("{id:0ID_DIGITS$}").into_bytes();
    let mut ids = Vec::new();
    for key in keys {
        let at = bytes.windows(key.len()).position(|w| w == key.as_bytes()).unwrap() + key.len();
        let end = at + bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        bytes.splice(at..end, digits.iter().copied());
        ids.push(at);
    }
    Template { bytes, ids }
}

/// Levels of a diff: bids, asks.
type Changes = [Vec<Level>; 2];

/// Makes diffs over a book that stands still.
struct Composer {
    spec: SymbolSpec,
    event_ms: i64,
    stream: String,
    /// Best first.
    sides: [(Side, Vec<Level>); 2],
    rng: Rng,
}

impl Composer {
    fn over(exchange: &Exchange) -> Composer {
        let spec = exchange.symbols().next().unwrap().clone();
        let oracle = exchange.oracle();
        let book = oracle.truth(&spec.symbol, oracle.newest_id(&spec.symbol).unwrap()).unwrap();
        let level = |&(price, quantity): &(Decimal, Decimal)| Level {
            price: price.mantissa_at(spec.price_scale).unwrap(),
            quantity: quantity.mantissa_at(spec.quantity_scale).unwrap(),
        };
        let side = |side, levels: &[_]| (side, levels.iter().map(level).collect());
        Composer {
            event_ms: exchange.now().0 / 1_000_000,
            stream: exchange.stream(0, Channel::Depth).unwrap().to_owned(),
            sides: [side(Side::Bid, &book.bids), side(Side::Ask, &book.asks)],
            rng: Rng::for_part(1, "diffs", 0),
            spec,
        }
    }

    /// `count` diffs, each second one undoing the one before it: `per_side` levels a side, among the best `reach`.
    fn diffs(&mut self, per_side: usize, reach: usize, count: usize) -> Vec<Template> {
        (0..count / 2).flat_map(|_| self.pair(per_side, reach)).collect()
    }

    fn pair(&mut self, per_side: usize, reach: usize) -> [Template; 2] {
        let (mut there, mut back): (Changes, Changes) = Default::default();
        for (at, (side, levels)) in self.sides.iter().enumerate() {
            let mut ranks: Vec<usize> = (1..reach).collect();
            let mut taken: HashSet<i64> = levels.iter().map(|l| l.price).collect();
            for n in 0..per_side {
                let rank = ranks.swap_remove(self.rng.below(ranks.len() as u64) as usize);
                let level = levels[rank];
                let changed = match n % 9 {
                    0..4 => Level { quantity: 0, ..level },
                    4..8 => Level { price: free_price(level.price, *side, &mut taken), ..level },
                    _ => Level { quantity: level.quantity + 1, ..level },
                };
                there[at].push(changed);
                back[at].push(if changed.price == level.price { level } else { Level { quantity: 0, ..changed } });
            }
        }
        [there, back].map(|changes| self.frame(changes))
    }

    fn frame(&self, mut changes: Changes) -> Template {
        changes[0].sort_unstable_by_key(|l| -l.price);
        changes[1].sort_unstable_by_key(|l| l.price);
        let [bids, asks] = changes;
        let mut bytes = Vec::new();
        wire::open_combined(&mut bytes, &self.stream);
        wire::depth_update(&mut bytes, &self.spec, self.event_ms, (0, 0), bids.into_iter(), asks.into_iter());
        wire::close_combined(&mut bytes);
        numbered(bytes, &["\"U\":", "\"u\":"], SNAPSHOT_ID)
    }
}

/// The nearest free price behind a level; taken from then on.
fn free_price(price: i64, side: Side, taken: &mut HashSet<i64>) -> i64 {
    let mut free = price - side.sign();
    while !taken.insert(free) {
        free -= side.sign();
    }
    free
}
