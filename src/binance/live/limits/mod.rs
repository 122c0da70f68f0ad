//! The venue's limits, kept from our side (binance.md, sections 1 and 2). Pure: time is handed in, in nanoseconds of the one
//! clock.
//!
//! | file | holds |
//! |---|---|
//! | `messages` | messages a second on one connection, pongs first |
//! | `attempts` | connection attempts in five minutes |
//! | `call` | what a poll's call weighs |
//! | `weight` | REST weight a minute, by our count and by the venue's header |
//! | `gate` | "no request until then": 429, 418, Retry-After |

mod attempts;
mod call;
mod gate;
mod messages;
mod weight;

pub(super) use attempts::Attempts;
pub(super) use call::call_weight;
pub(super) use gate::Gate;
pub(super) use messages::MessageBudget;
pub(super) use weight::WeightBudget;
