//! Purpose: the REST thread: what to fetch next, and when the limits allow it. The list of instruments when it is due, then
//! books that wait, then what can wait: good books to be checked, route polls.
//! Owns: the client, the budgets, the queues. Thread: its own; it blocks in requests and between them.
//! Takes and gives: requests in, bodies out, both through bounded queues. Never: sends a request while the venue wants none.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use super::ban::{BanFile, Kept};
use super::client::Client;
use super::demand::Demand;
use super::orders::PollOrders;
use super::polls::{PollSpec, Polls};
use super::request::{RestReply, RestRequest};
use super::waiting::Waiting;
use crate::binance::catalogue::Catalogue;
use crate::binance::live::backoff::Backoff;
use crate::binance::live::board::{Board, RestView};
use crate::binance::live::limits::{Gate, WeightBudget, call_weight};
use crate::binance::live::note::Note;
use crate::binance::live::orders::StreamOrders;
use crate::binance::live::venue_rules::VenueRules;
use crate::schema::frame::Urgency;
use crate::schema::id::Market;
use crate::schema::topic::PollScope;
use crate::telemetry::{Clock, Counter, Counts};

/// The longest sleep: whoever asked may have gone.
const NAP: Duration = Duration::from_millis(100);

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
    /// Polls of routes.
    pub(crate) polls: Vec<PollSpec>,
    /// Tells how many books are wanted.
    pub(crate) orders: StreamOrders,
    /// Whether books and polls are wanted by command: then no poll runs at first, and the board learns the number of books from here.
    pub(crate) commanded: bool,
    /// Whose polls run from then on.
    pub(crate) poll_orders: PollOrders,
    /// Where a ban is kept over a restart.
    pub(crate) state_file: Option<std::path::PathBuf>,
    /// Keeps clients apart.
    pub(crate) seed: u64,
    /// Where it shows how it stands.
    pub(crate) board: Board,
}

/// Why the thread ends: whoever asked has gone.
pub(super) struct Gone;

/// The thread's work; its requests are in `calls`.
pub(crate) struct RestWorker {
    pub(super) options: RestOptions,
    pub(super) rules: &'static VenueRules,
    pub(super) client: Client,
    pub(super) clock: Clock,
    pub(super) counts: Counts,
    requests: Receiver<RestRequest>,
    replies: SyncSender<RestReply>,
    pub(super) waiting: Waiting,
    demand: Demand,
    /// Symbols whose first snapshot was served.
    pub(super) served: HashSet<Box<str>>,
    pub(super) polls: Polls,
    pub(super) weight: WeightBudget,
    pub(super) gate: Gate,
    pub(super) ban: Option<BanFile>,
    /// What books wait for.
    pub(super) books: Lane,
    /// The list of instruments: while it fails, books go on.
    pub(super) info: Lane,
    /// What can wait: a poll that fails holds up no book.
    pub(super) side: Lane,
    pub(super) info_due: u64,
    /// What the list said last, unless a reply has shown since that it is outdated.
    pub(super) listed: Option<Catalogue>,
    /// The weight a minute that polls were said to take.
    polls_weigh: u64,
}

/// Tries of one kind, and the wait after a failed one.
pub(super) struct Lane {
    pub(super) backoff: Backoff,
    /// Not before this moment.
    pub(super) not_before: u64,
}

