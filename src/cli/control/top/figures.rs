//! Purpose: what is known of a feed: rates from two looks, the newest of each book, what grew. Owns: it.
//! Thread: main. Takes and gives: news and the moment they came (a span since the start of `top`) in, figures out.
//! Never: looks at a clock; shows a rate over the feed's restart; forgets that what it shows is old.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::news::{BookName, News, Quality, Top};
use super::recent::{Latency, Recent};
use crate::cli::summary::tells_of_loss;
use crate::schema::latency::LatencyReport;
use crate::schema::report::StatusReport;
use crate::telemetry::Counter;

/// Rates are of this much time at least: two looks of a second each, so that one that came late does not double them.
const WINDOW: Duration = Duration::from_millis(900);
/// Looks remembered for the small curve.
const HISTORY: usize = 120;
/// A counter that grew within this time is told of as new.
pub(super) const LATELY: Duration = Duration::from_secs(60);
/// Books shown at most: a feed that invents names must not fill the memory.
const BOOKS_MAX: usize = 10_000;

/// Whether the feed answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Contact {
    /// Nobody has asked yet.
    #[default]
    Opening,
    /// It answers.
    Held,
    /// It does not; when it answered last, and why.
    Lost { since: Duration, why: String },
}

/// A count and how fast it grows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Count {
    pub(super) total: u64,
    /// A second, in the last look.
    pub(super) rate: f64,
    /// By how much since `top` began to look, or since the feed began, if later.
    pub(super) grown: u64,
    /// When it grew last, as far as we saw.
    pub(super) grew: Option<Duration>,
    /// Whether it tells of something dropped, refused, late or wrong.
    pub(super) lost: bool,
}

/// What is known of a book.
#[derive(Clone, Debug)]
pub(super) struct Book {
    /// Its best; `None` before the first.
    pub(super) top: Option<Top>,
    pub(super) quality: String,
    /// Updates a second; `None` before there were two looks.
    pub(super) rate: Option<f64>,
    /// When its price was read last; a word on its quality makes that no younger.
    pub(super) heard: Option<Duration>,
    since: (Duration, u64),
    /// When what its quality is of was received, UTC ns.
    judged_ns: i64,
}

/// What is known of a feed.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) contact: Contact,
    pub(super) status: Option<StatusReport>,
    pub(super) counters: BTreeMap<String, Count>,
    pub(super) books: BTreeMap<BookName, Book>,
    /// Events a second, the newest last.
    pub(super) history: VecDeque<u64>,
    /// `None` before it was asked for.
    pub(super) latency: Option<Latency>,
    /// The moment of the newest news or tick.
    pub(super) now: Duration,
    /// When it said last how it does.
    answered: Option<Duration>,
    looked: Option<Duration>,
    recent: Recent,
}

impl Figures {
    /// Takes in news that came at `now`.
    pub(super) fn take(&mut self, news: News, now: Duration) {
        self.tick(now);
        match news {
            News::Status(report) => self.take_status(*report),
            News::Latency(report) => self.take_latency(report.map(|report| *report)),
            News::Tops(tops) => tops.into_iter().for_each(|top| self.take_top(top)),
            News::Quality(change) => self.take_quality(change),
            News::Lost(why) => {
                // Not the moment of the failure: a feed that hangs did so before it was given up.
                let since = match &self.contact {
                    Contact::Lost { since, .. } => *since,
                    _ => self.answered.unwrap_or(now),
                };
                self.contact = Contact::Lost { since, why };
            }
        }
    }

    /// Time goes on.
    pub(super) fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// How long it has not said how it does.
    pub(super) fn silence(&self) -> Duration {
        self.answered.map_or(Duration::ZERO, |answered| self.now.saturating_sub(answered))
    }

    /// A counter, by what it is called.
    pub(super) fn count(&self, counter: Counter) -> Count {
        self.counters.get(counter.label()).copied().unwrap_or_default()
    }

