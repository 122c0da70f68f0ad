//! Tests of the whole stage: what it publishes for given inputs, on made and on captured streams.

mod audits;
mod captures;
mod faults;
mod feeding;
mod gaps;
mod publishing;
mod quality;
mod rig;
mod span_rule;
mod starting;
mod venue;
mod world;
