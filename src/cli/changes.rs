//! Purpose: what every book is worth, by what the conductor says of each. Owns: a subscription to `STATUS.BOOK`, the latest
//! quality of each book. Thread: main. Takes and gives: events in, a tally and entries out. Never: a lossless subscription: it
//! would hold the feed up.

use std::collections::BTreeMap;

use super::exit::{Cause, Failed};
use super::log::{Entry, Event};
use super::narrate;
use super::status::BookTally;
use crate::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use crate::engine::Engine;
use crate::schema::canonical_type::builtin;
use crate::schema::id::InstrumentId;
use crate::schema::quality::Quality;

/// The books.
pub(super) struct Changes {
    subscription: Subscription,
    quality: BTreeMap<InstrumentId, Quality>,
}

impl Changes {
    /// Subscribes; before the engine starts, so that nothing is missed.
    pub(super) fn of(engine: &Engine) -> Result<Changes, Failed> {
        let subscription = engine
            .bus()
            .subscribe(&[builtin::STATUS_BOOK], Filter::all(), SubscribeOptions::default())
            .map_err(|e| Failed::new(Cause::System, e.to_string()))?;
        Ok(Changes { subscription, quality: BTreeMap::new() })
    }

    /// Takes in what is new and gives what is worth a line.
    pub(super) fn poll(&mut self, engine: &Engine, mut tell: impl FnMut(Entry)) {
        let Changes { subscription, quality } = self;
        let directory = engine.directory();
        subscription.poll(usize::MAX, |delivery| match delivery {
            Delivery::Event(event) => {
                quality.insert(event.header().instrument(), event.header().quality());
                narrate::of_book(event, directory).into_iter().for_each(&mut tell);
            }
            Delivery::Lag(lag) => {
                let message = format!("{} events about books were missed here; counts of books may be off", lag.count);
                tell(Entry::new(Event::Missed, message).with("count", lag.count));
            }
        });
    }

    /// How many are worth what; `expected` are those that there should be at least.
    pub(super) fn tally(&self, expected: usize) -> BookTally {
        let mut by_quality: BTreeMap<Quality, usize> = BTreeMap::new();
        self.quality.values().for_each(|quality| *by_quality.entry(*quality).or_default() += 1);
        let good = by_quality.remove(&Quality::Good).unwrap_or_default();
        let total = expected.max(self.quality.len());
        let unheard = total - self.quality.len();
        if unheard > 0 {
            *by_quality.entry(Quality::Syncing).or_default() += unheard;
        }
        let others = by_quality.into_iter().map(|(quality, count)| (quality.name(), count)).collect();
        BookTally { good, total, others }
    }
}
