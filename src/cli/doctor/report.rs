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
/// Fewer are taken for so many: nothing would be read in them.
const COLUMNS_MIN: usize = 40;
/// On fewer what belongs to a finding stands nearer to the edge.
const COLUMNS_WIDE: usize = 60;
/// Columns that a text wants beside its finding's name; where a terminal has fewer it stands below.
const ROOM: usize = 30;
/// Columns that it gets in any case.
const ROOM_MIN: usize = 20;

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
            let page = Page::of(looks, names);
            row(&mut out, finding, &page);
            if let Some(raced) = self.raced.iter().find(|raced| raced.url == finding.name) {
                lanes(&mut out, raced, &page);
            }
        }
        let counts = Verdict::ALL.map(|verdict| format!("{} {}", self.count(verdict), verdict.name()));
        out.push_str(&format!("\n{}\n", counts.join(", ")));
        out
    }
}

/// Where things stand in the lines of a group.
struct Page {
    columns: usize,
    is_terminal: bool,
    coloured: bool,
    /// Columns of the names; `None`: each has a line of its own, and what it is stands below.
    names: Option<usize>,
    /// Where begins what belongs to a finding.
    margin: usize,
}

/// Where a name begins: behind a verdict.
const NAME: usize = 2 + 7 + 2;

impl Page {
    /// Of a group whose names take so many columns. What nobody's terminal reads is broken at [`COLUMNS`], and keeps its names
    /// and tables in columns however wide they are.
    fn of(looks: Looks, names: usize) -> Page {
        let columns = looks.columns.unwrap_or(COLUMNS).clamp(COLUMNS_MIN, COLUMNS);
        let is_terminal = looks.columns.is_some();
        let beside = !is_terminal || NAME + names + 2 + ROOM <= columns;
        let margin = if columns < COLUMNS_WIDE { 4 } else { 13 };
        Page { columns, is_terminal, coloured: looks.coloured, names: beside.then_some(names), margin }
    }

    /// A text that belongs to a finding, under a word where it has one.
    fn below(&self, out: &mut String, word: &str, text: &str) {
        let begins = self.margin + word.len();
        out.push_str(&format!("{}{word}{}\n", " ".repeat(self.margin), wrapped(&plain(text), begins, self.columns)));
    }
}

