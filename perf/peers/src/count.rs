//! Purpose: rounds for an instruction counter, as `perf/instructions` asks for them: the rooms of the benches, every decoder
//! beside Meltica. Owns: nothing. Thread: one. Takes and gives: a number of rounds in, a line for each part out.
//! Never: counts setup or warm-up.

use std::hint::black_box;

use crate::decode::{DECODERS, payloads};
use crate::support::count::{self, matches, measured};
use crate::support::frames::samples;

/// Bytes after which a frame counts as long: fewer rounds do.
const LONG: usize = 8 << 10;

/// As the benches' own, then `peer:NAME` for the decoders.
pub(crate) fn run(rounds: u64, room_like: &str, kind_like: &str) {
    count::run(rounds, room_like, kind_like);
    for sample in samples() {
        for decoder in &DECODERS {
            let name = format!("peer:{}", decoder.name.replace([' ', ','], "_"));
            let kind = sample.kind.name();
            if !matches(&name, room_like) || !matches(kind, kind_like) {
                continue;
            }
            let sample = if decoder.raw { payloads(&sample) } else { sample.clone() };
            let Some(mut round) = (decoder.make)(&sample) else { continue };
            let rounds = if sample.bytes() > LONG { rounds.div_ceil(16) } else { rounds };
            for _ in 0..2 * sample.templates.len() {
                round();
            }
            measured(&mut *round, black_box(rounds));
            println!("{name} {kind} {rounds} {}", sample.bytes());
        }
    }
}
