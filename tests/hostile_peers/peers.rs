//! Peers that are not what they should be.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use meltica::sim::venue::{HandshakeFault, RestFault, TlsOptions, VenueFault};

use crate::child::{Running, configuration, linger, venue};

/// A server that opens every session and then sends these bytes.
fn sending(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let Ok(mut socket) = tungstenite::accept(stream) else { continue };
            let _ = socket.get_mut().write_all(&bytes);
            linger(socket.get_mut());
        }
    });
    address
}

#[test]
fn frames_that_claim_gigabytes_or_never_end_cost_no_memory() {
    let claims = |length: u64| [&b"\x81\x7f"[..], &length.to_be_bytes(), b"{"].concat();
    let fragments: Vec<u8> =
        std::iter::once([0x01, 0x00]).chain(std::iter::repeat_n([0x00, 0x00], 1_200_000)).flatten().collect();
    let rest = venue(|_| {});
    for (what, bytes) in [("2^62", claims(1 << 62)), ("2^63", claims(1 << 63)), ("fragments", fragments)] {
        let scratch = tempfile::tempdir().unwrap();
        let feed = format!("  ws: ws://{}\n  rest: http://{}\n", sending(bytes), rest.address());
        let mut run = Running::meltica(&["run", "--config", configuration(scratch.path(), &feed).to_str().unwrap()]);
        run.until_said(1, &["connection 0", "message too long; again in"]);
        let before = run.memory_kib("VmRSS");
        run.until_said(4, &["connection 0", "message too long; again in"]);
        let most = run.memory_kib("VmHWM");
        assert!(most < before + (48 << 10), "{what}: {before} KiB, then {most} KiB");
        let (code, said) = run.end();
        assert_eq!(code, Some(0), "{what}: {said}");
    }
}

#[test]
fn a_venue_of_another_authority_another_name_or_another_year_is_refused() {
    let right = TlsOptions::loopback().unwrap();
    let other = TlsOptions::loopback().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let ca = scratch.path().join("ca.pem");
    std::fs::write(&ca, right.authority.pem()).unwrap();
    for (what, served, cause) in [
        ("authority", other, "certificate of unknown issuer"),
        ("year", TlsOptions { expired: true, ..right.clone() }, "certificate expired"),
        ("name", TlsOptions { names: vec!["example.com".to_owned()], ..right }, "certificate for another name"),
    ] {
        // REST is of the right kind, so that the socket is tried at all.
        let rest = venue(|_| {});
        let venue = venue(|options| options.tls = Some(served));
        let (ws, http) = (venue.address(), rest.address());
        let feed = format!("  ws: wss://{ws}\n  rest: http://{http}\n  ca_file: {}\n", ca.display());
        let mut run = Running::meltica(&["run", "--config", configuration(scratch.path(), &feed).to_str().unwrap()]);
        run.until_said(2, &["connection 0", cause, "again in"]);
        let (code, said) = run.end();
        assert_eq!(code, Some(0), "{what}: {said}");
        assert_eq!((venue.stats().requests, venue.stats().websockets), (0, 0), "{what}: not a byte of ours was sent");
    }
}

#[test]
fn pages_redirects_floods_and_bodies_without_end_are_survived_and_books_come_afterwards() {
    let scratch = tempfile::tempdir().unwrap();
    let books = scratch.path().join("books.json");
    let venue = venue(|options| options.limits.request_within = Duration::from_secs(60));
    let lasts = Duration::from_secs(600);
    let feed = format!("  ws: ws://{0}\n  rest: http://{0}\n", venue.address());
    let config = configuration(scratch.path(), &feed);
    venue.inject(VenueFault::BadRest { how: RestFault::Redirect, lasts, routes: Vec::new() });
    venue.inject(VenueFault::Handshake { how: HandshakeFault::Forbidden, lasts });
    std::thread::sleep(Duration::from_millis(50));
    let mut run = Running::meltica(&["run", "--config", config.to_str().unwrap(), "--books", books.to_str().unwrap()]);
    run.until_said(1, &["exchangeInfo: http 302"]);
    venue.inject(VenueFault::BadRest { how: RestFault::Page, lasts, routes: Vec::new() });
    run.until_said(1, &["exchangeInfo", "is no JSON"]);
    let before = run.memory_kib("VmRSS");
    for how in [RestFault::HeaderFlood, RestFault::Endless] {
        let failed = run.said(&["exchangeInfo", "again in"]);
        venue.inject(VenueFault::BadRest { how, lasts, routes: Vec::new() });
        run.until_said(failed + 1, &["exchangeInfo", "again in"]);
    }
    // A body of exchangeInfo may have 32 MiB before it is given up.
    let most = run.memory_kib("VmHWM");
    assert!(most < before + (96 << 10), "{before} KiB, then {most} KiB");
    venue.inject(VenueFault::BadRest { how: RestFault::Page, lasts: Duration::ZERO, routes: Vec::new() });
    run.until_said(1, &["connection 0: upgrade refused: http 403"]);
    venue.inject(VenueFault::Handshake { how: HandshakeFault::Forbidden, lasts: Duration::ZERO });
    run.until_said(1, &["connection 0: open"]);
    crate::child::until("snapshots were asked for", || venue.stats().frames > 500);
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    let books: serde_json::Value = serde_json::from_slice(&std::fs::read(books).unwrap()).unwrap();
    assert_eq!(books.as_object().unwrap().len(), 2, "{books}");
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}
