//! Purpose: an entry's way to the paper. Owns: the limiter, the count of lines that found no room. Thread: main.
//! Takes and gives: entries in. Never: waits; keeps a line back without saying so later.

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
    limiter: Limiter,
    /// `None`: nothing is told.
    paper: Option<Paper>,
    began: Instant,
    unwritten: u64,
}

impl Journal {
    /// In this form; `None` tells nothing.
    pub(in crate::cli) fn new(form: Option<Form>, clock: Clock) -> Journal {
        let paper = form.map(|form| Paper::start(form == Form::Screen));
        let form = form.unwrap_or(Form::Text);
        Journal { form, clock, limiter: Limiter::default(), paper, began: Instant::now(), unwritten: 0 }
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
        if self.tells() && self.limiter.allows(entry.event, self.began.elapsed()) {
            self.write(entry);
        }
    }

    /// For another thread.
    pub(in crate::cli) fn aside(&self) -> Aside {
        let pen = self.paper.as_ref().map(|paper| paper.pen().clone());
        Aside { form: self.form, clock: self.clock.clone(), pen }
    }

    /// Tells what was kept back, once its time is over.
    pub(in crate::cli) fn turn(&mut self) {
        self.suppressed(false);
        let unwritten = self.unwritten;
        if unwritten > 0 {
            let message = format!("{unwritten} lines of this log could not be written in time");
            self.unwritten = 0;
            if !self.write(&Entry::new(Event::Unwritten, message).with("count", unwritten)) {
                self.unwritten = unwritten;
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
            paper.pen().line(text.to_owned());
        }
    }

    /// Writes what is left and ends, but waits for no reader that stands still.
    pub(in crate::cli) fn close(mut self, patience: Duration) {
        self.suppressed(true);
        if let Some(paper) = self.paper.take() {
            paper.finish(patience);
        }
    }

    fn suppressed(&mut self, all: bool) {
        for (event, count, within) in self.limiter.turn(self.began.elapsed(), all) {
            let (name, seconds) = (event.name(), within.as_secs_f64());
            let entry = Entry::new(Event::Suppressed, format!("{count} more `{name}` within {seconds:.0} s"));
            self.write(&entry.with("of", name).with("count", count));
        }
    }

    fn write(&mut self, entry: &Entry) -> bool {
        let Some(paper) = &self.paper else { return true };
        let written = paper.pen().line(self.form.line(self.clock.unix_now(), entry));
        self.unwritten += u64::from(!written && entry.event != Event::Unwritten);
        written
    }
}

/// Tells from another thread.
pub(in crate::cli) struct Aside {
    form: Form,
    clock: Clock,
    pen: Option<Pen>,
}

impl Aside {
    /// Tells of an event.
    pub(in crate::cli) fn tell(&self, entry: &Entry) {
        if let Some(pen) = &self.pen {
            pen.line(self.form.line(self.clock.unix_now(), entry));
        }
    }
}

/// The line that ends a program whose log is JSON.
pub(in crate::cli) fn last_words(message: &str, exit_code: u8) -> String {
    let entry = Entry::new(Event::Failed, message).with("exitCode", exit_code);
    format!("{}\n", Form::Json.line(Clock::default().unix_now(), &entry))
}
