//! Purpose: the client's half of TLS without a socket: records that came → plain bytes, plain bytes → records to be sent.
//! Owns: rustls' unbuffered connection; bytes that came and are not decrypted; those of ours that wait to be sent. Thread: the io
//! thread. Takes and gives: bytes. Never: touches a socket; keeps more of the peer's than one buffer; goes on after a fault.
//!
//! Names nothing of the crate: the benches compile this file by its path.

use core::fmt;
use core::ops::Range;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus};
use rustls::{ClientConfig, Error};

/// Bytes that came and are kept, at most: a handshake message must lie there whole, and rustls takes none that is longer.
const CAME_MAX: usize = 64 << 10;

/// Where the connection stands when all is done that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// So many plain bytes were put into the room; there may be more. None only where there was no room.
    Plain(usize),
    /// The handshake waits for bytes of the peer's.
    Shaking,
    /// Bytes may be sent, and must come before any can be read.
    Open,
    /// The peer has said that no more will come. Bytes may still be sent.
    Over,
}

/// One connection's records.
pub(crate) struct Records {
    conn: UnbufferedClientConnection,
    came: Box<[u8]>,
    /// Of what came, the part that rustls may still want, plain or not: it looks for it where it saw it last, from the front.
    waits: Range<usize>,
    /// Records of ours, and how many bytes of them were sent.
    ours: Vec<u8>,
    sent: usize,
    /// Plain bytes for which there was no room, and how many of them were taken since. The socket is not
    /// read before all are, so what one buffer holds is the most.
    spare: Vec<u8>,
    taken: usize,
    over: bool,
    fault: Option<Error>,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Records { waits, over, fault, .. } = self;
        f.debug_struct("Records")
            .field("waits", waits)
            .field("over", over)
            .field("fault", fault)
            .finish_non_exhaustive()
    }
}

impl Records {
    /// Begins a handshake with a peer that must have this name.
    ///
    /// # Errors
    /// When rustls refuses the settings.
    pub(crate) fn new(config: &Arc<ClientConfig>, name: ServerName<'static>) -> Result<Records, Error> {
        Ok(Records {
            conn: UnbufferedClientConnection::new(Arc::clone(config), name)?,
            came: vec![0; CAME_MAX].into_boxed_slice(),
            waits: 0..0,
            ours: Vec::new(),
            sent: 0,
            spare: Vec::new(),
            taken: 0,
            over: false,
            fault: None,
        })
    }

