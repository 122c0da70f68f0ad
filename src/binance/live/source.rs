//! Purpose: the venue as a source of frames: sockets and REST behind the io agent's seam.
//! Owns: the connections, the REST side. Thread: an io thread each part.
//! Takes and gives: snapshot requests in, frames and bodies out. Never: blocks; copies a frame.

use super::board::Board;
use super::connection::Arrived;
use super::desk::{Desk, Reply};
use super::dial::Dial;
use super::legs::Legs;
use super::limits::Attempts;
use super::news::NewsFeed;
use super::opening::{Opening, leg_limits, nanos, opening};
use super::options::{LiveError, LiveOptions, StreamForm};
use super::orders::StreamOrders;
use super::plan::Plan;
use super::resolve::Resolver;
use super::rest::PollOrders;
use super::slots::{Ids, Slots};
use super::socket::SocketSettings;
use super::teller::{Notice, Teller, Told};
use super::tls::Trust;
use super::venue_rules::VenueRules;
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use crate::schema::id::{ConnectionId, Market};
use crate::telemetry::{Clock, Counter, Discipline, Ledger};

/// The connection of all REST bodies.
pub const REST: ConnectionId = ConnectionId(0);

/// Io threads at most: a machine has no more cores to spare for sockets.
pub const IO_THREADS_MAX: u16 = 16;

/// How often what is due is looked for, and how often the board shows streams.
const TICK_NS: u64 = 2_000_000;
const SHOW_NS: u64 = 200_000_000;
/// Things other than frames that one pull goes through.
const STEPS_MAX: u32 = 32;

/// The live source, or one io thread's part of it.
#[derive(Debug)]
pub struct LiveSource {
    market: Market,
    clock: Clock,
    /// Of the first io thread: one for the clock of all.
    discipline: Option<Discipline>,
    legs: Legs,
    /// REST and the listing; the first io thread has them.
    desk: Option<Desk>,
    /// When the sockets were last looked at, and how long ago that may be.
    looked_at: u64,
    asleep_max: u64,
    tick_at: u64,
    show_at: u64,
    board: Board,
    orders: StreamOrders,
    poll_orders: PollOrders,
    news: Option<NewsFeed>,
}

impl LiveSource {
    /// Makes the source for one io thread, whatever the options say, and starts its REST thread. The venue need not be there:
    /// the source waits for it, and the board says for what.
    ///
    /// # Errors
    /// [`LiveError`]: what was configured cannot be used, or the system gives no poll or thread.
    pub fn new(options: LiveOptions, clock: Clock, ledger: &Ledger) -> Result<LiveSource, LiveError> {
        let options = LiveOptions { io_threads: 1, ..options };
        let mut common = Common::new(&options, &clock, ledger)?;
        common.part(&options, 0)
    }

    /// As [`LiveSource::new`], a part for each of [`LiveOptions::io_threads`], the one with REST first. They share the board,
    /// the orders and the budget of connection attempts; a stream is always of one part.
    ///
    /// # Errors
    /// As [`LiveSource::new`].
    pub fn parts(options: &LiveOptions, clock: &Clock, ledger: &Ledger) -> Result<Vec<LiveSource>, LiveError> {
        let mut common = Common::new(options, clock, ledger)?;
        (0..common.threads).map(|thread| common.part(options, thread)).collect()
    }

    /// Its market.
    pub const fn market(&self) -> Market {
        self.market
    }

    /// How it does, to be kept by whoever shows it.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// Where streams are wanted and wanted no longer while it runs.
    pub fn orders(&self) -> StreamOrders {
        self.orders.clone()
    }

    /// Where polls of routes are turned on and off while it runs.
    pub fn poll_orders(&self) -> PollOrders {
        self.poll_orders.clone()
    }

    /// What is heard of streams, when they are wanted by command ([`LiveOptions::commanded`]).
    pub fn news(&self) -> Option<NewsFeed> {
        self.news.clone()
    }

    fn tell(&self, notice: Notice, take: &mut dyn FnMut(Frame<'_>)) {
        let Notice { connection, number, told } = notice;
        let (market, receive) = (self.market, self.clock.unix_now());
        let text;
        let origin = match &told {
            Told::Up { first } => Origin::Connection { up: true, cause: if *first { "started" } else { "reopened" } },
            Told::Down(cause) => {
                text = cause.to_string();
                Origin::Connection { up: false, cause: &text }
            }
            Told::Feeds(symbol) => Origin::BookStream { symbol },
        };
        take(Frame { market, connection, number, receive, stamps: Stamps::NONE, origin, bytes: &mut [] });
    }

    fn tick(&mut self, now: u64) {
        self.tick_at = now + TICK_NS;
        if let Some(discipline) = &mut self.discipline {
            discipline.tick(now);
        }
        self.legs.tick(now);
        if now >= self.show_at {
            self.show_at = now + SHOW_NS;
            self.legs.show_streams();
        }
    }
}

/// What the parts of a source share, and what the first of them has.
struct Common<'a> {
    threads: u16,
    clock: &'a Clock,
    ledger: &'a Ledger,
    opening: Opening,
    attempts: Attempts,
    board: Board,
    orders: StreamOrders,
    poll_orders: PollOrders,
    news: Option<NewsFeed>,
    desk: Option<Desk>,
}

