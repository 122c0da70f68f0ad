//! Purpose: where one book stands between its first diff and being proven (binance.md section 1).
//! Owns: the local update id and what is known of it. Thread: the conductor's. Takes and gives: ids, verdicts.
//! Never: sees a level, reads a clock, publishes.

use super::options::ConductorOptions;
use super::span::{Span, Verdict};
use super::went_back::{BackRun, RunVerdict};

/// Where a book stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncState {
    /// Nothing was seen and nothing is expected.
    Idle,
    /// A stream is expected, and has not spoken yet.
    Subscribing,
    /// Diffs are held, no snapshot is on its way.
    Buffering,
    /// A snapshot was asked for; diffs are held.
    SnapshotPending,
    /// A snapshot was adopted; held diffs are being released, or none has proven it yet.
    Replaying,
    /// Proven, and following the stream.
    Live,
    /// Ids are missing.
    Gap,
    /// No sign of life, or its connection is gone.
    Stale,
    /// No longer followed.
    Retired,
}

/// What a snapshot is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotVerdict {
    /// Adopt it: a held diff covers it, or it is newer than everything held (then it stays unproven for now).
    Adopt,
    /// It has the book's own id: compare, and prove a book that nothing has proven.
    Equal,
    /// It ends before the first diff held begins: ask again.
    TooOld,
    /// It lies where a run of old diffs does: the ids went back.
    WentBack,
    /// Nothing needs it.
    Unused,
}

/// What is to be done with a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiffStep {
    /// The book has it.
    Drop,
    /// The book has it, but it looks as if ids had gone back: let a snapshot settle it.
    DropAndAsk,
    /// Hold it; `first` asks for the first snapshot.
    Hold { first: bool },
    /// Hold it and announce that ids are missing.
    OpenGap { expected: i64 },
    /// Apply it now.
    Apply,
    /// The ids went back: start over, with this diff as the first one.
    WentBack,
}

/// How far the book at the local id can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unproven,
    Proven,
    /// Ids after the local one are missing, up to and with `until` (`i64::MIN` when nobody knows how many).
    Missing {
        until: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Watching,
    /// No book; diffs are held. `missing`: a gap was announced and nothing has replaced the book since.
    Collecting {
        missing: bool,
    },
    Booked {
        local: i64,
        standing: Standing,
    },
    Retired,
}

/// The sync of one book.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Sync {
    /// First: every input asks for it.
    phase: Phase,
    run: BackRun,
}

impl Default for Sync {
    fn default() -> Self {
        Sync { phase: Phase::Idle, run: BackRun::default() }
    }
}

