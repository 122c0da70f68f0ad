//! Promise: spans of frames and commands reach a receiver of OTLP over HTTP as whole trees, one frame in as many as was asked for, and
//! always those that open a gap or close one; a receiver that is down, slow or unwilling costs spans, each counted, and nothing
//! else. The receiver is a socket of this test that reads the messages generated from the specification; `rotel` is one by others.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

mod collector;
mod process;
mod rig;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::TcpListener;
use std::time::Duration;

use collector::{Answer, Collector, Seen};
use meltica::engine::Topology;
use meltica::schema::id::TraceId;
use meltica::schema::quality::Quality;
use meltica::telemetry::{Counter, TraceOptions};
use rig::{run, to};

const NEVER: u64 = 1_000_000_000;

fn by_trace(spans: &[Seen]) -> BTreeMap<&str, Vec<&Seen>> {
    let mut out: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    spans.iter().for_each(|span| out.entry(&span.trace).or_default().push(span));
    out
}

/// Every span has an id of its own, and its parent is there, began no later, and is of the stage before.
fn assert_whole(spans: &[Seen]) {
    let known: HashMap<(&str, &str), &Seen> =
        spans.iter().map(|span| ((span.trace.as_str(), span.span.as_str()), span)).collect();
    assert_eq!(known.len(), spans.len(), "an id stands twice");
    for span in spans {
        assert!(span.end_ns >= span.start_ns, "{span:?}");
        if span.parent.is_empty() {
            continue;
        }
        let parent =
            known.get(&(span.trace.as_str(), span.parent.as_str())).unwrap_or_else(|| panic!("no parent: {span:?}"));
        assert!(parent.start_ns <= span.start_ns, "{parent:?}\n{span:?}");
        let before: &[&str] = match span.name.as_str() {
            "dispatch" => &["adapter"],
            "conduct" => &["dispatch", "adapter"],
            "publish" => &["conduct", "adapter", "resync"],
            "resync" => &["publish"],
            other => panic!("{other} has a parent"),
        };
        assert!(before.contains(&parent.name.as_str()), "{parent:?}\n{span:?}");
        let reconstructed = parent.said("reconstructed") == "true";
        assert!(span.name != "conduct" || (parent.name == "adapter") == reconstructed, "{parent:?}\n{span:?}");
    }
}

#[test]
fn every_event_of_a_kept_frame_is_a_leaf_of_one_whole_tree_in_every_topology() {
    for (topology, shards) in
        [(Topology::Stepped, 1), (Topology::Fused, 2), (Topology::Lean, 1), (Topology::Dedicated, 2)]
    {
        let collector = Collector::start(&[]);
        let run = run(topology, shards, Some(to(&collector.url(), 1)), true);
        let spans = collector.spans();
        assert_eq!(run.count(Counter::TraceSpansSent), spans.len() as u64, "{topology:?}");
        assert_eq!(run.accounted(), spans.len() as u64, "nothing is lost: {topology:?}");
        assert_whole(&spans);
        let traces = by_trace(&spans);
        // What no frame has caused (a timer) has no trace to look for.
        for event in run.events.iter().filter(|event| event.trace != TraceId::NONE) {
            let of = &traces[event.trace.to_string().as_str()];
            let publish = of.iter().find(|span| {
                (span.name.as_str(), span.said("type"), span.said("instrument"), span.said("seq"))
                    == ("publish", &event.type_name, &event.instrument, &event.seq.to_string())
            });
            let publish = publish.unwrap_or_else(|| panic!("{topology:?}: {event:?} has no span"));
            // Its latency is the time from its frame's ingress to the end of its span.
            let root = of.iter().find(|span| span.name == "adapter").unwrap();
            assert_eq!((publish.end_ns - root.start_ns).to_string(), publish.said("latency_ns"), "{event:?}");
        }
        let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["adapter", "conduct", "dispatch", "publish", "resync"]);
        assert!(collector.heads().iter().all(|head| {
            let has = |line: &str| head.iter().any(|found| found == line);
            has("post /v1/traces http/1.1") && has("content-type: application/x-protobuf") && has("x-token: canary")
        }));
    }
}

#[test]
fn one_frame_in_n_is_kept_by_its_trace_id_and_by_all_stages_alike() {
    let kept = |one_in: u64| {
        let collector = Collector::start(&[]);
        // Stepped, so that both runs have the same frames: bodies of REST come when they are asked for.
        run(Topology::Stepped, 1, Some(to(&collector.url(), one_in)), true);
        let spans = collector.spans();
        assert_whole(&spans);
        let sampled = |name: &str| -> BTreeSet<String> {
            let of = spans.iter().filter(|span| span.name == name && !span.trace_state.is_empty());
            of.map(|span| span.trace.clone()).collect()
        };
        (sampled("adapter"), sampled("dispatch"))
    };
    let (all, _) = kept(1);
    for one_in in [4, 30] {
        // The last 56 bits, against the part of their range that the rule leaves out (OpenTelemetry, consistent sampling).
        let least = (1_u64 << 56) - (1_u64 << 56) / one_in;
        let is_kept = |trace: &&String| u64::from_str_radix(&trace[18..], 16).unwrap() >= least;
        let expected: BTreeSet<String> = all.iter().filter(is_kept).cloned().collect();
        let (adapter, dispatch) = kept(one_in);
        assert_eq!(adapter, expected, "1 in {one_in}");
        assert!(dispatch.is_subset(&adapter) && !dispatch.is_empty());
        let part = all.len() as u64 / one_in;
        assert!(
            (part / 2..part * 2).contains(&(adapter.len() as u64)),
            "1 in {one_in}: {} of {}",
            adapter.len(),
            all.len()
        );
    }
}

