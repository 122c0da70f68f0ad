//! Purpose: plain bytes through TLS over a socket that does not block: handshake, reads, writes.
//! Owns: the records. Thread: the io thread. Takes and gives: a socket, lent for each call; plain bytes.
//! Never: blocks; reads the socket while a record lies ready; takes the end of TCP for the peer's farewell.
//!
//! Names nothing of the crate: the benches compile this file by its path.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::records::{Records, Stands};

/// Plain bytes that a write takes at most: a record's.
const WRITE_MAX: usize = 16 << 10;

/// TLS over a socket.
#[derive(Debug)]
pub(crate) struct Tunnel {
    records: Records,
}

impl Tunnel {
    /// For a socket on which nothing was sent yet; the peer's certificate must be for this name.
    ///
    /// # Errors
    /// When rustls refuses the settings.
    pub(crate) fn new(config: &Arc<ClientConfig>, name: ServerName<'static>) -> Result<Tunnel, rustls::Error> {
        Ok(Tunnel { records: Records::new(config, name)? })
    }

    /// Goes on with the handshake: whether it is done.
    ///
    /// # Errors
    /// What the socket says; what TLS does, as `InvalidData` around a [`rustls::Error`]; `UnexpectedEof` when the peer ends.
    pub(crate) fn handshake<S: Read + Write>(&mut self, socket: &mut S) -> io::Result<bool> {
        loop {
            let stands = self.records.advance(&mut []).map_err(|error| self.failed(socket, error))?;
            if stands == Stands::Shaking && unless_blocked(self.hear(socket))?.is_none() {
                return Ok(false);
            }
            if matches!(stands, Stands::Open | Stands::Over) {
                // Our last words leave later if they must: with what is written next.
                unless_blocked(self.send(socket))?;
                return Ok(true);
            }
        }
    }

    /// Reads plain bytes, of one record at most; 0 when the peer has said farewell.
    ///
    /// # Errors
    /// As [`handshake`](Tunnel::handshake); `WouldBlock` when no record lies ready and the socket has nothing more.
    #[inline]
    pub(crate) fn read<S: Read + Write>(&mut self, socket: &mut S, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.records.advance(buf) {
                Ok(Stands::Plain(count)) => return Ok(count),
                Ok(Stands::Open | Stands::Shaking) => self.hear(socket)?,
                Ok(Stands::Over) => return Ok(0),
                Err(error) => return Err(self.failed(socket, error)),
            }
        }
    }

    /// Takes plain bytes, and sends of them what the socket takes now; the rest leaves with the next read, write or flush.
    ///
    /// # Errors
    /// As [`handshake`](Tunnel::handshake); `WouldBlock` while bytes that were taken before wait for the socket.
    pub(crate) fn write<S: Read + Write>(&mut self, socket: &mut S, buf: &[u8]) -> io::Result<usize> {
        // One write's bytes wait at most: whoever writes keeps the others.
        self.send(socket)?;
        let part = &buf[..buf.len().min(WRITE_MAX)];
        self.records.encrypt(part).map_err(|error| self.failed(socket, error))?;
        // They are taken: a broken socket says so at the next call.
        let _ = self.send(socket);
        Ok(part.len())
    }

    /// Sends what waits for the socket.
    ///
    /// # Errors
    /// What the socket says; `WouldBlock` when it does not take all.
    pub(crate) fn flush<S: Read + Write>(&mut self, socket: &mut S) -> io::Result<()> {
        self.send(socket)?;
        socket.flush()
    }

    /// Reads the socket once.
    fn hear<S: Read + Write>(&mut self, socket: &mut S) -> io::Result<()> {
        // The peer may wait for what waits here.
        unless_blocked(self.send(socket))?;
        let room = self.records.room();
        if room.is_empty() {
            return Err(invalid(rustls::Error::General("a handshake message that is too long".to_owned())));
        }
        match unless_interrupted(|| socket.read(room))? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.records.heard(count);
                Ok(())
            }
        }
    }

    fn send<S: Write>(&mut self, socket: &mut S) -> io::Result<()> {
        while !self.records.to_send().is_empty() {
            match unless_interrupted(|| socket.write(self.records.to_send()))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => self.records.sent(count),
            }
        }
        Ok(())
    }

    /// TLS has failed: the peer is told if the socket takes it, and that is all that can be done.
    #[cold]
    fn failed<S: Write>(&mut self, socket: &mut S, error: rustls::Error) -> io::Error {
        let _ = self.send(socket);
        invalid(error)
    }
}

/// As rustls' own streams have it: causes are looked for there.
fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// `None`: not now.
fn unless_blocked(done: io::Result<()>) -> io::Result<Option<()>> {
    match done {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    }
}

fn unless_interrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