impl<'a> Common<'a> {
    fn new(options: &LiveOptions, clock: &'a Clock, ledger: &'a Ledger) -> Result<Common<'a>, LiveError> {
        let trust = Trust::new(options.ca_file.as_deref(), options.ca_pem.as_deref())?;
        let opening = opening(options, &trust)?;
        let threads = options.io_threads.clamp(1, IO_THREADS_MAX);
        let streams_max = match options.form {
            StreamForm::Combined => options.streams_max,
            StreamForm::Raw => 1,
        };
        let rules = VenueRules::of(options.market);
        let plan = Plan::new(rules, options.connections, streams_max, usize::from(threads));
        let (board, orders) = (Board::default(), StreamOrders::new(plan, usize::from(threads)));
        let poll_orders = PollOrders::default();
        let news = options.commanded.then(NewsFeed::default);
        let ways = (orders.clone(), poll_orders.clone(), news.clone());
        let desk = Some(Desk::new(options, &trust, clock, ledger, board.clone(), ways)?);
        let attempts = Attempts::default();
        Ok(Common { threads, clock, ledger, opening, attempts, board, orders, poll_orders, news, desk })
    }

    /// The next part.
    fn part(&mut self, options: &LiveOptions, thread: u16) -> Result<LiveSource, LiveError> {
        let ids = Ids { thread, threads: self.threads };
        let slots = Slots::new(options.busy_poll, ids).map_err(|e| LiveError::System("poll", e))?;
        let dial = Dial {
            limits: leg_limits(options),
            resolver: Resolver::new(&options.ws.host, options.ws.port),
            attempts: self.attempts.clone(),
            settings: SocketSettings {
                busy_poll: options.busy_poll,
                kernel_stamps: options.kernel_stamps,
                receive_buffer: options.receive_buffer,
            },
            raw: options.form == StreamForm::Raw,
            followed: options.commanded,
        };
        let teller = Teller::new(self.board.clone(), self.ledger.sheet("live"), self.news.clone());
        let orders = self.orders.clone();
        Ok(LiveSource {
            market: options.market,
            clock: self.clock.clone(),
            discipline: (thread == 0).then(|| Discipline::new(self.clock.clone())),
            legs: Legs::new(usize::from(thread), orders.clone(), slots, dial, self.opening.clone(), teller),
            desk: self.desk.take(),
            looked_at: self.clock.now_ns(),
            asleep_max: nanos(options.times.stall),
            tick_at: 0,
            show_at: 0,
            board: self.board.clone(),
            orders,
            poll_orders: self.poll_orders.clone(),
            news: self.news.clone(),
        })
    }
}

impl FrameSource for LiveSource {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let now = self.clock.now_ns();
        let asleep = now.saturating_sub(core::mem::replace(&mut self.looked_at, now));
        if asleep > self.asleep_max {
            self.legs.overslept(now);
        }
        if now >= self.tick_at {
            self.tick(now);
        }
        for _ in 0..STEPS_MAX {
            if let Some(notice) = self.legs.next_notice() {
                self.tell(notice, take);
                return Ok(Pulled::Frame);
            }
            match self.desk.as_mut().map_or(Reply::None, |desk| desk.turn(&self.clock, take)) {
                Reply::Frame => return Ok(Pulled::Frame),
                Reply::Dealt => continue,
                Reply::None => {}
                // Gaps would never close, and Good books would never be checked.
                Reply::Gone => {
                    return Err(SourceError::unreadable(
                        "the REST thread has ended: a panic, see above; please report it",
                    ));
                }
            }
            let (busy, connection) = self.legs.turn(now);
            if let Some(connection) = connection {
                let looked = self.clock.now_ns();
                if looked.saturating_sub(now) > self.asleep_max {
                    // Stopped between the look at the time and the read: this frame goes with its connection.
                    self.legs.overslept(looked);
                    continue;
                }
                let (market, receive) = (self.market, self.clock.unix_at(looked));
                let (id, number) = (connection.id, connection.take_number());
                let kernel = connection.take_kernel().map(|wall| self.clock.unix_of_wall(wall, looked));
                let Arrived { stream, bytes, .. } = connection.arrived();
                let origin = stream.map_or(Origin::Combined, |stream| Origin::Raw { stream });
                let stamps = Stamps { read_ns: Some(looked), kernel };
                take(Frame { market, connection: id, number, receive, stamps, origin, bytes });
                return Ok(Pulled::Frame);
            }
            if !busy {
                return Ok(Pulled::Nothing);
            }
        }
        Ok(Pulled::Nothing)
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        // Requests come to the first io thread.
        if !self.desk.as_ref().is_some_and(|desk| desk.request(request)) {
            self.legs.counts().add(Counter::SnapshotsUnserved, 1);
        }
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.legs.close(self.clock.now_ns());
    }
}
