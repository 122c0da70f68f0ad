//! Purpose: one connection: set up without blocking, read a frame at a time, answer pings, send control messages at the pace.
//! Owns: its socket, its receive buffer, its session, its streams. Thread: the io thread. Takes and gives: frames, in place.
//! Never: blocks; sends more messages than its budget, nor stops reading because a pong must wait.

use mio::net::TcpStream;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Bytes, HandshakeError, Message};

use super::cause::Cause;
use super::failure;
use super::framing::{self, Came, Sieve};
use super::limits::MessageBudget;
use super::opening::Opening;
use super::session::{Phase, Session};
use super::stamped::Stamped;
use super::subscription::Subscriptions;
use super::wire::Wire;
use crate::schema::id::ConnectionId;

/// The longest message, and the longest frame.
const MESSAGE_MAX: usize = 2 << 20;
/// Bytes that may come without a whole message: one of the longest, in frames of some length, and what a read brings behind it.
const ALLOWANCE: usize = MESSAGE_MAX + (128 << 10);
/// Bytes of the answer to the upgrade.
const HEADERS_MAX: usize = 16 << 10;
/// What tungstenite reads: the answer to the upgrade, then control frames. Data goes past it.
const CONTROL_BUFFER: usize = 256;
/// Bytes of ours that wait for the peer to read: control messages and pongs only.
const WRITE_MAX: usize = 256 << 10;

/// What one connection is opened for.
#[derive(Debug)]
pub(super) struct ConnectionPlan {
    /// The door that it goes through.
    pub(super) door: usize,
    /// The one stream that it carries, when its URL is to name it.
    pub(super) stream: Option<Box<str>>,
    pub(super) session: Session,
    pub(super) subscriptions: Subscriptions,
    pub(super) messages: MessageBudget,
    /// Whether the socket was asked for the kernel's receive stamps.
    pub(super) kernel_stamps: bool,
}

/// How far the socket is.
#[derive(Debug)]
enum Stage {
    Socket(Box<Wire>),
    Upgrade(Box<MidHandshake<ClientHandshake<Sieve<Wire>>>>),
    Open(Box<WebSocket<Sieve<Wire>>>),
    Gone,
}

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    /// A frame has come ([`Connection::arrived`]).
    Frame,
    /// Something came that is no data: read again.
    Again,
    /// Nothing more now.
    Blocked,
    /// It is over.
    Gone(Cause),
}

/// The frame that came last, and what concerns it.
#[derive(Debug)]
pub(super) struct Arrived<'a> {
    pub(super) subscriptions: &'a mut Subscriptions,
    /// The stream, when the connection's URL names it.
    pub(super) stream: Option<&'a str>,
    /// In the receive buffer, until the next read.
    pub(super) bytes: &'a mut [u8],
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its id.
    pub(super) id: ConnectionId,
    /// Its life.
    pub(super) session: Session,
    /// Its streams.
    pub(super) subscriptions: Subscriptions,
    /// The one stream that it carries, when its URL names it: its frames do not.
    pub(super) stream: Option<Box<str>>,
    door: usize,
    frames: u64,
    messages: MessageBudget,
    /// The latest ping's payload, until its pong has left: earlier ones need none (RFC 6455 section 5.5.3).
    ping: Option<Bytes>,
    /// The kernel's stamp of the message that was read last, by the system's wall clock, ns.
    kernel: Option<i64>,
    stage: Stage,
}

impl Connection {
    /// Over a socket that is connecting.
    pub(super) fn new(id: ConnectionId, tcp: TcpStream, plan: ConnectionPlan) -> Connection {
        let ConnectionPlan { door, stream, session, subscriptions, messages, kernel_stamps } = plan;
        let stage = Stage::Socket(Box::new(Wire::new(Stamped::new(tcp, kernel_stamps))));
        Connection { id, session, subscriptions, stream, door, frames: 0, messages, ping: None, kernel: None, stage }
    }

