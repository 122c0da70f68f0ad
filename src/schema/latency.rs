//! Purpose: what the latency ledger reports: distributions by hop, duty cycles, rings.
//! Owns: the JSON form (camelCase), the names of hops. Thread: any (cold). Takes and gives: plain data; times are UTC ns, spans
//! ns. Never: a binary floating point number.

use serde::{Deserialize, Serialize};

/// What stands beside every figure that compares two clocks.
pub const CLOCK_CAVEAT: &str = "exchangeToReceive compares the exchange's clock with this machine's: their difference is part \
    of every figure, negative ones are times that the exchange stamped ahead of this clock. The exchange stamps to the \
    millisecond (spot to the microsecond where asked for). This process reads one clock, tied to the system's at its start and held to it since: \
    clockAheadNs is how far it is ahead of the system's now. All other hops are differences of one clock.";

/// From one stamp of a frame to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Hop {
    /// From the exchange's event time to the read; signed, for two clocks tell it. Told by the last event made from a frame, once that is
    /// published: a frame whose last part nobody wants, or that another connection was ahead of, tells nothing.
    ExchangeToReceive,
    /// From the kernel's receive stamp to the read that brought the frame. Only frames that were the first to become whole by a
    /// read with a stamp: it says nothing of the others.
    KernelToRead,
    /// From the read to publication, each event; those held back on purpose aside.
    ReadToPublished,
    /// From publication to a consumer's closure; of consumers that asked to be measured.
    PublishedToConsumed,
}

impl Hop {
    /// In the order of the walk.
    pub const ALL: [Hop; 4] =
        [Hop::ExchangeToReceive, Hop::KernelToRead, Hop::ReadToPublished, Hop::PublishedToConsumed];

    /// As JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Hop::ExchangeToReceive => "exchangeToReceive",
            Hop::KernelToRead => "kernelToRead",
            Hop::ReadToPublished => "readToPublished",
            Hop::PublishedToConsumed => "publishedToConsumed",
        }
    }
}

/// The latency ledger so far. What is newest may be missing: a thread hands its histograms over with its next record after it
/// was asked, which it is at least once a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyReport {
    /// Whether latencies are recorded (`telemetry.latency`). When not, `hops` and `agents` are empty.
    pub recorded: bool,
    /// When this was made, UTC ns.
    pub at_ns: i64,
    /// Since when is recorded, UTC ns.
    pub since_ns: i64,
    /// What to know about clocks before believing a figure, in words: [`CLOCK_CAVEAT`].
    pub clock: String,
    /// How far this process's clock is ahead of the system's, ns. A live feed holds its own to that one, but follows none that was set.
    pub clock_ahead_ns: i64,
    /// Distributions; a hop's total first (neither kind nor connection), then by kind, then by connection. Hops without a
    /// record are absent.
    pub hops: Vec<HopView>,
    /// Threads, in the order of the walk.
    pub agents: Vec<AgentView>,
    /// Rings, in the order of the walk.
    pub rings: Vec<RingView>,
}

/// One distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HopView {
    /// Of which hop.
    pub hop: Hop,
    /// Of events of this canonical type alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of this connection alone, by the number that events carry; a connection that is opened anew has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u16>,
    /// The figures. Both sides of a signed hop.
    pub summary: HopSummary,
    /// The distribution of what is not negative: an HdrHistogram, V2 compressed, in base64, as `.hlog` files have it. Three
    /// digits for a hop's total, two by kind and by connection.
    pub histogram: String,
    /// Of a signed hop, the distribution of what is negative, its sign left out. Apart, because such a histogram holds no
    /// negative value, and one with an offset would lose the digits of small ones. Absent: nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
}

/// How much of the ledger is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LatencyDetail {
    /// Figures by hop and by kind: no connection, and no histogram is written down (the texts are empty).
    Figures,
    /// Everything.
    Histograms,
}

