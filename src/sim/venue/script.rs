//! Purpose: scripts: what goes wrong when, as a file says it. Owns: the language. Thread: any (cold).
//! Takes and gives: YAML in, checked steps out, or the first mistake in plain words. Never: starts with a mistake.

use std::time::Duration;

use super::entry::Entry;
use super::fault::VenueFault;
use crate::sim::faults::FaultRule;

/// Steps in one script.
const STEPS_MAX: usize = 10_000;

/// A script that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("script: {0}")]
pub struct ScriptError(String);

/// When a step happens, counted from the venue's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) first: Duration,
    pub(super) every: Option<Duration>,
    pub(super) until: Option<Duration>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) timing: Timing,
    pub(super) fault: VenueFault,
}

/// What an entry comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// Something at given times.
    Step(Step),
    /// Something at random.
    Rule(FaultRule),
}

/// What goes wrong when: a list of entries, such as `- { every: 500ms, fault: drop, symbols: [BTCUSDT], count: 2 }`.
/// `config/venue-faults.yaml` has one of each kind.
///
/// An entry says when:
///
/// | field | meaning |
/// |---|---|
/// | `at: 3s` | once, so long after the venue's start; spans are `500ms`, `2s`, `1m`, `1h` |
/// | `every: 500ms` | again and again; `from` says when first (else after one span), `until` when no more |
/// | `per_million: 2000` | at random, of so many in a million diffs (or snapshots) of each symbol: only for faults of these |
///
/// and which `fault`. **Of diffs**, the next `count` (1) of each of `symbols` (all):
///
/// | fault | what happens | fields |
/// |---|---|---|
/// | `drop`, `gap` | they never come; `gap` is three in a row | `count` |
/// | `repeat` | they come twice | |
/// | `swap` | they come after their successor | |
/// | `delay` | they come later than others | `by` |
/// | `overlap` | the next one covers this one too | |
/// | `garbage` | cut off, not UTF-8, not numbers, or a page, at random | |
/// | `dress` | the same in other words | `how`: see [`Dress`](crate::sim::spoil::Dress) |
/// | `bad_number` | a number that is none | `how`: see [`BadNumber`](crate::sim::spoil::BadNumber) |
/// | `crossing` | a false bid above the best ask | `ticks` (1) |
/// | `restart_ids` | update ids start anew | `to` (1) |
///
/// **Of depth snapshots**, likewise: `stale_snapshot` (older by `ids_back` (1000) ids), `truncated_snapshot`,
/// `unanswered_snapshot`.
///
/// **Of WebSocket connections**: all, or those with a stream of one of `symbols`; with `one: true` only the oldest of these:
///
/// | fault | what happens | fields |
/// |---|---|---|
/// | `stall` | silence, TCP stays up | `for` |
/// | `close` | a close frame | `code` (1001), `reason` |
/// | `cut` | the end without a close frame; `kill` is that of all | |
/// | `truncate` | the same, under TLS without its close_notify | |
/// | `reset` | an RST within a frame | |
/// | `broken_frame` | a frame that RFC 6455 forbids | `how` (`reserved`): see [`FrameFault`](super::FrameFault) |
/// | `fragments` | every message in one-byte fragments, pings between them; lawful | `for` |
/// | `pings` | many pings at once | `count` (1), `bytes` (8) of each |
/// | `server_shutdown` | the event, later the close frames, of all | `lead` (1s) between them |
///
/// **Of requests**, all of them:
///
/// | fault | what happens | fields |
/// |---|---|---|
/// | `answers` | the next `count` (1) control messages are answered wrongly | `how`: see [`AnswerFault`](super::AnswerFault); `by` when `late` |
/// | `handshake` | WebSocket handshakes are answered wrongly | `how`: see [`HandshakeFault`](super::HandshakeFault); `for` |
/// | `slow_rest` | REST answers come later | `by`, `for` |
/// | `too_many_requests` | 429 | `retry_after` (1) seconds, `for` |
/// | `rest_fails` | a page with this status | `status` (503), `for` |
/// | `bad_rest` | REST is answered wrongly | `how`: see [`RestFault`](super::RestFault); `for`; `routes` (all) by their last words |
///
/// **Of the venue**: `down` (nobody listens, all connections end) `for`; and of `symbols` (all):
///
/// | fault | what happens | fields |
/// |---|---|---|
/// | `status` | they are called otherwise, and stand still unless that is `TRADING` | `becomes`: see [`Status`](crate::sim::spec::Status); `for`, else for ever |
/// | `delist` | they are gone | `for`, else for ever |
/// | `tick_size` | prices get finer | `digits` (1) |
///
/// No fault of diffs, snapshots or symbols befalls a capture that is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) rules: Vec<FaultRule>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] names the entry and what is wrong with it.
    pub fn parse(yaml: &str) -> Result<Script, ScriptError> {
        let entries: Vec<Entry> =
            serde_saphyr::from_str(yaml).map_err(|fault| ScriptError(fault.to_string().trim().to_owned()))?;
        if entries.len() > STEPS_MAX {
            return Err(ScriptError(format!("{} entries: expected at most {STEPS_MAX}", entries.len())));
        }
        let mut script = Script::default();
        for (index, entry) in entries.into_iter().enumerate() {
            match entry.planned().map_err(|what| ScriptError(format!("entry {}: {what}", index + 1)))? {
                Planned::Step(step) => script.steps.push(step),
                Planned::Rule(rule) => script.rules.push(rule),
            }
        }
        Ok(script)
    }

    /// The symbols that it names.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &str> {
        let of_steps = self.steps.iter().flat_map(|step| step.fault.symbols().iter());
        of_steps.chain(self.rules.iter().flat_map(|rule| &rule.symbols)).map(String::as_str)
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
