//! Purpose: the snapshots that are asked for: each symbol once, books without any before those that had one, otherwise in
//! order; those that no book waits for last of all. Owns: the queue. Thread: the REST thread. Takes and gives: symbols. Never: holds a symbol twice.

use std::collections::{HashMap, VecDeque};

use crate::schema::frame::Urgency;

/// A snapshot to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The symbol, uppercase.
    pub(super) symbol: Box<str>,
    /// The latest epoch that asked.
    pub(super) epoch: u32,
    /// Failed tries.
    pub(super) tries: u8,
    /// What hangs on it.
    pub(super) urgency: Urgency,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    first: VecDeque<Wanted>,
    again: VecDeque<Wanted>,
    background: VecDeque<Wanted>,
    /// Symbols in the queue, with what hangs on them.
    held: HashMap<Box<str>, Urgency>,
}

impl Waiting {
    /// Asks. One that waits already keeps its turn, unless more hangs on it now.
    pub(super) fn ask(&mut self, symbol: &str, epoch: u32, urgency: Urgency) {
        match self.held.get(symbol) {
            Some(held) if *held >= urgency => {
                let all = self.first.iter_mut().chain(&mut self.again).chain(&mut self.background);
                all.filter(|w| *w.symbol == *symbol).for_each(|w| w.epoch = w.epoch.max(epoch));
                return;
            }
            Some(_) => self.background.retain(|w| *w.symbol != *symbol),
            None => {}
        }
        self.put(Wanted { symbol: symbol.into(), epoch, tries: 0, urgency });
    }

    /// Puts one back that failed, behind the others of its kind.
    pub(super) fn put(&mut self, wanted: Wanted) {
        self.held.insert(wanted.symbol.clone(), wanted.urgency);
        let queue = match wanted.urgency {
            Urgency::Background => &mut self.background,
            Urgency::Book if wanted.epoch == 0 && wanted.tries == 0 => &mut self.first,
            Urgency::Book => &mut self.again,
        };
        queue.push_back(wanted);
    }

    /// The next one that a book waits for.
    pub(super) fn take(&mut self) -> Option<Wanted> {
        let wanted = self.first.pop_front().or_else(|| self.again.pop_front())?;
        self.held.remove(&wanted.symbol);
        Some(wanted)
    }

    /// The next one that no book waits for.
    pub(super) fn take_background(&mut self) -> Option<Wanted> {
        let wanted = self.background.pop_front()?;
        self.held.remove(&wanted.symbol);
        Some(wanted)
    }

    /// How many books wait.
    pub(super) fn books(&self) -> usize {
        self.first.len() + self.again.len()
    }

    /// Whether something else waits.
    pub(super) fn has_background(&self) -> bool {
        !self.background.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(mut take: impl FnMut() -> Option<Wanted>) -> Vec<(String, u32)> {
        std::iter::from_fn(|| take().map(|w| (w.symbol.to_string(), w.epoch))).collect()
    }

    fn names(list: &[(&str, u32)]) -> Vec<(String, u32)> {
        list.iter().map(|(symbol, epoch)| ((*symbol).to_owned(), *epoch)).collect()
    }

    #[test]
    fn each_symbol_waits_once_and_new_books_go_first() {
        let mut waiting = Waiting::default();
        for (symbol, epoch) in [("A", 1), ("B", 0), ("C", 2), ("B", 0), ("A", 3), ("D", 0)] {
            waiting.ask(symbol, epoch, Urgency::Book);
        }
        assert_eq!(waiting.books(), 4);
        assert_eq!(order(|| waiting.take()), names(&[("B", 0), ("D", 0), ("A", 3), ("C", 2)]));
        waiting.ask("A", 0, Urgency::Book);
        let failed = Wanted { tries: 1, ..waiting.take().unwrap() };
        waiting.ask("B", 0, Urgency::Book);
        waiting.put(failed);
        waiting.ask("A", 0, Urgency::Book);
        assert_eq!(waiting.take().map(|w| w.symbol.to_string()), Some("B".to_owned()), "what failed waits behind");
        assert_eq!((waiting.books(), waiting.take().map(|w| w.tries)), (1, Some(1)));
    }

    #[test]
    fn what_no_book_waits_for_is_apart_until_one_does() {
        let mut waiting = Waiting::default();
        for (symbol, urgency) in [
            ("A", Urgency::Background),
            ("B", Urgency::Background),
            ("C", Urgency::Book),
            ("C", Urgency::Background),
            ("A", Urgency::Book),
            ("B", Urgency::Background),
        ] {
            waiting.ask(symbol, 1, urgency);
        }
        assert_eq!((waiting.books(), waiting.has_background()), (2, true));
        assert_eq!(order(|| waiting.take()), names(&[("C", 1), ("A", 1)]), "a book waits for A now");
        assert_eq!(order(|| waiting.take_background()), names(&[("B", 1)]));
        assert!(!waiting.has_background());
        waiting.ask("B", 2, Urgency::Background);
        assert_eq!(order(|| waiting.take_background()), names(&[("B", 2)]), "and may be asked for again");
    }
}
