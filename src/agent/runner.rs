//! Purpose: the thread around an agent: pins it, starts it, drives its duty cycles, drains and closes it.
//! Owns: the agent, for the life of the thread. Thread: its own. Takes and gives: an agent; a handle.
//! Never: lets a panic pass unnamed, or calls an agent that has panicked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

use super::duty::{Agent, CycleMeter};
use super::failure::{Failure, StagePanicked};
use super::handle::{AgentReport, DutyCounts, Ended, Handle, SharedCounts};
use super::idle::{IdleStrategy, Idler};
use super::placement::{Placement, pin, thread_name};
use super::shutdown::Shutdown;

/// How to run an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerOptions {
    /// The runner's name; its thread is called `meltica-<name>`, cut to 15 bytes.
    pub name: String,
    /// The core to pin to; `None`: any.
    pub core: Option<usize>,
    /// What to do between cycles.
    pub idle: IdleStrategy,
    /// Cycles without work, one after the other, that count as drained.
    pub drain_idle_cycles: u32,
    /// Most cycles of a drain.
    pub drain_cycles_max: u64,
}

impl RunnerOptions {
    /// On any core, backing off, drained after 3 cycles without work, at most 1,000,000 cycles.
    pub fn new(name: impl Into<String>) -> RunnerOptions {
        RunnerOptions {
            name: name.into(),
            core: None,
            idle: IdleStrategy::BACK_OFF,
            drain_idle_cycles: 3,
            drain_cycles_max: 1_000_000,
        }
    }
}

/// The system gave no thread.
#[derive(Debug, thiserror::Error)]
#[error(
    "agent/spawn: the system refused a thread for stage `{name}`: {source}; raise the process's limits on threads and memory"
)]
pub struct SpawnError {
    /// Name of the runner.
    pub name: String,
    /// What the system said.
    pub source: std::io::Error,
}

/// An agent on its thread.
pub struct Runner {
    agent: Box<dyn Agent>,
    options: RunnerOptions,
    shutdown: Shutdown,
    counts: Arc<SharedCounts>,
    duty: DutyCounts,
    meter: Option<Box<dyn CycleMeter>>,
}

impl Runner {
    /// Starts a thread for `agent` and returns once it is placed. A core that is not to be had degrades the
    /// [`Placement`] and stops nothing. Cores are those of the caller's affinity mask, which a new thread inherits: call
    /// it from an unpinned thread.
    ///
    /// The thread ends when `shutdown` is requested and the agent drained, when the agent is done, or when it panics:
    /// then `failure` and the handle name it.
    ///
    /// # Errors
    /// [`SpawnError`] when the system has no thread.
    pub fn spawn(
        agent: Box<dyn Agent>,
        options: RunnerOptions,
        shutdown: Shutdown,
        failure: Failure,
    ) -> Result<Handle, SpawnError> {
        Runner::spawn_measured(agent, options, shutdown, failure, None)
    }

    /// As [`Runner::spawn`]; `meter` is told of each cycle.
    ///
    /// # Errors
    /// As [`Runner::spawn`].
    pub fn spawn_measured(
        agent: Box<dyn Agent>,
        options: RunnerOptions,
        shutdown: Shutdown,
        failure: Failure,
        meter: Option<Box<dyn CycleMeter>>,
    ) -> Result<Handle, SpawnError> {
        let name = options.name.clone();
        let core = options.core;
        let counts = Arc::new(SharedCounts::default());
        let runner = Runner {
            agent,
            options,
            shutdown: shutdown.clone(),
            counts: Arc::clone(&counts),
            duty: DutyCounts::default(),
            meter,
        };
        let (placed, placement) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(thread_name(&name))
            .spawn(move || {
                let placement = pin(core);
                // Whoever spawned us waits for this; if it has gone meanwhile, nobody needs to know.
                let _ = placed.send(placement);
                runner.run(placement, &failure)
            })
            .map_err(|source| SpawnError { name: name.clone(), source })?;
        let unknown = core.map_or(Placement::Anywhere, Placement::PinFailed);
        let placement = placement.recv().unwrap_or(unknown);
        Ok(Handle { name, placement, shutdown, counts, thread })
    }

    fn run(mut self, placement: Placement, failure: &Failure) -> Result<AgentReport, StagePanicked> {
        // Unwind safety: after a panic nothing of the agent is used but its name and its drop.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.live()));
        self.counts.publish(&self.duty);
        let Runner { agent, options, duty, .. } = self;
        let name = options.name;
        let stage = catch_unwind(AssertUnwindSafe(|| agent.active().to_owned())).unwrap_or_else(|_| name.clone());
        let outcome = outcome.map_err(|payload| StagePanicked::caught(&stage, &*payload));
        let dropped =
            catch_unwind(AssertUnwindSafe(|| drop(agent))).map_err(|payload| StagePanicked::caught(&stage, &*payload));
        match outcome.and_then(|ended| dropped.map(|()| ended)) {
            Ok(ended) => Ok(AgentReport { name, placement, duty, ended }),
            Err(panicked) => {
                failure.record(panicked.clone());
                Err(panicked)
            }
        }
    }

    fn live(&mut self) -> Ended {
        self.agent.on_start();
        self.resume();
        let ended = self.work();
        self.agent.on_close();
        ended
    }

    fn work(&mut self) -> Ended {
        let mut idler = Idler::new(self.options.idle);
        loop {
            let work = self.cycle();
            if work == 0 && self.agent.is_done() {
                return Ended::Done;
            }
            if self.shutdown.is_requested() {
                self.agent.on_stop();
                return self.drain();
            }
            if idler.idle(work) {
                self.resume();
            }
        }
    }

    #[inline]
    fn resume(&mut self) {
        if let Some(meter) = &mut self.meter {
            meter.resume();
        }
    }

    fn drain(&mut self) -> Ended {
        let mut quiet = 0;
        for _ in 0..self.options.drain_cycles_max {
            quiet = if self.cycle() == 0 { quiet + 1 } else { 0 };
            if quiet >= self.options.drain_idle_cycles {
                return Ended::Drained;
            }
        }
        Ended::Undrained
    }

    #[inline]
    fn cycle(&mut self) -> usize {
        let work = self.agent.do_work();
        if work == 0 {
            self.duty.idle += 1;
        } else {
            self.duty.busy += 1;
            self.duty.work += work as u64;
        }
        self.counts.publish(&self.duty);
        if let Some(meter) = &mut self.meter {
            meter.cycle(&self.duty);
        }
        work
    }
}
