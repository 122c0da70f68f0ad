//! Purpose: the life of one connection: its phases, their deadlines, silence, old age.
//! Owns: the phase and when it began. Thread: the io thread. Takes and gives: moments of the one clock, in ns.
//! Never: reads a clock, touches a socket.

use super::cause::Cause;

/// Bounds on a connection's life, in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionLimits {
    /// TCP.
    pub(super) connect_ns: u64,
    /// TLS.
    pub(super) tls_ns: u64,
    /// The upgrade to WebSocket.
    pub(super) upgrade_ns: u64,
    /// The farewell.
    pub(super) close_ns: u64,
    /// Silence of one whose streams spoke before.
    pub(super) stall_ns: u64,
    /// Silence of any, pings included.
    pub(super) silence_ns: u64,
    /// Age at which a successor is opened; the venue cuts at 24 h.
    pub(super) age_ns: u64,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// TCP is being set up.
    Connecting,
    /// TLS is.
    Securing,
    /// WebSocket is.
    Upgrading,
    /// Frames may come.
    Open,
    /// We have said farewell.
    Closing,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Fine,
    /// End it.
    End(Cause),
    /// Open a successor; told once.
    Replace,
}

/// One connection's life.
#[derive(Clone, Debug)]
pub(super) struct Session {
    limits: SessionLimits,
    phase: Phase,
    since: u64,
    heard: u64,
    replace: bool,
    told: bool,
}

impl Session {
    /// Begins to connect.
    pub(super) const fn new(limits: SessionLimits, now: u64) -> Session {
        Session { limits, phase: Phase::Connecting, since: now, heard: now, replace: false, told: false }
    }

    /// Where it stands.
    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Since when.
    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    /// It has come further.
    pub(super) const fn enter(&mut self, phase: Phase, now: u64) {
        self.phase = phase;
        self.since = now;
        self.heard = now;
    }

    /// Bytes of the venue's have come.
    #[inline]
    pub(super) const fn heard(&mut self, now: u64) {
        self.heard = now;
    }

    /// The server said that it will close.
    pub(super) const fn shutdown_announced(&mut self) {
        self.replace = true;
    }

    /// What is to be done now. `expects` says whether there are streams that should speak, `serves` whether others depend on
    /// it: only then is a successor worth asking for, and it is asked for once.
    pub(super) fn check(&mut self, now: u64, expects: bool, serves: bool) -> Verdict {
        let over = |from: u64, bound: u64| now.saturating_sub(from) >= bound;
        match self.phase {
            Phase::Connecting if over(self.since, self.limits.connect_ns) => Verdict::End(Cause::ConnectTimeout),
            Phase::Securing if over(self.since, self.limits.tls_ns) => Verdict::End(Cause::TlsTimeout),
            Phase::Upgrading if over(self.since, self.limits.upgrade_ns) => Verdict::End(Cause::UpgradeTimeout),
            Phase::Closing if over(self.since, self.limits.close_ns) => Verdict::End(Cause::Replaced),
            Phase::Open if expects && over(self.heard, self.limits.stall_ns) => Verdict::End(Cause::Stalled),
            Phase::Open if over(self.heard, self.limits.silence_ns) => Verdict::End(Cause::Stalled),
            Phase::Open if serves && !self.told && (self.replace || over(self.since, self.limits.age_ns)) => {
                self.told = true;
                Verdict::Replace
            }
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        connect_ns: 10,
        tls_ns: 20,
        upgrade_ns: 30,
        close_ns: 5,
        stall_ns: 100,
        silence_ns: 5_000,
        age_ns: 1_000,
    };

    #[test]
    fn each_phase_has_its_deadline_and_its_cause() {
        let table = [
            (Phase::Connecting, 10, Cause::ConnectTimeout),
            (Phase::Securing, 20, Cause::TlsTimeout),
            (Phase::Upgrading, 30, Cause::UpgradeTimeout),
            (Phase::Open, 100, Cause::Stalled),
            (Phase::Closing, 5, Cause::Replaced),
        ];
        for (phase, bound, cause) in table {
            let mut session = Session::new(LIMITS, 0);
            session.enter(phase, 7);
            assert_eq!((session.phase(), session.since()), (phase, 7));
            assert_eq!(session.check(7 + bound - 1, true, true), Verdict::Fine, "{phase:?}");
            assert_eq!(session.check(7 + bound, true, true), Verdict::End(cause), "{phase:?}");
        }
    }

    #[test]
    fn silence_counts_from_the_last_sign_of_life_and_only_where_something_is_expected() {
        let mut session = Session::new(LIMITS, 0);
        session.enter(Phase::Open, 0);
        session.heard(60);
        assert_eq!(session.check(159, true, true), Verdict::Fine);
        assert_eq!(session.check(160, false, true), Verdict::Fine);
        assert_eq!(session.check(160, true, true), Verdict::End(Cause::Stalled));
        assert_eq!(session.check(5_060, false, true), Verdict::End(Cause::Stalled), "not even a ping");
    }

    #[test]
    fn old_age_and_an_announced_shutdown_ask_for_a_successor_once() {
        for announced in [false, true] {
            let mut session = Session::new(LIMITS, 0);
            session.enter(Phase::Open, 0);
            let at = if announced { 1 } else { 1_000 };
            assert_eq!(session.check(at - 1, false, true), Verdict::Fine);
            if announced {
                session.shutdown_announced();
            }
            assert_eq!(session.check(at, false, false), Verdict::Fine, "nobody depends on it yet");
            assert_eq!(session.check(at, false, true), Verdict::Replace);
            assert_eq!(session.check(at + 1, false, true), Verdict::Fine);
        }
    }
}
