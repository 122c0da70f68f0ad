//! Purpose: how many lines of one event there may be, so that a flood of them (a thousand books that lose their connection, a
//! venue that answers nonsense) buries nothing (faults.md S12). Owns: a count an event. Thread: main.
//! Takes and gives: events and moments in, verdicts out. Never: keeps a line back without counting it.

use std::collections::HashMap;
use std::time::Duration;

use super::entry::Event;

/// Lines of one event within a window.
const LINES_MAX: u32 = 10;
/// The window.
const WINDOW: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Duration,
    lines: u32,
    suppressed: u64,
}

/// Counts lines.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    windows: HashMap<Event, Window>,
}

impl Limiter {
    /// Whether a line of this event may be written. `now` counts from any fixed moment.
    pub(super) fn allows(&mut self, event: Event, now: Duration) -> bool {
        let window = self.windows.entry(event).or_insert(Window { since: now, lines: 0, suppressed: 0 });
        if window.lines >= LINES_MAX {
            window.suppressed += 1;
            return false;
        }
        window.lines += 1;
        true
    }

    /// Ends windows that are over, or all: which events were kept back, how often, and within what time.
    pub(super) fn turn(&mut self, now: Duration, all: bool) -> Vec<(Event, u64, Duration)> {
        let mut told = Vec::new();
        self.windows.retain(|event, window| {
            let age = now.saturating_sub(window.since);
            let over = all || age >= WINDOW;
            if over && window.suppressed > 0 {
                told.push((*event, window.suppressed, age));
            }
            !over
        });
        told.sort_by_key(|(event, ..)| event.name());
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_counted_and_touches_no_other_event() {
        let mut limiter = Limiter::default();
        let at = Duration::from_secs;
        let written = (0..1_000).filter(|_| limiter.allows(Event::GapOpened, at(1))).count();
        assert_eq!(written, LINES_MAX as usize);
        assert!(limiter.allows(Event::ConnectionDown, at(1)), "another event has lines of its own");
        assert!(limiter.turn(at(5), false).is_empty());
        assert_eq!(limiter.turn(at(11), false), [(Event::GapOpened, 990, at(10))]);
        assert!(limiter.allows(Event::GapOpened, at(11)), "a new window");
        assert!(limiter.turn(at(12), true).is_empty(), "nothing was kept back");
        assert!(limiter.turn(at(99), false).is_empty());
    }
}
