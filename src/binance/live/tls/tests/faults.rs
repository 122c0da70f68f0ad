//! Promise: what is not as the peer's keys and certificate have it is an error, told by its cause and from then on; nothing of it is
//! read as data, and what came before it is. The peer hears why, where the socket takes an alert.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use rustls::{AlertDescription, Error as TlsError};

use super::super::super::cause::Cause;
use super::super::cause_of;
use super::link::{Cuts, Ends, Pair, bytes, records, trusting};

/// Goes on with the handshake until it fails.
fn refused(pair: &mut Pair) -> Error {
    loop {
        match pair.tunnel.handshake(&mut pair.link) {
            Ok(done) => assert!(!done, "it must not come about"),
            Err(error) => return error,
        }
        let _ = pair.carry();
    }
}

#[test]
fn a_record_with_any_bit_changed_is_an_error_and_never_data() {
    for ends in [Ends::new(), Ends::of_tls12()] {
        for at in 0.. {
            let mut pair = Pair::shaken(&ends, Cuts::Never, Cuts::Never);
            assert_eq!(pair.read(100, &mut Vec::new()).unwrap().kind(), ErrorKind::WouldBlock);
            pair.tell(b"before");
            let record = pair.tell(b"0123456789");
            pair.tell(b"behind");
            if at == record.len() {
                break;
            }
            pair.link.came[record.start + at] ^= 1 << (at % 8);
            pair.link.ended = true;
            let mut read = Vec::new();
            let error = pair.read(100, &mut read).expect("no farewell came");
            // TLS 1.3 has its type and version within: of the outer ones nobody makes anything.
            if at < 3 && read == b"before0123456789behind" {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                continue;
            }
            assert_eq!(read, b"before", "byte {at}");
            // A length that grew may wait for more than there is.
            let is_length = at == 3 || at == 4;
            assert!(error.kind() == ErrorKind::InvalidData || is_length, "{error}, byte {at}");
            let again = pair.read(100, &mut read).expect("it stays an error");
            assert_eq!((again.to_string(), read.len()), (error.to_string(), 6), "byte {at}");
            if at > 4 {
                let heard = pair.carry().unwrap_err();
                assert_eq!(heard, TlsError::AlertReceived(AlertDescription::BadRecordMac), "byte {at}");
            }
        }
    }
}

#[test]
fn a_fault_is_told_behind_what_came_before_it_and_ends_writes_too() {
    let mut pair = Pair::shaken(&Ends::new(), Cuts::Never, Cuts::Never);
    pair.tell(&bytes(50));
    let record = pair.tell(b"changed on its way");
    pair.link.came[record.end - 1] ^= 1;
    let mut buf = [0; 10];
    assert_eq!(pair.tunnel.read(&mut pair.link, &mut buf).unwrap(), 10);
    for _ in 0..2 {
        let error = pair.tunnel.write(&mut pair.link, b"?").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    }
    let mut read = buf.to_vec();
    let error = pair.read(7, &mut read).unwrap();
    assert_eq!((error.kind(), read), (ErrorKind::InvalidData, bytes(50)));
    assert!(pair.carry().is_err(), "the alert, once");
    assert_eq!(pair.heard, b"", "and nothing else");
}

#[test]
fn a_peer_that_speaks_no_tls_is_told_from_one_that_ends() {
    let table: [(&[u8], Cause); 6] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Cause::NotTls),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", Cause::NotTls),
        (b"\x16\x03\x03\xff\xff", Cause::NotTls),
        (b"\x17\x03\x03\x00\x01x", Cause::Tls),
        (b"\x15\x03\x01\x00\x02\x02\x46", Cause::TlsVersion),
        (b"\x15\x03\x03\x00\x02\x02\x28", Cause::Tls),
    ];
    for (garbage, cause) in table {
        for cuts in [Cuts::Never, Cuts::Every(1)] {
            let mut pair = Pair::new(&Ends::new(), cuts, cuts);
            pair.link.came = garbage.to_vec();
            // Whatever the socket takes, and when.
            let error = loop {
                match pair.tunnel.handshake(&mut pair.link) {
                    Ok(done) => assert!(!done),
                    Err(error) => break error,
                }
            };
            assert_eq!((error.kind(), cause_of(&error)), (ErrorKind::InvalidData, Some(cause)), "{error}");
            assert_eq!(cause_of(&pair.tunnel.handshake(&mut pair.link).unwrap_err()), Some(cause), "and stays so");
            if matches!(cuts, Cuts::Never) && garbage[0] != 0x15 {
                let last = records(&pair.link.sent).last().copied();
                assert_eq!(last, Some((0x15, 2)), "an alert in the clear, once: {garbage:?}");
            }
        }
    }
}

#[test]
fn certificates_that_are_not_trusted_are_told_by_their_fault_and_the_peer_hears_it() {
    let (ours, theirs) = (Ends::new(), Ends::new());
    for cuts in [Cuts::Never, Cuts::Every(1)] {
        let mut pair = Pair::new(&Ends { client: Arc::clone(&ours.client), server: theirs.server.clone() }, cuts, cuts);
        let error = refused(&mut pair);
        assert_eq!(cause_of(&error), Some(Cause::UnknownIssuer), "{error}");
        if matches!(cuts, Cuts::Never) {
            assert!(matches!(pair.carry().unwrap_err(), TlsError::AlertReceived(_)));
        }
    }
    // Trusted, but another's.
    let made = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(ours.client.crypto_provider()));
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let server = server.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let ends = Ends { client: trusting(&[made.cert.der().clone()]), server };
    let error = refused(&mut Pair::new(&ends, Cuts::Never, Cuts::Never));
    assert_eq!(cause_of(&error), Some(Cause::WrongName), "{error}");
}

#[test]
fn a_handshake_message_of_any_length_ends_well_or_by_an_error_and_within_one_buffer() {
    // What stands behind the server's own certificate need not be one. The longest that rustls takes has 65,535 bytes.
    for (most, fits) in [(1_000, true), (60_000, true), (65_529, false), (130_000, false)] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let ends = Ends::of(provider, |own| {
            let filler = vec![0; most - 14 - own.len()];
            vec![own, filler.into()]
        });
        for each in [1_000, 100_000] {
            let mut pair = Pair::new(&ends, Cuts::Every(each), Cuts::Never);
            let done = loop {
                match pair.tunnel.handshake(&mut pair.link) {
                    Ok(true) => break Ok(()),
                    Ok(false) => {}
                    Err(error) => break Err(error),
                }
                pair.carry().unwrap();
            };
            assert_eq!(done.is_ok(), fits, "{most} bytes: {done:?}");
            if let Err(error) = done {
                assert!(matches!(cause_of(&error), Some(Cause::Tls | Cause::NotTls)), "{error}");
            }
        }
    }
}
