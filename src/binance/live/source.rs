//! Purpose: the venue as a source of frames: sockets and REST behind the io agent's seam.
//! Owns: the connections, the REST side. Thread: the io thread.
//! Takes and gives: snapshot requests in, frames and bodies out. Never: blocks; allocates for a frame beyond what
//! tungstenite does.

use super::board::Board;
use super::desk::{Desk, Reply};
use super::legs::{Legs, Notice, Told};
use super::opening::{leg_limits, opening};
use super::options::{LiveError, LiveOptions};
use super::plan::Plan;
use super::resolve::Resolver;
use super::slots::Slots;
use super::tls::Trust;
use super::venue_rules::VenueRules;
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError};
use crate::schema::id::{ConnectionId, Market};
use crate::telemetry::{Clock, Counter, Ledger};

/// The connection of all REST bodies.
pub const REST: ConnectionId = ConnectionId(0);

/// How often what is due is looked for, and how often the board shows streams.
const TICK_NS: u64 = 2_000_000;
const SHOW_NS: u64 = 200_000_000;
/// Things other than frames that one pull goes through.
const STEPS_MAX: u32 = 32;
/// A buffer that holds most frames from the start.
const FRAME_BYTES: usize = 64 << 10;

/// The live source.
#[derive(Debug)]
pub struct LiveSource {
    market: Market,
    clock: Clock,
    legs: Legs,
    desk: Desk,
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
        let plan = Plan::new(VenueRules::of(options.market), options.connections, options.streams_max);
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
        let desk = Desk::new(&options, &trust, &clock, ledger, board.clone())?;
        let frame = Vec::with_capacity(FRAME_BYTES);
        Ok(LiveSource { market: options.market, clock, legs, desk, frame, tick_at: 0, show_at: 0, board })
    }

    /// How it does, to be kept by whoever shows it.
    pub fn board(&self) -> Board {
        self.board.clone()
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
            match self.desk.turn(&mut self.legs, now, &self.clock, take) {
                Reply::Frame => return Ok(Pulled::Frame),
                Reply::Dealt => continue,
                Reply::None => {}
            }
            let (busy, connection) = self.legs.turn(now, &mut self.frame);
            if let Some(connection) = connection {
                let (market, receive) = (self.market, self.clock.unix_now());
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
        if !self.desk.request(request) {
            self.legs.counts().add(Counter::SnapshotsUnserved, 1);
        }
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.legs.close(self.clock.now_ns());
    }
}
