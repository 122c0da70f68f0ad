//! Purpose: what the control duty reports of latency. Owns: a look at the ledger and at the rings. Thread: the control duty's.
//! Takes and gives: nothing in, reports out. Never: makes a stage wait.

use std::sync::Arc;

use super::super::rings::RingGauge;
use crate::directory::Directory;
use crate::schema::canonical_type::CanonicalType;
use crate::schema::id::TypeId;
use crate::schema::json::Names;
use crate::schema::latency::{LatencyDetail, LatencyReport};
use crate::telemetry::Latencies;

/// The latency ledger of an engine, with what it takes to name what is in it.
#[derive(Clone, Debug)]
pub(in crate::engine) struct LatencySide {
    pub(in crate::engine) latencies: Latencies,
    pub(in crate::engine) rings: Vec<RingGauge>,
    pub(in crate::engine) directory: Arc<Directory>,
}

impl LatencySide {
    /// Asks each thread for what it has recorded.
    pub(super) fn collect(&self) {
        self.latencies.collect();
    }

    /// A type by its name, if anything has named it.
    pub(super) fn type_named(&self, name: &str) -> Option<TypeId> {
        self.directory.find_type(&CanonicalType::parse(name).ok()?)
    }

    /// All of it, as far as threads have handed it over.
    pub(super) fn report(&self, detail: LatencyDetail) -> LatencyReport {
        let rings = self.rings.iter().map(RingGauge::view).collect();
        let report = self.latencies.report(detail, |id| self.directory.type_name(id).map(str::to_owned));
        LatencyReport { rings, ..report }
    }
}
