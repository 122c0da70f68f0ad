//! Purpose: what exchangeInfo has said of each instrument, so that only what changes is told.
//! Owns: the state told last, by instrument. Thread: the io thread (cold). Takes and gives: catalogues in, changes out.
//! Never: calls an instrument gone because a list was not whole, or an entry of it could not be read.

use std::collections::BTreeMap;

use crate::schema::id::{InstrumentId, Market};
use crate::schema::instrument::{Trading, VenueState};

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// `Open` stands here too: only who was listed can be missing later.
    states: BTreeMap<(Market, InstrumentId), VenueState>,
}

impl Listed {
    /// Takes a list in. `complete`: whoever is not on it is listed no more. Gives what is news, by instrument.
    pub(super) fn update(
        &mut self,
        market: Market,
        listed: &[(InstrumentId, Trading)],
        complete: bool,
    ) -> Vec<(InstrumentId, VenueState)> {
        let mut news = BTreeMap::new();
        if complete && !listed.is_empty() {
            let known = self.states.iter().filter(|((of, _), state)| *of == market && **state != VenueState::Gone);
            news.extend(known.map(|((_, id), _)| (*id, VenueState::Gone)));
        }
        for (id, trading) in listed {
            let state = if *trading == Trading::Open { VenueState::Open } else { VenueState::Halted };
            let before = self.states.get(&(market, *id)).copied().unwrap_or_default();
            // An instrument that is listed twice is what its last entry says.
            news.remove(id);
            if state != before {
                news.insert(*id, state);
            }
            self.states.entry((market, *id)).or_insert(VenueState::Open);
        }
        for (id, state) in &news {
            self.states.insert((market, *id), *state);
        }
        news.into_iter().collect()
    }

    /// The venue knows the symbol no more (-1121). Gives whether that is news.
    pub(super) fn gone(&mut self, market: Market, id: InstrumentId) -> bool {
        self.states.insert((market, id), VenueState::Gone) != Some(VenueState::Gone)
    }
}

#[cfg(test)]
mod tests {
    use super::VenueState::{Gone, Halted, Open};
    use super::*;

    const SPOT: Market = Market::BinanceSpot;

    fn list(entries: &[(u32, bool)]) -> Vec<(InstrumentId, Trading)> {
        let trading = |open| if open { Trading::Open } else { Trading::Halted };
        entries.iter().map(|(id, open)| (InstrumentId(*id), trading(*open))).collect()
    }

    #[test]
    fn only_what_changes_is_told_and_only_a_whole_list_takes_away() {
        type Step<'a> = (&'a str, &'a [(u32, bool)], bool, &'a [(u32, VenueState)]);
        let steps: &[Step<'_>] = &[
            ("open is what one expects", &[(1, true), (2, false), (3, true)], true, &[(2, Halted)]),
            ("nothing new", &[(1, true), (2, false), (3, true)], true, &[]),
            ("both ways", &[(1, false), (2, true), (3, true)], true, &[(1, Halted), (2, Open)]),
            ("a list of a few takes nothing away", &[(1, false)], false, &[]),
            ("an empty list is none", &[], true, &[]),
            ("one is missing", &[(1, false), (3, true)], true, &[(2, Gone)]),
            ("once", &[(1, false), (3, true)], true, &[]),
            ("listed again, not trading yet", &[(1, false), (2, false), (3, true)], true, &[(2, Halted)]),
            ("listed twice: the last entry", &[(1, false), (2, false), (3, true), (3, false)], true, &[(3, Halted)]),
            ("all but one", &[(4, true)], true, &[(1, Gone), (2, Gone), (3, Gone)]),
            ("listed again and trading", &[(1, true), (4, true)], true, &[(1, Open)]),
        ];
        let mut listed = Listed::default();
        for (name, entries, complete, expected) in steps {
            let news = listed.update(SPOT, &list(entries), *complete);
            let news: Vec<(u32, VenueState)> = news.into_iter().map(|(id, state)| (id.0, state)).collect();
            assert_eq!(news, *expected, "{name}");
        }
        let other = listed.update(Market::BinanceUsdm, &list(&[(9, true)]), true);
        assert!(other.is_empty(), "one market's list says nothing of another's");
    }

    #[test]
    fn a_symbol_that_the_venue_does_not_know_is_gone_until_it_is_listed() {
        let mut listed = Listed::default();
        listed.update(SPOT, &list(&[(1, true)]), true);
        assert!(listed.gone(SPOT, InstrumentId(1)));
        assert!(!listed.gone(SPOT, InstrumentId(1)));
        assert_eq!(listed.update(SPOT, &list(&[(1, true)]), true), [(InstrumentId(1), Open)]);
        assert!(listed.gone(SPOT, InstrumentId(7)), "also one that no list has named");
    }
}
