//! Weakens each ordering of the table in turn and asks the models to notice.
//!
//! Owns: the runs, each its own process, since a model that fails may abort. Thread: a test's, two processes at a time.
//! Takes and gives: the table's ids; the models' verdicts. Never: a second build: see `sync/ordering.rs`.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::ring::table;

const WATCHERS: usize = 2;

/// Runs the models with one site weakened (with none for an id that no site has): the models that fail.
fn failing_models(id: &str) -> Vec<String> {
    let tests = std::env::current_exe().unwrap();
    let models = ["ring::loom::spsc::", "ring::loom::broadcast::", "ring::loom::gates::", "ring::loom::heeded::"];
    let mut run = Command::new(tests);
    run.args(models).arg("--test-threads=1").env("MELTICA_MUTANT", id);
    // A weakened ordering shows within three preemptions; the models themselves run without a bound.
    run.env("LOOM_MAX_PREEMPTIONS", "3").env_remove("LOOM_LOG").env("RUST_BACKTRACE", "0");
    let output = run.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let verdict = |verdict: &str| {
        let model = |line: &str| Some(line.strip_prefix("test ring::loom::")?.strip_suffix(verdict)?.to_owned());
        said.lines().filter_map(model).collect::<Vec<_>>()
    };
    let (held, mut failed) = (verdict(" ... ok"), verdict(" ... FAILED"));
    assert!(held.len() + failed.len() > 0, "no model ran: {said}");
    if !output.status.success() && failed.is_empty() {
        failed.push(format!("the model after {:?}, which ended the process", held.last()));
    }
    failed
}

#[test]
fn every_weakened_ordering_is_noticed() {
    assert_eq!(failing_models("none"), Vec::<String>::new(), "the models fail as they are");
    let rows = table::rows();
    let todo = Mutex::new(rows.iter().map(|row| row.id).collect::<Vec<_>>());
    let verdicts = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..WATCHERS {
            scope.spawn(|| {
                while let Some(id) = { todo.lock().unwrap().pop() } {
                    let noticed_by = failing_models(id);
                    verdicts.lock().unwrap().insert(id, noticed_by);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap();
    verdicts.iter().for_each(|(id, noticed_by)| println!("{id}: noticed by {noticed_by:?}"));
    assert_eq!(verdicts.len(), rows.len());
    let survivors: Vec<_> = verdicts.iter().filter(|(_, noticed_by)| noticed_by.is_empty()).map(|(id, _)| id).collect();
    assert!(survivors.is_empty(), "no model notices {survivors:?}");
}
