//! Purpose: the agents at the receiving ends of rings: each feeds one stage from the stage before it.
//! Owns: the consumers and the stage. Thread: its own. Takes and gives: records in, calls on the stage out.
//! Never: takes a record that the stage is not ready for; reads a clock unless it is told to keep live time.

use crate::agent::Agent;
use crate::ring::spsc::Consumer;
use crate::schema::event::EventRef;
use crate::schema::payload::PayloadKind;
use crate::schema::raw::{RAW_HEADER_WORDS, RawRef};
use crate::schema::stage::{EventSink, RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::Clock;

/// Records taken in one duty cycle at most; with several io threads, an equal share of each one's.
const BATCH: usize = 256;

/// Time for the stage behind a ring: from the records (replay: virtual), or from the clock besides (live).
pub(super) struct StageTime {
    clock: Option<Clock>,
    now: UnixNanos,
}

impl StageTime {
    /// Virtual when `clock` is `None`: only records move time, so a replay fires its timers at the same places always.
    pub(super) fn new(clock: Option<Clock>) -> StageTime {
        StageTime { clock, now: UnixNanos(i64::MIN + 1) }
    }

    fn tick<S: Stage + ?Sized>(&mut self, stage: &mut S) {
        if let Some(clock) = &self.clock {
            let now = clock.unix_now();
            self.reach(now, stage);
        }
    }

    fn reach<S: Stage + ?Sized>(&mut self, now: UnixNanos, stage: &mut S) {
        if now > self.now {
            self.now = now;
            stage.advance(now);
        }
    }
}

/// Whether the stage can take an input now; does its left-over work first, for that comes before any input.
fn make_ready<S: Stage + ?Sized>(stage: &mut S, words: usize, work: &mut usize) -> bool {
    while !stage.ready(1, words) {
        let done = stage.work();
        *work += done;
        if done == 0 {
            return stage.ready(1, words);
        }
    }
    true
}

/// Brings the stage to an input's time, ready to take it; `false` when it has no room. What the input before it left to do
/// is done first, in that input's time: else it would be stamped with the time of whatever input happens to come next.
fn advance_to<S: Stage + ?Sized>(
    receive: i64,
    time: &mut StageTime,
    stage: &mut S,
    words: usize,
    work: &mut usize,
) -> bool {
    if !make_ready(stage, 0, work) {
        return false;
    }
    time.reach(UnixNanos(receive), stage);
    // A live thread that is stopped between two records must not take the second one for fresh.
    time.tick(stage);
    make_ready(stage, words, work)
}

/// The receiving ends of one io thread's rings to one shard.
pub(super) struct RawInput {
    frames: Consumer,
    bodies: Consumer,
}

impl RawInput {
    /// Over the two rings.
    pub(super) fn new(frames: Consumer, bodies: Consumer) -> RawInput {
        RawInput { frames, bodies }
    }

    /// Takes one record; `false` when there is none, or the stage cannot take it yet.
    fn take_one<K: RawSink>(&mut self, stage: &mut K, time: &mut StageTime, work: &mut usize) -> bool {
        let Some(raw) = self.frames.peek().and_then(RawRef::from_words) else { return false };
        let from_bodies = raw.kind() == StreamKind::BodyFollows;
        let raw = match from_bodies {
            true => match self.bodies.peek().and_then(RawRef::from_words) {
                Some(body) => body,
                None => return false,
            },
            false => raw,
        };
        stage.expect(raw.instrument(), raw.kind().is_book());
        if !advance_to(raw.header.receive, time, stage, raw.words(), work) {
            return false;
        }
        // A `Lost` without an instrument is a tick: it only says how late it is.
        if raw.kind() != StreamKind::Lost || raw.instrument().is_some() {
            stage.take_raw(raw);
        }
        if from_bodies {
            self.bodies.release();
        }
        self.frames.release();
        true
    }
}

/// Feeds a dispatch stage from the rings of all io threads to one shard. Each ring keeps its order; between two rings there
/// is none: what must keep its order comes over one connection, and so through one ring.
pub(super) struct ShardAgent<K: RawSink> {
    name: String,
    inputs: Vec<RawInput>,
    /// The input that comes first in the next cycle: each in turn, so that none goes without when the stage has little room.
    first: usize,
    stage: K,
    time: StageTime,
    end: End,
}

impl<K: RawSink> ShardAgent<K> {
    /// Over the inputs of one shard, at least one.
    pub(super) fn new(name: String, inputs: Vec<RawInput>, stage: K, time: StageTime) -> ShardAgent<K> {
        ShardAgent { name, inputs, first: 0, stage, time, end: End::Ahead }
    }

    /// Takes every input's share of a batch.
    fn take_batch(&mut self, work: &mut usize) {
        let ShardAgent { inputs, first, stage, time, .. } = self;
        let share = BATCH.div_ceil(inputs.len().max(1));
        *first = if *first + 1 < inputs.len() { *first + 1 } else { 0 };
        let (behind, ahead) = inputs.split_at_mut(*first);
        for input in ahead.iter_mut().chain(behind) {
            for _ in 0..share {
                if !input.take_one(stage, time, work) {
                    break;
                }
                *work += 1;
            }
        }
    }
}

impl<K: RawSink + Send> Agent for ShardAgent<K> {
    fn name(&self) -> &str {
        &self.name
    }

    fn do_work(&mut self) -> usize {
        self.time.tick(&mut self.stage);
        let mut work = self.stage.work();
        self.take_batch(&mut work);
        // The end is reached when every io thread has ended; until then those that go on are served.
        let closed = self.inputs.iter().all(|input| input.frames.is_closed());
        self.end = self.end.after(closed, &mut self.stage, &mut work);
        work
    }

    fn is_done(&self) -> bool {
        self.end == End::Reached
    }
}

/// Feeds a conductor from the ring of canonical events.
pub(super) struct ConductorAgent<K: EventSink> {
    name: String,
    events: Consumer,
    stage: K,
    time: StageTime,
    end: End,
}

impl<K: EventSink> ConductorAgent<K> {
    /// Over the consumer of one shard.
    pub(super) fn new(name: String, events: Consumer, stage: K, time: StageTime) -> ConductorAgent<K> {
        ConductorAgent { name, events, stage, time, end: End::Ahead }
    }

    fn take_one(&mut self, work: &mut usize) -> bool {
        let Some(event) = self.events.peek().and_then(EventRef::from_words) else { return false };
        self.stage.expect(event.header().instrument(), event.header().kind() == Some(PayloadKind::DepthDiff));
        if !advance_to(event.header().receive, &mut self.time, &mut self.stage, event.words().len(), work) {
            return false;
        }
        // A `Lost` without an instrument is a tick: it only says how late it is.
        if event.header().instrument().is_some() || event.header().kind() != Some(PayloadKind::Lost) {
            self.stage.take_event(event);
        }
        self.events.release();
        true
    }
}

impl<K: EventSink + Send> Agent for ConductorAgent<K> {
    fn name(&self) -> &str {
        &self.name
    }

    fn do_work(&mut self) -> usize {
        self.time.tick(&mut self.stage);
        let mut work = self.stage.work();
        for _ in 0..BATCH {
            if !self.take_one(&mut work) {
                break;
            }
            work += 1;
        }
        self.end = self.end.after(self.events.is_closed(), &mut self.stage, &mut work);
        work
    }

    fn is_done(&self) -> bool {
        self.end == End::Reached
    }
}

/// How far a stage is from its end. Both steps ask for the room of the shortest record: the last tick needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Inputs may come.
    Ahead,
    /// None will come, and the stage was told; it may have something left to hand on.
    Told,
    /// All is handed on.
    Reached,
}

impl End {
    /// Where it stands after a cycle; `closed` says that every ring is closed and drained.
    fn after<S: Stage + ?Sized>(self, closed: bool, stage: &mut S, work: &mut usize) -> End {
        match self {
            End::Ahead if closed && stage.ready(1, RAW_HEADER_WORDS) => {
                stage.finish();
                *work += 1;
                End::Told
            }
            // No work left and room for more: nothing is held. No work without room is back-pressure.
            End::Told if *work == 0 && stage.ready(1, RAW_HEADER_WORDS) => End::Reached,
            same => same,
        }
    }
}
