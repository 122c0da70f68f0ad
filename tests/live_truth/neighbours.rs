//! A fault of one instrument's diffs and snapshots leaves the others' events as they were: what is published of them is what
//! the venue sent of them, all of it, in order, without a gap. A second client that hears the same streams is the witness.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use meltica::engine::Topology;
use meltica::schema::id::Market;
use meltica::sim::faults::{Fault, FaultPlan, FaultRule, When};
use meltica::sim::spec::default_symbols;
use meltica::sim::venue::Venue;
use serde_json::{Value, json};
use tungstenite::{Error, Message};

use crate::audit::decimal;
use crate::secure::{secure, socket};
use crate::stage::{Scale, Stage, lively, streams_of};

/// Hears streams of the venue until it is asked what it heard.
struct Witness {
    enough: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Value>>,
}

impl Witness {
    fn of(venue: &Venue, symbols: &[String]) -> Witness {
        let streams: Vec<String> = symbols.iter().flat_map(|symbol| streams_of(symbol)).collect();
        // A short read ends often, so that the end is noticed.
        let stream = socket(venue.address(), None, Duration::from_millis(100));
        let url = format!("ws://{}/stream?streams={}", venue.address(), streams.join("/"));
        let mut stream = secure(stream, venue.ca_pem().unwrap());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream.sock.set_read_timeout(Some(crate::rig::PATIENCE)).unwrap();
        let (mut socket, _) = tungstenite::client(url, stream).unwrap();
        socket.get_mut().sock.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let enough = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&enough);
        let thread = std::thread::spawn(move || {
            let mut heard = Vec::new();
            while !asked.load(Ordering::Relaxed) {
                match socket.read() {
                    Ok(Message::Text(text)) => heard.push(serde_json::from_str(&text).unwrap()),
                    Ok(_) => {}
                    Err(Error::Io(fault)) if fault.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(other) => panic!("the witness: {other}"),
                }
            }
            heard
        });
        Witness { enough, thread }
    }

    fn heard(self) -> Vec<Value> {
        self.enough.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn plain(value: &Value) -> String {
    decimal(value).to_string()
}

fn levels(value: &Value) -> Value {
    value.as_array().unwrap().iter().map(|level| json!([plain(&level[0]), plain(&level[1])])).collect()
}

/// What a frame says, and under which type it is published.
fn sent(frame: &Value) -> (String, Value) {
    let (stream, data) = (frame["stream"].as_str().unwrap(), &frame["data"]);
    match stream.split_once('@').unwrap().1 {
        "depth@100ms" => {
            ("ORDERBOOK.DELTA".to_owned(), json!([data["U"], data["u"], levels(&data["b"]), levels(&data["a"])]))
        }
        "bookTicker" => {
            let sides = ["b", "B", "a", "A"].map(|key| plain(&data[key]));
            ("TICKER.BOOK".to_owned(), json!([data["u"], sides]))
        }
        "trade" => ("TRADE".to_owned(), json!([data["t"], plain(&data["p"]), plain(&data["q"]), data["m"]])),
        other => panic!("{other}: not asked for"),
    }
}

/// The same of a published event; `None` of one that the venue did not send.
fn published(event: &Value) -> Option<(String, Value)> {
    let (kind, payload) = (event["type"].as_str().unwrap(), &event["payload"]);
    let told = match kind {
        "ORDERBOOK.DELTA" => {
            json!([payload["firstUpdateId"], payload["updateId"], levels(&payload["bids"]), levels(&payload["asks"])])
        }
        "TICKER.BOOK" => {
            let sides = ["bid", "bidQuantity", "ask", "askQuantity"].map(|key| plain(&payload[key]));
            json!([event["venueId"], sides])
        }
        "TRADE" => {
            json!([event["venueId"], plain(&payload["price"]), plain(&payload["quantity"]), payload["buyerIsMaker"]])
        }
        _ => return None,
    };
    Some((kind.to_owned(), told))
}

/// Everything but what ends a connection (garbage is no UTF-8 now and then, and that does).
fn faults_of(symbols: &[String]) -> FaultPlan {
    let rates = [
        (Fault::Drop, 60_000),
        (Fault::Repeat, 60_000),
        (Fault::Swap, 60_000),
        (Fault::DelayNs(150_000_000), 40_000),
        (Fault::DelayDiffs(3), 40_000),
        (Fault::Overlap, 60_000),
        (Fault::Crossing { ticks: 1 }, 20_000),
        (Fault::StaleSnapshot { ids_back: 500 }, 200_000),
        (Fault::TruncatedSnapshot, 200_000),
        (Fault::UnansweredSnapshot, 100_000),
    ];
    let rule = |(fault, rate)| FaultRule { symbols: symbols.to_vec(), fault, when: When::PerMillion(rate) };
    FaultPlan { seed: 7, rules: rates.into_iter().map(rule).collect() }
}

#[test]
fn faults_of_some_instruments_leave_all_that_is_published_of_the_others_as_the_venue_sent_it() {
    let scale = Scale::read();
    let mut faulty = lively(&default_symbols(scale.symbols));
    faulty.truncate(4);
    let spared: Vec<String> = default_symbols(scale.symbols)
        .into_iter()
        .map(|spec| spec.symbol)
        .filter(|symbol| !faulty.contains(symbol) && symbol.is_ascii())
        .collect();
    let mut stage = Stage::open(
        scale,
        Topology::Lean,
        |venue| venue.faults = faults_of(&faulty),
        |source| {
            source.times.rest = Duration::from_secs(1);
            // A frozen machine is no fault of an instrument.
            source.times.stall = Duration::from_secs(20);
        },
    );
    let witness = Witness::of(&stage.venue, &spared);
    stage.rig.keep = true;
    stage.rig.until("books of the others", |rig| rig.quality.len() == scale.symbols);
    stage.pass(scale.span());
    let heard = witness.heard();
    let (rig, struck) = (&stage.rig, stage.venue.journal().entries());
    assert!(struck.len() > 10 && rig.checker.gaps > 2, "{} faults struck, {} gaps", struck.len(), rig.checker.gaps);
    assert_eq!(rig.manners.downs, 0, "{:?}", rig.changes());
    let mut by_stream: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for frame in &heard {
        let symbol = frame["stream"].as_str().unwrap().split_once('@').unwrap().0.to_uppercase();
        let (kind, told) = sent(frame);
        by_stream.entry((symbol, kind)).or_default().push(told);
    }
    let mut compared = 0;
    for symbol in &spared {
        let id = rig.engine.directory().find_symbol(Market::BinanceSpot, symbol).unwrap();
        let events = &rig.kept[&id];
        let epochs: BTreeSet<_> = events.iter().map(|event| event["epoch"].as_u64().unwrap()).collect();
        assert!(epochs.iter().all(|epoch| *epoch <= 1), "{symbol}: epochs {epochs:?}");
        let gaps = events.iter().filter(|event| event["payload"]["change"] == "GapOpen").count();
        assert_eq!(gaps, 0, "{symbol}");
        let mut ours: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        events.iter().filter_map(published).for_each(|(kind, told)| ours.entry(kind).or_default().push(told));
        for (kind, ours) in ours {
            let theirs = by_stream.get(&(symbol.clone(), kind.clone())).map_or(&[][..], Vec::as_slice);
            let from = theirs.iter().position(|told| *told == ours[0]);
            let from = from.unwrap_or_else(|| panic!("{symbol} {kind}: the venue never sent {}", ours[0]));
            let common = ours.len().min(theirs.len() - from);
            let differ = (0..common).find(|at| ours[*at] != theirs[from + at]);
            assert_eq!(differ.map(|at| (&ours[at], &theirs[from + at])), None, "{symbol} {kind}");
            compared += common;
        }
    }
    assert!(compared > spared.len() * 10, "{compared} events compared");
    println!(
        "{compared} events of {} instruments are what the venue sent; {} faults struck",
        spared.len(),
        struck.len()
    );
    stage.report("faults of four instruments");
    stage.rig.finish();
}
