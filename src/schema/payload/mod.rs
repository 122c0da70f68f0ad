//! The payloads of events, each a plain `#[repr(C)]` struct with a table that names its fields.
//!
//! | file | holds |
//! |---|---|
//! | `field` | what a payload and its fields are, and the macro that makes both from one list |
//! | `kind` | the numbers of payloads, and from a number to the table |
//! | `trade` | trades |
//! | `ticker` | best prices, statistics, candles |
//! | `price` | average, reference and mark prices, forced orders |
//! | `depth` | level arrays, whole books, what happened to a book |
//! | `fused` | what the conductor derives |
//! | `notice` | connections, commands, and what is never published |

mod depth;
mod field;
mod fused;
mod kind;
mod notice;
mod price;
#[cfg(test)]
mod tests;
mod ticker;
mod trade;

pub use depth::{Book, BookReference, BookStatus, Depth, DepthLevels};
pub use field::{Field, FieldKind, Payload, fixed_text};
pub use fused::Fused;
pub use kind::PayloadKind;
pub use notice::{
    CONNECTION_CHANGES, CONTROL_OUTCOMES, CONTROL_VERBS, ConnectionStatus, ControlUpdate, Lost, STREAM_STATES,
    StreamStatus, VenueStatus,
};
pub use price::{AveragePrice, Liquidation, MarkPrice, ReferencePrice};
pub use ticker::{BookTicker, Kline, MiniTicker, Ticker, WindowTicker};
pub use trade::{AggTrade, Trade};
