//! Purpose: who presented wrong tokens too often. Owns: the moments of the last failures of each peer.
//! Thread: any, behind a lock (cold). Takes and gives: peers and the time. Never: grows past its bound; reads a clock.

use std::net::IpAddr;

/// Failures within [`WINDOW_NS`] after which a peer is asked to wait (faults.md, S02).
pub(super) const FAILURES_MAX: usize = 10;
/// One minute.
pub(super) const WINDOW_NS: u64 = 60_000_000_000;
/// Peers remembered; of more, the one whose last failure is the oldest is forgotten.
const PEERS_MAX: usize = 256;

/// Where a request comes from: an address, or this machine's Unix socket.
pub(super) type Peer = Option<IpAddr>;

#[derive(Debug)]
struct Row {
    peer: Peer,
    /// In order of time, the newest last.
    moments: Vec<u64>,
}

/// The failures of the last minute.
#[derive(Debug, Default)]
pub(super) struct Failures {
    rows: Vec<Row>,
}

impl Failures {
    /// How many ns a peer has to wait; `None`: not at all.
    pub(super) fn wait_ns(&self, peer: Peer, now_ns: u64) -> Option<u64> {
        let row = self.rows.iter().find(|row| row.peer == peer)?;
        let oldest = *row.moments.get(row.moments.len().checked_sub(FAILURES_MAX)?)?;
        (oldest + WINDOW_NS).checked_sub(now_ns).filter(|wait| *wait > 0)
    }

    /// Takes note of a failure. Whether it was the last one allowed.
    pub(super) fn note(&mut self, peer: Peer, now_ns: u64) -> bool {
        let at = self.rows.iter().position(|row| row.peer == peer).unwrap_or_else(|| self.place(peer));
        let moments = &mut self.rows[at].moments;
        moments.retain(|moment| moment + WINDOW_NS > now_ns);
        moments.push(now_ns);
        moments.len() == FAILURES_MAX
    }

    fn place(&mut self, peer: Peer) -> usize {
        let row = Row { peer, moments: Vec::with_capacity(FAILURES_MAX) };
        if self.rows.len() < PEERS_MAX {
            self.rows.push(row);
            return self.rows.len() - 1;
        }
        let last = |row: &Row| row.moments.last().copied();
        let oldest = (0..self.rows.len()).min_by_key(|at| last(&self.rows[*at])).unwrap_or(0);
        self.rows[oldest] = row;
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn ten_failures_within_a_minute_make_a_peer_wait_and_nobody_else() {
        let mut failures = Failures::default();
        let (peer, other) = (Some(IpAddr::from([10, 0, 0, 1])), None);
        for second in 0..10 {
            assert_eq!(failures.wait_ns(peer, second * SECOND), None);
            assert_eq!(failures.note(peer, second * SECOND), second == 9);
        }
        assert_eq!(failures.wait_ns(peer, 10 * SECOND), Some(50 * SECOND));
        assert_eq!(failures.wait_ns(other, 10 * SECOND), None);
        assert_eq!(failures.wait_ns(peer, 60 * SECOND), None, "the first is forgotten");
        assert!(failures.note(peer, 60 * SECOND));
        assert_eq!(failures.wait_ns(peer, 60 * SECOND), Some(SECOND), "and the second counts");
    }

    #[test]
    fn many_peers_take_bounded_room_and_the_oldest_is_forgotten() {
        let mut failures = Failures::default();
        let peer = |at: u32| Some(IpAddr::from(at.to_be_bytes()));
        for at in 0..PEERS_MAX as u32 + 50 {
            (0..10).for_each(|_| _ = failures.note(peer(at), u64::from(at)));
        }
        assert_eq!(failures.rows.len(), PEERS_MAX);
        assert_eq!(failures.wait_ns(peer(0), 1_000), None);
        assert!(failures.wait_ns(peer(PEERS_MAX as u32 + 49), 1_000).is_some());
    }
}
