//! Purpose: commands judged: what each would change, or why it is refused. Owns: nothing beyond the duty. Thread: the control
//! duty's. Takes and gives: commands in, plans or refusals out. Never: changes anything.

use crate::directory::Directory;
use crate::dispatch::{InstrumentSet, Route};
use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::command::{Command, ControlCode, Filters};
use crate::schema::id::TypeId;

use super::duty::{CONSUMERS_MAX, Duty, SUBSCRIPTIONS_MAX};
use super::needs::{made, payloads_beside};
use super::streams::Now;
use super::who::Who;
use super::wish::{Asked, Lease, Refusal, Wish};

/// A change that was found sound and is not made yet.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) who: Who,
    /// Places in the consumer's list of subscriptions that end.
    pub(super) ends: Vec<usize>,
    pub(super) begins: Option<Wish>,
    /// A lease that is renewed, which is no change.
    pub(super) renews: Option<(usize, Lease)>,
}

impl Plan {
    /// Whether anything changes.
    pub fn changes(&self) -> bool {
        !self.ends.is_empty() || self.begins.is_some()
    }

    /// Whether there is anything to remember over a restart.
    pub fn is_worth_keeping(&self) -> bool {
        self.changes() || self.renews.is_some()
    }

    /// Whose it is.
    pub const fn who(&self) -> &Who {
        &self.who
    }
}

/// A subscription whose lease is over.
#[derive(Clone, Debug)]
pub struct Lapse {
    /// Whose it was.
    pub who: Who,
    /// Of which type.
    pub type_name: String,
    /// With which filters.
    pub filters: Filters,
}

impl Duty {
    /// Checks a command that is meant to change something. Changes nothing.
    ///
    /// # Errors
    /// The code and the message of the refusal.
    pub fn plan(&self, who: &Who, command: &Command, now: Now) -> Result<Plan, (ControlCode, String)> {
        let (name, type_id) = self.type_of(command.type_name())?;
        check_trace(command.trace_id())?;
        let mine = self.consumers.get(who).map_or(&[][..], Vec::as_slice);
        let of_type = || mine.iter().enumerate().filter(|(_, wish)| wish.type_id == type_id).map(|(at, _)| at);
        let mut plan = Plan { who: who.clone(), ends: Vec::new(), begins: None, renews: None };
        match command {
            Command::Subscribe { filters, lease_seconds, .. } => {
                let asked = self.asked(type_id, filters)?;
                let lease = lease_seconds.map(|seconds| Lease::read(seconds, now.unix_ns)).transpose()?;
                let same = mine.iter().position(|wish| wish.is(type_id, &asked.shown));
                if let Some(at) = same {
                    let seconds = |lease: &Option<Lease>| lease.map(|l| l.seconds);
                    if seconds(&mine[at].lease) == seconds(&lease) {
                        plan.renews = lease.map(|lease| (at, lease));
                        return Ok(plan);
                    }
                    plan.ends.push(at);
                } else {
                    self.check_room(who, mine.len())?;
                }
                plan.begins = Some(self.wish(name, type_id, asked, lease));
            }
            Command::Unsubscribe { filters: None, .. } => plan.ends = of_type().collect(),
            Command::Unsubscribe { filters: Some(filters), .. } => {
                // What was asked for before there was a list may be in no list.
                let shown = self.asked_of(type_id, filters, None)?.shown;
                plan.ends = of_type().filter(|at| mine[*at].is(type_id, &shown)).collect();
            }
            Command::UpdateFilters { filters, .. } => {
                let asked = self.asked(type_id, filters)?;
                plan.ends = of_type().collect();
                let Some(first) = plan.ends.first() else {
                    let message = format!("{} has no subscription to {name}: subscribe first", who.name());
                    return Err((ControlCode::NotSubscribed, message));
                };
                if plan.ends.len() == 1 && mine[*first].is(type_id, &asked.shown) {
                    plan.ends.clear();
                    return Ok(plan);
                }
                let leases: Option<Vec<Lease>> = plan.ends.iter().map(|at| mine[*at].lease).collect();
                // One without an end outlasts all.
                let lease = leases.and_then(|leases| leases.into_iter().max_by_key(|lease| lease.ends));
                plan.begins = Some(self.wish(name, type_id, asked, lease));
            }
            Command::ListRoutes | Command::ListSubscriptions | Command::Status | Command::Latency { .. } => {}
        }
        Ok(plan)
    }

