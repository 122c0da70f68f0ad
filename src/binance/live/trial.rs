//! Purpose: one timed connection to one address: TCP, then TLS where the endpoint has it; for whoever asks which address
//! is nearest. Owns: what it trusts. Thread: its caller's, which it holds up (cold); a look-up has one of its own.
//! Takes and gives: an address in, times or a cause out. Never: outlasts the span it was given; sends a request: the venue
//! sees a handshake, no WebSocket and no REST.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;

use super::cause::Cause;
use super::endpoint::Endpoint;
use super::failure;
use super::options::LiveError;
use super::resolve::look_up;
use super::tls::{Trust, server_name};
use crate::telemetry::Clock;

/// Connects to the addresses of one endpoint, one at a time.
#[derive(Clone)]
pub struct Trial {
    endpoint: Endpoint,
    tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    clock: Clock,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// How long a connection took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialTimes {
    /// From the first packet to the peer's answer: one way there and back.
    pub tcp: Duration,
    /// From there to the end of a whole TLS handshake, nothing resumed; `None` where the endpoint has no TLS.
    pub tls: Option<Duration>,
}

impl TrialTimes {
    /// Both together.
    pub fn whole(&self) -> Duration {
        self.tcp + self.tls.unwrap_or_default()
    }
}

impl Trial {
    /// For an endpoint; `ca_file` names whom to trust in place of the public roots.
    ///
    /// # Errors
    /// [`LiveError::CaFile`] when the file cannot be used, [`LiveError::Host`] when the host can be in no certificate.
    pub fn new(endpoint: Endpoint, ca_file: Option<&Path>, clock: &Clock) -> Result<Trial, LiveError> {
        let tls = if endpoint.tls {
            let trust = Trust::new(ca_file, None)?;
            let name = server_name(&endpoint.host).ok_or_else(|| LiveError::Host(endpoint.host.clone()))?;
            // Each handshake is a whole one: else the first round would differ from the others.
            let mut config = Arc::unwrap_or_clone(trust.client);
            config.resumption = Resumption::disabled();
            Some((Arc::new(config), name))
        } else {
            None
        };
        Ok(Trial { endpoint, tls, clock: clock.clone() })
    }

    /// The endpoint.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The addresses of the host, each once, and how long the system's resolver took.
    ///
    /// # Errors
    /// [`Cause::Unresolved`] when it knows none, or says nothing within the span. Its thread then stays until it gives up.
    pub fn look_up(&self, within: Duration) -> Result<(Vec<SocketAddr>, Duration), Cause> {
        let begun = self.clock.now_ns();
        let receive = look_up(&self.endpoint.host, self.endpoint.port).ok_or(Cause::Unresolved)?;
        let found = receive.recv_timeout(within).map_err(|_| Cause::Unresolved)?;
        let took = self.since(begun);
        let mut distinct: Vec<SocketAddr> = Vec::new();
        found.into_iter().for_each(|address| {
            if !distinct.contains(&address) {
                distinct.push(address);
            }
        });
        if distinct.is_empty() { Err(Cause::Unresolved) } else { Ok((distinct, took)) }
    }

    /// Connects once, and hangs up.
    ///
    /// # Errors
    /// Why it came to nothing within the span.
    pub fn connect(&self, to: SocketAddr, within: Duration) -> Result<TrialTimes, Cause> {
        let begun = self.clock.now_ns();
        let deadline = begun.saturating_add(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX));
        let mut tcp = TcpStream::connect_timeout(&to, within).map_err(|error| failure::of_io(&error))?;
        let connected = self.since(begun);
        let Some((config, name)) = &self.tls else { return Ok(TrialTimes { tcp: connected, tls: None }) };
        tcp.set_nodelay(true).map_err(|error| failure::of_io(&error))?;
        let mut session = ClientConnection::new(Arc::clone(config), name.clone()).map_err(|_| Cause::Tls)?;
        let shaking = self.clock.now_ns();
        while session.is_handshaking() || session.wants_write() {
            let left = deadline.saturating_sub(self.clock.now_ns());
            if left == 0 {
                return Err(Cause::TlsTimeout);
            }
            match step(&mut session, &mut tcp, Duration::from_nanos(left)) {
                // A signal: what waits with a deadline is not begun again by the system.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => done.map_err(|error| of_handshake(&error))?,
            }
        }
        let tls = Some(self.since(shaking));
        session.send_close_notify();
        // Who was only measured need not hear that we go.
        let _ = session.write_tls(&mut tcp);
        Ok(TrialTimes { tcp: connected, tls })
    }

    fn since(&self, begun: u64) -> Duration {
        Duration::from_nanos(self.clock.now_ns().saturating_sub(begun))
    }
}

