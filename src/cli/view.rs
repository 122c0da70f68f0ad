//! Purpose: shows a person how the run goes: a line that is rewritten on a terminal, nothing otherwise, and the summary.
//! Owns: standard error, and a subscription to the status of books. Thread: main. Takes and gives: counters in, text out.
//! Never: writes to standard output; holds a stage up.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::OutputArgs;
use super::exit::{Cause, Failed};
use super::live::Follow;
use super::say::tell;
use super::summary::summary;
use crate::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use crate::capture::Progress;
use crate::directory::Directory;
use crate::engine::{Engine, RunReport};
use crate::schema::canonical_type::builtin;
use crate::schema::id::InstrumentId;
use crate::schema::quality::Quality;
use crate::telemetry::{Counter, Ledger};

/// How often the line is rewritten.
const REFRESH: Duration = Duration::from_millis(250);

/// What is shown.
pub(super) struct View {
    quiet: bool,
    bar: ProgressBar,
    progress: Option<Progress>,
    books: Option<Subscription>,
    follow: Option<Follow>,
    quality: BTreeMap<InstrumentId, Quality>,
    started: Instant,
    shown: Instant,
    before: (u64, u64),
}

impl View {
    /// A view of a run without an end: rates and books.
    pub(super) fn live(output: &OutputArgs) -> View {
        View::new(output, None)
    }

    /// A view of a replay: how much of the captures was read besides.
    pub(super) fn replay(output: &OutputArgs, progress: Progress) -> View {
        View::new(output, Some(progress))
    }

    /// Carries a live source's board besides.
    pub(super) fn following(mut self, follow: Follow) -> View {
        self.follow = Some(follow);
        self
    }

    /// What the live source says.
    fn hear(&mut self) {
        let Some(follow) = &self.follow else { return };
        let notes = follow.poll();
        if notes.is_empty() || self.quiet {
            return;
        }
        self.bar.suspend(|| notes.iter().for_each(|note| tell(&format!("meltica: {note}\n"))));
    }

    fn new(output: &OutputArgs, progress: Option<Progress>) -> View {
        let quiet = output.quiet;
        // Events that run over the same screen would tear the line apart.
        let crowded = output.events.as_deref() == Some(Path::new("-")) && std::io::stdout().is_terminal();
        let hidden = quiet || crowded || !std::io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{elapsed:>4} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let now = Instant::now();
        View {
            quiet,
            bar,
            progress,
            books: None,
            follow: None,
            quality: BTreeMap::new(),
            started: now,
            shown: now,
            before: (0, 0),
        }
    }

    /// Subscribes to what is shown; before the engine starts, so that nothing is missed.
    pub(super) fn attach(&mut self, engine: &Engine) -> Result<(), Failed> {
        if !self.quiet {
            let books = engine.bus().subscribe(&[builtin::STATUS_BOOK], Filter::all(), SubscribeOptions::default());
            self.books = Some(books.map_err(|e| Failed::new(Cause::System, e.to_string()))?);
        }
        Ok(())
    }

    /// Takes in what is new and rewrites the line when it is due. What it looked at is no work of the run: 0.
    pub(super) fn poll(&mut self, engine: &mut Engine) -> usize {
        self.hear();
        let Some(books) = &mut self.books else { return 0 };
        let quality = &mut self.quality;
        books.poll(usize::MAX, |delivery| {
            if let Delivery::Event(event) = delivery {
                quality.insert(event.header().instrument(), event.header().quality());
            }
        });
        if self.shown.elapsed() >= REFRESH {
            self.show(engine);
        }
        0
    }

    fn show(&mut self, engine: &mut Engine) {
        let seconds = self.shown.elapsed().as_secs_f64();
        self.shown = Instant::now();
        let ledger = engine.ledger();
        let now = (ledger.total(Counter::FramesIn), ledger.total(Counter::Published));
        let rate = |new: u64, old: u64| ((new - old) as f64 / seconds) as u64;
        let rates = (rate(now.0, self.before.0), rate(now.1, self.before.1));
        self.before = now;
        let worst = engine.latency().iter().map(|l| l.max_ns).max().unwrap_or(0);
        let good = self.quality.values().filter(|q| **q == Quality::Good).count();
        let read = self.progress.as_ref().map_or(String::new(), percent);
        // Within 80 columns, and cut at the terminal's width: a line that wraps cannot be rewritten cleanly.
        self.bar.set_message(format!(
            "{read}{} frames/s  {} events/s  {good}/{} books good  worst {}{}",
            rates.0,
            rates.1,
            self.quality.len(),
            micros(worst),
            self.follow.as_ref().and_then(Follow::waits_for).map(|w| format!("  {w}")).unwrap_or_default()
        ));
    }

    /// Clears the line and prints the summary.
    pub(super) fn close(&mut self, report: &RunReport, ledger: &Ledger, directory: &Directory) {
        self.bar.finish_and_clear();
        if !self.quiet {
            tell(&summary(report, ledger, directory, self.started.elapsed()));
        }
    }
}

/// How much of the captures was read.
fn percent(progress: &Progress) -> String {
    format!("{:>3}% read  ", 100 * progress.read() / progress.total().max(1))
}

/// Nanoseconds as a person reads them.
pub(super) fn micros(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} µs", ns / 1_000),
        _ => format!("{} ms", ns / 1_000_000),
    }
}