#[test]
fn gaps_and_their_ends_are_kept_where_nothing_else_is() {
    let collector = Collector::start(&[]);
    let run = run(Topology::Stepped, 2, Some(to(&collector.url(), NEVER)), true);
    let spans = collector.spans();
    assert_whole(&spans);
    let published = |trace: TraceId, why: &str, instrument: &str| {
        let trace = trace.to_string();
        let of = spans
            .iter()
            .filter(|span| span.name == "publish" && (trace == span.trace || trace.ends_with(&"0".repeat(32))));
        of.filter(|span| span.said("kept_for") == why && span.said("instrument") == instrument).count()
    };
    let gaps: Vec<_> = run.events.iter().filter(|event| event.opens_a_gap()).collect();
    assert!(gaps.len() >= 2, "the faults opened {} gaps", gaps.len());
    for gap in &gaps {
        assert!(published(gap.trace, "gap", &gap.instrument) > 0, "{gap:?}");
    }
    // A book that was lost and is good again: once for each time.
    let mut lost: BTreeSet<&str> = BTreeSet::new();
    let mut mended = 0;
    for event in &run.events {
        let Some((_, from, to)) = event.book else { continue };
        if event.opens_a_gap() || from == Quality::Good && to != Quality::Crossed {
            lost.insert(&event.instrument);
        } else if to == Quality::Good && lost.remove(event.instrument.as_str()) {
            mended += 1;
        }
    }
    let resyncs: Vec<_> = spans.iter().filter(|span| span.name == "resync").collect();
    assert!(mended > 0 && resyncs.len() == mended, "{} of {mended}", resyncs.len());
    for resync in resyncs {
        let [(trace, span)] = &resync.links[..] else { panic!("{resync:?}") };
        let end = spans.iter().find(|other| (&other.trace, &other.span) == (trace, span)).unwrap();
        assert_eq!((end.name.as_str(), end.said("kept_for")), ("publish", "resync"));
        assert_eq!(end.start_ns, resync.end_ns);
        assert!(!resync.said("lost_by").is_empty() && !resync.said("mended_by").is_empty(), "{resync:?}");
    }
    assert!(spans.iter().all(|span| span.said("kept_for") != "sampled"));
}

/// The same run without traces, and with all of them taken: what it publishes, and how many spans there are.
fn undisturbed() -> (Vec<rig::Published>, u64) {
    let collector = Collector::start(&[]);
    let (plain, traced) =
        (run(Topology::Stepped, 1, None, false), run(Topology::Stepped, 1, Some(to(&collector.url(), 1)), true));
    assert_eq!(plain.accounted(), 0);
    assert_eq!(plain.events, traced.events);
    (plain.events, traced.accounted())
}

#[test]
fn whatever_the_receiver_answers_the_feed_is_the_same_and_every_span_is_accounted_for() {
    use Answer::{Partly, Status};
    let (events, spans) = undisturbed();
    // Answers; spans rejected, requests not taken; whether spans are given up.
    let table: &[(&[Answer], u64, u64, bool)] = &[
        (&[Status(503, "")], 0, 1, false),
        (&[Status(429, "retry-after: 0\r\n"), Status(502, "retry-after: 0\r\n"), Status(504, "")], 0, 3, false),
        (&[Partly(5)], 5, 0, false),
        (&[Partly(1_000_000)], 512, 0, false),
        (&[Status(500, "")], 0, 1, true),
        (&[Status(400, ""), Status(404, "")], 0, 2, true),
        (&[Status(307, "location: http://127.0.0.1:1/\r\n")], 0, 1, true),
    ];
    for (script, rejected, failed, gives_up) in table {
        let collector = Collector::start(script);
        let run = run(Topology::Stepped, 1, Some(to(&collector.url(), 1)), true);
        assert_eq!(run.events, events, "{script:?}");
        assert_eq!(run.accounted(), spans, "{script:?}");
        assert_eq!(run.count(Counter::TraceSpansRejected), *rejected, "{script:?}");
        assert_eq!(run.count(Counter::TraceRequestsFailed), *failed, "{script:?}");
        assert_eq!(run.count(Counter::TraceSpansGivenUp) > 0, *gives_up, "{script:?}");
        assert_eq!(run.count(Counter::TraceSpansSent) + rejected, collector.spans().len() as u64, "{script:?}");
    }
}

#[test]
fn a_receiver_that_is_down_or_hangs_costs_all_spans_and_nothing_else() {
    let (events, spans) = undisturbed();
    let down = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let hangs = Collector::start(&vec![Answer::Hang; 64]);
    for endpoint in [format!("http://{down}"), hangs.url(), "http://no.such.host.invalid:4318".to_owned()] {
        let options = TraceOptions { timeout: Duration::from_millis(200), ..to(&endpoint, 1) };
        let run = run(Topology::Stepped, 1, Some(options), false);
        assert_eq!(run.events, events, "{endpoint}");
        assert_eq!((run.count(Counter::TraceSpansSent), run.accounted()), (0, spans), "{endpoint}");
        assert!(run.count(Counter::TraceRequestsFailed) > 0, "{endpoint}");
    }
}
