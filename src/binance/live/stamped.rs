//! Purpose: a TCP socket whose reads bring the kernel's receive stamp with them, where the kernel gives one.
//! Owns: the socket, the stamp of its last read. Thread: the io thread. Takes and gives: bytes; wall-clock ns.
//! Never: blocks; keeps a stamp over the next read; asks for stamps where they are switched off.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

/// A socket, with stamps or without.
#[derive(Debug)]
pub(super) struct Stamped {
    tcp: TcpStream,
    /// Room for what comes beside the bytes; `None`: reads are plain ones.
    beside: Option<Vec<u8>>,
    /// Of the last read that brought bytes.
    stamp: Option<i64>,
}

impl Stamped {
    /// Over a socket; `stamps` when it was asked to give them.
    pub(super) fn new(tcp: TcpStream, stamps: bool) -> Stamped {
        Stamped { tcp, beside: stamps.then(system::room), stamp: None }
    }

    /// When the kernel received the last packet of the last read, by the system's wall clock, UTC ns. Told once: the next frame
    /// of the same read has none.
    #[inline]
    pub(super) const fn take_stamp(&mut self) -> Option<i64> {
        self.stamp.take()
    }

    /// The socket itself.
    pub(super) const fn socket(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }
}

impl Read for Stamped {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.beside {
            None => self.tcp.read(buf),
            Some(beside) => {
                let (read, stamp) = system::read(&self.tcp, buf, beside)?;
                self.stamp = stamp;
                Ok(read)
            }
        }
    }
}

impl Write for Stamped {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.tcp.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

#[cfg(target_os = "linux")]
pub(super) use system::ask;

#[cfg(target_os = "linux")]
mod system {
    use std::io::{self, IoSliceMut};
    use std::os::fd::{AsFd, AsRawFd};

    use mio::net::TcpStream;
    use nix::sys::socket::sockopt::ReceiveTimestampns;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, getsockopt, recvmsg, setsockopt};
    use nix::sys::time::TimeSpec;

    /// Room for one stamp.
    pub(super) fn room() -> Vec<u8> {
        nix::cmsg_space!(TimeSpec)
    }

    /// Asks the kernel for stamps; whether it gives them.
    pub(in super::super) fn ask(socket: &impl AsFd) -> io::Result<bool> {
        setsockopt(socket, ReceiveTimestampns, &true)?;
        Ok(getsockopt(socket, ReceiveTimestampns)?)
    }

    /// Reads bytes and, where there is one, their stamp.
    #[inline]
    pub(super) fn read(tcp: &TcpStream, buf: &mut [u8], beside: &mut [u8]) -> io::Result<(usize, Option<i64>)> {
        tcp.try_io(|| {
            let mut into = [IoSliceMut::new(buf)];
            let got = recvmsg::<()>(tcp.as_raw_fd(), &mut into, Some(beside), MsgFlags::empty())?;
            // Cut off, or another message than was asked for: no stamp.
            let stamp = got.cmsgs().ok().and_then(|mut messages| messages.find_map(stamp_of));
            Ok((got.bytes, stamp))
        })
    }

    fn stamp_of(message: ControlMessageOwned) -> Option<i64> {
        let ControlMessageOwned::ScmTimestampns(at) = message else { return None };
        // The kernel leaves it zero where it has none.
        let ns = at.tv_sec().checked_mul(1_000_000_000)?.checked_add(at.tv_nsec())?;
        (ns > 0).then_some(ns)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io::{self, Read};

    use mio::net::TcpStream;

    /// None is needed.
    pub(super) fn room() -> Vec<u8> {
        Vec::new()
    }

    /// Reads bytes; this system has no stamps.
    pub(super) fn read(mut tcp: &TcpStream, buf: &mut [u8], _: &mut [u8]) -> io::Result<(usize, Option<i64>)> {
        tcp.read(buf).map(|read| (read, None))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::super::socket::{SocketSettings, connect};
    use super::*;

    /// A pair over the loopback; ours with stamps if asked for. Whether the kernel gives them.
    fn pair(kernel_stamps: bool) -> (Stamped, std::net::TcpStream, bool) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = SocketSettings { kernel_stamps, ..SocketSettings::default() };
        let (tcp, refused) = connect(listener.local_addr().unwrap(), settings).unwrap();
        let gives = kernel_stamps && refused.iter().all(|refused| refused.option != "SO_TIMESTAMPNS");
        (Stamped::new(tcp, kernel_stamps), listener.accept().unwrap().0, gives)
    }

    /// Reads until something came.
    fn read(socket: &mut Stamped, buf: &mut [u8]) -> usize {
        let since = Instant::now();
        loop {
            match socket.read(buf) {
                Ok(read) => return read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            assert!(since.elapsed() < Duration::from_secs(60), "nothing comes");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn wall() -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64
    }

    #[test]
    fn a_stamp_comes_with_its_read_lies_before_it_and_is_told_once() {
        let (mut ours, mut theirs, gives) = pair(true);
        let mut buf = [0; 64];
        assert_eq!(ours.take_stamp(), None, "nothing was read");
        // The kernel begins to stamp by work that it does beside: what comes at once may have none.
        let (begun, mut stamps) = (Instant::now(), !gives);
        while !stamps {
            theirs.write_all(b"x").unwrap();
            assert_eq!(read(&mut ours, &mut buf[..1]), 1);
            stamps = ours.take_stamp().is_some();
            assert!(begun.elapsed() < Duration::from_secs(30), "a kernel that took the option gives stamps");
        }
        let mut last = wall();
        for _ in 0..3 {
            theirs.write_all(b"twice eight bytes").unwrap();
            assert_eq!(read(&mut ours, &mut buf[..8]), 8);
            let now = wall();
            let stamp = ours.take_stamp();
            assert_eq!(stamp.is_some(), gives, "a kernel that took the option gives stamps");
            if let Some(stamp) = stamp {
                // Wall clocks may be set: by a little.
                assert!((last - 1_000_000..=now + 1_000_000).contains(&stamp), "{last} {stamp} {now}");
            }
            assert_eq!(ours.take_stamp(), None);
            // The rest of it is another read, with a stamp of its own; one that was not taken does not outlive the next.
            assert_eq!(read(&mut ours, &mut buf), 9);
            last = now;
        }
        drop(theirs);
        assert_eq!(read(&mut ours, &mut buf), 0);
        assert_eq!(ours.take_stamp(), None, "the end has no stamp, and takes that of the read before it along");
    }

    #[test]
    fn switched_off_there_is_none() {
        let (mut ours, mut theirs, gives) = pair(false);
        theirs.write_all(b"bytes").unwrap();
        assert_eq!(read(&mut ours, &mut [0; 8]), 5);
        assert!(!gives && ours.take_stamp().is_none());
    }
}
