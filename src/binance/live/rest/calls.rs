//! Purpose: the requests of the REST thread, one after the other, and what becomes of their replies.
//! Owns: bounds of length and time. Thread: the REST thread; it blocks here. Takes and gives: what is wanted in, bodies out.
//! Never: hands out a body that is no JSON; sends a refused request again.

use std::time::Duration;

use super::client::{Failure, Reply};
use super::in_query;
use super::polls::Due;
use super::request::RestReply;
use super::verdict::{INVALID_SYMBOL, Verdict, judge, shown};
use super::waiting::Wanted;
use super::worker::{Gone, Lane, RestWorker};
use crate::binance::catalogue;
use crate::binance::live::note::Note;
use crate::schema::frame::Urgency;
use crate::telemetry::Counter;

/// Bodies longer than this are given up; that of exchangeInfo grows with the venue's list.
const BYTES_MAX: u64 = 8 << 20;
const EXCHANGE_INFO_BYTES_MAX: u64 = 32 << 20;
/// How soon exchangeInfo is fetched when a reply shows that the one at hand is outdated: not at once, for the venue's
/// servers may disagree for a while.
const LOOK_AGAIN_NS: u64 = 10_000_000_000;
/// Failed tries of a snapshot, after which whoever wants it must ask again.
const TRIES_MAX: u8 = 5;

/// How long a poll may take: books wait behind it.
const POLL_WITHIN: Duration = Duration::from_secs(3);

/// Whose tries a request is one of.
#[derive(Clone, Copy)]
enum Whose {
    Books,
    Info,
    Side,
}

/// What became of a request.
enum Came {
    /// A body.
    Body(Vec<u8>),
    /// A refusal: its code, if it tells one, and its body.
    Refused(Option<i64>, Vec<u8>),
    /// Nothing, and that was told.
    Nothing,
}

impl RestWorker {
    pub(super) fn exchange_info(&mut self) -> Result<(), Gone> {
        let within = self.options.within.saturating_mul(3);
        let reply = self.client.get(self.rules.exchange_info.0, within, EXCHANGE_INFO_BYTES_MAX);
        let body = match self.came(reply, "exchangeInfo", Whose::Info)? {
            Came::Body(body) => body,
            Came::Refused(_, body) => {
                let why = format!("refused, {}", shown(&body));
                return self.failed("exchangeInfo", Counter::RestUnexpected, &why, Whose::Info);
            }
            Came::Nothing => return Ok(()),
        };
        match catalogue::read(self.options.market, &body) {
            Ok(catalogue) => {
                self.info.backoff.succeeded();
                if let Some(limit) = catalogue.weight_per_minute {
                    self.weight.set_limit(limit);
                }
                let refresh = u64::try_from(self.options.refresh.as_nanos()).unwrap_or(u64::MAX);
                self.info_due = self.clock.now_ns().saturating_add(refresh);
                // The io thread reads it again, and needs milliseconds for it: only for something new.
                if self.listed.as_ref() == Some(&catalogue) {
                    return Ok(());
                }
                self.listed = Some(catalogue.clone());
                self.send(RestReply::Catalogue { catalogue, body })
            }
            Err(error) => self.failed("exchangeInfo", Counter::RestBadBodies, &error.to_string(), Whose::Info),
        }
    }

    pub(super) fn depth(&mut self, mut wanted: Wanted, limit: u32) -> Result<(), Gone> {
        let path = format!("{}?symbol={}&limit={limit}", self.rules.depth, in_query(&wanted.symbol));
        let reply = self.client.get(&path, self.options.within, BYTES_MAX);
        let what = format!("depth of {}", wanted.symbol);
        let whose = if wanted.urgency == Urgency::Book { Whose::Books } else { Whose::Side };
        match self.came(reply, &what, whose)? {
            Came::Body(body) => {
                if !self.served.contains(&wanted.symbol) {
                    self.served.insert(wanted.symbol.clone());
                }
                self.send(RestReply::Depth { symbol: wanted.symbol, limit, body })
            }
            Came::Refused(code, body) => {
                self.counts.add(Counter::SnapshotsUnserved, 1);
                self.note(Note::RestRefused { what, answer: shown(&body) })?;
                if code != Some(INVALID_SYMBOL) {
                    return Ok(());
                }
                // The list that we have is behind the times.
                self.listed = None;
                self.info_due = self.info_due.min(self.clock.now_ns().saturating_add(LOOK_AGAIN_NS));
                self.send(RestReply::UnknownSymbol { symbol: wanted.symbol, limit, body })
            }
            Came::Nothing => {
                wanted.tries += 1;
                if wanted.tries < TRIES_MAX {
                    self.waiting.put(wanted);
                } else {
                    self.counts.add(Counter::SnapshotsUnserved, 1);
                }
                Ok(())
            }
        }
    }

