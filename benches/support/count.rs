//! Purpose: rounds for an instruction counter that looks only inside `measured` and writes a part each time it returns.
//! Owns: nothing. Thread: one. Takes and gives: a number of rounds in, a line for each part out.
//! Never: counts setup or warm-up.

use std::hint::black_box;

use super::frames::samples;
use super::framing::FRAMINGS;
use super::rooms::{ROOMS, applies};

/// Bytes after which a frame counts as long: fewer rounds do.
const LONG: usize = 8 << 10;

/// Counts `rounds` rounds (a sixteenth for long frames) of each room whose name, and each kind whose name, contains the
/// texts given; with `=` before a text, is that text. Prints `room kind rounds bytes` for each part, in order.
pub(crate) fn run(rounds: u64, room_like: &str, kind_like: &str) {
    for sample in samples() {
        for room in ROOMS.iter().chain(&FRAMINGS) {
            let (kind, wanted) = (sample.kind.name(), applies(room, &sample));
            if !wanted || !matches(room.name, room_like) || !matches(kind, kind_like) {
                continue;
            }
            let rounds = if sample.bytes() > LONG { rounds.div_ceil(16) } else { rounds };
            let mut round = (room.make)(&sample);
            // Whole turns of the sample, so that buffers and branches are as they will be.
            for _ in 0..2 * sample.templates.len() {
                round();
            }
            measured(&mut *round, black_box(rounds));
            println!("{} {kind} {rounds} {}", room.name, sample.bytes());
        }
    }
}

/// Whether a name is one of those asked for.
pub(crate) fn matches(name: &str, like: &str) -> bool {
    like.strip_prefix('=').map_or_else(|| name.contains(like), |exact| name == exact)
}

/// What the counter looks into.
#[inline(never)]
pub(crate) fn measured(round: &mut dyn FnMut(), rounds: u64) {
    for _ in 0..rounds {
        round();
    }
}
