//! Purpose: what the io agent promises, cycle by cycle. Owns: a scripted source and a sink with a set amount of room.
//! Thread: a test's. Takes and gives: nothing. Never: waits for time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::{IoAgent, IoOptions, NoRequests, OnFull, SnapshotRequestSource, TimeSource};
use crate::agent::Agent;
use crate::binance::parse::{Parser, ParserOptions};
use crate::directory::Directory;
use crate::schema::frame::{Frame, FrameSource, Origin, Pulled, SnapshotRequest, SourceError, Stamps, Urgency};
use crate::schema::id::{ConnectionId, InstrumentId, Market};
use crate::schema::raw::RawRef;
use crate::schema::stage::{RawSink, Stage};
use crate::schema::time::UnixNanos;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Clock, Counter, Ledger};

enum Step {
    Frame(i64, String),
    Nothing,
    Broken,
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    number: u64,
    asked: Vec<(String, u32)>,
}

impl FrameSource for Script {
    fn pull(&mut self, take: &mut dyn FnMut(Frame<'_>)) -> Result<Pulled, SourceError> {
        let Some(step) = self.steps.pop_front() else { return Ok(Pulled::Ended) };
        let Step::Frame(receive, json) = step else {
            let message = "the archive is cut".to_owned();
            return if let Step::Nothing = step { Ok(Pulled::Nothing) } else { Err(SourceError::damaged(message)) };
        };
        let mut bytes = json.into_bytes();
        take(Frame {
            market: Market::BinanceSpot,
            connection: ConnectionId(0),
            number: self.number,
            receive: UnixNanos(receive),
            stamps: Stamps::NONE,
            origin: Origin::Combined,
            bytes: &mut bytes,
        });
        self.number += 1;
        Ok(Pulled::Frame)
    }

    fn request_snapshot(&mut self, request: SnapshotRequest<'_>) {
        self.asked.push((request.symbol.to_owned(), request.epoch));
    }
}

/// Takes so many records and no more; writes down what it is told.
#[derive(Default)]
struct Room {
    records: usize,
    /// Records of more words find no room; 0 for no such bound.
    words: usize,
    left_over: usize,
    /// Has work to do first, whenever time has moved on.
    due_by_time: bool,
    /// How often it was asked whether it is ready.
    asked: usize,
    seen: Vec<String>,
}

impl Stage for Room {
    fn ready(&mut self, records: usize, words: usize) -> bool {
        self.asked += 1;
        let is_due = self.due_by_time && self.left_over > 0;
        !is_due && records <= self.records && (self.words == 0 || words <= self.words)
    }
    fn work(&mut self) -> usize {
        let done = self.left_over.min(1);
        self.left_over -= done;
        if self.due_by_time && done > 0 {
            self.seen.push("w".to_owned());
        }
        done
    }
    fn advance(&mut self, now: UnixNanos) {
        self.seen.push(format!("@{}", now.0));
        self.left_over = self.left_over.max(usize::from(self.due_by_time));
    }
    fn finish(&mut self) {
        self.seen.push("end".to_owned());
        self.left_over = 2;
    }
}

impl RawSink for Room {
    fn take_raw(&mut self, raw: RawRef<'_>) {
        assert!(self.records > 0, "taken without asking for room");
        self.records -= 1;
        let letter = match raw.kind() {
            StreamKind::DepthDiff => 'd',
            StreamKind::BookTicker => 't',
            StreamKind::Lost => 'L',
            kind => panic!("{kind:?}"),
        };
        self.seen.push(format!("{letter}{}.{}", raw.header.number, raw.header.instrument));
    }
}

#[derive(Clone, Default)]
struct Queue(Arc<Mutex<VecDeque<(InstrumentId, u32)>>>);

impl SnapshotRequestSource for Queue {
    fn next(&mut self) -> Option<(InstrumentId, u32, Urgency)> {
        let (instrument, epoch) = self.0.lock().unwrap().pop_front()?;
        Some((instrument, epoch, Urgency::Book))
    }
}

fn diff(receive: i64, symbol: &str) -> Step {
    let (lower, upper) = (symbol.to_lowercase(), symbol.to_uppercase());
    let json = format!(
        r#"{{"stream":"{lower}@depth","data":{{"E":1,"s":"{upper}","U":1,"u":1,"b":[["1","1"],["2","2"]],"a":[]}}}}"#
    );
    Step::Frame(receive, json)
}

fn tickers(receive: i64, symbols: &[&str]) -> Step {
    let row = |s: &&str| format!(r#"{{"u":1,"s":"{s}","b":"1","B":"1","a":"1","A":"1"}}"#);
    let rows = symbols.iter().map(row).collect::<Vec<_>>().join(",");
    Step::Frame(receive, format!(r#"{{"stream":"!bookTicker@arr","data":[{rows}]}}"#))
}

fn agent(
    options: IoOptions,
    steps: Vec<Step>,
    requests: Box<dyn SnapshotRequestSource>,
) -> (IoAgent<Script, Room>, Ledger) {
    let (directory, ledger) = (Arc::new(Directory::with_capacity(16)), Ledger::default());
    let parser = Parser::new(ParserOptions { trace_seed: 1 }, directory, ledger.sheet("io"));
    let source = Script { steps: steps.into(), ..Script::default() };
    (IoAgent::new("io", options, source, parser, Room::default(), requests, Clock::default()), ledger)
}

const WAIT: IoOptions = IoOptions { batch: 2, time: TimeSource::Frames, on_full: OnFull::Wait, words_max: 1_000 };

/// What the sink has seen since last asked.
fn seen(agent: &mut IoAgent<Script, Room>) -> String {
    std::mem::take(&mut agent.sink().seen).join(" ")
}

#[test]
fn a_source_that_waits_loses_nothing_and_keeps_the_order() {
    let steps = vec![diff(5, "A1BTC"), tickers(3, &["A1BTC", "B1BTC", "C1BTC"]), Step::Nothing, diff(9, "B1BTC")];
    let (mut io, ledger) = agent(WAIT, steps, Box::new(NoRequests));
    io.sink().records = 2;
    io.do_work();
    // The receive clock went back; the time that the sink is told did not.
    assert_eq!(seen(&mut io), "@5 d0.0 @5 t1.0");
    for _ in 0..5 {
        assert_eq!(io.do_work(), 0, "two tickers wait, and no frame is pulled");
    }
    io.sink().records = 1;
    io.do_work();
    assert_eq!(seen(&mut io), "t1.1");
    io.sink().records = 9;
    io.do_work();
    assert_eq!(seen(&mut io), "t1.2", "then the source had nothing");
    io.do_work();
    assert_eq!(seen(&mut io), "@9 d2.1 end");
    assert!(!io.is_done(), "the sink has work left");
    while io.do_work() > 0 {}
    assert!(io.is_done() && io.fault().is_none());
    assert_eq!((seen(&mut io).as_str(), ledger.total(Counter::RingFull)), ("", 0));
}

#[test]
fn a_short_record_never_overtakes_a_long_one() {
    let long = "L".repeat(60);
    let (mut io, _) = agent(WAIT, vec![tickers(1, &[&long, "B1BTC"])], Box::new(NoRequests));
    (io.sink().records, io.sink().words) = (9, 38);
    io.do_work();
    assert_eq!(seen(&mut io), "@1", "the short one would fit");
    io.sink().words = 0;
    io.do_work();
    assert_eq!(seen(&mut io), "t0.0 t0.1 end");
}

#[test]
fn the_end_waits_for_room_behind_the_sink() {
    let (mut io, _) = agent(WAIT, vec![diff(1, "A1BTC")], Box::new(NoRequests));
    io.sink().records = 1;
    for _ in 0..9 {
        io.do_work();
    }
    assert_eq!(seen(&mut io), "@1 d0.0", "the news of the end takes the room of a record");
    io.sink().records = 1;
    io.do_work();
    assert_eq!(seen(&mut io), "end");
    io.sink().records = 0;
    for _ in 0..9 {
        io.do_work();
    }
    assert!(!io.is_done(), "no room is back-pressure: something may be held behind");
    io.sink().records = 1;
    io.do_work();
    assert!(io.is_done());
    assert_eq!((io.do_work(), seen(&mut io).as_str()), (0, ""));
}

#[test]
fn a_broken_source_ends_the_agent_and_says_why() {
    let (mut io, _) = agent(WAIT, vec![diff(1, "A1BTC"), Step::Broken, diff(2, "A1BTC")], Box::new(NoRequests));
    io.sink().records = 9;
    for _ in 0..5 {
        io.do_work();
    }
    assert_eq!(seen(&mut io), "@1 d0.0 end");
    assert!(io.is_done());
    assert_eq!(io.fault().map(|f| f.message.as_str()), Some("the archive is cut"));
}

#[test]
fn a_stop_pulls_nothing_more_and_hands_on_what_waits() {
    let (mut io, _) = agent(WAIT, vec![tickers(1, &["A1BTC", "B1BTC"]), diff(2, "A1BTC")], Box::new(NoRequests));
    io.sink().records = 1;
    io.do_work();
    io.on_stop();
    io.sink().records = 9;
    while io.do_work() > 0 {}
    io.do_work();
    assert_eq!(seen(&mut io), "@1 t0.0 t0.1 end");
    assert!(io.is_done());
}

#[test]
fn past_the_bound_frames_are_dropped_and_their_books_are_told() {
    let options = IoOptions { batch: 1, on_full: OnFull::DropAfter(2), ..WAIT };
    let steps = vec![
        diff(1, "A1BTC"),
        diff(2, "A1BTC"),
        tickers(3, &["B1BTC"]),
        diff(4, "B1BTC"),
        diff(5, "A1BTC"),
        diff(6, "A1BTC"),
        diff(7, "B1BTC"),
    ];
    let (mut io, ledger) = agent(options, steps, Box::new(NoRequests));
    let counts = |ledger: &Ledger| [Counter::RingFull, Counter::BookFramesLost].map(|c| ledger.total(c));
    for _ in 0..3 {
        io.do_work();
        assert_eq!(counts(&ledger), [0, 0], "within the bound it waits");
    }
    io.do_work();
    assert_eq!(counts(&ledger), [2, 2], "what waited, and the frame of that cycle");
    for _ in 0..3 {
        io.do_work();
    }
    assert_eq!(counts(&ledger), [5, 4]);
    assert_eq!(seen(&mut io), "@1 @2 @3 @4 @5");
    io.sink().records = 1;
    io.do_work();
    assert_eq!(counts(&ledger), [6, 5], "one book is told; until the other is, nothing goes by");
    io.sink().records = 9;
    while !io.is_done() {
        io.do_work();
    }
    assert_eq!(seen(&mut io), "L3.1 @6 L0.0 @7 d6.1 end", "each notice stands where its book first lost a diff");
}

#[test]
fn a_record_that_no_ring_takes_is_dropped_and_its_book_told_in_its_place() {
    let options = IoOptions { words_max: 30, ..WAIT };
    let (mut io, ledger) = agent(options, vec![diff(1, "A1BTC"), diff(2, "A1BTC")], Box::new(NoRequests));
    io.sink().records = 1;
    io.do_work();
    io.sink().records = 9;
    io.do_work();
    assert_eq!(seen(&mut io), "@1 L0.0 @2 L1.0 end");
    assert_eq!([Counter::RingFull, Counter::BookFramesLost].map(|c| ledger.total(c)), [2, 2]);
}

#[test]
fn requests_reach_the_source_also_while_something_waits() {
    let queue = Queue::default();
    let steps = vec![diff(1, "A1BTC"), diff(2, "A1BTC")];
    let (mut io, ledger) = agent(WAIT, steps, Box::new(queue.clone()));
    io.sink().records = 1;
    io.do_work();
    queue.0.lock().unwrap().extend([(InstrumentId(0), 3), (InstrumentId(7), 1), (InstrumentId(0), 4)]);
    assert_eq!(io.do_work(), 3);
    assert_eq!(io.source().asked, [("A1BTC".to_owned(), 3), ("A1BTC".to_owned(), 4)]);
    assert_eq!(ledger.total(Counter::SnapshotsUnserved), 1);
}

#[test]
fn with_the_clock_time_moves_without_frames() {
    let options = IoOptions { time: TimeSource::Clock, ..WAIT };
    let (mut io, _) = agent(options, vec![Step::Nothing, diff(1, "A1BTC"), Step::Nothing], Box::new(NoRequests));
    io.sink().records = 9;
    for _ in 0..3 {
        io.do_work();
    }
    let seen = seen(&mut io);
    let times: Vec<i64> = seen.split(' ').filter_map(|s| s.strip_prefix('@')?.parse().ok()).collect();
    assert_eq!(times.len(), 3, "once a cycle, and not for a frame: {seen}");
    assert!(times.is_sorted() && times[0] > 1_700_000_000_000_000_000, "{seen}");
}

#[test]
fn what_time_makes_due_comes_before_the_frame_that_brought_the_time() {
    let (mut io, _) = agent(WAIT, vec![diff(5, "A1BTC"), Step::Nothing], Box::new(NoRequests));
    (io.sink().records, io.sink().due_by_time) = (9, true);
    io.do_work();
    assert_eq!(seen(&mut io), "@5", "it was ready before the frame, and is not any more");
    io.do_work();
    assert_eq!(seen(&mut io), "w d0.0");
}

#[test]
fn with_the_clock_a_sink_is_asked_once_a_frame_and_again_for_a_long_one() {
    let options = IoOptions { time: TimeSource::Clock, batch: 3, ..WAIT };
    let (mut io, _) = agent(options, vec![diff(1, "A1BTC"), diff(2, "A1BTC"), Step::Nothing], Box::new(NoRequests));
    io.sink().records = 9;
    io.do_work();
    assert!(seen(&mut io).ends_with(" d0.0 d1.0"));
    assert_eq!(io.sink().asked, 3, "once for each frame, once for the one that there was not");

    let levels = vec![r#"["1","1"]"#; 200].join(",");
    let json = format!(r#"{{"stream":"a1btc@depth","data":{{"E":1,"s":"A1BTC","U":1,"u":1,"b":[{levels}],"a":[]}}}}"#);
    let (mut io, _) = agent(options, vec![Step::Frame(1, json), Step::Nothing], Box::new(NoRequests));
    (io.sink().records, io.sink().words) = (9, 300);
    io.do_work();
    assert!(!seen(&mut io).contains('d'), "what is ready for a short one is not ready for 400 words");
    io.sink().words = 0;
    io.do_work();
    assert!(seen(&mut io).ends_with(" d0.0"));
}
