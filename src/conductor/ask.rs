//! Purpose: when a snapshot is asked for, how long the answer may take, and how long to wait before the next try.
//! Owns: the one sync job of an instrument (faults.md invariant 26). Thread: the conductor's. Takes and gives: moments.
//! Never: two requests at once; a shorter wait after a longer one before success (invariant 23).

use super::options::ConductorOptions;

/// "No such moment".
pub(super) const NEVER: i64 = i64::MAX;

/// The request for a snapshot of one instrument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    due: i64,
    deadline: i64,
    tries: u32,
    useless_id: Option<i64>,
}

impl Default for Ask {
    fn default() -> Self {
        Ask { due: NEVER, deadline: NEVER, tries: 0, useless_id: None }
    }
}

impl Ask {
    /// A snapshot is wanted; nothing changes when one is asked for or due already.
    pub(super) fn want(&mut self, now: i64) {
        if self.due == NEVER && self.deadline == NEVER {
            self.due = now;
        }
    }

    /// Whether a request is due.
    pub(super) fn is_due(&self, now: i64) -> bool {
        self.due <= now
    }

    /// Whether a request is on its way.
    pub(super) fn is_asked(&self) -> bool {
        self.deadline != NEVER
    }

    /// The request went out.
    pub(super) fn sent(&mut self, now: i64, options: &ConductorOptions) {
        self.due = NEVER;
        self.deadline = now.saturating_add(options.snapshot_deadline_ns);
    }

    /// The way was full.
    pub(super) fn way_full(&mut self, now: i64, options: &ConductorOptions) {
        self.due = now.saturating_add(options.way_full_retry_ns.max(1));
    }

    /// Whether the answer is overdue.
    pub(super) fn is_overdue(&self, now: i64) -> bool {
        self.deadline <= now
    }

    /// The try failed: no answer in time, or a useless one. One that repeats the id of a useless one before it (a cache,
    /// faults.md F14) uses up the free tries; whether it was one.
    pub(super) fn failed(&mut self, now: i64, id: Option<i64>, options: &ConductorOptions) -> bool {
        let repeated = id.is_some() && id == self.useless_id;
        if repeated {
            self.tries = self.tries.max(options.free_tries);
        }
        self.useless_id = id.or(self.useless_id);
        self.tries = self.tries.saturating_add(1);
        self.deadline = NEVER;
        self.due = now.saturating_add(self.delay(options));
        repeated
    }

    /// The answer was used, or nothing is wanted any more. The count of tries stays until [`Ask::proven`].
    pub(super) fn close(&mut self) {
        self.due = NEVER;
        self.deadline = NEVER;
    }

    /// The book is proven: the next trouble starts with fresh tries.
    pub(super) fn proven(&mut self) {
        self.tries = 0;
        self.useless_id = None;
    }

    /// The next moment at which something must happen.
    pub(super) fn next(&self) -> i64 {
        self.due.min(self.deadline)
    }

    fn delay(&self, options: &ConductorOptions) -> i64 {
        let Some(doublings) = self.tries.checked_sub(options.free_tries + 1) else { return 0 };
        let factor = 1i64 << doublings.min(40);
        options.backoff_ns.saturating_mul(factor).min(options.backoff_ns_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ConductorOptions {
        ConductorOptions {
            snapshot_deadline_ns: 100,
            free_tries: 3,
            backoff_ns: 10,
            backoff_ns_max: 50,
            ..ConductorOptions::default()
        }
    }

    #[test]
    fn three_tries_follow_at_once_then_the_wait_doubles_to_its_bound() {
        let (mut ask, options) = (Ask::default(), options());
        ask.want(0);
        let mut waits = Vec::new();
        let mut now = 0;
        for _ in 0..8 {
            assert!(ask.is_due(now));
            ask.sent(now, &options);
            assert_eq!(ask.next(), now + 100);
            now += 100;
            assert!(ask.is_overdue(now));
            ask.failed(now, None, &options);
            waits.push(ask.next() - now);
            now = ask.next();
        }
        assert_eq!(waits, [0, 0, 0, 10, 20, 40, 50, 50]);
    }

    #[test]
    fn a_repeated_useless_id_backs_off_at_once() {
        let (mut ask, options) = (Ask::default(), options());
        assert!(!ask.failed(0, Some(7), &options));
        assert_eq!(ask.next(), 0);
        assert!(ask.failed(0, Some(7), &options));
        assert_eq!(ask.next(), 10);
        ask.proven();
        assert!(!ask.failed(0, Some(7), &options));
        assert_eq!(ask.next(), 0, "success gives fresh tries");
    }

    #[test]
    fn one_request_at_a_time() {
        let (mut ask, options) = (Ask::default(), options());
        ask.want(5);
        ask.sent(5, &options);
        ask.want(6);
        assert!(!ask.is_due(50) && ask.is_asked());
        ask.close();
        assert_eq!(ask.next(), NEVER);
        ask.want(7);
        ask.way_full(7, &options);
        assert!(!ask.is_due(7) && ask.is_due(7 + options.way_full_retry_ns));
    }
}
