//! Purpose: all that was measured as one HTML page that needs nothing else. Owns: its look. Thread: main.
//! Takes and gives: figures in, text out. Never: fetches anything; runs a script; lets a name be markup.

use std::fmt::Write;

use super::hops::{find, meaning, words};
use super::measured::{Measured, Series};
use super::plot::{escaped, plot, style};
use super::text::{head, share};
use crate::cli::control::spans::{span, span_signed};
use crate::cli::status::grouped;
use crate::schema::latency::Hop;

const LOOK: &str = "\
:root{color-scheme:light dark;--ink:#1f2328;--faint:#59636e;--edge:#d1d9e0;--back:#ffffff;--band:#f6f8fa}\
@media (prefers-color-scheme:dark){:root{--ink:#f0f6fc;--faint:#9198a1;--edge:#3d444d;--back:#0d1117;--band:#151b23}}\
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",sans-serif}\
main{max-width:1120px;margin:0 auto;padding:24px 20px 60px}\
h1{font-size:24px;margin:0}h2{font-size:18px;margin:36px 0 8px}p{margin:8px 0}.sub{color:var(--faint);margin-top:2px}\
svg{display:block;width:100%;height:auto;margin:16px 0;border:1px solid var(--edge);border-radius:6px}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}\
th{font-weight:600;text-align:left;color:var(--faint);border-bottom:1px solid var(--edge)}\
th,td{padding:4px 14px 4px 0;white-space:nowrap}th.n,td.n{text-align:right}tr.total td{font-weight:600;background:var(--band)}\
dt{font-weight:600;margin-top:12px}dt code{font-weight:400;color:var(--faint)}dd{margin:2px 0 0}\
.note{border-left:3px solid #bf8700;padding:2px 14px;margin:16px 0}code{font-family:ui-monospace,monospace;font-size:13px}";

// Writing to a String cannot fail, so the results below are dropped.

/// The page.
pub(super) fn page(measured: &Measured) -> String {
    let head = escaped(&head(measured));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Meltica: {head}</title>\n\
         <style>{LOOK}{}</style>\n</head>\n<body>\n<main>\n<h1>Meltica: latency</h1>\n<p class=\"sub\">{head}</p>\n",
        style()
    );
    out.push_str(&plot(&measured.drawn(), "Latency by hop", "the right end of each line is the slowest of all"));
    hops(&mut out, &measured.series);
    clocks(&mut out, measured);
    kinds(&mut out, measured);
    meanings(&mut out, measured);
    threads(&mut out, measured);
    rings(&mut out, measured);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// A table: names that begin with `>` are columns of numbers; rows that are totals stand out.
fn table(out: &mut String, names: &[&str], rows: impl Iterator<Item = (bool, Vec<String>)>) {
    let side = |at: usize| if names[at].starts_with('>') { " class=\"n\"" } else { "" };
    out.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for (at, name) in names.iter().enumerate() {
        let _ = write!(out, "<th{}>{}</th>", side(at), escaped(name.trim_start_matches('>')));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (total, cells) in rows {
        out.push_str(if total { "<tr class=\"total\">" } else { "<tr>" });
        for (at, cell) in cells.iter().enumerate().take(names.len()) {
            let _ = write!(out, "<td{}>{}</td>", side(at), escaped(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn hops(out: &mut String, series: &[Series]) {
    out.push_str("<h2>Percentiles</h2>\n");
    let names = ["hop", "of", ">count", ">min", ">p50", ">p90", ">p99", ">p99.9", ">p99.99", ">max", ">mean"];
    let row = |series: &Series| {
        let s = series.summary();
        let spans =
            [s.min_ns, s.p50_ns, s.p90_ns, s.p99_ns, s.p999_ns, s.p9999_ns, s.max_ns, s.mean_ns].map(span_signed);
        let head = [words(&series.tag.hop).to_owned(), series.tag.part(), grouped(s.count)];
        (series.tag.is_total(), head.into_iter().chain(spans).collect())
    };
    table(out, &names, series.iter().map(row));
}

fn clocks(out: &mut String, measured: &Measured) {
    if measured.series.iter().all(|series| find(&series.tag.hop) != Some(Hop::ExchangeToReceive)) {
        return;
    }
    let _ = write!(out, "<div class=\"note\"><p><b>Two clocks.</b> {}</p>", escaped(&measured.clock));
    if let Some(ahead) = measured.clock_ahead_ns {
        let _ = write!(out, "<p>clockAheadNs here: {}.</p>", span_signed(ahead));
    }
    out.push_str("</div>\n");
}

/// The hop that is Meltica's own, by kind, the most frequent first.
fn kinds(out: &mut String, measured: &Measured) {
    let own = Hop::ReadToPublished.name();
    let mut series: Vec<&Series> =
        measured.series.iter().filter(|one| one.tag.hop == own && one.tag.kind.is_some()).collect();
    series.sort_by_key(|one| std::cmp::Reverse(one.count()));
    if series.len() > 1 {
        out.push_str("<h2>Meltica's own part, by kind of event</h2>\n");
        out.push_str(&plot(&series, "Read to published, by kind", "the most frequent first; two digits of each value"));
    }
}

fn meanings(out: &mut String, measured: &Measured) {
    out.push_str("<h2>What each hop is</h2>\n<dl>\n");
    for hop in Hop::ALL.into_iter().filter(|hop| measured.series.iter().any(|one| one.tag.hop == hop.name())) {
        let _ = writeln!(
            out,
            "<dt>{} <code>{}</code></dt><dd>{}</dd>",
            escaped(words(hop.name())),
            hop.name(),
            escaped(meaning(hop))
        );
    }
    out.push_str(
        "</dl>\n<p>A percentile is the largest value that its histogram cannot tell from it: three digits for a hop, two by \
         kind and by connection. A plot's right end is the slowest of all.</p>\n",
    );
}

fn threads(out: &mut String, measured: &Measured) {
    if measured.agents.is_empty() {
        return;
    }
    out.push_str("<h2>Threads</h2>\n<p>A cycle is one turn of a thread over all that it has to do.</p>\n");
    let row = |agent: &crate::schema::latency::AgentView| {
        let (cycles, busy) = (grouped(agent.cycles), share(agent.busy, agent.cycles));
        let over = format!("{} over {}", grouped(agent.cycles_over), span(agent.threshold_ns));
        (false, vec![agent.name.clone(), cycles, busy, span(agent.cycle_ns_max), over])
    };
    table(out, &["thread", ">cycles", ">busy", ">longest", ">too long"], measured.agents.iter().map(row));
}

fn rings(out: &mut String, measured: &Measured) {
    if measured.rings.is_empty() {
        return;
    }
    out.push_str("<h2>Rings</h2>\n<p>How full they were at that moment.</p>\n");
    let row = |ring: &crate::schema::latency::RingView| {
        let (used, capacity) = (ring.used_words, ring.capacity_words);
        (false, vec![ring.name.clone(), share(used, capacity), grouped(used), grouped(capacity)])
    };
    table(out, &["ring", ">full", ">words", ">of"], measured.rings.iter().map(row));
}
