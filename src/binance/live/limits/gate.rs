//! Purpose: "no request until then": what 429, 418, 403 and Retry-After ask for (binance.md, section 2; faults.md F32, F33).
//! Owns: when it opens. Thread: the REST thread. Takes and gives: statuses and moments. Never: opens before the venue said.

use crate::binance::live::backoff::Jitter;

const SECOND: u64 = 1_000_000_000;
/// The least wait after 429 and 418 when no Retry-After tells it: the rest of a minute, the shortest ban.
const SLOW_DOWN_S: u64 = 60;
const BAN_S: u64 = 120;
/// The longest wait believed: three days, the longest ban.
const WAIT_MAX_S: u64 = 3 * 24 * 3_600;

/// Shut while the venue wants no request.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    opens_at: u64,
    jitter: Jitter,
}

impl Gate {
    /// Open.
    pub(crate) const fn new(seed: u64) -> Gate {
        Gate { opens_at: 0, jitter: Jitter::new(seed) }
    }

    /// A reply has come: shuts the gate if the status asks for it, and says whether it did.
    pub(crate) fn replied(&mut self, now: u64, status: u16, retry_after_s: Option<u64>) -> bool {
        let least = match status {
            429 => SLOW_DOWN_S,
            // 403 is a firewall that has had enough of us.
            418 | 403 => BAN_S,
            _ => return false,
        };
        let seconds = retry_after_s.unwrap_or(least).min(WAIT_MAX_S);
        // A second more, for the venue counts whole ones, and up to another so that clients do not come back as one.
        let wait = seconds * SECOND + SECOND + self.jitter.between(0, SECOND);
        self.opens_at = self.opens_at.max(now.saturating_add(wait));
        true
    }

    /// Stays shut for so long: what a process before this one was told.
    pub(crate) fn restore(&mut self, now: u64, wait_ns: u64) {
        self.opens_at = self.opens_at.max(now.saturating_add(wait_ns));
    }

    /// When a request may be made: `now`, or later.
    pub(crate) fn when(&self, now: u64) -> u64 {
        now.max(self.opens_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_stays_shut_for_as_long_as_was_asked() {
        let table = [
            (200, None, 0),
            (500, Some(9), 0),
            (429, Some(0), 0),
            (429, Some(7), 7),
            (429, None, 60),
            (418, Some(259_200), 259_200),
            (418, Some(u64::MAX), 259_200),
            (418, None, 120),
            (403, None, 120),
        ];
        for seed in 0..20 {
            for (status, retry_after, seconds) in table {
                let mut gate = Gate::new(seed);
                let shut = gate.replied(1_000, status, retry_after);
                let opens = gate.when(1_000) - 1_000;
                assert_eq!(shut, matches!(status, 403 | 418 | 429));
                assert!(
                    opens >= seconds * SECOND && opens <= (seconds + 2) * SECOND,
                    "{status} {retry_after:?}: {opens}"
                );
            }
        }
    }

    #[test]
    fn what_was_told_before_a_restart_holds_and_is_never_cut_short() {
        let mut gate = Gate::new(1);
        gate.restore(5, 100 * SECOND);
        assert_eq!(gate.when(5), 5 + 100 * SECOND);
        gate.restore(6, SECOND);
        assert_eq!(gate.when(6), 5 + 100 * SECOND);
    }

    #[test]
    fn a_shorter_wait_never_opens_it_sooner() {
        let mut gate = Gate::new(1);
        gate.replied(0, 418, Some(100));
        let opens = gate.when(0);
        gate.replied(0, 429, Some(1));
        assert_eq!(gate.when(0), opens);
        assert_eq!(gate.when(opens + 5), opens + 5);
    }
}
