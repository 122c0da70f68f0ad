//! A receiver of OTLP over HTTP for the tests: a socket, the messages that are generated from the specification, and answers by
//! script.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Taken.
    Take,
    /// Taken, but for so many.
    Partly(i64),
    /// A status, with these further lines of the head.
    Status(u16, &'static str),
    /// Nothing, for as long as the collector lives.
    Hang,
}

/// A span as a test looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) span: String,
    pub(crate) parent: String,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) says: BTreeMap<String, String>,
    /// Names and times.
    pub(crate) events: Vec<(String, u64)>,
    /// Trace and span.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) trace_state: String,
    pub(crate) has_remote_parent: bool,
}

impl Seen {
    pub(crate) fn said(&self, key: &str) -> &str {
        self.says.get(&format!("meltica.{key}")).map_or("", String::as_str)
    }
}

#[derive(Debug, Default)]
struct Shared {
    spans: Mutex<Vec<Seen>>,
    heads: Mutex<Vec<Vec<String>>>,
    script: Mutex<VecDeque<Answer>>,
    over: AtomicBool,
}

/// The collector.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Collector {
    /// Answers with these first; then it takes everything.
    pub(crate) fn start(script: &[Answer]) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { script: Mutex::new(script.iter().cloned().collect()), ..Shared::default() });
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.over.load(Ordering::Relaxed) {
                    return;
                }
                let served = Arc::clone(&served);
                std::thread::spawn(move || while serve(&stream, &served).is_some() {});
            }
        });
        Collector { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was taken so far.
    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.shared.spans.lock().unwrap().clone()
    }

    /// The heads of all requests, line by line, in lowercase.
    pub(crate) fn heads(&self) -> Vec<Vec<String>> {
        self.shared.heads.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One request; `None` when no other will come.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_lowercase()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body).ok()?;
    shared.heads.lock().unwrap().push(head);
    let answer = shared.script.lock().unwrap().pop_front().unwrap_or(Answer::Take);
    let (status, more, partial) = match answer {
        Answer::Take => (200, "", None),
        Answer::Partly(rejected) => (200, "", Some(rejected)),
        Answer::Status(status, more) => (status, more, None),
        Answer::Hang => {
            while !shared.over.load(Ordering::Relaxed) {
                std::thread::park_timeout(std::time::Duration::from_millis(20));
            }
            return None;
        }
    };
    if status == 200 {
        shared.spans.lock().unwrap().extend(read(&body));
    }
    let partial =
        partial.map(|rejected_spans| ExportTracePartialSuccess { rejected_spans, error_message: "some".into() });
    let body = ExportTraceServiceResponse { partial_success: partial }.encode_to_vec();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n{more}\r\n",
        body.len()
    );
    let mut out = stream;
    out.write_all(&[head.as_bytes(), &body].concat()).ok()
}

fn read(body: &[u8]) -> Vec<Seen> {
    let request = ExportTraceServiceRequest::decode(body).expect("a request");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let spans = request.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans);
    let seen = spans.map(|span| Seen {
        name: span.name,
        trace: hex(&span.trace_id),
        span: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        says: span.attributes.into_iter().map(|a| (a.key, shown(a.value.and_then(|v| v.value)))).collect(),
        events: span.events.into_iter().map(|event| (event.name, event.time_unix_nano)).collect(),
        links: span.links.into_iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        trace_state: span.trace_state,
        has_remote_parent: span.flags & 0x200 != 0,
    });
    seen.collect()
}

fn shown(value: Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(whole)) => whole.to_string(),
        other => panic!("{other:?}"),
    }
}
