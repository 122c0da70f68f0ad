//! A server on a real socket, a small control duty behind it, a bus that is published on, and a client that says exactly what
//! it is told to say.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytemuck::Zeroable;
use meltica::bus::control::{ControlBus, ControlInbox, Envelope, Principal};
use meltica::bus::data::{DataBus, Sequencer, SequencerOptions};
use meltica::directory::Directory;
use meltica::http::{Address, HttpError, HttpOptions, Listen, Server, Services, Tokens};
use meltica::ring::broadcast::channel;
use meltica::schema::canonical_type::builtin;
use meltica::schema::command::{AckStatus, Command, ControlAck, ControlCode};
use meltica::schema::event::{EventBuf, EventHeader};
use meltica::schema::id::{InstrumentId, Market, Source};
use meltica::schema::instrument::Instrument;
use meltica::schema::latency::{AgentView, Hop, HopSummary, HopView, LatencyReport, RingView};
use meltica::schema::payload::Trade;
use meltica::schema::report::{
    ConsumerKind, ConsumerView, Report, RouteView, RoutesReport, StatusReport, SubscriptionView, SubscriptionsReport,
};
use meltica::schema::stage::Publish;
use meltica::schema::time::UnixNanos;
use meltica::snapshot::MemoryStore;
use meltica::telemetry::{Clock, Counter, Ledger};
use serde_json::Value;

/// Far beyond what anything here takes, for a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Commands that the bus holds: one for each operation that asks the duty, at least.
pub(crate) const COMMANDS_MAX: usize = 12;

pub(crate) const READ: &str = "read-canary-0123456789abcdef0123456789";
pub(crate) const OPERATE: &str = "operate-canary-0123456789abcdef01234";
pub(crate) const ADMIN: &str = "admin-canary-0123456789abcdef0123456";

/// What the duty was told, in order: verb, type, consumer, by way of whom.
pub(crate) type Heard = Arc<Mutex<Vec<[String; 4]>>>;

pub(crate) struct Rig {
    pub(crate) server: Option<Server>,
    pub(crate) ledger: Ledger,
    pub(crate) heard: Heard,
    pub(crate) told: Arc<Mutex<Vec<String>>>,
    pub(crate) sequencer: Option<Sequencer<MemoryStore>>,
    bus: Option<ControlBus>,
    duty: Option<JoinHandle<()>>,
    over: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    pub(crate) scratch: tempfile::TempDir,
}

/// Options for a server on a free port of the loopback.
pub(crate) fn loopback() -> HttpOptions {
    HttpOptions::open(Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))))
}

