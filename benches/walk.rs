//! What each room of the walk costs for a frame, and the whole walk on one thread, with the cost of the rounds themselves.
//!
//! Owns: nothing. Thread: one. Takes and gives: times by criterion; with `count ROUNDS [ROOM [KIND]]`, plain rounds for an
//! instruction counter (`perf/instructions`). Never: a verdict: the box is shared and noisy, so compare by ratios inside
//! one run, or by instructions.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

mod support;

use std::time::Duration;

use criterion::{Criterion, Throughput};

use support::frames::samples;
use support::framing::FRAMINGS;
use support::rooms::{ROOMS, applies};

/// A group a kind, so that what is compared runs side by side.
fn times(criterion: &mut Criterion) {
    for sample in samples() {
        let mut group = criterion.benchmark_group(sample.kind.name());
        group.throughput(Throughput::Bytes(sample.bytes() as u64));
        group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(20);
        for room in ROOMS.iter().chain(&FRAMINGS).filter(|room| applies(room, &sample)) {
            let mut round = (room.make)(&sample);
            group.bench_function(room.name, |bencher| bencher.iter(&mut round));
        }
        group.finish();
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [command, rounds, rest @ ..] = words.as_slice()
        && command == "count"
    {
        let like = |at: usize| rest.get(at).map_or("", String::as_str);
        return support::count::run(rounds.parse().unwrap(), like(0), like(1));
    }
    let mut criterion = Criterion::default().configure_from_args();
    times(&mut criterion);
    criterion.final_summary();
}
