//! Purpose: handing a new table to the stages, and freeing old ones off the data path.
//! Owns: the tables that have been replaced. Thread: the control duty writes, stages read through a cache of their own.
//! Takes and gives: tables. Never: waits for a reader; lets a reader be the one that frees a table.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::table::DispatchTable;

/// Where the stages find the table in force.
pub type SharedTable = Arc<ArcSwap<DispatchTable>>;

/// The writing end, one a run.
///
/// A stage looks for a new table at the start of a batch, and drops the old one then. That drop must not free it (a free
/// is a system call now and then), so the publisher keeps every table it replaced until nobody else holds it.
#[derive(Debug)]
pub struct TablePublisher {
    shared: SharedTable,
    retired: Vec<Arc<DispatchTable>>,
}

impl TablePublisher {
    /// A publisher whose first table is in force at once.
    pub fn new(first: DispatchTable) -> TablePublisher {
        TablePublisher { shared: Arc::new(ArcSwap::from_pointee(first)), retired: Vec::new() }
    }

    /// What stages are made with.
    pub fn shared(&self) -> SharedTable {
        Arc::clone(&self.shared)
    }

    /// The table in force.
    pub fn current(&self) -> Arc<DispatchTable> {
        self.shared.load_full()
    }

    /// Puts a table into force: each stage takes it up at the start of its next batch. Retired tables that nobody holds
    /// any more are freed on the way.
    pub fn publish(&mut self, table: DispatchTable) {
        self.retired.push(self.shared.swap(Arc::new(table)));
        self.reclaim();
    }

    /// Frees the retired tables that only the publisher holds; gives how many are still held by a stage. To be called
    /// from the control duty's cycle: a stage that sleeps keeps its table until it wakes.
    pub fn reclaim(&mut self) -> usize {
        // A count of one is final: `swap` has settled what readers had borrowed, and nobody can reach a retired table
        // any more to take a new reference.
        self.retired.retain(|table| Arc::strong_count(table) > 1);
        self.retired.len()
    }
}
