//! Purpose: what the latency ledger costs: the whole walk with it and without. Owns: nothing. Thread: main.
//! Takes and gives: a sample in; cells out. Never: leaves the copy of the frame in either.

use crate::measure::Run;
use crate::support::frames::Sample;
use crate::support::rooms::round_of;

/// The name of a cell.
pub(crate) fn cell(sample: &Sample, name: &str) -> String {
    format!("ledger/{}/{name}", sample.kind.name())
}

/// Adds both walks.
pub(crate) fn add(run: &mut Run, sample: &Sample) {
    let copy = cell(sample, "copy");
    run.add_round(copy.clone(), None, round_of("copy", sample));
    for room in ["walk", "walk+ledger"] {
        run.add_round(cell(sample, room), Some(copy.clone()), round_of(room, sample));
    }
}
