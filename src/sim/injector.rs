//! Purpose: puts the faults of a plan into diffs and snapshots as they leave the venue.
//! Owns: each rule's randomness, and the diffs it holds back. Thread: the source's.
//! Takes and gives: a true frame in, what is delivered in its place out. Never: touches a symbol that no rule names.

use std::collections::VecDeque;

use super::batch::Emitted;
use super::exchange::Exchange;
use super::faults::{Fault, FaultJournal, FaultPlan, Injection, When};
use super::rng::Rng;
use super::spoil;

/// What is delivered in place of a diff.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The bytes; `None` for the true frame itself.
    pub(super) bytes: Option<Vec<u8>>,
    /// How much later than the true frame, in nanoseconds.
    pub(super) delay_ns: i64,
}

impl Delivery {
    const TRUE_FRAME: Delivery = Delivery { bytes: None, delay_ns: 0 };

    fn now(bytes: Vec<u8>) -> Delivery {
        Delivery { bytes: Some(bytes), delay_ns: 0 }
    }
}

/// Armed faults of a symbol; more are dropped.
const ARMED_MAX: usize = 4_096;

#[derive(Debug)]
struct Rule {
    fault: Fault,
    when: When,
    /// By place; `None` where the rule does not apply.
    dice: Vec<Option<Rng>>,
}

#[derive(Debug)]
struct Held {
    diffs_left: u32,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct SymbolState {
    watched: bool,
    diffs: u64,
    snapshots: u64,
    held: Vec<Held>,
    /// First id of a diff that the next one is to cover as well.
    overlap_from: Option<u64>,
    /// What is to befall the next diffs and snapshots whatever the rules say, in order.
    armed: VecDeque<Fault>,
}

#[derive(Debug)]
pub(super) struct Injector {
    rules: Vec<Rule>,
    symbols: Vec<SymbolState>,
    garbage: Rng,
    journal: FaultJournal,
}

impl Injector {
    pub(super) fn new(plan: &FaultPlan, exchange: &Exchange) -> Injector {
        let mut symbols: Vec<SymbolState> = exchange.symbols().map(|_| SymbolState::default()).collect();
        let mut rules = Vec::new();
        for (number, rule) in plan.rules.iter().enumerate() {
            let die = |symbol: &str| {
                let applies = rule.symbols.is_empty() || rule.symbols.iter().any(|s| s == symbol);
                applies.then(|| Rng::for_part(plan.seed, symbol, 16 + number as u64))
            };
            let dice: Vec<_> = exchange.symbols().map(|spec| die(&spec.symbol)).collect();
            for (state, die) in symbols.iter_mut().zip(&dice) {
                state.watched |= die.is_some();
            }
            rules.push(Rule { fault: rule.fault.clone(), when: rule.when.clone(), dice });
        }
        Injector { rules, symbols, garbage: Rng::for_part(plan.seed, "", 15), journal: FaultJournal::default() }
    }

    pub(super) fn journal(&self) -> FaultJournal {
        self.journal.clone()
    }

    /// Whether any rule names the symbol at this place.
    #[inline]
    pub(super) fn watches(&self, place: u32) -> bool {
        self.symbols.get(place as usize).is_some_and(|s| s.watched)
    }

    /// Lets a fault befall the symbol's next diff, or next snapshot, before any rule; several queue up.
    pub(super) fn arm(&mut self, place: u32, fault: Fault) {
        if let Some(state) = self.symbols.get_mut(place as usize).filter(|s| s.armed.len() < ARMED_MAX) {
            state.watched = true;
            state.armed.push_back(fault);
        }
    }

    /// What is armed, or else the first rule that strikes; nothing, and nothing armed is used up, unless the frame is `free`.
    /// Every rule throws its die each time, so that none changes another's luck.
    fn strike(&mut self, place: u32, number: u64, of_snapshots: bool, free: bool) -> Option<Fault> {
        let armed = self.symbols.get_mut(place as usize).filter(|_| free).and_then(|state| {
            let next = state.armed.iter().position(|fault| fault.is_of_snapshots() == of_snapshots)?;
            state.armed.remove(next)
        });
        let mut struck = armed;
        for rule in self.rules.iter_mut().filter(|r| r.fault.is_of_snapshots() == of_snapshots) {
            let Some(die) = rule.dice.get_mut(place as usize).and_then(Option::as_mut) else { continue };
            let strikes = match &rule.when {
                When::At(numbers) => numbers.contains(&number),
                When::PerMillion(rate) => die.chance(*rate),
            };
            if strikes && free && struck.is_none() {
                struck = Some(rule.fault.clone());
            }
        }
        struck
    }

    /// Appends what is delivered in place of a diff, in order.
    pub(super) fn diff(&mut self, exchange: &mut Exchange, of: &Emitted, bytes: &[u8], out: &mut Vec<Delivery>) {
        let state = &mut self.symbols[of.place as usize];
        let number = state.diffs;
        state.diffs += 1;
        let mut released = Vec::new();
        state.held.retain_mut(|held| {
            held.diffs_left -= 1;
            if held.diffs_left == 0 {
                released.push(core::mem::take(&mut held.bytes));
            }
            held.diffs_left > 0
        });
        let overlap_from = state.overlap_from.take();
        // A diff that covers another is what was left over of that one's fault, and suffers no second.
        let fault = self.strike(of.place, number, false, overlap_from.is_none());
        let overlapping = overlap_from.and_then(|first| {
            let mut wider = Vec::new();
            exchange.write_diff(of.place, (first, of.ids.1), None, &mut wider).then_some(wider)
        });
        match (overlapping, fault) {
            (Some(wider), _) => out.push(Delivery::now(wider)),
            (None, Some(fault)) => {
                self.apply(&fault, exchange, of, bytes, out);
                self.note(exchange, of.place, fault, number, of.ids);
            }
            (None, None) => out.push(Delivery::TRUE_FRAME),
        }
        out.extend(released.into_iter().map(Delivery::now));
    }

