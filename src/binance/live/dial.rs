//! Purpose: opens connections: an address to try, an attempt of the budget, a socket.
//! Owns: the resolver, what connections are given along. Thread: the io thread (cold); the budget is shared by all of them.
//! Takes and gives: a leg in, its connection's slot out. Never: blocks; passes the budget of attempts.

use std::net::SocketAddr;

use super::backoff::Jitter;
use super::board::Board;
use super::cause::Cause;
use super::connection::ConnectionPlan;
use super::failure;
use super::leg::Leg;
use super::legs::LegLimits;
use super::limits::{Attempts, MessageBudget};
use super::note::Note;
use super::resolve::{Resolved, Resolver};
use super::session::Session;
use super::slots::Slots;
use super::socket::{self, SocketSettings};
use super::subscription::Subscriptions;
use crate::telemetry::{Counter, Counts};

/// Which part of its age a connection may be replaced early, at most: half an hour of 23.
const AGE_JITTER: u64 = 46;
/// How soon a look-up that is under way is asked about again.
const RESOLVE_NS: u64 = 5_000_000;

/// What dialling came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialled {
    /// A connection is under way in the leg's slot.
    Begun(SocketAddr),
    /// The address is being looked up.
    Asking,
    /// As many attempts were made as may be: so many seconds.
    Waits(u64),
    /// It could not even begin.
    Failed(Cause),
}

/// Opens connections.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) limits: LegLimits,
    pub(super) resolver: Resolver,
    pub(super) attempts: Attempts,
    pub(super) settings: SocketSettings,
    /// Whether a connection carries one stream, which its URL names.
    pub(super) raw: bool,
    /// Whether changes of streams are told.
    pub(super) followed: bool,
}

impl Dial {
    /// Opens a connection for a leg.
    pub(super) fn open(
        &mut self,
        leg: &mut Leg,
        slots: &mut Slots,
        board: &Board,
        counts: &mut Counts,
        now: u64,
    ) -> Dialled {
        let free = self.attempts.next(now);
        if free > now {
            return waits(leg, free, now);
        }
        let to = match self.resolver.next() {
            Resolved::To(address) => address,
            Resolved::Unknown => return Dialled::Failed(Cause::Unresolved),
            Resolved::Asking => {
                let since = *leg.resolving.get_or_insert(now);
                if now - since >= self.limits.session.connect_ns {
                    return Dialled::Failed(Cause::Unresolved);
                }
                leg.retry_at = now + RESOLVE_NS;
                return Dialled::Asking;
            }
        };
        // Another io thread may have taken the last one meanwhile.
        if let Err(free) = self.attempts.take(now) {
            return waits(leg, free, now);
        }
        counts.add(Counter::ConnectAttempts, 1);
        let (tcp, refused) = match socket::connect(to, self.settings) {
            Ok(begun) => begun,
            Err(error) => return Dialled::Failed(failure::of_io(&error)),
        };
        for socket::Refused { option, found } in refused {
            board.note_once(option, Note::SocketOption { option, found });
        }
        match slots.open(tcp, self.plan(leg, now)) {
            Ok(slot) => {
                leg.opens(slot);
                Dialled::Begun(to)
            }
            Err(cause) => Dialled::Failed(cause),
        }
    }

    fn subscriptions(&self) -> Subscriptions {
        let subscriptions = Subscriptions::new(self.limits.first_frame_ns);
        if self.followed { subscriptions.followed() } else { subscriptions }
    }

    fn plan(&self, leg: &Leg, now: u64) -> ConnectionPlan {
        let mut limits = self.limits.session;
        limits.stall_ns = leg.stall_ns(limits.stall_ns);
        // Connections that were opened together are not replaced together (faults.md F24).
        let seed = self.limits.seed ^ (leg.place.number as u64) << 32 ^ leg.opened;
        limits.age_ns -= Jitter::new(seed).between(0, limits.age_ns / AGE_JITTER);
        ConnectionPlan {
            door: leg.place.door,
            stream: leg.names.first().filter(|_| self.raw).cloned(),
            session: Session::new(limits, now),
            subscriptions: self.subscriptions(),
            messages: MessageBudget::new(self.limits.messages_per_second),
            kernel_stamps: self.settings.kernel_stamps,
        }
    }
}

fn waits(leg: &mut Leg, free: u64, now: u64) -> Dialled {
    leg.retry_at = free;
    Dialled::Waits((free - now) / 1_000_000_000)
}
