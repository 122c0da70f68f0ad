//! Purpose: how a run went. Owns: nothing. Thread: the owner's (cold). Takes and gives: plain data. Never: judges it.

use crate::agent::AgentReport;
use crate::conductor::BookReport;
use crate::dispatch::UnknownRow;
use crate::schema::frame::SourceError;
use crate::telemetry::LatencySummary;

/// How a run went.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Every book, in order of instrument ids.
    pub books: Vec<BookReport>,
    /// How each thread ended; empty when stepped.
    pub agents: Vec<AgentReport>,
    /// Ingress to publication, a shard each.
    pub latency: Vec<LatencySummary>,
    /// Fields that no route maps or ignores.
    pub unknown_fields: Vec<UnknownRow>,
    /// Why a source broke, if one did; the first.
    pub source_fault: Option<SourceError>,
}
