//! Purpose: the snapshots that are asked for: each symbol once, books without any before those that had one, otherwise in
//! order. Owns: the queue. Thread: the REST thread. Takes and gives: symbols. Never: holds a symbol twice.

use std::collections::{HashMap, VecDeque};

/// A snapshot to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The symbol, uppercase.
    pub(super) symbol: Box<str>,
    /// The latest epoch that asked.
    pub(super) epoch: u32,
    /// Failed tries.
    pub(super) tries: u8,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    first: VecDeque<Wanted>,
    again: VecDeque<Wanted>,
    /// Symbols in the queue.
    held: HashMap<Box<str>, ()>,
}

impl Waiting {
    /// Asks. One that waits already keeps its turn.
    pub(super) fn ask(&mut self, symbol: &str, epoch: u32) {
        if self.held.contains_key(symbol) {
            let both = self.first.iter_mut().chain(&mut self.again);
            both.filter(|w| *w.symbol == *symbol).for_each(|w| w.epoch = w.epoch.max(epoch));
            return;
        }
        self.put(Wanted { symbol: symbol.into(), epoch, tries: 0 });
    }

    /// Puts one back that failed, behind the others.
    pub(super) fn put(&mut self, wanted: Wanted) {
        self.held.insert(wanted.symbol.clone(), ());
        if wanted.epoch == 0 && wanted.tries == 0 { self.first.push_back(wanted) } else { self.again.push_back(wanted) }
    }

    /// The next one.
    pub(super) fn take(&mut self) -> Option<Wanted> {
        let wanted = self.first.pop_front().or_else(|| self.again.pop_front())?;
        self.held.remove(&wanted.symbol);
        Some(wanted)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_symbol_waits_once_and_new_books_go_first() {
        let mut waiting = Waiting::default();
        for (symbol, epoch) in [("A", 1), ("B", 0), ("C", 2), ("B", 0), ("A", 3), ("D", 0)] {
            waiting.ask(symbol, epoch);
        }
        assert_eq!(waiting.len(), 4);
        let order: Vec<_> = std::iter::from_fn(|| waiting.take()).map(|w| (w.symbol.to_string(), w.epoch)).collect();
        assert_eq!(order, [("B".to_owned(), 0), ("D".to_owned(), 0), ("A".to_owned(), 3), ("C".to_owned(), 2)]);
        waiting.ask("A", 0);
        let failed = Wanted { tries: 1, ..waiting.take().unwrap() };
        waiting.ask("B", 0);
        waiting.put(failed);
        waiting.ask("A", 0);
        assert_eq!(waiting.take().map(|w| w.symbol.to_string()), Some("B".to_owned()), "what failed waits behind");
        assert_eq!((waiting.len(), waiting.take().map(|w| w.tries)), (1, Some(1)));
    }
}
