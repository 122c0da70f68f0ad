//! Purpose: percentile plots, as SVG. Owns: their look, in the light and in the dark. Thread: main. Takes and gives: series in,
//! text out. Never: fetches anything; lets a name be markup.

use std::fmt::Write;

use super::axes::{Axis, Tick};
use super::measured::Series;
use super::text::label;
use crate::cli::control::grid::plain;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 540.0;
const LEFT: f64 = 78.0;
const TOP: f64 = 72.0;
const BOTTOM: f64 = 66.0;
/// For the legend.
const RIGHT: f64 = 226.0;
/// Between two lines of the legend.
const LINE: f64 = 22.0;
/// Lines in one plot: more cannot be told apart.
pub(super) const SERIES_MAX: usize = 12;

/// Of lines, in the light and in the dark.
const COLOURS: [(&str, &str); 8] = [
    ("#0b62c4", "#6cb2ff"),
    ("#c2410c", "#ff9d5c"),
    ("#0f7b3f", "#5fd08a"),
    ("#8b3fc7", "#cf9bff"),
    ("#b3261e", "#ff8a80"),
    ("#0e7490", "#5cd3e6"),
    ("#8a6100", "#e3c04f"),
    ("#a21caf", "#f38bff"),
];

/// Everything's colours; a page that holds plots needs them once.
pub(super) fn style() -> String {
    let mut light = String::from(
        ".bg{fill:#ffffff}.ink{fill:#1f2328}.faint{fill:#59636e}.grid{stroke:#e3e8ed}.axis{stroke:#818b98}\
         .line{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:7 4}\
         text{font-family:system-ui,-apple-system,\"Segoe UI\",sans-serif;font-size:13px}.title{font-size:17px;font-weight:600}",
    );
    let mut dark = String::from(
        ".bg{fill:#0d1117}.ink{fill:#f0f6fc}.faint{fill:#9198a1}.grid{stroke:#2a313a}.axis{stroke:#656c76}",
    );
    for (at, (bright, dim)) in COLOURS.iter().enumerate() {
        let _ = write!(light, ".c{at}{{stroke:{bright}}}");
        let _ = write!(dark, ".c{at}{{stroke:{dim}}}");
    }
    format!("{light}@media (prefers-color-scheme:dark){{{dark}}}")
}

/// A text in markup.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A plot as a file of its own.
pub(super) fn file(series: &[&Series], title: &str, below: &str) -> String {
    let style = format!("<style>{}</style>", style());
    let inside = plot(series, title, below);
    let at = inside.find('>').map_or(0, |at| at + 1);
    let (open, rest) = inside.split_at(at);
    let open = open.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{open}\n{style}{rest}\n")
}

// Writing to a String cannot fail, so the results below are dropped.

/// A plot within a page: one line a series, at most [`SERIES_MAX`].
pub(super) fn plot(series: &[&Series], title: &str, below: &str) -> String {
    let curves: Vec<Vec<(f64, f64)>> = series.iter().take(SERIES_MAX).map(|series| series.curve()).collect();
    let points = || curves.iter().flatten();
    let (x, y) = axes(points().copied());
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{0}\">\
         <title>{0}</title><rect class=\"bg\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"ink title\" x=\"{LEFT}\" y=\"30\">{0}</text><text class=\"faint\" x=\"{LEFT}\" y=\"52\">{1}</text>\n",
        escaped(title),
        escaped(below)
    );
    grid(&mut out, (&x.percentiles(), &y.spans()));
    if points().next().is_none() {
        let (middle, height) = (LEFT + (WIDTH - LEFT - RIGHT) / 2.0, TOP + (HEIGHT - TOP - BOTTOM) / 2.0);
        let _ = write!(
            out,
            "<text class=\"faint\" x=\"{middle}\" y=\"{height}\" text-anchor=\"middle\">nothing was recorded</text>"
        );
    }
    for (at, curve) in curves.iter().enumerate() {
        line(&mut out, at, curve, (&x, &y));
    }
    legend(&mut out, series);
    out.push_str("</svg>");
    out
}

fn axes(points: impl Iterator<Item = (f64, f64)>) -> (Axis, Axis) {
    let (mut across, mut least, mut greatest) = (10.0_f64, f64::INFINITY, 1.0_f64);
    for (x, y) in points {
        across = across.max(x);
        // A histogram's least value is one.
        (least, greatest) = (least.min(y.max(1.0)), greatest.max(y));
    }
    let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    (Axis::around(1.0, across, width), Axis::around(least.min(greatest), greatest, height))
}

fn grid(out: &mut String, (across, up): (&[Tick], &[Tick])) {
    let (right, foot) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for tick in across {
        let x = LEFT + tick.pixel;
        let _ = write!(out, "<path class=\"grid\" d=\"M{x:.1} {TOP}V{foot}\"/>");
        if tick.major {
            let (y, label) = (foot + 20.0, &tick.label);
            let _ =
                write!(out, "<text class=\"faint\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>");
        }
    }
    for tick in up {
        let y = foot - tick.pixel;
        let _ = write!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
        if tick.major {
            let (x, y) = (LEFT - 8.0, y + 4.5);
            let _ =
                write!(out, "<text class=\"faint\" x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", tick.label);
        }
    }
    let (middle, centre) = (LEFT + (right - LEFT) / 2.0, TOP + (foot - TOP) / 2.0);
    let _ = write!(
        out,
        "\n<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{foot}H{right}\"/>\
         <text class=\"ink\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">percentile, by 1 / (1 − percentile), logarithmic</text>\
         <text class=\"ink\" transform=\"translate(18 {centre}) rotate(-90)\" text-anchor=\"middle\">latency, logarithmic</text>\n",
        HEIGHT - 20.0
    );
}

fn class(at: usize) -> String {
    format!("line c{}{}", at % COLOURS.len(), if at < COLOURS.len() { "" } else { " dashed" })
}

fn line(out: &mut String, at: usize, curve: &[(f64, f64)], (x, y): (&Axis, &Axis)) {
    let mut path = String::new();
    for (place, (across, up)) in curve.iter().enumerate() {
        let letter = if place == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{:.1} {:.1}", LEFT + x.at(*across), HEIGHT - BOTTOM - y.at(*up));
    }
    if !path.is_empty() {
        let _ = writeln!(out, "<path class=\"{}\" d=\"{path}\"/>", class(at));
    }
}

fn legend(out: &mut String, series: &[&Series]) {
    let x = WIDTH - RIGHT + 18.0;
    let mut y = TOP + 10.0;
    let words = |out: &mut String, class: &str, text: &str, y: f64| {
        let _ = writeln!(out, "<text class=\"{class}\" x=\"{}\" y=\"{y}\">{}</text>", x + 30.0, escaped(text));
    };
    for (at, one) in series.iter().take(SERIES_MAX).enumerate() {
        let _ = write!(out, "<path class=\"{}\" d=\"M{x} {}H{}\"/>", class(at), y - 4.5, x + 22.0);
        words(out, "ink", &label(one), y);
        y += LINE;
        let below = one.below_zero();
        if below > 0 {
            let part = 100.0 * below as f64 / one.count() as f64;
            words(out, "faint", &format!("{part:.1} % are below zero"), y - 4.0);
            y += LINE;
        }
    }
    if let Some(more @ 1..) = series.len().checked_sub(SERIES_MAX) {
        words(out, "faint", &format!("and {more} more"), y);
    }
}
