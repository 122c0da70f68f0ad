//! Purpose: a stream between our framer and tungstenite: data is taken out of it in place, and tungstenite is let see the rest,
//! as if nothing else had ever come: the answer to the upgrade, then control frames.
//! Owns: the stream, the framer. Thread: the io thread. Takes and gives: bytes; messages.
//! Never: lets tungstenite see a byte of data, nor a byte behind the answer to the upgrade.

use std::io::{self, ErrorKind, Read, Write};

use tungstenite::protocol::WebSocket;
use tungstenite::{Error, Message};

use super::framer::{Framer, Piece, Refusal};

/// A read of the answer to the upgrade: frames may stand behind it, and are not to count as its bytes.
const HEAD_READ: usize = 4 << 10;

/// What tungstenite is let see now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sees {
    /// The answer to the upgrade, an empty line at most in a read; whether the line at hand is empty so far.
    Answer { empty: bool },
    /// So many bytes of the control frame that came last.
    Control { left: usize },
}

/// A stream, and what tungstenite is let see of it.
#[derive(Debug)]
pub(crate) struct Sieve<S> {
    stream: S,
    framer: Framer,
    sees: Sees,
}

/// What a read came to.
#[derive(Debug)]
pub(crate) enum Came {
    /// A text message, which is UTF-8: [`Sieve::message`].
    Text,
    /// A binary message likewise.
    Binary,
    /// A control frame, as tungstenite tells it.
    Control(Message),
    /// The stream is over.
    End,
    /// The peer has broken the protocol.
    Refused(Refusal),
}

impl<S> Sieve<S> {
    /// Over a stream on which the upgrade is to come. No message may be longer than `message_max` bytes.
    pub(crate) fn new(stream: S, message_max: usize) -> Sieve<S> {
        Sieve { stream, framer: Framer::new(message_max), sees: Sees::Answer { empty: false } }
    }

    /// The upgrade is done: what follows are frames.
    pub(crate) const fn upgraded(&mut self) {
        self.sees = Sees::Control { left: 0 };
    }

    /// The stream itself.
    #[inline]
    pub(crate) const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The message that came last, until the next read. It may be worked on in place.
    #[inline]
    pub(crate) fn message(&mut self) -> &mut [u8] {
        self.framer.payload()
    }
}

/// Reads the next message or control frame.
///
/// # Errors
/// What the stream says; "would block" when nothing more can be read now.
#[inline]
pub(crate) fn read<S: Read + Write>(socket: &mut WebSocket<Sieve<S>>) -> Result<Came, Error> {
    let sieve = socket.get_mut();
    loop {
        match sieve.framer.next() {
            Ok(Some(Piece::Text)) => return Ok(Came::Text),
            Ok(Some(Piece::Binary)) => return Ok(Came::Binary),
            Ok(Some(Piece::Control)) => return control(socket),
            Ok(None) => {}
            Err(refusal) => return Ok(Came::Refused(refusal)),
        }
        match sieve.stream.read(sieve.framer.space())? {
            0 => return Ok(Came::End),
            read => sieve.framer.filled(read),
        }
    }
}

#[cold]
fn control<S: Read + Write>(socket: &mut WebSocket<Sieve<S>>) -> Result<Came, Error> {
    let sieve = socket.get_mut();
    sieve.sees = Sees::Control { left: sieve.framer.frame().len() };
    socket.read().map(Came::Control)
}

impl<S: Read> Sieve<S> {
    /// Some of the answer to the upgrade: as far as the end of the first empty line, where it ends. Lines that end without a
    /// carriage return count too, as they do for tungstenite's reader.
    fn read_answer(&mut self, buf: &mut [u8], mut empty: bool) -> io::Result<usize> {
        if self.framer.waiting().is_empty() {
            let space = self.framer.space();
            let most = space.len().min(HEAD_READ);
            let read = self.stream.read(&mut space[..most])?;
            self.framer.filled(read);
        }
        let waiting = self.framer.waiting();
        let most = waiting.len().min(buf.len());
        let mut count = 0;
        while count < most {
            let byte = waiting[count];
            count += 1;
            match byte {
                b'\n' if empty => break,
                b'\n' => empty = true,
                b'\r' => {}
                _ => empty = false,
            }
        }
        buf[..count].copy_from_slice(&waiting[..count]);
        self.framer.skip(count);
        self.sees = Sees::Answer { empty };
        Ok(count)
    }
}

impl<S: Read> Read for Sieve<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.sees {
            Sees::Answer { empty } => self.read_answer(buf, empty),
            Sees::Control { left: 0 } => Err(ErrorKind::WouldBlock.into()),
            Sees::Control { left } => {
                let frame = self.framer.frame();
                let rest = &frame[frame.len().saturating_sub(left)..];
                let count = rest.len().min(buf.len());
                buf[..count].copy_from_slice(&rest[..count]);
                self.sees = Sees::Control { left: left - count };
                Ok(count)
            }
        }
    }
}

impl<S: Write> Write for Sieve<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::HandshakeError;
    use tungstenite::client::IntoClientRequest;
    use tungstenite::handshake::client::ClientHandshake;
    use tungstenite::handshake::derive_accept_key;

    use super::super::conformance::Parts;
    use super::*;

    /// Upgrades over a stream that answers like this and then sends frames, cut there; the messages.
    fn upgraded(answer: &str, cuts: &[usize]) -> Vec<String> {
        let request = "ws://h/stream".into_client_request().unwrap();
        let accept = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
        let mut bytes = answer.replace("ACCEPT", &accept).into_bytes();
        bytes.extend(b"\x81\x05first\x89\x01?\x81\x02\n\n\x81\x00");
        let cuts: Vec<usize> = cuts.iter().copied().filter(|cut| *cut < bytes.len()).collect();
        let mut handshake = ClientHandshake::start(Sieve::new(Parts::of(&bytes, &cuts), 100), request, None).unwrap();
        let mut socket = loop {
            match handshake.handshake() {
                Ok((socket, _)) => break socket,
                Err(HandshakeError::Interrupted(later)) => handshake = later,
                Err(HandshakeError::Failure(error)) => panic!("{error}, cut at {cuts:?}"),
            }
        };
        socket.get_mut().upgraded();
        let mut messages = Vec::new();
        loop {
            match read(&mut socket) {
                Ok(Came::Text) => messages.push(String::from_utf8(socket.get_mut().message().to_vec()).unwrap()),
                Ok(Came::Control(message)) => messages.push(message.to_string()),
                Ok(Came::End) => return messages,
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert!(matches!(&error, Error::Io(e) if e.kind() == ErrorKind::WouldBlock), "{error}"),
            }
        }
    }

    #[test]
    fn frames_that_come_with_the_answer_are_all_read_wherever_it_is_cut() {
        let lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
        for end in ["\r\n", "\n"] {
            for leads in ["", end] {
                let answer = [leads, &lines.join(end), end, "Sec-WebSocket-Accept: ACCEPT", end, end].concat();
                let expected = ["first", "?", "\n\n", ""];
                assert_eq!(upgraded(&answer, &[]), expected, "{answer:?}");
                for cut in 1..answer.len() + 50 {
                    assert_eq!(upgraded(&answer, &[cut]), expected, "{answer:?}, cut at {cut}");
                }
            }
        }
    }
}
