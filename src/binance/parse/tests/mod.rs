//! What the parser promises, frame by frame and body by body, without a capture.
//!
//! | file | holds |
//! |---|---|
//! | `desk` | a parser with its directory and ledger |
//! | `streams` | frames of streams: read whole, malformed, of arrays |
//! | `bodies` | bodies of REST: depth, lists of instruments, polls |

mod bodies;
mod desk;
mod streams;
