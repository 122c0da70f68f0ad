//! A script in which everything goes wrong that can, several things at once, drawn by a seed.

use std::fmt::Write;

/// splitmix64: enough to spread faults.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// What befalls diffs and snapshots, and of how many entries: what is armed for snapshots outlives the script until somebody
/// asks for them, and one that is never answered costs its deadline.
const OF_FRAMES: [(&str, usize); 12] = [
    ("drop", 3),
    ("gap, count: 4", 3),
    ("repeat", 3),
    ("swap", 3),
    ("delay, by: 150ms", 3),
    ("delay, by: 700ms", 3),
    ("overlap", 3),
    ("garbage", 1),
    ("crossing, ticks: 1", 3),
    ("stale_snapshot, ids_back: 400", 2),
    ("truncated_snapshot", 2),
    ("unanswered_snapshot", 1),
];

/// What befalls connections, one after the other; `one: true` leaves the others be.
const OF_CONNECTIONS: [&str; 15] = [
    "reset, one: true",
    "close, code: 1000, one: true",
    "stall, for: 1500ms, one: true",
    "server_shutdown, lead: 700ms",
    "cut, one: true",
    "close, code: 1001",
    "broken_frame, one: true",
    "close, code: 1008, one: true",
    "kill",
    "server_shutdown, lead: 0s",
    "close, code: 1012",
    "stall, for: 2500ms",
    "reset",
    "down, for: 900ms",
    "broken_frame",
];

/// What befalls REST.
const OF_REST: [&str; 4] = [
    "slow_rest, by: 700ms, for: 1500ms",
    "too_many_requests, retry_after: 1, for: 900ms",
    "rest_fails, status: 503, for: 800ms",
    "slow_rest, by: 4s, for: 500ms",
];

/// Everything, from `from_ms` to `until_ms` after the venue's start.
pub(crate) fn everything(seed: u64, from_ms: u64, until_ms: u64, lively: &[String]) -> String {
    let (mut dice, mut out) = (Dice(seed), String::new());
    let span = until_ms - from_ms;
    let some = |dice: &mut Dice, count: usize| {
        let picked: Vec<_> = (0..count).map(|_| lively[dice.throw(lively.len() as u64) as usize].as_str()).collect();
        picked.join(", ")
    };
    for (kind, entries) in OF_FRAMES {
        for _ in 0..entries {
            let (every, from) = (500 + dice.throw(1_500), from_ms + dice.throw(span / 4));
            let every = if kind.contains("snapshot") { 3 * every } else { every };
            // What is armed for a symbol waits for its next diff, or snapshot: a long run would pile up more than come.
            let every = every * (span / 6_000).max(1);
            let symbols = some(&mut dice, 1 + entries * lively.len() / 40);
            let _ = writeln!(
                out,
                "- {{ every: {every}ms, from: {from}ms, until: {until_ms}ms, fault: {kind}, symbols: [{symbols}] }}"
            );
        }
    }
    // Each restart begins another stretch of ids: the truth about one id stays one.
    for restart in 0..3 + span / 5_000 {
        let (at, symbols) = (from_ms + dice.throw(span), some(&mut dice, 1));
        let to = 1_000_000 * (restart + 1) + dice.throw(1_000);
        let _ = writeln!(out, "- {{ at: {at}ms, fault: restart_ids, to: {to}, symbols: [{symbols}] }}");
    }
    let spread = |kinds: &[&str], step: u64, out: &mut String, dice: &mut Dice| {
        let rounds = (span / step).max(kinds.len() as u64);
        for at in 0..rounds {
            let when = from_ms + at * span / rounds + dice.throw((span / rounds / 2).max(1));
            let _ = writeln!(out, "- {{ at: {when}ms, fault: {} }}", kinds[at as usize % kinds.len()]);
        }
    };
    // A long run has fewer a second: three connections may be opened but so often in five minutes.
    let step = if span > 20_000 { 3_000 } else { 1_000 };
    spread(&OF_CONNECTIONS, step, &mut out, &mut dice);
    spread(&OF_REST, 2_500, &mut out, &mut dice);
    out
}
