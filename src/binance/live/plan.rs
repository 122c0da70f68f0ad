//! Purpose: which stream goes over which connection: streams of one symbol together, connections evenly filled.
//! Owns: what is placed where. Thread: the io thread. Takes and gives: stream names. Never: puts more streams on a
//! connection than the venue allows, moves a stream that is placed.

use std::collections::HashMap;

/// The most streams of a connection (binance.md, section 2).
pub const STREAMS_MAX: usize = 1_024;

/// Streams over connections. A place is a connection's number from 0; the number stays when the connection is renewed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Streams on each place.
    filled: Vec<usize>,
    places: HashMap<Box<str>, usize>,
    spread: usize,
    streams_max: usize,
}

impl Plan {
    /// Spreads over `spread` connections, and over more when they are full. Both bounds are at least 1.
    pub(super) fn new(spread: usize, streams_max: usize) -> Plan {
        let streams_max = streams_max.clamp(1, STREAMS_MAX);
        Plan { filled: Vec::new(), places: HashMap::new(), spread: spread.max(1), streams_max }
    }

    /// Places the streams of one symbol on one connection; those that are placed already stay. Calls `placed` for each
    /// that is new, with its place.
    pub(super) fn want(&mut self, names: &[String], mut placed: impl FnMut(usize, &str)) {
        for part in names.chunks(self.streams_max) {
            let new = part.iter().filter(|name| !self.places.contains_key(name.as_str())).count();
            if new == 0 {
                continue;
            }
            let beside = part.iter().find_map(|name| self.places.get(name.as_str()).copied());
            let place =
                beside.filter(|at| self.filled[*at] + new <= self.streams_max).unwrap_or_else(|| self.room(new));
            for name in part {
                // A name that stands twice in the list is placed once.
                if !self.places.contains_key(name.as_str()) {
                    self.places.insert(name.as_str().into(), place);
                    self.filled[place] += 1;
                    placed(place, name);
                }
            }
        }
    }

    /// Takes a stream out: where it was.
    pub(super) fn unwant(&mut self, name: &str) -> Option<usize> {
        let place = self.places.remove(name)?;
        self.filled[place] -= 1;
        Some(place)
    }

    /// The emptiest connection with room for so many, opened if need be.
    fn room(&mut self, new: usize) -> usize {
        if self.filled.len() < self.spread {
            self.filled.push(0);
            return self.filled.len() - 1;
        }
        let emptiest = (0..self.filled.len())
            .min_by_key(|at| self.filled[*at])
            .filter(|at| self.filled[*at] + new <= self.streams_max);
        emptiest.unwrap_or_else(|| {
            self.filled.push(0);
            self.filled.len() - 1
        })
    }

    /// How many connections are needed.
    pub(super) fn connections(&self) -> usize {
        self.filled.len()
    }

    /// How many streams are placed.
    pub(super) fn streams(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(symbol: usize, streams: usize) -> Vec<String> {
        (0..streams).map(|n| format!("s{symbol}@x{n}")).collect()
    }

    #[test]
    fn symbols_stay_together_and_connections_fill_evenly_within_the_limit() {
        // symbols, streams each, spread, limit → connections
        let table = [
            (1, 3, 1, 1_024, 1),
            (1, 3, 4, 1_024, 1),
            (10, 3, 4, 1_024, 4),
            (1_000, 3, 1, 1_024, 3),
            (1_000, 3, 4, 1_024, 4),
            (341, 3, 1, 1_024, 1),
            (342, 3, 1, 1_024, 2),
            (3, 5, 1, 5, 3),
            (2, 5_000, 1, 9_999, 10),
        ];
        for (symbols, streams, spread, limit, connections) in table {
            let (mut plan, mut per_place) = (Plan::new(spread, limit), HashMap::<usize, usize>::new());
            for symbol in 0..symbols {
                let mut places = Vec::new();
                plan.want(&names(symbol, streams), |place, _| places.push(place));
                assert_eq!(places.len(), streams);
                if streams <= limit.min(STREAMS_MAX) {
                    assert!(places.iter().all(|p| *p == places[0]), "symbol {symbol} is torn apart");
                }
                places.into_iter().for_each(|p| *per_place.entry(p).or_default() += 1);
            }
            assert_eq!(plan.connections(), connections, "{symbols} x {streams} over {spread} of {limit}");
            assert_eq!(plan.streams(), symbols * streams);
            let (most, least) = (per_place.values().max().unwrap(), per_place.values().min().unwrap());
            assert!(*most <= limit.min(STREAMS_MAX));
            if spread > 1 {
                assert!(most - least <= streams, "{per_place:?}");
            }
        }
    }

    #[test]
    fn what_is_placed_stays_and_what_is_taken_out_makes_room() {
        let mut plan = Plan::new(1, 4);
        let mut seen = Vec::new();
        plan.want(&names(0, 3), |place, name| seen.push((place, name.to_owned())));
        plan.want(&names(0, 3), |_, name| panic!("{name} is placed already"));
        plan.want(&names(0, 4), |place, name| assert_eq!((place, name), (0, "s0@x3"), "beside its siblings"));
        plan.want(&["a".to_owned(), "a".to_owned()], |place, _| assert_eq!(place, 1));
        assert_eq!((plan.unwant("s0@x1"), plan.unwant("s0@x1"), plan.unwant("b")), (Some(0), None, None));
        plan.want(&["c".to_owned()], |place, _| assert_eq!(place, 1, "the emptiest"));
        assert_eq!(plan.streams(), 5);
    }
}
