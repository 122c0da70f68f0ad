//! Purpose: how many messages one connection may send. The venue cuts a connection that sends more than so many a second
//! (spot 5, USD-M 10), pings, pongs and control messages together (binance.md, sections 2 and 4).
//! Owns: the times of the last messages.
//! Thread: the io thread. Takes and gives: moments. Never: lets control messages take what pongs need.

/// The venue's second, with a margin for the way there: messages may arrive closer together than they left.
const WINDOW_NS: u64 = 1_200_000_000;
/// Messages that are remembered: no venue allows more.
const KEPT: usize = 10;

/// The messages that one connection may send.
#[derive(Clone, Debug)]
pub(crate) struct MessageBudget {
    /// All messages in a window, one below the venue's bound.
    most: usize,
    /// When the last messages left, oldest first, with whether they were pongs.
    sent: [Option<(u64, bool)>; KEPT],
}

impl MessageBudget {
    /// Of a venue that allows so many a second.
    pub(crate) fn new(per_second: usize) -> MessageBudget {
        MessageBudget { most: per_second.clamp(3, KEPT) - 1, sent: [None; KEPT] }
    }

    fn count(&self, now: u64, which: impl Fn(bool) -> bool) -> usize {
        self.sent.iter().flatten().filter(|(at, pong)| now < at.saturating_add(WINDOW_NS) && which(*pong)).count()
    }

    /// Whether a control message may leave.
    pub(crate) fn may_control(&self, now: u64) -> bool {
        // One less than all: the pace that leaves room for pongs.
        self.count(now, |pong| !pong) < self.most - 1 && self.may_pong(now)
    }

    /// Whether a pong may leave.
    pub(crate) fn may_pong(&self, now: u64) -> bool {
        self.count(now, |_| true) < self.most
    }

    /// A control message has left.
    pub(crate) fn sent_control(&mut self, now: u64) {
        self.push(now, false);
    }

    /// A pong has left.
    pub(crate) fn sent_pong(&mut self, now: u64) {
        self.push(now, true);
    }

    fn push(&mut self, now: u64, pong: bool) {
        self.sent.rotate_left(1);
        self.sent[KEPT - 1] = Some((now, pong));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// The most messages that any second of `times` saw.
    fn worst_second(times: &[u64]) -> usize {
        times.iter().map(|t| times.iter().filter(|u| (*t..*t + 1_000 * MS).contains(u)).count()).max().unwrap_or(0)
    }

    #[test]
    fn a_mass_of_messages_leaves_at_the_pace() {
        for (per_second, pace, least) in [(5, 3, 45), (10, 8, 120)] {
            let (mut budget, mut sent) = (MessageBudget::new(per_second), Vec::new());
            for now in (0..20_000).map(|n| n * MS) {
                if budget.may_control(now) {
                    budget.sent_control(now);
                    sent.push(now);
                }
            }
            assert_eq!(worst_second(&sent), pace);
            assert!(sent.len() >= least, "the pace is used: {}", sent.len());
        }
    }

    #[test]
    fn pongs_find_room_beside_control_messages_and_a_flood_of_pings_passes_no_limit() {
        for per_second in [5, 10] {
            let (mut budget, mut sent, mut pongs) = (MessageBudget::new(per_second), Vec::new(), 0);
            for now in (0..20_000).map(|n| n * MS) {
                // Pings every millisecond: pongs are asked for first.
                if budget.may_pong(now) && now % (7 * MS) == 0 {
                    budget.sent_pong(now);
                    pongs += 1;
                    sent.push(now);
                } else if budget.may_control(now) {
                    budget.sent_control(now);
                    sent.push(now);
                }
            }
            assert!(worst_second(&sent) < per_second, "{}", worst_second(&sent));
            assert!(pongs >= 15, "{pongs}");
            let mut quiet = MessageBudget::new(per_second);
            let mut control = 0;
            while quiet.may_control(control) {
                quiet.sent_control(control);
                control += 1;
            }
            assert_eq!(control as usize, per_second - 2);
            assert!(quiet.may_pong(control), "a pong goes beyond the control messages' pace");
        }
    }
}
