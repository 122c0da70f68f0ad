//! Purpose: what an engine is told, and what it makes of `auto`. Owns: the defaults. Thread: any (cold).
//! Takes and gives: plain data. Never: reads a file or the environment.

use std::time::Duration;

use super::control::ControlOptions;
use super::error::EngineError;
use crate::agent::{IdleStrategy, usable_cores};
use crate::bus::data::{EVENT_WORDS_MAX, ring_words_for};
use crate::conductor::ConductorOptions;
use crate::snapshot::StoreOptions;
use crate::telemetry::{CYCLE_OVER, TraceOptions};

/// Which stages share a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// All on one thread.
    Fused,
    /// Each source's io on one, the rest of each shard on one.
    Lean,
    /// Io, dispatch and conductor on a thread each.
    Dedicated,
    /// No threads: the caller steps. Wired as `Dedicated`, so that every ring is on the way.
    Stepped,
}

impl Topology {
    /// What fits `cores` usable cores: one thread on one, io and shard apart on two to five, a core a stage from six on.
    pub const fn for_cores(cores: usize) -> Topology {
        match cores {
            0..=1 => Topology::Fused,
            2..=5 => Topology::Lean,
            _ => Topology::Dedicated,
        }
    }

    /// The name that configuration uses.
    pub const fn name(self) -> &'static str {
        match self {
            Topology::Fused => "fused",
            Topology::Lean => "lean",
            Topology::Dedicated => "dedicated",
            Topology::Stepped => "stepped",
        }
    }

    /// How many threads it takes with so many sources, an io thread each.
    pub const fn threads(self, sources: usize, shards: usize) -> usize {
        match self {
            Topology::Fused => 1,
            Topology::Lean => sources + shards,
            Topology::Dedicated => sources + 2 * shards,
            Topology::Stepped => 0,
        }
    }
}

/// Sizes of rings in 8-byte words, powers of two. A record is at most an eighth of its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingWords {
    /// Raw instances of frames, io to dispatch.
    pub frames: usize,
    /// Raw instances of REST bodies, io to dispatch.
    pub bodies: usize,
    /// Canonical events, dispatch to conductor.
    pub canonical: usize,
    /// Published events, sequencer to consumers.
    pub events: usize,
}

impl Default for RingWords {
    /// 1, 4, 4 and 16 MiB.
    fn default() -> RingWords {
        RingWords {
            frames: 1 << 17,
            bodies: 1 << 19,
            canonical: 1 << 19,
            events: (1 << 21).max(ring_words_for(EVENT_WORDS_MAX)),
        }
    }
}

/// What is recorded of latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyOptions {
    /// Whether anything is.
    pub recorded: bool,
    /// Duty cycles longer than this are counted.
    pub cycle_over: Duration,
}

impl Default for LatencyOptions {
    /// Recorded; cycles over 1 ms.
    fn default() -> LatencyOptions {
        LatencyOptions { recorded: true, cycle_over: CYCLE_OVER }
    }
}

/// How to run an engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Which stages share a thread; `None` looks at the cores that may be used.
    pub topology: Option<Topology>,
    /// How many shards instruments are spread over; at least 1.
    pub shards: usize,
    /// What a thread does without work; `None` looks at cores and threads.
    pub idle: Option<IdleStrategy>,
    /// The core of each thread in the order io (of each source), shard 0 (dispatch 0, conductor 0), shard 1 …; any for those
    /// beyond.
    pub cores: Vec<Option<usize>>,
    /// The most frames that the io agent pulls in one duty cycle. Requests for snapshots leave between two cycles: with 1
    /// a stepped run serves each at the very next frame, whatever the other frames were.
    pub io_batch: usize,
    /// Sizes of rings.
    pub rings: RingWords,
    /// Whether time is the clock's (a live feed) or that of the frames (replay).
    pub live: bool,
    /// The instruments wanted, by canonical name or symbol, uppercase; empty: all that the source has.
    pub instruments: Vec<String>,
    /// The seed of trace ids; fixed in replay.
    pub trace_seed: u64,
    /// What conductors are told.
    pub conductor: ConductorOptions,
    /// Bounds of the snapshot store.
    pub store: StoreOptions,
    /// How long a state lives in the store once nobody wants its instrument; `None`, or without [`EngineOptions::live`]:
    /// for ever.
    pub store_ttl: Option<Duration>,
    /// How often the store is swept, when states have a time to live.
    pub sweep_interval: Duration,
    /// The latency ledger.
    pub latency: LatencyOptions,
    /// Where spans go; `None`: there are none.
    pub traces: Option<TraceOptions>,
    /// The control plane; `None`: everything that the routes name is let through, and no command is taken (a replay).
    pub control: Option<ControlOptions>,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            topology: None,
            shards: 1,
            idle: None,
            cores: Vec::new(),
            io_batch: 64,
            rings: RingWords::default(),
            live: false,
            instruments: Vec::new(),
            trace_seed: 1,
            conductor: ConductorOptions::default(),
            store: StoreOptions::default(),
            store_ttl: None,
            sweep_interval: Duration::from_secs(10),
            latency: LatencyOptions::default(),
            traces: None,
            control: None,
        }
    }
}

impl EngineOptions {
    /// The topology in force.
    pub fn topology_in_force(&self) -> Topology {
        self.topology.unwrap_or_else(|| Topology::for_cores(usable_cores().count))
    }

    /// Makes the options suit so many sources: what `None` stands for has threads enough.
    ///
    /// # Errors
    /// [`EngineError::Sources`] when it cannot be: one thread runs one source, and a replay is repeatable over one only,
    /// for between two rings there is no order.
    pub(super) fn suit(mut self, sources: usize) -> Result<EngineOptions, EngineError> {
        let reason = match (sources, self.topology) {
            (0, _) => "there is none: give at least one",
            (1, _) => return Ok(self),
            _ if !self.live => "a replay has one source, or it would not be repeatable: merge them, or keep live time",
            (_, Some(Topology::Fused)) => {
                "fused is one thread and runs one source: take lean or dedicated, or one source"
            }
            _ => {
                self.topology = Some(match self.topology_in_force() {
                    Topology::Fused => Topology::Lean,
                    other => other,
                });
                return Ok(self);
            }
        };
        Err(EngineError::Sources(reason))
    }

    /// The idle strategy in force. One core is left to the consumer, so that two cores are not both kept spinning.
    pub(super) fn idle_in_force(&self, threads: usize) -> IdleStrategy {
        self.idle.unwrap_or_else(|| IdleStrategy::auto(threads + 1, usable_cores().count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_is_left_usable() {
        assert_eq!(Topology::for_cores(1), Topology::Fused);
        assert_eq!(Topology::for_cores(2), Topology::Lean);
        assert_eq!(Topology::for_cores(64), Topology::Dedicated);
        assert_eq!(Topology::Dedicated.threads(3, 2), 3 + 4);
        // Two engine threads and a consumer on two cores: none spins.
        assert_eq!(IdleStrategy::auto(Topology::Lean.threads(1, 1) + 1, 2), IdleStrategy::BACK_OFF);
    }
}
