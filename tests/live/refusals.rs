//! Servers that are no venue: each is refused, with its cause, and tried again; nothing hangs. What the venue itself can do
//! wrong stands in `misdeeds`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use meltica::binance::live::{LiveOptions, LiveSource};
use meltica::telemetry::{Clock, Ledger};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::rest::linger;
use crate::rig::{Rig, options, venue};

/// A server that does the same with every connection.
fn serving(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            serve(stream);
        }
    });
    address
}

/// A server that reads a request and answers with these bytes.
fn answering(bytes: Vec<u8>) -> SocketAddr {
    serving(move |mut stream| {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
        let _ = stream.read(&mut [0; 4_096]);
        let _ = stream.write_all(&bytes);
        linger(&mut stream);
    })
}

/// Waits for the cause (or one of several, with `|` between) of a failed connection twice: it is told, and tried again.
fn told(what: &str, change: impl FnOnce(&mut LiveOptions), ws: &str, cause: &str) {
    let venue = venue(|_| {});
    let mut options = options(ws, venue.address());
    change(&mut options);
    let mut rig = Rig::new(options, Some(venue.oracle()));
    let is_wanted = |note: &&String| cause.split('|').any(|c| note.starts_with(&format!("connection 0: {c}")));
    rig.until(&format!("{what}: {cause}"), |rig| rig.notes.iter().filter(is_wanted).count() >= 2);
    let mut told = rig.notes.iter().filter(|n| n.starts_with("connection 0"));
    assert!(told.all(|note| is_wanted(&note)), "{:?}", rig.notes);
    assert!(rig.connections.is_empty(), "{what}: what never opened is not told as a connection");
}

#[test]
fn slow_and_absent_peers_meet_their_deadlines() {
    let short = |options: &mut LiveOptions| {
        let ms = Duration::from_millis;
        (options.times.connect, options.times.tls, options.times.upgrade) = (ms(500), ms(500), ms(500));
    };
    // Held open, unread and unanswered, for as long as the test runs.
    let silent = || {
        let held = std::sync::Mutex::new(Vec::new());
        serving(move |stream| held.lock().unwrap().push(stream))
    };
    told("silence after TCP", short, &format!("ws://{}", silent()), "upgrade timed out");
    told("nothing in place of an answer", short, &format!("ws://{}", answering(Vec::new())), "reset");
    told("silence in place of TLS", short, &format!("wss://{}", silent()), "tls timed out");
    told("a name without address", short, "ws://no-such-host.invalid", "name not resolved");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    told("a closed port", short, &format!("ws://{closed}"), "connection refused");
    told(
        "plain text on a TLS port",
        short,
        &format!("wss://{}", answering(b"HTTP/1.1 400 Bad\r\n\r\n".to_vec())),
        "peer speaks no tls",
    );
}

#[test]
fn a_port_whose_queue_is_full_meets_its_deadline() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // Nobody accepts: once the queue is full, no further connection is answered.
    let within = Duration::from_millis(200);
    let held: Vec<_> = (0..4).filter_map(|_| TcpStream::connect_timeout(&address, within).ok()).collect();
    assert!(held.len() < 4, "the queue is full");
    told("a full queue", |options| options.times.connect = within, &format!("ws://{address}"), "connect timed out");
}

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(issuer.pem().as_bytes()).unwrap();
    Authority { issuer, file }
}

/// A TLS server with a certificate for `name`, valid for these years.
fn securing(authority: &Authority, name: &str, years: (i32, i32)) -> SocketAddr {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    serving(move |mut stream| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
        while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
        if !tls.is_handshaking() {
            // One that trusts us sends a request: it is refused, so that the cause tells how far it came.
            let mut tls = rustls::Stream::new(&mut tls, &mut stream);
            let _ = tls.read(&mut [0; 4_096]);
            let _ = tls.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
        linger(&mut stream);
    })
}

#[test]
fn only_certificates_of_the_configured_authority_for_the_name_and_the_day_are_trusted() {
    let (ours, theirs) = (authority(), authority());
    let table = [
        ("ours", &ours, "127.0.0.1", (2020, 2100), "upgrade refused: http 403"),
        ("another authority", &theirs, "127.0.0.1", (2020, 2100), "certificate of unknown issuer"),
        ("expired", &ours, "127.0.0.1", (2010, 2020), "certificate expired"),
        ("of the future", &ours, "127.0.0.1", (2090, 2100), "certificate not yet valid"),
        ("another name", &ours, "example.com", (2020, 2100), "certificate for another name"),
    ];
    for (what, signed_by, name, years, cause) in table {
        let address = securing(signed_by, name, years);
        let ca = ours.file.path().to_path_buf();
        told(what, |options| options.ca_file = Some(ca), &format!("wss://{address}"), cause);
    }
}

