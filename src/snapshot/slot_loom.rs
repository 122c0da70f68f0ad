//! Purpose: loom models of the slot: every interleaving of readers and writers that its bounds allow.
//! Run: `RUSTFLAGS="--cfg loom" cargo test --lib slot_loom`, and once with each mutant of `slot.rs`, which must fail.
//! Bounds: two banks, the fewest there can be, so that the third record lies where the first did; two words a record.

use loom::sync::Arc;
use loom::thread;

use super::slot::{Read, Slot};

type Pair = Slot<2>;

/// Both words of version `v` are `v`: a mixture shows.
fn write_next(slot: &Pair) -> Option<u64> {
    let mut turn = slot.try_turn(1)?;
    let version = turn.stamp().version() + 1;
    turn.publish(&[version], &[version]).ok().map(|published| published.version)
}

/// Writes only on version `expected`.
fn write_after(slot: &Pair, expected: u64) -> Option<u64> {
    let mut turn = slot.try_turn(1)?;
    if turn.stamp().version() != expected {
        return None;
    }
    turn.publish(&[expected + 1], &[expected + 1]).ok().map(|published| published.version)
}

fn read_whole(slot: &Pair) -> Option<u64> {
    let mut words = Vec::new();
    match slot.read(1, &mut words) {
        Read::Whole(version) => {
            assert_eq!(words, [version, version], "torn");
            Some(version)
        }
        Read::Absent | Read::Outrun(_) => None,
    }
}

fn model(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

#[test]
fn a_reader_sees_a_first_record_whole_or_not_at_all() {
    model(3, || {
        let slot = Arc::new(Pair::new());
        let writer = thread::spawn({
            let slot = Arc::clone(&slot);
            move || assert_eq!(write_next(&slot), Some(1))
        });
        read_whole(&slot);
        writer.join().unwrap();
        assert_eq!(read_whole(&slot), Some(1));
    });
}

#[test]
fn a_copy_that_a_writer_came_into_is_refused() {
    model(3, || {
        let slot = Arc::new(Pair::new());
        write_next(&slot);
        let writer = thread::spawn({
            let slot = Arc::clone(&slot);
            move || {
                write_next(&slot);
                write_next(&slot);
            }
        });
        let seen = read_whole(&slot);
        assert!(seen.is_none_or(|version| (1..=3).contains(&version)));
        writer.join().unwrap();
        assert_eq!(read_whole(&slot), Some(3));
    });
}

#[test]
fn two_writers_in_turn_are_as_one_to_a_reader() {
    model(3, || {
        let slot = Arc::new(Pair::new());
        write_next(&slot);
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let slot = Arc::clone(&slot);
                thread::spawn(move || write_next(&slot))
            })
            .collect();
        read_whole(&slot);
        let mut versions: Vec<u64> = writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect();
        versions.sort_unstable();
        assert!(versions == [2] || versions == [2, 3], "{versions:?}");
        assert_eq!(read_whole(&slot), versions.last().copied());
    });
}

#[test]
fn of_two_swaps_from_one_version_one_wins() {
    model(3, || {
        let slot = Arc::new(Pair::new());
        write_next(&slot);
        let other = thread::spawn({
            let slot = Arc::clone(&slot);
            move || write_after(&slot, 1)
        });
        let mine = write_after(&slot, 1);
        let theirs = other.join().unwrap();
        assert!(mine.is_some() != theirs.is_some(), "{mine:?} {theirs:?}");
        assert_eq!(read_whole(&slot), Some(2));
    });
}

#[test]
fn a_version_lives_on_when_its_record_is_taken_away() {
    model(3, || {
        let slot = Arc::new(Pair::new());
        write_next(&slot);
        let sweeper = thread::spawn({
            let slot = Arc::clone(&slot);
            move || {
                if let Some(mut turn) = slot.try_turn(1) {
                    turn.retire();
                }
            }
        });
        let written = write_next(&slot);
        read_whole(&slot);
        sweeper.join().unwrap();
        assert!(written.is_none_or(|version| version == 2));
        assert_eq!(slot.latest().version(), written.unwrap_or(1));
    });
}
