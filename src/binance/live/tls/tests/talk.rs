//! Promise: what either end says is what the other hears, byte for byte, wherever the streams are cut, however records and
//! handshake messages lie in each other, and whatever waits for whom.

use std::io::ErrorKind;
use std::sync::Arc;

use super::link::{Cuts, Ends, Pair, bytes, records};

/// Every form of handshake that there is, by name.
fn forms() -> Vec<(&'static str, Ends)> {
    let small = |fragment: usize| {
        let mut ends = Ends::new();
        ends.server.max_fragment_size = Some(fragment);
        ends
    };
    // Of the client's first key share this server makes nothing.
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups = vec![rustls::crypto::ring::kx_group::SECP384R1];
    vec![
        ("TLS 1.3", Ends::new()),
        ("TLS 1.2", Ends::of_tls12()),
        ("a hello that is asked for again", Ends::of(Arc::new(provider), |own| vec![own])),
        ("handshake messages over many records", small(64)),
        ("a handshake message's head over two records", small(34)),
    ]
}

/// A handshake, a request, an answer of these lengths, read by so many bytes, and a farewell.
fn talk(ends: &Ends, down: Cuts, up: Cuts, lengths: &[usize], most: usize) {
    let mut pair = Pair::shaken(ends, down, up);
    pair.write(b"may I?");
    pair.carry().unwrap();
    assert_eq!(pair.heard, b"may I?");
    let mut read = Vec::new();
    for length in lengths {
        pair.tell(&bytes(*length));
        let stopped = pair.read(most, &mut read).expect("no farewell yet");
        assert_eq!(stopped.kind(), ErrorKind::WouldBlock, "{stopped}");
    }
    pair.write(&bytes(300));
    pair.tell(b"that is all");
    pair.server.send_close_notify();
    pair.carry().unwrap();
    assert!(pair.read(most, &mut read).is_none(), "the farewell is heard");
    let said: Vec<u8> = lengths.iter().flat_map(|length| bytes(*length)).chain(*b"that is all").collect();
    assert!(read == said, "{} bytes of {}", read.len(), said.len());
    assert_eq!(pair.heard[6..], bytes(300));
}

#[test]
fn whatever_is_said_is_heard_by_reads_and_writes_of_any_length() {
    for (form, ends) in forms() {
        for each in [1, 2, 3, 7, 64, 1_000] {
            println!("{form}, cut each {each} bytes");
            talk(&ends, Cuts::Every(each), Cuts::Every(each), &[1, 500, 20, 5_000, 20_000], 4_096);
        }
        for most in [1, 100, 64 << 10] {
            println!("{form}, uncut, read by {most}");
            talk(&ends, Cuts::Never, Cuts::Never, &[1, 500, 16_384, 16_385, 70_000], most);
        }
    }
}

#[test]
fn whatever_is_said_is_heard_with_one_cut_at_any_place() {
    for (form, ends) in forms().into_iter().take(3) {
        let mut whole = Pair::shaken(&ends, Cuts::Never, Cuts::Never);
        whole.carry().unwrap();
        // The longest handshake has less than this both ways, and behind it are records of data.
        for place in 0..1_500 {
            println!("{form}, cut at {place}");
            talk(&ends, Cuts::At(place), Cuts::At(place), &[5, 400], 300);
        }
    }
}

#[test]
fn a_message_of_many_records_is_read_whole_and_records_of_one_read_cost_no_other() {
    let mut pair = Pair::shaken(&Ends::new(), Cuts::Never, Cuts::Never);
    let (long, mut read) = (bytes(2 << 20), Vec::new());
    let sent = pair.tell(&long);
    assert_eq!(pair.read(64 << 10, &mut read).unwrap().kind(), ErrorKind::WouldBlock);
    assert!(read == long);
    // A partial record moves to the front: no read is much shorter than the buffer.
    assert!(pair.link.reads < 2 * sent.len() / (48 << 10), "{} reads of {}", pair.link.reads, sent.len());

    for _ in 0..400 {
        pair.tell(&bytes(100));
    }
    pair.link.reads = 0;
    let mut buf = vec![0; 64 << 10];
    for _ in 0..400 {
        // One by one: none waits for the others to be decrypted.
        assert_eq!(pair.tunnel.read(&mut pair.link, &mut buf).unwrap(), 100);
        assert_eq!(pair.link.reads, 1, "all lie in what the first read brought");
    }
}

#[test]
fn what_is_read_is_not_lost_over_a_write() {
    let mut pair = Pair::shaken(&Ends::new(), Cuts::Never, Cuts::Never);
    let (mut read, mut said, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    let mut buf = [0; 70];
    for round in 0..50 {
        for at in 0..5 {
            let message = bytes(100 + round + at);
            pair.tell(&message);
            said.extend(message);
        }
        // A record and a half are taken, and the others lie decrypted or not, when a write comes between.
        for _ in 0..3 {
            let count = pair.tunnel.read(&mut pair.link, &mut buf).unwrap();
            read.extend_from_slice(&buf[..count]);
            pair.write(&[round as u8; 30]);
            asked.extend([round as u8; 30]);
        }
    }
    assert_eq!(pair.read(64, &mut read).unwrap().kind(), ErrorKind::WouldBlock);
    assert!(read == said, "{} bytes of {}", read.len(), said.len());
    pair.carry().unwrap();
    assert!(pair.heard == asked);
}

#[test]
fn a_socket_that_takes_nothing_holds_writes_back_and_no_reads() {
    let mut pair = Pair::shaken(&Ends::new(), Cuts::Never, Cuts::Never);
    pair.carry().unwrap();
    pair.link.full = true;
    let long = bytes(100_000);
    let taken = pair.tunnel.write(&mut pair.link, &long).unwrap();
    assert_eq!(taken, 16 << 10, "a record's worth is taken, whatever the socket does");
    for _ in 0..3 {
        assert_eq!(pair.tunnel.write(&mut pair.link, &long[taken..]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(pair.tunnel.flush(&mut pair.link).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut read = Vec::new();
        pair.tell(b"reads go on");
        assert_eq!(pair.read(100, &mut read).unwrap().kind(), ErrorKind::WouldBlock);
        assert_eq!(read, b"reads go on");
    }
    assert_eq!(pair.link.sent, b"");
    pair.link.full = false;
    // A read sends what waits too: the peer may wait for it.
    assert_eq!(pair.read(100, &mut Vec::new()).unwrap().kind(), ErrorKind::WouldBlock);
    assert_eq!(records(&pair.link.sent).len(), 1);
    pair.write(&long[taken..]);
    pair.carry().unwrap();
    assert!(pair.heard == long);
    assert_eq!(pair.tunnel.write(&mut pair.link, b"now").unwrap(), 3);
    assert_eq!(records(&pair.link.sent).len(), 1, "what can leave leaves at once");
}

#[test]
fn nothing_of_ours_is_written_before_the_handshake_is_done() {
    let mut pair = Pair::new(&Ends::new(), Cuts::Never, Cuts::Never);
    let error = pair.tunnel.write(&mut pair.link, b"secret").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    while !pair.tunnel.handshake(&mut pair.link).unwrap() {
        pair.carry().unwrap();
    }
    pair.write(b"secret");
    pair.carry().unwrap();
    assert_eq!(pair.heard, b"secret", "and that cost nothing");
}
