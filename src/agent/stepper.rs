//! Purpose: agents without a thread: a test or the seeded runner makes every step.
//! Owns: its agents. Thread: the caller's. Takes and gives: work counts. Never: starts a thread, idles.

use super::composite::Composite;
use super::duty::Agent;

/// Agents that are stepped, in the order in which data walks through them.
///
/// A panic of an agent goes through to the caller.
pub struct Stepper {
    agents: Composite,
    started: bool,
}

/// How a run until idle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Steps made, the last idle one included.
    pub steps: usize,
    /// Sum of their work counts.
    pub work: usize,
    /// Whether the last step found no work; else the bound was reached.
    pub idle: bool,
}

impl Stepper {
    /// Holds `upstream_first`; `on_start` is called by the first step.
    pub fn new(upstream_first: Vec<Box<dyn Agent>>) -> Stepper {
        Stepper { agents: Composite::new("stepper", upstream_first), started: false }
    }

    /// One duty cycle of each agent, in order; the sum of their work.
    pub fn step(&mut self) -> usize {
        self.start();
        self.agents.do_work()
    }

    /// Steps until a step finds no work, at most `steps_max` times.
    pub fn run_until_idle(&mut self, steps_max: usize) -> Settled {
        let mut settled = Settled { steps: 0, work: 0, idle: false };
        while !settled.idle && settled.steps < steps_max {
            let work = self.step();
            settled.steps += 1;
            settled.work = settled.work.saturating_add(work);
            settled.idle = work == 0;
        }
        settled
    }

    /// Whether all agents are done.
    pub fn is_done(&self) -> bool {
        self.agents.is_done()
    }

    /// Stops, drains within `steps_max` steps and closes the agents.
    pub fn close(mut self, steps_max: usize) -> Settled {
        self.start();
        self.agents.on_stop();
        let settled = self.run_until_idle(steps_max);
        self.agents.on_close();
        settled
    }

    fn start(&mut self) {
        if !self.started {
            self.started = true;
            self.agents.on_start();
        }
    }
}
