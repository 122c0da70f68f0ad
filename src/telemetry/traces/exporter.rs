//! Purpose: carries records from the rings to the receiver: in batches, again where it may, and gives up in time.
//! Owns: the receiving halves of the rings, what waits to be sent. Thread: its own, of the lowest priority; it alone blocks.
//! Takes and gives: records in, requests out. Never: holds more than [`WAITING_MAX`] records; loses one without a count.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::encode::Encoder;
use super::receiver::{Receiver, Verdict};
use super::record::SpanRecord;
use crate::agent::Shutdown;
use crate::ring::spsc::Consumer;
use crate::sync::Arc;
use crate::telemetry::clock::Clock;
use crate::telemetry::counter::{Counter, Counts};

/// Spans of a request, at most.
const BATCH: usize = 512;
/// Spans that wait here at most; what comes meanwhile waits in the rings, and is dropped there when they are full.
const WAITING_MAX: usize = 8 * BATCH;
/// The longest that a span waits for others before it is sent.
const WAIT_NS: u64 = 1_000_000_000;
/// Between two looks at the rings.
const NAP: Duration = Duration::from_millis(50);
/// The first pause behind a failure, and the longest; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A batch that was not taken for so long is given up: newer spans are worth more.
const GIVE_UP_NS: u64 = 60_000_000_000;
/// How long the last spans may take at the end, one request's time aside.
const FLUSH_NS: u64 = 2_000_000_000;

/// What was last wrong with the receiver, for people; taken by whoever tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// What is new, once.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn tell(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

/// The exporter's work.
#[derive(Debug)]
pub(super) struct Exporter {
    pub(super) rings: Vec<Consumer>,
    pub(super) encoder: Encoder,
    pub(super) receiver: Receiver,
    pub(super) timeout: Duration,
    pub(super) clock: Clock,
    pub(super) counts: Counts,
    pub(super) trouble: Trouble,
    pub(super) state: State,
}

/// What waits, and for what.
#[derive(Debug, Default)]
pub(super) struct State {
    waiting: Vec<SpanRecord>,
    /// When the oldest of them came.
    since_ns: u64,
    /// The request under way, and for how many spans it stands: sent again as it is.
    request: Option<(Vec<u8>, usize)>,
    /// When that one was first tried, how often since, and when it is tried again.
    first_ns: u64,
    tries: u32,
    next_ns: u64,
    /// What was told of the receiver last: the same is not told again.
    told: String,
}

impl Exporter {
    /// Works until `stop`, and sends what is left then.
    pub(super) fn run(mut self, stop: &Shutdown) {
        while !stop.is_requested() {
            self.gather();
            if self.is_due() {
                self.attempt(self.timeout);
            } else {
                std::thread::park_timeout(NAP);
            }
        }
        self.flush();
    }

    /// Takes in what the rings have, as far as there is room.
    fn gather(&mut self) {
        let State { waiting, since_ns, .. } = &mut self.state;
        let before = waiting.len();
        for ring in &mut self.rings {
            ring.poll(WAITING_MAX - waiting.len(), |words| waiting.extend(SpanRecord::from_words(words)));
        }
        if before == 0 && !waiting.is_empty() {
            *since_ns = self.clock.now_ns();
        }
    }

    fn is_due(&self) -> bool {
        let (state, now) = (&self.state, self.clock.now_ns());
        let has_enough = state.waiting.len() >= BATCH || now.saturating_sub(state.since_ns) >= WAIT_NS;
        !state.waiting.is_empty() && (has_enough || state.request.is_some()) && now >= state.next_ns
    }

    /// One request, and what follows from its answer.
    fn attempt(&mut self, within: Duration) {
        let now = self.clock.now_ns();
        let Exporter { state, encoder, .. } = self;
        let (request, spans) = state.request.take().unwrap_or_else(|| {
            (state.first_ns, state.tries) = (now, 0);
            let spans = state.waiting.len().min(BATCH);
            (encoder.request(&state.waiting[..spans]), spans)
        });
        match self.receiver.send(&request, within) {
            Verdict::Taken { rejected, message } => {
                let rejected = rejected.min(spans as u64);
                self.counts.add(Counter::TraceSpansSent, spans as u64 - rejected);
                self.counts.add(Counter::TraceSpansRejected, rejected);
                self.tell(message);
                self.settle(spans);
            }
            Verdict::Refused { why } => {
                self.counts.add(Counter::TraceRequestsFailed, 1);
                self.give_up(spans, why);
            }
            Verdict::Later { after, why } => {
                self.counts.add(Counter::TraceRequestsFailed, 1);
                let (now, state) = (self.clock.now_ns(), &mut self.state);
                if now.saturating_sub(state.first_ns) >= GIVE_UP_NS {
                    return self.give_up(spans, why);
                }
                let pause = after.unwrap_or_else(|| pause(state.tries, now));
                state.tries += 1;
                state.next_ns = now.saturating_add(pause.as_nanos() as u64);
                state.request = Some((request, spans));
                self.tell(why);
            }
        }
    }

    fn give_up(&mut self, spans: usize, why: String) {
        self.counts.add(Counter::TraceSpansGivenUp, spans as u64);
        self.tell(why);
        self.settle(spans);
    }

    /// The oldest spans are done with.
    fn settle(&mut self, spans: usize) {
        let now = self.clock.now_ns();
        self.state.waiting.drain(..spans);
        (self.state.since_ns, self.state.next_ns, self.state.tries) = (now, 0, 0);
    }

    fn tell(&mut self, text: String) {
        if text != self.state.told {
            if !text.is_empty() {
                self.trouble.tell(format!("{}: {text}", self.receiver.url()));
            }
            self.state.told = text;
        }
    }

    /// The end: all that is left goes out, or is counted. What is not taken at the first try then would come too late.
    fn flush(&mut self) {
        let over = self.clock.now_ns() + FLUSH_NS;
        loop {
            self.gather();
            let now = self.clock.now_ns();
            if self.state.waiting.is_empty() || now >= over || self.state.next_ns > over {
                break;
            }
            if self.state.next_ns > now {
                std::thread::park_timeout(NAP);
                continue;
            }
            self.attempt(self.timeout.min(Duration::from_nanos(over - now)));
            if self.state.request.is_some() {
                break;
            }
        }
        while !self.state.waiting.is_empty() {
            let spans = self.state.waiting.len();
            self.counts.add(Counter::TraceSpansGivenUp, spans as u64);
            self.settle(spans);
            self.gather();
        }
    }
}

/// How long to wait behind so many failures, a quarter of it by chance, so that many feeds do not come back together.
fn pause(tries: u32, now_ns: u64) -> Duration {
    let whole = PAUSE.saturating_mul(1 << tries.min(16)).min(PAUSE_MAX);
    whole - whole / 4 * (now_ns % 1_024) as u32 / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_bound_and_never_vanish() {
        for (tries, most) in [(0, 500), (1, 1_000), (5, 16_000), (6, 30_000), (u32::MAX, 30_000)] {
            for now in [0, 1_023, 77_777] {
                let pause = pause(tries, now).as_millis();
                assert!(pause <= most && pause >= most * 3 / 4, "{tries} {now}: {pause}");
            }
        }
    }
}
