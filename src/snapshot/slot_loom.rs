//! Purpose: loom models of the slot, and the run that weakens each ordering of the table in turn.
//! Owns: nothing. Thread: loom's. Takes and gives: nothing; `RUSTFLAGS="--cfg loom" cargo test --lib slot_loom` runs it.
//! Bounds: two banks, the fewest there can be, so that the third record lies where the first did; two words a record.
//! Never: part of a build that ships.

use std::process::{Command, Stdio};

use loom::sync::Arc;
use loom::thread;

use super::orderings;
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

/// Runs the models in a process of their own with one site weakened (with none for an id that no site has); the number
/// of models that fail.
fn failing_models(id: &str) -> usize {
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["slot_loom::", "--skip", "every_weakened_ordering", "--test-threads=1"]).env("MELTICA_MUTANT", id);
    let output = run.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let count = |verdict: &str| said.lines().filter(|l| l.starts_with("test ") && l.ends_with(verdict)).count();
    let (held, failed) = (count(" ... ok"), count(" ... FAILED"));
    assert!(output.status.success() == (failed == 0) && held + failed == 5, "not every model ran: {said}");
    failed
}

#[test]
fn every_weakened_ordering_is_noticed() {
    assert_eq!(failing_models("none"), 0, "the models fail as they are");
    let rows = orderings::rows();
    assert!(!rows.is_empty());
    for [id, ..] in rows {
        let failed = failing_models(id);
        println!("{id}: noticed by {failed} models");
        assert!(failed > 0, "no model notices {id}");
    }
}
