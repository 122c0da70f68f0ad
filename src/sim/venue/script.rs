//! Purpose: scripts: what goes wrong when, as a file says it. Owns: nothing. Thread: any (cold).
//! Takes and gives: YAML in, checked steps out, or the first mistake in plain words. Never: takes a field it does not use.

use std::time::Duration;

use serde::Deserialize;

use super::fault::{VenueFault, Whom};
use crate::sim::faults::Fault;

/// Steps in one script.
const STEPS_MAX: usize = 10_000;

/// A script that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("script: {0}")]
pub struct ScriptError(String);

/// When a step happens, counted from the venue's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    pub(super) first: Duration,
    pub(super) every: Option<Duration>,
    pub(super) until: Option<Duration>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) timing: Timing,
    pub(super) fault: VenueFault,
}

/// What goes wrong when. A list of entries, such as
/// `- { every: 500ms, fault: drop, symbols: [BTCUSDT], count: 2 }` or `- { at: 3s, fault: close, code: 1012 }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Drop,
    Gap,
    Repeat,
    Swap,
    Delay,
    Overlap,
    Garbage,
    Crossing,
    RestartIds,
    StaleSnapshot,
    TruncatedSnapshot,
    UnansweredSnapshot,
    Stall,
    Close,
    Reset,
    Cut,
    Kill,
    BrokenFrame,
    SlowRest,
    TooManyRequests,
    RestFails,
    Down,
    ServerShutdown,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    at: Option<Span>,
    every: Option<Span>,
    from: Option<Span>,
    until: Option<Span>,
    fault: Option<Kind>,
    symbols: Option<Vec<String>>,
    one: Option<bool>,
    count: Option<u32>,
    by: Option<Span>,
    #[serde(rename = "for")]
    lasts: Option<Span>,
    lead: Option<Span>,
    ticks: Option<i64>,
    ids_back: Option<u64>,
    to: Option<u64>,
    code: Option<u16>,
    reason: Option<String>,
    status: Option<u16>,
    retry_after: Option<u32>,
}

