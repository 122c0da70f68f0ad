//! Purpose: the REST thread: what to fetch next, and when the limits allow it.
//! Owns: the client, the budgets, the queue. Thread: its own; it blocks in requests and between them.
//! Takes and gives: requests in, bodies out, both through bounded queues. Never: sends a request while the venue wants
//! none; hands out a body that is no JSON.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use serde::de::IgnoredAny;

use super::client::{Client, Reply};
use super::waiting::{Waiting, Wanted};
use crate::binance::catalogue::{self, Catalogue};
use crate::binance::live::backoff::Backoff;
use crate::binance::live::board::{Board, RestView};
use crate::binance::live::limits::{Gate, WeightBudget};
use crate::binance::live::note::Note;
use crate::binance::live::venue_rules::VenueRules;
use crate::schema::id::Market;
use crate::telemetry::{Clock, Counter, Counts};

/// Bodies longer than this are given up; that of exchangeInfo grows with the venue's list.
const DEPTH_BYTES_MAX: u64 = 8 << 20;
const EXCHANGE_INFO_BYTES_MAX: u64 = 32 << 20;
/// The longest sleep: whoever asked may have gone.
const NAP: Duration = Duration::from_millis(100);
/// Failed tries of a snapshot, after which whoever wants it must ask again.
const TRIES_MAX: u8 = 5;

/// What the thread is told.
#[derive(Clone, Debug)]
pub(crate) struct RestOptions {
    /// The market.
    pub(crate) market: Market,
    /// Levels a side of a snapshot.
    pub(crate) depth_limit: u32,
    /// How long a request may take.
    pub(crate) within: Duration,
    /// How often exchangeInfo is fetched anew.
    pub(crate) refresh: Duration,
    /// The first wait after a failure, and the longest.
    pub(crate) backoff_ns: (u64, u64),
    /// Keeps clients apart.
    pub(crate) seed: u64,
    /// Where it shows how it stands.
    pub(crate) board: Board,
}

/// What is asked of it.
#[derive(Clone, Debug)]
pub(crate) enum RestRequest {
    /// A depth snapshot.
    Depth {
        /// The symbol, uppercase.
        symbol: Box<str>,
        /// The instrument's epoch.
        epoch: u32,
    },
}

/// What comes back.
#[derive(Clone, Debug)]
pub(crate) enum RestReply {
    /// A depth snapshot.
    Depth {
        /// The symbol.
        symbol: Box<str>,
        /// The `limit` asked for.
        limit: u32,
        /// The body.
        body: Vec<u8>,
    },
    /// exchangeInfo.
    Catalogue {
        /// What it says.
        catalogue: Catalogue,
        /// The body.
        body: Vec<u8>,
    },
    /// Something worth a line.
    Note(Note),
}

/// Why the thread ends: whoever asked has gone.
struct Gone;

/// The thread's work.
pub(crate) struct RestWorker {
    options: RestOptions,
    rules: &'static VenueRules,
    client: Client,
    clock: Clock,
    counts: Counts,
    requests: Receiver<RestRequest>,
    replies: SyncSender<RestReply>,
    waiting: Waiting,
    weight: WeightBudget,
    gate: Gate,
    backoff: Backoff,
    /// Not before this moment, after a failure.
    not_before: u64,
    info_due: u64,
}

impl RestWorker {
    /// Before its first request.
    pub(crate) fn new(
        options: RestOptions,
        endpoint: &crate::binance::live::endpoint::Endpoint,
        trust: &crate::binance::live::tls::Trust,
        clock: Clock,
        counts: Counts,
        requests: Receiver<RestRequest>,
        replies: SyncSender<RestReply>,
    ) -> RestWorker {
        let client = Client::new(endpoint, trust, options.within.min(Duration::from_secs(5)));
        let (first, most) = options.backoff_ns;
        let rules = VenueRules::of(options.market);
        RestWorker {
            rules,
            client,
            clock,
            counts,
            requests,
            replies,
            waiting: Waiting::default(),
            weight: WeightBudget::new(rules.weight_per_minute),
            gate: Gate::new(options.seed),
            backoff: Backoff::new(first, most, options.seed),
            not_before: 0,
            info_due: 0,
            options,
        }
    }

    /// Works until whoever asks has gone.
    pub(crate) fn run(mut self) {
        while self.turn().is_ok() {}
    }

    fn turn(&mut self) -> Result<(), Gone> {
        loop {
            match self.requests.try_recv() {
                Ok(RestRequest::Depth { symbol, epoch }) => self.waiting.ask(&symbol, epoch),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(Gone),
            }
        }
        let now = self.clock.now_ns();
        let open = self.gate.when(now).max(self.not_before);
        let info = self.info_due <= now;
        if !info && self.waiting.len() == 0 {
            self.show(now, self.options.depth_limit);
            return self.sleep(self.info_due.saturating_sub(now));
        }
        let left = self.weight.left(now);
        let limit = self.rules.affordable_limit(self.options.depth_limit, self.waiting.len(), left);
        self.show(now, limit);
        let weight = if info { self.rules.exchange_info.1 } else { self.rules.depth_weight(limit) };
        let when = open.max(self.weight.when(now, weight));
        if when > now {
            return self.sleep(when - now);
        }
        self.weight.spend(now, weight);
        self.counts.add(Counter::RestRequests, 1);
        if info { self.exchange_info() } else { self.depth(limit) }
    }

