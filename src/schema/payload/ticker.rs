//! Purpose: payloads of best prices, statistics and candles.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::field::{Field, FieldKind, Payload, padding, payload};
use super::kind::PayloadKind;
use crate::schema::decimal::{Decimal, SCALE_ABSENT};

payload! {
    /// Best bid and ask (`@bookTicker`); the update id is the event's venue id. 40 bytes.
    BookTicker: BookTicker {
        decimals(4) {
            /// Best bid price.
            bid / set_bid [0] = "bid",
            /// Quantity there.
            bid_quantity / set_bid_quantity [1] = "bidQuantity",
            /// Best ask price.
            ask / set_ask [2] = "ask",
            /// Quantity there.
            ask_quantity / set_ask_quantity [3] = "askQuantity",
        }
    }
}

payload! {
    /// 24-hour statistics (`@ticker`). Futures send neither the previous close nor the best bid and ask.
    Ticker: Ticker {
        words {
            /// Begin of the window.
            open_time = "openTime" FieldKind::Time,
            /// End of the window.
            close_time = "closeTime" FieldKind::Time,
            /// First trade id of the window.
            first_trade_id = "firstTradeId" FieldKind::Int,
            /// Last trade id of the window.
            last_trade_id = "lastTradeId" FieldKind::Int,
            /// Number of trades.
            trades = "trades" FieldKind::Int,
        }
        decimals(15) {
            /// Absolute change.
            change / set_change [0] = "change",
            /// Change in per cent.
            change_percent / set_change_percent [1] = "changePercent",
            /// Weighted average.
            average / set_average [2] = "average",
            /// Close before the window.
            previous_close / set_previous_close [3] = "previousClose",
            /// Last price.
            last / set_last [4] = "last",
            /// Last quantity.
            last_quantity / set_last_quantity [5] = "lastQuantity",
            /// Best bid.
            bid / set_bid [6] = "bid",
            /// Quantity there.
            bid_quantity / set_bid_quantity [7] = "bidQuantity",
            /// Best ask.
            ask / set_ask [8] = "ask",
            /// Quantity there.
            ask_quantity / set_ask_quantity [9] = "askQuantity",
            /// First price.
            open / set_open [10] = "open",
            /// Highest price.
            high / set_high [11] = "high",
            /// Lowest price.
            low / set_low [12] = "low",
            /// Volume, in base units.
            volume / set_volume [13] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [14] = "quoteVolume",
        }
    }
}

payload! {
    /// 24-hour statistics, short (`@miniTicker`).
    MiniTicker: MiniTicker {
        decimals(6) {
            /// Last price.
            last / set_last [0] = "last",
            /// First price.
            open / set_open [1] = "open",
            /// Highest price.
            high / set_high [2] = "high",
            /// Lowest price.
            low / set_low [3] = "low",
            /// Volume, in base units.
            volume / set_volume [4] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [5] = "quoteVolume",
        }
    }
}

payload! {
    /// Statistics over a rolling window (`@ticker_1h`).
    WindowTicker: WindowTicker {
        words {
            /// Begin of the window.
            open_time = "openTime" FieldKind::Time,
            /// End of the window.
            close_time = "closeTime" FieldKind::Time,
            /// First trade id of the window.
            first_trade_id = "firstTradeId" FieldKind::Int,
            /// Last trade id of the window.
            last_trade_id = "lastTradeId" FieldKind::Int,
            /// Number of trades.
            trades = "trades" FieldKind::Int,
        }
        texts {
            /// The window (`1h`).
            window[8] = "window",
        }
        decimals(9) {
            /// Absolute change.
            change / set_change [0] = "change",
            /// Change in per cent.
            change_percent / set_change_percent [1] = "changePercent",
            /// First price.
            open / set_open [2] = "open",
            /// Highest price.
            high / set_high [3] = "high",
            /// Lowest price.
            low / set_low [4] = "low",
            /// Last price.
            last / set_last [5] = "last",
            /// Weighted average.
            average / set_average [6] = "average",
            /// Volume, in base units.
            volume / set_volume [7] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [8] = "quoteVolume",
        }
    }
}

payload! {
    /// A candle (`@kline_1m`).
    Kline: Kline {
        words {
            /// Begin of the candle.
            open_time = "openTime" FieldKind::Time,
            /// End of the candle.
            close_time = "closeTime" FieldKind::Time,
            /// First trade id; -1 without trades, and where the venue does not say (REST).
            first_trade_id = "firstTradeId" FieldKind::Int,
            /// Last trade id; -1 likewise.
            last_trade_id = "lastTradeId" FieldKind::Int,
            /// Number of trades.
            trades = "trades" FieldKind::Int,
        }
        texts {
            /// The interval as the venue writes it (`1m`, `1M`).
            interval[8] = "interval",
        }
        decimals(8) {
            /// First price.
            open / set_open [0] = "open",
            /// Last price.
            close / set_close [1] = "close",
            /// Highest price.
            high / set_high [2] = "high",
            /// Lowest price.
            low / set_low [3] = "low",
            /// Volume, in base units.
            volume / set_volume [4] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [5] = "quoteVolume",
            /// Volume that takers bought, in base units.
            taker_buy_volume / set_taker_buy_volume [6] = "takerBuyVolume",
            /// Volume that takers bought, in quote units.
            taker_buy_quote_volume / set_taker_buy_quote_volume [7] = "takerBuyQuoteVolume",
        }
        flags {
            /// The candle is closed.
            closed(1) = "closed",
        }
    }
}
