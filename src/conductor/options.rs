//! Purpose: what the conductor can be told. Owns: the defaults. Thread: any (cold). Takes and gives: plain data.
//! Never: changes while the stage runs.

use crate::schema::id::{Market, TypeId};
use crate::telemetry::Clock;

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

/// Bounds and deadlines of the conductor. All times are nanoseconds of stream time ([`crate::schema::stage::Stage::advance`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConductorOptions {
    /// The most words of diffs held for one instrument. A full buffer means starting over, never trimming.
    pub held_words_max: usize,
    /// The most diffs held for one instrument.
    pub held_diffs_max: usize,
    /// How long an open gap waits for the missing diff before a snapshot is asked for; 0 asks at once.
    pub fill_deadline_ns: i64,
    /// How long a snapshot may take before it is asked for again (faults.md F16).
    pub snapshot_deadline_ns: i64,
    /// How many tries follow one another without delay (faults.md F12).
    pub free_tries: u32,
    /// The first delay between tries after that; it doubles with each.
    pub backoff_ns: i64,
    /// The longest delay between tries.
    pub backoff_ns_max: i64,
    /// How soon a request is repeated when the way to REST was full.
    pub way_full_retry_ns: i64,
    /// How long a watched instrument may stay silent before a snapshot is asked for all the same.
    pub first_diff_timeout_ns: i64,
    /// How long a book that nothing has proven waits before a second snapshot is asked for to prove it (faults.md F13).
    pub confirm_after_ns: i64,
    /// How many contiguous old diffs in a row make it likely that the venue's ids went backwards.
    pub back_run: u32,
    /// How far below the known ids such a run must lie to be certain. Nearer ones are settled by a snapshot.
    pub back_distance: i64,
    /// How many snapshots with ids below those of a silent book, whose connection was lost, make it certain that the venue's
    /// ids went backwards, and over how long.
    pub back_answers: u32,
    /// See [`ConductorOptions::back_answers`].
    pub back_answers_ns: i64,
    /// How many updates a book may stay crossed (faults.md F10).
    pub crossed_updates_max: u32,
    /// How long a book may stay crossed.
    pub crossed_ns_max: i64,
    /// Whether a side with fewer levels than the `limit` asked for counts as known to its end. Off: a body cut short
    /// (faults.md F15) looks the same, so the worst level sent is taken as the bound.
    pub short_side_is_whole: bool,
    /// Whether levels outside the known range are pruned.
    pub prune_outside: bool,
    /// How many levels outside the known range each side keeps when pruning.
    pub prune_keep: usize,
    /// Levels a side that a snapshot should have. A book that came from fewer, though there are more, is deepened in the
    /// background. 0: whatever comes is deep enough.
    pub snapshot_levels: u32,
    /// How soon a shallow book is deepened.
    pub deepen_after_ns: i64,
    /// How often a good book is held against a fresh snapshot, deepened by it and rid of ghosts (faults.md F17), by market
    /// in the order of [`Market::ALL`](crate::schema::id::Market::ALL); 0 never.
    pub refresh_ns: [i64; Market::ALL.len()],
    /// How long such an audit may wait for its snapshot, and for the diffs that lead up to it.
    pub audit_deadline_ns: i64,
    /// How many audits go on at once.
    pub audits_max: usize,
    /// How many of a side's best ticks are kept by price, a quantity each, where they are dense; 0: none, and all levels are
    /// kept in a row. Rounded up to a power of two, at least 256. A tick is 8 bytes.
    pub window_ticks: usize,
    /// How often each whole book goes to the store; 0 never, but for resyncs and requests.
    pub book_interval_ns: i64,
    /// Types whose states conflate to the latest, and the least time between two of an instrument. Only states obey:
    /// partial depth, tickers, prices and fused analytics; deltas, trades, candles and statuses never do.
    pub throttle: Vec<(TypeId, i64)>,
    /// How many tickers an instrument remembers for checks to come.
    pub tickers_kept_max: usize,
    /// How many undecided checks an instrument keeps.
    pub checks_pending_max: usize,
    /// Whether what a timer causes carries the moment at which it was due, tick by tick: then a replay gives the same events
    /// whichever thread comes round to it when. Off, it carries the time at which it fired, once: a live stage that slept
    /// does not work off every tick that it missed.
    pub fire_as_due: bool,
    /// How fresh live data must be; `None` where time is that of the frames.
    pub fresh: Option<Freshness>,
    /// Whether this conductor publishes what concerns no instrument but is told to every one: connections that come and
    /// go. One conductor of a run does.
    pub publishes_connections: bool,
    /// Instrument ids from here on get no state: their events pass as they are.
    pub instruments_max: usize,
}

impl Default for ConductorOptions {
    fn default() -> Self {
        ConductorOptions {
            held_words_max: 1 << 18,
            held_diffs_max: 4_096,
            fill_deadline_ns: 200 * MILLISECOND,
            snapshot_deadline_ns: 3 * SECOND,
            free_tries: 3,
            backoff_ns: 250 * MILLISECOND,
            backoff_ns_max: 30 * SECOND,
            way_full_retry_ns: 5 * MILLISECOND,
            first_diff_timeout_ns: 2 * SECOND,
            confirm_after_ns: SECOND,
            back_run: 3,
            // Some two minutes of the busiest futures symbol (5.2 million ids a minute in the captures of 2024-08-08).
            back_distance: 10_000_000,
            back_answers: 3,
            back_answers_ns: 3 * SECOND,
            crossed_updates_max: 3,
            crossed_ns_max: 50 * MILLISECOND,
            short_side_is_whole: false,
            prune_outside: false,
            prune_keep: 1_000,
            snapshot_levels: 0,
            deepen_after_ns: 2 * SECOND,
            refresh_ns: [0; Market::ALL.len()],
            audit_deadline_ns: 60 * SECOND,
            audits_max: 8,
            window_ticks: 1_024,
            book_interval_ns: 0,
            throttle: Vec::new(),
            tickers_kept_max: 1_024,
            checks_pending_max: 64,
            fire_as_due: true,
            fresh: None,
            publishes_connections: true,
            instruments_max: 1 << 20,
        }
    }
}

/// How fresh live data must be: a process that was stopped wakes up with old data in its hands (faults.md F55).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// How long ago a frame may have come in for its book to be called Good, and how long the stage may go without a look at
    /// the time before it takes every book for stale, ns.
    pub age_max_ns: i64,
    /// The clock of which ingress stamps are readings, to tell their moment; nobody reads the time from it here. Not a moment
    /// to count from, for the clock's UTC is moved, and the stage's time with it.
    pub stamps: Clock,
}

impl ConductorOptions {
    /// The least time between two states of a type; `None` when it is not throttled.
    pub fn interval_of(&self, type_id: TypeId) -> Option<i64> {
        self.throttle.iter().find(|(throttled, _)| *throttled == type_id).map(|(_, interval)| *interval)
    }
}
