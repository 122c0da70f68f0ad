//! Purpose: the bytes of one connection: TCP, with TLS over it where the endpoint has it.
//! Owns: the socket and the TLS session. Thread: the io thread. Takes and gives: bytes.
//! Never: blocks; reads more than its allowance without a whole message.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Stream};

use super::stamped::Stamped;

/// The mark of an allowance that is used up.
#[derive(Debug, thiserror::Error)]
#[error("more bytes than allowed without a whole message")]
pub(super) struct Exhausted;

/// One connection's bytes.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: Stamped,
    tls: Option<Box<ClientConnection>>,
    allowance: usize,
    /// The last write did not take all: bytes of ours wait above.
    clogged: bool,
    /// What is written goes nowhere.
    muted: bool,
}

impl Wire {
    /// Over a TCP connection that stands.
    pub(super) const fn new(tcp: Stamped) -> Wire {
        Wire { tcp, tls: None, allowance: 0, clogged: false, muted: false }
    }

    /// Begins TLS.
    pub(super) fn secure(
        &mut self,
        config: &Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<(), rustls::Error> {
        self.tls = Some(Box::new(ClientConnection::new(Arc::clone(config), name)?));
        Ok(())
    }

    /// Goes on with the TLS handshake: whether it is done. Not one byte of ours leaves before the certificate is verified.
    ///
    /// # Errors
    /// What the socket or TLS says; `UnexpectedEof` when the peer ends.
    pub(super) fn handshake(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        while tls.is_handshaking() {
            match tls.complete_io(&mut self.tcp) {
                Ok((0, 0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// How many bytes may be read from now on.
    #[inline]
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    /// Throws away what is written from now on; false, and nothing is, while earlier bytes wait to be written.
    pub(super) const fn mute(&mut self) -> bool {
        self.muted = !self.clogged;
        self.muted
    }

    /// Ends that.
    pub(super) const fn unmute(&mut self) {
        self.muted = false;
    }

    /// The socket, to be registered.
    pub(super) const fn socket(&mut self) -> &mut TcpStream {
        self.tcp.socket()
    }

    /// The kernel's stamp of the last read from the socket ([`Stamped::take_stamp`]).
    #[inline]
    pub(super) const fn take_stamp(&mut self) -> Option<i64> {
        self.tcp.take_stamp()
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut self.tcp).read(buf)?,
            None => self.tcp.read(buf)?,
        };
        self.allowance = self.allowance.checked_sub(read).ok_or_else(|| io::Error::other(Exhausted))?;
        Ok(read)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.muted {
            return Ok(buf.len());
        }
        let wrote = match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut self.tcp).write(buf),
            None => self.tcp.write(buf),
        };
        self.clogged = !matches!(wrote, Ok(count) if count == buf.len());
        wrote
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => Stream::new(&mut **tls, &mut self.tcp).flush(),
            None => self.tcp.flush(),
        }
    }
}