    /// The number of the next frame.
    #[inline]
    pub(super) const fn take_number(&mut self) -> u64 {
        self.frames += 1;
        self.frames - 1
    }

    /// The kernel's stamp of the frame at hand, by the system's wall clock, UTC ns.
    #[inline]
    pub(super) const fn take_kernel(&mut self) -> Option<i64> {
        self.kernel.take()
    }

    /// The frame that the last read brought.
    #[inline]
    pub(super) fn arrived(&mut self) -> Arrived<'_> {
        let Connection { subscriptions, stream, stage, .. } = self;
        let bytes = match stage {
            Stage::Open(socket) => socket.get_mut().message(),
            _ => &mut [],
        };
        Arrived { subscriptions, stream: stream.as_deref(), bytes }
    }

    /// Goes on with setting up, as far as the socket allows; whether it is open.
    ///
    /// # Errors
    /// Why it cannot be set up.
    pub(super) fn advance(&mut self, opening: &Opening, now: u64) -> Result<bool, Cause> {
        loop {
            let before = self.session.phase();
            match core::mem::replace(&mut self.stage, Stage::Gone) {
                Stage::Socket(mut wire) => {
                    let further = self.further(&mut wire, opening, now)?;
                    if self.session.phase() == Phase::Upgrading && further {
                        wire.allow(HEADERS_MAX);
                        let request = opening.request(self.door, self.stream.as_deref()).ok_or(Cause::BadUpgrade)?;
                        let sieve = Sieve::new(*wire, MESSAGE_MAX);
                        let start = ClientHandshake::start(sieve, request, Some(websocket_config()));
                        self.stage = Stage::Upgrade(Box::new(start.map_err(|e| failure::of_upgrade(&e))?));
                        continue;
                    }
                    self.stage = Stage::Socket(wire);
                }
                Stage::Upgrade(upgrade) => match upgrade.handshake() {
                    Ok((mut socket, _)) => {
                        socket.get_mut().upgraded();
                        socket.get_mut().stream().allow(ALLOWANCE);
                        self.stage = Stage::Open(Box::new(socket));
                        self.session.enter(Phase::Open, now);
                    }
                    Err(HandshakeError::Interrupted(later)) => {
                        self.stage = Stage::Upgrade(Box::new(later));
                        return Ok(false);
                    }
                    Err(HandshakeError::Failure(error)) => return Err(failure::of_upgrade(&error)),
                },
                other => self.stage = other,
            }
            if self.session.phase() == before || self.session.phase() == Phase::Open {
                return Ok(self.session.phase() == Phase::Open);
            }
        }
    }

    /// TCP and TLS; whether the phase is done.
    fn further(&mut self, wire: &mut Wire, opening: &Opening, now: u64) -> Result<bool, Cause> {
        match self.session.phase() {
            Phase::Connecting => {
                if let Some(error) = wire.socket().take_error().map_err(|e| failure::of_io(&e))? {
                    return Err(failure::of_io(&error));
                }
                if wire.socket().peer_addr().is_err() {
                    return Ok(false);
                }
                match &opening.tls {
                    Some((config, name)) => {
                        wire.secure(config, name.clone()).map_err(|_| Cause::Tls)?;
                        self.session.enter(Phase::Securing, now);
                    }
                    None => self.session.enter(Phase::Upgrading, now),
                }
                Ok(true)
            }
            Phase::Securing => {
                let done = wire.handshake().map_err(|e| failure::of_io(&e))?;
                if done {
                    self.session.enter(Phase::Upgrading, now);
                }
                Ok(done)
            }
            _ => Ok(true),
        }
    }

    /// Reads one message.
    #[inline]
    pub(super) fn read(&mut self, now: u64) -> ReadOutcome {
        let Stage::Open(socket) = &mut self.stage else { return ReadOutcome::Blocked };
        let came = match framing::read(socket) {
            Ok(came) => came,
            Err(error) if failure::would_block(&error) => return ReadOutcome::Blocked,
            Err(error) => return ReadOutcome::Gone(failure::of_open(&error)),
        };
        self.session.heard(now);
        let wire = socket.get_mut().stream();
        wire.allow(ALLOWANCE);
        // With the message, whatever it is: the next one of the same read has none.
        self.kernel = wire.take_stamp();
        match came {
            Came::Text | Came::Binary => ReadOutcome::Frame,
            Came::Control(message) => self.control(&message, now),
            Came::End => ReadOutcome::Gone(Cause::Reset),
            Came::Refused(refusal) => ReadOutcome::Gone(failure::of_refusal(refusal)),
        }
    }

    #[cold]
    fn control(&mut self, message: &Message, now: u64) -> ReadOutcome {
        let Stage::Open(socket) = &mut self.stage else { return ReadOutcome::Blocked };
        match message {
            Message::Ping(payload) => {
                // tungstenite has queued a pong and would send it with the next read: that one is thrown away, for only
                // the budget says when one may leave. While bytes of ours wait for the peer, it stands behind them and
                // cannot be taken back: then it counts as sent.
                if socket.get_mut().stream().mute() {
                    self.ping = Some(payload.clone());
                } else {
                    self.messages.sent_pong(now);
                }
                let flushed = socket.flush();
                socket.get_mut().stream().unmute();
                match flushed {
                    Err(error) if !failure::would_block(&error) => ReadOutcome::Gone(failure::of_open(&error)),
                    _ => self.pong(now).map_or_else(ReadOutcome::Gone, |()| ReadOutcome::Again),
                }
            }
            Message::Close(frame) => {
                // Our reply is queued. Whether it arrives changes nothing any more.
                let _ = socket.flush();
                ReadOutcome::Gone(Cause::Closed(frame.as_ref().map_or(1005, |f| f.code.into())))
            }
            _ => ReadOutcome::Again,
        }
    }

    /// Answers the latest ping as soon as the budget allows it.
    fn pong(&mut self, now: u64) -> Result<(), Cause> {
        let Stage::Open(socket) = &mut self.stage else { return Ok(()) };
        let Some(payload) = self.ping.take_if(|_| self.messages.may_pong(now)) else { return Ok(()) };
        self.messages.sent_pong(now);
        match socket.send(Message::Pong(payload)) {
            Err(error) if !failure::would_block(&error) => Err(failure::of_open(&error)),
            _ => Ok(()),
        }
    }

    /// Sends the pong that is owed, and the next control message when there is one and the budget allows it; whether it did.
    ///
    /// # Errors
    /// Why the connection is over.
    pub(super) fn send_control(&mut self, now: u64) -> Result<bool, Cause> {
        self.pong(now)?;
        let Stage::Open(socket) = &mut self.stage else { return Ok(false) };
        if self.session.phase() != Phase::Open || !self.messages.may_control(now) {
            return Ok(false);
        }
        let Some(message) = self.subscriptions.next_message(now) else { return Ok(false) };
        self.messages.sent_control(now);
        match socket.send(Message::text(message.text)) {
            Err(error) if !failure::would_block(&error) => Err(failure::of_open(&error)),
            _ => Ok(true),
        }
    }

    /// The socket takes bytes again: what waited leaves.
    pub(super) fn flush(&mut self) {
        if let Stage::Open(socket) = &mut self.stage {
            // A broken socket says so at the next read.
            let _ = socket.flush();
        }
    }

    /// Says farewell. The peer's reply, or a deadline, ends the connection.
    pub(super) fn close(&mut self, now: u64) {
        if let Stage::Open(socket) = &mut self.stage {
            // The frame is queued even when it cannot leave now; a broken socket says so at the next read.
            let _ = socket.close(None);
        }
        self.session.enter(Phase::Closing, now);
    }
}

fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(CONTROL_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_MAX)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX))
}
