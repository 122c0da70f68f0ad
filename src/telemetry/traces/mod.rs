//! Purpose: spans of sampled frames, of gaps, of resyncs and of commands, and how they leave.
//! Owns: what is kept, the ids of spans, the way to the exporter. Thread: each file says. Takes and gives: stamps in, OTLP out.
//! Never: waits, locks or allocates on the data path; does more than test an `Option` there where no receiver is named.
//!
//! | file | what |
//! |---|---|
//! | `sampling` | which frames are kept, by their trace id alone; ids of spans |
//! | `record` | a finished span in 14 words, as it goes through a ring |
//! | `tracer` | a thread's end: kept frames' spans into its ring |
//! | `publishing` | the conductor's: what is published of which input, gaps and resyncs |
//! | `hub` | all threads' ends, and the thread that exports |
//! | `exporter` | that thread: batches, retries, a last flush |
//! | `receiver` | one request to an OTLP/HTTP receiver, and its verdict |
//! | `encode`, `otlp` | records as OTLP messages |

mod encode;
mod exporter;
mod hub;
mod otlp;
mod publishing;
#[cfg(test)]
mod publishing_tests;
mod receiver;
mod record;
mod sampling;
mod tracer;

pub use hub::{Exporting, Headers, TraceOptions, Traces};
pub use publishing::PublishTracer;
pub use tracer::{CommandSpan, FrameSpan, Tracer};
