//! Purpose: canonical types, the names of event categories.
//! Owns: the numbers of the built-in ones. Thread: any. Takes and gives: text and small ids. Never: accepts a malformed name.

use core::fmt;

use super::id::TypeId;

/// The longest name accepted, in bytes.
pub const NAME_LEN_MAX: usize = 64;

/// A validated name: uppercase `[A-Z0-9]+` segments joined by dots. Read case-insensitively, kept in uppercase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalType(Box<str>);

/// Why a text is not a canonical type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a canonical type: expected segments of A-Z and 0-9 joined by dots, at most 64 bytes, e.g. ORDERBOOK.DELTA"
)]
pub struct BadCanonicalType(pub String);

impl CanonicalType {
    /// Reads a name in any case.
    ///
    /// # Errors
    /// [`BadCanonicalType`] when it is empty, too long, or has an empty segment or another character.
    pub fn parse(text: &str) -> Result<CanonicalType, BadCanonicalType> {
        let fine = text.len() <= NAME_LEN_MAX
            && text.split('.').all(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric()));
        if fine {
            Ok(CanonicalType(text.to_ascii_uppercase().into_boxed_str()))
        } else {
            Err(BadCanonicalType(text.chars().take(NAME_LEN_MAX).collect()))
        }
    }

    /// The name, in uppercase.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CanonicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl core::str::FromStr for CanonicalType {
    type Err = BadCanonicalType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        CanonicalType::parse(text)
    }
}

/// The types Meltica ships with. Their numbers are part of the record format and never change; a route's own types are
/// numbered from [`builtin::FIRST_CUSTOM`] when a table is built.
pub mod builtin {
    use super::TypeId;

    macro_rules! builtin {
        ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal;)*) => {
            $($(#[$doc])* pub const $name: TypeId = TypeId($number);)*
            /// Every built-in type with its name, in order of its number.
            pub const ALL: &[(TypeId, &str)] = &[$(($name, $text)),*];
        };
    }

    builtin! {
        /// One trade.
        TRADE = 1 "TRADE";
        /// Trades of one taker order at one price.
        TRADE_AGGREGATE = 2 "TRADE.AGGREGATE";
        /// A block trade.
        TRADE_BLOCK = 3 "TRADE.BLOCK";
        /// 24-hour statistics.
        TICKER = 4 "TICKER";
        /// 24-hour statistics, short.
        TICKER_MINI = 5 "TICKER.MINI";
        /// Best bid and ask.
        TICKER_BOOK = 6 "TICKER.BOOK";
        /// Statistics over a rolling window.
        TICKER_WINDOW = 7 "TICKER.WINDOW";
        /// A candle.
        KLINE = 8 "KLINE";
        /// Changes of a book, as the venue sent them and in the order in which they were applied.
        ORDERBOOK_DELTA = 9 "ORDERBOOK.DELTA";
        /// A book, or its best levels.
        ORDERBOOK_SNAPSHOT = 10 "ORDERBOOK.SNAPSHOT";
        /// The venue's average price.
        PRICE_AVERAGE = 11 "PRICE.AVERAGE";
        /// The venue's reference price.
        PRICE_REFERENCE = 12 "PRICE.REFERENCE";
        /// Mark price and funding of a perpetual.
        PRICE_MARK = 13 "PRICE.MARK";
        /// A forced order.
        LIQUIDATION = 14 "LIQUIDATION";
        /// What the conductor derives from a book and its trades.
        ANALYTICS_FUSED = 15 "ANALYTICS.FUSED";
        /// Quality changes, gaps and resets of a book.
        STATUS_BOOK = 16 "STATUS.BOOK";
        /// Connections coming and going.
        STATUS_CONNECTION = 17 "STATUS.CONNECTION";
        /// The audit trail of control commands.
        CONTROL_UPDATE = 18 "CONTROL.UPDATE";
        /// Native streams asked for, acknowledged, live, silent, refused, leaving.
        STATUS_STREAM = 19 "STATUS.STREAM";
    }

    /// The first number that a route's own type may get.
    pub const FIRST_CUSTOM: u16 = 64;

    /// The built-in type of that name (uppercase).
    pub fn find(name: &str) -> Option<TypeId> {
        ALL.iter().find(|(_, text)| *text == name).map(|(id, _)| *id)
    }

    /// The name of a built-in type.
    pub fn name(id: TypeId) -> Option<&'static str> {
        ALL.get((id.0 as usize).checked_sub(1)?).map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_shown_in_uppercase() {
        for (text, shown) in [("trade", "TRADE"), ("OrderBook.Delta", "ORDERBOOK.DELTA"), ("A1.2B", "A1.2B")] {
            assert_eq!(CanonicalType::parse(text).unwrap().as_str(), shown);
        }
        let long = "A".repeat(65);
        for text in ["", ".", "A.", ".A", "A..B", "A-B", "A B", "Ä", "A\n", long.as_str()] {
            assert!(CanonicalType::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn built_in_numbers_run_from_one_without_a_hole() {
        for (at, (id, text)) in builtin::ALL.iter().enumerate() {
            assert_eq!(id.0 as usize, at + 1);
            assert_eq!(builtin::find(text), Some(*id));
            assert_eq!(builtin::name(*id), Some(*text));
            assert_eq!(CanonicalType::parse(text).unwrap().as_str(), *text);
        }
        assert_eq!(builtin::name(TypeId(0)), None);
    }
}
