//! Purpose: the venue's limits on its clients, as pure counting. Owns: what each connection and address has used.
//! Thread: any, behind its owner's lock. Takes and gives: times in, verdicts out. Never: reads a clock.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::options::VenueLimits;
use super::shared::nanos;

const SECOND_NS: u64 = 1_000_000_000;
/// The longest ban (rest-api.md of 2026-07-21: from 2 minutes to 3 days).
const BAN_MAX_NS: u64 = 3 * 86_400 * SECOND_NS;

/// Messages of one connection within the last second.
#[derive(Debug)]
pub(super) struct Messages {
    times: VecDeque<u64>,
    most: usize,
}

impl Messages {
    pub(super) fn new(limits: &VenueLimits) -> Messages {
        Messages { times: VecDeque::new(), most: limits.messages_per_second as usize }
    }

    /// Counts a message; false when it is one too many.
    pub(super) fn take(&mut self, now_ns: u64) -> bool {
        while self.times.front().is_some_and(|t| now_ns.saturating_sub(*t) >= SECOND_NS) {
            self.times.pop_front();
        }
        self.times.push_back(now_ns);
        self.times.len() <= self.most
    }
}

/// WebSocket handshakes of each address within a window.
#[derive(Debug)]
pub(super) struct Attempts {
    by_address: HashMap<IpAddr, VecDeque<u64>>,
    most: usize,
    window_ns: u64,
}

