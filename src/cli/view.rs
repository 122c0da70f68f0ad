//! Purpose: shows how a run goes: a status that is rewritten on a terminal, one line for each notable event, the manager of the
//! service, the summary. Owns: the journal, the books as they are known. Thread: main. Takes and gives: the engine's state
//! in, text out. Never: writes to standard output; holds a stage up.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use super::args::{LogFormat, OutputArgs};
use super::changes::Changes;
use super::exit::Failed;
use super::live::{Follow, waits_for};
use super::log::{Aside, Entry, Event, Form, Journal};
use super::losses::Losses;
use super::narrate;
use super::say::tell;
use super::service::Service;
use super::status::{BookTally, Lines, Status};
use super::summary::{summary, summary_entry};
use super::waiting::BookWait;
use crate::binance::live::LiveView;
use crate::capture::Progress;
use crate::directory::Directory;
use crate::engine::{Engine, RunReport};
use crate::telemetry::{Clock, Counter, Ledger};

/// How often the status is rewritten.
const REFRESH: Duration = Duration::from_millis(250);
/// How long the last lines may take, when nobody reads them.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a run of `meltica run` is told about itself at its end: an entry, and the same for a person.
type Epilogue = Box<dyn FnOnce() -> (Entry, String)>;

/// What is shown.
pub(super) struct View {
    journal: Journal,
    service: Service,
    /// Whether events are told, not only the summary.
    narrates: bool,
    progress: Option<Progress>,
    follow: Option<Follow>,
    /// Books that there should be, where no board says it.
    expected: usize,
    epilogue: Option<Epilogue>,
    changes: Option<Changes>,
    wait: BookWait,
    losses: Losses,
    started: Instant,
    shown: Instant,
    before: (u64, u64),
    ready: bool,
}

impl View {
    /// A view of a run without an end: rates, books, connections, events.
    pub(super) fn live(output: &OutputArgs, format: LogFormat, clock: &Clock) -> View {
        let service = Service::of_environment(std::process::id());
        View { narrates: true, service, ..View::new(output, format, clock, None) }
    }

    /// A view of a replay: how much of the captures was read.
    pub(super) fn replay(output: &OutputArgs, progress: Progress, clock: &Clock) -> View {
        View::new(output, LogFormat::Text, clock, Some(progress))
    }

    fn new(output: &OutputArgs, format: LogFormat, clock: &Clock, progress: Option<Progress>) -> View {
        let now = Instant::now();
        View {
            journal: Journal::new(form(output, format), clock.clone()),
            service: Service::default(),
            narrates: false,
            progress,
            follow: None,
            expected: 0,
            epilogue: None,
            changes: None,
            wait: BookWait::default(),
            losses: Losses::default(),
            started: now,
            shown: now,
            before: (0, 0),
            ready: false,
        }
    }

    /// Carries a live source's board besides.
    pub(super) fn following(mut self, follow: Follow) -> View {
        self.follow = Some(follow);
        self
    }

    /// Expects so many books.
    pub(super) fn expecting(mut self, books: usize) -> View {
        self.expected = books;
        self
    }

    /// Has something more to say at the end.
    pub(super) fn ending_with(mut self, epilogue: Epilogue) -> View {
        self.epilogue = Some(epilogue);
        self
    }

    /// Tells of an event.
    pub(super) fn tell(&mut self, entry: &Entry) {
        self.journal.tell(entry);
    }

    /// Something to tell with from another thread.
    pub(super) fn aside(&self) -> Aside {
        self.journal.aside()
    }

    /// Subscribes to what is shown; before the engine starts, so that nothing is missed.
    pub(super) fn attach(&mut self, engine: &Engine) -> Result<(), Failed> {
        if self.journal.tells() || self.service.is_there() {
            self.changes = Some(Changes::of(engine)?);
        }
        Ok(())
    }

    /// What of the engine is not as it was asked to be. That is told also to those who want to hear of nothing else.
    pub(super) fn placed(&mut self, engine: &Engine) {
        for warning in engine.warnings() {
            if self.journal.tells() {
                self.journal.tell(&Entry::new(Event::Degraded, warning));
            } else {
                tell(&format!("meltica: {warning}\n"));
            }
        }
    }

    /// Takes in what is new, and shows how it goes when it is time. What it looked at is no work of the run: 0.
    pub(super) fn poll(&mut self, engine: &mut Engine) -> usize {
        let View { journal, narrates, follow, changes, .. } = self;
        if let Some(follow) = follow {
            follow.poll().iter().for_each(|note| journal.tell(&narrate::of_note(note)));
        }
        if let Some(changes) = changes {
            changes.poll(engine, |entry| {
                if *narrates {
                    journal.tell(&entry);
                }
            });
        }
        if self.shown.elapsed() >= REFRESH {
            self.show(engine);
        }
        0
    }

