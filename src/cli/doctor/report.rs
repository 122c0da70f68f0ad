//! Purpose: the findings as a person and as a program reads them. Owns: the layout and the names of fields. Thread: main.
//! Takes and gives: findings in, text out. Never: lets what a file said move a cursor; colours anything but verdicts.

use console::Style;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::super::control::grid::{Grid, plain};
use super::finding::{Finding, Verdict};
use super::lanes::{Raced, Shown};

/// Columns of what is read by nobody's terminal, and at most.
const COLUMNS: usize = 120;
/// The least there is room for a word in.
const COLUMNS_MIN: usize = 60;

/// All there is to say.
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    pub(super) raced: Vec<Raced>,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Looks {
    /// Columns of the terminal, if it is one.
    pub(super) columns: Option<usize>,
    pub(super) coloured: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'r> {
    findings: &'r [Finding],
    race: Vec<Endpoint>,
    counts: Counts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    endpoint: String,
    lookup_us: Option<u64>,
    left_out: usize,
    addresses: Vec<Shown>,
}

#[derive(Serialize)]
struct Counts {
    good: usize,
    warn: usize,
    bad: usize,
    unknown: usize,
}

impl Report {
    /// How many there are of a verdict.
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// One object, on one line.
    pub(super) fn json(&self) -> String {
        let race = self.raced.iter().map(|raced| Endpoint {
            endpoint: raced.url.clone(),
            lookup_us: raced.lookup.ok().flatten().map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            left_out: raced.left_out,
            addresses: raced.shown(),
        });
        let counts = Counts {
            good: self.count(Verdict::Good),
            warn: self.count(Verdict::Warn),
            bad: self.count(Verdict::Bad),
            unknown: self.count(Verdict::Unknown),
        };
        let whole = Whole { findings: &self.findings, race: race.collect(), counts };
        // Texts and numbers alone: there is nothing that JSON could not hold.
        serde_json::to_string(&whole).unwrap_or_default() + "\n"
    }

    /// For a person: group by group, and under what is not good what to change.
    pub(super) fn human(&self, looks: Looks) -> String {
        let columns = looks.columns.unwrap_or(COLUMNS).clamp(COLUMNS_MIN, COLUMNS);
        let of_group = |group| self.findings.iter().filter(move |finding| finding.group == group);
        let mut out = String::new();
        let mut group = None;
        for finding in &self.findings {
            if group != Some(finding.group) {
                group = Some(finding.group);
                out.push_str(if out.is_empty() { "" } else { "\n" });
                out.push_str(&format!("{}\n", finding.group.name()));
            }
            let names = of_group(finding.group).map(|finding| plain(&finding.name).width()).max().unwrap_or(0);
            row(&mut out, finding, names, columns, looks.coloured);
            if let Some(raced) = self.raced.iter().find(|raced| raced.url == finding.name) {
                lanes(&mut out, raced);
            }
        }
        let counts = Verdict::ALL.map(|verdict| format!("{} {}", self.count(verdict), verdict.name()));
        out.push_str(&format!("\n{}\n", counts.join(", ")));
        out
    }
}

fn row(out: &mut String, finding: &Finding, names: usize, columns: usize, coloured: bool) {
    let name = plain(&finding.name);
    let pad = " ".repeat(names - name.width());
    let verdict = style(finding.verdict).force_styling(coloured).apply_to(format!("{:<7}", finding.verdict.name()));
    let margin = 2 + 7 + 2 + names + 2;
    let is = wrapped(&plain(&finding.is), margin, columns);
    out.push_str(&format!("  {verdict}  {name}{pad}  {is}\n"));
    let Some(advice) = &finding.advice else { return };
    for (word, text) in
        [("change", &*advice.change), ("why", &*advice.why), ("gain", &*advice.gain), ("source", advice.source)]
    {
        out.push_str(&format!("             {word:<8}{}\n", wrapped(&plain(text), 21, columns)));
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Good => Style::new().green(),
        Verdict::Warn => Style::new().yellow(),
        Verdict::Bad => Style::new().red().bold(),
        Verdict::Unknown => Style::new().dim(),
    }
}

/// Broken at blanks so that no line passes `columns`; further lines begin at `margin`. A word that is longer stays whole:
/// commands are there to be copied.
fn wrapped(text: &str, margin: usize, columns: usize) -> String {
    let room = columns.saturating_sub(margin).max(20);
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = word.width();
        if used > 0 && used + 1 + width > room {
            out.push_str(&format!("\n{}", " ".repeat(margin)));
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += width;
    }
    out
}

fn lanes(out: &mut String, raced: &Raced) {
    if raced.lanes.is_empty() {
        return;
    }
    let micros = |value: Option<u64>| value.map_or("-".to_owned(), |us| format!("{}.{:03}", us / 1_000, us % 1_000));
    let mut grid = Grid::new(&["ADDRESS", ">TCP MS", ">TLS MS", ">BEST MS", ">ROUNDS", ""]);
    for lane in raced.shown() {
        let note = if lane.wins { "wins".to_owned() } else { lane.failed.clone().unwrap_or_default() };
        let rounds = format!("{}/{}", lane.connected, lane.rounds);
        grid.row([lane.address.clone(), micros(lane.tcp_us), micros(lane.tls_us), micros(lane.best_us), rounds, note]);
    }
    grid.lines().lines().for_each(|line| out.push_str(&format!("             {line}\n")));
    if raced.left_out > 0 {
        out.push_str(&format!("             and {} addresses more, not connected to\n", raced.left_out));
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Advice, Group, Subject};
    use super::*;

    fn report() -> Report {
        let advice = Advice {
            change: "`echo 1 > /sys/x`".to_owned(),
            why: "it is so long a reason that it does not fit into one line of a terminal of sixty columns".to_owned(),
            gain: "much".to_owned(),
            source: "man 1 x",
        };
        let findings = vec![
            Subject(Group::Cores, "usable").good("2 of 2"),
            Subject(Group::Cores, "a longer name").warn("\u{1b}[2Jnot good", advice),
            Subject(Group::Clock, "clock source").unknown("not there"),
        ];
        Report { findings, raced: Vec::new() }
    }

    #[test]
    fn a_person_reads_groups_in_columns_and_what_files_say_moves_no_cursor() {
        let expected = "\
cores
  good     usable         2 of 2
  warn     a longer name  \\u{1b}[2Jnot good
             change  `echo 1 > /sys/x`
             why     it is so long a reason that it does not
                     fit into one line of a terminal of
                     sixty columns
             gain    much
             source  man 1 x

clock
  unknown  clock source  not there

1 good, 1 warn, 0 bad, 1 unknown
";
        assert_eq!(report().human(Looks { columns: Some(10), coloured: false }), expected);
        let coloured = report().human(Looks { columns: None, coloured: true });
        assert!(coloured.contains("\u{1b}[32mgood") && !coloured.contains("\u{1b}[2J"), "{coloured:?}");
    }

    #[test]
    fn a_program_reads_the_same() {
        let line = report().json();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(line.ends_with('\n') && line.lines().count() == 1);
        assert_eq!(value["findings"][1]["verdict"], "warn");
        assert_eq!(value["findings"][1]["change"], "`echo 1 > /sys/x`");
        assert!(value["findings"][0].get("change").is_none());
        assert_eq!(value["counts"], serde_json::json!({ "good": 1, "warn": 1, "bad": 0, "unknown": 1 }));
    }
}
