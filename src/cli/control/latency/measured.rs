//! Purpose: what was measured: series by hop, kind and connection. Owns: histograms, and percentiles over both signs of a hop.
//! Thread: main. Takes and gives: a report in; figures out. Never: mixes series; takes a damaged histogram for an empty one.

use std::fmt;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::coded::decode;
use crate::schema::latency::{AgentView, HopSummary, HopView, LatencyReport, RingView};
use crate::telemetry::{histogram_text, signed_summary};

/// The word of a log's tag for what is negative.
const NEGATIVE: &str = "negative";
/// The word before a connection's number in a tag.
const CONNECTION: &str = "connection-";

/// What a series is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli::control) struct Tag {
    pub(in crate::cli::control) hop: String,
    pub(in crate::cli::control) kind: Option<String>,
    pub(in crate::cli::control) connection: Option<u16>,
}

impl Tag {
    /// Whether it is of all of a hop.
    pub(in crate::cli::control) fn is_total(&self) -> bool {
        self.kind.is_none() && self.connection.is_none()
    }

    /// Of which part of a hop it is, for a person.
    pub(in crate::cli::control) fn part(&self) -> String {
        let connection = self.connection.map(|number| format!("connection {number}"));
        let parts: Vec<String> = self.kind.iter().cloned().chain(connection).collect();
        if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
    }

    /// As a log has it: `readToPublished`, `readToPublished/TRADE`, `exchangeToReceive/connection-4/negative`.
    pub(in crate::cli::control) fn text(&self, negative: bool) -> String {
        let mut text = self.hop.clone();
        let connection = self.connection.map(|number| format!("{CONNECTION}{number}"));
        let negative = negative.then(|| NEGATIVE.to_owned());
        for part in self.kind.iter().cloned().chain(connection).chain(negative) {
            text.push('/');
            text.push_str(&part);
        }
        text
    }

    /// Of a log's tag, with whether it is of what is negative. A foreign one is a hop of that name.
    pub(in crate::cli::control) fn read(text: &str) -> (Tag, bool) {
        let mut parts = text.split('/');
        let mut tag = Tag { hop: parts.next().unwrap_or_default().to_owned(), ..Tag::default() };
        let mut negative = false;
        for part in parts {
            let number = part.strip_prefix(CONNECTION).and_then(|number| number.parse().ok());
            match number {
                Some(number) => tag.connection = Some(number),
                None if part == NEGATIVE => negative = true,
                None => tag.kind = Some(part.to_owned()),
            }
        }
        (tag, negative)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(false))
    }
}

/// A distribution.
#[derive(Clone, Debug)]
pub(in crate::cli::control) struct Series {
    pub(in crate::cli::control) tag: Tag,
    /// What is not negative, ns.
    pub(in crate::cli::control) positive: Histogram<u64>,
    /// What is negative, ns, its sign left out.
    pub(in crate::cli::control) negative: Option<Histogram<u64>>,
}

/// All that was measured.
#[derive(Clone, Debug, Default)]
pub(in crate::cli::control) struct Measured {
    /// From when to when, UTC ns.
    pub(in crate::cli::control) since_ns: i64,
    pub(in crate::cli::control) at_ns: i64,
    /// What to know about clocks.
    pub(in crate::cli::control) clock: String,
    /// How far the feed's clock was ahead of its system's; `None`: a log does not say.
    pub(in crate::cli::control) clock_ahead_ns: Option<i64>,
    pub(in crate::cli::control) series: Vec<Series>,
    pub(in crate::cli::control) agents: Vec<AgentView>,
    pub(in crate::cli::control) rings: Vec<RingView>,
}

impl Measured {
    /// # Errors
    /// What is wrong with a histogram, in words.
    pub(in crate::cli::control) fn of(report: &LatencyReport) -> Result<Measured, String> {
        let series = report.hops.iter().map(Series::of).collect::<Result<_, _>>()?;
        Ok(Measured {
            since_ns: report.since_ns,
            at_ns: report.at_ns,
            clock: report.clock.clone(),
            clock_ahead_ns: Some(report.clock_ahead_ns),
            series: by_hop(series),
            agents: report.agents.clone(),
            rings: report.rings.clone(),
        })
    }

