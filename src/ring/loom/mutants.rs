//! Weakens each ordering of the table in turn and asks the models to notice.
//!
//! Owns: the runs, each its own process, since a model that fails may abort. Thread: a test's, two processes at a time.
//! Takes and gives: the table's ids; the models' verdicts. Never: a second build: see `sync/ordering.rs`.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::ring::table;

const WATCHERS: usize = 2;

/// Runs the models with one site weakened (with none for an empty id) and says whether they hold.
fn models_hold(id: &str) -> bool {
    let tests = std::env::current_exe().unwrap();
    let models = ["ring::loom::spsc::", "ring::loom::broadcast::", "ring::loom::gates::"];
    let mut run = Command::new(tests);
    run.args(models).arg("--test-threads=1").env("MELTICA_MUTANT", id).env_remove("LOOM_LOG");
    let output = run.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("running "), "the models did not run: {said}");
    assert!(!said.contains("running 0 tests"), "no model was found: {said}");
    output.status.success()
}

#[test]
fn every_weakened_ordering_is_noticed() {
    let rows = table::rows();
    let todo = Mutex::new(rows.iter().map(|row| row.id).collect::<Vec<_>>());
    let verdicts = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..WATCHERS {
            scope.spawn(|| {
                while let Some(id) = { todo.lock().unwrap().pop() } {
                    let survives = models_hold(id);
                    verdicts.lock().unwrap().insert(id, survives);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    assert_eq!(verdicts.len(), rows.len());
    for (id, survives) in &verdicts {
        println!("{id}: {}", if *survives { "SURVIVES" } else { "noticed" });
    }
    let survivors: Vec<_> = verdicts.iter().filter(|(_, survives)| **survives).map(|(id, _)| *id).collect();
    assert!(survivors.is_empty(), "no model notices {survivors:?}");
    assert!(models_hold("none"), "the models fail as they are");
}