/// Writes what there is to write, or else reads once, for at most so long.
fn step(session: &mut ClientConnection, tcp: &mut TcpStream, left: Duration) -> io::Result<()> {
    if session.wants_write() {
        tcp.set_write_timeout(Some(left))?;
        session.write_tls(tcp as &mut dyn Write)?;
        return Ok(());
    }
    tcp.set_read_timeout(Some(left))?;
    if session.read_tls(tcp as &mut dyn Read)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    session.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    Ok(())
}

fn of_handshake(error: &io::Error) -> Cause {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Cause::TlsTimeout,
        _ => failure::of_io(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn trial(url: &str) -> Trial {
        Trial::new(Endpoint::websocket(url).unwrap(), None, &Clock::default()).unwrap()
    }

    /// A listener that does this with each connection, and where it listens.
    fn peer(act: impl Fn(&mut TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for tcp in listener.incoming() {
                let mut tcp = tcp.unwrap();
                act(&mut tcp);
                kept.push(tcp);
            }
        });
        address
    }

    /// A record's head that promises more than ever comes.
    const HALF_A_RECORD: &[u8] = &[22, 3, 3, 0, 80, 2];

    #[test]
    fn a_peer_that_speaks_no_tls_is_told_from_one_that_says_nothing_and_holds_nobody_up() {
        let within = Duration::from_secs(2);
        let shut = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let table: [(&str, SocketAddr, Cause); 5] = [
            ("silent", peer(|_| {}), Cause::TlsTimeout),
            ("http", peer(|tcp| tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap()), Cause::NotTls),
            ("half a record", peer(|tcp| tcp.write_all(HALF_A_RECORD).unwrap()), Cause::TlsTimeout),
            ("hangs up", peer(|tcp| drop(tcp.shutdown(std::net::Shutdown::Both))), Cause::Reset),
            ("nobody", shut(), Cause::Refused),
        ];
        for (name, to, cause) in table {
            assert_eq!(trial(&format!("wss://{to}")).connect(to, within), Err(cause), "{name}");
        }
    }

    #[test]
    fn a_peer_that_drips_is_given_up_at_the_deadline_not_after_its_last_byte() {
        let to = peer(|tcp| {
            let mut tcp = tcp.try_clone().unwrap();
            thread::spawn(move || {
                // A long record, a byte at a time, for ever.
                let _ = tcp.write_all(&[22, 3, 3, 64, 0]);
                while tcp.write_all(&[0]).is_ok() {
                    thread::sleep(Duration::from_millis(5));
                }
            });
        });
        assert_eq!(trial(&format!("wss://{to}")).connect(to, Duration::from_secs(1)), Err(Cause::TlsTimeout));
    }

    #[test]
    fn without_tls_the_answer_of_tcp_is_all_and_an_address_needs_no_resolver() {
        let to = peer(|_| {});
        let trial = trial(&format!("ws://{to}"));
        assert_eq!(trial.look_up(Duration::from_secs(5)).unwrap().0, [to]);
        let times = trial.connect(to, Duration::from_secs(5)).unwrap();
        assert_eq!((times.tls, times.whole()), (None, times.tcp));
        let nowhere = Trial { endpoint: Endpoint::websocket("ws://venue.invalid").unwrap(), ..trial };
        assert_eq!(nowhere.look_up(Duration::from_secs(20)), Err(Cause::Unresolved));
        assert_eq!(nowhere.look_up(Duration::ZERO), Err(Cause::Unresolved), "a resolver that hangs");
    }
}
