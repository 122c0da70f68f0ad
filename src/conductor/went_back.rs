//! Purpose: tells ids that went backwards (an engine restart, faults.md F06) from old or repeated frames.
//! Owns: the current run of old diffs of one instrument. Thread: the conductor's. Takes and gives: spans.
//! Never: decides on a single diff.

use super::span::Span;

/// What a run of old diffs says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunVerdict {
    /// Nothing out of the ordinary.
    Ordinary,
    /// Long enough to ask the venue: a snapshot below the known ids settles it.
    Suspect,
    /// Long enough and far enough below: the ids went back.
    Certain,
}

/// Consecutive diffs that all lie at or below the highest id known, each contiguous with the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BackRun {
    count: u32,
    start: i64,
    last: i64,
}

impl BackRun {
    /// Sees a diff whose last id is at or below `high`, the highest id known. A run that reaches `high` repeats what is
    /// known and ends there; a repeated diff neither lengthens nor breaks a run.
    pub(super) fn see(&mut self, span: Span, high: i64, run: u32, distance: i64) -> RunVerdict {
        if span.last >= high {
            self.clear();
            return RunVerdict::Ordinary;
        }
        let repeated = self.count > 0 && span.last == self.last;
        if !repeated {
            let contiguous = self.count > 0 && span.previous <= self.last && span.last > self.last;
            if contiguous {
                self.count += 1;
            } else {
                self.count = 1;
                self.start = span.previous;
            }
            self.last = span.last;
        }
        if self.count < run {
            RunVerdict::Ordinary
        } else if high.saturating_sub(self.last) > distance {
            RunVerdict::Certain
        } else {
            RunVerdict::Suspect
        }
    }

    /// A diff beyond the known ids, or one that was applied, ends every run.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether a snapshot with this id, below `high`, confirms the run: it must lie where the run does.
    pub(super) fn confirmed_by(&self, id: i64, high: i64, run: u32) -> bool {
        self.count >= run && id < high && id >= self.start
    }
}

/// Snapshots of a silent instrument whose connection was lost, all with ids below the book's: no diff will ever tell that the
/// venue's ids have started over, so that answers to several questions, some time apart, must do. A cache that repeats an
/// old body looks the same for a while, and does not last that long; should one last, the book that comes of it is unproven
/// until a diff, a ticker or a second snapshot proves it, and the first diff of the true ids is a gap.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LowerRun {
    answers: u32,
    since: i64,
    highest: i64,
}

impl LowerRun {
    /// Another answer, with an id below the book's; whether the ids went back.
    pub(super) fn see(&mut self, id: i64, now: i64, answers: u32, after_ns: i64) -> bool {
        // Ids of one count never fall: one that does is from somewhere else.
        if self.answers == 0 || id < self.highest {
            (self.answers, self.since) = (0, now);
        }
        self.answers += 1;
        self.highest = id;
        self.answers >= answers && now.saturating_sub(self.since) >= after_ns
    }

    /// Something else was heard.
    pub(super) fn clear(&mut self) {
        self.answers = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(spans: &[(i64, i64)], high: i64) -> RunVerdict {
        let mut run = BackRun::default();
        let mut verdict = RunVerdict::Ordinary;
        for &(previous, last) in spans {
            verdict = run.see(Span { previous, last }, high, 3, 1_000);
        }
        verdict
    }

    #[test]
    fn only_a_contiguous_run_far_below_is_certain() {
        type Row = (&'static str, &'static [(i64, i64)], i64, RunVerdict);
        let table: &[Row] = &[
            ("two are too few", &[(0, 1), (1, 2)], 100_000, RunVerdict::Ordinary),
            ("three far below", &[(0, 1), (1, 2), (2, 3)], 100_000, RunVerdict::Certain),
            ("three near", &[(96, 97), (97, 98), (98, 99)], 100, RunVerdict::Suspect),
            ("a run that reaches the known id repeats it", &[(96, 97), (97, 98), (98, 100)], 100, RunVerdict::Ordinary),
            ("one diff three times", &[(0, 1), (0, 1), (0, 1)], 100_000, RunVerdict::Ordinary),
            ("a repeat does not break the run", &[(0, 1), (1, 2), (1, 2), (2, 3)], 100_000, RunVerdict::Certain),
            ("a hole breaks the run", &[(0, 1), (1, 2), (5, 6)], 100_000, RunVerdict::Ordinary),
            ("running down is no run", &[(8, 9), (7, 8), (6, 7), (5, 6)], 100_000, RunVerdict::Ordinary),
            ("overlapping spans are contiguous", &[(0, 5), (3, 9), (9, 12)], 100_000, RunVerdict::Certain),
            ("no overflow at the ends", &[(0, 1), (1, 2), (2, 3)], i64::MAX, RunVerdict::Certain),
        ];
        for (name, spans, high, expected) in table {
            assert_eq!(feed(spans, *high), *expected, "{name}");
        }
    }

    #[test]
    fn only_several_answers_some_time_apart_say_that_ids_went_back() {
        // (id, moment) → whether the last one is certain, of three answers within at least 100.
        type Row = (&'static str, &'static [(i64, i64)], bool);
        let table: &[Row] = &[
            ("too few", &[(5, 0), (5, 500)], false),
            ("too soon", &[(5, 0), (5, 50), (5, 99)], false),
            ("enough", &[(5, 0), (5, 50), (5, 100)], true),
            ("rising ids are the same count", &[(5, 0), (6, 50), (9, 100)], true),
            ("falling ones begin anew", &[(5, 0), (5, 50), (4, 100)], false),
        ];
        for (name, answers, expected) in table {
            let mut run = LowerRun::default();
            let last = answers.iter().map(|&(id, now)| run.see(id, now, 3, 100)).last();
            assert_eq!(last, Some(*expected), "{name}");
        }
        let mut run = LowerRun::default();
        run.see(5, 0, 3, 100);
        run.see(5, 50, 3, 100);
        run.clear();
        assert!(!run.see(5, 100, 3, 100));
    }

    #[test]
    fn a_snapshot_confirms_only_where_the_run_lies() {
        let mut run = BackRun::default();
        for (previous, last) in [(40, 41), (41, 42), (42, 43)] {
            run.see(Span { previous, last }, 100, 3, 1_000);
        }
        let table = [(39, false), (40, true), (99, true), (100, false), (150, false)];
        for (id, expected) in table {
            assert_eq!(run.confirmed_by(id, 100, 3), expected, "{id}");
        }
        run.clear();
        assert!(!run.confirmed_by(50, 100, 3));
    }
}
