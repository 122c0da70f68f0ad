//! Purpose: which route poll is due, of which symbol: each poll at its interval, its symbols spread over it.
//! Owns: the polls' clocks and the symbols. Thread: the REST thread. Takes and gives: moments in, requests out.
//! Never: lets what was missed pile up: it is counted, and the next one is in time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::in_query;
use crate::schema::topic::{PollScope, SYMBOL_PLACEHOLDER, StreamKind};

/// One poll of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSpec {
    /// Its name, for people.
    pub name: String,
    /// Path and query, or a full URL, with [`SYMBOL_PLACEHOLDER`] where a symbol goes.
    pub endpoint: String,
    /// How often each symbol, or the whole, is fetched.
    pub interval: Duration,
    /// What its body is read as.
    pub kind: StreamKind,
}

impl PollSpec {
    fn per_symbol(&self) -> bool {
        self.endpoint.contains(SYMBOL_PLACEHOLDER)
    }
}

/// A request that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The poll's number.
    pub(super) at: usize,
    /// Path and query, or a full URL.
    pub(super) endpoint: String,
    /// What its body is read as.
    pub(super) kind: StreamKind,
}

#[derive(Clone, Debug)]
struct Clocked {
    spec: PollSpec,
    interval_ns: u64,
    /// When the next request is due.
    due: u64,
    /// The symbol asked for last.
    last: Option<Box<str>>,
    scope: PollScope,
}

/// The polls.
#[derive(Clone, Debug, Default)]
pub(super) struct Polls {
    polls: Vec<Clocked>,
    symbols: BTreeSet<Box<str>>,
}