    /// How much was lost lately: the counters that tell of something dropped, refused, late or wrong.
    pub(super) fn losses(&self) -> impl Iterator<Item = (&str, Count)> {
        let recent = move |count: &Count| count.grew.is_some_and(|grew| self.now.saturating_sub(grew) < LATELY);
        let mine = self.counters.iter().filter(move |(_, count)| count.lost && recent(count));
        mine.map(|(label, count)| (label.as_str(), *count))
    }

    fn take_status(&mut self, report: StatusReport) {
        let restarted = self.status.as_ref().is_some_and(|before| report.uptime_ms < before.uptime_ms);
        if restarted {
            *self = Figures { now: self.now, ..Figures::default() };
        }
        (self.contact, self.answered) = (Contact::Held, Some(self.now));
        let span = self.looked.map(|looked| self.now.saturating_sub(looked));
        if span.is_none_or(|span| span >= WINDOW) {
            self.count_anew(&report, span);
            self.looked = Some(self.now);
        }
        self.status = Some(report);
    }

    /// `span` is the time since the look before; `None`: this is the first, and says nothing of speed.
    fn count_anew(&mut self, report: &StatusReport, span: Option<Duration>) {
        for (label, total) in &report.counters {
            let known = self.counters.get(label);
            // A counter that was not there was zero.
            let before = if span.is_some() { known.map_or(0, |count| count.total) } else { *total };
            let more = total.saturating_sub(before);
            let count = Count {
                total: *total,
                rate: span.map_or(0.0, |span| more as f64 / span.as_secs_f64()),
                grown: known.map_or(0, |count| count.grown).saturating_add(more),
                grew: if more > 0 { Some(self.now) } else { known.and_then(|count| count.grew) },
                lost: known.map_or_else(|| is_loss(label), |count| count.lost),
            };
            self.counters.insert(label.clone(), count);
        }
        if span.is_some() {
            self.history.push_back(self.count(Counter::Published).rate as u64);
            self.history.drain(..self.history.len().saturating_sub(HISTORY));
        }
    }

    fn take_latency(&mut self, report: Option<LatencyReport>) {
        // A report that is damaged says as little as none.
        let latency = report.and_then(|report| self.recent.take(report, self.now).ok());
        self.latency = Some(latency.unwrap_or_default());
    }

    fn take_top(&mut self, top: Top) {
        let heard = top.heard;
        let Some(book) = self.book(&top.book) else { return };
        // The number goes back where the feed was started anew.
        if book.top.is_none() || top.seq < book.since.1 {
            book.since = (heard, top.seq);
        }
        let span = heard.saturating_sub(book.since.0);
        if span >= WINDOW {
            book.rate = Some((top.seq - book.since.1) as f64 / span.as_secs_f64());
            book.since = (heard, top.seq);
        }
        // Tops are handed on late, and by another way than changes of quality: one from before the latest change does not bring
        // the old quality back.
        if top.receive_ns >= book.judged_ns {
            book.judged_ns = top.receive_ns;
            book.quality.clone_from(&top.quality);
        }
        (book.heard, book.top) = (Some(heard), Some(top));
    }

    fn take_quality(&mut self, change: Quality) {
        let Some(book) = self.book(&change.book) else { return };
        if change.receive_ns >= book.judged_ns {
            (book.quality, book.judged_ns) = (change.quality, change.receive_ns);
        }
    }

    fn book(&mut self, name: &BookName) -> Option<&mut Book> {
        if self.books.len() >= BOOKS_MAX && !self.books.contains_key(name) {
            return None;
        }
        let since = (self.now, 0);
        let new = Book { top: None, quality: String::new(), rate: None, heard: None, since, judged_ns: i64::MIN };
        Some(self.books.entry(name.clone()).or_insert(new))
    }
}

/// Whether a counter of this name tells of something dropped, refused, late or wrong: all but those that are known not to do.
fn is_loss(label: &str) -> bool {
    Counter::ALL.iter().find(|counter| counter.label() == label).is_none_or(|counter| tells_of_loss(*counter))
}
