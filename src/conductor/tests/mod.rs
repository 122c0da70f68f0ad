//! Tests of the whole stage: what it publishes for given inputs, on made and on captured streams.

mod captures;
mod faults;
mod rig;
mod scenarios;
mod world;
