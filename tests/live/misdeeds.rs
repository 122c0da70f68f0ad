//! Every way of the venue's to misbehave, and what the adapter makes of it: the cause is told and counted, it is tried again,
//! and every book is Good in the end and never falsely so (the rig compares each Good book with the truth at every event).

use std::time::Duration;

use meltica::sim::faults::Fault;
use meltica::sim::spoil::{BadNumber, Dress};
use meltica::sim::venue::{AnswerFault, FrameFault, HandshakeFault, RestFault, Venue, VenueFault, VenueOptions, Whom};
use meltica::telemetry::Counter;

use crate::rig::{Rig, venue};

fn all() -> Whom {
    Whom::default()
}

fn two(change: impl FnOnce(&mut VenueOptions)) -> Venue {
    venue(|options| {
        options.exchange.symbols.truncate(2);
        change(options);
    })
}

fn count(rig: &Rig, counter: Counter) -> u64 {
    rig.engine.ledger().total(counter)
}

/// Waits until the connection has ended once more, and is open again; gives the cause.
fn ended_and_open_again(rig: &mut Rig, before: usize, what: &str) -> String {
    rig.until(&format!("{what}: the connection ends"), |rig| rig.changes()[before..].iter().any(|(up, _)| !up));
    let cause = rig.changes()[before..].iter().find(|(up, _)| !up).unwrap().1.clone();
    rig.until(&format!("{what}: and opens"), |rig| rig.changes()[before..].iter().any(|(up, _)| *up));
    cause
}