    fn apply(&mut self, fault: &Fault, exchange: &mut Exchange, of: &Emitted, bytes: &[u8], out: &mut Vec<Delivery>) {
        let state = &mut self.symbols[of.place as usize];
        let mut hold = |diffs_left: u32| state.held.push(Held { diffs_left, bytes: bytes.to_vec() });
        match *fault {
            Fault::Drop => {}
            Fault::Repeat => out.extend([Delivery::TRUE_FRAME, Delivery::now(bytes.to_vec())]),
            Fault::Swap => hold(1),
            Fault::DelayDiffs(count) => hold(count.max(1)),
            Fault::DelayNs(ns) => out.push(Delivery { bytes: Some(bytes.to_vec()), delay_ns: ns.max(0) }),
            Fault::Overlap => {
                state.overlap_from = Some(of.ids.0);
                out.push(Delivery::TRUE_FRAME);
            }
            Fault::Garbage => out.push(Delivery::now(spoil::garbage(&mut self.garbage, bytes))),
            Fault::Dressed(dress) => out.push(Delivery::now(spoil::dressed(dress, bytes))),
            Fault::BadNumber(bad) => out.push(Delivery::now(spoil::misnumbered(bad, bytes))),
            Fault::Crossing { ticks } => {
                let mut crossed = Vec::new();
                let whole = exchange.write_diff(of.place, of.ids, Some(ticks.max(0)), &mut crossed);
                out.push(if whole { Delivery::now(crossed) } else { Delivery::TRUE_FRAME });
            }
            Fault::RestartIds { at } => {
                out.push(Delivery::TRUE_FRAME);
                exchange.restart_ids(of.place, at);
            }
            Fault::StaleSnapshot { .. } | Fault::TruncatedSnapshot | Fault::UnansweredSnapshot => {
                out.push(Delivery::TRUE_FRAME);
            }
        }
    }

    /// The diffs still held back, when the run ends.
    pub(super) fn release_all(&mut self) -> Vec<Vec<u8>> {
        self.symbols.iter_mut().flat_map(|s| s.held.drain(..)).map(|h| h.bytes).collect()
    }

    /// Writes the answer to a snapshot request; `None` when there is none.
    pub(super) fn snapshot(&mut self, exchange: &Exchange, place: u32, limit: u32) -> Option<Vec<u8>> {
        let state = self.symbols.get_mut(place as usize)?;
        let number = state.snapshots;
        state.snapshots += 1;
        let fault = self.strike(place, number, true, true);
        let mut body = Vec::new();
        let id = match fault {
            Some(Fault::StaleSnapshot { ids_back }) => {
                exchange.write_past_depth(place, ids_back, limit, &mut body).ok()?
            }
            _ => exchange.write_depth(place, limit, &mut body)?,
        };
        match &fault {
            Some(Fault::TruncatedSnapshot) => body.truncate(body.len() / 2),
            Some(Fault::UnansweredSnapshot) => body.clear(),
            _ => {}
        }
        if let Some(fault) = fault {
            self.note(exchange, place, fault, number, (0, id));
        }
        (!body.is_empty()).then_some(body)
    }

    fn note(&self, exchange: &Exchange, place: u32, fault: Fault, number: u64, ids: (u64, u64)) {
        let symbol = exchange.symbol(place).unwrap_or_default().to_owned();
        self.journal.note(Injection { symbol, fault, number, ids });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::batch::Batch;
    use crate::sim::channel::{Channel, Channels};
    use crate::sim::options::ExchangeOptions;
    use crate::sim::spec::default_symbols;

    #[test]
    fn what_is_armed_waits_until_a_diff_that_covers_two_is_out() {
        let (symbols, channels) = (default_symbols(1), Channels::NONE.with(Channel::Depth));
        let mut exchange = Exchange::new(ExchangeOptions { symbols, channels, ..ExchangeOptions::default() }).unwrap();
        let mut injector = Injector::new(&FaultPlan::default(), &exchange);
        for fault in [Fault::Overlap, Fault::Overlap, Fault::Garbage] {
            injector.arm(0, fault);
        }
        let (mut batch, mut out) = (Batch::default(), Vec::new());
        while injector.symbols[0].diffs < 6 {
            batch.clear();
            assert!(exchange.advance(&mut batch));
            for frame in batch.frames().iter().filter(|frame| frame.channel == Channel::Depth) {
                injector.diff(&mut exchange, frame, batch.bytes(&frame.payload), &mut out);
            }
        }
        let struck: Vec<(u64, Fault)> =
            injector.journal().entries().into_iter().map(|entry| (entry.number, entry.fault)).collect();
        assert_eq!(struck, [(0, Fault::Overlap), (2, Fault::Overlap), (4, Fault::Garbage)]);
    }
}
