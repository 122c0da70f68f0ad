//! Purpose: what a symbol of the simulated exchange is like: its names, its grid, the size and temper of its book.
//! Owns: the default set of symbols. Thread: any (cold). Takes and gives: plain data. Never: looks at a running market.

/// Whether a symbol trades, in the venue's words (binance.md, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `TRADING`.
    Trading,
    /// `HALT`: listed, silent, its book stands still.
    Halt,
    /// `BREAK`: likewise.
    Break,
    /// `END_OF_DAY`: likewise.
    EndOfDay,
    /// `CANCEL_ONLY`: likewise.
    CancelOnly,
    /// `SUSPENDED`: a word that no document of the venue's has; likewise.
    Other,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 6] =
        [Status::Trading, Status::Halt, Status::Break, Status::EndOfDay, Status::CancelOnly, Status::Other];

    /// The venue's word.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Trading => "TRADING",
            Status::Halt => "HALT",
            Status::Break => "BREAK",
            Status::EndOfDay => "END_OF_DAY",
            Status::CancelOnly => "CANCEL_ONLY",
            Status::Other => "SUSPENDED",
        }
    }

    /// The status of this word.
    pub fn of(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// One symbol. Prices are counted in ticks of `10^-price_scale`, quantities in lots of `10^-quantity_scale`; both scales
/// together are at most 8, as on the venue, so that every product is exact in eight decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolSpec {
    /// The symbol, uppercase; may be non-ASCII.
    pub symbol: String,
    /// The base asset.
    pub base: String,
    /// The quote asset.
    pub quote: String,
    /// Decimals of a tick, 0 to 8.
    pub price_scale: u8,
    /// Decimals of a lot, 0 to `8 - price_scale`.
    pub quantity_scale: u8,
    /// Where the price starts, in ticks, at least 64.
    pub start_ticks: i64,
    /// A middling order, in lots, 4 to 10^12.
    pub order_lots: i64,
    /// Levels a side at the start, 16 to 20,000; in the long run the book keeps some three quarters of them. A snapshot
    /// shows 5,000 at most.
    pub levels: usize,
    /// How far orders near the top lie from it on average, in ticks, at least 1.
    pub near_ticks: i64,
    /// How busy it is, in thousandths of the exchange's rate.
    pub activity_permille: u32,
    /// Whether it trades.
    pub status: Status,
}

impl SymbolSpec {
    /// What is wrong with the values, if anything.
    pub fn fault(&self) -> Option<&'static str> {
        let table = [
            (self.symbol.is_empty() || self.symbol.contains(['"', '\\', '@', ' ']), "the symbol is not a plain name"),
            (self.price_scale + self.quantity_scale > 8, "price and quantity scale exceed 8 together"),
            (!(64..=1_000_000_000_000).contains(&self.start_ticks), "the start price is not 64 to 10^12 ticks"),
            (!(4..=1_000_000_000_000).contains(&self.order_lots), "the order size is not 4 to 10^12 lots"),
            (!(16..=20_000).contains(&self.levels), "the level count is not 16 to 20,000"),
            (self.near_ticks < 1, "the distance of orders is not positive"),
        ];
        table.into_iter().find_map(|(wrong, why)| wrong.then_some(why))
    }
}

/// Base, quote, price scale, quantity scale, start in ticks, order in lots, levels, near ticks.
type Row = (&'static str, &'static str, u8, u8, i64, i64, usize, i64);

/// Grids as the venue lists them (exchangeInfo of 2021 and 2024); prices of mid-2024, LRCBTC's of 2021.
const KNOWN: [Row; 12] = [
    ("BTC", "USDT", 2, 5, 6_000_000, 20_000, 8_000, 40),
    ("ETH", "USDT", 2, 4, 265_000, 8_000, 1_500, 8),
    ("BNB", "USDT", 2, 3, 51_000, 4_000, 1_200, 4),
    ("SOL", "USDT", 2, 3, 15_500, 9_000, 600, 3),
    ("XRP", "USDT", 4, 1, 5_980, 12_000, 500, 2),
    ("DOGE", "USDT", 5, 0, 10_420, 9_000, 500, 3),
    ("PEPE", "USDT", 8, 0, 890, 20_000_000_000, 400, 1),
    ("LRC", "BTC", 8, 0, 637, 6_000, 200, 1),
    ("BLZ", "ETH", 8, 0, 6_547, 900, 300, 4),
    ("NKN", "USDT", 4, 0, 3_521, 2_000, 300, 2),
    ("RUNE", "EUR", 3, 1, 6_251, 900, 250, 3),
    ("币安人生", "USDT", 5, 1, 22_310, 700, 200, 5),
];

