//! Purpose: which stream goes over which connection: streams of one symbol together as far as they come through one
//! door, connections evenly filled.
//! Owns: what is placed where. Thread: the io thread. Takes and gives: stream names. Never: puts more streams on a
//! connection than the venue allows, or streams of two doors; moves a stream that is placed.

use std::collections::HashMap;

use super::venue_rules::VenueRules;
use crate::schema::topic::StreamName;

/// The most streams of a connection of any market (binance.md, section 2).
pub const STREAMS_MAX: usize = 1_024;

/// One place: a connection, however often it is renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Its number, from 0.
    pub(super) number: usize,
    /// The door that its connection goes through.
    pub(super) door: usize,
    /// The io thread that has it.
    pub(super) thread: usize,
}

/// A place, and how many streams it has.
#[derive(Clone, Copy, Debug)]
struct Site {
    place: Place,
    filled: usize,
}

fn is_book(name: &str) -> bool {
    StreamName::parse(name).is_some_and(|name| name.topic.kind.is_book())
}

/// Streams over connections, connections over io threads.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    rules: &'static VenueRules,
    sites: Vec<Site>,
    places: HashMap<Box<str>, usize>,
    /// Streams that feed a book.
    books: usize,
    spread: usize,
    streams_max: usize,
    threads: usize,
}

impl Plan {
    /// Spreads over `spread` connections through each door, at least one for each of so many io threads, and over more when
    /// they are full. All bounds are at least 1.
    pub(super) fn new(rules: &'static VenueRules, spread: usize, streams_max: usize, threads: usize) -> Plan {
        let (streams_max, threads) = (streams_max.clamp(1, STREAMS_MAX), threads.max(1));
        let (sites, places) = (Vec::new(), HashMap::new());
        Plan { rules, sites, places, books: 0, spread: spread.max(threads), streams_max, threads }
    }

    /// Places the streams of one symbol on one connection a door; those that are placed already stay. Calls `placed` for
    /// each that is new, with its place.
    pub(super) fn want(&mut self, names: &[String], mut placed: impl FnMut(Place, &str)) {
        for door in 0..self.rules.doors.len() {
            let behind: Vec<&str> =
                names.iter().map(String::as_str).filter(|name| self.rules.door_of(name) == door).collect();
            self.want_behind(door, &behind, &mut placed);
        }
    }

    fn want_behind(&mut self, door: usize, names: &[&str], placed: &mut impl FnMut(Place, &str)) {
        for part in names.chunks(self.streams_max) {
            let new = part.iter().filter(|name| !self.places.contains_key(**name)).count();
            if new == 0 {
                continue;
            }
            let beside = part.iter().find_map(|name| self.places.get(*name).copied());
            let fits = |at: &usize| self.sites[*at].filled + new <= self.streams_max;
            let place = beside.filter(fits).unwrap_or_else(|| self.room(door, new));
            for name in part {
                // A name that stands twice in the list is placed once.
                if !self.places.contains_key(*name) {
                    self.places.insert((*name).into(), place);
                    self.sites[place].filled += 1;
                    self.books += usize::from(is_book(name));
                    placed(self.sites[place].place, name);
                }
            }
        }
    }

    /// Takes a stream out: where it was.
    pub(super) fn unwant(&mut self, name: &str) -> Option<Place> {
        let site = &mut self.sites[self.places.remove(name)?];
        site.filled -= 1;
        self.books -= usize::from(is_book(name));
        Some(site.place)
    }

    /// How many books are fed.
    pub(super) const fn books(&self) -> usize {
        self.books
    }

    /// The emptiest connection through a door with room for so many, opened if need be.
    fn room(&mut self, door: usize, new: usize) -> usize {
        let through = || self.sites.iter().enumerate().filter(|(_, site)| site.place.door == door);
        let emptiest = through().min_by_key(|(_, site)| site.filled);
        let fits = |(_, site): &(usize, &Site)| site.filled + new <= self.streams_max;
        if let Some((at, _)) = emptiest.filter(fits).filter(|_| through().count() >= self.spread) {
            return at;
        }
        // Each door's connections go round the io threads.
        let (number, thread) = (self.sites.len(), through().count() % self.threads);
        self.sites.push(Site { place: Place { number, door, thread }, filled: 0 });
        number
    }

