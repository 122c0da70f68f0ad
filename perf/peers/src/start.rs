//! Purpose: how long from the start of the shipped program until its first market event, against a venue that runs already.
//! Owns: two processes, while it lasts. Thread: main. Takes and gives: the program's path in, milliseconds out.
//! Never: takes a word about the feed itself (connections, states of books) for a market event.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Symbols of the venue.
const SYMBOLS: &str = "100";
/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends a process when it is dropped.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Milliseconds of so many starts, one after the other.
pub(crate) fn milliseconds(program: &Path, work: &Path, starts: usize) -> Result<Vec<f64>, String> {
    let authority = work.join("ca.pem");
    let mut venue = Command::new(program);
    venue.args(["venue", "--listen", "127.0.0.1:0", "--symbols", SYMBOLS, "--rate", "10", "--tls", "--ca-out"]);
    venue.arg(&authority).args(["--for", "120s", "-q"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut venue = Ends(venue.spawn().map_err(|error| format!("{} does not start: {error}", program.display()))?);
    let lines = BufReader::new(venue.0.stdout.take().ok_or("no standard output")?).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("listening on wss://")?.split(' ').next()?.to_owned()))
        .ok_or("the venue does not say where it listens")?;
    let config = work.join("feed.yaml");
    let text = format!(
        "control: {{ enabled: false }}\nfeed:\n  source: live\n  ws: \"wss://{address}\"\n  rest: \"https://{address}\"\n  \
         ca_file: \"{}\"\n",
        authority.display()
    );
    fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
    // The first start warms the page cache up.
    (0..=starts).map(|_| one(program, &config)).skip(1).collect()
}

fn one(program: &Path, config: &Path) -> Result<f64, String> {
    let begun = Instant::now();
    let mut feed = Command::new(program);
    feed.args(["run", "-q", "--for", "25s", "--events", "-", "--config"]).arg(config);
    feed.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut feed = Ends(feed.spawn().map_err(|error| error.to_string())?);
    let mut last = String::new();
    for line in BufReader::new(feed.0.stdout.take().ok_or("no standard output")?).lines().map_while(Result::ok) {
        if is_market_event(&line) {
            return Ok(begun.elapsed().as_secs_f64() * 1e3);
        }
        if begun.elapsed() > PATIENCE {
            break;
        }
        last = line;
    }
    Err(format!("no market event came; the last event was `{}`", last.chars().take(120).collect::<String>()))
}

fn is_market_event(line: &str) -> bool {
    ["TRADE", "TICKER", "ORDERBOOK"].iter().any(|kind| line.contains(&format!("\"type\":\"{kind}")))
}