/// A span such as `500ms`, `2s`, `1m`.
#[derive(Clone, Copy, Debug)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => 0,
        };
        let ms = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms)).filter(|_| unit_ms > 0);
        let wrong = || serde::de::Error::custom(format!("{text}: expected a span such as 500ms, 2s, 1m"));
        ms.map(|ms| Span(Duration::from_millis(ms))).ok_or_else(wrong)
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`] names the entry and what is wrong with it.
    pub fn parse(yaml: &str) -> Result<Script, ScriptError> {
        let entries: Vec<Entry> =
            serde_saphyr::from_str(yaml).map_err(|fault| ScriptError(fault.to_string().trim().to_owned()))?;
        if entries.len() > STEPS_MAX {
            return Err(ScriptError(format!("{} entries: expected at most {STEPS_MAX}", entries.len())));
        }
        let step = |(index, entry): (usize, Entry)| {
            entry.step().map_err(|what| ScriptError(format!("entry {}: {what}", index + 1)))
        };
        entries.into_iter().enumerate().map(step).collect::<Result<_, _>>().map(|steps| Script { steps })
    }

    /// The symbols that it names.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &str> {
        self.steps
            .iter()
            .flat_map(|step| match &step.fault {
                VenueFault::Frames { symbols, .. } => symbols.iter(),
                VenueFault::Stall { whom, .. }
                | VenueFault::Close { whom, .. }
                | VenueFault::Reset { whom }
                | VenueFault::Cut { whom }
                | VenueFault::BrokenFrame { whom } => whom.symbols.iter(),
                _ => [].iter(),
            })
            .map(String::as_str)
    }
}

impl Entry {
    fn step(mut self) -> Result<Step, String> {
        let timing = match (self.at.take(), self.every.take()) {
            (Some(at), None) => Timing { first: at.0, every: None, until: None },
            (None, Some(every)) if every.0.is_zero() => return Err("every: must be longer than nothing".to_owned()),
            (None, Some(every)) => Timing {
                first: self.from.take().map_or(every.0, |from| from.0),
                every: Some(every.0),
                until: self.until.take().map(|until| until.0),
            },
            _ => return Err("expected either at or every".to_owned()),
        };
        let kind = self.fault.ok_or("expected fault")?;
        let fault = self.fault_of(kind)?;
        match self.left_over() {
            Some(name) => Err(format!("{name} is of no use here")),
            None => Ok(Step { timing, fault }),
        }
    }

    fn fault_of(&mut self, kind: Kind) -> Result<VenueFault, String> {
        let nanos = |span: Span| i64::try_from(span.0.as_nanos()).unwrap_or(i64::MAX);
        Ok(match kind {
            Kind::Drop | Kind::Gap => {
                // A gap is several diffs in a row that never come.
                let count = self.count.take().unwrap_or(if kind == Kind::Gap { 3 } else { 1 });
                self.frames_times(Fault::Drop, count)
            }
            Kind::Repeat => self.frames(Fault::Repeat),
            Kind::Swap => self.frames(Fault::Swap),
            Kind::Delay => {
                let by = self.by.take().ok_or("delay: expected by")?;
                self.frames(Fault::DelayNs(nanos(by)))
            }
            Kind::Overlap => self.frames(Fault::Overlap),
            Kind::Garbage => self.frames(Fault::Garbage),
            Kind::Crossing => {
                let ticks = self.ticks.take().unwrap_or(1);
                self.frames(Fault::Crossing { ticks })
            }
            Kind::RestartIds => {
                let at = self.to.take().unwrap_or(1);
                self.frames(Fault::RestartIds { at })
            }
            Kind::StaleSnapshot => {
                let ids_back = self.ids_back.take().unwrap_or(1_000);
                self.frames(Fault::StaleSnapshot { ids_back })
            }
            Kind::TruncatedSnapshot => self.frames(Fault::TruncatedSnapshot),
            Kind::UnansweredSnapshot => self.frames(Fault::UnansweredSnapshot),
            Kind::Stall => VenueFault::Stall { lasts: self.lasts()?, whom: self.whom() },
            Kind::Close => {
                let code = self.code.take().unwrap_or(1_001);
                if !(1_000..5_000).contains(&code) || matches!(code, 1_004..=1_006 | 1_015..=2_999) {
                    return Err(format!("code: {code} may not be sent in a close frame"));
                }
                let reason = self.reason.take().unwrap_or_default();
                if reason.len() > 123 {
                    return Err("reason: expected at most 123 bytes".to_owned());
                }
                VenueFault::Close { code, reason, whom: self.whom() }
            }
            Kind::Reset => VenueFault::Reset { whom: self.whom() },
            Kind::Cut => VenueFault::Cut { whom: self.whom() },
            Kind::Kill => VenueFault::Cut { whom: Whom::default() },
            Kind::BrokenFrame => VenueFault::BrokenFrame { whom: self.whom() },
            Kind::SlowRest => {
                VenueFault::SlowRest { by: self.by.take().ok_or("slow_rest: expected by")?.0, lasts: self.lasts()? }
            }
            Kind::TooManyRequests => {
                VenueFault::TooManyRequests { retry_after: self.retry_after.take().unwrap_or(1), lasts: self.lasts()? }
            }
            Kind::RestFails => {
                let status = self.status.take().unwrap_or(503);
                if !(400..600).contains(&status) {
                    return Err("status: expected 400 to 599".to_owned());
                }
                VenueFault::RestFails { status, lasts: self.lasts()? }
            }
            Kind::Down => VenueFault::Down { lasts: self.lasts()? },
            Kind::ServerShutdown => {
                VenueFault::Shutdown { lead: self.lead.take().map_or(Duration::from_secs(1), |lead| lead.0) }
            }
        })
    }

    fn frames(&mut self, fault: Fault) -> VenueFault {
        let count = self.count.take().unwrap_or(1);
        self.frames_times(fault, count)
    }

    fn frames_times(&mut self, fault: Fault, count: u32) -> VenueFault {
        VenueFault::Frames { fault, symbols: self.symbols.take().unwrap_or_default(), count }
    }

    fn whom(&mut self) -> Whom {
        Whom { symbols: self.symbols.take().unwrap_or_default(), one: self.one.take().unwrap_or(false) }
    }

    fn lasts(&mut self) -> Result<Duration, String> {
        self.lasts.take().map(|span| span.0).ok_or_else(|| "expected for: how long it lasts".to_owned())
    }

    /// A field that the fault does not take.
    fn left_over(&self) -> Option<&'static str> {
        let table = [
            (self.from.is_some(), "from"),
            (self.until.is_some(), "until"),
            (self.symbols.is_some(), "symbols"),
            (self.one.is_some(), "one"),
            (self.count.is_some(), "count"),
            (self.by.is_some(), "by"),
            (self.lasts.is_some(), "for"),
            (self.lead.is_some(), "lead"),
            (self.ticks.is_some(), "ticks"),
            (self.ids_back.is_some(), "ids_back"),
            (self.to.is_some(), "to"),
            (self.code.is_some(), "code"),
            (self.reason.is_some(), "reason"),
            (self.status.is_some(), "status"),
            (self.retry_after.is_some(), "retry_after"),
        ];
        table.into_iter().find_map(|(left, name)| left.then_some(name))
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
