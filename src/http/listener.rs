//! Purpose: where connections come from: a TCP port or a Unix socket. Owns: the listening socket, and the file of a Unix one.
//! Thread: the acceptor's. Takes and gives: a place in, sockets out. Never: opens a Unix socket to others, not for a moment;
//! takes the place of a server that lives.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::options::{HttpError, Listen};
use super::socket::Raw;

/// A listening socket.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    pub(super) fn bind(listen: &Listen) -> Result<Listener, HttpError> {
        match listen {
            Listen::Tcp(address) => bind_tcp(*address),
            Listen::Unix(path) => bind_unix(path),
        }
    }

    /// Waits for a connection, `patience` at most.
    pub(super) fn accept(&self, patience: Duration) -> io::Result<Option<Raw>> {
        let fd: BorrowedFd<'_> = match self {
            Listener::Tcp(listener, _) => listener.as_fd(),
            Listener::Unix(listener, _) => listener.as_fd(),
        };
        let patience = Timespec::try_from(patience).unwrap_or_default();
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&patience)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let accepted = match self {
            Listener::Tcp(listener, _) => listener.accept().map(|(socket, _)| Raw::Tcp(socket)),
            Listener::Unix(listener, _) => listener.accept().map(|(socket, _)| Raw::Unix(socket)),
        };
        match accepted {
            Ok(raw) => Ok(Some(raw)),
            // Whoever knocked has gone already.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            // The next server takes a file that is left over for what it is.
            let _ = fs::remove_file(path);
        }
    }
}

fn bind_tcp(address: SocketAddr) -> Result<Listener, HttpError> {
    let fault = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => HttpError::Taken(address.to_string()),
        _ => HttpError::Listen { place: address.to_string(), error },
    };
    let listener = TcpListener::bind(address).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let bound = listener.local_addr().map_err(fault)?;
    Ok(Listener::Tcp(listener, bound))
}

/// Made in a folder that nobody else may enter, closed there, then put in its place.
fn bind_unix(path: &Path) -> Result<Listener, HttpError> {
    let fault = |error: io::Error| HttpError::Listen { place: path.display().to_string(), error };
    make_way(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(fault(io::Error::new(io::ErrorKind::InvalidInput, "this names no file")));
    };
    let private = folder.join(format!(".meltica-{}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&private).map_err(fault)?;
    let hidden = private.join(name);
    let made = UnixListener::bind(&hidden).and_then(|listener| {
        fs::set_permissions(&hidden, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        fs::rename(&hidden, path)?;
        Ok(listener)
    });
    let _ = fs::remove_file(&hidden);
    let _ = fs::remove_dir(&private);
    Ok(Listener::Unix(made.map_err(fault)?, path.to_owned()))
}

/// Nothing is there, or a socket that its server left behind.
fn make_way(path: &Path) -> Result<(), HttpError> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(meta) if !meta.file_type().is_socket() => Err(HttpError::Occupied(path.to_owned())),
        Ok(_) if UnixStream::connect(path).is_ok() => Err(HttpError::Taken(path.display().to_string())),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_is_closed_to_others_and_replaces_only_what_is_dead() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("control.sock");
        let bind = || Listener::bind(&Listen::Unix(path.clone()));
        let first = bind().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(bind(), Err(HttpError::Taken(_))));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing is left beside it");
        drop(first);
        assert!(!path.exists());
        // As a killed server leaves it.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(bind().unwrap());
        fs::write(&path, "mine").unwrap();
        assert!(matches!(bind(), Err(HttpError::Occupied(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_taken_port_is_told_and_port_0_takes_a_free_one() {
        let bind = |port: u16| Listener::bind(&Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], port))));
        let first = bind(0).unwrap();
        let Listener::Tcp(_, address) = &first else { panic!("another kind of socket") };
        assert_ne!(address.port(), 0);
        assert!(matches!(bind(address.port()), Err(HttpError::Taken(_))));
    }
}
