//! Purpose: names to addresses, away from the io thread: the system's resolver blocks.
//! Owns: the last answer, one look-up under way. Thread: its owner's, and one of its own for each look-up.
//! Takes and gives: a host in, addresses out. Never: blocks its owner; has two look-ups under way.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

/// The addresses of one host.
#[derive(Debug)]
pub(super) struct Resolver {
    host: String,
    port: u16,
    known: Vec<SocketAddr>,
    next: usize,
    asked: Option<Receiver<Vec<SocketAddr>>>,
}

/// What is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Connect there.
    To(SocketAddr),
    /// Ask again later.
    Asking,
    /// The name has no address now.
    Unknown,
}

impl Resolver {
    /// For a host. An address needs no look-up.
    pub(super) fn new(host: &str, port: u16) -> Resolver {
        let known = host.parse::<IpAddr>().map(|ip| vec![SocketAddr::new(ip, port)]).unwrap_or_default();
        Resolver { host: host.to_owned(), port, known, next: 0, asked: None }
    }

    /// An address to try: each in turn, so that one that is dead holds up nobody.
    pub(super) fn next(&mut self) -> Resolved {
        if let Some(asked) = &self.asked {
            match asked.try_recv() {
                Ok(found) => {
                    self.asked = None;
                    // A look-up that fails says nothing about addresses that worked.
                    if !found.is_empty() {
                        self.known = found;
                    }
                }
                Err(TryRecvError::Empty) if self.known.is_empty() => return Resolved::Asking,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.asked = None,
            }
            if self.known.is_empty() && self.asked.is_none() {
                return Resolved::Unknown;
            }
        }
        if self.known.is_empty() {
            self.ask();
            return if self.asked.is_some() { Resolved::Asking } else { Resolved::Unknown };
        }
        self.next = (self.next + 1) % self.known.len();
        Resolved::To(self.known[self.next])
    }

    /// Looks the name up anew: its addresses may have changed. What is known stays in use meanwhile.
    pub(super) fn refresh(&mut self) {
        if self.host.parse::<IpAddr>().is_err() && self.asked.is_none() {
            self.ask();
        }
    }

    fn ask(&mut self) {
        self.asked = look_up(&self.host, self.port);
    }
}

/// Asks the system's resolver, on a thread of its own, which stays until that gives up; no addresses where it knows none. `None` when
/// there is no thread to be had.
pub(super) fn look_up(host: &str, port: u16) -> Option<Receiver<Vec<SocketAddr>>> {
    let (send, receive) = sync_channel(1);
    let host = host.to_owned();
    let look = move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        // Whoever asked may have gone.
        let _ = send.send(found);
    };
    thread::Builder::new().name("resolve".to_owned()).spawn(look).ok().map(|_| receive)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resolver whose look-up came to this.
    fn looked_up(known: &[&str], found: &[&str]) -> Resolver {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let (send, receive) = sync_channel(1);
        send.send(addresses(found)).unwrap();
        Resolver { known: addresses(known), asked: Some(receive), ..Resolver::new("venue.invalid", 443) }
    }

    #[test]
    fn a_look_up_that_fails_takes_nothing_away_and_one_that_does_not_replaces_all() {
        let (old, new) = ("192.0.2.1:443", "192.0.2.2:443");
        for (known, found, expected) in [
            (&[old][..], &[][..], Resolved::To(old.parse().unwrap())),
            (&[old], &[new], Resolved::To(new.parse().unwrap())),
            (&[], &[new], Resolved::To(new.parse().unwrap())),
            (&[], &[], Resolved::Unknown),
        ] {
            assert_eq!(looked_up(known, found).next(), expected, "{known:?}, {found:?}");
        }
    }
}