    /// A plan that ends all subscriptions of a consumer; `None` when it has none.
    pub fn leaving(&self, who: &Who) -> Option<Plan> {
        let count = self.consumers.get(who)?.len();
        Some(Plan { who: who.clone(), ends: (0..count).collect(), begins: None, renews: None })
    }

    /// The subscription whose lease ended first by now, with the plan that ends it.
    pub fn lapsed(&self, now: Now) -> Option<(Lapse, Plan)> {
        let all =
            self.consumers.iter().flat_map(|(who, mine)| mine.iter().enumerate().map(move |(at, w)| (who, at, w)));
        let due = all.filter_map(|(who, at, wish)| Some((wish.lease?.ends, who, at, wish)));
        let (_, who, at, wish) = due.filter(|(ends, ..)| *ends <= now.unix_ns).min_by_key(|(ends, ..)| *ends)?;
        let lapse = Lapse { who: who.clone(), type_name: wish.name.to_string(), filters: wish.asked.shown.clone() };
        Some((lapse, Plan { who: who.clone(), ends: vec![at], begins: None, renews: None }))
    }

    /// The plan that ends the subscription of a consumer with these filters, for a lapse that is read from a journal.
    pub fn lapse_plan(&self, lapse: &Lapse) -> Option<Plan> {
        let mine = self.consumers.get(&lapse.who)?;
        let fits = |wish: &Wish| wish.name.as_str() == lapse.type_name && wish.asked.shown == lapse.filters;
        let at = mine.iter().position(fits)?;
        Some(Plan { who: lapse.who.clone(), ends: vec![at], begins: None, renews: None })
    }

    pub(super) fn type_of(&self, text: &str) -> Result<(CanonicalType, TypeId), Refusal> {
        let name = CanonicalType::parse(text).map_err(|e| (ControlCode::BadType, e.to_string()))?;
        if let Some(route) = self.routes.route(&name) {
            return Ok((name, route.type_id()));
        }
        match builtin::find(name.as_str()).filter(|id| made(*id).is_some()) {
            Some(id) => Ok((name, id)),
            None => {
                let message = format!("{name} has no route: `routes` lists the types that there are");
                Err((ControlCode::UnknownType, message))
            }
        }
    }

    fn asked(&self, type_id: TypeId, filters: &Filters) -> Result<Asked, Refusal> {
        self.asked_of(type_id, filters, self.listed.then_some(&*self.directory))
    }

    fn asked_of(&self, type_id: TypeId, filters: &Filters, listed: Option<&Directory>) -> Result<Asked, Refusal> {
        let own = self.route(type_id).map(Route::payload).or(made(type_id).map(|made| made.payload));
        let payloads: Vec<_> = own.into_iter().chain(payloads_beside(type_id).iter().copied()).collect();
        Asked::read(filters, &payloads, &self.markets, listed)
    }

    fn check_room(&self, who: &Who, mine: usize) -> Result<(), Refusal> {
        if mine >= SUBSCRIPTIONS_MAX {
            let message = format!("{} has {mine} subscriptions, the most there may be: join some", who.name());
            return Err((ControlCode::TooMany, message));
        }
        if mine == 0 && self.consumers.len() >= CONSUMERS_MAX {
            let message = format!("{CONSUMERS_MAX} consumers have subscriptions, the most there may be");
            return Err((ControlCode::TooMany, message));
        }
        Ok(())
    }

    pub(super) fn wish(&self, name: CanonicalType, type_id: TypeId, asked: Asked, lease: Option<Lease>) -> Wish {
        let instruments = if asked.reaches_all() { InstrumentSet::ALL } else { InstrumentSet::NONE };
        Wish { name, type_id, asked, lease, version: 0, instruments, streams: Vec::new() }
    }
}

fn check_trace(text: Option<&str>) -> Result<(), Refusal> {
    match text {
        Some(text) if super::audit::caller(text).is_none() => Err((
            ControlCode::BadTrace,
            format!("`{text}` is no trace: expected 32 hex digits, not all zero, or a W3C traceparent"),
        )),
        _ => Ok(()),
    }
}