    /// The same as a feed would tell it, but for what a log does not hold.
    pub(in crate::cli::control) fn json(&self) -> Value {
        let hops: Vec<Value> = self.series.iter().map(Series::json).collect();
        let mut all = json!({ "kind": "latency", "recorded": true, "sinceNs": self.since_ns, "atNs": self.at_ns, "clock": self.clock,
            "hops": hops, "agents": self.agents, "rings": self.rings });
        if let Some(ahead) = self.clock_ahead_ns {
            all["clockAheadNs"] = json!(ahead);
        }
        all
    }

    /// The series of a plot: whole hops, or what there is where it has none.
    pub(in crate::cli::control) fn drawn(&self) -> Vec<&Series> {
        let totals: Vec<&Series> = self.totals().collect();
        if totals.is_empty() { self.series.iter().collect() } else { totals }
    }

    /// The series of whole hops, in order.
    pub(in crate::cli::control) fn totals(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(|series| series.tag.is_total())
    }
}

impl Series {
    fn of(view: &HopView) -> Result<Series, String> {
        let tag = Tag { hop: view.hop.name().to_owned(), kind: view.kind.clone(), connection: view.connection };
        let wrong = |error: String| format!("the histogram of {tag}: {error}");
        let positive = decode(&view.histogram).map_err(wrong)?;
        let negative = view.negative.as_deref().map(decode).transpose().map_err(wrong)?;
        Ok(Series { tag, positive, negative })
    }

    fn json(&self) -> Value {
        let mut entries =
            json!({ "hop": self.tag.hop, "summary": self.summary(), "histogram": histogram_text(&self.positive) });
        let (kind, connection) = (self.tag.kind.as_ref(), self.tag.connection);
        let negative = self.negative.as_ref().map(histogram_text);
        let more = [
            ("kind", kind.map(|k| json!(k))),
            ("connection", connection.map(|c| json!(c))),
            ("negative", negative.map(|n| json!(n))),
        ];
        for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            entries[name] = value;
        }
        entries
    }

    /// What is in here and was not there: `earlier` is the same series, earlier.
    #[cfg(feature = "top")]
    pub(in crate::cli::control) fn since(&self, earlier: &Series) -> Series {
        let mut new = self.clone();
        // Where there was more, it is another recording: all of it is new.
        if new.positive.subtract(&earlier.positive).is_err() {
            return self.clone();
        }
        if let (Some(negative), Some(before)) = (&mut new.negative, &earlier.negative)
            && negative.subtract(before).is_err()
        {
            return self.clone();
        }
        new
    }

    /// How many are negative.
    pub(in crate::cli::control) fn below_zero(&self) -> u64 {
        self.negative.as_ref().map_or(0, Histogram::len)
    }

    /// How many there are.
    pub(in crate::cli::control) fn count(&self) -> u64 {
        self.positive.len() + self.below_zero()
    }

    /// The figures that a feed tells.
    pub(in crate::cli::control) fn summary(&self) -> HopSummary {
        signed_summary(&self.positive, self.negative.as_ref())
    }

    /// Which quantile of all it is that is this one of what is not negative.
    pub(super) fn of_all(&self, quantile: f64) -> f64 {
        if quantile >= 1.0 {
            return 1.0;
        }
        let (all, below, above) = (self.count() as f64, self.below_zero() as f64, self.positive.len() as f64);
        (below + quantile * above) / all
    }

    /// Points of the percentile plot that are not below zero: how many of all are at or above (as `1 / (1 - quantile)`, at
    /// most their number), and the value, ns.
    pub(in crate::cli::control) fn curve(&self) -> Vec<(f64, f64)> {
        const TICKS: u32 = 10;
        let all = self.count() as f64;
        let point = |quantile: f64, value: u64| ((1.0 / (1.0 - self.of_all(quantile))).min(all), value as f64);
        let ticks = self.positive.iter_quantiles(TICKS);
        ticks.map(|tick| point(tick.quantile_iterated_to(), tick.value_iterated_to())).collect()
    }
}

/// Each hop with its parts, in the order in which hops come first.
pub(in crate::cli::control) fn by_hop(mut series: Vec<Series>) -> Vec<Series> {
    let mut hops: Vec<String> = Vec::new();
    for one in &series {
        if !hops.contains(&one.tag.hop) {
            hops.push(one.tag.hop.clone());
        }
    }
    series.sort_by_key(|one| (hops.iter().position(|hop| *hop == one.tag.hop), !one.tag.is_total()));
    series
}
