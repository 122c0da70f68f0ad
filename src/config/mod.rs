//! Purpose: configuration: YAML and environment in, plain data or every fault at once out.
//! Owns: the keys, their limits and their defaults. Thread: any (cold).
//! Takes and gives: a path and variables in, [`Config`] out. Never: reads the environment itself, starts anything,
//! guesses what a faulty value meant.
//!
//! The structs in `settings` and `stages` are the only source: serde reads them, schemars turns them into the JSON
//! schema by which `walk` finds every fault (serde would stop at the first), garde checks what concerns several keys,
//! and the annotated file `config/meltica.yaml` is written from them and compared by a test.
//!
//! | file | holds |
//! |---|---|
//! | `settings` | the root: market, topology, cores, rings, limits |
//! | `stages` | books, throttle, store, simulated venue |
//! | `feed` | where frames come from, how it connects |
//! | `control` | where and by whom the feed can be commanded |
//! | `telemetry` | what is recorded of latency, where traces go |
//! | [`route`] | routes |
//! | `units` | durations and sizes with units |
//! | `node` | a YAML tree that knows where each value stands |
//! | `schema` | the JSON schema, read |
//! | `walk` | the tree held against the schema |
//! | `scalar` | single values held against the schema |
//! | `variables` | what the environment overrides |
//! | `suggest` | did you mean |
//! | `fault` | faults and how they look |
//! | `load` | all of it in order |
//! | `annotated` | the full default file |

mod annotated;
mod control;
mod fault;
mod feed;
mod load;
mod node;
pub mod route;
mod scalar;
mod schema;
mod settings;
mod stages;
mod suggest;
mod telemetry;
mod units;
mod variables;
mod walk;

pub use annotated::annotated;
pub use control::{Control, Initial};
pub use fault::{ConfigFaults, Fault, Place};
pub use feed::{Feed, FeedSource, StreamForm, TimeUnit};
pub use load::{FILE_BYTES_MAX, Loaded, Places, check, load};
pub use schema::json_schema;
pub use settings::{Config, Cores, Idle, Limits, MarketChoice, Rings, Topology};
pub use stages::{Books, Sim, Store};
pub(crate) use suggest::nearest;
pub use telemetry::{Telemetry, Traces};
pub use units::{Bytes, DurationText};
pub use variables::RESERVED_VARIABLES;
