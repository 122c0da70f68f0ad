//! Purpose: a TCP socket that begins to connect, set as a feed wants it: no delay, room for bursts, polled by the kernel.
//! Owns: which settings are tried. Thread: the io thread (cold). Takes and gives: an address in; a socket, and what the
//! system refused, out. Never: blocks; fails for a setting: a socket without it still works, only later.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// How long the kernel polls the device at a read that finds nothing, in microseconds: what its documentation advises
/// (networking/napi, 2026).
#[cfg(target_os = "linux")]
const BUSY_POLL_US: u32 = 50;
/// "The connection is under way", which is no error; Linux, the BSDs.
const EINPROGRESS: [i32; 2] = [115, 36];

/// How sockets are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SocketSettings {
    /// Whether the kernel is to poll the device too, where it can.
    pub(super) busy_poll: bool,
    /// Whether the kernel is asked when it received what is read.
    pub(super) kernel_stamps: bool,
    /// Bytes of the receive buffer; 0 leaves it to the system, which lets it grow as need be.
    pub(super) receive_buffer: usize,
}

/// A setting that is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The option's name.
    pub(super) option: &'static str,
    /// What was found instead.
    pub(super) found: String,
}

/// Begins to connect.
///
/// # Errors
/// When there is no socket, or no way there.
pub(super) fn connect(to: SocketAddr, settings: SocketSettings) -> io::Result<(TcpStream, Vec<Refused>)> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // Before it connects: the window's scale is agreed on with the first packet.
    let refused = set(&socket, settings);
    match socket.connect(&to.into()) {
        Err(error) if !is_under_way(&error) => return Err(error),
        _ => {}
    }
    Ok((TcpStream::from_std(socket.into()), refused))
}

fn is_under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error().is_some_and(|code| EINPROGRESS.contains(&code))
}

/// Sets what is asked for, and looks whether it is in force.
fn set(socket: &Socket, settings: SocketSettings) -> Vec<Refused> {
    let mut refused = Vec::new();
    let mut check = |option, outcome: io::Result<Option<String>>| match outcome {
        Ok(None) => {}
        Ok(Some(found)) => refused.push(Refused { option, found }),
        Err(error) => refused.push(Refused { option, found: error.to_string() }),
    };
    check("TCP_NODELAY", no_delay(socket));
    if settings.receive_buffer > 0 {
        check("SO_RCVBUF", receive_buffer(socket, settings.receive_buffer));
    }
    if settings.busy_poll {
        check("SO_BUSY_POLL", busy_poll(socket));
    }
    if settings.kernel_stamps {
        check("SO_TIMESTAMPNS", kernel_stamps(socket));
    }
    refused
}

fn no_delay(socket: &Socket) -> io::Result<Option<String>> {
    socket.set_tcp_nodelay(true)?;
    Ok((!socket.tcp_nodelay()?).then(|| "it stays off".to_owned()))
}

fn receive_buffer(socket: &Socket, bytes: usize) -> io::Result<Option<String>> {
    socket.set_recv_buffer_size(bytes)?;
    // The kernel doubles it for its own book-keeping, and caps it without a word.
    let found = socket.recv_buffer_size()?;
    Ok((found < bytes).then(|| format!("{found} bytes instead of {bytes}: raise net.core.rmem_max")))
}

#[cfg(target_os = "linux")]
fn busy_poll(socket: &Socket) -> io::Result<Option<String>> {
    socket.set_busy_poll(BUSY_POLL_US)?;
    let found = socket.busy_poll()?;
    Ok((found < BUSY_POLL_US).then(|| format!("{found} µs instead of {BUSY_POLL_US}")))
}

#[cfg(target_os = "linux")]
fn kernel_stamps(socket: &Socket) -> io::Result<Option<String>> {
    Ok((!super::stamped::ask(socket)?).then(|| "it stays off".to_owned()))
}

#[cfg(not(target_os = "linux"))]
fn kernel_stamps(_: &Socket) -> io::Result<Option<String>> {
    Ok(Some("this system has none".to_owned()))
}

#[cfg(not(target_os = "linux"))]
fn busy_poll(_: &Socket) -> io::Result<Option<String>> {
    Ok(Some("this system has none".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_in_force_or_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for settings in [
            SocketSettings::default(),
            SocketSettings { busy_poll: true, kernel_stamps: true, receive_buffer: 64 << 10 },
            SocketSettings { receive_buffer: 1 << 30, ..SocketSettings::default() },
        ] {
            let (tcp, refused) = connect(listener.local_addr().unwrap(), settings).unwrap();
            let told = |option: &str| refused.iter().any(|r| r.option == option);
            let socket = socket2::SockRef::from(&tcp);
            assert!(socket.tcp_nodelay().unwrap() && !told("TCP_NODELAY"));
            let large = socket.recv_buffer_size().unwrap() >= settings.receive_buffer;
            assert_ne!(large, told("SO_RCVBUF"), "{refused:?}");
            #[cfg(target_os = "linux")]
            {
                let polled = socket.busy_poll().unwrap() >= BUSY_POLL_US;
                assert!(!settings.busy_poll || polled != told("SO_BUSY_POLL"), "{refused:?}");
            }
            assert!(settings.busy_poll || !told("SO_BUSY_POLL"));
        }
    }
}
