//! Purpose: payloads of prices that the venue makes, and of forced orders.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::field::{Field, FieldKind, Payload, padding, payload};
use super::kind::PayloadKind;
use crate::schema::decimal::{Decimal, SCALE_ABSENT};

payload! {
    /// The venue's average price (`@avgPrice`).
    AveragePrice: AveragePrice {
        words {
            /// Time of the last trade in it.
            last_trade_time = "lastTradeTime" FieldKind::Time,
        }
        texts {
            /// The interval it is taken over (`5m`).
            interval[8] = "interval",
        }
        decimals(1) {
            /// The average.
            price / set_price [0] = "price",
        }
    }
}

payload! {
    /// The venue's reference price (`@referencePrice`); the venue sends `null` when it has none.
    ReferencePrice: ReferencePrice {
        decimals(1) {
            /// The price, if there is one.
            price / set_price [0] = "price",
        }
    }
}

payload! {
    /// Mark price and funding of a perpetual (`@markPrice`).
    MarkPrice: MarkPrice {
        words {
            /// Next funding.
            next_funding_time = "nextFundingTime" FieldKind::Time,
        }
        decimals(5) {
            /// Mark price.
            mark / set_mark [0] = "mark",
            /// Its moving average, where the venue sends it.
            mark_average / set_mark_average [1] = "markAverage",
            /// Index price.
            index / set_index [2] = "index",
            /// Estimated settlement price.
            settlement / set_settlement [3] = "settlement",
            /// Funding rate; absent on contracts without funding.
            funding_rate / set_funding_rate [4] = "fundingRate",
        }
    }
}

payload! {
    /// A forced order (`@forceOrder`).
    Liquidation: Liquidation {
        words {
            /// When it was filled.
            trade_time = "tradeTime" FieldKind::Time,
        }
        texts {
            /// `BUY` or `SELL`.
            side[8] = "side",
            /// `LIMIT`, …
            order_type[24] = "orderType",
            /// `IOC`, …
            time_in_force[8] = "timeInForce",
            /// `FILLED`, …
            status[24] = "status",
        }
        decimals(5) {
            /// Ordered quantity.
            quantity / set_quantity [0] = "quantity",
            /// Limit price.
            price / set_price [1] = "price",
            /// Average price.
            average / set_average [2] = "average",
            /// Quantity of the last fill.
            last_quantity / set_last_quantity [3] = "lastQuantity",
            /// Quantity filled so far.
            filled_quantity / set_filled_quantity [4] = "filledQuantity",
        }
    }
}
