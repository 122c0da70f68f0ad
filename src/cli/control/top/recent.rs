//! Purpose: percentiles of what was recorded lately, from reports that only grow. Owns: the last few of them.
//! Thread: main. Takes and gives: reports in, rows out. Never: takes what a feed recorded before it was started anew for new.

use std::collections::VecDeque;
use std::time::Duration;

use crate::cli::control::latency::hops::words;
use crate::cli::control::latency::measured::{Measured, Series};
use crate::schema::latency::{AgentView, LatencyReport, RingView};

/// What is recent.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// Between two reports that are kept.
const KEPT_EVERY: Duration = Duration::from_millis(1_900);

/// A hop, or a part of it, lately.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// The hop in words.
    pub(super) hop: String,
    /// Of which part; `None`: all.
    pub(super) of: Option<String>,
    /// A second; `None` before there were two reports.
    pub(super) rate: Option<f64>,
    pub(super) p50_ns: i64,
    pub(super) p90_ns: i64,
    pub(super) p99_ns: i64,
    pub(super) p999_ns: i64,
    pub(super) max_ns: i64,
}

/// What a feed says of its latency, made recent.
#[derive(Clone, Debug, Default)]
pub(super) struct Latency {
    /// Whether it tells of it at all.
    pub(super) told: bool,
    pub(super) recorded: bool,
    pub(super) rows: Vec<Row>,
    /// Of how long the rows are; `None`: since the feed began.
    pub(super) span: Option<Duration>,
    pub(super) agents: Vec<Agent>,
    pub(super) rings: Vec<RingView>,
}

/// A thread, and how much of its cycles did work since the report before.
#[derive(Clone, Debug, Default)]
pub(super) struct Agent {
    pub(super) view: AgentView,
    pub(super) busy: Option<(u64, u64)>,
}

/// The last few reports.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    kept: VecDeque<(Duration, Measured)>,
    agents: Vec<AgentView>,
}

impl Recent {
    /// A report that came at `now`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn take(&mut self, report: LatencyReport, now: Duration) -> Result<Latency, String> {
        let measured = Measured::of(&report)?;
        if self.kept.back().is_some_and(|(_, last)| last.since_ns != measured.since_ns) {
            self.kept.clear();
        }
        // One that is as old as the window stays, the others that old go.
        while self.kept.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.kept.pop_front();
        }
        let before = self.kept.front();
        let span = before.map(|(at, _)| now.saturating_sub(*at));
        let rows = measured.series.iter().filter_map(|series| row(series, before.map(|(_, old)| old), span)).collect();
        if self.kept.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= KEPT_EVERY) {
            self.kept.push_back((now, measured));
        }
        let agents = report.agents.iter().map(|view| self.agent(view)).collect();
        self.agents = report.agents;
        Ok(Latency { told: true, recorded: report.recorded, rows, span, agents, rings: report.rings })
    }

    fn agent(&self, view: &AgentView) -> Agent {
        let before = self.agents.iter().find(|before| before.name == view.name && before.cycles < view.cycles);
        let busy = before.map(|before| (view.busy.saturating_sub(before.busy), view.cycles - before.cycles));
        Agent { view: view.clone(), busy }
    }
}

/// What is in `series` and was not in `before`; `None` where that is nothing.
fn row(series: &Series, before: Option<&Measured>, span: Option<Duration>) -> Option<Row> {
    let old = before.and_then(|before| before.series.iter().find(|old| old.tag == series.tag));
    let new = old.map_or_else(|| series.clone(), |old| series.since(old));
    if new.count() == 0 {
        return None;
    }
    let seconds = span.map(|span| span.as_secs_f64()).filter(|seconds| *seconds > 0.0);
    let figures = new.summary();
    Some(Row {
        hop: words(&series.tag.hop).to_owned(),
        of: (!series.tag.is_total()).then(|| series.tag.part()),
        rate: seconds.map(|seconds| figures.count as f64 / seconds),
        p50_ns: figures.p50_ns,
        p90_ns: figures.p90_ns,
        p99_ns: figures.p99_ns,
        p999_ns: figures.p999_ns,
        max_ns: figures.max_ns,
    })
}
