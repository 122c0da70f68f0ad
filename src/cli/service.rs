//! Purpose: tells the manager of the service (systemd) how it goes, by its protocol: datagrams of `KEY=value` lines to the
//! socket that `NOTIFY_SOCKET` names (sd_notify(3)). Owns: the socket, when what was told. Thread: main.
//! Takes and gives: the state of a run in. Never: waits for the manager; fails a run that it cannot tell of.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::{Duration, Instant};

use super::log::visible;

/// Between two lines about how it goes.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// The manager, if there is one.
#[derive(Debug, Default)]
pub(super) struct Service {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Watchdog>,
    ready: bool,
    status: String,
    status_at: Option<Instant>,
}

impl Service {
    /// As the environment has it. `pid` is ours: a watchdog that another process is to feed is not ours.
    pub(super) fn of_environment(pid: u32) -> Service {
        let variable = |name| std::env::var_os(name);
        Service::of(
            variable("NOTIFY_SOCKET").as_deref(),
            variable("WATCHDOG_USEC").as_deref().and_then(OsStr::to_str),
            variable("WATCHDOG_PID").as_deref().and_then(OsStr::to_str),
            pid,
        )
    }

    fn of(socket: Option<&OsStr>, watchdog_usec: Option<&str>, watchdog_pid: Option<&str>, pid: u32) -> Service {
        let socket = socket.and_then(|name| open(name).ok());
        let ours = watchdog_pid.is_none_or(|text| text.parse() == Ok(pid));
        let within = watchdog_usec.and_then(|text| text.parse().ok()).filter(|usec| *usec > 0 && ours);
        let watchdog = within.map(|usec| Watchdog::new(Duration::from_micros(usec) / 2));
        Service { watchdog: watchdog.filter(|_| socket.is_some()), socket, ..Service::default() }
    }

    /// Whether anybody is told.
    pub(super) const fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// The feed is ready: told once.
    pub(super) fn ready(&mut self) {
        if !core::mem::replace(&mut self.ready, true) {
            self.send("READY=1");
        }
    }

    /// How it goes, in words: told when it is something new, and not too often.
    pub(super) fn status(&mut self, words: &str) {
        if self.status_at.is_some_and(|at| at.elapsed() < STATUS_EVERY) || self.status == words {
            return;
        }
        self.status_at = Some(Instant::now());
        words.clone_into(&mut self.status);
        self.send(&format!("STATUS={}", visible(words)));
    }

    /// The run ends.
    pub(super) fn stopping(&mut self) {
        self.send("STOPPING=1\nSTATUS=stopping");
    }

    /// Feeds the watchdog when it is time, if every thread has turned since it was fed. `cycles` are the threads' duty
    /// cycles so far.
    pub(super) fn feed(&mut self, cycles: impl FnOnce() -> Vec<u64>) {
        if self.watchdog.as_mut().is_some_and(|watchdog| watchdog.is_due(Instant::now(), cycles)) {
            self.send("WATCHDOG=1");
        }
    }

    fn send(&self, text: &str) {
        if let Some((socket, to)) = &self.socket {
            // A manager that does not read is no reason to stop, nor one that has gone.
            let _ = socket.send_to_addr(text.as_bytes(), to);
        }
    }
}

/// A path, or a name in the abstract space when it begins with `@`.
fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let to = match name.as_bytes() {
        [b'@', rest @ ..] => abstract_name(rest)?,
        [b'/', ..] => SocketAddr::from_pathname(Path::new(name))?,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, to))
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// When the manager's watchdog is fed.
#[derive(Debug)]
struct Watchdog {
    every: Duration,
    fed: Option<Instant>,
    cycles: Vec<u64>,
}

impl Watchdog {
    const fn new(every: Duration) -> Watchdog {
        Watchdog { every, fed: None, cycles: Vec::new() }
    }

    /// Whether it is to be fed now. A thread that stands still keeps it hungry until it turns again.
    fn is_due(&mut self, now: Instant, cycles: impl FnOnce() -> Vec<u64>) -> bool {
        if self.fed.is_some_and(|fed| now.saturating_duration_since(fed) < self.every) {
            return false;
        }
        let cycles = cycles();
        let stands =
            cycles.len() == self.cycles.len() && cycles.iter().zip(&self.cycles).any(|(now, then)| now == then);
        if stands {
            return false;
        }
        (self.fed, self.cycles) = (Some(now), cycles);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4_096];
        std::iter::from_fn(|| {
            let count = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..count].to_vec()).unwrap())
        })
        .collect()
    }

    #[test]
    fn a_manager_is_told_by_a_path_and_by_an_abstract_name() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("notify");
        let mut places = vec![(UnixDatagram::bind(&path).unwrap(), path.into_os_string())];
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::SocketAddrExt;
            let name = format!("meltica-test-{}", std::process::id());
            let address = SocketAddr::from_abstract_name(&name).unwrap();
            places.push((UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}").into()));
        }
        for (socket, name) in places {
            let mut service = Service::of(Some(&name), None, None, 1);
            assert!(service.is_there());
            service.status("books 1/2 Good\nREADY=1");
            service.status("too soon");
            service.ready();
            service.ready();
            service.feed(|| panic!("nobody watches"));
            service.stopping();
            let told = heard(&socket);
            assert_eq!(told, ["STATUS=books 1/2 Good\\nREADY=1", "READY=1", "STOPPING=1\nSTATUS=stopping"]);
        }
    }

    #[test]
    fn without_a_manager_nothing_is_told_and_nothing_fails() {
        for name in [None, Some(""), Some("relative"), Some("@"), Some("/nowhere/at/all"), Some("vsock:2:1")] {
            let mut service = Service::of(name.map(OsStr::new), Some("1000"), None, 1);
            service.ready();
            service.status("x");
            service.feed(|| vec![1]);
            service.stopping();
        }
        assert!(!Service::of(None, Some("1000"), None, 1).is_there());
    }

    #[test]
    fn a_watchdog_of_another_process_or_of_no_time_is_not_fed() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        for (usec, pid, fed) in
            [("1000", None, 1), ("1000", Some("7"), 1), ("1000", Some("8"), 0), ("0", None, 0), ("x", None, 0)]
        {
            let mut service = Service::of(Some(path.as_os_str()), Some(usec), pid, 7);
            service.feed(|| vec![1]);
            assert_eq!(heard(&socket).len(), fed, "{usec} {pid:?}");
        }
    }

    #[test]
    fn a_thread_that_stands_still_keeps_the_watchdog_hungry() {
        let mut watchdog = Watchdog::new(Duration::from_secs(1));
        let start = Instant::now();
        let table: [(u64, &[u64], bool); 7] = [
            (0, &[5, 5], true),
            (500, &[9, 9], false), // too soon
            (1_000, &[9, 9], true),
            (2_000, &[9, 12], false), // the first stands still
            (2_100, &[9, 13], false),
            (2_200, &[10, 14], true),
            (3_200, &[], true), // stepped: this thread is all there is
        ];
        for (ms, cycles, due) in table {
            assert_eq!(watchdog.is_due(start + Duration::from_millis(ms), || cycles.to_vec()), due, "at {ms} ms");
        }
    }
}
