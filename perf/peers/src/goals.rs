//! Purpose: the goals of the project's issue on latency, held against what was measured.
//! Owns: limits. Thread: main. Takes and gives: a run's figures in, goals out.
//! Never: gives a verdict on what was not measured (`holds: null`, and why).

use meltica::engine::Topology;
use serde::Serialize;

use crate::books;
use crate::counted::Counted;
use crate::decode;
use crate::framing;
use crate::hop;
use crate::instruments;
use crate::loopback::Loopback;
use crate::measure::Run;
use crate::support::frames::{Kind, Sample};
use crate::support::turns::MANY;
use crate::threads::cores;

/// One goal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) name: String,
    /// What was measured.
    pub(crate) value: Option<f64>,
    /// Of value and limit.
    pub(crate) unit: &'static str,
    /// As `<= 1.15` or `>= 4`; where the limit itself is measured, its value in this run.
    pub(crate) limit: String,
    /// Whether it holds; `None` when it was not measured.
    pub(crate) holds: Option<bool>,
    /// What the value is of, or why there is none.
    pub(crate) reference: String,
}

/// Which side of a limit is good.
#[derive(Clone, Copy, Debug)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn judged(name: String, value: Option<f64>, unit: &'static str, limit: Limit, reference: String) -> Goal {
        let (text, holds) = match limit {
            Limit::AtMost(limit) => (format!("<= {}", short(limit)), value.map(|value| value <= limit)),
            Limit::AtLeast(limit) => (format!(">= {}", short(limit)), value.map(|value| value >= limit)),
        };
        let value = value.map(|value| (value * 1_000.0).round() / 1_000.0);
        let reference = if value.is_some() { reference } else { format!("not measured: {reference}") };
        Goal { name, value, unit, limit: text, holds, reference }
    }

    /// A goal that this program does not measure.
    fn open(name: &str, unit: &'static str, limit: &str, why: &str) -> Goal {
        let (name, limit) = (name.to_owned(), limit.to_owned());
        Goal { name, value: None, unit, limit, holds: None, reference: format!("not measured: {why}") }
    }
}

fn short(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{}", (value * 100.0).round() / 100.0) }
}

/// What is known besides the run.
#[derive(Debug)]
pub(crate) struct Known {
    /// Allocations of so many frames, by kind.
    pub(crate) allocations: Vec<(Kind, u64, u64)>,
    /// Instructions, where they were counted.
    pub(crate) counted: Counted,
    /// The run over sockets, where there was one.
    pub(crate) loopback: Option<Loopback>,
    /// Milliseconds from starts to the first market event; or why there are none.
    pub(crate) start_ms: Result<Vec<f64>, String>,
}

/// All goals, in the order of the issue.
pub(crate) fn of(run: &Run, samples: &[Sample], known: &Known) -> Vec<Goal> {
    let mut goals = Vec::new();
    decoding(run, samples, &mut goals);
    framing(run, samples, &mut goals);
    hops(run, samples, &mut goals);
    book(run, samples, &mut goals);
    rings(run, &mut goals);
    whole(known, &mut goals);
    recorded(&known.counted, samples, &mut goals);
    goals
}

fn decoding(run: &Run, samples: &[Sample], goals: &mut Vec<Goal>) {
    type Name = fn(Kind, &str) -> String;
    let markets: [(&str, Name); 2] = [("spot", decode::cell), ("USD-M", decode::usdm_cell)];
    let each = || markets.iter().flat_map(|(market, cell)| samples.iter().map(move |s| (market, cell, s.kind)));
    for (market, cell, kind) in each() {
        goals.push(Goal::judged(
            format!("decode, validated path: {market} {}", kind.name()),
            run.ratio(&cell(kind, "meltica's validated path"), &cell(kind, "tape + walk")),
            "times",
            Limit::AtMost(1.15),
            "frame to raw instance by the tape alone, over simd-json's tape + a typed walk".to_owned(),
        ));
    }
    for (market, cell, kind) in each() {
        let limit = if kind.is_diff() { 3.0 } else { 4.0 };
        for (name, form) in [("meltica", "combined"), ("meltica, raw", "raw")] {
            goals.push(Goal::judged(
                format!("decode, scanner: {market} {}, {form}", kind.name()),
                run.ratio(&cell(kind, "tape + walk"), &cell(kind, name)),
                "times",
                Limit::AtLeast(limit),
                format!("{form} frames; tape + walk (of combined frames) over the parser as shipped"),
            ));
        }
    }
    goals.push(Goal::open(
        "decode, scanner equals the tape",
        "executions",
        ">= 1e9, none differs",
        "a soak of its own, kept in perf/record: MELTICA_SCANNER_FRAMES=1000000000 cargo test --release --lib scanner::tests::the_scanner_never",
    ));
}

