//! Purpose: what a frame costs when 2,500 instruments take turns, beside one instrument: the whole walk, a book each.
//! Owns: nothing. Thread: main. Takes and gives: a sample in; cells out. Never: gives the many other diffs than the one.

use std::hint::black_box;

use meltica::schema::frame::FrameSource;

use crate::measure::Run;
use crate::support::frames::Sample;
use crate::support::turns::{MANY, Turns, walk_of};

/// The name of a cell.
pub(crate) fn cell(sample: &Sample, instruments: usize, name: &str) -> String {
    format!("instruments/{}/{name}, {instruments}", sample.kind.name())
}

/// Adds the walk over one instrument and over many.
pub(crate) fn add(run: &mut Run, sample: &Sample) {
    for count in [1, MANY] {
        let mut source = Turns::of(sample, count);
        source.begin();
        let copy = cell(sample, count, "copy");
        let round = Box::new(move || _ = source.pull(&mut |frame| _ = black_box(frame.bytes.len())));
        run.add_round(copy.clone(), None, round);
        run.add_round(cell(sample, count, "walk"), Some(copy), walk_of(sample, count));
    }
}
