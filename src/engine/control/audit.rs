//! Purpose: the audit of commands and of native streams as events. Owns: how they are written. Thread: the control duty's.
//! Takes and gives: what happened in, records out. Never: publishes; loses an entry for want of room.

use bytemuck::Zeroable;

use crate::schema::canonical_type::builtin;
use crate::schema::command::AckStatus;
use crate::schema::event::{EventBuf, EventHeader, flag};
use crate::schema::id::{Source, TraceId, TypeId};
use crate::schema::payload::{CONTROL_OUTCOMES, CONTROL_VERBS, ControlUpdate, STREAM_STATES, StreamStatus};
use crate::schema::report::{SilentCause, StreamState};
use crate::schema::time::UnixNanos;

use super::streams::{Now, Turned};

/// What was done, and by whom.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deed<'a> {
    /// One of [`CONTROL_VERBS`].
    pub(super) verb: &'a str,
    /// The type as named; empty for all.
    pub(super) subject: &'a str,
    /// Whose subscriptions it is about.
    pub(super) consumer: &'a str,
    /// Who sent for it; empty when nobody did.
    pub(super) by: &'a str,
}

/// What a command came to.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) deed: Deed<'a>,
    pub(super) outcome: AckStatus,
    pub(super) old: u64,
    pub(super) new: u64,
    /// Of an error.
    pub(super) code: &'a str,
    pub(super) trace: TraceId,
}

/// The caller's trace as a command writes it, and its span where it names one: 32 hex digits, or a W3C `traceparent`.
pub(super) fn caller(text: &str) -> Option<(TraceId, u64)> {
    TraceId::from_hex(text).map(|trace| (trace, 0)).or_else(|| TraceId::from_traceparent(text))
}

/// Writes an entry as an event.
pub(super) fn write(entry: &Entry<'_>, now: Now, into: &mut EventBuf) {
    let header = head(builtin::CONTROL_UPDATE, entry.new, entry.trace, now);
    let mut update = ControlUpdate::zeroed();
    let [verb, outcome] = places(entry.deed.verb, entry.outcome);
    (update.verb, update.outcome) = (verb.into(), outcome.into());
    (update.old_version, update.new_version) = (entry.old as i64, entry.new as i64);
    copy(entry.deed.consumer, &mut update.consumer);
    copy(entry.deed.by, &mut update.by);
    copy(entry.deed.subject, &mut update.subject);
    copy(entry.code, &mut update.code);
    into.begin(&header, &update);
}

/// Writes a stream's new state as an event; `version` is the control version in force.
pub(super) fn write_stream(
    turned: &Turned,
    why: SilentCause,
    (version, trace): (u64, TraceId),
    now: Now,
    into: &mut EventBuf,
) {
    let header = EventHeader { market: turned.market as u8, ..head(builtin::STATUS_STREAM, version, trace, now) };
    let mut status = StreamStatus::zeroed();
    status.state = place(STREAM_STATES, turned.state.name());
    copy(&turned.stream, &mut status.stream);
    if turned.state == StreamState::Silent {
        copy(why.name(), &mut status.why);
    }
    into.begin(&header, &status);
}

fn head(type_id: TypeId, version: u64, trace: TraceId, now: Now) -> EventHeader {
    EventHeader {
        dispatch_version: u32::try_from(version).unwrap_or(u32::MAX),
        trace: trace.0,
        flags: flag::HELD,
        ..EventHeader::internal(type_id, Source::Control, UnixNanos(now.unix_ns), now.mono_ns)
    }
}

/// Where a verb and an outcome stand among those that there are.
pub(super) fn places(verb: &str, outcome: AckStatus) -> [u8; 2] {
    let outcome = match outcome {
        AckStatus::Accepted => "accepted",
        AckStatus::Noop => "noop",
        AckStatus::Error => "error",
    };
    [place(CONTROL_VERBS, verb), place(CONTROL_OUTCOMES, outcome)].map(|at| at as u8)
}

fn place(words: &[&str], word: &str) -> i64 {
    words.iter().position(|known| *known == word).unwrap_or_default() as i64
}

/// Texts of payloads are ASCII; what is not shows as `?`.
fn copy(text: &str, into: &mut [u8]) {
    let shown = |c: char| if c.is_ascii_graphic() || c == ' ' { c as u8 } else { b'?' };
    into.iter_mut().zip(text.chars().map(shown)).for_each(|(byte, c)| *byte = c);
}
