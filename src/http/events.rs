//! Purpose: events as lines of JSON, as long as somebody reads them. Owns: one lossy reader of the bus a connection.
//! Thread: the connection's; it blocks in writing, [`STALL`] at most. Takes and gives: a query in, lines out.
//! Never: holds a stage up; keeps more than one chunk of lines; hides that something was missed.
//!
//! A line that has `type` is an event. Any other has `stream`: `open`, `lag`, `heartbeat` or `end`.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

use super::query;
use super::refusal::Refusal;
use super::socket::Wire;
use crate::bus::data::{Bus, DataBus, Delivery, Filter, Lag, SubscribeOptions, Subscription};
use crate::config::route::FilterOp;
use crate::schema::canonical_type::CanonicalType;
use crate::schema::id::TypeId;
use crate::schema::json::write_event;
use crate::telemetry::Clock;

/// A reader that takes nothing for so long is cut.
pub(super) const STALL: Duration = Duration::from_secs(5);
/// A stream with nothing to say says so.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between two looks at an idle bus.
const NAP: Duration = Duration::from_millis(2);
/// Bytes after which a chunk is sent; one event may pass it.
const CHUNK_BYTES: usize = 32 << 10;
/// Records looked at in one turn, wanted or not: then it is time to look at the clock.
const TURN: usize = 4_096;
/// Types or instruments in one query.
const WORDS_MAX: usize = 256;

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The engine or the server has.
    Over,
    /// The reader has gone.
    Gone,
    /// The reader was too slow.
    Cut,
}

/// A stream that was asked for and not begun.
pub(super) struct Stream {
    subscription: Subscription,
    bus: DataBus,
    opening: Vec<u8>,
}

/// Reads `type=…&instrument=…&market=…`, each any number of times, `type` at least once.
///
/// # Errors
/// 400 for what is none of these, 404 for a type that no route has named, 422 for what is no type.
pub(super) fn open(bus: &DataBus, query: Option<&str>) -> Result<Stream, Refusal> {
    let (mut types, mut instruments, mut markets) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in query::pairs(query)? {
        match name.as_str() {
            "type" => types.push(value),
            "instrument" => instruments.push(value),
            "market" => markets.push(value),
            _ => return Err(bad("the query takes type, instrument and market")),
        }
    }
    if types.is_empty() || [&types, &instruments, &markets].iter().any(|words| words.len() > WORDS_MAX) {
        return Err(bad("the query needs one type at least, and at most 256 of each"));
    }
    let ids = types.iter().map(|name| type_id(bus, name)).collect::<Result<Vec<_>, _>>()?;
    let filter = among(Filter::all(), "instrument", &instruments)?;
    let filter = among(filter, "market", &markets)?;
    let unavailable = |error: crate::bus::data::SubscribeError| Refusal::new(503, "http/no-stream", error.to_string());
    let subscription = bus.subscribe(&ids, filter, SubscribeOptions::default()).map_err(unavailable)?;
    let upper = |words: Vec<String>| words.iter().map(|word| word.to_uppercase()).collect::<Vec<_>>();
    let opening = json!({ "stream": "open", "types": upper(types), "instruments": upper(instruments), "markets": upper(markets) });
    let opening = line(&opening);
    Ok(Stream { subscription, bus: bus.clone(), opening })
}

fn bad(message: &str) -> Refusal {
    Refusal::new(400, "http/bad-query", message)
}

/// Of a type that is known: asking for others must not fill the directory.
fn type_id(bus: &DataBus, name: &str) -> Result<TypeId, Refusal> {
    let parsed = CanonicalType::parse(name).map_err(|error| Refusal::new(422, "events/bad-type", error.to_string()))?;
    let unknown = || {
        let message = format!("no route and no stage makes {parsed}; GET /control/routes has all");
        Refusal::new(404, "events/unknown-type", message)
    };
    bus.directory().find_type(&parsed).ok_or_else(unknown)
}

fn among(filter: Filter, field: &str, words: &[String]) -> Result<Filter, Refusal> {
    if words.is_empty() {
        return Ok(filter);
    }
    filter.and(field, FilterOp::In, &json!(words)).map_err(|error| bad(&error.to_string()))
}

fn line(value: &serde_json::Value) -> Vec<u8> {
    let mut out = value.to_string().into_bytes();
    out.push(b'\n');
    out
}

fn lag_line(lag: Lag) -> Vec<u8> {
    line(&json!({ "stream": "lag", "shard": lag.shard, "from": lag.from, "to": lag.to, "count": lag.count }))
}

impl Stream {
    /// Sends lines until the bus is closed, `is_over` says so, or the reader is gone or too slow. Gives why, and how many
    /// records this reader missed.
    pub(super) fn run(mut self, wire: &mut Wire, clock: &Clock, is_over: impl Fn() -> bool) -> (Ended, u64) {
        let ended = self.pump(wire, clock, is_over).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::TimedOut => Ended::Cut,
            _ => Ended::Gone,
        });
        (ended, self.subscription.stats().lagged)
    }

    fn pump(&mut self, wire: &mut Wire, clock: &Clock, is_over: impl Fn() -> bool) -> io::Result<Ended> {
        wire.within(STALL);
        wire.write_all(&super::answer::stream_head())?;
        send(wire, &self.opening)?;
        let mut chunk = Vec::with_capacity(2 * CHUNK_BYTES);
        let mut spoke = clock.now_ns();
        loop {
            // Before the look: what was published before the end is seen after it.
            let (closed, stopping) = (self.subscription.is_closed(), is_over());
            chunk.clear();
            let looked = self.gather(&mut chunk);
            if !chunk.is_empty() {
                send(wire, &chunk)?;
                spoke = clock.now_ns();
            }
            if stopping || (closed && looked == 0) {
                let reason = if closed { "the feed has ended" } else { "the server stops" };
                send(wire, &line(&json!({ "stream": "end", "reason": reason })))?;
                wire.write_all(b"0\r\n\r\n")?;
                return wire.flush().map(|()| Ended::Over);
            }
            if clock.now_ns() - spoke >= HEARTBEAT.as_nanos() as u64 {
                send(wire, &line(&json!({ "stream": "heartbeat", "ts": clock.unix_now().0 })))?;
                spoke = clock.now_ns();
            }
            if looked == 0 {
                std::thread::sleep(NAP);
            }
        }
    }

    /// Takes what is there, to the bound of a chunk or of a turn; how many records it looked at.
    fn gather(&mut self, chunk: &mut Vec<u8>) -> usize {
        let directory = &**self.bus.directory();
        let mut looked = 0;
        while chunk.len() < CHUNK_BYTES && looked < TURN {
            let found = self.subscription.poll(1, |delivery| match delivery {
                Delivery::Event(event) => {
                    write_event(event, directory, chunk);
                    chunk.push(b'\n');
                }
                Delivery::Lag(lag) => chunk.extend_from_slice(&lag_line(lag)),
            });
            if found == 0 {
                break;
            }
            looked += found;
        }
        looked
    }
}

/// Sends one chunk; a reader that does not take it within [`STALL`] is too slow.
fn send(wire: &mut Wire, bytes: &[u8]) -> io::Result<()> {
    wire.within(STALL);
    wire.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
    wire.write_all(bytes)?;
    wire.write_all(b"\r\n")?;
    wire.flush()
}
