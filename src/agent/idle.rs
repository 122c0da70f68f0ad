//! Purpose: what a thread does after a duty cycle: go on at once, spin, yield, or park.
//! Owns: the count of idle cycles since the last work. Thread: the runner's.
//! Takes and gives: the work count of the cycle. Never: reads a clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What to do when there is no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleStrategy {
    /// Spin: the lowest latency, a whole core for each thread.
    BusySpin,
    /// Spin for a while, then give the core to whoever wants it, again and again.
    SpinThenYield {
        /// Idle cycles before the first yield.
        spins: u32,
    },
    /// Spin, then yield, then park for longer and longer.
    Backoff {
        /// Idle cycles that spin.
        spins: u32,
        /// Idle cycles after those that yield.
        yields: u32,
        /// First park, nanoseconds; doubles each time.
        park_min_ns: u64,
        /// Longest park, nanoseconds.
        park_max_ns: u64,
    },
}

/// A name that is no idle strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "agent/unknown-idle: the configuration names the idle strategy `{name}`; write one of `busy-spin`, \
     `spin-then-yield`, `back-off`"
)]
pub struct UnknownIdleStrategy {
    /// As written.
    pub name: String,
}

impl IdleStrategy {
    /// 1,000 spins, then yields.
    pub const SPIN_THEN_YIELD: IdleStrategy = IdleStrategy::SpinThenYield { spins: 1_000 };

    /// 100 spins, 100 yields, then parks from 1 µs to 100 µs.
    pub const BACK_OFF: IdleStrategy =
        IdleStrategy::Backoff { spins: 100, yields: 100, park_min_ns: 1_000, park_max_ns: 100_000 };

    /// The strategy for `threads` agents on `cores` usable cores: busy-spin where each has a core and one is left for
    /// the rest of the process, spin-then-yield where each just has one, else back off, which starves nobody.
    pub const fn auto(threads: usize, cores: usize) -> IdleStrategy {
        if threads < cores {
            IdleStrategy::BusySpin
        } else if threads == cores && cores > 2 {
            IdleStrategy::SPIN_THEN_YIELD
        } else {
            IdleStrategy::BACK_OFF
        }
    }

    /// The name that configuration uses.
    pub const fn name(&self) -> &'static str {
        match self {
            IdleStrategy::BusySpin => "busy-spin",
            IdleStrategy::SpinThenYield { .. } => "spin-then-yield",
            IdleStrategy::Backoff { .. } => "back-off",
        }
    }
}

impl FromStr for IdleStrategy {
    type Err = UnknownIdleStrategy;

    /// The strategy of a name, with the bounds of [`IdleStrategy::SPIN_THEN_YIELD`] and [`IdleStrategy::BACK_OFF`].
    fn from_str(name: &str) -> Result<IdleStrategy, UnknownIdleStrategy> {
        [IdleStrategy::BusySpin, IdleStrategy::SPIN_THEN_YIELD, IdleStrategy::BACK_OFF]
            .into_iter()
            .find(|strategy| strategy.name() == name)
            .ok_or_else(|| UnknownIdleStrategy { name: name.to_owned() })
    }
}

impl fmt::Display for IdleStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a thread pauses.
pub trait Pause {
    /// Tells the core that this is a spin loop.
    fn spin(&mut self);
    /// Gives the core to another thread that wants it.
    fn yield_core(&mut self);
    /// Sleeps for about `ns` nanoseconds, or until unparked.
    fn park(&mut self, ns: u64);
}

/// Pauses the current thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadPause;

impl Pause for ThreadPause {
    #[inline]
    fn spin(&mut self) {
        std::hint::spin_loop();
    }

    fn yield_core(&mut self) {
        std::thread::yield_now();
    }

    fn park(&mut self, ns: u64) {
        std::thread::park_timeout(Duration::from_nanos(ns));
    }
}

/// A strategy at work on one thread.
#[derive(Debug)]
pub struct Idler<P: Pause = ThreadPause> {
    strategy: IdleStrategy,
    idle_cycles: u64,
    park_ns: u64,
    pause: P,
}

impl Idler<ThreadPause> {
    /// Pauses the thread that calls [`Idler::idle`].
    pub fn new(strategy: IdleStrategy) -> Idler<ThreadPause> {
        Idler::with_pause(strategy, ThreadPause)
    }
}

