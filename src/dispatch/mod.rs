//! Dispatch: which canonical types a raw instance feeds, what of it is let through, and the event made from it.
//!
//! | file | holds |
//! |---|---|
//! | `fault` | what is wrong with a configured route, and where |
//! | `filter` | filter rules, compiled to slots |
//! | `route` | a compiled route: its feeds, polls and plans |
//! | `compile` | configuration → routes, with every fault at once |
//! | `poll` | the same for REST polls |
//! | `table` | the immutable dispatch table |
//! | `scope` | of which instruments a table lets a route's frames through |
//! | `publish` | handing tables to the stages, and freeing retired ones |
//! | `defaults` | the routes that Meltica ships with |
//! | `canonical` | raw instance → event, one canonicaliser a stream kind |
//! | `unknown` | names and counts of unknown fields |
//! | `stage` | the stage that ties them together |
//!
//! Dispatch keeps no state between raw instances: what needs memory (a poll's result that a stream has delivered already,
//! gaps, redundant connections) is the conductor's.

mod canonical;
mod compile;
mod defaults;
mod fault;
mod filter;
mod poll;
mod publish;
mod route;
mod scope;
mod stage;
mod table;
mod unknown;

pub use canonical::{Canonicaliser, EVENT_WORDS_OVER_RAW, canonicaliser, expected_payload};
pub use defaults::{DEFAULT_ROUTES, default_routes};
pub use fault::RouteFault;
pub use filter::FilterRule;
pub use publish::{SharedTable, TablePublisher};
pub use route::{Parser, RestFn, Route, carries};
pub use scope::{InstrumentSet, RouteScope};
pub use stage::DispatchStage;
pub use table::{DispatchTable, ROUTES_PER_TOPIC_MAX};
pub use unknown::{UNKNOWN_NAMES_MAX, UnknownRow, UnknownTally};