    /// Room for bytes of the peer's; empty when a handshake message is too long for it.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.waits.start > 0 {
            self.came.copy_within(self.waits.clone(), 0);
            self.waits = 0..self.waits.len();
        }
        &mut self.came[self.waits.end..]
    }

    /// So many bytes were put at the front of the [`room`](Records::room).
    pub(crate) fn heard(&mut self, bytes: usize) {
        self.waits.end = (self.waits.end + bytes).min(self.came.len());
    }

    /// Records of ours that are to be sent.
    pub(crate) fn to_send(&self) -> &[u8] {
        &self.ours[self.sent..]
    }

    /// So many bytes of them were.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent >= self.ours.len() {
            self.ours.clear();
            self.sent = 0;
        }
    }

    /// Goes on with what came, by one record of plain bytes at most: what is told here is with its reader before the next is decrypted.
    ///
    /// # Errors
    /// What the peer did wrong, behind all that came before it, and from then on again. An alert may wait to be sent.
    pub(crate) fn advance(&mut self, room: &mut [u8]) -> Result<Stands, Error> {
        if !self.spare.is_empty() && !room.is_empty() {
            return Ok(Stands::Plain(self.take_spare(room)));
        }
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        loop {
            match self.step(room) {
                Ok(None) => {}
                Ok(Some(stands)) => return Ok(stands),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Does what rustls has next; `None` when there may be more.
    fn step(&mut self, room: &mut [u8]) -> Result<Option<Stands>, Error> {
        let came = &mut self.came[self.waits.clone()];
        let UnbufferedStatus { mut discard, state } = self.conn.process_tls_records(came);
        let done = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => match traffic.next_record() {
                Some(Ok(record)) => {
                    discard += record.discard;
                    let (now, later) = record.payload.split_at(record.payload.len().min(room.len()));
                    room[..now.len()].copy_from_slice(now);
                    self.spare.extend_from_slice(later);
                    Ok(Some(Stands::Plain(now.len())))
                }
                Some(Err(error)) => Err(error),
                None => Ok(None),
            },
            Ok(ConnectionState::WriteTraffic(_)) if !self.over => Ok(Some(Stands::Open)),
            Ok(ConnectionState::WriteTraffic(_) | ConnectionState::Closed) => Ok(Some(Stands::Over)),
            Ok(ConnectionState::BlockedHandshake) => Ok(Some(Stands::Shaking)),
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                append(&mut self.ours, |room| data.encode(room).map_err(of_encoding)).map(|()| None)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                // They lie with ours, in their order, and leave when the socket takes them.
                data.done();
                Ok(None)
            }
            Ok(ConnectionState::PeerClosed) => {
                // Told once: from then on rustls looks at nothing that comes.
                self.over = true;
                Ok(None)
            }
            // Early data, which a client is sent none of.
            Ok(_) => Err(Error::General("a state that no client has".to_owned())),
            Err(error) => Err(error),
        };
        self.waits.start += discard;
        done
    }

    /// Encrypts bytes, to be sent. What came is decrypted first, and kept for its reader: rustls lets nothing be written before.
    ///
    /// # Errors
    /// As [`advance`](Records::advance); [`Error::HandshakeNotComplete`] before the handshake is done, which is no fault.
    pub(crate) fn encrypt(&mut self, plain: &[u8]) -> Result<(), Error> {
        loop {
            match self.advance(&mut [])? {
                Stands::Plain(_) => {}
                Stands::Shaking => return Err(Error::HandshakeNotComplete),
                Stands::Open | Stands::Over => break,
            }
        }
        let came = &mut self.came[self.waits.clone()];
        let UnbufferedStatus { discard, state } = self.conn.process_tls_records(came);
        let encrypted = match state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                append(&mut self.ours, |room| traffic.encrypt(plain, room).map_err(of_encryption))
            }
            // Both ends have said farewell.
            _ => Err(Error::EncryptError),
        };
        self.waits.start += discard;
        encrypted.map_err(|error| self.fail(error))
    }

    #[cold]
    fn take_spare(&mut self, room: &mut [u8]) -> usize {
        let rest = &self.spare[self.taken..];
        let count = rest.len().min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        if self.taken == self.spare.len() {
            self.spare.clear();
            self.taken = 0;
        }
        count
    }

    /// Keeps the fault, and the alert that rustls has for it.
    #[cold]
    fn fail(&mut self, error: Error) -> Error {
        while self.conn.wants_write() {
            // Without what came: it was judged, and is not to be judged again.
            let Ok(ConnectionState::EncodeTlsData(mut data)) = self.conn.process_tls_records(&mut []).state else {
                break;
            };
            if append(&mut self.ours, |room| data.encode(room).map_err(of_encoding)).is_err() {
                break;
            }
        }
        self.fault.insert(error).clone()
    }
}

/// How many bytes of room are needed, where that is what is wrong.
type Lack = Option<usize>;

fn of_encoding(error: EncodeError) -> Lack {
    match error {
        EncodeError::InsufficientSize(InsufficientSizeError { required_size }) => Some(required_size),
        EncodeError::AlreadyEncoded => None,
    }
}

fn of_encryption(error: EncryptError) -> Lack {
    match error {
        EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => Some(required_size),
        EncryptError::EncryptExhausted => None,
    }
}

/// Puts behind the others what is made in the room that it is found to need.
fn append(ours: &mut Vec<u8>, mut make: impl FnMut(&mut [u8]) -> Result<usize, Lack>) -> Result<(), Error> {
    let before = ours.len();
    let made = match make(&mut []) {
        Err(Some(required)) => {
            ours.resize(before + required, 0);
            make(&mut ours[before..])
        }
        other => other,
    };
    ours.truncate(before + made.unwrap_or(0));
    made.map(|_| ()).map_err(|_| Error::EncryptError)
}