fn row(out: &mut String, finding: &Finding, page: &Page) {
    let name = plain(&finding.name);
    let verdict =
        style(finding.verdict).force_styling(page.coloured).apply_to(format!("{:<7}", finding.verdict.name()));
    match page.names {
        Some(names) => {
            let pad = " ".repeat(names - name.width());
            let is = wrapped(&plain(&finding.is), NAME + names + 2, page.columns);
            out.push_str(&format!("  {verdict}  {name}{pad}  {is}\n"));
        }
        None => {
            out.push_str(&format!("  {verdict}  {}\n", wrapped(&name, NAME, page.columns)));
            page.below(out, "", &finding.is);
        }
    }
    let Some(advice) = &finding.advice else { return };
    for (word, text) in [
        ("change  ", &*advice.change),
        ("why     ", &*advice.why),
        ("gain    ", &*advice.gain),
        ("source  ", advice.source),
    ] {
        page.below(out, word, text);
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
    let room = columns.saturating_sub(margin).max(ROOM_MIN);
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

fn lanes(out: &mut String, raced: &Raced, page: &Page) {
    if raced.lanes.is_empty() {
        return;
    }
    let table = table(raced);
    let fits = table.lines().all(|line| page.margin + line.width() <= page.columns);
    if fits || !page.is_terminal {
        table.lines().for_each(|line| out.push_str(&format!("{}{line}\n", " ".repeat(page.margin))));
    } else {
        raced.shown().iter().for_each(|lane| page.below(out, "", &words(lane)));
    }
    if raced.left_out > 0 {
        let addresses = if raced.left_out == 1 { "address" } else { "addresses" };
        page.below(out, "", &format!("and {} {addresses} more, not connected to", raced.left_out));
    }
}

fn millis(us: Option<u64>) -> String {
    us.map_or("-".to_owned(), |us| format!("{}.{:03}", us / 1_000, us % 1_000))
}

fn note(lane: &Shown) -> String {
    if lane.wins { "wins".to_owned() } else { lane.failed.clone().unwrap_or_default() }
}

fn table(raced: &Raced) -> String {
    let mut grid = Grid::new(&["ADDRESS", ">TCP MS", ">TLS MS", ">BEST MS", ">ROUNDS", ""]);
    for lane in raced.shown() {
        let rounds = format!("{}/{}", lane.connected, lane.rounds);
        let [tcp, tls, best] = [lane.tcp_us, lane.tls_us, lane.best_us].map(millis);
        grid.row([lane.address.clone(), tcp, tls, best, rounds, note(&lane)]);
    }
    grid.lines()
}

/// The same of one address, where there is no room for columns.
fn words(lane: &Shown) -> String {
    let [tcp, tls, best] = [lane.tcp_us, lane.tls_us, lane.best_us].map(millis);
    let text =
        format!("{}: TCP {tcp} ms, TLS {tls}, best {best}, rounds {}/{}", lane.address, lane.connected, lane.rounds);
    let note = note(lane);
    if note.is_empty() { text } else { format!("{text}, {note}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::finding::{Advice, Group, Subject};
    use super::super::lanes::Lane;
    use super::*;
    use crate::binance::live::TrialTimes;

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
        assert_eq!(report().human(Looks { columns: Some(60), coloured: false }), expected);
        let coloured = report().human(Looks { columns: None, coloured: true });
        assert!(coloured.contains("\u{1b}[32mgood") && !coloured.contains("\u{1b}[2J"), "{coloured:?}");
    }

    #[test]
    fn on_a_narrow_terminal_texts_stand_below_names_and_no_line_is_broken_by_it() {
        let mut report = report();
        let times = TrialTimes { tcp: Duration::from_micros(172), tls: Some(Duration::from_micros(806)) };
        let rounds = vec![Ok(times)];
        let lanes = vec![Lane { address: "[2001:db8:0:1::53]:9443".parse().unwrap(), rounds }];
        let url = "wss://stream.example.com:9443".to_owned();
        let raced = Raced { url, host: String::new(), lookup: Ok(None), lanes, left_out: 3 };
        report.findings.push(raced.judge());
        report.raced.push(raced);
        let expected = "\
cores
  good     usable
    2 of 2
  warn     a longer name
    \\u{1b}[2Jnot good
    change  `echo 1 > /sys/x`
    why     it is so long a reason that
            it does not fit into one
            line of a terminal of sixty
            columns
    gain    much
    source  man 1 x

clock
  unknown  clock source
    not there

venue
  good     wss://stream.example.com:9443
    [2001:db8:0:1::53]:9443 wins with
    0.978 ms (median)
    [2001:db8:0:1::53]:9443: TCP 0.172
    ms, TLS 0.806, best 0.978, rounds
    1/1, wins
    and 3 addresses more, not connected
    to

2 good, 1 warn, 0 bad, 1 unknown
";
        for columns in [10, 40] {
            assert_eq!(report.human(Looks { columns: Some(columns), coloured: false }), expected);
        }
        for columns in 40..=120 {
            let shown = report.human(Looks { columns: Some(columns), coloured: false });
            assert!(shown.lines().all(|line| line.width() <= columns), "{columns}:\n{shown}");
        }
        let piped = report.human(Looks { columns: None, coloured: false });
        assert!(piped.contains("\n             ADDRESS                  TCP MS"), "{piped}");
        for (left_out, told) in [(1, "and 1 address more, not"), (2, "and 2 addresses more, not")] {
            report.raced[0].left_out = left_out;
            let shown = report.human(Looks { columns: None, coloured: false });
            assert!(shown.contains(told), "{shown}");
        }
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
