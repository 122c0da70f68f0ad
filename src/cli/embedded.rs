//! Purpose: the simulated venue that a run starts for itself: on the loopback, on a free port, under TLS by an authority of its
//! own, which the feed is handed in memory. Owns: the venue. Thread: main; the venue has its own.
//! Takes and gives: a configuration in, where it is and what it saw out. Never: listens where others can reach it.

use std::time::Duration;

use super::exit::{Cause, Failed};
use super::live::Elsewhere;
use super::log::Entry;
use super::seen::{seen, seen_entry};
use super::simulated::{IDS_KEPT, spot_only, symbols};
use super::venue::failed;
use crate::config::Loaded;
use crate::sim::options::ExchangeOptions;
use crate::sim::oracle::Retain;
use crate::sim::venue::{TlsOptions, Venue, VenueFault, VenueOptions};

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The venue.
pub(super) struct Embedded {
    venue: Venue,
    place: Elsewhere,
    symbols: usize,
}

impl Embedded {
    /// Starts it with the symbols, rate and seed that are configured; it listens when this returns.
    pub(super) fn start(loaded: &Loaded) -> Result<Embedded, Failed> {
        spot_only(loaded)?;
        let sim = &loaded.config.sim;
        let listed = symbols(&loaded.config)?;
        let symbols = listed.len();
        let tls = TlsOptions::loopback().map_err(|e| Failed::new(Cause::System, e.to_string()))?;
        let defaults = VenueOptions::default();
        let venue = Venue::start(VenueOptions {
            exchange: ExchangeOptions {
                seed: sim.seed,
                symbols: listed,
                retain: Retain::Last(IDS_KEPT),
                ..defaults.exchange
            },
            frames_per_second: Some(sim.rate.saturating_mul(symbols as u32)),
            tls: Some(tls),
            ..defaults
        })
        .map_err(failed)?;
        venue.inject(VenueFault::SlowRest { by: sim.rest_latency, lasts: FOR_EVER });
        let address = venue.address();
        let place = Elsewhere {
            ws: format!("wss://{address}"),
            rest: format!("https://{address}"),
            ca_pem: venue.ca_pem().map(str::to_owned),
        };
        Ok(Embedded { venue, place, symbols })
    }

    /// Where it is.
    pub(super) const fn place(&self) -> &Elsewhere {
        &self.place
    }

    /// What it is, in words.
    pub(super) fn words(&self, loaded: &Loaded) -> String {
        let (symbols, seed) = (self.symbols, loaded.config.sim.seed);
        format!("simulated venue at {}, {symbols} symbols, seed {seed}", self.place.ws)
    }

    /// Ends it: what it saw, for a program and for a person.
    pub(super) fn stop(mut self) -> (Entry, String) {
        let stats = self.venue.stats();
        self.venue.stop();
        (seen_entry(&stats), format!("the venue saw:\n{}", seen(&stats)))
    }
}
