//! Promise: keys may change and tickets may come at any time; a session goes on with the next connection.

use std::io::ErrorKind;

use rustls::HandshakeKind;

use super::link::{Cuts, Ends, Pair, bytes, records};

#[test]
fn keys_that_the_peer_changes_are_followed_and_its_wish_for_ours_is_answered_with_the_next_bytes() {
    for each in [1, 2, 7, 64, 100_000] {
        let mut pair = Pair::shaken(&Ends::new(), Cuts::Every(each), Cuts::Every(each));
        pair.carry().unwrap();
        let mut read = Vec::new();
        for round in 0..100 {
            let changes = round % 3 == 0;
            if changes {
                pair.server.refresh_traffic_keys().unwrap();
            }
            pair.tell(&bytes(round + 1));
            assert_eq!(pair.read(1_000, &mut read).unwrap().kind(), ErrorKind::WouldBlock);
            assert!(read.ends_with(&bytes(round + 1)), "by new keys");
            pair.write(&bytes(10));
            // Ours go out by the old ones no more: the peer is told of the new ones first.
            assert_eq!(records(&pair.link.sent).len(), if changes { 2 } else { 1 }, "round {round}");
            pair.carry().unwrap();
            assert_eq!(pair.heard.len(), 10 * (round + 1));
        }
    }
}

#[test]
fn a_flood_of_key_changes_ends_the_connection() {
    let mut pair = Pair::shaken(&Ends::new(), Cuts::Never, Cuts::Never);
    for _ in 0..100 {
        pair.server.refresh_traffic_keys().unwrap();
    }
    pair.tell(b"never read");
    let mut read = Vec::new();
    let error = pair.read(100, &mut read).unwrap();
    assert!(error.to_string().contains("KeyUpdate"), "{error}");
    assert_eq!(read, b"");
}

#[test]
fn tickets_are_kept_and_the_next_handshake_is_the_shorter_for_it() {
    for (ends, tickets) in [(Ends::new(), 2), (Ends::of_tls12(), 0)] {
        let first = Pair::shaken(&ends, Cuts::Every(3), Cuts::Every(3));
        assert_eq!(first.server.handshake_kind(), Some(HandshakeKind::Full));
        let mut pair = first;
        // In TLS 1.3 they come behind the handshake, and no plain bytes are among them.
        assert_eq!(pair.read(100, &mut Vec::new()).unwrap().kind(), ErrorKind::WouldBlock);
        let before = pair.link.reads;
        assert!(before > tickets, "they were read");
        for each in [1, 100_000] {
            let second = Pair::shaken(&ends, Cuts::Every(each), Cuts::Every(each));
            assert_eq!(second.server.handshake_kind(), Some(HandshakeKind::Resumed));
        }
    }
}
