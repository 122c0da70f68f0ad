//! Purpose: one WebSocket session: frames out, control messages in, pings, limits, orders of faults.
//! Owns: the session. Thread: its connection's. Takes and gives: messages. Never: waits for a reader that does not read.

mod orders;

use std::io::ErrorKind;
use std::sync::Arc;

use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Bytes, Error, Message, WebSocket};

use super::limits::Messages;
use super::line::Line;
use super::outbox::Outbox;
use super::shared::{Shared, nanos};
use super::subscriptions;

/// Bytes of one message of a client: a SUBSCRIBE of 1,024 long names fits.
const MESSAGE_BYTES_MAX: usize = 128 << 10;
/// Bytes that may come without a whole message: one of the longest, in frames of some length.
const BYTES_WITHOUT_MESSAGE_MAX: usize = 2 * MESSAGE_BYTES_MAX;
/// Bytes that are read in one turn.
const BYTES_PER_TURN: usize = 64 << 10;
/// Frames moved from the queue at a time.
const FRAMES_PER_TURN: usize = 256;
const AMNESTY_NS: u64 = 200_000_000;
/// How long a client has to answer a close frame.
const CLOSE_WITHIN_NS: u64 = 2_000_000_000;

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Both sides know, or the socket is gone.
    Closed,
    /// To end without a word.
    Cut,
}

/// See the file's head.
struct Session<'a> {
    shared: &'a Shared,
    outbox: &'a Arc<Outbox>,
    messages: Messages,
    /// Bytes since the last whole message.
    unfinished: usize,
    frames: Vec<Bytes>,
    /// The socket takes no more at the moment.
    blocked: bool,
    stalled_until_ns: u64,
    /// Messages go out in fragments until then, and the next ping between two of them is due then.
    fragments_until_ns: u64,
    next_between_ns: u64,
    /// Answers that are late, and when they are due.
    late: Vec<(u64, String)>,
    /// What piled up while the venue did not read is not counted as one burst.
    amnesty_until_ns: u64,
    next_ping_ns: u64,
    /// The payload that the next pong must have, and by when.
    pong: Option<(Vec<u8>, u64)>,
    born_ns: u64,
    closing_ns: Option<u64>,
}

type Socket = WebSocket<Line>;

/// Carries a session through its life, from after the handshake to its end. `early` are bytes that came with it.
pub(super) fn serve(shared: &Shared, outbox: &Arc<Outbox>, line: Line, early: Vec<u8>) {
    let config = WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(64 << 10)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let now = shared.clock.now_ns();
    let mut session = Session {
        shared,
        outbox,
        messages: Messages::new(&shared.limits),
        unfinished: 0,
        frames: Vec::new(),
        blocked: false,
        stalled_until_ns: 0,
        fragments_until_ns: 0,
        next_between_ns: 0,
        late: Vec::new(),
        amnesty_until_ns: 0,
        next_ping_ns: now + nanos(shared.limits.ping_every),
        pong: None,
        born_ns: now,
        closing_ns: None,
    };
    let mut socket = WebSocket::from_partially_read(line, early, Role::Server, Some(config));
    loop {
        match session.turn(&mut socket).and_then(|()| session.rest(&mut socket)) {
            Ok(()) => {}
            Err(Over::Closed) => return socket.get_mut().transport.farewell(),
            Err(Over::Cut) => return,
        }
    }
}