/// What a distribution says, ns; each the largest value that the histogram cannot tell from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HopSummary {
    /// How many were recorded.
    pub count: u64,
    /// The least.
    pub min_ns: i64,
    /// Half of them are at most this.
    pub p50_ns: i64,
    /// 90 in 100 are at most this.
    pub p90_ns: i64,
    /// 95 in 100 are at most this.
    pub p95_ns: i64,
    /// 99 in 100 are at most this.
    pub p99_ns: i64,
    /// 999 in 1,000 are at most this.
    pub p999_ns: i64,
    /// 9,999 in 10,000 are at most this.
    pub p9999_ns: i64,
    /// The greatest.
    pub max_ns: i64,
    /// The mean, rounded towards zero.
    pub mean_ns: i64,
    /// All together, each taken as the middle of those that the histogram cannot tell from it.
    pub sum_ns: i64,
}

/// A thread's duty cycles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// The thread's name in the engine.
    pub name: String,
    /// Duty cycles so far.
    pub cycles: u64,
    /// Of those, the ones that did work.
    pub busy: u64,
    /// The longest so far, ns. What a thread sleeps between two cycles is part of none.
    pub cycle_ns_max: u64,
    /// How many took longer than the threshold.
    pub cycles_over: u64,
    /// The threshold (`telemetry.cycle_over`), ns.
    pub threshold_ns: u64,
}

/// How full a ring is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RingView {
    /// Its name: `frames`, `bodies`, `canonical` or `events`, with the numbers of its ends.
    pub name: String,
    /// Words of 8 bytes that it holds.
    pub capacity_words: u64,
    /// Words that wait in it. Of a ring with many readers: for the lossless reader that is farthest behind, 0 without one.
    pub used_words: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The form is a contract: keys in camelCase, absent ones left out.
    #[test]
    fn the_report_keeps_its_json_form() {
        let summary = HopSummary { count: 2, min_ns: -7, max_ns: 9, ..HopSummary::default() };
        let (kind, negative) = (Some("TRADE".to_owned()), Some("AA==".to_owned()));
        let signed = HopView {
            hop: Hop::ExchangeToReceive,
            kind,
            connection: None,
            summary,
            histogram: "HISTFAAA".into(),
            negative,
        };
        let plain = HopView {
            hop: Hop::KernelToRead,
            kind: None,
            connection: Some(4),
            summary: HopSummary::default(),
            histogram: String::new(),
            negative: None,
        };
        let report = LatencyReport {
            hops: vec![signed, plain],
            agents: vec![AgentView { name: "io".into(), cycles: 3, ..AgentView::default() }],
            rings: vec![RingView { name: "frames-0".into(), capacity_words: 8, used_words: 2 }],
            ..LatencyReport::default()
        };
        let figures = |count: u64, min: i64, max: i64| {
            json!({"count": count, "minNs": min, "p50Ns": 0, "p90Ns": 0, "p95Ns": 0, "p99Ns": 0, "p999Ns": 0,
                "p9999Ns": 0, "maxNs": max, "meanNs": 0, "sumNs": 0})
        };
        let shown = json!({"recorded": false, "atNs": 0, "sinceNs": 0, "clock": "", "clockAheadNs": 0,
            "hops": [{"hop": "exchangeToReceive", "kind": "TRADE", "summary": figures(2, -7, 9), "histogram": "HISTFAAA",
                    "negative": "AA=="},
                {"hop": "kernelToRead", "connection": 4, "summary": figures(0, 0, 0), "histogram": ""}],
            "agents": [{"name": "io", "cycles": 3, "busy": 0, "cycleNsMax": 0, "cyclesOver": 0, "thresholdNs": 0}],
            "rings": [{"name": "frames-0", "capacityWords": 8, "usedWords": 2}]});
        assert_eq!(serde_json::to_value(&report).unwrap(), shown);
        assert_eq!(serde_json::from_value::<LatencyReport>(shown).unwrap(), report);
        for hop in Hop::ALL {
            assert_eq!(serde_json::to_value(hop).unwrap(), hop.name());
        }
    }
}