    fn show(&mut self, engine: &mut Engine) {
        if let Some(trouble) = engine.trace_trouble().filter(|_| self.narrates) {
            self.journal.tell(&Entry::new(Event::Traces, format!("traces: {trouble}")));
        }
        let Some(changes) = &self.changes else { return };
        let board = self.follow.as_ref().map(Follow::view);
        let books = changes.tally(board.as_ref().map_or(self.expected, |view| view.instruments));
        let now = self.started.elapsed();
        if self.narrates {
            let rest = board.as_ref().and_then(|view| view.rest.as_ref());
            let progress = self.wait.look(now, &books, rest);
            let losses = self.losses.look(now, engine.ledger(), false);
            progress.iter().chain(&losses).for_each(|entry| self.journal.tell(entry));
            self.look_ready(&books, board.as_ref());
        }
        self.journal.turn();
        let status = self.status(engine, now, books, board.as_ref());
        self.service.status(&status.brief());
        self.service.feed(|| engine.cycles());
        if self.journal.draws() {
            self.journal.draw(Box::new(move |columns| status.lines(columns)));
        }
    }

    /// Ready is: the list of instruments has come, every connection is open, one book is Good. Without a board the last of
    /// these stands for all.
    fn look_ready(&mut self, books: &BookTally, board: Option<&LiveView>) {
        let open = |view: &LiveView| view.catalogue && view.connections.iter().all(|connection| connection.open);
        if self.ready || books.good == 0 || !board.is_none_or(open) {
            return;
        }
        self.ready = true;
        let entry = Entry::new(Event::Ready, format!("the feed is ready, books {}/{} Good", books.good, books.total));
        self.journal.tell(&entry.with("good", books.good).with("books", books.total));
        self.service.ready();
    }

    fn status(&mut self, engine: &mut Engine, now: Duration, books: BookTally, board: Option<&LiveView>) -> Status {
        let seconds = self.shown.elapsed().as_secs_f64();
        self.shown = Instant::now();
        let ledger = engine.ledger();
        let totals = (ledger.total(Counter::FramesIn), ledger.total(Counter::Published));
        let rate = |new: u64, old: u64| (new.saturating_sub(old) as f64 / seconds) as u64;
        let (frames, events) = (rate(totals.0, self.before.0), rate(totals.1, self.before.1));
        self.before = totals;
        let rest = board.and_then(|view| view.rest);
        let long = self.wait.words(now, &books, rest.as_ref());
        let waits = board.and_then(waits_for).into_iter().chain(long).collect();
        Status {
            elapsed: now,
            read: self.progress.as_ref().map(|progress| 100 * progress.read() / progress.total().max(1)),
            frames,
            events,
            worst_ns: engine.latency().iter().map(|l| l.newest_max_ns).max().unwrap_or(0),
            books,
            lines: board.map(lines),
            weight: rest.map(|rest| (rest.weight_used, rest.weight_max)),
            waits,
        }
    }

    /// Tells that the run ends, and why.
    pub(super) fn stopping(&mut self, why: &'static str) {
        self.service.stopping();
        if self.narrates {
            self.journal.tell(&Entry::new(Event::Stopping, format!("the run ends: {why}")).with("why", why));
        }
    }

    /// Clears the status and gives the summary.
    pub(super) fn close(mut self, report: &RunReport, ledger: &Ledger, directory: &Directory) {
        let ran = self.started.elapsed();
        if self.narrates {
            let losses = self.losses.look(ran, ledger, true);
            losses.iter().for_each(|entry| self.journal.tell(entry));
        }
        self.journal.settle();
        self.journal.tell_whole(&summary_entry(report, ledger, ran), &summary(report, ledger, directory, ran));
        if let Some(epilogue) = self.epilogue.take() {
            let (entry, text) = epilogue();
            self.journal.tell_whole(&entry, &text);
        }
        self.journal.close(PATIENCE);
    }
}

/// How lines look; `None`: there are none.
fn form(output: &OutputArgs, format: LogFormat) -> Option<Form> {
    if output.quiet {
        return None;
    }
    if format == LogFormat::Json {
        return Some(Form::Json);
    }
    // Events that run over the same screen would tear the status apart.
    let crowded = output.events.as_deref() == Some(Path::new("-")) && std::io::stdout().is_terminal();
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    Some(if crowded || dumb || !std::io::stderr().is_terminal() { Form::Text } else { Form::Screen })
}

fn lines(view: &LiveView) -> Lines {
    let mut lines = Lines { total: view.connections.len(), ..Lines::default() };
    for connection in &view.connections {
        let streams = connection.streams;
        lines.open += usize::from(connection.open);
        lines.live += streams.live;
        lines.streams += streams.requested + streams.acknowledged + streams.live + streams.silent;
    }
    lines
}

/// Nanoseconds as a person reads them.
pub(super) fn micros(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} µs", ns / 1_000),
        _ => format!("{} ms", ns / 1_000_000),
    }
}
