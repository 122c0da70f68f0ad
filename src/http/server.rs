//! Purpose: the HTTP server: listens, gives each connection a thread of its own, ends them all.
//! Owns: the listener, the threads. Thread: an acceptor, and one for each of at most [`CONNECTIONS_MAX`] connections, all of
//! low priority. Takes and gives: options and the two buses in; an address out.
//! Never: on the data path; starts where others could command it without a token; has more threads than its bound.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::access::Access;
use super::answer::Answer;
use super::commands::Desk;
use super::connection::{House, serve};
use super::guests::Guests;
use super::listener::Listener;
use super::options::{HttpError, HttpOptions, Listen, is_local};
use super::pace::Pace;
use super::refusal::Refusal;
use super::socket::Raw;
use super::tally::Tally;
use crate::agent::Shutdown as Stop;
use crate::bus::control::ControlBus;
use crate::bus::data::DataBus;
use crate::telemetry::{Clock, Counter, Ledger};

/// Connections at a time (faults.md, S06).
pub const CONNECTIONS_MAX: usize = 32;
/// Of those, event streams: the rest is left for commands and questions.
pub const STREAMS_MAX: usize = 16;
/// How often the acceptor looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// How long streams may take to say good-bye.
const FAREWELL: Duration = Duration::from_millis(500);
const STACK_BYTES: usize = 256 << 10;
/// The least urgent of threads: the data path goes first.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// What the server serves.
pub struct Services {
    /// Where commands go.
    pub control: ControlBus,
    /// Where events come from.
    pub bus: DataBus,
    /// The one clock.
    pub clock: Clock,
    /// Where it counts.
    pub ledger: Ledger,
    /// Told what an operator should hear of, a line each.
    pub tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// Where the server listens, as a client writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `http://127.0.0.1:6358`, or `https://…`.
    Tcp {
        /// The address and port.
        address: SocketAddr,
        /// Whether it speaks TLS.
        secure: bool,
    },
    /// `unix:/run/meltica.sock`.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { address, secure } => write!(f, "http{}://{address}", if *secure { "s" } else { "" }),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A server that runs. Dropped, it ends.
pub struct Server {
    address: Address,
    stop: Stop,
    guests: Guests,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens and serves.
    ///
    /// # Errors
    /// [`HttpError`]; above all for an address that other machines reach, without tokens and TLS.
    pub fn start(options: HttpOptions, services: Services) -> Result<Server, HttpError> {
        let HttpOptions { listen, hosts, tokens, tls } = options;
        if let Listen::Tcp(address) = listen
            && !is_local(address.ip())
            && (tokens.is_none() || tls.is_none())
        {
            return Err(HttpError::Unguarded(address));
        }
        let listener = Listener::bind(&listen)?;
        let (address, ip) = match &listener {
            Listener::Tcp(_, address) => {
                (Address::Tcp { address: *address, secure: tls.is_some() }, Some(address.ip()))
            }
            Listener::Unix(_, path) => (Address::Unix(path.clone()), None),
        };
        let (stop, guests) = (Stop::new(), Guests::new(CONNECTIONS_MAX));
        let house = House {
            access: Access::new(ip, &hosts, tokens),
            desk: Desk::new(services.control, services.clock.clone()),
            bus: services.bus,
            clock: services.clock,
            tally: Tally::new(services.ledger),
            pace: Pace::of_requests(),
            reports: Pace::of_reports(),
            stop: stop.clone(),
            streams: Guests::new(STREAMS_MAX),
            tls,
            tell: services.tell,
        };
        let acceptor = Acceptor { listener, doors: Pace::of_doors(), house: Arc::new(house), guests: guests.clone() };
        let acceptor = thread("meltica-http").spawn(move || acceptor.run()).map_err(HttpError::Thread)?;
        Ok(Server { address, stop, guests, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub const fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(acceptor) = self.acceptor.take() {
            // It holds nothing that could fail.
            let _ = acceptor.join();
        }
        // Idle ones hear it so; streams, which read nothing, say good-bye.
        self.guests.shut(Shutdown::Read);
        let naps = FAREWELL.as_millis() / 10;
        for _ in 0..naps {
            if self.guests.count() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Their threads end with their sockets.
        self.guests.shut(Shutdown::Both);
    }
}

fn thread(name: &str) -> std::thread::Builder {
    std::thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES)
}

struct Acceptor {
    listener: Listener,
    doors: Pace,
    house: Arc<House>,
    guests: Guests,
}

impl Acceptor {
    fn run(self) {
        step_back();
        while !self.house.stop.is_requested() {
            match self.listener.accept(LOOK) {
                Ok(Some(raw)) => {
                    self.house.await_turn(&self.doors);
                    self.welcome(raw);
                }
                Ok(None) => {}
                // No descriptors left, most likely: others live on, and this will pass (faults.md, F60).
                Err(_) => {
                    self.house.tally.add(Counter::HttpConnectionsRefused, 1);
                    std::thread::sleep(LOOK);
                }
            }
        }
    }

    fn welcome(&self, raw: Raw) {
        let Some(place) = self.guests.seat(&raw) else {
            self.turn_away(raw);
            return;
        };
        let house = Arc::clone(&self.house);
        let served = thread("meltica-http-c").spawn(move || {
            let _place = place;
            step_back();
            serve(&house, raw);
        });
        if served.is_err() {
            // The socket went with the closure: the peer sees it close.
            self.house.tally.add(Counter::HttpConnectionsRefused, 1);
        }
    }

    /// Says why and closes, as far as the socket takes it at once.
    fn turn_away(&self, raw: Raw) {
        self.house.tally.add(Counter::HttpConnectionsRefused, 1);
        if self.house.tls.is_some() {
            return;
        }
        let message = format!("{CONNECTIONS_MAX} connections are open; try again");
        let refusal = Refusal::new(503, "http/too-many-connections", message).closing().after(1);
        let bytes = Answer::from(refusal).bytes(false);
        let _ = match raw {
            Raw::Tcp(mut socket) => say_and_leave(&mut socket, &bytes, |socket| socket.set_nonblocking(true)),
            Raw::Unix(mut socket) => say_and_leave(&mut socket, &bytes, |socket| socket.set_nonblocking(true)),
        };
    }
}

/// Writes what the socket takes at once. What the peer has sent is taken off it: a socket closed on unread bytes is reset,
/// and the answer with it.
fn say_and_leave<S: Read + Write>(
    socket: &mut S,
    bytes: &[u8],
    no_waiting: impl FnOnce(&S) -> io::Result<()>,
) -> io::Result<()> {
    no_waiting(socket)?;
    socket.write_all(bytes)?;
    let mut scratch = [0; 4 << 10];
    while socket.read(&mut scratch)? > 0 {}
    Ok(())
}

/// Lets every other thread of the machine go first; where the system refuses, it goes on as it is.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}
