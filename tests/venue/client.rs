//! A client as foreign ones are: tungstenite for sockets, plain HTTP/1.1 by hand, the naive official rule for books.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use meltica::sim::oracle::Oracle;
use meltica::sim::venue::{Venue, VenueOptions};
use serde_json::Value;
use tungstenite::{Message, WebSocket};

/// Nothing on the loopback takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Socket = WebSocket<TcpStream>;

/// A venue of a few symbols on a free port.
pub(crate) fn venue(change: impl FnOnce(&mut VenueOptions)) -> Venue {
    let mut options = VenueOptions::default();
    options.exchange.symbols.truncate(4);
    change(&mut options);
    Venue::start(options).unwrap()
}

/// Opens a session at a path, such as `/ws`.
pub(crate) fn connect(address: SocketAddr, path: &str) -> Socket {
    try_connect(address, path).unwrap()
}

pub(crate) fn try_connect(address: SocketAddr, path: &str) -> Result<Socket, String> {
    let stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let made = tungstenite::client(format!("ws://{address}{path}"), stream);
    made.map(|(socket, _)| socket).map_err(|e| e.to_string())
}

/// The next text message.
pub(crate) fn text(socket: &mut Socket) -> String {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?} in place of text"),
        }
    }
}

/// The next text message as JSON.
pub(crate) fn json(socket: &mut Socket) -> Value {
    let text = text(socket);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Sends a control message and waits for its answer; frames that come before it are dropped.
pub(crate) fn ask(socket: &mut Socket, message: &str) -> Value {
    socket.send(Message::text(message)).unwrap();
    loop {
        let answer = json(socket);
        if answer.get("result").is_some() || answer.get("code").is_some() {
            return answer;
        }
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends a request's bytes on a new connection and reads to the end.
pub(crate) fn http(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    answer_of(&bytes)
}

pub(crate) fn answer_of(bytes: &[u8]) -> Answer {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// GET a target.
pub(crate) fn get(address: SocketAddr, target: &str) -> Answer {
    http(address, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A price and its quantity as the venue writes them; all of a symbol have the same number of decimals.
type Levels = BTreeMap<i128, String>;

/// A book kept by the official rule, naively (web-socket-streams.md, "How to manage a local order book correctly").
#[derive(Debug)]
pub(crate) struct NaiveBook {
    pub(crate) id: u64,
    bids: Levels,
    asks: Levels,
}

fn ticks(price: &str) -> i128 {
    price.replace('.', "").parse().unwrap()
}

fn apply(side: &mut Levels, changes: &Value) {
    for change in changes.as_array().unwrap() {
        let (price, quantity) = (ticks(change[0].as_str().unwrap()), change[1].as_str().unwrap());
        if ticks(quantity) == 0 {
            side.remove(&price);
        } else {
            side.insert(price, quantity.to_owned());
        }
    }
}

impl NaiveBook {
    pub(crate) fn from_snapshot(body: &Value) -> NaiveBook {
        let mut book =
            NaiveBook { id: body["lastUpdateId"].as_u64().unwrap(), bids: Levels::new(), asks: Levels::new() };
        apply(&mut book.bids, &body["bids"]);
        apply(&mut book.asks, &body["asks"]);
        book
    }

    /// Applies a diff; false when events were missed.
    pub(crate) fn apply(&mut self, diff: &Value) -> bool {
        let (first, last) = (diff["U"].as_u64().unwrap(), diff["u"].as_u64().unwrap());
        if last <= self.id {
            return true;
        }
        if first > self.id + 1 {
            return false;
        }
        apply(&mut self.bids, &diff["b"]);
        apply(&mut self.asks, &diff["a"]);
        self.id = last;
        true
    }

    /// How many bids and asks there are.
    pub(crate) fn level_counts(&self) -> (u64, u64) {
        (self.bids.len() as u64, self.asks.len() as u64)
    }

    /// Compares the whole book with the truth at its id.
    pub(crate) fn must_be_true(&self, oracle: &Oracle, symbol: &str) {
        let truth = oracle.truth(symbol, self.id).unwrap();
        for (ours, theirs) in [(&self.bids, &truth.bids), (&self.asks, &truth.asks)] {
            let theirs: Levels = theirs
                .iter()
                .map(|(p, q)| (p.mantissa_at(8).unwrap().into(), q.mantissa_at(8).unwrap().to_string()))
                .collect();
            let ours: Levels = ours.iter().map(|(p, q)| (*p, ticks(q).to_string())).collect();
            let wrong = ours.iter().find(|(p, q)| theirs.get(p) != Some(q));
            assert_eq!((wrong, ours.len()), (None, theirs.len()), "{symbol} at {}", self.id);
        }
    }
}
