//! What every reader of the bus may rely on, whatever the venue does: numbers without a hole, epochs that never fall,
//! connections that come and go in turn, and no word of a Good book while nobody feeds it.

use std::collections::{BTreeMap, BTreeSet};

use meltica::directory::Directory;
use meltica::schema::canonical_type::builtin;
use meltica::schema::event::EventRef;
use meltica::schema::id::{ConnectionId, InstrumentId, TypeId};
use meltica::schema::json::Names;
use meltica::schema::payload::ConnectionStatus;
use meltica::schema::quality::Quality;

/// How `STATUS.CONNECTION` numbers what it announces.
const DOWN: i64 = 0;

#[derive(Default)]
pub(crate) struct Manners {
    pub(crate) events: u64,
    pub(crate) downs: u64,
    /// With several shards there are several rings, and nothing is assumed across them.
    one_ring: bool,
    seqs: BTreeMap<(InstrumentId, TypeId), u64>,
    epochs: BTreeMap<InstrumentId, u32>,
    /// Connections that are up.
    up: BTreeSet<ConnectionId>,
    quality: BTreeMap<InstrumentId, Quality>,
    /// Books that were Good when the last connection went: each must say otherwise before anything else.
    owed: BTreeSet<InstrumentId>,
}

impl Manners {
    pub(crate) fn of(shards: usize) -> Manners {
        Manners { one_ring: shards == 1, ..Manners::default() }
    }

    pub(crate) fn take(&mut self, event: EventRef<'_>, directory: &Directory) {
        self.events += 1;
        let header = event.header();
        let (instrument, type_id) = (header.instrument(), header.type_id());
        let name = directory.instrument_name(instrument).unwrap_or("*");
        let seq = self.seqs.entry((instrument, type_id)).or_default();
        assert_eq!(header.seq, *seq + 1, "{name}: a hole in the numbers of {type_id:?}");
        *seq = header.seq;
        if instrument.is_some() {
            let epoch = self.epochs.entry(instrument).or_default();
            assert!(header.epoch >= *epoch, "{name}: epoch {} after {epoch}", header.epoch);
            *epoch = header.epoch;
        }
        if let Some(status) = event.payload::<ConnectionStatus>() {
            return self.connection(header.connection(), status);
        }
        if type_id == builtin::STATUS_BOOK {
            self.quality.insert(instrument, header.quality());
            if header.quality() != Quality::Good {
                self.owed.remove(&instrument);
            }
        }
        assert!(!self.owed.contains(&instrument), "{name}: {type_id:?} before it was said that its connection is gone");
        // What a REST body proves is no word of the stream's: with no connection nothing can be vouched for.
        let good = header.quality() == Quality::Good;
        assert!(
            !good || !self.up.is_empty() || !self.one_ring,
            "{name}: {type_id:?} is Good while no connection is up"
        );
    }

    fn connection(&mut self, connection: ConnectionId, status: &ConnectionStatus) {
        let cause = String::from_utf8_lossy(&status.cause);
        let cause = cause.trim_end_matches('\0');
        assert!(!cause.is_empty(), "{connection:?}: a change without a cause");
        if status.change == DOWN {
            assert!(self.up.remove(&connection), "{connection:?} went down ({cause}) and was not up");
            self.downs += 1;
            if self.one_ring && self.up.is_empty() && !cause.starts_with("ended") {
                let good = self.quality.iter().filter(|(_, quality)| **quality == Quality::Good);
                self.owed.extend(good.map(|(instrument, _)| *instrument));
            }
        } else {
            assert!(self.owed.is_empty(), "{:?} are still Good after all connections had gone", self.owed);
            assert!(self.up.insert(connection), "{connection:?} came up twice");
        }
    }

    /// How many connections are up.
    pub(crate) fn up(&self) -> usize {
        self.up.len()
    }
}
