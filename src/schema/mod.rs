//! Words and plain data: what every other room speaks. No I/O, no atomics, no threads.
//!
//! | file | holds |
//! |---|---|
//! | [`id`] | small ids: market, instrument, type, source, connection, trace |
//! | [`decimal`], `digits` | exact decimals; eight digits at a time |
//! | [`time`] | UTC nanoseconds |
//! | [`canonical_type`] | validated names of event categories, the built-in ones |
//! | [`instrument`] | `BASE-QUOTE` names and what the venue says of them |
//! | [`topic`] | the venue's stream names and the templates of routes |
//! | [`bodies`] | REST bodies that say what a stream says |
//! | [`layout`] | the slots of a raw instance, one table a stream kind |
//! | [`frame`] | bytes as they enter, and what hands them over |
//! | [`raw`] | `RawInstance` |
//! | [`event`] | `MelticaEvent`: the record |
//! | [`payload`] | its payloads |
//! | [`json`] | its JSON form |
//! | [`quality`] | what an instrument's book is worth, and why |
//! | [`stage`] | the seams between stages that share a thread |
//! | [`command`] | commands, acknowledgements, names of consumers, error codes |
//! | [`report`], [`latency`] | what the control duty reports; the latency ledger among it |

pub mod bodies;
pub mod canonical_type;
pub mod command;
pub mod decimal;
pub(crate) mod digits;
pub mod event;
pub mod frame;
pub mod id;
pub mod instrument;
pub mod json;
pub mod latency;
pub mod layout;
pub mod payload;
pub mod quality;
pub mod raw;
pub mod report;
pub mod stage;
pub mod time;
pub mod topic;
