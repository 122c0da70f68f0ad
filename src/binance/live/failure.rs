//! Purpose: errors of sockets, TLS and WebSocket as causes. Owns: which is which. Thread: the io thread (cold).
//! Takes and gives: errors. Never: calls an unfinished stream a clean end.

use std::io::{Error, ErrorKind};

use tungstenite::error::{Error as WsError, ProtocolError};

use super::cause::Cause;
use super::framing::Refusal;
use super::tls;
use super::wire::Exhausted;

/// Linux and the BSDs: the process, the system has no descriptor left.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;

/// Whether the error only says "not now".
#[inline]
pub(super) fn would_block(error: &WsError) -> bool {
    matches!(error, WsError::Io(io) if io.kind() == ErrorKind::WouldBlock)
}

/// Of a socket, or of TLS over it.
pub(super) fn of_io(error: &Error) -> Cause {
    if let Some(cause) = tls::cause_of(error) {
        return cause;
    }
    if error.get_ref().is_some_and(|inner| inner.is::<Exhausted>()) {
        return Cause::TooLong;
    }
    if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) {
        return Cause::NoDescriptor;
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Cause::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => Cause::Unreachable,
        ErrorKind::TimedOut => Cause::ConnectTimeout,
        _ => Cause::Reset,
    }
}

/// Of the upgrade.
pub(super) fn of_upgrade(error: &WsError) -> Cause {
    match error {
        WsError::Http(response) => Cause::Http(response.status().as_u16()),
        WsError::Io(io) => match of_io(io) {
            Cause::TooLong => Cause::LongHeaders,
            cause => cause,
        },
        WsError::AttackAttempt | WsError::Capacity(_) => Cause::LongHeaders,
        WsError::Protocol(ProtocolError::HandshakeIncomplete) => Cause::Reset,
        _ => Cause::BadUpgrade,
    }
}

/// Of an open connection.
pub(super) fn of_open(error: &WsError) -> Cause {
    match error {
        WsError::Io(io) => of_io(io),
        WsError::ConnectionClosed | WsError::AlreadyClosed => Cause::Closed(1000),
        WsError::Capacity(_) => Cause::TooLong,
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Cause::Reset,
        _ => Cause::Protocol,
    }
}

/// Of what our own framer does not take.
pub(super) const fn of_refusal(refusal: Refusal) -> Cause {
    match refusal {
        Refusal::Protocol | Refusal::Utf8 => Cause::Protocol,
        Refusal::TooLong => Cause::TooLong,
    }
}
