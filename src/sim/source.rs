//! Purpose: the simulated exchange as a source of frames for the io agent.
//! Owns: the exchange, what is on its way, the answers that are due. Thread: the io thread.
//! Takes and gives: snapshot requests in, frames out in order of their receive times. Never: blocks or sleeps; in real
//! time it says that nothing is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::batch::Batch;
use super::channel::Channel;
use super::exchange::Exchange;
use super::faults::FaultJournal;
use super::injector::{Delivery, Injector};
use super::options::{ExchangeError, Pace, SimOptions};
use super::oracle::Oracle;
use super::rate::events_for;
use super::rest;
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps};
use crate::schema::id::{ConnectionId, Market};
use crate::schema::time::UnixNanos;

/// The connection of all streams.
pub const STREAM_CONNECTION: ConnectionId = ConnectionId(0);
/// The connection of all REST answers.
pub const REST_CONNECTION: ConnectionId = ConnectionId(1);

/// Events without a frame that one pull goes through before it says "nothing now".
const EVENTS_PER_PULL_MAX: u32 = 4_096;

/// What a source has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimCounts {
    /// Stream frames that the exchange made, before any fault.
    pub frames_made: u64,
    /// Frames handed over, REST bodies included.
    pub frames_handed_over: u64,
    /// Snapshots asked for.
    pub snapshots_asked: u64,
    /// Snapshots on their way or handed over.
    pub snapshots_answered: u64,
    /// Requests for what is not listed here.
    pub requests_refused: u64,
}

/// What the bytes on the way are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Stream,
    Depth { place: u32, limit: u32 },
    ExchangeInfo,
}

/// A frame with bytes of its own; ordered by receive time, then by when it was sent off.
type OnTheWay = Reverse<(i64, u64, Kind, Vec<u8>)>;

/// A frame that is next in line.
#[derive(Debug)]
enum Ready {
    /// The frame at this index of the batch.
    InBatch(usize),
    /// Bytes of its own.
    Owned(Vec<u8>),
}

#[derive(Debug)]
struct Asked {
    answer_at: i64,
    place: u32,
}

/// The simulated exchange behind the io agent's seam.
#[derive(Debug)]
pub struct SimSource {
    exchange: Exchange,
    injector: Injector,
    options: SimOptions,
    batch: Batch,
    /// Frames of the batch and what faults put among them; all received at `ready_at`.
    ready: VecDeque<Ready>,
    ready_at: i64,
    on_the_way: BinaryHeap<OnTheWay>,
    sent_off: u64,
    asked: VecDeque<Asked>,
    deliveries: Vec<Delivery>,
    numbers: [u64; 2],
    counts: SimCounts,
    start: i64,
    clock_start: Option<u64>,
    now: i64,
    ended: bool,
}

impl SimSource {
    /// Opens the exchange. Virtual time stands still until the first pull.
    ///
    /// # Errors
    /// [`ExchangeError`] says which option is wrong.
    pub fn new(mut options: SimOptions) -> Result<SimSource, ExchangeError> {
        if let Some(rate) = options.frames_per_second {
            options.exchange.events_per_second = events_for(rate, &options.exchange);
        }
        options.latency_ns = options.latency_ns.max(0);
        options.rest_latency_ns = options.rest_latency_ns.max(0);
        // A body never overtakes a frame that left the venue before it.
        options.rest_return_ns = options.rest_return_ns.max(options.latency_ns);
        let exchange = Exchange::new(options.exchange.clone())?;
        let named = options.faults.rules.iter().flat_map(|rule| &rule.symbols);
        if let Some(name) = named.into_iter().find(|name| exchange.place(name).is_none()) {
            return Err(ExchangeError(format!("faults are set for {name}, which is not listed")));
        }
        let injector = Injector::new(&options.faults, &exchange);
        let start = exchange.now().0;
        let mut source = SimSource {
            exchange,
            injector,
            batch: Batch::default(),
            ready: VecDeque::new(),
            ready_at: start,
            on_the_way: BinaryHeap::new(),
            sent_off: 0,
            asked: VecDeque::new(),
            deliveries: Vec::new(),
            numbers: [0; 2],
            counts: SimCounts::default(),
            start,
            clock_start: None,
            now: start,
            ended: false,
            options,
        };
        if source.options.announce_exchange_info {
            let mut body = Vec::new();
            source.exchange.write_exchange_info(&mut body);
            source.send_off(start, Kind::ExchangeInfo, body);
        }
        Ok(source)
    }

    /// The truth about this run, for a checker on any thread.
    pub fn oracle(&self) -> Arc<Oracle> {
        self.exchange.oracle()
    }

    /// The faults that struck, for a checker on any thread.
    pub fn journal(&self) -> FaultJournal {
        self.injector.journal()
    }

    /// What it has seen so far.
    pub fn counts(&self) -> SimCounts {
        self.counts
    }

