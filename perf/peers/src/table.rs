//! Purpose: what a run came to, as Markdown for a person and as JSON for a program.
//! Owns: nothing. Thread: main. Takes and gives: figures and goals in, text out. Never: rounds a verdict.

use std::fmt::Write;

use serde_json::json;

use crate::goals::Goal;
use crate::hop;
use crate::measure::Run;

/// The goals, a row each.
pub(crate) fn goals(goals: &[Goal]) -> String {
    let mut out = String::from("| goal | measured | limit | holds | of what |\n|---|---:|---:|---|---|\n");
    for goal in goals {
        let value = goal.value.map_or("-".to_owned(), |value| format!("{} {}", figure(value), goal.unit));
        let holds = match goal.holds {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "-",
        };
        let limit = goal.limit.replace('|', "/");
        _ = writeln!(out, "| {} | {value} | {limit} | {holds} | {} |", goal.name, goal.reference);
    }
    let count = |wanted| goals.iter().filter(|goal| goal.holds == wanted).count();
    let (held, missed, open) = (count(Some(true)), count(Some(false)), count(None));
    _ = writeln!(out, "\n{held} hold, {missed} do not, {open} were not measured.");
    out
}

/// Every cell: the median, the quartiles, and the quotient with the first cell of its group that stands for Meltica.
pub(crate) fn figures(run: &Run) -> String {
    let mut out =
        String::from("| group | candidate | median, ns | quartiles | times meltica |\n|---|---|---:|---:|---:|\n");
    let names = run.names();
    for name in &names {
        let Some((group, candidate)) = name.rsplit_once('/') else { continue };
        let (Some(median), Some((low, high))) = (run.median(name), run.quartiles(name)) else { continue };
        let ours = names.iter().find(|n| n.starts_with(&format!("{group}/meltica")));
        let times = ours.filter(|ours| *ours != name && !candidate.starts_with("copy") && candidate != "nothing");
        let times = times.and_then(|ours| run.ratio(name, ours)).map_or(String::new(), |times| format!("{times:.2}"));
        let spread = format!("{} to {}", figure(low), figure(high));
        _ = writeln!(out, "| {group} | {candidate} | {} | {spread} | {times} |", figure(median));
    }
    if let Some(one_way) = run.median(hop::ONE_WAY) {
        _ = writeln!(out, "\nThe two cores are {}: one way of a cache line is {one_way:.0} ns.", hop::regime(one_way));
    }
    out
}

/// `{ "goals": […] }`.
pub(crate) fn json(goals: &[Goal]) -> String {
    format!("{:#}\n", json!({ "goals": goals }))
}

fn figure(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{}", (value * 100.0).round() / 100.0) }
}
