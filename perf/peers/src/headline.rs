//! Purpose: the run in a few rows and one picture, for the README. Owns: which cells those are. Thread: main.
//! Takes and gives: a run in; Markdown and SVG out. Never: shows a figure that the table of figures does not have.

use std::fmt::Write;

use crate::hop;
use crate::measure::Run;

/// One thing that several programs do, and who does it: the first is ours.
struct Act {
    what: &'static str,
    cells: &'static [(&'static str, &'static str)],
}

/// Names of the columns, in order.
const COLUMNS: [&str; 6] =
    ["Meltica", "simd-json + typed walk", "serde_json typed", "barter-data", "cryptofeed", "ccxt"];

const ACTS: [Act; 4] = [
    Act {
        what: "decode a bookTicker",
        cells: &[
            ("Meltica", "decode/bookTicker/meltica"),
            ("simd-json + typed walk", "decode/bookTicker/tape + walk"),
            ("serde_json typed", "decode/bookTicker/serde_json typed"),
            ("barter-data", "decode/bookTicker/barter-data decode"),
            ("cryptofeed", "python/bookTicker/cryptofeed"),
            ("ccxt", "python/bookTicker/ccxt"),
        ],
    },
    Act {
        what: "decode an aggregated trade",
        cells: &[
            ("Meltica", "decode/aggTrade/meltica"),
            ("simd-json + typed walk", "decode/aggTrade/tape + walk"),
            ("serde_json typed", "decode/aggTrade/serde_json typed"),
            ("cryptofeed", "python/aggTrade/cryptofeed"),
            ("ccxt", "python/aggTrade/ccxt"),
        ],
    },
    Act {
        what: "decode a diff of 20 levels",
        cells: &[
            ("Meltica", "decode/diff-20/meltica"),
            ("simd-json + typed walk", "decode/diff-20/tape + walk"),
            ("serde_json typed", "decode/diff-20/serde_json typed"),
            ("barter-data", "decode/diff-20/barter-data decode"),
        ],
    },
    Act {
        what: "a diff of 20 levels into its book (ours: and its events read)",
        cells: &[
            ("Meltica", "book/diff-20/meltica, frame to event read"),
            ("barter-data", "book/diff-20/barter-data, frame to book"),
            ("cryptofeed", "python/diff-20/cryptofeed"),
            ("ccxt", "python/diff-20/ccxt"),
        ],
    },
];

/// The rows: ours in nanoseconds, the others' by how many times longer they take, in the same rounds.
pub(crate) fn table(run: &Run) -> String {
    let mut out = format!("| | {} |\n|---|{}\n", COLUMNS.join(" | "), "---:|".repeat(COLUMNS.len()));
    for act in &ACTS {
        let ours = act.cells[0].1;
        let Some(ns) = run.median(ours) else { continue };
        _ = write!(out, "| {} | **{}** |", act.what, spoken(ns));
        for column in &COLUMNS[1..] {
            let theirs = act.cells.iter().find(|(name, _)| name == column).and_then(|(_, cell)| run.ratio(cell, ours));
            _ = write!(out, " {} |", theirs.map_or(String::new(), times));
        }
        out.push('\n');
    }
    let hop = run.median("hop/bookTicker/fused").zip(run.median(hop::ONE_WAY));
    if let Some((ns, one_way)) = hop {
        let (ns, one_way) = (spoken(ns), spoken(one_way));
        _ = write!(
            out,
            "\nA bookTicker in memory is an event read on another core after {ns} (p50), where a bare cache line takes {one_way}.\n"
        );
    }
    out
}

fn times(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.0} ×") } else { format!("{ratio:.1} ×") }
}

fn spoken(ns: f64) -> String {
    if ns >= 10_000.0 {
        format!("{:.1} µs", ns / 1_000.0)
    } else if ns >= 1_000.0 {
        format!("{:.2} µs", ns / 1_000.0)
    } else {
        format!("{ns:.0} ns")
    }
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 90.0;
const ROW: f64 = 20.0;
/// From the title of an act to its first bar, and from its last bar to the next title.
const TITLE: f64 = 30.0;
const GAP: f64 = 14.0;
/// Decades that the axis spans, from 10^LOW nanoseconds on.
const LOW: f64 = 1.0;

/// Bars on a logarithmic axis.
pub(crate) fn picture(run: &Run) -> String {
    let measured: Vec<(&str, Vec<(&str, f64)>)> = ACTS
        .iter()
        .map(|act| (act.what, act.cells.iter().filter_map(|(name, cell)| Some((*name, run.median(cell)?))).collect()))
        .filter(|(_, bars): &(&str, Vec<_>)| !bars.is_empty())
        .collect();
    let bars = || measured.iter().flat_map(|(_, bars)| bars);
    let most = bars().map(|(_, ns)| *ns).fold(100.0, f64::max);
    let high = most.log10().ceil();
    let height = 70.0 + measured.iter().map(|(_, bars)| TITLE + GAP + ROW * bars.len() as f64).sum::<f64>();
    let x = |ns: f64| LEFT + (ns.max(1.0).log10() - LOW).max(0.0) / (high - LOW) * (WIDTH - LEFT - RIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" fill=\"#222\">Time a frame, one thread, the same frames in one run: medians, logarithmic</text>\n"
    );
    for decade in LOW as i32..=high as i32 {
        let (at, label) = (x(10f64.powi(decade)), spoken(10f64.powi(decade)));
        _ = writeln!(
            out,
            "<line x1=\"{at:.1}\" y1=\"52\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"46\" fill=\"#666\" text-anchor=\"middle\">{label}</text>",
            height - 10.0
        );
    }
    let mut y = 58.0;
    for (what, bars) in &measured {
        _ = writeln!(out, "<text x=\"16\" y=\"{:.1}\" font-weight=\"bold\" fill=\"#222\">{what}</text>", y + 16.0);
        y += TITLE;
        for (name, ns) in bars {
            let fill = if *name == COLUMNS[0] { "#0b6e4f" } else { "#9aa5b1" };
            let (end, text) = (x(*ns), y + 13.0);
            _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#222\" text-anchor=\"end\">{name}</text><rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/><text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#222\">{}</text>",
                LEFT - 8.0,
                y + 2.0,
                end - LEFT,
                ROW - 5.0,
                end + 6.0,
                spoken(*ns)
            );
            y += ROW;
        }
        y += GAP;
    }
    out.push_str("</svg>\n");
    out
}
