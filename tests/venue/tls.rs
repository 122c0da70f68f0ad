//! TLS: trusted with the venue's own authority, refused without.

use std::io::{Read, Write};
use std::net::TcpStream;

use meltica::sim::venue::{Authority, TlsOptions};

use crate::client::{PATIENCE, answer_of, http, venue};
use crate::secure::{Stream, secure, socket};

/// A client's end of TLS that trusts one authority.
pub(crate) fn stream(address: std::net::SocketAddr, ca_pem: &str) -> Stream {
    secure(socket(address, None, PATIENCE), ca_pem)
}

#[test]
fn sessions_and_requests_go_through_tls() {
    let venue = venue(|options| {
        options.exchange.events_per_second = 500.0;
        options.tls = Some(TlsOptions::loopback().unwrap());
    });
    let ca = venue.ca_pem().unwrap();
    let url = format!("wss://{}/stream?streams=btcusdt@depth@100ms/ethusdt@trade", venue.address());
    let (mut socket, _) = tungstenite::client(url.replace("wss", "ws"), stream(venue.address(), ca)).unwrap();
    for _ in 0..50 {
        let text = socket.read().unwrap().into_text().unwrap();
        assert!(text.starts_with("{\"stream\":\""), "{text}");
    }
    let mut rest = stream(venue.address(), ca);
    rest.write_all(b"GET /api/v3/depth?symbol=BTCUSDT&limit=5000 HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    rest.read_to_end(&mut bytes).unwrap();
    let answer = answer_of(&bytes);
    assert_eq!(answer.status, 200);
    assert!(answer.json()["bids"].as_array().unwrap().len() > 1_000);
}

#[test]
fn a_wrong_authority_an_expired_certificate_a_wrong_name_and_plain_text_are_refused() {
    let right = TlsOptions::loopback().unwrap();
    let other = Authority::generate().unwrap();
    let wrong_name = TlsOptions { names: vec!["example.com".to_owned()], ..right.clone() };
    let expired = TlsOptions { expired: true, ..right.clone() };
    for (served, trusted, refusal) in [
        (right.clone(), other.pem(), "BadSignature|UnknownIssuer"),
        (expired, right.authority.pem(), "certificate expired"),
        (wrong_name, right.authority.pem(), "not valid for name"),
    ] {
        let venue = venue(|options| options.tls = Some(served));
        let mut client = stream(venue.address(), trusted);
        let error = client.write_all(b"GET /api/v3/ping HTTP/1.1\r\n\r\n").and_then(|()| client.flush()).unwrap_err();
        assert!(refusal.split('|').any(|word| error.to_string().contains(word)), "{refusal}: {error}");
        assert_eq!(venue.stats().requests, 0);
    }
    let venue = venue(|options| options.tls = Some(right));
    let mut plain = TcpStream::connect(venue.address()).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(b"GET /api/v3/ping HTTP/1.1\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP"), "an alert, or nothing, but no answer");
}

#[test]
fn tls_on_a_plain_port_is_refused() {
    let venue = venue(|_| {});
    let hello = "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}";
    assert_eq!(http(venue.address(), hello).status, 400);
}