/// Sends these bytes, one each 100 ms, whatever comes.
fn trickling(bytes: &'static [u8]) -> SocketAddr {
    serving(move |mut stream| {
        for byte in bytes {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        linger(&mut stream);
    })
}

/// A ServerHello of TLS 1.1: its random is all ones, its session has no id, its cipher suite is AES with SHA-1.
const HELLO_OF_TLS_11: &[u8] = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02\
    11111111111111111111111111111111\x00\x00\x2f\x00";
/// A fatal alert: the version is not supported.
const ALERT_OF_THE_VERSION: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46";

#[test]
fn peers_of_another_age_or_another_mind_are_refused_before_anything_is_sent() {
    let tls = meltica::sim::venue::TlsOptions::loopback().unwrap();
    let secure = venue(|options| options.tls = Some(tls));
    let short = |options: &mut LiveOptions| options.times.tls = Duration::from_millis(700);
    let table = [
        ("TLS 1.1", format!("wss://{}", answering(HELLO_OF_TLS_11.to_vec())), "tls version not supported"),
        (
            "an alert that says so",
            format!("wss://{}", answering(ALERT_OF_THE_VERSION.to_vec())),
            "tls version not supported",
        ),
        ("a hello, a byte each 100 ms", format!("wss://{}", trickling(HELLO_OF_TLS_11)), "tls timed out"),
        // The port's alert, if it comes before the end does.
        ("plain text to a TLS port", format!("ws://{}", secure.address()), "reset|answer is no upgrade"),
    ];
    for (what, ws, cause) in table {
        told(what, short, &ws, cause);
    }
    assert_eq!((secure.stats().requests, secure.stats().websockets), (0, 0));
}

#[test]
fn a_ca_file_without_certificates_is_told_at_once() {
    let venue = venue(|_| {});
    let mut empty = tempfile::NamedTempFile::new().unwrap();
    empty.write_all(b"nothing\n").unwrap();
    for path in [empty.path().to_path_buf(), "/nowhere/ca.pem".into()] {
        let options = LiveOptions { ca_file: Some(path.clone()), ..options("wss://127.0.0.1", venue.address()) };
        let error = LiveSource::new(options, Clock::default(), &Ledger::default()).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains("PEM"), "{error}");
    }
}

#[test]
fn frames_that_claim_too_much_or_break_the_rules_end_the_connection() {
    let long = |length: u64| [&[0x81, 127][..], &length.to_be_bytes()].concat();
    // Empty fragments, which carry nothing and never end.
    let fragments: Vec<u8> =
        std::iter::once([0x01, 0x00]).chain(std::iter::repeat_n([0x00, 0x00], 1_200_000)).flatten().collect();
    let table: [(&str, Vec<u8>, &str); 3] = [
        ("a byte more than allowed", long((2 << 20) + 1), "message too long"),
        ("fragments without end", fragments, "message too long"),
        ("an end within a frame", b"\x81\x09cut".to_vec(), "reset"),
    ];
    for (what, bytes, cause) in table {
        let server = serving(move |stream| {
            let Ok(mut socket) = tungstenite::accept(stream) else { return };
            let _ = socket.get_mut().write_all(&bytes);
            linger(socket.get_mut());
        });
        let venue = venue(|_| {});
        let mut rig = Rig::new(options(&format!("ws://{server}"), venue.address()), Some(venue.oracle()));
        rig.until(what, |rig| rig.changes().iter().any(|(up, found)| !up && found == cause));
    }
}

#[test]
fn a_port_that_opens_later_is_found() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rest = venue(|_| {});
    let mut rig = Rig::new(options(&format!("ws://{address}"), rest.address()), Some(rest.oracle()));
    rig.until("refused", |rig| rig.notes.iter().any(|n| n.contains("connection refused")));
    let late = venue(|options| options.listen = address);
    rig.until("open", |rig| rig.changes().first().is_some_and(|(up, _)| *up));
    drop(late);
}
