//! Purpose: what a stage is to the thread that drives it.
//! Owns: nothing. Thread: the trait's calls come from one thread at a time.
//! Takes and gives: a count of work done. Never: blocks, sleeps, or reads a clock.

use super::handle::DutyCounts;

/// A stage with a duty cycle.
///
/// Order of calls: `on_start` once, `do_work` many times, `on_stop` at most once, `do_work` some more, `on_close` once.
/// After a panic no method of the agent is called again.
pub trait Agent: Send {
    /// The stage's name, stable for its life.
    fn name(&self) -> &str;

    /// The name of the part that is at work: what a panic is reported under. Differs from the name only where one
    /// agent joins several.
    fn active(&self) -> &str {
        self.name()
    }

    /// Called on the agent's own thread before the first cycle: warm-up.
    fn on_start(&mut self) {}

    /// One duty cycle: takes what is there, up to the agent's own batch bound, and returns at once.
    ///
    /// Gives how much was done, in the agent's own unit; 0 when there was nothing to do.
    fn do_work(&mut self) -> usize;

    /// Whether the agent has ended by itself and has handed on everything: a source at its end. Asked after a cycle
    /// without work.
    fn is_done(&self) -> bool {
        false
    }

    /// A stop was asked for: take nothing new from outside, go on handing on what is inside.
    fn on_stop(&mut self) {}

    /// The last call: release sockets and files.
    fn on_close(&mut self) {}
}

/// Takes the time of an agent's duty cycles, for a runner, which reads no clock itself.
pub trait CycleMeter: Send {
    /// The thread goes on after a pause: what it slept is part of no cycle.
    fn resume(&mut self);

    /// A cycle has ended; with the counts so far, of it too.
    fn cycle(&mut self, counts: &DutyCounts);
}

impl<A: Agent + ?Sized> Agent for Box<A> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn active(&self) -> &str {
        (**self).active()
    }
    fn on_start(&mut self) {
        (**self).on_start();
    }
    fn do_work(&mut self) -> usize {
        (**self).do_work()
    }
    fn is_done(&self) -> bool {
        (**self).is_done()
    }
    fn on_stop(&mut self) {
        (**self).on_stop();
    }
    fn on_close(&mut self) {
        (**self).on_close();
    }
}
