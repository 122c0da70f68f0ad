//! Promise: a farewell is an end, the mere end of TCP is none, wherever it comes.

use std::io::ErrorKind;

use super::link::{Cuts, Ends, Pair, bytes};

#[test]
fn a_farewell_is_an_end_and_what_comes_behind_it_is_nothing() {
    for ends in [Ends::new(), Ends::of_tls12()] {
        for junk in [&b""[..], b"\x17\x03\x03\x00\x20", b"no record at all, and longer than a record's head", b"\x16"] {
            let mut pair = Pair::shaken(&ends, Cuts::Never, Cuts::Never);
            pair.tell(b"last words");
            pair.server.send_close_notify();
            pair.carry().unwrap();
            pair.link.came.extend_from_slice(junk);
            let mut read = Vec::new();
            for _ in 0..3 {
                assert!(pair.read(4, &mut read).is_none());
            }
            assert_eq!(read, b"last words");
            // Ours may still be said: a farewell is that of one direction.
            pair.write(b"answer");
            pair.carry().unwrap();
            assert_eq!(pair.heard, b"answer");
            assert!(pair.read(4, &mut read).is_none());
        }
    }
}

#[test]
fn a_farewell_behind_the_handshake_is_an_end() {
    let mut pair = Pair::new(&Ends::new(), Cuts::Never, Cuts::Never);
    while pair.server.is_handshaking() {
        let _ = pair.tunnel.handshake(&mut pair.link).unwrap();
        pair.carry().unwrap();
    }
    pair.server.send_close_notify();
    pair.carry().unwrap();
    assert!(pair.tunnel.handshake(&mut pair.link).unwrap());
    assert!(pair.read(4, &mut Vec::new()).is_none());
}

#[test]
fn the_end_of_tcp_is_no_farewell_wherever_it_comes() {
    // Three records, cut at each place, the end of each included.
    let ends = Ends::new();
    let mut lengths = Vec::new();
    for place in 0.. {
        let mut pair = Pair::shaken(&ends, Cuts::Never, Cuts::Never);
        assert_eq!(pair.read(100, &mut Vec::new()).unwrap().kind(), ErrorKind::WouldBlock);
        let records: Vec<_> = (0..3).map(|at| pair.tell(&bytes(10 + at))).collect();
        if place > pair.link.came.len() {
            break;
        }
        pair.link.came.truncate(place);
        pair.link.ended = true;
        let mut read = Vec::new();
        for _ in 0..2 {
            let error = pair.read(100, &mut read).expect("no farewell came");
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}, cut at {place}");
        }
        let whole = records.iter().filter(|record| record.end <= place).count();
        assert_eq!(read.len(), [0, 10, 21, 33][whole], "what was whole was read, cut at {place}");
        lengths.push(read.len());
    }
    assert_eq!((lengths[0], lengths.last()), (0, Some(&33)));
}

#[test]
fn the_end_of_tcp_ends_a_handshake_wherever_it_comes() {
    let ends = Ends::new();
    let mut places = 0;
    for place in 0.. {
        let mut pair = Pair::new(&ends, Cuts::Never, Cuts::Never);
        assert!(!pair.tunnel.handshake(&mut pair.link).unwrap());
        pair.carry().unwrap();
        if place == pair.link.came.len() {
            break;
        }
        pair.link.came.truncate(place);
        pair.link.ended = true;
        let error = pair.tunnel.handshake(&mut pair.link).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}, cut at {place}");
        places += 1;
    }
    assert!(places > 500, "{places}");
}
