//! Purpose: a long wait for books (a cold start, a lost connection that fed a thousand of them): how far it is, and how much
//! longer. Owns: when it was told. Thread: main. Takes and gives: figures and moments in, words out.
//! Never: an estimate from nothing.

use std::time::Duration;

use super::log::{Entry, Event};
use super::status::{BookTally, clock, grouped};
use crate::binance::live::RestView;

/// A wait shorter than this is told nobody.
const FIRST: Duration = Duration::from_secs(5);
/// Between two lines while books come; where none do, twice as long each time.
const EVERY: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(640);
/// The window of the venue's weight.
const WINDOW: Duration = Duration::from_secs(60);

/// A wait.
#[derive(Debug, Default)]
pub(super) struct BookWait {
    /// Since when books are to come, and how many were Good then.
    since: Option<(Duration, usize)>,
    told: Option<(Duration, usize)>,
    every: Duration,
    /// Whether they have been Good once, all of them.
    proven: bool,
}

impl BookWait {
    /// Takes a look; the entry to tell, if it is time. Moments count from the start of the run.
    pub(super) fn look(&mut self, now: Duration, books: &BookTally, rest: Option<&RestView>) -> Option<Entry> {
        if books.total == 0 {
            return None;
        }
        if books.to_come() == 0 {
            let (since, told) = (self.since.take(), self.told.take());
            let first = !core::mem::replace(&mut self.proven, true);
            let waited = now.saturating_sub(since.map_or(now, |(at, _)| at));
            let seconds = waited.as_secs_f64();
            let message = format!("{} of {} books Good, after {seconds:.1} s", books.good, books.total);
            let entry = Entry::new(Event::AllGood, message).with("books", books.total).with("good", books.good);
            return (first || told.is_some()).then(|| entry.with("seconds", rounded(seconds)));
        }
        let (since, _) = *self.since.get_or_insert((now, books.good));
        let due = self.told.map_or(since + FIRST, |(at, _)| at + self.every);
        if now < due {
            return None;
        }
        let stands = self.told.is_some_and(|(_, good)| good == books.good);
        self.every = if stands { (2 * self.every).min(MOST) } else { EVERY };
        self.told = Some((now, books.good));
        let words = self.words(now, books, rest)?;
        let entry = Entry::new(Event::Progress, words).with("good", books.good).with("books", books.total);
        let left = self.left(now, books, rest).map(|left| left.0.as_secs());
        Some(left.map_or(entry.clone(), |left| entry.with("secondsLeft", left)))
    }

    /// The wait in words, once it is a long one: `books 312/1,000 Good, about 40s more (weight budget)`.
    pub(super) fn words(&self, now: Duration, books: &BookTally, rest: Option<&RestView>) -> Option<String> {
        self.since.filter(|(at, _)| now >= *at + FIRST)?;
        let (good, total) = (grouped(books.good as u64), grouped(books.total as u64));
        let left = self.left(now, books, rest).map(|(left, bound)| {
            let why = if bound { " (weight budget)" } else { "" };
            format!(", about {} more{why}", clock(left))
        });
        Some(format!("books {good}/{total} Good{}", left.unwrap_or_default()))
    }

    /// How much longer, and whether the weight is what it takes so long for. From the venue's weight, where it does not allow
    /// all that is to come at once; else from the pace so far.
    fn left(&self, now: Duration, books: &BookTally, rest: Option<&RestView>) -> Option<(Duration, bool)> {
        let to_come = books.to_come();
        if let Some(left) = rest.and_then(weight_wait) {
            return Some((left, true));
        }
        let (since, then) = self.since?;
        let came = books.good.checked_sub(then).filter(|came| *came > 0)?;
        let pace = now.saturating_sub(since).as_secs_f64() / came as f64;
        Some((Duration::from_secs_f64((pace * to_come as f64).min(1e6)), false))
    }
}