impl Sync {
    /// A stream is expected.
    pub(super) fn watch(&mut self) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Watching;
        }
    }

    /// A diff came. `waiting`: held diffs are still to be released before it. `held_high`: the highest id held.
    #[inline]
    pub(super) fn on_diff(
        &mut self,
        span: Span,
        waiting: bool,
        held_high: Option<i64>,
        options: &ConductorOptions,
    ) -> DiffStep {
        let verdict = match self.phase {
            Phase::Retired => return DiffStep::Drop,
            Phase::Idle | Phase::Watching => {
                self.phase = Phase::Collecting { missing: false };
                return DiffStep::Hold { first: true };
            }
            Phase::Collecting { .. } => Verdict::Missing,
            Phase::Booked { local, .. } => span.verdict(local),
        };
        if verdict == Verdict::Apply && !waiting && self.fills(span) {
            self.run.clear();
            return DiffStep::Apply;
        }
        let run = self.see_run(span, held_high, options);
        if run == RunVerdict::Certain {
            return DiffStep::WentBack;
        }
        match (verdict, self.phase) {
            (Verdict::Old, Phase::Booked { standing: Standing::Proven, .. }) if run == RunVerdict::Suspect => {
                DiffStep::DropAndAsk
            }
            (Verdict::Old, _) => DiffStep::Drop,
            (Verdict::Missing, Phase::Booked { .. }) if !waiting => match self.miss(span.previous) {
                Some(expected) => DiffStep::OpenGap { expected },
                None => DiffStep::Hold { first: false },
            },
            _ => DiffStep::Hold { first: false },
        }
    }

    /// Whether nothing stays missing once this diff is applied. A late diff that fills a gap only in part is held with the
    /// rest: deltas of a book that is known to lag behind are not published one by one.
    #[inline]
    fn fills(&self, span: Span) -> bool {
        self.missing_until().is_none_or(|until| span.last >= until)
    }

    fn see_run(&mut self, span: Span, held_high: Option<i64>, options: &ConductorOptions) -> RunVerdict {
        match self.local().max(held_high) {
            Some(high) => self.run.see(span, high, options.back_run, options.back_distance),
            None => RunVerdict::Ordinary,
        }
    }

    /// What a snapshot of this id is good for. `first_after`: the first held diff that ends after it; `waiting` as above;
    /// `refresh`: a newer snapshot is welcome although the book is proven.
    pub(super) fn on_snapshot(
        &self,
        id: i64,
        first_after: Option<Span>,
        held_high: Option<i64>,
        waiting: bool,
        refresh: bool,
        options: &ConductorOptions,
    ) -> SnapshotVerdict {
        let high = self.local().max(held_high);
        if high.is_some_and(|high| self.run.confirmed_by(id, high, options.back_run)) {
            return SnapshotVerdict::WentBack;
        }
        let by_span = match first_after {
            Some(span) if span.previous > id => SnapshotVerdict::TooOld,
            _ => SnapshotVerdict::Adopt,
        };
        let Phase::Booked { local, standing } = self.phase else {
            return if self.phase == Phase::Retired { SnapshotVerdict::Unused } else { by_span };
        };
        match standing {
            _ if waiting => SnapshotVerdict::Unused,
            Standing::Missing { .. } if id == local && first_after.is_none() => SnapshotVerdict::Equal,
            Standing::Missing { .. } if id < local => SnapshotVerdict::TooOld,
            Standing::Missing { .. } => by_span,
            _ if id == local => SnapshotVerdict::Equal,
            Standing::Unproven if id > local => SnapshotVerdict::Adopt,
            Standing::Proven if id > local && refresh => SnapshotVerdict::Adopt,
            Standing::Proven if refresh => SnapshotVerdict::TooOld,
            _ => SnapshotVerdict::Unused,
        }
    }

    /// A diff up to `last` was applied: the book is proven there.
    #[inline]
    pub(super) fn applied(&mut self, last: i64) {
        self.phase = Phase::Booked { local: last, standing: Standing::Proven };
    }

    /// A snapshot was adopted: the book stands there, unproven.
    pub(super) fn adopted(&mut self, id: i64) {
        self.phase = Phase::Booked { local: id, standing: Standing::Unproven };
        self.run.clear();
    }

    /// A ticker or a second snapshot agrees with the book as it stands.
    pub(super) fn prove(&mut self) {
        if let Phase::Booked { local, .. } = self.phase {
            self.phase = Phase::Booked { local, standing: Standing::Proven };
        }
    }

    /// Ids after the local one are missing, up to and with `until`. Gives the id expected next when this is news.
    pub(super) fn miss(&mut self, until: i64) -> Option<i64> {
        match self.phase {
            Phase::Booked { standing: Standing::Missing { .. }, .. } => None,
            Phase::Booked { local, .. } => {
                self.phase = Phase::Booked { local, standing: Standing::Missing { until } };
                Some(local.saturating_add(1))
            }
            _ => None,
        }
    }

    /// Up to where ids are missing after the book's own.
    #[inline]
    pub(super) fn missing_until(&self) -> Option<i64> {
        match self.phase {
            Phase::Booked { standing: Standing::Missing { until }, .. } => Some(until),
            _ => None,
        }
    }

    /// The book is given up; diffs are held from here on. `missing`: because a diff could not be applied.
    pub(super) fn start_over(&mut self, missing: bool) {
        if self.phase != Phase::Retired {
            self.phase = Phase::Collecting { missing };
            self.run.clear();
        }
    }

    /// A snapshot showed that no ids went back: the run of old diffs is forgotten.
    pub(super) fn forget_run(&mut self) {
        self.run.clear();
    }

    /// No longer followed.
    pub(super) fn retire(&mut self) {
        self.phase = Phase::Retired;
    }

    /// The book's update id, if there is a book.
    #[inline]
    pub(super) fn local(&self) -> Option<i64> {
        match self.phase {
            Phase::Booked { local, .. } => Some(local),
            _ => None,
        }
    }

    /// Whether the book is proven at its id.
    #[inline]
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.phase, Phase::Booked { standing: Standing::Proven, .. })
    }

    /// Whether there is a book that nothing has proven, and no id is missing.
    pub(super) fn is_unproven(&self) -> bool {
        matches!(self.phase, Phase::Booked { standing: Standing::Unproven, .. })
    }

    /// Whether ids are missing.
    pub(super) fn is_missing(&self) -> bool {
        matches!(
            self.phase,
            Phase::Booked { standing: Standing::Missing { .. }, .. } | Phase::Collecting { missing: true }
        )
    }

    /// Whether it is no longer followed.
    pub(super) fn is_retired(&self) -> bool {
        self.phase == Phase::Retired
    }

    /// Whether nothing but the expectation of a stream is there.
    pub(super) fn is_watching(&self) -> bool {
        self.phase == Phase::Watching
    }

    /// The state by its name.
    pub(super) fn state(&self, asked: bool, waiting: bool, stale: bool) -> SyncState {
        match self.phase {
            Phase::Retired => SyncState::Retired,
            _ if stale => SyncState::Stale,
            Phase::Idle => SyncState::Idle,
            Phase::Watching if !asked => SyncState::Subscribing,
            Phase::Collecting { .. } if !asked => SyncState::Buffering,
            Phase::Watching | Phase::Collecting { .. } => SyncState::SnapshotPending,
            Phase::Booked { standing: Standing::Missing { .. }, .. } if asked => SyncState::SnapshotPending,
            Phase::Booked { standing: Standing::Missing { .. }, .. } => SyncState::Gap,
            Phase::Booked { standing: Standing::Proven, .. } if !waiting => SyncState::Live,
            Phase::Booked { .. } => SyncState::Replaying,
        }
    }
}