#[test]
fn every_wrong_frame_ends_its_connection_with_its_cause() {
    let venue = two(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(2);
    for how in FrameFault::ALL {
        let (before, down) = (rig.connections.len(), count(&rig, Counter::ConnectionsDown));
        venue.inject(VenueFault::BrokenFrame { whom: all(), how: *how });
        let cause = ended_and_open_again(&mut rig, before, how.word());
        let expected = match how {
            FrameFault::Huge | FrameFault::Huger => "message too long",
            _ => "protocol broken",
        };
        assert_eq!(cause, expected, "{how:?}");
        assert_eq!(count(&rig, Counter::ConnectionsDown), down + 1, "{how:?}");
    }
    rig.until_good(2);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

#[test]
fn lawful_fragments_with_pings_between_them_and_floods_of_pings_cost_nothing() {
    let venue = two(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(2);
    for fault in [
        VenueFault::Fragments { whom: all(), lasts: Duration::from_secs(2) },
        VenueFault::Pings { whom: all(), count: 1, bytes: 125 },
        VenueFault::Pings { whom: all(), count: 5_000, bytes: 125 },
        VenueFault::Pings { whom: all(), count: 500, bytes: 0 },
    ] {
        venue.inject(fault.clone());
        let messages = venue.stats().messages;
        rig.until_good(2);
        if let VenueFault::Pings { .. } = fault {
            rig.until("a pong", |_| venue.stats().messages > messages);
        }
        rig.until_good(2);
    }
    assert_eq!(rig.changes(), [(true, "started".to_owned())], "the connection stays");
    assert_eq!(rig.checker.gaps, 0);
    assert!(!venue.stats().exceeded.any(), "pongs too keep to the limit: {:?}", venue.stats().exceeded);
}

#[test]
fn wrong_answers_to_control_messages_are_seen_through() {
    for how in AnswerFault::ALL {
        let venue = two(|_| {});
        let by = Duration::from_millis(800);
        venue.inject(VenueFault::Answers { how: *how, count: 2, by });
        // The venue takes it up within a few milliseconds.
        std::thread::sleep(Duration::from_millis(50));
        let mut rig = Rig::over(&venue, |_| {});
        rig.until_good(2);
        let refused = matches!(how, AnswerFault::Error | AnswerFault::ErrorWithoutId);
        assert_eq!(count(&rig, Counter::StreamsRefused) > 0, refused, "{how:?}: {:?}", rig.notes);
        let streams: usize = venue.stats().sessions.iter().map(|s| s.streams.len()).sum();
        rig.until(&format!("{how:?}: every stream is acknowledged"), |rig| {
            let counts = rig.board.view().connections[0].streams;
            counts.live + counts.silent + counts.acknowledged == streams
        });
        assert!(!venue.stats().exceeded.any(), "{how:?}: {:?}", venue.stats().exceeded);
    }
}

#[test]
fn wrong_handshakes_are_told_and_tried_again_until_one_is_right() {
    let venue = two(|_| {});
    let mut rig = Rig::over(&venue, |options| options.times.upgrade = Duration::from_millis(700));
    rig.until_good(2);
    for how in HandshakeFault::ALL {
        let (before, failures) = (rig.notes.len(), count(&rig, Counter::ConnectFailures));
        venue.inject(VenueFault::Handshake { how: *how, lasts: Duration::from_secs(600) });
        std::thread::sleep(Duration::from_millis(50));
        venue.inject(VenueFault::Cut { whom: all() });
        let expected = match how {
            HandshakeFault::Forbidden => "upgrade refused: http 403",
            HandshakeFault::TooMany => "upgrade refused: http 429",
            HandshakeFault::Legal => "upgrade refused: http 451",
            HandshakeFault::Unavailable => "upgrade refused: http 503",
            HandshakeFault::Redirect => "upgrade refused: http 301",
            HandshakeFault::NoUpgrade => "upgrade refused: http 200",
            HandshakeFault::LongHeader | HandshakeFault::HeaderFlood => "headers too long",
            HandshakeFault::Slow | HandshakeFault::Silent => "upgrade timed out",
            HandshakeFault::Reset => "reset",
            HandshakeFault::WrongAccept
            | HandshakeFault::NoAccept
            | HandshakeFault::Extension
            | HandshakeFault::NotHttp => "answer is no upgrade",
        };
        let told = |rig: &Rig| {
            let prefix = format!("connection 0: {expected}; again in ");
            rig.notes[before..].iter().filter(|note| note.starts_with(&prefix)).count()
        };
        // A reset is also how the cut is told.
        let wanted = if *how == HandshakeFault::Reset { 3 } else { 2 };
        rig.until(&format!("{how:?}: {expected}, and again"), |rig| told(rig) >= wanted);
        assert!(count(&rig, Counter::ConnectFailures) >= failures + 2, "{how:?}");
        let ups = rig.changes().iter().filter(|(up, _)| *up).count();
        venue.inject(VenueFault::Handshake { how: *how, lasts: Duration::ZERO });
        rig.until(&format!("{how:?}: open again"), |rig| rig.changes().iter().filter(|(up, _)| *up).count() > ups);
    }
    rig.until_good(2);
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
    assert_eq!(venue.stats().sessions.len(), 1, "no connection is left behind");
}

#[test]
fn wrong_rest_answers_are_never_believed_and_asked_for_again() {
    for how in RestFault::ALL {
        let venue = two(|options| options.limits.request_within = Duration::from_secs(30));
        let lasts = Duration::from_secs(600);
        venue.inject(VenueFault::BadRest { how: *how, lasts, routes: Vec::new() });
        std::thread::sleep(Duration::from_millis(50));
        // These change nothing that a book is made of: one in whole chunks, one that tells no weight. They may take their time.
        let harmless = matches!(how, RestFault::Chunked | RestFault::NoWeight);
        let within = Duration::from_millis(if harmless { 10_000 } else { 700 });
        let mut rig = Rig::over(&venue, |options| options.times.rest = within);
        if !harmless {
            let waits = matches!(how, RestFault::Banned | RestFault::ForeignWeight);
            let (counter, wanted) = match how {
                RestFault::Banned => (Counter::RestLimited, 1),
                // The answer is right: what is left of the minute's weight is what another program left.
                RestFault::ForeignWeight => (Counter::RestRequests, 1),
                _ => (Counter::RestFailed, 2),
            };
            rig.until(&format!("{how:?}: counted"), |rig| count(rig, counter) >= wanted);
            if !waits {
                assert!(!rig.board.view().catalogue, "{how:?}: nothing of it is believed");
                let told = |rig: &Rig| {
                    let notes = rig.notes.iter().filter(|n| n.starts_with("exchangeInfo: "));
                    notes.filter(|n| n.contains("again in")).count()
                };
                rig.until(&format!("{how:?}: told, and tried again"), |rig| told(rig) >= 2);
            }
            venue.inject(VenueFault::BadRest { how: *how, lasts: Duration::ZERO, routes: Vec::new() });
        }
        rig.notes.push(format!("{how:?}: over"));
        rig.until_good(2);
        let exceeded = venue.stats().exceeded;
        assert!(!exceeded.any(), "{how:?}: {exceeded:?}");
    }
}

#[test]
fn wrong_snapshots_leave_streams_and_other_books_alone() {
    let venue = two(|options| options.limits.request_within = Duration::from_secs(30));
    let mut rig = Rig::over(&venue, |options| options.times.rest = Duration::from_millis(700));
    rig.until_good(2);
    for how in [
        RestFault::Page,
        RestFault::Gzip,
        RestFault::GzipBomb,
        RestFault::LongLength,
        RestFault::ShortLength,
        RestFault::Endless,
    ] {
        let failed = count(&rig, Counter::RestFailed);
        venue.inject(VenueFault::BadRest { how, lasts: Duration::from_secs(600), routes: vec!["depth".to_owned()] });
        let symbols = vec!["BTCUSDT".to_owned()];
        venue.inject(VenueFault::Frames { fault: Fault::Drop, symbols, count: 1 });
        rig.until(&format!("{how:?}: counted"), |rig| count(rig, Counter::RestFailed) >= failed + 2);
        venue.inject(VenueFault::BadRest { how, lasts: Duration::ZERO, routes: Vec::new() });
        rig.until_good(2);
    }
    assert_eq!(rig.changes().len(), 1, "no connection ends over it");
}

#[test]
fn other_words_say_the_same() {
    let venue = two(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(2);
    for dress in Dress::ALL {
        let struck = venue.journal().entries().len();
        venue.inject(VenueFault::Frames { fault: Fault::Dressed(*dress), symbols: Vec::new(), count: 5 });
        rig.until(&format!("{dress:?}: all have struck"), |_| venue.journal().entries().len() >= struck + 10);
        rig.until_good(2);
        assert_eq!((rig.checker.gaps, count(&rig, Counter::FramesMalformed)), (0, 0), "{dress:?}");
        assert_eq!(count(&rig, Counter::UnknownStreams), 0, "{dress:?}");
    }
    assert!(count(&rig, Counter::UnknownFields) > 0, "fields that nobody knows are counted");
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn numbers_that_are_none_open_a_gap_and_never_a_false_book() {
    let venue = two(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(2);
    for bad in BadNumber::ALL {
        let lost = |rig: &Rig| count(rig, Counter::BookFramesLost) + rig.checker.gaps;
        let before = lost(&rig);
        let symbols = vec!["BTCUSDT".to_owned()];
        venue.inject(VenueFault::Frames { fault: Fault::BadNumber(*bad), symbols, count: 1 });
        rig.until(&format!("{bad:?}: the frame is lost, and that is told"), |rig| lost(rig) > before);
        rig.until_good(2);
    }
    assert_eq!(rig.changes().len(), 1, "no connection ends over it");
}

#[test]
fn finer_ticks_widen_a_book_and_lose_nothing() {
    let venue = two(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(2);
    let widened = count(&rig, Counter::ScaleWidened);
    venue.inject(VenueFault::TickSize { symbols: vec!["ETHUSDT".to_owned()], digits: 2 });
    rig.until("a finer price has come", |rig| count(rig, Counter::ScaleWidened) > widened);
    rig.until_good(2);
    assert_eq!(rig.checker.gaps, 0);
}

#[test]
fn a_tls_stream_that_is_cut_short_is_no_clean_end() {
    let tls = meltica::sim::venue::TlsOptions::loopback().unwrap();
    let venue = two(|options| options.tls = Some(tls));
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), venue.ca_pem().unwrap()).unwrap();
    let address = venue.address();
    let mut rig = Rig::over(&venue, |options| {
        use meltica::binance::live::Endpoint;
        options.ws = Endpoint::websocket(&format!("wss://{address}")).unwrap();
        options.rest = Endpoint::rest(&format!("https://{address}")).unwrap();
        options.ca_file = Some(ca.path().to_path_buf());
    });
    rig.until_good(2);
    let before = rig.connections.len();
    venue.inject(VenueFault::Truncate { whom: all() });
    assert_eq!(ended_and_open_again(&mut rig, before, "truncated"), "reset");
    rig.until_good(2);
}