    /// Shows how it stands, with snapshots of so many levels.
    fn show(&mut self, now: u64, limit: u32) {
        let (waiting, most) = (self.waiting.len(), self.weight.most());
        let snapshot_weight = self.rules.depth_weight(limit);
        let need = snapshot_weight.saturating_mul(waiting as u64).min(most);
        let frees = self.gate.when(now).max(self.not_before).max(self.weight.when(now, need));
        self.options.board.rest(RestView {
            weight_used: self.weight.used(now),
            weight_max: most,
            snapshots_waiting: waiting,
            snapshot_weight,
            frees_in_ms: frees.saturating_sub(now) / 1_000_000,
        });
    }

    /// Sleeps, but wakes for a request.
    fn sleep(&mut self, ns: u64) -> Result<(), Gone> {
        match self.requests.recv_timeout(Duration::from_nanos(ns).min(NAP)) {
            Ok(RestRequest::Depth { symbol, epoch }) => self.waiting.ask(&symbol, epoch),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Gone),
        }
        Ok(())
    }

    fn exchange_info(&mut self) -> Result<(), Gone> {
        let reply =
            self.client.get(self.rules.exchange_info.0, self.options.within.saturating_mul(3), EXCHANGE_INFO_BYTES_MAX);
        let Some(reply) = self.judge(reply, "exchangeInfo")? else { return Ok(()) };
        match catalogue::read(self.options.market, &reply.body) {
            Ok(catalogue) => {
                self.backoff.succeeded();
                if let Some(limit) = catalogue.weight_per_minute {
                    self.weight.set_limit(limit);
                }
                let refresh = u64::try_from(self.options.refresh.as_nanos()).unwrap_or(u64::MAX);
                self.info_due = self.clock.now_ns().saturating_add(refresh);
                self.send(RestReply::Catalogue { catalogue, body: reply.body })
            }
            Err(error) => self.failed("exchangeInfo", &error.to_string()),
        }
    }

    fn depth(&mut self, limit: u32) -> Result<(), Gone> {
        let Some(mut wanted) = self.waiting.take() else { return Ok(()) };
        let path = format!("{}?symbol={}&limit={limit}", self.rules.depth, in_query(&wanted.symbol));
        let reply = self.client.get(&path, self.options.within, DEPTH_BYTES_MAX);
        let what = format!("depth of {}", wanted.symbol);
        if let Ok(Reply { status: 400 | 404, body, .. }) = &reply {
            // The venue does not know the symbol: asking again would change nothing.
            self.counts.add(Counter::SnapshotsUnserved, 1);
            return self.note(Note::RestRefused { what, answer: shown(body) });
        }
        match self.judge(reply, &what)? {
            Some(reply) if serde_json::from_slice::<IgnoredAny>(&reply.body).is_ok() => {
                self.backoff.succeeded();
                let Wanted { symbol, .. } = wanted;
                return self.send(RestReply::Depth { symbol, limit, body: reply.body });
            }
            Some(reply) => self.failed(&what, &format!("the body is no JSON: {}", shown(&reply.body)))?,
            None => {}
        }
        wanted.tries += 1;
        if wanted.tries < TRIES_MAX {
            self.waiting.put(wanted);
        } else {
            self.counts.add(Counter::SnapshotsUnserved, 1);
        }
        Ok(())
    }

    /// Passes a reply that can be read on; deals with all others.
    fn judge(&mut self, reply: Result<Reply, String>, what: &str) -> Result<Option<Reply>, Gone> {
        let now = self.clock.now_ns();
        let reply = match reply {
            Ok(reply) => reply,
            Err(reason) => return self.failed(what, &reason).map(|()| None),
        };
        if let Some(used) = reply.used_weight {
            self.weight.told(now, used);
        }
        if self.gate.replied(now, reply.status, reply.retry_after_s) {
            self.counts.add(Counter::RestLimited, 1);
            let seconds = (self.gate.when(now) - now) / 1_000_000_000;
            self.note(Note::RestLimited { what: what.to_owned(), status: reply.status, seconds })?;
            return Ok(None);
        }
        if reply.status != 200 {
            return self.failed(what, &format!("http {}", reply.status)).map(|()| None);
        }
        Ok(Some(reply))
    }

    fn failed(&mut self, what: &str, reason: &str) -> Result<(), Gone> {
        self.counts.add(Counter::RestFailed, 1);
        let wait = self.backoff.failed();
        self.not_before = self.clock.now_ns().saturating_add(wait);
        self.note(Note::RestFailed { what: what.to_owned(), reason: reason.to_owned(), retry_ms: wait / 1_000_000 })
    }

    fn note(&mut self, note: Note) -> Result<(), Gone> {
        self.send(RestReply::Note(note))
    }

    /// Waits while the queue is full: what was fetched is not thrown away.
    fn send(&mut self, reply: RestReply) -> Result<(), Gone> {
        self.replies.send(reply).map_err(|_| Gone)
    }
}

/// A symbol in a query: all but letters, digits and `-_.` is escaped.
fn in_query(symbol: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(symbol.len());
    for byte in symbol.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The beginning of a body, for a person.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(80)]).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::in_query;

    #[test]
    fn symbols_are_escaped_in_a_query() {
        for (symbol, query) in
            [("BTCUSDT", "BTCUSDT"), ("A&B=C", "A%26B%3DC"), ("币USDT", "%E5%B8%81USDT"), ("A B", "A%20B")]
        {
            assert_eq!(in_query(symbol), query);
        }
    }
}