/// The first `n` symbols: known ones, then generated ones with many grids, sizes and depths; every 37th is nearly silent.
pub fn default_symbols(n: usize) -> Vec<SymbolSpec> {
    (0..n).map(|i| KNOWN.get(i).map_or_else(|| generated(i - KNOWN.len()), known)).collect()
}

fn known(row: &Row) -> SymbolSpec {
    let (base, quote, price_scale, quantity_scale, start_ticks, order_lots, levels, near_ticks) = *row;
    SymbolSpec {
        symbol: format!("{base}{quote}"),
        base: base.to_owned(),
        quote: quote.to_owned(),
        price_scale,
        quantity_scale,
        start_ticks,
        order_lots,
        levels,
        near_ticks,
        activity_permille: 1_000,
        status: Status::Trading,
    }
}

fn generated(index: usize) -> SymbolSpec {
    const QUOTES: [&str; 5] = ["USDT", "BTC", "FDUSD", "ETH", "EUR"];
    const STARTS: [i64; 6] = [1_204, 31_170, 845, 250_013, 9_999, 77_310];
    const DEPTHS: [usize; 7] = [60, 120, 40, 90, 300, 70, 1_100];
    let letter = |place: usize| char::from(b'A' + ((index / 26usize.pow(place as u32)) % 26) as u8);
    let base = format!("X{}{}{}", letter(2), letter(1), letter(0));
    let quote = QUOTES[index % QUOTES.len()];
    let price_scale = [4, 8, 3, 6, 2, 5, 7, 1][index % 8];
    let start_ticks = STARTS[index % STARTS.len()];
    SymbolSpec {
        symbol: format!("{base}{quote}"),
        base,
        quote: quote.to_owned(),
        price_scale,
        quantity_scale: (index % 4).min(8 - usize::from(price_scale)) as u8,
        start_ticks,
        order_lots: [150, 40_000, 2_500, 900_000][index % 4],
        levels: DEPTHS[index % DEPTHS.len()],
        near_ticks: (start_ticks / 8_000).max(1),
        activity_permille: if index % 37 == 36 { 10 } else { 1_000 },
        status: Status::Trading,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_symbols_are_valid_distinct_and_varied() {
        let all = default_symbols(2_000);
        let names: std::collections::HashSet<_> = all.iter().map(|s| &s.symbol).collect();
        assert_eq!(names.len(), all.len());
        for spec in &all {
            assert_eq!(spec.fault(), None, "{}", spec.symbol);
            assert_eq!(spec.symbol, crate::schema::instrument::uppercase_symbol(&spec.symbol));
        }
        assert_eq!(all[0].symbol, "BTCUSDT");
        assert_eq!(all[7].symbol, "LRCBTC");
        assert!(all.iter().any(|s| !s.symbol.is_ascii()));
        let scales: std::collections::HashSet<_> = all.iter().map(|s| (s.price_scale, s.quantity_scale)).collect();
        assert!(scales.len() > 10);
    }

    #[test]
    fn what_the_model_cannot_hold_is_refused() {
        let good = default_symbols(1).remove(0);
        let with = |change: fn(&mut SymbolSpec)| {
            let mut spec = good.clone();
            change(&mut spec);
            spec.fault()
        };
        assert!(with(|s| s.symbol.clear()).is_some());
        assert!(with(|s| s.symbol = "A\"B".to_owned()).is_some());
        assert!(with(|s| s.quantity_scale = 7).is_some());
        assert!(with(|s| s.start_ticks = 3).is_some());
        assert!(with(|s| s.order_lots = 0).is_some());
        assert!(with(|s| s.levels = 4).is_some());
        assert!(with(|s| s.near_ticks = 0).is_some());
        assert!(with(|_| ()).is_none());
    }
}
