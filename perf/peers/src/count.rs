//! Purpose: rounds for an instruction counter, as `perf/instructions` asks for them: the rooms of the benches, the walk over many
//! instruments where it is asked for, every decoder beside Meltica. Owns: nothing. Thread: one. Takes and gives: a number of rounds
//! in, a line for each part out. Never: counts setup or warm-up.

use std::hint::black_box;

use crate::decode::{DECODERS, payloads};
use crate::instruments::{MANY, walk};
use crate::support::count::{self, measured};
use crate::support::frames::{Kind, samples};

/// Bytes after which a frame counts as long: fewer rounds do.
const LONG: usize = 8 << 10;

/// As the benches' own, then `peer:NAME` for the decoders.
pub(crate) fn run(rounds: u64, room_like: &str, kind_like: &str) {
    count::run(rounds, room_like, kind_like);
    many(rounds, room_like, kind_like);
    for sample in samples() {
        for decoder in &DECODERS {
            let name = format!("peer:{}", decoder.name.replace([' ', ','], "_"));
            let kind = sample.kind.name();
            if !name.contains(room_like) || !kind.contains(kind_like) {
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

/// The walk over one instrument and over many, each instrument at least twice: mostly for a count of cache misses.
fn many(rounds: u64, room_like: &str, kind_like: &str) {
    for sample in samples().iter().filter(|sample| matches!(sample.kind, Kind::BookTicker | Kind::Diff20)) {
        for count in [1, MANY] {
            let (name, kind) = (format!("instruments:{count}"), sample.kind.name());
            if room_like.is_empty() || !name.contains(room_like) || !kind.contains(kind_like) {
                continue;
            }
            let rounds = rounds.max(2 * count as u64);
            measured(&mut *walk(sample, count), black_box(rounds));
            println!("{name} {kind} {rounds} {}", sample.bytes());
        }
    }
}