fn framing(run: &Run, samples: &[Sample], goals: &mut Vec<Goal>) {
    for sample in samples {
        for reads in framing::READS {
            let [ours, theirs] = ["framer", "tungstenite"].map(|reader| framing::cell(sample.kind, reader, reads));
            let reference =
                format!("messages out of a stream in memory, reads of {reads}; tungstenite has a buffer of 8 KiB");
            let name = format!("websocket framing over tungstenite: {}, {reads}", sample.kind.name());
            goals.push(Goal::judged(name, run.ratio(&ours, &theirs), "times", Limit::AtMost(1.1), reference));
        }
    }
}

fn hops(run: &Run, samples: &[Sample], goals: &mut Vec<Goal>) {
    let one_way = run.median(hop::ONE_WAY);
    let regime = one_way.map_or("", hop::regime);
    for (topology, ways, more) in [(Topology::Fused, 1.7, 40.0), (Topology::Lean, 3.0, 60.0)] {
        for sample in samples {
            let name = format!("frame to event on another core, {}: {}", topology.name(), sample.kind.name());
            let decode = run.median(&decode::cell(sample.kind, "meltica"));
            let (Some(decode), Some(one_way)) = (decode, one_way) else {
                let limit = format!("<= decode + {ways} x one way + {more:.0}");
                goals.push(Goal::open(&name, "ns", &limit, "its decode or the ping-pong did not run"));
                continue;
            };
            let needed = hop::cores_needed(topology);
            let reference = if cores().len() < needed {
                format!("{needed} threads that spin need {needed} cores, here are {}", cores().len())
            } else {
                format!(
                    "p50; decode {decode:.0} ns + {ways} x one way {one_way:.0} ns ({regime}) + {more:.0} ns; for a diff \
                     its book is in it too"
                )
            };
            let value = run.median(&hop::cell(topology, sample));
            let limit = Limit::AtMost(decode + ways * one_way + more);
            goals.push(Goal::judged(name, value, "ns", limit, reference));
        }
    }
    let Some(sample) = samples.iter().find(|sample| sample.kind == Kind::BookTicker) else { return };
    let ours = hop::cell(Topology::Fused, sample);
    let ahead = [
        ("barter-data", decode::cell(sample.kind, "barter-data decode"), 2.5),
        ("cryptofeed", format!("python/{}/cryptofeed", sample.kind.name()), 15.0),
    ];
    for (peer, cell, limit) in ahead {
        let value = run.ratio(&cell, &ours);
        let reference = match value {
            Some(_) => format!("{peer}'s decode alone over our frame to event read on another core ({regime})"),
            None => format!("{peer} or the hop did not run"),
        };
        let name = format!("ahead of {peer}: bookTicker");
        goals.push(Goal::judged(name, value, "times", Limit::AtLeast(limit), reference));
    }
    let value = run.median(&ours).filter(|_| regime == "NEAR");
    let reference = match value {
        Some(_) => "p50, fused, NEAR; \"near 200\" is read as 220 at most".to_owned(),
        None => "the cores of this run are not NEAR".to_owned(),
    };
    goals.push(Goal::judged("bookTicker near 200 ns NEAR".to_owned(), value, "ns", Limit::AtMost(220.0), reference));
}

fn book(run: &Run, samples: &[Sample], goals: &mut Vec<Goal>) {
    for sample in samples.iter().filter(|sample| sample.kind == Kind::Diff20) {
        let cell = |name: &str| books::cell(sample, name);
        goals.push(Goal::judged(
            "diff-20, frame to book to event read".to_owned(),
            run.ratio(&cell("meltica, frame to event read"), &cell("barter-data, frame to book")),
            "times",
            Limit::AtMost(0.15),
            "the walk on one thread over barter-data's decode + transform + apply; both books of 1,000 levels a side"
                .to_owned(),
        ));
    }
    for sample in samples.iter().filter(|sample| sample.kind.is_diff()) {
        let cell = |name: &str| books::cell(sample, name);
        for (form, name, limit) in
            [("sorted vectors", "meltica's book, rows", 0.6), ("tick window", "meltica's book, windows", 0.25)]
        {
            goals.push(Goal::judged(
                format!("book update, {form}: {}", sample.kind.name()),
                run.ratio(&cell(name), &cell("BTreeMap")),
                "times",
                Limit::AtMost(limit),
                "conductor::book alone over two BTreeMaps of the same mantissas, the same diffs".to_owned(),
            ));
        }
    }
    for sample in samples.iter().filter(|sample| matches!(sample.kind, Kind::BookTicker | Kind::Diff20)) {
        let cell = |count| instruments::cell(sample, count, "walk");
        goals.push(Goal::judged(
            format!("from 1 to 2,500 instruments: {}", sample.kind.name()),
            run.ratio(&cell(MANY), &cell(1)),
            "times",
            Limit::AtMost(1.3),
            "the walk on one thread, instruments taking turns, over the same of one".to_owned(),
        ));
    }
}

