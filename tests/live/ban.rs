//! F33: "no request until then" outlives the process that was told it. The real program is killed and started again.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use meltica::sim::venue::{Venue, VenueFault};

use crate::rig::{PATIENCE, venue};

/// Seconds of silence that the venue asks for: enough to kill and start the program meanwhile.
const WAIT_S: u32 = 15;

struct Feed(Child);

impl Feed {
    fn start(config: &std::path::Path) -> Feed {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meltica"));
        command.args(["run", "--config"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        Feed(command.spawn().unwrap())
    }
}

impl Drop for Feed {
    /// As hard as `kill -9`.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "{what}: did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn streams(venue: &Venue) -> usize {
    venue.stats().sessions.iter().map(|session| session.streams.len()).sum()
}

#[test]
fn f33_after_a_kill_no_request_leaves_before_the_time_is_over_and_streams_are_served_meanwhile() {
    let venue = venue(|_| {});
    let directory = tempfile::tempdir().unwrap();
    let (config, state) = (directory.path().join("feed.yaml"), directory.path().join("state"));
    let address = venue.address();
    let text = format!(
        "feed: {{ source: live, ws: 'ws://{address}', rest: 'http://{address}', state_file: '{}' }}\n\
         instruments: [BTC-USDT, ETH-USDT]\n",
        state.display()
    );
    std::fs::write(&config, text).unwrap();
    let storm = VenueFault::TooManyRequests { lasts: Duration::from_secs(2), retry_after: WAIT_S };
    venue.inject(storm);
    std::thread::sleep(Duration::from_millis(50));
    let told = Instant::now();
    let feed = Feed::start(&config);
    until("the wait is kept", || state.exists());
    let waits = Instant::now();
    drop(feed);
    let requests = venue.stats().requests;
    assert_eq!(requests, 1);
    let feed = Feed::start(&config);
    // Names stand for symbols as long as no list can be had.
    until("streams are served", || streams(&venue) >= 2);
    assert_eq!(venue.stats().requests, requests, "no request while the venue wants none");
    until("requests leave again", || venue.stats().requests > requests);
    assert!(
        waits.elapsed() >= Duration::from_secs(u64::from(WAIT_S) - 1),
        "{:?} of {:?}",
        waits.elapsed(),
        told.elapsed()
    );
    until("books are fetched", || venue.stats().requests >= requests + 3);
    assert_eq!(venue.stats().exceeded.patience, 0);
    drop(feed);

    // A file that says nonsense is told and ignored.
    std::fs::write(&state, "{\"version\":1").unwrap();
    let before = venue.stats().requests;
    let feed = Feed::start(&config);
    until("requests leave at once", || venue.stats().requests > before);
    drop(feed);
}
