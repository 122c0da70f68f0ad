//! Purpose: the framing cells: WebSocket messages out of a stream in memory, by our framer and by tungstenite as it was used.
//! Owns: nothing. Thread: main. Takes and gives: samples in; cells out. Never: takes off what the reads cost: both have them.

use crate::measure::Run;
use crate::support::frames::{Kind, Sample};
use crate::support::framing::FRAMINGS;

/// How much a read brings, by name.
pub(crate) const READS: [&str; 4] = ["one", "mtu", "8k", "64k"];

/// The name of a cell.
pub(crate) fn cell(kind: Kind, reader: &str, reads: &str) -> String {
    format!("framing/{}/{reader}:{reads}", kind.name())
}

/// Adds the cells of a kind.
pub(crate) fn add(run: &mut Run, sample: &Sample) {
    for room in &FRAMINGS {
        run.add_round(format!("framing/{}/{}", sample.kind.name(), room.name), None, (room.make)(sample));
    }
}
