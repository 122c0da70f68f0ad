//! `meltica latency`: the latency ledger of a running feed, or of a kept log, as a table, files, plots and a page.
//!
//! | file | holds |
//! |---|---|
//! | `command` | the verb: where it reads, what it gives |
//! | `missing` | what to say where nothing was recorded of what was asked for |
//! | `measured` | what was measured: series by hop, kind and connection; percentiles of signed ones |
//! | `coded` | histograms as logs and feeds carry them |
//! | `hops` | hops in words |
//! | `text` | the table |
//! | `hgrm` | percentile text of one series |
//! | `hlog` | HdrHistogram logs, written and read |
//! | `axes` | where a value stands on a logarithmic axis, and its ticks |
//! | `plot` | percentile plots, as SVG |
//! | `page` | all of it as one HTML page |

mod axes;
mod coded;
pub(in crate::cli) mod command;
mod hgrm;
mod hlog;
pub(super) mod hops;
pub(super) mod measured;
#[cfg(test)]
mod measured_tests;
mod missing;
mod page;
mod plot;
#[cfg(test)]
mod plot_tests;
pub(super) mod text;
