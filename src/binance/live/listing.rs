//! Purpose: which instruments' streams are wanted, from what exchangeInfo says and what was asked for; what a refresh changes.
//! Owns: what is subscribed. Thread: the io thread (cold). Takes and gives: catalogues in, changes out.
//! Never: takes a stream away because its instrument is halted: silence is not death.

use std::collections::{BTreeMap, BTreeSet};

use crate::binance::catalogue::Catalogue;
use crate::schema::instrument::{Instrument, Trading};

/// What a catalogue changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Symbols to subscribe, in the venue's order.
    pub(super) add: Vec<Box<str>>,
    /// Symbols that the venue dropped.
    pub(super) remove: Vec<Box<str>>,
    /// Symbols that began or ended to trade since the last catalogue, with whether they trade now.
    pub(super) turned: Vec<(Box<str>, bool)>,
    /// Wanted names that are not listed, or do not trade.
    pub(super) missing: Vec<String>,
}

/// What is subscribed.
#[derive(Debug)]
pub(super) struct Listing {
    wanted: Vec<String>,
    quote: Option<String>,
    /// Subscribed symbols, with whether they trade.
    subscribed: BTreeMap<Box<str>, bool>,
    missing: BTreeSet<String>,
}

impl Listing {
    /// Of these names (canonical or symbols, uppercase; none: all), or of this quote asset.
    pub(super) fn new(wanted: Vec<String>, quote: Option<String>) -> Listing {
        Listing { wanted, quote, subscribed: BTreeMap::new(), missing: BTreeSet::new() }
    }