    /// How many connections are needed.
    pub(super) fn connections(&self) -> usize {
        self.sites.len()
    }

    /// How many streams are placed.
    pub(super) fn streams(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::id::Market;

    fn spot(spread: usize, streams_max: usize) -> Plan {
        Plan::new(VenueRules::of(Market::BinanceSpot), spread, streams_max, 1)
    }

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
            let (mut plan, mut per_place) = (spot(spread, limit), HashMap::<usize, usize>::new());
            for symbol in 0..symbols {
                let mut places = Vec::new();
                plan.want(&names(symbol, streams), |place, _| places.push(place.number));
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
        let mut plan = spot(1, 4);
        let mut seen = Vec::new();
        plan.want(&names(0, 3), |place, name| seen.push((place, name.to_owned())));
        plan.want(&names(0, 3), |_, name| panic!("{name} is placed already"));
        plan.want(&names(0, 4), |place, name| assert_eq!((place.number, name), (0, "s0@x3"), "beside its siblings"));
        plan.want(&["a".to_owned(), "a".to_owned()], |place, _| assert_eq!(place.number, 1));
        assert_eq!(
            (plan.unwant("s0@x1"), plan.unwant("s0@x1"), plan.unwant("b")),
            (Some(Place::default()), None, None)
        );
        plan.want(&["c".to_owned()], |place, _| assert_eq!(place.number, 1, "the emptiest"));
        assert_eq!(plan.streams(), 5);
    }

    #[test]
    fn streams_of_two_doors_never_share_a_connection() {
        for (spread, limit) in [(1, 200), (2, 200), (1, 6)] {
            let rules = VenueRules::of(Market::BinanceUsdm);
            let (mut plan, mut doors) = (Plan::new(rules, spread, limit, 1), HashMap::<usize, usize>::new());
            for symbol in 0..100 {
                let topics = ["depth@100ms", "aggTrade", "bookTicker", "markPrice@1s", "trade", "kline_1m"];
                let names: Vec<String> = topics.iter().map(|topic| format!("s{symbol}@{topic}")).collect();
                let mut together: Vec<(usize, usize)> = Vec::new();
                plan.want(&names, |place, name| {
                    let door = rules.door_of(name);
                    assert_eq!(*doors.entry(place.number).or_insert(door), door, "{name} on {place:?}");
                    assert_eq!(place.door, door);
                    together.push((door, place.number));
                });
                together.dedup();
                assert_eq!(together.len(), 2, "a symbol's streams of one door stay together: {together:?}");
            }
            assert_eq!(plan.connections(), (2 * spread).max(2 * 300_usize.div_ceil(limit)));
        }
    }

    #[test]
    fn each_doors_connections_go_round_the_io_threads_and_a_symbol_stays_on_one() {
        for (market, doors) in [(Market::BinanceSpot, 1), (Market::BinanceUsdm, 2)] {
            for (spread, threads, connections) in [(1, 2, 2), (5, 2, 5), (3, 3, 3), (1, 1, 1)] {
                let mut plan = Plan::new(VenueRules::of(market), spread, 200, threads);
                let mut found = HashMap::<(usize, usize), Vec<usize>>::new();
                for symbol in 0..30 {
                    let names = ["depth", "bookTicker", "aggTrade"].map(|topic| format!("s{symbol}@{topic}"));
                    plan.want(&names, |place, _| {
                        found.entry((place.door, place.thread)).or_default().push(place.number)
                    });
                }
                assert_eq!(plan.connections(), connections * doors, "{market}, {spread} over {threads}");
                assert_eq!(found.len(), threads * doors, "every io thread serves every door: {found:?}");
            }
        }
    }
}
