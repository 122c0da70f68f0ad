//! The candidates beside Meltica.
//!
//! | file | holds |
//! |---|---|
//! | `tape_walk` | simd-json's tape and a small typed walk over it |
//! | `typed` | serde_json into typed structs |
//! | `barter` | barter-data: decode, transform, book |
//! | `python` | cryptofeed and ccxt, by `peers.py` |

pub(crate) mod barter;
pub(crate) mod python;
pub(crate) mod tape_walk;
pub(crate) mod typed;