fn rings(run: &Run, goals: &mut Vec<Goal>) {
    let groups = [
        ("three readers", "two cores", "processor time of all four threads, waiting included"),
        (
            "three readers, in turn",
            "one thread",
            "processor time of one thread that does the work of all four, so nobody waits",
        ),
    ];
    for (group, form, of) in groups {
        for (name, peer) in [("one by one", "three rtrb rings"), ("in chunks", "three rtrb rings, chunks")] {
            goals.push(Goal::judged(
                format!("broadcast to 3 readers over three rtrb rings read {name}, {form}"),
                run.ratio(&format!("{group}/meltica, lossless"), &format!("{group}/{peer}")),
                "times",
                Limit::AtMost(0.5),
                format!("{of}; a record of 128 bytes, no reader misses one"),
            ));
        }
    }
    goals.push(Goal::judged(
        "publish cost, 3 readers over 1".to_owned(),
        run.ratio("publish/3 readers", "publish/1 readers"),
        "times",
        Limit::AtMost(1.1),
        "processor time of the publisher, readers on the other cores; \"independent\" is read as within a tenth"
            .to_owned(),
    ));
    for (form, peer) in [("two threads", "rtrb"), ("two threads", "rtrb, chunks"), ("one thread", "rtrb")] {
        goals.push(Goal::judged(
            format!("spsc over {peer}, {form}"),
            run.ratio(&format!("spsc, {form}/meltica"), &format!("spsc, {form}/{peer}")),
            "times",
            Limit::AtMost(1.1),
            "a record of 128 bytes; the clock where there are two threads, processor time on one".to_owned(),
        ));
    }
}

fn whole(known: &Known, goals: &mut Vec<Goal>) {
    let loopback = known.loopback.ok_or_else(|| "cargo bench --bench loopback -- 60 260000 100000 full".to_owned());
    let of = |figure: fn(&Loopback) -> Option<f64>| loopback.as_ref().ok().and_then(figure);
    let about = |what: &str| loopback.as_ref().map_or_else(Clone::clone, |_| what.to_owned());
    goals.push(Goal::judged(
        "loopback, TLS: messages a second for 60 s".to_owned(),
        of(|run| Some(run.rate)),
        "a second",
        Limit::AtLeast(250_000.0),
        about("one thread from the socket to publication, full TLS records; asked for 260,000"),
    ));
    goals.push(Goal::judged(
        "loopback, TLS: messages missing or lagged".to_owned(),
        of(|run| Some(run.lost)),
        "in all",
        Limit::AtMost(0.0),
        about("of the same run, the burst in it"),
    ));
    goals.push(Goal::judged(
        "burst of 100,000 frames: latency back".to_owned(),
        of(|run| Some(run.back_ms.unwrap_or(f64::INFINITY))),
        "ms",
        Limit::AtMost(250.0),
        about("from the burst's first write until latency is as before, in the same run"),
    ));
    let why = "minutes of its own: perf/soak --symbols 2500; kept in perf/record";
    goals.push(Goal::open("2,500 instruments x 4 streams: resident", "MiB", "<= 1024", why));
    for (kind, frames, allocations) in &known.allocations {
        goals.push(Goal::judged(
            format!("allocations: {}", kind.name()),
            Some(*allocations as f64),
            "in all",
            Limit::AtMost(0.0),
            format!("{frames} frames over the whole walk after warm-up, counted by the allocator"),
        ));
    }
    goals.push(Goal::open(
        "system calls on the data path",
        "a frame",
        "<= the readiness wait and the read",
        "needs a tracer on a live feed: perf/soak --calls 8",
    ));
    let (value, reference) = match &known.start_ms {
        Ok(starts) => {
            let value = crate::measure::median(starts.clone());
            (value, format!("median of {} starts of the shipped binary, venue over TLS, 100 symbols", starts.len()))
        }
        Err(why) => (None, why.clone()),
    };
    let name = "start to first market event".to_owned();
    goals.push(Goal::judged(name, value, "ms", Limit::AtMost(150.0), reference));
}

fn recorded(counted: &Counted, samples: &[Sample], goals: &mut Vec<Goal>) {
    for sample in samples {
        goals.push(Goal::judged(
            format!("the ledger's own cost: {}", sample.kind.name()),
            counted.added(sample.kind, "walk+ledger", "walk", "copy").map(|part| part * 100.0),
            "%",
            Limit::AtMost(3.0),
            "instructions that the walk needs more with the latency ledger; processor time stands among the figures"
                .to_owned(),
        ));
    }
}
