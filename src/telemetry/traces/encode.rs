//! Purpose: records as OTLP messages: ids as bytes, times as UTC, attributes by name. Owns: how a span of ours is called and what it
//! says. Thread: the exporter's. Takes and gives: records in, a request out. Never: on the data path.

use prost::Message;

use super::otlp::{
    Event, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Kind, Link, Resource, ResourceSpans, ScopeSpans,
    Span, Status,
};
use super::record::{NO_CONNECTION, NO_TYPE, SpanKind, SpanRecord, Why, mark};
use super::sampling::Sampling;
use crate::directory::Directory;
use crate::schema::id::{InstrumentId, Market, TypeId};
use crate::schema::json::Names;
use crate::schema::payload::{CONTROL_OUTCOMES, CONTROL_VERBS};
use crate::schema::quality::BookCause;
use crate::schema::time::UnixNanos;
use crate::sync::Arc;
use crate::telemetry::clock::Clock;

/// Bits of a span's flags: the trace is sampled; it is known whether the parent is another process's; it is.
const SAMPLED: u32 = 1;
const PARENT_KNOWN: u32 = 0x100;
const PARENT_REMOTE: u32 = 0x200;
const STATUS_ERROR: i32 = 2;

/// Makes requests of records.
#[derive(Debug)]
pub(super) struct Encoder {
    clock: Clock,
    directory: Arc<Directory>,
    trace_state: String,
    /// What stands before the spans in every request.
    resource: Resource,
    scope: InstrumentationScope,
}

impl Encoder {
    pub(super) fn new(clock: Clock, directory: Arc<Directory>, sampling: Sampling, seed: u64) -> Encoder {
        let version = env!("CARGO_PKG_VERSION");
        let attributes = vec![
            KeyValue::text("service.name", "meltica"),
            KeyValue::text("service.version", version),
            // The first half of every trace id of this run's frames.
            KeyValue::text("service.instance.id", &format!("{seed:016x}")),
        ];
        let scope = InstrumentationScope { name: "meltica".to_owned(), version: version.to_owned() };
        let trace_state = sampling.trace_state();
        Encoder { clock, directory, trace_state, resource: Resource { attributes }, scope }
    }

