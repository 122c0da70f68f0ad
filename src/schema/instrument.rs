//! Purpose: instruments and their `BASE-QUOTE` names.
//! Owns: the quote assets by which a bare symbol is split. Thread: any (cold). Takes and gives: names.
//! Never: guesses a name when the venue's exchangeInfo has told it.

use super::id::Market;

/// The longest symbol accepted, in bytes. Symbols can be non-ASCII UTF-8.
pub const SYMBOL_LEN_MAX: usize = 64;

/// What the venue says of trading in an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trading {
    /// It trades.
    Open,
    /// It does not; an unknown status counts as this (binance.md, section 2).
    Halted,
    /// Nobody told us: no exchangeInfo.
    Unknown,
}

/// What has become of an instrument by the venue's own word, as it is told in its place among the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum VenueState {
    /// It trades; also while nobody has said otherwise.
    #[default]
    Open = 0,
    /// It is listed and does not trade (faults.md F36).
    Halted = 1,
    /// It is listed no more (faults.md F37).
    Gone = 2,
}

impl VenueState {
    /// The names, by number.
    pub const NAMES: &'static [&'static str] = &["Open", "Halted", "Gone"];

    /// From the number in a record.
    pub const fn from_number(number: i64) -> Option<VenueState> {
        match number {
            0 => Some(VenueState::Open),
            1 => Some(VenueState::Halted),
            2 => Some(VenueState::Gone),
            _ => None,
        }
    }
}

/// One instrument of one market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The market.
    pub market: Market,
    /// The venue's spelling, uppercase (`BTCUSDT`).
    pub symbol: Box<str>,
    /// The canonical name, uppercase (`BTC-USDT`).
    pub name: Box<str>,
    /// Decimals of a price as exchangeInfo's tick has them: a starting hint, books widen it (architecture, section 3).
    pub price_scale: u8,
    /// Decimals of a quantity as exchangeInfo's step has them; a hint likewise.
    pub quantity_scale: u8,
    /// Whether it trades.
    pub trading: Trading,
}

/// Quote assets by which symbols are split when no exchangeInfo is at hand; where several fit, the longest wins.
/// Binance spot and USD-M quotes seen from 2017 to 2026.
const QUOTES: [&str; 39] = [
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "USD1", "BIDR", "IDRT", "BVND", "USDS", "BKRW", "EURI", "BFUSD",
    "RLUSD", "BTC", "ETH", "BNB", "TRX", "XRP", "DOGE", "DOT", "SOL", "EUR", "GBP", "AUD", "TRY", "BRL", "RUB", "UAH",
    "NGN", "ZAR", "PLN", "RON", "ARS", "JPY", "MXN", "CZK", "USD",
];

/// Splits an uppercase symbol into base and quote by the known quote assets. A delivery contract keeps its suffix with
/// the quote (`BTCUSDT_210625` → `BTC`, `USDT_210625`), so that its name never equals the perpetual's.
/// `None` when no known quote asset fits.
pub fn split_symbol(symbol: &str) -> Option<(&str, &str)> {
    let stem = symbol.split_once('_').map_or(symbol, |(stem, _)| stem);
    let quote = QUOTES.iter().filter(|q| stem.len() > q.len() && stem.ends_with(**q)).max_by_key(|q| q.len())?;
    Some(symbol.split_at(stem.len() - quote.len()))
}

/// Puts a symbol into the spelling that instruments keep: uppercase, Unicode included.
pub fn uppercase_symbol(symbol: &str) -> String {
    symbol.to_uppercase()
}

impl Instrument {
    /// An instrument of which only the symbol is known. Its name is split by known quote assets; where none fits the
    /// name is `SYMBOL-UNKNOWN`, so that it keeps the form and still tells the truth.
    pub fn from_symbol(market: Market, symbol: &str) -> Instrument {
        let symbol = uppercase_symbol(symbol);
        let (base, quote) = split_symbol(&symbol).unwrap_or((&symbol, "UNKNOWN"));
        let name = format!("{base}-{quote}").into_boxed_str();
        let (price_scale, quantity_scale) = (0, 0);
        Instrument { market, name, symbol: symbol.into(), price_scale, quantity_scale, trading: Trading::Unknown }
    }

    /// An instrument as exchangeInfo describes it. `suffix` is what the symbol carries behind base and quote
    /// (`_210625`), empty for all but delivery contracts.
    pub fn listed(market: Market, symbol: &str, base: &str, quote: &str, trading: Trading) -> Instrument {
        let symbol = uppercase_symbol(symbol);
        let suffix = symbol.find('_').map_or("", |at| &symbol[at..]);
        let name = format!("{}-{}{suffix}", uppercase_symbol(base), uppercase_symbol(quote)).into_boxed_str();
        Instrument { market, name, symbol: symbol.into(), price_scale: 0, quantity_scale: 0, trading }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_split_by_the_longest_known_quote() {
        let table = [
            ("BTCUSDT", "BTC-USDT"),
            ("BLZETH", "BLZ-ETH"),
            ("RUNEEUR", "RUNE-EUR"),
            ("BTCFDUSD", "BTC-FDUSD"),
            ("FDUSDUSDT", "FDUSD-USDT"),
            ("BTCUSDT_210625", "BTC-USDT_210625"),
            ("BTCUSD_PERP", "BTC-USD_PERP"),
            ("币安人生USDT", "币安人生-USDT"),
            ("USDT", "USDT-UNKNOWN"),
            ("XYZQQQ", "XYZQQQ-UNKNOWN"),
            ("btcusdt", "BTC-USDT"),
        ];
        for (symbol, name) in table {
            assert_eq!(&*Instrument::from_symbol(Market::BinanceSpot, symbol).name, name);
        }
    }

    #[test]
    fn exchange_info_names_win_over_guesses() {
        let listed = Instrument::listed(Market::BinanceUsdm, "BTCUSDT_210625", "btc", "usdt", Trading::Open);
        assert_eq!(&*listed.name, "BTC-USDT_210625");
        let odd = Instrument::listed(Market::BinanceSpot, "ABCD", "A", "BCD", Trading::Open);
        assert_eq!(&*odd.name, "A-BCD");
    }
}
