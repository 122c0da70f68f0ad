//! Purpose: an entry's way to the paper. Owns: the limiter, the count of lines that found no room. Thread: main.
//! Takes and gives: entries in. Never: waits; keeps a line back without saying so later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::entry::{Entry, Event};
use super::form::Form;
use super::limiter::Limiter;
use super::paper::{Drawing, Paper, Pen};
use crate::telemetry::Clock;

/// Writes entries.
pub(in crate::cli) struct Journal {
    form: Form,
    clock: Clock,
    limiter: Arc<Mutex<Limiter>>,
    /// `None`: nothing is told.
    paper: Option<Paper>,
    began: Instant,
    unwritten: Arc<AtomicU64>,
}

impl Journal {
    /// In this form; `None` tells nothing.
    pub(in crate::cli) fn new(form: Option<Form>, clock: Clock) -> Journal {
        let paper = form.map(|form| Paper::start(form == Form::Screen));
        let form = form.unwrap_or(Form::Text);
        Journal { form, clock, limiter: Arc::default(), paper, began: Instant::now(), unwritten: Arc::default() }
    }

    /// Whether anything is told.
    pub(in crate::cli) const fn tells(&self) -> bool {
        self.paper.is_some()
    }

    /// Whether a status is drawn.
    pub(in crate::cli) fn draws(&self) -> bool {
        self.paper.is_some() && self.form == Form::Screen
    }

    /// Tells of an event, unless there were too many of its kind.
    pub(in crate::cli) fn tell(&mut self, entry: &Entry) {
        if self.tells() && allows(&self.limiter, entry.event, self.began) {
            self.write(entry);
        }
    }

    /// For another thread.
    pub(in crate::cli) fn aside(&self) -> Aside {
        let pen = self.paper.as_ref().map(|paper| paper.pen().clone());
        let (limiter, unwritten) = (Arc::clone(&self.limiter), Arc::clone(&self.unwritten));
        Aside { form: self.form, clock: self.clock.clone(), pen, limiter, began: self.began, unwritten }
    }

    /// Tells what was kept back, once its time is over.
    pub(in crate::cli) fn turn(&mut self) {
        self.suppressed(false);
        // A count alone, which publishes nothing else.
        let unwritten = self.unwritten.swap(0, Ordering::Relaxed);
        if unwritten > 0 {
            let message = format!("{unwritten} lines of this log could not be written in time");
            if !self.write(&Entry::new(Event::Unwritten, message).with("count", unwritten)) {
                self.unwritten.fetch_add(unwritten, Ordering::Relaxed);
            }
        }
    }

    /// Rewrites the status.
    pub(in crate::cli) fn draw(&self, drawing: Drawing) {
        if let Some(paper) = &self.paper {
            paper.draw(drawing);
        }
    }

    /// Text of several lines for a person; in JSON one entry takes its place.
    pub(in crate::cli) fn tell_whole(&mut self, entry: &Entry, text: &str) {
        if self.form == Form::Json {
            self.write(entry);
        } else if let Some(paper) = &self.paper {
            let written = paper.pen().line(text.to_owned());
            self.unwritten.fetch_add(u64::from(!written), Ordering::Relaxed);
        }
    }

    /// Tells what was kept back, for what comes now is the last.
    pub(in crate::cli) fn settle(&mut self) {
        self.suppressed(true);
    }

    /// Writes what is left and ends, but waits for no reader that stands still.
    pub(in crate::cli) fn close(mut self, patience: Duration) {
        if let Some(paper) = self.paper.take() {
            paper.finish(patience);
        }
    }

    fn suppressed(&mut self, all: bool) {
        let kept_back = hold(&self.limiter).turn(self.began.elapsed(), all);
        for (event, count, within) in kept_back {
            let (name, seconds) = (event.name(), within.as_secs_f64());
            let entry = Entry::new(Event::Suppressed, format!("{count} more `{name}` within {seconds:.0} s"));
            self.write(&entry.at(event.level()).with("of", name).with("count", count));
        }
    }

    fn write(&mut self, entry: &Entry) -> bool {
        let Some(paper) = &self.paper else { return true };
        let written = paper.pen().line(self.form.line(self.clock.unix_now(), entry));
        self.unwritten.fetch_add(u64::from(!written && entry.event != Event::Unwritten), Ordering::Relaxed);
        written
    }
}

/// Tells from another thread.
pub(in crate::cli) struct Aside {
    form: Form,
    clock: Clock,
    pen: Option<Pen>,
    limiter: Arc<Mutex<Limiter>>,
    began: Instant,
    unwritten: Arc<AtomicU64>,
}

impl Aside {
    /// Tells of an event, unless there were too many of its kind; any thread.
    pub(in crate::cli) fn tell(&self, entry: &Entry) {
        let Some(pen) = &self.pen else { return };
        if allows(&self.limiter, entry.event, self.began) {
            let written = pen.line(self.form.line(self.clock.unix_now(), entry));
            self.unwritten.fetch_add(u64::from(!written), Ordering::Relaxed);
        }
    }
}

fn hold(limiter: &Mutex<Limiter>) -> MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}

fn allows(limiter: &Mutex<Limiter>, event: Event, began: Instant) -> bool {
    hold(limiter).allows(event, began.elapsed())
}

/// The line that ends a program whose log is JSON.
pub(in crate::cli) fn last_words(message: &str, exit_code: u8) -> String {
    let entry = Entry::new(Event::Failed, message).with("exitCode", exit_code);
    format!("{}\n", Form::Json.line(Clock::default().unix_now(), &entry))
}
