//! Purpose: the traces of a run: where threads get their ends, and where the exporter is started. Owns: the receiving halves until
//! then. Thread: any (cold). Takes and gives: tracers out. Never: anything at all where no receiver is named.

use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::encode::Encoder;
use super::exporter::{Exporter, State, Trouble};
use super::publishing::PublishTracer;
use super::receiver::Receiver;
use super::sampling::Sampling;
use super::tracer::Tracer;
use crate::agent::Shutdown;
use crate::directory::Directory;
use crate::ring::RingError;
use crate::ring::spsc::{self, Consumer};
use crate::sync::Arc;
use crate::telemetry::clock::Clock;
use crate::telemetry::counter::Ledger;

/// Words of a thread's ring: some four thousand spans.
const RING_WORDS: usize = 1 << 16;
/// The least claim on a core that the system knows.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// Where spans go, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceOptions {
    /// The receiver's address, `http` or `https`; `/v1/traces` is added where it is missing.
    pub endpoint: String,
    /// Sent with each request.
    pub headers: Headers,
    /// One frame in so many is kept.
    pub sample_one_in: u64,
    /// How long a request may take.
    pub timeout: Duration,
}

/// Names and values of HTTP headers. Values may be secrets, and are not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl core::fmt::Debug for Headers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// The traces of a run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Traces(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    options: TraceOptions,
    clock: Clock,
    /// That of the run's trace ids.
    seed: u64,
    sampling: Sampling,
    ledger: Ledger,
    rings: Mutex<Vec<Consumer>>,
    trouble: Trouble,
}

impl Traces {
    /// That are kept, and sent once [`Traces::start`] was called.
    pub fn new(options: TraceOptions, clock: Clock, seed: u64, ledger: Ledger) -> Traces {
        let sampling = Sampling::one_in(options.sample_one_in);
        let (rings, trouble) = (Mutex::default(), Trouble::default());
        Traces(Some(Arc::new(Shared { options, clock, seed, sampling, ledger, rings, trouble })))
    }

    /// None.
    pub const fn off() -> Traces {
        Traces(None)
    }

    /// A thread's end; `None` when there are no traces. Its name is that of its counters. Cold.
    ///
    /// # Errors
    /// [`RingError`]: the system has no memory for its ring.
    pub fn tracer(&self, name: &str) -> Result<Option<Box<Tracer>>, RingError> {
        let made = self.0.as_ref().map(|shared| shared.tracer(name)).transpose()?;
        Ok(made.map(Box::new))
    }

    /// A conductor's end. Cold.
    ///
    /// # Errors
    /// As [`Traces::tracer`].
    pub fn publish_tracer(&self, name: &str) -> Result<Option<Box<PublishTracer>>, RingError> {
        let made = self.0.as_ref().map(|shared| shared.tracer(name)).transpose()?;
        Ok(made.map(|tracer| Box::new(PublishTracer::new(tracer))))
    }

    /// Starts the thread that exports; `None` when there are no traces, or the system gives no thread: then spans are dropped
    /// and counted once the rings are full. Once; all ends have been given out by then.
    pub fn start(&self, directory: Arc<Directory>) -> Option<Exporting> {
        let shared = self.0.as_ref()?;
        let exporter = shared.exporter(directory);
        let stop = Shutdown::new();
        let heard = stop.clone();
        let work = move || {
            step_back();
            exporter.run(&heard);
        };
        let thread = std::thread::Builder::new().name("meltica-traces".to_owned()).spawn(work).ok()?;
        Some(Exporting { stop, thread: Some(thread) })
    }

    /// What is new of what the receiver complains of, or of why it cannot be reached; told once. The text is for a person.
    pub fn trouble(&self) -> Option<String> {
        self.0.as_ref()?.trouble.take()
    }
}

impl Shared {
    fn tracer(&self, name: &str) -> Result<Tracer, RingError> {
        let (sending, receiving) = spsc::channel(RING_WORDS)?;
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.push(receiving);
        let number = u16::try_from(rings.len()).unwrap_or(u16::MAX);
        let parts = (self.clock.clone(), self.sampling, self.seed);
        Ok(Tracer::new(sending, parts, self.ledger.sheet(name), number))
    }

    fn exporter(&self, directory: Arc<Directory>) -> Exporter {
        let options = &self.options;
        Exporter {
            rings: std::mem::take(&mut *self.rings.lock().unwrap_or_else(PoisonError::into_inner)),
            encoder: Encoder::new(self.clock.clone(), directory, self.sampling, self.seed),
            receiver: Receiver::new(&options.endpoint, options.headers.clone()),
            timeout: options.timeout,
            clock: self.clock.clone(),
            counts: self.ledger.sheet("traces"),
            trouble: self.trouble.clone(),
            state: State::default(),
        }
    }
}

/// The thread that exports. Dropped, it sends what is left and ends: within two seconds, and the time of a request.
#[derive(Debug)]
pub struct Exporting {
    stop: Shutdown,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Exporting {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds nothing that could fail; a panic there must not mask how the run ended.
            let _ = thread.join();
        }
    }
}

/// Lets every other thread of the machine go first; where the system refuses, it goes on as it is.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}