impl<P: Pause> Idler<P> {
    /// Pauses by `pause`.
    pub fn with_pause(strategy: IdleStrategy, pause: P) -> Idler<P> {
        Idler { strategy, idle_cycles: 0, park_ns: 0, pause }
    }

    /// Called after each cycle with its work count: returns at once after work, else pauses as the strategy says. Whether it
    /// gave the core away.
    #[inline]
    pub fn idle(&mut self, work_count: usize) -> bool {
        if work_count > 0 {
            self.idle_cycles = 0;
            self.park_ns = 0;
            return false;
        }
        self.pause()
    }

    fn pause(&mut self) -> bool {
        let before = self.idle_cycles;
        self.idle_cycles = before.saturating_add(1);
        match self.strategy {
            IdleStrategy::BusySpin => return self.spin(),
            IdleStrategy::SpinThenYield { spins } if before < u64::from(spins) => return self.spin(),
            IdleStrategy::SpinThenYield { .. } => self.pause.yield_core(),
            IdleStrategy::Backoff { spins, .. } if before < u64::from(spins) => return self.spin(),
            IdleStrategy::Backoff { spins, yields, .. } if before < u64::from(spins) + u64::from(yields) => {
                self.pause.yield_core();
            }
            IdleStrategy::Backoff { park_min_ns, park_max_ns, .. } => {
                self.park_ns = self.park_ns.saturating_mul(2).max(park_min_ns).min(park_max_ns);
                self.pause.park(self.park_ns);
            }
        }
        true
    }

    fn spin(&mut self) -> bool {
        self.pause.spin();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Written(Vec<String>);

    impl Pause for Written {
        fn spin(&mut self) {
            self.0.push("spin".into());
        }
        fn yield_core(&mut self) {
            self.0.push("yield".into());
        }
        fn park(&mut self, ns: u64) {
            self.0.push(format!("park {ns}"));
        }
    }

    #[test]
    fn each_strategy_pauses_as_it_says_and_begins_anew_after_work() {
        let back_off = IdleStrategy::Backoff { spins: 2, yields: 1, park_min_ns: 10, park_max_ns: 35 };
        let cases: [(IdleStrategy, &[usize], &[&str]); 5] = [
            (IdleStrategy::BusySpin, &[0, 0, 1, 0], &["spin", "spin", "spin"]),
            (IdleStrategy::SpinThenYield { spins: 1 }, &[0, 0, 0, 7, 0], &["spin", "yield", "yield", "spin"]),
            (back_off, &[0, 0, 0, 0, 0, 0, 0], &["spin", "spin", "yield", "park 10", "park 20", "park 35", "park 35"]),
            (
                back_off,
                &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
                &["spin", "spin", "yield", "park 10", "park 20", "spin", "spin", "yield", "park 10"],
            ),
            (back_off, &[1, 2, 3], &[]),
        ];
        for (strategy, work, pauses) in cases {
            let mut idler = Idler::with_pause(strategy, Written::default());
            let away = work.iter().filter(|count| idler.idle(**count)).count();
            assert_eq!(idler.pause.0, pauses, "{strategy:?} {work:?}");
            assert_eq!(away, pauses.iter().filter(|pause| **pause != "spin").count(), "{strategy:?} {work:?}");
        }
    }

    #[test]
    fn a_strategy_has_a_name_that_reads_back_and_a_bad_name_is_told() {
        for strategy in [IdleStrategy::BusySpin, IdleStrategy::SPIN_THEN_YIELD, IdleStrategy::BACK_OFF] {
            assert_eq!(strategy.name().parse(), Ok(strategy));
        }
        for name in ["", "spin", "Busy-Spin", "back-off "] {
            let error = name.parse::<IdleStrategy>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}`")) && error.to_string().contains("`back-off`"));
        }
    }

    #[test]
    fn auto_spins_only_where_a_core_is_left_over() {
        let cases = [
            (1, 1, "back-off"),
            (1, 2, "busy-spin"),
            (2, 2, "back-off"),
            (3, 2, "back-off"),
            (3, 3, "spin-then-yield"),
            (3, 4, "busy-spin"),
            (8, 4, "back-off"),
            (1, 0, "back-off"),
        ];
        for (threads, cores, name) in cases {
            assert_eq!(IdleStrategy::auto(threads, cores).name(), name, "{threads} threads on {cores} cores");
        }
    }
}
