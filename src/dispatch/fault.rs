//! Purpose: what is wrong with a configured route, said so that a person can mend it.
//! Owns: faults found so far. Thread: cold. Takes and gives: paths and messages. Never: stops at the first.

use core::fmt;

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteFault {
    /// Where: keys and indices from the top of the configuration (`routes`, `TRADE`, `topics`, `0`), as written there.
    pub path: Vec<String>,
    /// What was found, what is allowed, what to do.
    pub message: String,
}

impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.join("."), self.message)
    }
}

/// Collects faults, each said once.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Vec<RouteFault>,
}

impl Faults {
    /// Notes a fault of a route, at a path below it.
    pub(super) fn add(&mut self, route: &str, below: &[&str], message: String) {
        let mut path = vec!["routes".to_owned(), route.to_owned()];
        path.extend(below.iter().map(|&part| part.to_owned()));
        let fault = RouteFault { path, message };
        if !self.found.contains(&fault) {
            self.found.push(fault);
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// All of them.
    pub(super) fn into_found(self) -> Vec<RouteFault> {
        self.found
    }
}
