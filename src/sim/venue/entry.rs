//! Purpose: one entry of a script, as YAML has it, and what it comes to. Owns: the words. Thread: any (cold).
//! Takes and gives: fields in, a checked step out, or what is wrong with it. Never: takes a field it does not use.

use std::time::Duration;

use serde::Deserialize;

use super::fault::{VenueFault, Whom};
use super::kind::Kind;
use super::script::{Planned, Step, Timing};
use super::span::Span;
use super::ways::{AnswerFault, FrameFault, HandshakeFault, RestFault};
use crate::sim::faults::{Fault, FaultRule, When};
use crate::sim::spec::Status;
use crate::sim::spoil::{BadNumber, Dress};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Entry {
    at: Option<Span>,
    every: Option<Span>,
    from: Option<Span>,
    until: Option<Span>,
    per_million: Option<u32>,
    fault: Option<String>,
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
    how: Option<String>,
    bytes: Option<u8>,
    becomes: Option<String>,
    digits: Option<u8>,
    routes: Option<Vec<String>>,
}

impl Entry {
    /// What it comes to.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn planned(mut self) -> Result<Planned, String> {
        let timing = self.timing()?;
        let word = self.fault.take().ok_or("expected fault")?;
        let kind = Kind::of(&word).ok_or_else(|| {
            format!("fault: {word} is not one of {}", Kind::ALL.iter().map(|k| k.word()).collect::<Vec<_>>().join(", "))
        })?;
        let fault = self.fault_of(kind)?;
        if let Some(name) = self.left_over() {
            return Err(format!("{name} is of no use here"));
        }
        match (timing, fault) {
            (Ok(timing), fault) => Ok(Planned::Step(Step { timing, fault })),
            (Err(rate), VenueFault::Frames { fault, symbols, count: 1 }) => {
                Ok(Planned::Rule(FaultRule { symbols, fault, when: When::PerMillion(rate) }))
            }
            (Err(_), VenueFault::Frames { .. }) => Err("per_million strikes one at a time: no count".to_owned()),
            (Err(_), _) => Err("per_million is for what befalls single diffs and snapshots".to_owned()),
        }
    }

    /// When it happens, or how often in a million.
    fn timing(&mut self) -> Result<Result<Timing, u32>, String> {
        let span = |span: Option<Span>| span.map(|span| span.0);
        match (self.at.take(), self.every.take(), self.per_million.take()) {
            (Some(at), None, None) => Ok(Ok(Timing { first: at.0, every: None, until: None })),
            (None, Some(every), None) if every.0.is_zero() => Err("every: must be longer than nothing".to_owned()),
            (None, Some(every), None) => Ok(Ok(Timing {
                first: span(self.from.take()).unwrap_or(every.0),
                every: Some(every.0),
                until: span(self.until.take()),
            })),
            (None, None, Some(rate)) if rate > 1_000_000 => Err("per_million: expected at most 1000000".to_owned()),
            (None, None, Some(rate)) => Ok(Err(rate)),
            _ => Err("expected one of at, every, per_million".to_owned()),
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
            Kind::Dress => {
                let dress = self.how(Dress::of, Dress::ALL, Dress::word)?;
                self.frames(Fault::Dressed(dress))
            }
            Kind::BadNumber => {
                let bad = self.how(BadNumber::of, BadNumber::ALL, BadNumber::word)?;
                self.frames(Fault::BadNumber(bad))
            }
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
            Kind::Truncate => VenueFault::Truncate { whom: self.whom() },
            Kind::BrokenFrame => {
                self.how.get_or_insert_with(|| FrameFault::Reserved.word().to_owned());
                let how = self.how(FrameFault::of, FrameFault::ALL, FrameFault::word)?;
                VenueFault::BrokenFrame { how, whom: self.whom() }
            }
            Kind::Fragments => VenueFault::Fragments { lasts: self.lasts()?, whom: self.whom() },
            Kind::Pings => {
                let bytes = self.bytes.take().unwrap_or(8);
                if bytes > 125 {
                    return Err("bytes: a ping has at most 125".to_owned());
                }
                VenueFault::Pings { count: self.count.take().unwrap_or(1), bytes, whom: self.whom() }
            }
            Kind::Answers => {
                let how = self.how(AnswerFault::of, AnswerFault::ALL, AnswerFault::word)?;
                let late = how == AnswerFault::Late;
                let by = if late { self.by.take().ok_or("answers: expected by: how late")?.0 } else { Duration::ZERO };
                VenueFault::Answers { how, count: self.count.take().unwrap_or(1), by }
            }
            Kind::Handshake => {
                let how = self.how(HandshakeFault::of, HandshakeFault::ALL, HandshakeFault::word)?;
                VenueFault::Handshake { how, lasts: self.lasts()? }
            }
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
            Kind::BadRest => {
                let how = self.how(RestFault::of, RestFault::ALL, RestFault::word)?;
                VenueFault::BadRest { how, lasts: self.lasts()?, routes: self.routes.take().unwrap_or_default() }
            }
            Kind::Status => {
                let word = self.becomes.take().ok_or("expected becomes: the status")?;
                let all = || Status::ALL.map(Status::word).join(", ");
                let becomes = Status::of(&word).ok_or_else(|| format!("becomes: {word} is not one of {}", all()))?;
                VenueFault::Status { becomes, lasts: self.lasts_if_told(), symbols: self.named() }
            }
            Kind::Delist => VenueFault::Delist { lasts: self.lasts_if_told(), symbols: self.named() },
            Kind::TickSize => {
                let digits = self.digits.take().unwrap_or(1);
                if !(1..=8).contains(&digits) {
                    return Err("digits: expected 1 to 8".to_owned());
                }
                VenueFault::TickSize { digits, symbols: self.named() }
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
        VenueFault::Frames { fault, symbols: self.named(), count }
    }

    fn named(&mut self) -> Vec<String> {
        self.symbols.take().unwrap_or_default()
    }

    /// The way that is meant, of all there are.
    fn how<W: Copy>(&mut self, of: fn(&str) -> Option<W>, all: &[W], word: fn(W) -> &'static str) -> Result<W, String> {
        let words = || all.iter().map(|way| word(*way)).collect::<Vec<_>>().join(", ");
        let how = self.how.take().ok_or_else(|| format!("expected how: one of {}", words()))?;
        of(&how).ok_or_else(|| format!("how: {how} is not one of {}", words()))
    }

    fn whom(&mut self) -> Whom {
        Whom { symbols: self.named(), one: self.one.take().unwrap_or(false) }
    }

    fn lasts_if_told(&mut self) -> Option<Duration> {
        self.lasts.take().map(|span| span.0)
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
            (self.how.is_some(), "how"),
            (self.bytes.is_some(), "bytes"),
            (self.becomes.is_some(), "becomes"),
            (self.digits.is_some(), "digits"),
            (self.routes.is_some(), "routes"),
        ];
        table.into_iter().find_map(|(left, name)| left.then_some(name))
    }
}
