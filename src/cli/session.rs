//! Purpose: carries a built engine through its run: starts it, writes its events, watches signals and deadlines, shows
//! how it goes, waits for its end.
//! Owns: the loop of the main thread. Thread: main. Takes and gives: an engine in, a report out.
//! Never: spins; leaves an engine running behind an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::args::OutputArgs;
use super::books::write_books;
use super::events::{EventWriter, Wrote, gone_or_failed, open_output};
use super::exit::{Cause, Failed};
use super::view::View;
use super::watch::Watch;
use crate::engine::control::JournalError;
use crate::engine::{Engine, EngineError, RunReport};

/// How long the loop sleeps when there was nothing to do: short beside what a reader of events notices, or a stage that this
/// thread steps.
const NAP: Duration = Duration::from_micros(500);
/// The same where a person is all there is to notice: more often is work for nothing.
const NAP_IDLE: Duration = Duration::from_millis(5);

/// When to stop.
#[derive(Clone)]
pub(super) struct Until {
    /// The time of day does not matter, only how long it runs.
    pub(super) deadline: Option<Duration>,
    /// Set by a signal.
    signal: Arc<AtomicBool>,
    /// Set by us once we have seen it: from then on a signal ends the program.
    heard: Arc<AtomicBool>,
}

impl Until {
    /// On SIGINT, SIGTERM, or after `deadline`. A second signal ends the program at once, as if it had no handler. Call it
    /// before anything is told: whoever reads that may send a signal.
    pub(super) fn new(deadline: Option<Duration>) -> Result<Until, Failed> {
        let (signal, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for number in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // The flag first: one that comes before the second handler is there is not lost.
            signal_hook::flag::register(number, Arc::clone(&signal))
                .and_then(|_| signal_hook::flag::register_conditional_default(number, Arc::clone(&heard)))
                .map_err(|e| Failed::new(Cause::System, format!("signals cannot be caught: {e}")))?;
        }
        Ok(Until { deadline, signal, heard })
    }

    /// Whether a run that began at `since` is to end.
    pub(super) fn is_over(&self, since: Instant) -> bool {
        self.why(since).is_some()
    }

    /// Why a run that began at `since` is to end; `None` while it is not.
    pub(super) fn why(&self, since: Instant) -> Option<&'static str> {
        // Relaxed: the flags carry no data.
        if self.signal.load(Ordering::Relaxed) {
            self.heard.store(true, Ordering::Relaxed);
            return Some("signal");
        }
        self.deadline.filter(|d| since.elapsed() >= *d).map(|_| "deadline")
    }
}

/// Runs the engine to its end and writes what was asked for.
pub(super) fn run(mut engine: Engine, output: &OutputArgs, until: &Until, mut view: View) -> Result<RunReport, Failed> {
    // What cannot be written is better said before the run than after it.
    let books = output.books.as_deref().map(open_output).transpose()?;
    let mut writer = output.events.as_deref().map(|path| EventWriter::open(path, &engine)).transpose()?;
    let directory = Arc::clone(engine.directory());
    let ledger = engine.ledger().clone();
    view.attach(&engine)?;
    engine.start().map_err(|e| failed(&e))?;
    view.placed(&engine);
    let since = Instant::now();
    // Writing may block, and then nobody here would hear the time or a signal.
    let watch =
        writer.as_ref().map(|_| Watch::start(until.clone(), since, engine.stopper(), view.aside())).transpose()?;
    let written = carry(&mut engine, &mut writer, (until, since), &mut view);
    view.stopping(written.as_ref().map_or("output", |why| why));
    engine.stop();
    let drained = written.and_then(|_| drain(&mut engine, &mut writer, (until, since), &mut view));
    // A reader that has gone or failed would hold the stages up for ever.
    drop(writer);
    drop(watch);
    wait(&mut engine);
    let report = engine.finish().map_err(|e| failed(&e))?;
    drained?;
    if let Some((mut out, name)) = books {
        let text = write_books(&report.books, &directory);
        out.write_all(&text).and_then(|()| out.flush()).or_else(|e| gone_or_failed(&name, &e))?;
    }
    view.close(&report, &ledger, &directory);
    match &report.source_fault {
        Some(fault) => Err(fault.into()),
        None => Ok(report),
    }
}

/// The run itself: until the source ends, the time is over, a signal comes or a reader goes. Gives which of these it was.
fn carry(
    engine: &mut Engine,
    writer: &mut Option<EventWriter>,
    (until, since): (&Until, Instant),
    view: &mut View,
) -> Result<&'static str, Failed> {
    while !engine.is_done() {
        if let Some(why) = until.why(since) {
            return Ok(why);
        }
        if turn(engine, writer, view)?.is_none() {
            return Ok("reader");
        }
    }
    // The watch may have ended the source in the middle of a turn.
    Ok(until.why(since).unwrap_or("source"))
}

/// After the source's end: until every stage has ended and every event is written.
fn drain(
    engine: &mut Engine,
    writer: &mut Option<EventWriter>,
    (until, since): (&Until, Instant),
    view: &mut View,
) -> Result<(), Failed> {
    loop {
        // Hears a signal, so that the next one ends the program.
        until.is_over(since);
        let done = engine.is_done();
        match turn(engine, writer, view)? {
            None => return Ok(()),
            Some(0) if done => return Ok(()),
            Some(_) => {}
        }
    }
}

/// One turn of the loop; the work it did, `None` when the reader has gone.
fn turn(engine: &mut Engine, writer: &mut Option<EventWriter>, view: &mut View) -> Result<Option<usize>, Failed> {
    let mut work = engine.step();
    if let Some(writer) = writer {
        match writer.poll(engine)? {
            Wrote::Records(records) => work += records,
            Wrote::ReaderGone => return Ok(None),
        }
    }
    work += view.poll(engine);
    if work == 0 {
        std::thread::sleep(if writer.is_none() && engine.has_threads() { NAP_IDLE } else { NAP });
    }
    Ok(Some(work))
}

fn wait(engine: &mut Engine) {
    while !engine.is_done() {
        if engine.step() == 0 {
            std::thread::sleep(NAP);
        }
    }
}

/// What an engine's error means to a shell.
pub(super) fn failed(error: &EngineError) -> Failed {
    let cause = match error {
        EngineError::Stage(_) | EngineError::Misuse(_) => Cause::Stage,
        EngineError::Spawn(_) => Cause::System,
        EngineError::Journal(JournalError::Damaged { .. }) => Cause::BadInput,
        EngineError::Journal(_) => Cause::Config,
        EngineError::Ring(_) | EngineError::EventRing(_) | EngineError::Routes(_) | EngineError::Sources(_) => {
            Cause::Config
        }
    };
    Failed::new(cause, error.to_string())
}