/// How long until the weight has sufficed for all snapshots that wait; `None` where it does already.
fn weight_wait(rest: &RestView) -> Option<Duration> {
    let need = (rest.snapshots_waiting as u64).saturating_mul(rest.snapshot_weight);
    let free = rest.weight_max.saturating_sub(rest.weight_used);
    let lacking = need.checked_sub(free).filter(|lacking| *lacking > 0)?;
    // The first window frees what it holds when its oldest request is a minute old; each further one takes a whole minute.
    let windows = lacking.div_ceil(rest.weight_max.max(1)).saturating_sub(1);
    let first = Duration::from_millis(rest.frees_in_ms);
    Some(first + WINDOW.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX)))
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn books(good: usize, total: usize) -> BookTally {
        let others = if good < total { vec![("Syncing", total - good)] } else { Vec::new() };
        BookTally { good, total, others }
    }

    #[test]
    fn a_short_start_is_one_line_and_a_long_one_several() {
        let mut wait = BookWait::default();
        assert_eq!(wait.look(s(0), &books(0, 0), None), None);
        assert_eq!(wait.look(s(0), &books(0, 20), None), None);
        let told = wait.look(s(1), &books(20, 20), None).unwrap();
        assert_eq!(told.event(), Event::AllGood);
        assert_eq!(wait.look(s(2), &books(20, 20), None), None, "once");
        // A short gap later on is told by its own lines.
        assert_eq!(wait.look(s(9), &books(19, 20), None), None);
        assert_eq!(wait.look(s(10), &books(20, 20), None), None);
        // A long wait.
        let mut lines = Vec::new();
        for now in 20..60 {
            let good = if now < 55 { (now - 20) as usize / 2 } else { 20 };
            lines.extend(wait.look(s(now), &books(good.min(20), 20), None).map(|entry| (now, entry.event())));
        }
        let progress = Event::Progress;
        assert_eq!(lines, [(25, progress), (35, progress), (45, progress), (55, Event::AllGood)]);
    }

    #[test]
    fn where_nothing_moves_the_lines_become_rare() {
        let mut wait = BookWait::default();
        let told = (0..3_600).filter(|now| wait.look(s(*now), &books(5, 20), None).is_some()).count();
        assert!((5..=13).contains(&told), "{told} lines in an hour");
    }

    #[test]
    fn an_estimate_comes_from_the_weight_or_from_the_pace() {
        let mut wait = BookWait::default();
        assert_eq!(wait.look(s(0), &books(0, 1_000), None), None);
        assert_eq!(wait.words(s(4), &books(10, 1_000), None), None, "too early");
        assert_eq!(wait.words(s(10), &books(0, 1_000), None).unwrap(), "books 0/1,000 Good");
        assert_eq!(wait.words(s(10), &books(250, 1_000), None).unwrap(), "books 250/1,000 Good, about 30s more");
        // 5 a snapshot: 4,800 of weight serve 960; 1,040 lack 400, which come when the first are a minute old.
        for (waiting, used, frees_in_ms, text) in [
            (688, 1_560, 40_000, "books 312/1,000 Good, about 40s more (weight budget)"),
            (688, 1_000, 40_000, "books 312/1,000 Good, about 22s more"),
            (1_960, 4_800, 40_000, "books 312/1,000 Good, about 2m40 more (weight budget)"),
        ] {
            let rest = RestView {
                weight_used: used,
                weight_max: 4_800,
                snapshots_waiting: waiting,
                snapshot_weight: 5,
                frees_in_ms,
            };
            assert_eq!(wait.words(s(10), &books(312, 1_000), Some(&rest)).unwrap(), text);
        }
    }

    #[test]
    fn books_that_rest_hold_up_nothing() {
        let tally = BookTally { good: 18, total: 20, others: vec![("Halted", 2)] };
        let told = BookWait::default().look(s(1), &tally, None).unwrap();
        assert_eq!(told.event(), Event::AllGood);
    }
}