    /// A request with these records.
    pub(super) fn request(&self, records: &[SpanRecord]) -> Vec<u8> {
        // Once a request: spans of one trace must lie within each other, and the clock's UTC is moved.
        let from = self.clock.unix_at(0);
        let spans = records.iter().map(|record| self.span(record, from)).collect();
        let scope_spans = vec![ScopeSpans { scope: Some(self.scope.clone()), spans }];
        let resource_spans = vec![ResourceSpans { resource: Some(self.resource.clone()), scope_spans }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    /// `from` is the moment from which the record's times count.
    fn span(&self, record: &SpanRecord, from: UnixNanos) -> Span {
        let kind = match record.kind() {
            SpanKind::Adapter => Kind::Consumer,
            SpanKind::Publish => Kind::Producer,
            SpanKind::Command => Kind::Server,
            SpanKind::Dispatch | SpanKind::Conduct | SpanKind::Resync => Kind::Internal,
        };
        let remote = record.kind() == SpanKind::Command && record.parent != 0;
        let failed = record.has(mark::FAILED)
            || record.kind() == SpanKind::Command && word(CONTROL_OUTCOMES, record.details[1]) == Some("error");
        let status = failed.then(|| Status { message: String::new(), code: STATUS_ERROR });
        let sampled = record.why() == Why::Sampled;
        Span {
            trace_id: trace_bytes(record.trace),
            span_id: record.span.to_be_bytes().to_vec(),
            trace_state: if sampled { self.trace_state.clone() } else { String::new() },
            parent_span_id: if record.parent == 0 { Vec::new() } else { record.parent.to_be_bytes().to_vec() },
            name: record.kind().name().to_owned(),
            kind: kind as i32,
            start_time_unix_nano: unix(from, record.start_ns),
            end_time_unix_nano: unix(from, record.end_ns),
            attributes: self.attributes(record),
            events: events(record, from),
            links: links(record),
            status,
            flags: SAMPLED | PARENT_KNOWN | if remote { PARENT_REMOTE } else { 0 },
        }
    }

    fn attributes(&self, record: &SpanRecord) -> Vec<KeyValue> {
        let mut out = vec![KeyValue::text("meltica.kept_for", record.why().name())];
        if let Some(market) = Market::from_byte(record.market) {
            out.push(KeyValue::text("meltica.market", market.name()));
        }
        if let Some(instrument) = self.directory.instrument(InstrumentId(record.instrument)) {
            out.push(KeyValue::text("meltica.instrument", &instrument.name));
        }
        if let Some(name) = self.directory.type_name(TypeId(record.type_id)).filter(|_| record.type_id != NO_TYPE) {
            out.push(KeyValue::text("meltica.type", name));
        }
        if record.connection != NO_CONNECTION {
            out.push(KeyValue::whole("meltica.connection", record.connection.into()));
        }
        if record.has(mark::HELD) {
            out.push(KeyValue::truth("meltica.held", true));
        }
        if record.has(mark::RECONSTRUCTED) {
            out.push(KeyValue::truth("meltica.reconstructed", true));
        }
        particulars(record, &mut out);
        out
    }
}

/// What only spans of this kind say.
fn particulars(record: &SpanRecord, out: &mut Vec<KeyValue>) {
    let ([first, second], [why, then]) = (record.numbers, record.details);
    let mut text =
        |key: &str, words: &[&str], at: u8| out.extend(word(words, at).map(|word| KeyValue::text(key, word)));
    match record.kind() {
        SpanKind::Resync => {
            text("meltica.lost_by", BookCause::NAMES, why);
            text("meltica.mended_by", BookCause::NAMES, then);
            out.push(KeyValue::whole("meltica.epoch_before", first));
            out.push(KeyValue::whole("meltica.epoch", second));
        }
        SpanKind::Command => {
            text("meltica.verb", CONTROL_VERBS, why);
            text("meltica.outcome", CONTROL_OUTCOMES, then);
            out.push(KeyValue::whole("meltica.version", second));
        }
        SpanKind::Adapter if !record.has(mark::RECONSTRUCTED) => {
            out.push(KeyValue::whole("meltica.frame", first));
            out.push(KeyValue::whole("meltica.frame_bytes", second));
        }
        SpanKind::Publish => {
            out.push(KeyValue::whole("meltica.seq", first));
            out.push(KeyValue::whole("meltica.latency_ns", second));
        }
        SpanKind::Adapter | SpanKind::Dispatch | SpanKind::Conduct => {}
    }
}

fn word<'a>(words: &[&'a str], at: u8) -> Option<&'a str> {
    words.get(usize::from(at)).copied()
}

/// When a command came into force is a moment inside its span.
fn events(record: &SpanRecord, from: UnixNanos) -> Vec<Event> {
    let [in_force_ns, _] = record.numbers;
    let has = record.kind() == SpanKind::Command && in_force_ns != 0;
    let event = || Event { time_unix_nano: unix(from, in_force_ns), name: "in force".to_owned() };
    has.then(event).into_iter().collect()
}

/// A stamp that counts from there, UTC ns.
fn unix(from: UnixNanos, at_ns: u64) -> u64 {
    u64::try_from(from.0.saturating_add_unsigned(at_ns)).unwrap_or_default()
}

fn links(record: &SpanRecord) -> Vec<Link> {
    let trace_id = trace_bytes(record.link_trace);
    let link = || Link { trace_id, span_id: record.link_span.to_be_bytes().to_vec(), flags: SAMPLED | PARENT_KNOWN };
    (record.link_span != 0).then(link).into_iter().collect()
}

