//! Purpose: which connection feeds a book, and what the book is worth when that one goes, each a short story and what is told.
//! Owns: the stories. Thread: a test's. Takes and gives: inputs in, published events out. Never: uses the wall clock.

use bytemuck::Zeroable;

use super::rig::{BTC, MS, Rig};
use crate::schema::canonical_type::builtin;
use crate::schema::id::{InstrumentId, Source};
use crate::schema::payload::{CONNECTION_CHANGES, ConnectionStatus, fixed_text};
use crate::schema::quality::Quality;

impl Rig {
    fn connection_event(&mut self, connection: u16, up: bool, of: InstrumentId, cause: &str) {
        let mut payload = ConnectionStatus::zeroed();
        payload.cause = fixed_text(cause).unwrap();
        let change = if up { "ConnectionUp" } else { "ConnectionDown" };
        payload.change = CONNECTION_CHANGES.iter().position(|c| *c == change).unwrap() as i64;
        let header = self.head(builtin::STATUS_CONNECTION, Source::Connection, of);
        self.made(crate::schema::event::EventHeader { connection, ..header }, &payload, &[]);
    }

    /// The venue acknowledges the book's stream on this connection.
    fn fed_by(&mut self, connection: u16) {
        self.connection_event(connection, true, BTC, "");
    }

    fn loses(&mut self, connection: u16) {
        self.connection_event(connection, false, InstrumentId::NONE, "reset");
    }
}

#[test]
fn f20_a_silent_book_goes_stale_with_the_connection_that_took_over_its_stream() {
    let mut rig = Rig::plain();
    rig.fed_by(1);
    rig.live(100);
    rig.fed_by(2);
    assert_eq!(rig.told(), Vec::<String>::new(), "nobody is told who feeds a book");
    rig.loses(1);
    assert_eq!((rig.told(), rig.quality()), (vec!["ConnectionStatus None".to_owned()], Quality::Good));
    rig.clear();
    rig.loses(2);
    assert_eq!(rig.told(), ["ConnectionStatus None", "Quality ConnectionDown Good>Stale"]);
}

#[test]
fn f29_a_book_without_an_acknowledged_stream_is_never_good_whatever_rest_says() {
    let mut rig = Rig::plain();
    let snapshot = |rig: &mut Rig| rig.snapshot(5, &[(49, 1)], &[(60, 1)]);
    rig.later(60_000 * MS);
    assert_eq!(rig.asks(), 0, "no stream, no snapshot");
    rig.fed_by(1);
    rig.later(2_000 * MS);
    assert_eq!(rig.asks(), 1, "a silent stream is asked for");
    rig.loses(1);
    snapshot(&mut rig);
    rig.later(1_000 * MS);
    assert_eq!(rig.asks(), 2, "a second one would prove it");
    snapshot(&mut rig);
    rig.ticker(5, (49, 1), (60, 1));
    assert_eq!(rig.quality(), Quality::Stale, "but nobody would hear what changes it");
    rig.fed_by(2);
    rig.later(2_000 * MS);
    snapshot(&mut rig);
    assert_eq!(rig.quality(), Quality::Good);
}
