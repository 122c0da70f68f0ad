//! How far a model is explored.
//!
//! Owns: nothing. Thread: a test's. Takes and gives: a model in, a panic out if it can fail.
//! Never: a bound of our own on preemptions, time or number: the models are small enough to be explored to their end.

/// Explores all executions of a model; `LOOM_MAX_PREEMPTIONS` bounds them for a hurried look.
pub(super) fn explore(model: impl Fn() + Sync + Send + 'static) {
    ::loom::model::Builder::new().check(model);
}
