//! What REST does wrong: obeyed, waited for, never believed; streams go on meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use meltica::sim::faults::Fault;
use meltica::sim::venue::{RestFault, VenueFault};
use meltica::telemetry::Counter;

use crate::rig::{Rig, options, venue};

#[test]
fn refusals_are_obeyed_and_books_come_in_the_end() {
    let lasts = Duration::from_secs(2);
    let table = [
        (VenueFault::TooManyRequests { lasts, retry_after: 2 }, "http 429", Counter::RestLimited),
        (VenueFault::RestFails { status: 502, lasts }, "http 502", Counter::RestFailed),
        (VenueFault::RestFails { status: 503, lasts }, "http 503", Counter::RestFailed),
        (VenueFault::SlowRest { by: Duration::from_secs(20), lasts }, "timeout", Counter::RestFailed),
    ];
    for (fault, note, counter) in table {
        let venue = venue(|_| {});
        venue.inject(fault.clone());
        // The venue takes it up within a few milliseconds.
        std::thread::sleep(Duration::from_millis(50));
        let mut rig = Rig::over(&venue, |_| {});
        rig.until_good(4);
        assert!(rig.notes.iter().any(|n| n.contains(note)), "{fault:?}: {:?}", rig.notes);
        assert!(rig.engine.ledger().total(counter) > 0, "{fault:?}");
        assert_eq!(venue.stats().exceeded.patience, 0, "{fault:?}: no request while the venue wants none");
    }
}

#[test]
fn f35_a_list_that_cannot_be_had_again_holds_up_no_book_and_eats_no_weight() {
    for how in [RestFault::Busy, RestFault::Page, RestFault::Reset] {
        let venue = venue(|_| {});
        let mut rig = Rig::over(&venue, |options| options.times.refresh = Duration::from_millis(300));
        rig.until_good(4);
        let lasts = Duration::from_secs(600);
        venue.inject(VenueFault::BadRest { how, lasts, routes: vec!["exchangeInfo".to_owned()] });
        rig.until("the list fails", |rig| rig.count(Counter::RestFailed) >= 4);
        venue.inject(VenueFault::Frames { fault: Fault::Drop, symbols: Vec::new(), count: 1 });
        let gaps = rig.count(Counter::GapsOpened);
        rig.until("gaps open", |rig| rig.count(Counter::GapsOpened) >= gaps + 4);
        rig.until_good(4);
        let waits: Vec<u64> = rig.notes.iter().filter_map(|note| retry_ms(note)).collect();
        assert!(waits.iter().skip(3).any(|ms| *ms > 100), "{how:?}: the waits grow: {waits:?}");
        assert!(!venue.stats().exceeded.any(), "{how:?}: {:?}", venue.stats().exceeded);
    }
}

/// How long a failed request for the list of instruments waits, by its note.
fn retry_ms(note: &str) -> Option<u64> {
    let text = note.strip_prefix("exchangeInfo: ")?.rsplit_once("again in ")?.1;
    text.split(' ').next()?.parse().ok()
}

/// A server that answers every connection with these bytes and ends it.
fn answering(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(&bytes);
            linger(&mut stream);
        }
    });
    address
}

/// Reads what is left, so that the answer is not lost to a reset.
pub(crate) fn linger(stream: &mut TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    while matches!(stream.read(&mut [0; 4_096]), Ok(n) if n > 0) {}
}

#[test]
fn bodies_that_are_none_are_refused_with_a_reason_and_asked_for_again() {
    let table: [(&str, Vec<u8>, &str); 4] = [
        (
            "JSON that is no list of instruments",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".to_vec(),
            "cannot be read",
        ),
        ("nothing", Vec::new(), "again in"),
        ("an end within the head", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec(), "again in"),
        (
            "a body longer than any",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\n{".to_vec(),
            "again in",
        ),
    ];
    for (what, bytes, note) in table {
        let venue = venue(|_| {});
        let options = options(&format!("ws://{}", venue.address()), answering(bytes));
        let mut rig = Rig::new(options, Some(venue.oracle()));
        rig.until(what, |rig| rig.notes.iter().filter(|n| n.contains("exchangeInfo") && n.contains(note)).count() >= 2);
        assert!(!rig.board.view().catalogue, "{what}");
    }
}

#[test]
fn f35_every_class_of_failure_is_counted_waited_out_and_nothing_packed_is_read() {
    let table = [
        (RestFault::Busy, Counter::RestVenueErrors),
        (RestFault::Gzip, Counter::RestBadBodies),
        (RestFault::GzipBomb, Counter::RestBadBodies),
        (RestFault::Page, Counter::RestBadBodies),
        (RestFault::Redirect, Counter::RestUnexpected),
        (RestFault::Reset, Counter::RestUnanswered),
        (RestFault::NotHttp, Counter::RestUnanswered),
        (RestFault::Banned, Counter::RestLimited),
    ];
    for (how, class) in table {
        let venue = venue(|_| {});
        venue.inject(VenueFault::BadRest { how, lasts: Duration::from_millis(600), routes: Vec::new() });
        std::thread::sleep(Duration::from_millis(50));
        let mut rig = Rig::over(&venue, |_| {});
        rig.until("it is counted", |rig| rig.count(class) > 0);
        let failed = if how == RestFault::Banned { Counter::RestLimited } else { Counter::RestFailed };
        assert!(rig.count(failed) >= rig.count(class), "{how:?}: a class is a part of all");
        rig.until_good(4);
    }
}