    /// The exchange behind it.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn send_off(&mut self, receive: i64, kind: Kind, bytes: Vec<u8>) {
        self.on_the_way.push(Reverse((receive, self.sent_off, kind, bytes)));
        self.sent_off += 1;
    }

    /// How far virtual time may go now.
    fn horizon(&mut self) -> i64 {
        let Pace::RealTime(clock) = &self.options.pace else { return i64::MAX };
        let now = clock.now_ns();
        let since = now.saturating_sub(*self.clock_start.get_or_insert(now));
        self.start.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// When the exchange's next event is due, unless the run is over.
    fn next_event(&mut self) -> Option<i64> {
        let end = self.options.duration_ns.map_or(i64::MAX, |d| self.start.saturating_add(d));
        let full = self.options.frames_max.is_some_and(|max| self.counts.frames_made >= max);
        let next = self.exchange.next_due().map(|t| t.0).filter(|t| *t <= end && !full && !self.ended);
        if next.is_none() && !self.ended {
            self.ended = true;
            let receive = self.exchange.now().0 + self.options.latency_ns;
            for bytes in self.injector.release_all() {
                self.send_off(receive, Kind::Stream, bytes);
            }
        }
        next
    }

    /// Answers the oldest request as of the exchange's present state.
    fn answer(&mut self) {
        let Some(asked) = self.asked.pop_front() else { return };
        let limit = rest::depth_limit(self.options.rest_limit);
        if let Some(body) = self.injector.snapshot(&self.exchange, asked.place, limit) {
            self.counts.snapshots_answered += 1;
            let receive = asked.answer_at + self.options.rest_return_ns;
            self.send_off(receive, Kind::Depth { place: asked.place, limit }, body);
        }
    }

    /// Lets one event of the exchange happen and lines its frames up.
    fn advance(&mut self) {
        self.batch.clear();
        self.exchange.advance(&mut self.batch);
        self.ready_at = self.exchange.now().0 + self.options.latency_ns;
        let left = self.options.frames_max.map_or(u64::MAX, |max| max.saturating_sub(self.counts.frames_made));
        for (index, frame) in self.batch.frames().iter().take(usize::try_from(left).unwrap_or(usize::MAX)).enumerate() {
            self.counts.frames_made += 1;
            if frame.channel != Channel::Depth || !self.injector.watches(frame.place) {
                self.ready.push_back(Ready::InBatch(index));
                continue;
            }
            let bytes = self.batch.bytes(&frame.frame);
            self.injector.diff(&mut self.exchange, frame, bytes, &mut self.deliveries);
            for delivery in self.deliveries.drain(..) {
                match delivery.bytes {
                    None => self.ready.push_back(Ready::InBatch(index)),
                    Some(bytes) if delivery.delay_ns == 0 => self.ready.push_back(Ready::Owned(bytes)),
                    Some(bytes) => {
                        let receive = self.ready_at.saturating_add(delivery.delay_ns);
                        self.on_the_way.push(Reverse((receive, self.sent_off, Kind::Stream, bytes)));
                        self.sent_off += 1;
                    }
                }
            }
        }
    }

    fn hand_over(&mut self, receive: i64, kind: Kind, what: Ready, take: &mut dyn FnMut(Frame<'_>)) {
        self.now = self.now.max(receive);
        self.counts.frames_handed_over += 1;
        let connection = if kind == Kind::Stream { STREAM_CONNECTION } else { REST_CONNECTION };
        let number = self.numbers[usize::from(connection.0)];
        self.numbers[usize::from(connection.0)] += 1;
        let origin = match kind {
            Kind::Stream => Origin::Combined,
            Kind::Depth { place, limit } => {
                Origin::RestDepth { symbol: self.exchange.symbol(place).unwrap_or_default(), limit }
            }
            Kind::ExchangeInfo => Origin::ExchangeInfo { whole: true },
        };
        let mut owned;
        let bytes = match what {
            Ready::InBatch(index) => {
                let range = self.batch.frames().get(index).map_or(0..0, |f| f.frame.clone());
                self.batch.bytes_mut(&range)
            }
            Ready::Owned(bytes) => {
                owned = bytes;
                owned.as_mut_slice()
            }
        };
        take(Frame {
            market: Market::BinanceSpot,
            connection,
            number,
            receive: UnixNanos(receive),
            stamps: Stamps::NONE,
            origin,
            bytes,
        });
    }

    /// Hands over what is on its way, when it is received before `before` and no later than `horizon`.
    fn arrive(&mut self, before: i64, horizon: i64, take: &mut dyn FnMut(Frame<'_>)) -> bool {
        if !self.on_the_way.peek().is_some_and(|Reverse(next)| next.0 < before && next.0 <= horizon) {
            return false;
        }
        let Some(Reverse((receive, _, kind, bytes))) = self.on_the_way.pop() else { return false };
        self.hand_over(receive, kind, Ready::Owned(bytes), take);
        true
    }
}

impl FrameSource for SimSource {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let horizon = self.horizon();
        for _ in 0..EVENTS_PER_PULL_MAX {
            if !self.ready.is_empty() {
                if self.arrive(self.ready_at, horizon, take) {
                    return Ok(Pulled::Frame);
                }
                if let Some(ready) = self.ready.pop_front() {
                    self.hand_over(self.ready_at, Kind::Stream, ready, take);
                    return Ok(Pulled::Frame);
                }
            }
            let event = self.next_event();
            let answer = self.asked.front().map(|a| a.answer_at);
            if answer.is_some_and(|at| event.is_none_or(|event| at <= event)) {
                self.answer();
                continue;
            }
            let frames_at = event.map(|at| at.saturating_add(self.options.latency_ns));
            if self.arrive(frames_at.unwrap_or(i64::MAX), horizon, take) {
                return Ok(Pulled::Frame);
            }
            match frames_at {
                Some(at) if at <= horizon => self.advance(),
                None if self.on_the_way.is_empty() => return Ok(Pulled::Ended),
                _ => return Ok(Pulled::Nothing),
            }
        }
        Ok(Pulled::Nothing)
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        self.counts.snapshots_asked += 1;
        let place = self.exchange.place(request.symbol).filter(|_| request.market == Market::BinanceSpot);
        let Some(place) = place else {
            self.counts.requests_refused += 1;
            return;
        };
        let now = match self.horizon() {
            i64::MAX => self.now,
            real => real.max(self.now),
        };
        let answer_at = (now + self.options.rest_latency_ns).max(self.exchange.now().0);
        self.asked.push_back(Asked { answer_at, place });
    }
}
