//! Purpose: the payload of what the conductor derives from a book and its trades.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::field::{Field, FieldKind, Payload, padding, payload};
use super::kind::PayloadKind;
use crate::schema::decimal::{Decimal, SCALE_ABSENT};

payload! {
    /// What the conductor derives from a book and its trades, one after every applied diff.
    ///
    /// `mid` and `spread` are exact. `micro_price` and the imbalances are quotients: rounded half to even at 12 and 6
    /// decimals (fewer where 63 bits demand it); they are Meltica's numbers, not the venue's.
    Fused: Fused {
        words {
            /// The book's update id.
            update_id = "updateId" FieldKind::Int,
            /// Id of the last trade; `i64::MIN` before the first.
            last_trade_id = "lastTradeId" FieldKind::Time,
        }
        decimals(18) {
            /// Best bid; absent when that side is empty.
            bid / set_bid [0] = "bid",
            /// Quantity there.
            bid_quantity / set_bid_quantity [1] = "bidQuantity",
            /// Best ask; absent when that side is empty.
            ask / set_ask [2] = "ask",
            /// Quantity there.
            ask_quantity / set_ask_quantity [3] = "askQuantity",
            /// Half of bid plus ask, exact.
            mid / set_mid [4] = "mid",
            /// Ask minus bid, exact.
            spread / set_spread [5] = "spread",
            /// `(bid × ask quantity + ask × bid quantity) / (bid quantity + ask quantity)`.
            micro_price / set_micro_price [6] = "microPrice",
            /// Quantity on the best 5 bids.
            bid_depth5 / set_bid_depth5 [7] = "bidDepth5",
            /// Quantity on the best 5 asks.
            ask_depth5 / set_ask_depth5 [8] = "askDepth5",
            /// `(bid − ask) / (bid + ask)` of the depths at 5 levels, −1 to 1.
            imbalance5 / set_imbalance5 [9] = "imbalance5",
            /// Quantity on the best 10 bids.
            bid_depth10 / set_bid_depth10 [10] = "bidDepth10",
            /// Quantity on the best 10 asks.
            ask_depth10 / set_ask_depth10 [11] = "askDepth10",
            /// The imbalance at 10 levels.
            imbalance10 / set_imbalance10 [12] = "imbalance10",
            /// Quantity on the best 20 bids.
            bid_depth20 / set_bid_depth20 [13] = "bidDepth20",
            /// Quantity on the best 20 asks.
            ask_depth20 / set_ask_depth20 [14] = "askDepth20",
            /// The imbalance at 20 levels.
            imbalance20 / set_imbalance20 [15] = "imbalance20",
            /// Price of the last trade.
            last_price / set_last_price [16] = "lastPrice",
            /// Its quantity.
            last_quantity / set_last_quantity [17] = "lastQuantity",
        }
    }
}
