//! Purpose: the venue as a source of frames: sockets and REST behind the io agent's seam.
//! Owns: the connections, the queues to the REST thread. Thread: the io thread; REST has its own.
//! Takes and gives: snapshot requests in, frames and bodies out. Never: blocks; allocates for a frame beyond what
//! tungstenite does.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tungstenite::client::IntoClientRequest;

use super::board::Board;
use super::connection::Opening;
use super::endpoint::Endpoint;
use super::legs::{LegLimits, Legs, Notice};
use super::listing::Listing;
use super::note::Note;
use super::options::{LiveError, LiveOptions};
use super::plan::Plan;
use super::resolve::Resolver;
use super::rest::{RestOptions, RestReply, RestRequest, RestWorker};
use super::session::SessionLimits;
use super::slots::Slots;
use super::tls::{Trust, server_name};
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError};
use crate::schema::id::ConnectionId;
use crate::telemetry::{Clock, Counter, Ledger};

/// The connection of all REST bodies.
pub const REST: ConnectionId = ConnectionId(0);

/// How often what is due is looked for, and how often the board shows streams.
const TICK_NS: u64 = 2_000_000;
const SHOW_NS: u64 = 200_000_000;
/// Snapshot requests under way to the REST thread; more are counted, and asked for again by whoever needs them.
const REQUESTS_MAX: usize = 16_384;
/// Bodies under way back; the REST thread waits when there are more.
const REPLIES_MAX: usize = 16;
/// Things other than frames that one pull goes through.
const STEPS_MAX: u32 = 32;
/// A buffer that holds most frames from the start.
const FRAME_BYTES: usize = 64 << 10;

/// The live source.
#[derive(Debug)]
pub struct LiveSource {
    options: LiveOptions,
    clock: Clock,
    legs: Legs,
    listing: Listing,
    requests: SyncSender<RestRequest>,
    replies: Receiver<RestReply>,
    bodies: u64,
    frame: Vec<u8>,
    tick_at: u64,
    show_at: u64,
    board: Board,
}

impl LiveSource {
    /// Makes the source and starts its REST thread. The venue need not be there: the source waits for it, and the board says
    /// for what.
    ///
    /// # Errors
    /// [`LiveError`]: what was configured cannot be used, or the system gives no poll or thread.
    pub fn new(options: LiveOptions, clock: Clock, ledger: &Ledger) -> Result<LiveSource, LiveError> {
        let trust = Trust::new(options.ca_file.as_deref(), options.ca_pem.as_deref())?;
        let slots = Slots::new(options.busy_poll).map_err(|e| LiveError::System("poll", e))?;
        let board = Board::default();
        let plan = Plan::new(options.connections, options.streams_max);
        let resolver = Resolver::new(&options.ws.host, options.ws.port);
        let legs = Legs::new(
            leg_limits(&options),
            slots,
            plan,
            resolver,
            opening(&options, &trust)?,
            board.clone(),
            ledger.sheet("live"),
        );
        let (requests, incoming) = sync_channel(REQUESTS_MAX);
        let (outgoing, replies) = sync_channel(REPLIES_MAX);
        let rest = RestOptions {
            market: options.market,
            depth_limit: options.depth_limit,
            within: options.times.rest,
            refresh: options.times.refresh,
            backoff_ns: (nanos(options.times.backoff.0), nanos(options.times.backoff.1)),
            seed: options.seed,
            board: board.clone(),
        };
        let worker =
            RestWorker::new(rest, &options.rest, &trust, clock.clone(), ledger.sheet("rest"), incoming, outgoing);
        thread::Builder::new()
            .name("rest".to_owned())
            .spawn(move || worker.run())
            .map_err(|e| LiveError::System("thread", e))?;
        let listing = Listing::new(options.instruments.clone(), options.quote.clone());
        let frame = Vec::with_capacity(FRAME_BYTES);
        let (bodies, tick_at, show_at) = (0, 0, 0);
        Ok(LiveSource { options, clock, legs, listing, requests, replies, bodies, frame, tick_at, show_at, board })
    }

