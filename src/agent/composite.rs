//! Purpose: several agents as one: stages that share a thread.
//! Owns: its members. Thread: the one that drives it. Takes and gives: the sum of the members' work.
//! Never: changes the order of its members.

use super::duty::Agent;

/// Agents that run in order, one after the other, in each cycle.
pub struct Composite {
    name: String,
    members: Vec<Box<dyn Agent>>,
    at_work: Option<usize>,
}

impl Composite {
    /// Joins `upstream_first`, in the order in which data walks through them.
    pub fn new(name: impl Into<String>, upstream_first: Vec<Box<dyn Agent>>) -> Composite {
        Composite { name: name.into(), members: upstream_first, at_work: None }
    }

    /// Calls each member in order, keeping who is at work for [`Agent::active`].
    fn each(&mut self, mut call: impl FnMut(&mut dyn Agent)) {
        for (at, member) in self.members.iter_mut().enumerate() {
            self.at_work = Some(at);
            call(member.as_mut());
        }
        self.at_work = None;
    }
}

impl Agent for Composite {
    fn name(&self) -> &str {
        &self.name
    }

    fn active(&self) -> &str {
        self.at_work.and_then(|at| self.members.get(at)).map_or(&self.name, |member| member.active())
    }

    fn on_start(&mut self) {
        self.each(|member| member.on_start());
    }

    fn do_work(&mut self) -> usize {
        let mut work = 0_usize;
        self.each(|member| work = work.saturating_add(member.do_work()));
        work
    }

    /// Done when all are; asked after a cycle in which none had work, so nothing is left between members.
    fn is_done(&self) -> bool {
        self.members.iter().all(|member| member.is_done())
    }

    fn on_stop(&mut self) {
        self.each(|member| member.on_stop());
    }

    fn on_close(&mut self) {
        self.each(|member| member.on_close());
    }
}