impl Session<'_> {
    fn turn(&mut self, socket: &mut Socket) -> Result<(), Over> {
        let now = self.shared.clock.now_ns();
        if self.shared.stopping() && self.closing_ns.is_none() {
            self.close(socket, 1001, "going away")?;
        }
        for order in self.outbox.orders() {
            self.obey(socket, order)?;
        }
        if self.closing_ns.is_some_and(|since| now >= since + CLOSE_WITHIN_NS || self.shared.stopping()) {
            return Err(Over::Closed);
        }
        if self.outbox.overflowed() {
            self.shared.tally.slow_readers.add(1);
            socket.get_mut().transport.reset_at_end();
            return Err(Over::Cut);
        }
        if now < self.stalled_until_ns {
            return Ok(());
        }
        self.outbox.set_lossy(false);
        self.keep_times(socket, now)?;
        while let Some(at) = self.late.iter().position(|(due, _)| now >= *due) {
            let (_, answer) = self.late.remove(at);
            self.say(socket, Message::text(answer))?;
        }
        let was_blocked = self.blocked;
        self.blocked = !self.verdict(socket.flush())?;
        if was_blocked && !self.blocked {
            self.amnesty_until_ns = now + AMNESTY_NS;
        }
        self.write(socket)?;
        self.read(socket)
    }

    /// Sends what waits, as much as the socket takes.
    fn write(&mut self, socket: &mut Socket) -> Result<(), Over> {
        if self.blocked || self.closing_ns.is_some() {
            return Ok(());
        }
        self.outbox.take(FRAMES_PER_TURN, &mut self.frames);
        self.outbox.sent.add(self.frames.len() as u64);
        self.shared.tally.frames.add(self.frames.len() as u64);
        let mut frames = core::mem::take(&mut self.frames);
        let in_fragments = self.shared.clock.now_ns() < self.fragments_until_ns;
        for frame in frames.drain(..) {
            if in_fragments {
                self.write_fragments(socket, &frame)?;
                continue;
            }
            // As bytes: a frame that a fault spoilt need not be UTF-8.
            let message = Message::Frame(Frame::message(frame, OpCode::Data(Data::Text), true));
            self.blocked |= !self.verdict(socket.write(message))?;
        }
        self.frames = frames;
        self.blocked |= !self.verdict(socket.flush())?;
        Ok(())
    }

    /// Reads what has come. While the client does not read, the venue does not either.
    fn read(&mut self, socket: &mut Socket) -> Result<(), Over> {
        socket.get_mut().allow(BYTES_PER_TURN);
        let mut left = BYTES_PER_TURN;
        while !self.blocked {
            let read = socket.read();
            self.unfinished += left - socket.get_ref().left();
            left = socket.get_ref().left();
            match read {
                Ok(message) => {
                    self.unfinished = 0;
                    self.hear(socket, message)?;
                }
                Err(fault) => {
                    self.broken(socket, &fault)?;
                    break;
                }
            }
        }
        if self.unfinished > BYTES_WITHOUT_MESSAGE_MAX {
            return self.close(socket, 1009, "message too big").and(Err(Over::Closed));
        }
        Ok(())
    }

    fn hear(&mut self, socket: &mut Socket, message: Message) -> Result<(), Over> {
        let now = self.shared.clock.now_ns();
        if matches!(message, Message::Close(_)) || self.closing_ns.is_some() {
            return Ok(());
        }
        self.shared.tally.messages.add(1);
        if now >= self.amnesty_until_ns && !self.messages.take(now) {
            self.shared.tally.over_messages.add(1);
            return self.close(socket, 1008, "Too many requests");
        }
        match message {
            Message::Pong(payload) => {
                if self.pong.as_ref().is_some_and(|(expected, _)| payload == expected.as_slice()) {
                    self.pong = None;
                    self.shared.tally.pongs.add(1);
                }
                Ok(())
            }
            Message::Text(text) => {
                let (answers, late_ns) = subscriptions::answer(self.shared, self.outbox, &text);
                if late_ns > 0 {
                    self.late.extend(answers.into_iter().map(|answer| (now + late_ns, answer)));
                    return Ok(());
                }
                answers.into_iter().try_for_each(|answer| self.say(socket, Message::text(answer)))
            }
            Message::Binary(_) => self.close(socket, 1003, "text only"),
            _ => Ok(()),
        }
    }

    /// Pings when it is time, and ends the session when a pong is late or its life is over.
    fn keep_times(&mut self, socket: &mut Socket, now: u64) -> Result<(), Over> {
        if self.closing_ns.is_some() {
            return Ok(());
        }
        if self.pong.as_ref().is_some_and(|(_, deadline)| now >= *deadline) {
            self.shared.tally.over_pong.add(1);
            return self.close(socket, 1008, "Pong timeout");
        }
        if now.saturating_sub(self.born_ns) >= nanos(self.shared.limits.max_age) {
            return self.close(socket, 1001, "connection has reached its age");
        }
        if now >= self.next_ping_ns {
            self.next_ping_ns = now + nanos(self.shared.limits.ping_every);
            let payload = self.shared.unix_ms().to_string().into_bytes();
            let deadline = self.pong.as_ref().map_or(now + nanos(self.shared.limits.pong_within), |(_, d)| *d);
            self.pong = Some((payload.clone(), deadline));
            self.shared.tally.pings.add(1);
            self.say(socket, Message::Ping(Bytes::from(payload)))?;
        }
        Ok(())
    }

    fn close(&mut self, socket: &mut Socket, code: u16, reason: &str) -> Result<(), Over> {
        if self.closing_ns.is_some() {
            return Ok(());
        }
        self.closing_ns = Some(self.shared.clock.now_ns());
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.to_owned().into() };
        self.verdict(socket.close(Some(frame))).map(|_| ())
    }

    fn say(&mut self, socket: &mut Socket, message: Message) -> Result<(), Over> {
        self.blocked |= !self.verdict(socket.send(message))?;
        Ok(())
    }

    /// Whether a write went through: false when it waits for the socket.
    fn verdict(&self, outcome: tungstenite::Result<()>) -> Result<bool, Over> {
        match outcome {
            Ok(()) => Ok(true),
            Err(Error::Io(fault)) if fault.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(Error::Protocol(_)) if self.closing_ns.is_some() => Ok(true),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => Err(Over::Closed),
            Err(_) => Err(Over::Cut),
        }
    }

    fn broken(&mut self, socket: &mut Socket, fault: &Error) -> Result<(), Over> {
        match fault {
            Error::Io(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(()),
            Error::ConnectionClosed | Error::AlreadyClosed => Err(Over::Closed),
            Error::Capacity(_) => self.close(socket, 1009, "message too big").and(Err(Over::Closed)),
            Error::Utf8(_) => self.close(socket, 1007, "not UTF-8").and(Err(Over::Closed)),
            Error::Protocol(_) => self.close(socket, 1002, "protocol violation").and(Err(Over::Closed)),
            _ => Err(Over::Cut),
        }
    }

    /// Waits for something to do.
    fn rest(&mut self, socket: &mut Socket) -> Result<(), Over> {
        let now = self.shared.clock.now_ns();
        let stalled = now < self.stalled_until_ns;
        // What the allowance held back makes no further event.
        let more_to_read = socket.get_ref().left() == 0 && !self.blocked && !stalled;
        if more_to_read {
            return Ok(());
        }
        if !self.outbox.is_empty() && !self.blocked && !stalled && self.closing_ns.is_none() {
            return Ok(());
        }
        let mut until = self.born_ns.saturating_add(nanos(self.shared.limits.max_age)).min(self.next_ping_ns);
        if let Some((_, deadline)) = &self.pong {
            until = until.min(*deadline);
        }
        if let Some(since) = self.closing_ns {
            until = since + CLOSE_WITHIN_NS;
        }
        for (due, _) in &self.late {
            until = until.min(*due);
        }
        if stalled {
            until = self.stalled_until_ns;
        }
        socket.get_mut().wait(until.saturating_sub(now)).map_err(|_| Over::Cut)
    }
}