/// Writes a private file and gives its path.
pub(crate) fn private(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// Starts a server over nothing, for options that are refused.
pub(crate) fn try_start(options: HttpOptions) -> Result<Server, HttpError> {
    let services = Services {
        control: ControlBus::new(1).0,
        bus: DataBus::new(Vec::new(), Arc::new(Directory::with_capacity(0))),
        clock: Clock::default(),
        ledger: Ledger::default(),
        tell: Box::new(|_| {}),
    };
    Server::start(options, services)
}

impl Rig {
    pub(crate) fn open() -> Rig {
        Rig::start(|_| loopback())
    }

    /// With the three tokens, held by `eyes`, `desk` and `root`.
    pub(crate) fn guarded() -> Rig {
        Rig::start(|scratch| {
            let text = format!("read eyes {READ}\noperate desk {OPERATE}\nadmin root {ADMIN}\n");
            let tokens = Tokens::read(&private(scratch, "tokens", &text)).unwrap();
            HttpOptions { tokens: Some(tokens), ..loopback() }
        })
    }

    pub(crate) fn start(options: impl FnOnce(&tempfile::TempDir) -> HttpOptions) -> Rig {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::with_capacity(8);
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            directory.admit(Instrument::from_symbol(Market::BinanceSpot, symbol)).unwrap();
        }
        let words = 1 << 12;
        let (ring, tap) = channel(words).unwrap();
        let (ledger, clock) = (Ledger::default(), Clock::default());
        let shape = SequencerOptions { event_words_max: words / 8, ..SequencerOptions::default() };
        let store = MemoryStore::new(Default::default());
        let sequencer = Sequencer::new(ring, store, clock.clone(), ledger.sheet("sequencer"), shape).unwrap();
        let (control, inbox) = ControlBus::new(COMMANDS_MAX);
        let heard = Heard::default();
        let (over, paused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (ending, waiting) = (Arc::clone(&over), Arc::clone(&paused));
        let duty =
            Duty { inbox, heard: Arc::clone(&heard), over: ending, paused: waiting, version: 1, wanted: Vec::new() };
        let duty = std::thread::spawn(move || duty.run());
        let told = Arc::new(Mutex::new(Vec::new()));
        let teller = Arc::clone(&told);
        let services = Services {
            control: control.clone(),
            bus: DataBus::new(vec![tap], Arc::new(directory)),
            clock,
            ledger: ledger.clone(),
            tell: Box::new(move |line| teller.lock().unwrap().push(line.to_owned())),
        };
        let server = Server::start(options(&scratch), services).unwrap();
        let (server, sequencer, bus, duty) = (Some(server), Some(sequencer), Some(control), Some(duty));
        Rig { server, ledger, heard, told, sequencer, bus, duty, over, paused, scratch }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self.server.as_ref().unwrap().address() {
            Address::Tcp { address, .. } => *address,
            Address::Unix(_) => panic!("a Unix socket"),
        }
    }

    pub(crate) fn connect(&self) -> Client<TcpStream> {
        let socket = TcpStream::connect(self.address()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Client::new(socket)
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.connect().get(path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.connect().post(path, "", body)
    }

    pub(crate) fn total(&self, counter: Counter) -> u64 {
        self.ledger.total(counter)
    }

    /// From now on commands wait.
    pub(crate) fn pause_duty(&self) {
        self.paused.store(true, Ordering::Relaxed);
    }

    pub(crate) fn resume_duty(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    /// Ends the control duty, as an engine that has ended.
    pub(crate) fn end_duty(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.duty.take().unwrap().join().unwrap();
    }

    /// Publishes a trade of BTC-USDT (0) or ETH-USDT (1).
    pub(crate) fn publish(&mut self, instrument: u32) {
        let mut header = EventHeader::internal(builtin::TRADE, Source::WsTrade, UnixNanos(1_000), 0);
        (header.instrument, header.market) = (InstrumentId(instrument).0, Market::BinanceSpot as u8);
        let mut event = EventBuf::default();
        event.begin(&header, &Trade::zeroed());
        self.sequencer.as_mut().unwrap().publish(&mut event);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.server.take());
        drop(self.bus.take());
        if self.duty.is_some() {
            self.end_duty();
        }
    }
}

/// What stands in for the control duty: it keeps who wants what and answers as the contract says.
struct Duty {
    inbox: ControlInbox,
    heard: Heard,
    over: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    version: u64,
    wanted: Vec<(String, String)>,
}

impl Duty {
    fn run(mut self) {
        while !self.over.load(Ordering::Relaxed) {
            let next = if self.paused.load(Ordering::Relaxed) { None } else { self.inbox.poll() };
            match next {
                Some(envelope) => self.answer(envelope),
                None => std::thread::sleep(Duration::from_micros(100)),
            }
        }
    }

    fn answer(&mut self, envelope: Envelope) {
        let consumer = match envelope.principal() {
            Principal::Named(name) => name.to_string(),
            Principal::Handle(_) => String::new(),
        };
        let command = envelope.command().clone();
        let via = envelope.consumer().name().to_owned();
        let row = [command.verb().to_owned(), command.type_name().to_owned(), consumer.clone(), via];
        self.heard.lock().unwrap().push(row);
        let type_name = command.type_name().to_uppercase();
        // The types by which a test asks for an error, or for none at all.
        if let Some(code) = ControlCode::ALL.iter().find(|code| type_name == wish(**code)) {
            envelope.answer(ControlAck::refused(type_name, self.version, *code, "as the test wished"));
            return;
        }
        if type_name == "UNANSWERED" {
            return;
        }
        let wish = (consumer, type_name.clone());
        let known = self.wanted.iter().position(|row| *row == wish);
        let changed = match (&command, known) {
            (Command::Subscribe { .. }, None) => {
                self.wanted.push(wish);
                true
            }
            (Command::Unsubscribe { .. }, Some(at)) => {
                self.wanted.remove(at);
                true
            }
            (Command::UpdateFilters { .. }, Some(_)) => true,
            _ => false,
        };
        self.version += u64::from(changed);
        let status = if changed { AckStatus::Accepted } else { AckStatus::Noop };
        let mut ack = ControlAck::new(type_name, status, self.version);
        ack.report = self.report(&command).map(Box::new);
        envelope.answer(ack);
    }

    fn report(&self, command: &Command) -> Option<Report> {
        match command {
            Command::ListRoutes => {
                let route = RouteView {
                    type_name: "TRADE".into(),
                    payload: Some("Trade".into()),
                    payload_version: 1,
                    topics: vec!["{symbol}@trade".into()],
                    polls: Vec::new(),
                    filters: Vec::new(),
                    made_from: Vec::new(),
                    subscriptions: self.wanted.len() as u64,
                    routed: true,
                    version: self.version,
                };
                let own = RouteView { type_name: "DESK.OWN".into(), subscriptions: 0, ..route.clone() };
                Some(Report::Routes(RoutesReport { routes: vec![own, route] }))
            }
            Command::ListSubscriptions => {
                let consumers = self.wanted.iter().map(|(name, type_name)| ConsumerView {
                    name: name.clone(),
                    kind: ConsumerKind::Named,
                    id: None,
                    subscriptions: vec![SubscriptionView {
                        type_name: type_name.clone(),
                        filters: Default::default(),
                        version: self.version,
                        lease_seconds: None,
                        lease_ends_ns: None,
                        streams: 0,
                        states: Default::default(),
                    }],
                });
                Some(Report::Subscriptions(SubscriptionsReport { consumers: consumers.collect(), streams: Vec::new() }))
            }
            Command::Status => {
                let ready = !self.wanted.is_empty();
                let waits_for = (!ready).then(|| "somebody who wants something".to_owned());
                Some(Report::Status(Box::new(StatusReport {
                    version: self.version,
                    ready,
                    waits_for,
                    books: [("Good".to_owned(), 3)].into(),
                    ..Default::default()
                })))
            }
            Command::Latency { .. } => Some(Report::Latency(Box::new(latency()))),
            _ => None,
        }
    }
}

/// The values 1,000, 2,000, 3,000 and 4,000, of 3 digits.
const LATENCIES: &str = "HISTFAAAAC14nJNpmSzMwMDAwwABzFCaEYh5f7hHMNh/gAic52c6y880lYPpKTsTAJj4B3U=";

/// A ledger with everything in it that the document names.
fn latency() -> LatencyReport {
    let summary = |ns| HopSummary { count: 1, min_ns: ns, p50_ns: ns, max_ns: ns, ..HopSummary::default() };
    let hop = |hop, kind: Option<&str>, connection, negative: Option<&str>| HopView {
        hop,
        kind: kind.map(str::to_owned),
        connection,
        summary: summary(if negative.is_some() { -5 } else { 5 }),
        histogram: LATENCIES.into(),
        negative: negative.map(str::to_owned),
    };
    LatencyReport {
        recorded: true,
        hops: vec![
            hop(Hop::ExchangeToReceive, None, None, Some(LATENCIES)),
            hop(Hop::ReadToPublished, Some("TRADE"), None, None),
            hop(Hop::KernelToRead, None, Some(3), None),
        ],
        agents: vec![AgentView { name: "io".into(), cycles: 7, ..AgentView::default() }],
        rings: vec![RingView { name: "frames-0".into(), capacity_words: 64, used_words: 8 }],
        ..LatencyReport::default()
    }
}

/// The type by which a command asks the duty to refuse it with this code.
pub(crate) fn wish(code: ControlCode) -> String {
    code.as_str().trim_start_matches("control/").replace('-', ".").to_uppercase()
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Whether the server ended the connection behind it.
    pub(crate) closed: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// The code of its error.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A client that says exactly what it is told to say.
pub(crate) struct Client<S> {
    pub(crate) socket: S,
    rest: Vec<u8>,
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(socket: S) -> Client<S> {
        Client { socket, rest: Vec::new() }
    }

    /// Sends bytes; a server that has hung up already is no fault of the client's.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client<S> {
        let _ = self.socket.write_all(bytes.as_ref()).and_then(|()| self.socket.flush());
        self
    }

    pub(crate) fn get(&mut self, path: &str, headers: &str) -> Reply {
        self.say(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).reply().expect("an answer")
    }

    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        self.say(format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: \
             {length}\r\n\r\n{body}"
        ));
        self.reply().expect("an answer")
    }

    /// The next answer; `None` when the connection ended without one.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let end = loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if self.more() == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> =
            lines.map(|line| line.split_once(": ").unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        let mut reply = Reply { status, headers, body: String::new(), closed: false };
        let length: usize = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.rest.len() < length {
            assert!(self.more() > 0, "the body is cut off");
        }
        reply.body = String::from_utf8(self.rest.drain(..length).collect()).unwrap();
        reply.closed = reply.header("connection") == Some("close");
        if reply.closed && reply.header("transfer-encoding").is_none() {
            assert_eq!(self.more(), 0, "it says that it closes, and goes on");
        }
        Some(reply)
    }

    /// The next line of a stream of chunks; `None` at its end.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|two| two == b"\r\n") {
                let size = usize::from_str_radix(std::str::from_utf8(&self.rest[..end]).unwrap(), 16).unwrap();
                while self.rest.len() < end + 2 + size + 2 {
                    if self.more() == 0 {
                        return None;
                    }
                }
                if size == 0 {
                    return None;
                }
                // A chunk is whole lines; the first goes out, the rest goes back as a chunk of its own.
                let chunk: Vec<u8> = self.rest.drain(..end + 2 + size + 2).collect();
                let lines = &chunk[end + 2..end + 2 + size];
                let cut = lines.iter().position(|byte| *byte == b'\n').expect("a chunk is whole lines") + 1;
                if cut < lines.len() {
                    let mut back = format!("{:x}\r\n", lines.len() - cut).into_bytes();
                    back.extend_from_slice(&lines[cut..]);
                    back.extend_from_slice(b"\r\n");
                    self.rest.splice(..0, back);
                }
                return Some(String::from_utf8(lines[..cut - 1].to_vec()).unwrap());
            }
            if self.more() == 0 {
                return None;
            }
        }
    }

    /// Reads on; 0 when the other side has ended, in whatever way.
    fn more(&mut self) -> usize {
        let mut scratch = [0; 16 << 10];
        loop {
            match self.socket.read(&mut scratch) {
                Ok(count) => {
                    self.rest.extend_from_slice(&scratch[..count]);
                    return count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("the server neither answers nor ends")
                }
                Err(_) => return 0,
            }
        }
    }
}