    /// The symbols that are subscribed.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &str> {
        self.subscribed.keys().map(|symbol| &**symbol)
    }

    /// The symbols that the names wanted most likely have, for want of a list: a canonical name without its dash.
    pub(super) fn guessed(&self) -> Vec<String> {
        self.wanted.iter().map(|name| name.replacen('-', "", 1)).collect()
    }

    /// The venue knows the symbol no more, whatever its list said: whether it was subscribed.
    pub(super) fn remove(&mut self, symbol: &str) -> bool {
        self.subscribed.remove(symbol).is_some()
    }

    fn wants(&self, instrument: &Instrument) -> bool {
        if !self.wanted.is_empty() {
            return self.wanted.iter().any(|name| **name == *instrument.name || **name == *instrument.symbol);
        }
        let quote = |quote: &String| instrument.name.rsplit_once('-').is_some_and(|(_, q)| q == quote);
        self.quote.as_ref().is_none_or(quote)
    }

    /// Takes a new catalogue in.
    pub(super) fn update(&mut self, catalogue: &Catalogue) -> Changes {
        let mut changes = Changes::default();
        let mut listed = BTreeSet::new();
        let mut found = BTreeSet::new();
        for instrument in &catalogue.instruments {
            let open = instrument.trading == Trading::Open;
            listed.insert(&*instrument.symbol);
            if !self.wants(instrument) {
                continue;
            }
            match self.subscribed.get_mut(&*instrument.symbol) {
                Some(was) if *was != open => {
                    *was = open;
                    changes.turned.push((instrument.symbol.clone(), open));
                }
                Some(_) => {}
                None if open => {
                    self.subscribed.insert(instrument.symbol.clone(), true);
                    changes.add.push(instrument.symbol.clone());
                }
                None => continue,
            }
            found.extend([&*instrument.name, &*instrument.symbol]);
        }
        // An entry that cannot be read may be anybody's: then nobody is missing.
        let complete = catalogue.skipped.is_empty() && !listed.is_empty();
        self.subscribed.retain(|symbol, _| {
            let there = !complete || listed.contains(&**symbol);
            if !there {
                changes.remove.push(symbol.clone());
            }
            there
        });
        let missing: BTreeSet<String> = self.wanted.iter().filter(|n| !found.contains(n.as_str())).cloned().collect();
        changes.missing = missing.difference(&self.missing).cloned().collect();
        self.missing = missing;
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::id::Market;

    fn catalogue(entries: &[(&str, &str, bool)]) -> Catalogue {
        let instruments = entries
            .iter()
            .map(|(base, quote, open)| {
                let trading = if *open { Trading::Open } else { Trading::Halted };
                Instrument::listed(Market::BinanceSpot, &format!("{base}{quote}"), base, quote, trading)
            })
            .collect();
        Catalogue { market: Market::BinanceSpot, instruments, skipped: Vec::new(), weight_per_minute: None }
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn only_what_is_wanted_and_trades_is_subscribed() {
        let all = catalogue(&[("BTC", "USDT", true), ("ETH", "BTC", true), ("OLD", "USDT", false)]);
        type Case<'a> = (&'a [&'a str], Option<&'a str>, &'a [&'a str], &'a [&'a str]);
        let table: [Case<'_>; 6] = [
            (&[], None, &["BTCUSDT", "ETHBTC"], &[]),
            (&[], Some("USDT"), &["BTCUSDT"], &[]),
            (&["ETH-BTC"], Some("USDT"), &["ETHBTC"], &[]),
            (&["BTCUSDT", "ETH-BTC"], None, &["BTCUSDT", "ETHBTC"], &[]),
            (&["OLD-USDT", "NONE-USDT"], None, &[], &["NONE-USDT", "OLD-USDT"]),
            (&[], Some("BTC"), &["ETHBTC"], &[]),
        ];
        for (wanted, quote, add, missing) in table {
            let changes = Listing::new(names(wanted), quote.map(str::to_owned)).update(&all);
            assert_eq!(changes.add.iter().map(|s| &**s).collect::<Vec<_>>(), add, "{wanted:?} {quote:?}");
            assert_eq!(changes.missing, missing, "{wanted:?} {quote:?}");
        }
    }

    #[test]
    fn names_are_guessed_for_want_of_a_list() {
        let listing = Listing::new(names(&["BTC-USDT", "ETHBTC", "BTC-USDT_260925"]), None);
        assert_eq!(listing.guessed(), ["BTCUSDT", "ETHBTC", "BTCUSDT_260925"]);
        assert!(Listing::new(Vec::new(), Some("USDT".to_owned())).guessed().is_empty());
    }

    #[test]
    fn a_refresh_tells_only_what_changed() {
        let mut listing = Listing::new(names(&["A-USDT", "B-USDT", "C-USDT"]), None);
        let first = listing.update(&catalogue(&[("A", "USDT", true), ("B", "USDT", true)]));
        assert_eq!((first.add.len(), first.missing), (2, names(&["C-USDT"])));
        let same = listing.update(&catalogue(&[("A", "USDT", true), ("B", "USDT", true)]));
        assert_eq!(same, Changes::default());
        let next = listing.update(&catalogue(&[("A", "USDT", false), ("C", "USDT", true)]));
        let expected = Changes {
            add: vec!["CUSDT".into()],
            remove: vec!["BUSDT".into()],
            turned: vec![("AUSDT".into(), false)],
            missing: names(&["B-USDT"]),
        };
        assert_eq!(next, expected);
    }

    #[test]
    fn what_is_gone_comes_back_when_it_is_listed_again_and_a_list_with_holes_takes_nothing_away() {
        let mut listing = Listing::new(Vec::new(), None);
        let both = catalogue(&[("A", "USDT", true), ("B", "USDT", true)]);
        listing.update(&both);
        assert!(listing.remove("AUSDT") && !listing.remove("AUSDT"));
        assert_eq!(listing.update(&both).add, ["AUSDT".into()]);
        let skipped = vec![crate::binance::catalogue::Skipped { at: 0, reason: "unreadable" }];
        let holed = Catalogue { skipped, ..catalogue(&[("B", "USDT", true)]) };
        assert_eq!(listing.update(&holed), Changes::default());
        assert_eq!(listing.update(&catalogue(&[])), Changes::default(), "an empty list is none");
        assert_eq!(listing.update(&catalogue(&[("B", "USDT", true)])).remove, ["AUSDT".into()]);
    }
}
