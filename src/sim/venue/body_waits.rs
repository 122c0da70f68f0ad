//! Purpose: keeps a served capture from running away from a client that has no snapshot yet. The recorder had fetched a body
//! before the diffs behind it came; a reader of the served capture gets the same chance.
//! Owns: which bodies were fetched. Thread: the market's, and REST's under its lock. Takes and gives: moments in, "wait" out.
//! Never: waits for ever: who does not ask does not need it.

use std::collections::BTreeMap;

/// How long the diffs behind a body wait for somebody to fetch it.
const PATIENCE_NS: u64 = 10_000_000_000;
/// How long a fetched body is given to arrive.
const HAND_OVER_NS: u64 = 100_000_000;

/// What is known of one symbol's first body.
#[derive(Clone, Copy, Debug)]
struct Wait {
    /// When it was received.
    body_ns: i64,
    /// A diff went out, so that whoever builds a book asks for it.
    spoke: bool,
    /// Since when a diff waits.
    since_ns: Option<u64>,
    fetched_ns: Option<u64>,
    over: bool,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(super) struct BodyWaits {
    by_symbol: BTreeMap<String, Wait>,
}

impl BodyWaits {
    /// For symbols (uppercase) whose first body was received at a time.
    pub(super) fn new(bodies: impl Iterator<Item = (String, i64)>) -> BodyWaits {
        let wait = |body_ns| Wait { body_ns, spoke: false, since_ns: None, fetched_ns: None, over: false };
        BodyWaits { by_symbol: bodies.map(|(symbol, body_ns)| (symbol, wait(body_ns))).collect() }
    }

    /// Somebody fetches the body.
    pub(super) fn fetched(&mut self, symbol: &str, now_ns: u64) {
        if let Some(wait) = self.by_symbol.get_mut(symbol) {
            wait.fetched_ns.get_or_insert(now_ns);
        }
    }

    /// Whether a diff of a symbol that was received at `receive_ns` has to wait at `now_ns`; if not, it goes out. The first
    /// one never waits, nor does one that came before the body.
    pub(super) fn holds(&mut self, symbol: &str, receive_ns: i64, now_ns: u64) -> bool {
        let Some(wait) = self.by_symbol.get_mut(symbol).filter(|wait| !wait.over) else { return false };
        if receive_ns < wait.body_ns || !wait.spoke {
            wait.spoke = true;
            return false;
        }
        wait.over = match wait.fetched_ns {
            Some(fetched) => now_ns >= fetched.saturating_add(HAND_OVER_NS),
            None => now_ns >= wait.since_ns.get_or_insert(now_ns).saturating_add(PATIENCE_NS),
        };
        !wait.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits() -> BodyWaits {
        BodyWaits::new([("A".to_owned(), 100)].into_iter())
    }

    #[test]
    fn diffs_behind_the_body_wait_until_it_was_fetched_and_could_arrive() {
        let mut waits = waits();
        assert!(!waits.holds("A", 50, 0) && !waits.holds("A", 99, 0), "those before it do not");
        assert!(waits.holds("A", 100, 1) && waits.holds("A", 100, PATIENCE_NS - 1));
        assert!(!waits.holds("B", 100, 1), "another symbol without a body");
        waits.fetched("A", 5_000);
        waits.fetched("A", PATIENCE_NS);
        assert!(waits.holds("A", 100, 5_000 + HAND_OVER_NS - 1));
        assert!(!waits.holds("A", 100, 5_000 + HAND_OVER_NS), "the first fetch counts");
        assert!(!waits.holds("A", 101, 0), "and it never waits again");
    }

    #[test]
    fn the_first_diff_goes_out_even_behind_the_body_and_nobody_is_waited_for_for_ever() {
        let mut waits = waits();
        assert!(!waits.holds("A", 500, 0), "nobody would ask without it");
        assert!(waits.holds("A", 501, 10));
        assert!(waits.holds("A", 501, 10 + PATIENCE_NS - 1));
        assert!(!waits.holds("A", 501, 10 + PATIENCE_NS));
    }

    #[test]
    fn a_body_that_was_fetched_early_holds_nothing_up() {
        let mut waits = waits();
        waits.fetched("A", 0);
        assert!(!waits.holds("A", 500, HAND_OVER_NS) && !waits.holds("A", 501, HAND_OVER_NS));
    }
}