/// What there is to do.
enum Next {
    Sleep(u64),
    ExchangeInfo,
    Book,
    Background,
    Poll,
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
        let lane = |seed| Lane { backoff: Backoff::with_full_jitter(first, most, seed), not_before: 0 };
        let ban = options.state_file.as_ref().map(|path| BanFile::new(path, endpoint.to_string()));
        let rules = VenueRules::of(options.market);
        let scope = if options.commanded { PollScope::Off } else { PollScope::All };
        RestWorker {
            rules,
            client,
            counts,
            requests,
            replies,
            waiting: Waiting::default(),
            demand: Demand::default(),
            served: HashSet::new(),
            polls: Polls::new(options.polls.clone(), &scope, clock.now_ns()),
            weight: WeightBudget::new(rules.weight_per_minute),
            gate: Gate::new(options.seed),
            ban,
            books: lane(options.seed),
            info: lane(options.seed.wrapping_add(2)),
            side: lane(options.seed.wrapping_add(1)),
            info_due: 0,
            listed: None,
            polls_weigh: 0,
            clock,
            options,
        }
    }

    /// Works until whoever asks has gone.
    pub(crate) fn run(mut self) {
        let mut alive = self.remember();
        while alive.is_ok() {
            alive = self.turn();
        }
    }

    /// What the process before this one was told holds on.
    fn remember(&mut self) -> Result<(), Gone> {
        let Some(file) = &self.ban else { return Ok(()) };
        match file.load(self.clock.unix_now().0 / 1_000_000) {
            Kept::Nothing => Ok(()),
            Kept::Unusable(why) => self.note(Note::StateFile { why }),
            Kept::Wait { ms, status } => {
                let wait_ns = u64::try_from(ms).unwrap_or(0).saturating_mul(1_000_000);
                self.gate.restore(self.clock.now_ns(), wait_ns);
                self.note(Note::StillLimited { status, seconds: wait_ns / 1_000_000_000 })?;
                self.send(RestReply::Shut)
            }
        }
    }

    fn turn(&mut self) -> Result<(), Gone> {
        loop {
            match self.requests.try_recv() {
                Ok(request) => self.take(request)?,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(Gone),
            }
        }
        let now = self.clock.now_ns();
        for (name, scope) in self.options.poll_orders.take() {
            self.polls.turn(&name, &scope, now);
        }
        self.show(now);
        match self.next(now) {
            Next::Sleep(ns) => self.sleep(ns),
            Next::ExchangeInfo => {
                self.spend(now, self.rules.exchange_info.1);
                self.exchange_info()
            }
            Next::Book => {
                let limit = self.affordable(now);
                self.spend(now, self.rules.depth_weight(limit));
                match self.waiting.take() {
                    Some(wanted) => self.depth(wanted, limit),
                    None => Ok(()),
                }
            }
            Next::Background => {
                let limit = self.rules.depth_limit(self.options.depth_limit);
                self.spend(now, self.rules.depth_weight(limit));
                match self.waiting.take_background() {
                    Some(wanted) => self.depth(wanted, limit),
                    None => Ok(()),
                }
            }
            Next::Poll => match self.polls.due(now) {
                Some(due) => {
                    self.spend(now, call_weight(&due.endpoint));
                    let missed = self.polls.done(due.at, now);
                    self.counts.add(Counter::PollsMissed, missed);
                    self.poll(&due)
                }
                None => Ok(()),
            },
        }
    }

    /// Shows how it stands.
    fn show(&mut self, now: u64) {
        if self.options.commanded {
            self.options.board.wanted(self.options.orders.books());
        }
        let (waiting, most) = (self.waiting.books(), self.weight.most());
        let limit = if waiting == 0 { self.options.depth_limit } else { self.affordable(now) };
        let snapshot_weight = self.rules.depth_weight(limit);
        let need = snapshot_weight.saturating_mul(waiting as u64).min(most);
        let frees = self.gate.when(now).max(self.books.not_before).max(self.weight.when(now, need));
        self.options.board.rest(RestView {
            weight_used: self.weight.used(now),
            weight_max: most,
            snapshots_waiting: waiting,
            snapshot_weight,
            frees_in_ms: frees.saturating_sub(now) / 1_000_000,
        });
    }

    fn take(&mut self, request: RestRequest) -> Result<(), Gone> {
        match request {
            RestRequest::Depth { symbol, epoch, urgency } => {
                if urgency == Urgency::Book {
                    self.demand.note(self.clock.now_ns());
                }
                self.waiting.ask(&symbol, epoch, urgency);
            }
            RestRequest::Poll { symbol, wanted: true } => self.polls.want(&symbol),
            RestRequest::Poll { symbol, wanted: false } => self.polls.unwant(&symbol),
            RestRequest::Polled => return self.weigh_polls(),
        }
        Ok(())
    }

    /// Says once what polls ask for that cannot be had.
    fn weigh_polls(&mut self) -> Result<(), Gone> {
        let (weight, most) = (self.polls.weight_a_minute(call_weight), self.weight.for_background());
        if weight <= most || weight == self.polls_weigh {
            return Ok(());
        }
        self.polls_weigh = weight;
        self.note(Note::PollsTooHeavy { weight, spare: most })
    }

    /// How deep a snapshot may be.
    fn affordable(&mut self, now: u64) -> u32 {
        // Those that asked just now tell how many more will, when a connection goes; at a start those that are wanted do.
        let to_come = self.options.orders.books().saturating_sub(self.served.len());
        let books = self.waiting.books().max(self.demand.of_late(now)).max(to_come);
        self.rules.affordable_limit(self.options.depth_limit, books, self.weight.left(now))
    }

    fn next(&mut self, now: u64) -> Next {
        let open = self.gate.when(now);
        let info = self.info_due.max(self.info.not_before) <= now;
        let must = if info {
            Some((Next::ExchangeInfo, self.rules.exchange_info.1))
        } else if self.waiting.books() > 0 {
            let limit = self.affordable(now);
            Some((Next::Book, self.rules.depth_weight(limit)))
        } else {
            None
        };
        if let Some((next, weight)) = must {
            let lane = if info { 0 } else { self.books.not_before };
            let when = open.max(lane).max(self.weight.when(now, weight));
            return if when > now { Next::Sleep(when - now) } else { next };
        }
        let open = open.max(self.side.not_before);
        if open > now {
            return Next::Sleep(open - now);
        }
        let spare = self.weight.spare(now);
        let deep = self.rules.depth_weight(self.rules.depth_limit(self.options.depth_limit));
        if self.waiting.has_background() && deep <= spare && self.demand.of_late(now) == 0 {
            return Next::Background;
        }
        match self.polls.due(now) {
            Some(due) if call_weight(&due.endpoint) <= spare => Next::Poll,
            // Weight comes back by the second; a nap is short beside that.
            Some(_) => Next::Sleep(NAP.as_nanos() as u64),
            None => {
                let info = self.info_due.max(self.info.not_before);
                Next::Sleep(self.polls.next().unwrap_or(u64::MAX).min(info).saturating_sub(now))
            }
        }
    }

    fn spend(&mut self, now: u64, weight: u64) {
        self.weight.spend(now, weight);
        self.counts.add(Counter::RestRequests, 1);
    }

    /// Sleeps, but wakes for a request.
    fn sleep(&mut self, ns: u64) -> Result<(), Gone> {
        match self.requests.recv_timeout(Duration::from_nanos(ns).min(NAP)) {
            Ok(request) => self.take(request),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Gone),
        }
    }

    pub(super) fn note(&mut self, note: Note) -> Result<(), Gone> {
        self.send(RestReply::Note(note))
    }

    /// Waits while the queue is full: what was fetched is not thrown away.
    pub(super) fn send(&mut self, reply: RestReply) -> Result<(), Gone> {
        self.replies.send(reply).map_err(|_| Gone)
    }
}