    /// A poll that fails is not sent again: its next turn comes.
    pub(super) fn poll(&mut self, due: &Due) -> Result<(), Gone> {
        let reply = self.client.get(&due.endpoint, self.options.within.min(POLL_WITHIN), BYTES_MAX);
        match self.came(reply, &due.endpoint, Whose::Side)? {
            Came::Body(body) => self.send(RestReply::Polled { path: due.endpoint.clone(), body }),
            Came::Refused(_, body) => self.note(Note::RestRefused { what: due.endpoint.clone(), answer: shown(&body) }),
            Came::Nothing => Ok(()),
        }
    }

    /// Judges a reply, and does what it asks for: waits, backs off, counts, tells.
    fn came(&mut self, reply: Result<Reply, Failure>, what: &str, whose: Whose) -> Result<Came, Gone> {
        let now = self.clock.now_ns();
        let (mut status, mut retry_after_s) = (0, None);
        if let Ok(reply) = &reply {
            (status, retry_after_s) = (reply.status, reply.retry_after_s);
            if let Some(used) = reply.used_weight {
                self.weight.told(now, used);
            }
        }
        match judge(reply) {
            Verdict::Body(body) => {
                self.answered(whose);
                Ok(Came::Body(body))
            }
            Verdict::Refused { code, body } => {
                self.answered(whose);
                self.counts.add(Counter::RestRefused, 1);
                Ok(Came::Refused(code, body))
            }
            Verdict::Failed { class, why } => self.failed(what, class, &why, whose).map(|()| Came::Nothing),
            Verdict::Wait => {
                self.gate.replied(now, status, retry_after_s);
                self.counts.add(Counter::RestLimited, 1);
                let wait_ns = self.gate.when(now) - now;
                let seconds = wait_ns / 1_000_000_000;
                self.note(Note::RestLimited { what: what.to_owned(), status, seconds })?;
                self.keep_ban(status, wait_ns)?;
                Ok(Came::Nothing)
            }
        }
    }

    fn keep_ban(&mut self, status: u16, wait_ns: u64) -> Result<(), Gone> {
        let Some(file) = &self.ban else { return Ok(()) };
        let until = self.clock.unix_now().0 / 1_000_000 + i64::try_from(wait_ns / 1_000_000).unwrap_or(i64::MAX / 2);
        match file.save(until, status) {
            Ok(()) => Ok(()),
            Err(error) => {
                let why = format!("{file}: cannot be written ({error}): after a restart the wait is forgotten");
                self.note(Note::StateFile { why })
            }
        }
    }

    /// There was an answer. What a list of instruments is worth shows only when it is read.
    fn answered(&mut self, whose: Whose) {
        if !matches!(whose, Whose::Info) {
            self.lane(whose).backoff.succeeded();
        }
    }

    fn lane(&mut self, whose: Whose) -> &mut Lane {
        match whose {
            Whose::Info => &mut self.info,
            Whose::Books => &mut self.books,
            Whose::Side => &mut self.side,
        }
    }

    fn failed(&mut self, what: &str, class: Counter, reason: &str, whose: Whose) -> Result<(), Gone> {
        self.counts.add(Counter::RestFailed, 1);
        self.counts.add(class, 1);
        let now = self.clock.now_ns();
        let lane = self.lane(whose);
        let wait = lane.backoff.failed();
        lane.not_before = now.saturating_add(wait);
        self.note(Note::RestFailed { what: what.to_owned(), reason: reason.to_owned(), retry_ms: wait / 1_000_000 })
    }
}
