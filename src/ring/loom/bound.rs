//! How far a model is explored.
//!
//! Owns: the bound on preemptions. Thread: a test's. Takes and gives: a model in, a panic out if it can fail.
//! Never: a bound on time or number: a model is explored to its end.

/// Explores a model, with at most three preemptions in one execution unless `LOOM_MAX_PREEMPTIONS` says otherwise.
pub(super) fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(model);
}