    /// How it does, to be kept by whoever shows it.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    fn catalogue(&mut self, catalogue: &crate::binance::catalogue::Catalogue) {
        let now = self.clock.now_ns();
        let changes = self.listing.update(catalogue);
        let whole = self.options.whole_market.clone();
        self.legs.want(&whole, now);
        for symbol in &changes.add {
            let names = (self.options.streams)(symbol);
            self.legs.want(&names, now);
            self.board.list(symbol);
        }
        for symbol in &changes.remove {
            (self.options.streams)(symbol).iter().for_each(|name| self.legs.unwant(name, now));
            self.board.note(Note::Delisted { symbol: symbol.to_string() });
        }
        for (symbol, open) in &changes.turned {
            self.board.note(Note::Trading { symbol: symbol.to_string(), open: *open });
        }
        if !changes.missing.is_empty() {
            self.board.note(Note::Missing { names: changes.missing.clone() });
        }
        if !changes.add.is_empty() {
            let (connections, streams) = self.legs.size();
            let instruments = changes.add.len();
            self.board.note(Note::Subscribed { instruments, streams, connections });
        }
        self.board.catalogue();
    }

    /// Deals with a reply of the REST thread; whether a frame was handed over.
    #[cold]
    fn replied(&mut self, reply: RestReply, take: &mut dyn FnMut(Frame<'_>)) -> bool {
        let (market, connection, receive) = (self.options.market, REST, self.clock.unix_now());
        let number = self.bodies;
        match reply {
            RestReply::Note(note) => {
                self.board.note(note);
                return false;
            }
            RestReply::Depth { symbol, limit, mut body } => {
                let origin = Origin::RestDepth { symbol: &symbol, limit };
                take(Frame { market, connection, number, receive, origin, bytes: &mut body });
            }
            RestReply::Catalogue { catalogue, mut body } => {
                // The names are admitted before any frame that uses them.
                let origin = Origin::ExchangeInfo;
                take(Frame { market, connection, number, receive, origin, bytes: &mut body });
                self.catalogue(&catalogue);
            }
        }
        self.bodies += 1;
        true
    }

    fn tell(&self, notice: Notice, take: &mut dyn FnMut(Frame<'_>)) {
        let Notice { connection, number, down, first } = notice;
        let (market, receive) = (self.options.market, self.clock.unix_now());
        let text = down.map(|cause| cause.to_string());
        let cause = text.as_deref().unwrap_or(if first { "started" } else { "reopened" });
        let origin = Origin::Connection { up: down.is_none(), cause };
        take(Frame { market, connection, number, receive, origin, bytes: &mut [] });
    }

    fn tick(&mut self, now: u64) {
        self.tick_at = now + TICK_NS;
        self.legs.tick(now);
        if now >= self.show_at {
            self.show_at = now + SHOW_NS;
            self.legs.show_streams();
        }
    }
}

impl FrameSource for LiveSource {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let now = self.clock.now_ns();
        if now >= self.tick_at {
            self.tick(now);
        }
        for _ in 0..STEPS_MAX {
            if let Some(notice) = self.legs.notices.pop_front() {
                self.tell(notice, take);
                return Ok(Pulled::Frame);
            }
            // A thread that is gone has panicked: nothing more comes, and the books say so.
            if let Ok(reply) = self.replies.try_recv() {
                if self.replied(reply, take) {
                    return Ok(Pulled::Frame);
                }
                continue;
            }
            let (busy, connection) = self.legs.turn(now, &mut self.frame);
            if let Some(connection) = connection {
                let (market, receive) = (self.options.market, self.clock.unix_now());
                let (connection, number) = (connection.id, connection.take_number());
                take(Frame { market, connection, number, receive, origin: Origin::Combined, bytes: &mut self.frame });
                return Ok(Pulled::Frame);
            }
            if !busy {
                return Ok(Pulled::Nothing);
            }
        }
        Ok(Pulled::Nothing)
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        let SnapshotRequest { market, symbol, epoch } = request;
        let asked = RestRequest::Depth { symbol: symbol.into(), epoch };
        if market != self.options.market || self.requests.try_send(asked).is_err() {
            self.legs.counts().add(Counter::SnapshotsUnserved, 1);
        }
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.legs.close(self.clock.now_ns());
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn leg_limits(options: &LiveOptions) -> LegLimits {
    let times = &options.times;
    LegLimits {
        session: SessionLimits {
            connect_ns: nanos(times.connect),
            tls_ns: nanos(times.tls),
            upgrade_ns: nanos(times.upgrade),
            close_ns: 1_000_000_000,
            stall_ns: nanos(times.stall),
            silence_ns: nanos(times.silence),
            age_ns: nanos(times.age),
        },
        first_frame_ns: nanos(times.first_frame),
        backoff_ns: (nanos(times.backoff.0), nanos(times.backoff.1)),
        seed: options.seed,
    }
}

fn opening(options: &LiveOptions, trust: &Trust) -> Result<Opening, LiveError> {
    let ws = &options.ws;
    let host = || LiveError::Host(ws.host.clone());
    let unit = if options.microseconds { "?timeUnit=MICROSECOND" } else { "" };
    // TLS is under the WebSocket here, not in it.
    let url = format!("ws://{}{}/stream{unit}", shown_authority(ws), ws.path);
    let request = url.into_client_request().map_err(|_| host())?;
    let tls = match ws.tls {
        true => Some((std::sync::Arc::clone(&trust.client), server_name(&ws.host).ok_or_else(host)?)),
        false => None,
    };
    Ok(Opening { request, tls })
}

/// Host and port as the `Host` header has them: the scheme's own port is left out.
fn shown_authority(endpoint: &Endpoint) -> String {
    let authority = endpoint.authority();
    let own = if endpoint.tls { ":443" } else { ":80" };
    authority.strip_suffix(own).map_or(authority.clone(), str::to_owned)
}