impl Polls {
    /// Those of the routes, each with this scope at first. The first requests come spread over the first interval, too.
    pub(super) fn new(specs: Vec<PollSpec>, scope: &PollScope, now: u64) -> Polls {
        let clocked = |spec: PollSpec| {
            let interval_ns = u64::try_from(spec.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
            Clocked { spec, interval_ns, due: now, last: None, scope: scope.clone() }
        };
        Polls { polls: specs.into_iter().map(clocked).collect(), symbols: BTreeSet::new() }
    }

    /// A symbol is wanted from now on.
    pub(super) fn want(&mut self, symbol: &str) {
        self.symbols.insert(symbol.into());
    }

    /// No longer.
    pub(super) fn unwant(&mut self, symbol: &str) {
        self.symbols.remove(symbol);
    }

    /// Has the poll of this name run for these symbols from now on. What it missed while it was off is not made up for.
    pub(super) fn turn(&mut self, name: &str, scope: &PollScope, now: u64) {
        for poll in self.polls.iter_mut().filter(|poll| poll.spec.name == name && poll.scope != *scope) {
            if poll.scope == PollScope::Off {
                poll.due = poll.due.max(now);
            }
            poll.scope = scope.clone();
        }
    }

    /// How many symbols a poll asks for.
    fn symbols_of(&self, poll: &Clocked) -> u64 {
        match &poll.scope {
            PollScope::Off => 0,
            PollScope::All => self.symbols.len() as u64,
            PollScope::Symbols(wanted) => wanted.intersection(&self.symbols).count() as u64,
        }
    }

    /// Weight a minute that all of them take, as `weigh` weighs a request.
    pub(super) fn weight_a_minute(&self, weigh: impl Fn(&str) -> u64) -> u64 {
        let of = |poll: &Clocked| {
            let requests = if poll.spec.per_symbol() { self.symbols_of(poll) } else { 1 };
            let weight = weigh(&poll.spec.endpoint).saturating_mul(requests);
            u64::try_from(u128::from(weight) * 60_000_000_000 / u128::from(poll.interval_ns)).unwrap_or(u64::MAX)
        };
        self.polls.iter().filter(|poll| poll.scope != PollScope::Off).map(of).fold(0, u64::saturating_add)
    }

    /// When the next one is due; `None` when none ever is.
    pub(super) fn next(&self) -> Option<u64> {
        self.polls.iter().filter(|poll| self.step_of(poll).is_some()).map(|poll| poll.due).min()
    }

    /// Between two requests of a poll: its interval, divided among its symbols.
    fn step_of(&self, poll: &Clocked) -> Option<u64> {
        match (poll.spec.per_symbol(), self.symbols_of(poll)) {
            _ if poll.scope == PollScope::Off => None,
            (false, _) => Some(poll.interval_ns),
            (true, 0) => None,
            (true, symbols) => Some((poll.interval_ns / symbols).max(1)),
        }
    }

    /// The request that has been due longest.
    pub(super) fn due(&self, now: u64) -> Option<Due> {
        let of = |(at, poll): (usize, &Clocked)| {
            self.step_of(poll).filter(|_| poll.due <= now)?;
            Some((poll.due, at))
        };
        let (_, at) = self.polls.iter().enumerate().filter_map(of).min()?;
        let spec = &self.polls[at].spec;
        let endpoint = match self.symbol_after(&self.polls[at]) {
            Some(symbol) => spec.endpoint.replace(SYMBOL_PLACEHOLDER, &in_query(symbol)),
            None => spec.endpoint.clone(),
        };
        Some(Due { at, endpoint, kind: spec.kind })
    }

    /// The symbol whose turn it is: in order of names, round and round, whoever comes or goes meanwhile.
    fn symbol_after(&self, poll: &Clocked) -> Option<&str> {
        if !poll.spec.per_symbol() {
            return None;
        }
        use std::ops::Bound::{Excluded, Unbounded};
        let last: &str = poll.last.as_deref().unwrap_or_default();
        let wanted = |symbol: &&str| match &poll.scope {
            PollScope::Off => false,
            PollScope::All => true,
            PollScope::Symbols(of) => of.contains(*symbol),
        };
        let after = self.symbols.range::<str, _>((Excluded(last), Unbounded)).map(|symbol| &**symbol).find(wanted);
        after.or_else(|| self.symbols.iter().map(|symbol| &**symbol).find(wanted))
    }

    /// The request of this poll that is due has left, or was given up: the next one. Gives how many were missed before it.
    pub(super) fn done(&mut self, at: usize, now: u64) -> u64 {
        let Some(step) = self.polls.get(at).and_then(|poll| self.step_of(poll)) else { return 0 };
        let symbol = self.symbol_after(&self.polls[at]).map(Box::from);
        let poll = &mut self.polls[at];
        poll.last = symbol;
        let missed = now.saturating_sub(poll.due) / step;
        poll.due = poll.due.saturating_add(step.saturating_mul(missed.saturating_add(1)));
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn spec(endpoint: &str, seconds: u64) -> PollSpec {
        PollSpec {
            name: endpoint.to_owned(),
            endpoint: endpoint.to_owned(),
            interval: Duration::from_secs(seconds),
            kind: StreamKind::Ticker,
        }
    }

    /// Serves what is due at each millisecond: when, what. `busy` says when nothing can be served.
    fn run(polls: &mut Polls, until: u64, busy: impl Fn(u64) -> bool) -> (Vec<(u64, String)>, u64) {
        let (mut served, mut missed) = (Vec::new(), 0);
        for now in (0..until).step_by(1_000_000) {
            while let Some(due) = polls.due(now).filter(|_| !busy(now)) {
                served.push((now, due.endpoint));
                missed += polls.done(due.at, now);
            }
        }
        (served, missed)
    }

    #[test]
    fn each_symbol_is_asked_for_once_an_interval_and_they_are_spread_over_it() {
        let mut polls = Polls::new(vec![spec("/a?symbol={symbol}", 10)], &PollScope::All, 0);
        for symbol in ["C", "A", "B", "D"] {
            polls.want(symbol);
        }
        let (served, missed) = run(&mut polls, 40 * SECOND, |_| false);
        assert_eq!((served.len(), missed), (16, 0));
        for (n, (at, endpoint)) in served.iter().enumerate() {
            assert_eq!(*at, n as u64 * 10 * SECOND / 4);
            assert_eq!(*endpoint, format!("/a?symbol={}", ["A", "B", "C", "D"][n % 4]));
        }
    }

    #[test]
    fn without_a_placeholder_one_request_serves_all() {
        let mut polls = Polls::new(vec![spec("/all", 5), spec("/a?s={symbol}", 1)], &PollScope::All, 0);
        let (served, _) = run(&mut polls, 20 * SECOND, |_| false);
        assert_eq!(served.len(), 4, "and what needs symbols waits for some: {served:?}");
        assert_eq!(polls.next(), Some(20 * SECOND));
    }

    #[test]
    fn what_was_missed_is_counted_and_does_not_pile_up() {
        let mut polls = Polls::new(vec![spec("/a?symbol={symbol}", 2)], &PollScope::All, 0);
        polls.want("A");
        polls.want("B");
        let busy = |now: u64| (5 * SECOND..15 * SECOND).contains(&now);
        let (served, missed) = run(&mut polls, 20 * SECOND, busy);
        assert_eq!(served.len() as u64 + missed, 20, "one a second, served or missed");
        let after = served.iter().filter(|(at, _)| *at >= 15 * SECOND).count();
        assert_eq!(after, 5, "no burst behind the silence: {served:?}");
        let turns: Vec<&str> = served.iter().map(|(_, e)| &e[e.len() - 1..]).collect();
        assert!(turns.windows(2).all(|w| w[0] != w[1]), "each symbol keeps its turn: {turns:?}");
    }

    #[test]
    fn symbols_come_and_go() {
        let mut polls = Polls::new(vec![spec("/a?symbol={symbol}", 1)], &PollScope::All, 0);
        polls.want("B");
        assert_eq!(polls.due(0).unwrap().endpoint, "/a?symbol=B");
        polls.done(0, 0);
        polls.want("A");
        polls.want("币");
        assert_eq!(polls.due(SECOND).unwrap().endpoint, "/a?symbol=%E5%B8%81", "the one after B, escaped");
        polls.done(0, SECOND);
        polls.unwant("币");
        assert_eq!(polls.due(9 * SECOND).unwrap().endpoint, "/a?symbol=A");
        polls.unwant("A");
        polls.unwant("B");
        assert_eq!((polls.due(9 * SECOND), polls.next(), polls.done(0, 9 * SECOND)), (None, None, 0));
    }

    #[test]
    fn what_is_turned_off_rests_and_comes_back_without_a_backlog() {
        let mut polls = Polls::new(vec![spec("/all", 2), spec("/other", 2)], &PollScope::All, 0);
        polls.turn("/all", &PollScope::Off, 0);
        polls.turn("/nobody", &PollScope::Off, 0);
        let (served, missed) = run(&mut polls, 10 * SECOND, |_| false);
        assert_eq!((served.iter().filter(|(_, e)| e == "/all").count(), served.len(), missed), (0, 5, 0));
        polls.turn("/all", &PollScope::All, 11 * SECOND);
        polls.turn("/all", &PollScope::All, 12 * SECOND);
        assert_eq!(polls.due(11 * SECOND).map(|due| due.endpoint), Some("/other".to_owned()));
        polls.done(1, 11 * SECOND);
        assert_eq!(polls.due(11 * SECOND).map(|due| due.endpoint), Some("/all".to_owned()));
        assert_eq!(polls.done(0, 11 * SECOND), 0, "nothing was missed while nobody wanted it");
    }

    #[test]
    fn only_symbols_that_somebody_wants_are_asked_for_each_once_an_interval() {
        let mut polls = Polls::new(vec![spec("/a?symbol={symbol}", 10)], &PollScope::Off, 0);
        for symbol in ["A", "B", "C", "D"] {
            polls.want(symbol);
        }
        assert_eq!(run(&mut polls, 20 * SECOND, |_| false), (Vec::new(), 0));
        let two: PollScope = PollScope::Symbols(["B", "D", "unlisted"].map(Box::from).into());
        polls.turn("/a?symbol={symbol}", &two, 0);
        assert_eq!(polls.weight_a_minute(|_| 2), 2 * 2 * 6);
        let (served, missed) = run(&mut polls, 20 * SECOND, |_| false);
        let names: Vec<&str> = served.iter().map(|(_, endpoint)| &endpoint[10..]).collect();
        assert_eq!((names, missed), (vec!["B", "D", "B", "D"], 0));
        polls.unwant("B");
        polls.turn("/a?symbol={symbol}", &PollScope::Symbols(["B".into()].into()), 20 * SECOND);
        assert_eq!((polls.due(99 * SECOND), polls.next()), (None, None), "nobody that is listed");
    }

    #[test]
    fn the_weight_of_all_is_told_a_minute() {
        let mut polls = Polls::new(vec![spec("/a?symbol={symbol}", 10), spec("/all", 60)], &PollScope::All, 0);
        let weigh = |endpoint: &str| if endpoint == "/all" { 80 } else { 2 };
        assert_eq!(polls.weight_a_minute(weigh), 80);
        (0..100).for_each(|n| polls.want(&format!("S{n}")));
        assert_eq!(polls.weight_a_minute(weigh), 80 + 2 * 100 * 6);
    }
}
