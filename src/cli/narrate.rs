//! Purpose: what the source and the conductor say, as entries of the log. Owns: which of it is worth a line.
//! Thread: main. Takes and gives: notes and `STATUS.BOOK` events in, entries out. Never: a line for what every start brings.

use super::log::{Entry, Event, Level};
use crate::binance::live::Note;
use crate::directory::Directory;
use crate::schema::event::EventRef;
use crate::schema::json::Names;
use crate::schema::payload::BookStatus;
use crate::schema::quality::{BookCause, BookChange, Quality};

/// Names in one line.
const NAMES_MAX: usize = 50;

/// A note of the live source.
pub(super) fn of_note(note: &Note) -> Entry {
    let entry = |event| Entry::new(event, note.to_string());
    match note {
        Note::Listed { instruments } => entry(Event::Catalogue).with("instruments", *instruments),
        Note::Subscribed { instruments, streams, connections } => entry(Event::Catalogue)
            .with("instruments", *instruments)
            .with("streams", *streams)
            .with("connections", *connections),
        Note::Missing { names } => {
            entry(Event::Missing).with("count", names.len()).with("names", &names[..names.len().min(NAMES_MAX)])
        }
        Note::Delisted { symbol } => entry(Event::Delisted).with("symbol", &**symbol),
        Note::Trading { symbol, open } => {
            let level = if *open { Level::Info } else { Level::Warn };
            entry(Event::Trading).at(level).with("symbol", &**symbol).with("open", *open)
        }
        Note::Opened { connection, streams } => {
            entry(Event::ConnectionUp).with("connection", *connection).with("streams", *streams)
        }
        Note::Down { connection, cause, retry_ms } => entry(Event::ConnectionDown)
            .with("connection", *connection)
            .with("cause", cause.to_string())
            .with("retryMs", *retry_ms),
        Note::Failed { connection, cause, retry_ms } => entry(Event::ConnectionFailed)
            .with("connection", *connection)
            .with("cause", cause.to_string())
            .with("retryMs", *retry_ms),
        Note::Refused { connection, what, why } => {
            entry(Event::StreamRefused).with("connection", *connection).with("what", &**what).with("why", &**why)
        }
        Note::ServerCloses { connection } => entry(Event::ConnectionClosing).with("connection", *connection),
        Note::RestLimited { what, status, seconds } => {
            entry(Event::RestLimited).with("what", &**what).with("status", *status).with("seconds", *seconds)
        }
        Note::RestFailed { what, reason, retry_ms } => {
            entry(Event::RestFailed).with("what", &**what).with("reason", &**reason).with("retryMs", *retry_ms)
        }
        Note::RestRefused { what, answer } => entry(Event::RestRefused).with("what", &**what).with("answer", &**answer),
        Note::StillLimited { status, seconds } => {
            entry(Event::RestLimited).with("status", *status).with("seconds", *seconds)
        }
        Note::StateFile { why } => entry(Event::StateFile).with("why", &**why),
        Note::Guessed { streams } => entry(Event::Guessed).with("streams", *streams),
        Note::PollsTooHeavy { weight, spare } => {
            entry(Event::PollsTooHeavy).with("weight", *weight).with("spare", *spare)
        }
        Note::PollsLost { symbol, wanted } => entry(Event::PollsLost).with("symbol", &**symbol).with("wanted", *wanted),
        Note::SocketOption { option, found } => {
            entry(Event::SocketOption).with("option", *option).with("found", &**found)
        }
        Note::NotOrdered { streams, why } => {
            entry(Event::NotOrdered).with("streams", *streams).with("why", why.to_string())
        }
        Note::NewsLost => entry(Event::NewsLost),
        Note::Missed { count } => entry(Event::Missed).with("count", *count),
    }
}

/// A `STATUS.BOOK` event; `None` for what every start, and every return of a connection, brings a thousand times.
pub(super) fn of_book(event: EventRef<'_>, directory: &Directory) -> Option<Entry> {
    let status = event.payload::<BookStatus>()?;
    let instrument = directory.instrument_name(event.header().instrument()).unwrap_or("?");
    let name = |names: &[&'static str], code: i64| usize::try_from(code).ok().and_then(|at| names.get(at).copied());
    let cause = name(BookCause::NAMES, status.cause).unwrap_or("?");
    let from = name(Quality::NAMES, status.from).unwrap_or("?");
    let to = name(Quality::NAMES, status.to).unwrap_or("?");
    let is = |change: BookChange| status.change == change as i64;
    let because = |why: BookCause| status.cause == why as i64;
    let entry = |event, message: String| Some(Entry::new(event, message).with("instrument", instrument));
    if is(BookChange::GapOpen) {
        let entry = entry(Event::GapOpened, format!("{instrument}: gap, {cause}"))?.with("cause", cause);
        let known = status.expected != i64::MIN && status.got != i64::MIN;
        return Some(if known { entry.with("expected", status.expected).with("got", status.got) } else { entry });
    }
    if is(BookChange::GapClose) {
        let ms = status.elapsed_ns.max(0) / 1_000_000;
        let entry = entry(Event::GapClosed, format!("{instrument}: gap closed after {ms} ms, {cause}"))?;
        return Some(entry.with("cause", cause).with("resumedAt", status.resumed_at).with("elapsedMs", ms));
    }
    if is(BookChange::Reset) {
        if because(BookCause::FirstSnapshot) {
            return None;
        }
        let epoch = event.header().epoch;
        let entry = entry(Event::Reset, format!("{instrument}: the book starts over, epoch {epoch}, {cause}"))?;
        return Some(entry.with("cause", cause).with("epoch", epoch));
    }
    let (was, is_now) = (status.from, status.to);
    let (halted, delisted) = (Quality::Halted as i64, Quality::Delisted as i64);
    let message = format!("{instrument}: {from} to {to}, {cause}");
    let with = |entry: Entry| Some(entry.with("from", from).with("to", to).with("cause", cause));
    if is_now == halted || is_now == delisted {
        return with(entry(Event::Halted, message)?);
    }
    if was == halted {
        return with(entry(Event::Quality, message)?.at(Level::Info));
    }
    let usual = is_now == Quality::Good as i64 || is_now == Quality::Syncing as i64;
    // The line about the connection said it.
    let told = because(BookCause::ConnectionDown);
    if usual || told { None } else { with(entry(Event::Quality, message)?) }
}