impl Attempts {
    pub(super) fn new(limits: &VenueLimits) -> Attempts {
        let window_ns = nanos(limits.attempts_window);
        Attempts { by_address: HashMap::new(), most: limits.attempts_max as usize, window_ns }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// Seconds until the next one may succeed, when it is one too many.
    pub(super) fn take(&mut self, address: IpAddr, now_ns: u64) -> Result<(), u64> {
        let times = self.by_address.entry(address).or_default();
        while times.front().is_some_and(|t| now_ns.saturating_sub(*t) >= self.window_ns) {
            times.pop_front();
        }
        if times.len() >= self.most {
            let oldest = times.front().copied().unwrap_or(now_ns);
            return Err((oldest + self.window_ns - now_ns).div_ceil(SECOND_NS));
        }
        times.push_back(now_ns);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Account {
    window: u64,
    used: u32,
    wait_until_ns: u64,
    impatient: u32,
    bans: u32,
    banned_until_ns: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered; the address has used so much weight. `early` when it had been told to wait.
    Served { used: u32, early: bool },
    /// 429: to wait so many seconds. `over` when it is the client's own weight, `early` when it had been told to wait.
    Wait { used: u32, seconds: u64, over: bool, early: bool },
    /// 418: banned for so many seconds, until so many nanoseconds of the clock. `new` when the ban begins with this one.
    Banned { seconds: u64, new: bool },
}

/// Request weights of each address, and its bans.
#[derive(Debug)]
pub(super) struct Weights {
    accounts: HashMap<IpAddr, Account>,
    most: u32,
    window_ns: u64,
    impatience_max: u32,
    ban_first_ns: u64,
}

impl Weights {
    pub(super) fn new(limits: &VenueLimits) -> Weights {
        Weights {
            accounts: HashMap::new(),
            most: limits.weight_max,
            window_ns: nanos(limits.weight_window).max(1),
            impatience_max: limits.impatience_max,
            ban_first_ns: nanos(limits.ban_first),
        }
    }

    /// Charges a request. Windows are counted on `unix_ns`, waits and bans on `now_ns`; `storm` is what `Retry-After`
    /// says when every request is turned away at the moment.
    pub(super) fn take(
        &mut self,
        address: IpAddr,
        weight: u32,
        now_ns: u64,
        unix_ns: u64,
        storm: Option<u32>,
    ) -> Verdict {
        let account = self.accounts.entry(address).or_default();
        if now_ns < account.banned_until_ns {
            return Verdict::Banned { seconds: (account.banned_until_ns - now_ns).div_ceil(SECOND_NS), new: false };
        }
        let window = unix_ns / self.window_ns;
        if account.window != window {
            (account.window, account.used) = (window, 0);
        }
        let early = now_ns < account.wait_until_ns;
        if !early {
            account.impatient = 0;
        } else {
            account.impatient += 1;
            if account.impatient > self.impatience_max {
                let length = (self.ban_first_ns << account.bans.min(16)).min(BAN_MAX_NS);
                account.bans += 1;
                account.impatient = 0;
                account.banned_until_ns = now_ns + length;
                return Verdict::Banned { seconds: length.div_ceil(SECOND_NS), new: true };
            }
        }
        account.used = account.used.saturating_add(weight);
        let used = account.used;
        let over = used > self.most;
        if !over && storm.is_none() {
            return Verdict::Served { used, early };
        }
        let to_next = (self.window_ns - unix_ns % self.window_ns).div_ceil(SECOND_NS);
        let seconds = storm.map_or(to_next, u64::from);
        account.wait_until_ns = now_ns + seconds * SECOND_NS;
        Verdict::Wait { used, seconds, over, early }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_sixth_message_within_a_second_is_one_too_many() {
        let mut messages = Messages::new(&VenueLimits::default());
        for at in [0, 100, 200, 300, 400] {
            assert!(messages.take(at));
        }
        assert!(!messages.take(SECOND_NS - 1));
        assert!(messages.take(3 * SECOND_NS));
    }

    #[test]
    fn attempts_are_counted_by_address_and_forgotten_with_time() {
        let limits = VenueLimits { attempts_max: 2, ..VenueLimits::default() };
        let mut attempts = Attempts::new(&limits);
        assert_eq!(attempts.take(HERE, 0), Ok(()));
        assert_eq!(attempts.take(HERE, 0), Ok(()));
        assert_eq!(attempts.take(HERE, 0), Err(300));
        assert_eq!(attempts.take(IpAddr::V4(Ipv4Addr::BROADCAST), 0), Ok(()));
        assert_eq!(attempts.take(HERE, 300 * SECOND_NS), Ok(()));
    }

    #[test]
    fn weight_runs_out_comes_back_and_impatience_is_banned() {
        let limits = VenueLimits { weight_max: 10, impatience_max: 2, ..VenueLimits::default() };
        let mut weights = Weights::new(&limits);
        let at =
            |w: &mut Weights, second: u64, weight| w.take(HERE, weight, second * SECOND_NS, second * SECOND_NS, None);
        assert_eq!(at(&mut weights, 1, 10), Verdict::Served { used: 10, early: false });
        let wait = |seconds, used, early| Verdict::Wait { used, seconds, over: true, early };
        assert_eq!(at(&mut weights, 2, 1), wait(58, 11, false));
        assert_eq!(at(&mut weights, 60, 1), Verdict::Served { used: 1, early: false });
        assert_eq!(at(&mut weights, 61, 10), wait(59, 11, false));
        assert_eq!(at(&mut weights, 62, 1), wait(58, 12, true));
        assert_eq!(at(&mut weights, 63, 1), wait(57, 13, true));
        assert_eq!(at(&mut weights, 64, 1), Verdict::Banned { seconds: 120, new: true });
        assert_eq!(at(&mut weights, 65, 1), Verdict::Banned { seconds: 119, new: false });
        assert_eq!(at(&mut weights, 184, 1), Verdict::Served { used: 1, early: false });
    }

    #[test]
    fn a_storm_turns_everyone_away_and_is_nobodys_fault() {
        let mut weights = Weights::new(&VenueLimits::default());
        let verdict = weights.take(HERE, 1, 0, 0, Some(3));
        assert_eq!(verdict, Verdict::Wait { used: 1, seconds: 3, over: false, early: false });
        assert_eq!(weights.take(HERE, 1, 3 * SECOND_NS, 0, None), Verdict::Served { used: 2, early: false });
    }
}
