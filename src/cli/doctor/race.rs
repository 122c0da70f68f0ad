//! Purpose: connects to each address of the venue in turn, several times. Owns: how often and how long. Thread: main; a
//! look-up has its own. Takes and gives: a configuration in, times out. Never: lasts longer than its bounds; makes more than
//! a hundred and sixty connections an endpoint: the venue allows an address three hundred in five minutes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::exit::Failed;
use super::super::{live, settings};
use super::lanes::{Lane, Raced};
use crate::binance::live::{Endpoint, Trial};
use crate::config::Loaded;
use crate::telemetry::Clock;

/// How long a look-up, and how long a connection with its handshake, may take.
const WITHIN: Duration = Duration::from_secs(3);
/// How long an endpoint may take in all; rounds that come later are left out.
const ENDPOINT_NS: u64 = 20_000_000_000;
/// Addresses of one name.
const ADDRESSES_MAX: usize = 8;

/// Races the configured endpoints, each once.
///
/// # Errors
/// When one of them is no address, or the certificates cannot be used: the configuration is wrong.
pub(super) fn race(loaded: &Loaded, rounds: u32) -> Result<Vec<Raced>, Failed> {
    let fault = |key: &str, message: String| settings::fault(loaded, &["feed", key], message);
    let (ws, rest) = live::addresses(&loaded.config);
    let ws = Endpoint::websocket(ws).map_err(|error| fault("ws", error.to_string()))?;
    let rest = Endpoint::rest(rest).map_err(|error| fault("rest", error.to_string()))?;
    let ca_file = Some(&loaded.config.feed.ca_file).filter(|path| !path.is_empty()).map(PathBuf::from);
    let same = (ws.tls, ws.authority()) == (rest.tls, rest.authority());
    let clock = Clock::default();
    let trial = |endpoint: Endpoint, ca_file: Option<&Path>| {
        Trial::new(endpoint, ca_file, &clock).map_err(|error| fault("ca_file", error.to_string()))
    };
    let mut trials = vec![trial(ws, ca_file.as_deref())?];
    if !same {
        trials.push(trial(rest, ca_file.as_deref())?);
    }
    Ok(trials.iter().map(|trial| run(trial, rounds, WITHIN, &clock)).collect())
}

/// One endpoint. The addresses take turns, so that what changes with time changes for all of them; one that failed twice
/// in a row is left alone.
fn run(trial: &Trial, rounds: u32, within: Duration, clock: &Clock) -> Raced {
    let endpoint = trial.endpoint();
    let (url, host) = (endpoint.to_string(), endpoint.host.clone());
    let is_address = endpoint.host.parse::<std::net::IpAddr>().is_ok();
    let (mut addresses, took) = match trial.look_up(within) {
        Ok(found) => found,
        Err(cause) => return Raced { url, host, lookup: Err(cause), lanes: Vec::new(), left_out: 0 },
    };
    let left_out = addresses.len().saturating_sub(ADDRESSES_MAX);
    addresses.truncate(ADDRESSES_MAX);
    let mut lanes: Vec<Lane> = addresses.into_iter().map(|address| Lane { address, rounds: Vec::new() }).collect();
    let begun = clock.now_ns();
    for round in 0..rounds as usize {
        for turn in 0..lanes.len() {
            let count = lanes.len();
            let lane = &mut lanes[(round + turn) % count];
            let dead = lane.rounds.len() >= 2 && lane.rounds.iter().rev().take(2).all(Result::is_err);
            let late = round > 0 && clock.now_ns().saturating_sub(begun) >= ENDPOINT_NS;
            if !dead && !late {
                lane.rounds.push(trial.connect(lane.address, within));
            }
        }
    }
    Raced { url, host, lookup: Ok((!is_address).then_some(took)), lanes, left_out }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::finding::Verdict;
    use super::*;
    use crate::binance::live::Cause;

    fn trial(url: &str) -> Trial {
        Trial::new(Endpoint::websocket(url).unwrap(), None, &Clock::default()).unwrap()
    }

    #[test]
    fn a_venue_that_accepts_and_never_speaks_is_left_alone_after_two_rounds() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let raced = run(&trial(&format!("wss://{to}")), 20, Duration::from_secs(2), &Clock::default());
        assert_eq!(raced.lanes[0].rounds, [Err(Cause::TlsTimeout); 2]);
        assert_eq!(raced.judge().verdict, Verdict::Bad);
    }

    #[test]
    fn a_name_of_two_addresses_is_raced_over_both_and_a_dead_one_is_told() {
        // On most machines `localhost` is ::1 too, where nobody listens at this port.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let raced = run(&trial(&format!("ws://localhost:{}", to.port())), 3, Duration::from_secs(3), &Clock::default());
        let ours = raced.lanes.iter().find(|lane| lane.address == to).unwrap();
        assert!(ours.rounds.len() == 3 && ours.rounds.iter().all(Result::is_ok), "{raced:?}");
        for other in raced.lanes.iter().filter(|lane| lane.address != to) {
            assert_eq!(other.rounds.len(), 2, "{raced:?}");
        }
        assert!(raced.judge().is.starts_with(&format!("{to} wins")), "{raced:?}");
    }
}