fn trace_bytes(trace: [u64; 2]) -> Vec<u8> {
    trace.iter().flat_map(|half| half.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opentelemetry_proto::tonic::collector::trace::v1 as collector;
    use opentelemetry_proto::tonic::common::v1 as common;
    use opentelemetry_proto::tonic::trace::v1 as trace;

    use super::*;
    use crate::schema::canonical_type::builtin;
    use crate::schema::instrument::Instrument;

    fn encoder() -> Encoder {
        let directory = Directory::default();
        directory.admit(Instrument::from_symbol(Market::BinanceSpot, "BTCUSDT")).unwrap();
        Encoder::new(Clock::default(), Arc::new(directory), Sampling::one_in(4), 0xabc)
    }

    /// What the generated messages read in ours.
    fn read(encoder: &Encoder, records: &[SpanRecord]) -> (BTreeMap<String, String>, Vec<trace::Span>) {
        let request = collector::ExportTraceServiceRequest::decode(&encoder.request(records)[..]).unwrap();
        let [resource_spans] = &request.resource_spans[..] else { panic!("{request:?}") };
        let [scope_spans] = &resource_spans.scope_spans[..] else { panic!("{request:?}") };
        assert_eq!(scope_spans.scope.as_ref().unwrap().name, "meltica");
        (words(&resource_spans.resource.as_ref().unwrap().attributes), scope_spans.spans.clone())
    }

    fn words(attributes: &[common::KeyValue]) -> BTreeMap<String, String> {
        let shown = |value: &common::KeyValue| match value.value.as_ref().unwrap().value.as_ref().unwrap() {
            common::any_value::Value::StringValue(text) => text.clone(),
            common::any_value::Value::BoolValue(truth) => truth.to_string(),
            common::any_value::Value::IntValue(whole) => whole.to_string(),
            other => panic!("{other:?}"),
        };
        attributes.iter().map(|attribute| (attribute.key.clone(), shown(attribute))).collect()
    }

    fn record(kind: SpanKind, why: Why) -> SpanRecord {
        SpanRecord {
            instrument: 0,
            type_id: builtin::TRADE.0,
            connection: 3,
            market: Market::BinanceSpot as u8,
            numbers: [41, 42],
            details: [0, 2],
            ..SpanRecord::of(kind, why, [0xabc, 7], [8, 9], [1_000, 1_500])
        }
    }

    #[test]
    fn the_resource_says_who_it_is() {
        let (resource, spans) = read(&encoder(), &[]);
        assert_eq!((resource["service.name"].as_str(), spans.len()), ("meltica", 0));
        assert_eq!(resource["service.instance.id"], "0000000000000abc");
        assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn ids_times_and_flags_are_read_back_by_the_generated_messages() {
        let encoder = encoder();
        let linked = SpanRecord { link_trace: [5, 6], link_span: 77, ..record(SpanKind::Resync, Why::Resync) };
        let first = SpanRecord { parent: 0, marks: mark::FAILED, ..record(SpanKind::Adapter, Why::Sampled) };
        let (_, spans) = read(&encoder, &[first, linked]);
        let [first, linked] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(first.trace_id, [0, 0, 0, 0, 0, 0, 0x0a, 0xbc, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!((&first.span_id[..], &first.parent_span_id[..]), (&[0, 0, 0, 0, 0, 0, 0, 8][..], &[][..]));
        assert_eq!(linked.parent_span_id, [0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!((first.trace_state.as_str(), linked.trace_state.as_str()), ("ot=th:c", ""));
        assert_eq!(first.start_time_unix_nano, encoder.clock.unix_at(1_000).0 as u64);
        assert_eq!(first.end_time_unix_nano - first.start_time_unix_nano, 500);
        assert_eq!(
            (first.flags, first.status.as_ref().unwrap().code),
            (0x101, trace::status::StatusCode::Error as i32)
        );
        assert_eq!(linked.status, None);
        let [link] = &linked.links[..] else { panic!("{linked:?}") };
        assert_eq!((link.trace_id[7], link.trace_id[15], link.span_id[7]), (5, 6, 77));
        assert!(first.links.is_empty());
    }

    #[test]
    fn each_kind_of_span_says_what_it_knows() {
        use trace::span::SpanKind as K;
        let common = "meltica.connection=3 meltica.instrument=BTC-USDT meltica.kept_for=sampled meltica.market=BINANCE-SPOT meltica.type=TRADE";
        let table = [
            (SpanKind::Adapter, K::Consumer, "meltica.frame=41 meltica.frame_bytes=42"),
            (SpanKind::Dispatch, K::Internal, ""),
            (SpanKind::Conduct, K::Internal, ""),
            (SpanKind::Publish, K::Producer, "meltica.latency_ns=42 meltica.seq=41"),
            (
                SpanKind::Resync,
                K::Internal,
                "meltica.epoch=42 meltica.epoch_before=41 meltica.lost_by=FirstSnapshot meltica.mended_by=EqualTicker",
            ),
            (SpanKind::Command, K::Server, "meltica.outcome=error meltica.verb=start meltica.version=42"),
        ];
        let encoder = encoder();
        for (kind, expected, own) in table {
            let (_, spans) = read(&encoder, &[record(kind, Why::Sampled)]);
            let said = words(&spans[0].attributes).into_iter().map(|(key, value)| format!("{key}={value}"));
            let (mut said, mut all): (Vec<_>, Vec<_>) =
                (said.collect(), common.split(' ').chain(own.split_whitespace()).collect());
            said.sort();
            all.sort_unstable();
            assert_eq!(said, all, "{kind:?}");
            assert_eq!((spans[0].name.as_str(), spans[0].kind), (kind.name(), expected as i32), "{kind:?}");
        }
    }

    #[test]
    fn a_command_tells_when_it_came_into_force_and_whose_child_it_is() {
        let encoder = encoder();
        let refused = SpanRecord { numbers: [0, 3], parent: 0, ..record(SpanKind::Command, Why::Command) };
        let done = SpanRecord { numbers: [1_200, 4], details: [0, 0], ..refused };
        let child = SpanRecord { parent: 5, ..done };
        let (_, spans) = read(&encoder, &[refused, done, child]);
        assert_eq!(spans.iter().map(|span| span.flags).collect::<Vec<_>>(), [0x101, 0x101, 0x301]);
        assert_eq!(spans.iter().map(|span| span.status.is_some()).collect::<Vec<_>>(), [true, false, false]);
        assert!(spans[0].events.is_empty());
        let [event] = &spans[1].events[..] else { panic!("{:?}", spans[1]) };
        assert_eq!((event.name.as_str(), event.time_unix_nano - spans[1].start_time_unix_nano), ("in force", 200));
    }

    #[test]
    fn marks_are_told_and_a_reconstructed_span_claims_no_frame() {
        let marks = mark::HELD | mark::RECONSTRUCTED;
        let (_, spans) = read(&encoder(), &[SpanRecord { marks, ..record(SpanKind::Adapter, Why::Gap) }]);
        let said = words(&spans[0].attributes);
        assert_eq!((said["meltica.held"].as_str(), said["meltica.reconstructed"].as_str()), ("true", "true"));
        assert!(!said.contains_key("meltica.frame") && said["meltica.kept_for"] == "gap");
    }

    #[test]
    fn an_answer_of_the_generated_messages_is_read() {
        let partial = collector::ExportTracePartialSuccess { rejected_spans: 3, error_message: "late".to_owned() };
        let answer = collector::ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        let ours =
            super::super::otlp::ExportTraceServiceResponse::decode(&answer[..]).unwrap().partial_success.unwrap();
        assert_eq!((ours.rejected_spans, ours.error_message.as_str()), (3, "late"));
    }
}
