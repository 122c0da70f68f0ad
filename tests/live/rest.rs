//! What REST does wrong: obeyed, waited for, never believed; streams go on meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use meltica::sim::venue::VenueFault;
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
