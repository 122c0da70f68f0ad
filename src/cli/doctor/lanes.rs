//! Purpose: what timed connections to the venue came to: which address won, what is wrong. Owns: how addresses are compared.
//! Thread: main. Takes and gives: times and causes in, findings and plain data out. Never: connects; calls a race of one round
//! a measurement of the address: medians are of all rounds.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use super::finding::{Advice, Finding, Group, Subject};
use crate::binance::live::{Cause, TrialTimes};

/// Below this share of the winner's time an address is as good, in percent.
const NEAR_PERCENT: u128 = 20;

/// One address and what each round came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) address: SocketAddr,
    pub(super) rounds: Vec<Result<TrialTimes, Cause>>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raced {
    /// As it is configured.
    pub(super) url: String,
    /// The name that /etc/hosts would have.
    pub(super) host: String,
    /// How long the resolver took; `None` where an address stands in place of a name.
    pub(super) lookup: Result<Option<Duration>, Cause>,
    pub(super) lanes: Vec<Lane>,
    /// Addresses that were left out, for there are too many.
    pub(super) left_out: usize,
}

/// An address as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) address: String,
    pub(super) rounds: usize,
    pub(super) connected: usize,
    /// Medians over the rounds that connected.
    pub(super) tcp_us: Option<u64>,
    pub(super) tls_us: Option<u64>,
    /// The shortest of both together.
    pub(super) best_us: Option<u64>,
    pub(super) wins: bool,
    /// Why the last round that failed did.
    pub(super) failed: Option<String>,
}

impl Lane {
    fn times(&self) -> impl Iterator<Item = &TrialTimes> {
        self.rounds.iter().filter_map(|round| round.as_ref().ok())
    }

    fn median(&self, of: impl Fn(&TrialTimes) -> Option<Duration>) -> Option<Duration> {
        let mut spans: Vec<Duration> = self.times().filter_map(of).collect();
        spans.sort_unstable();
        spans.get(spans.len().saturating_sub(1) / 2).copied()
    }

    /// The median of both together, where every round connected.
    fn score(&self) -> Option<Duration> {
        let whole = self.times().count() == self.rounds.len();
        self.median(|times| Some(times.whole())).filter(|_| whole)
    }

    fn failed(&self) -> Option<Cause> {
        self.rounds.iter().rev().find_map(|round| round.as_ref().err().copied())
    }
}

impl Raced {
    /// The address with the shortest median; one that failed now and then only if all did.
    fn winner(&self) -> Option<&Lane> {
        let scored = self.lanes.iter().filter_map(|lane| Some((lane.score()?, lane)));
        let any = || self.lanes.iter().filter_map(|lane| Some((lane.median(|times| Some(times.whole()))?, lane)));
        scored.min_by_key(|(score, _)| *score).or_else(|| any().min_by_key(|(score, _)| *score)).map(|(_, lane)| lane)
    }

    /// Each address as it is shown, the nearest first.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let winner = self.winner().map(|lane| lane.address);
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let mut shown: Vec<Shown> = self
            .lanes
            .iter()
            .map(|lane| Shown {
                address: lane.address.to_string(),
                rounds: lane.rounds.len(),
                connected: lane.times().count(),
                tcp_us: lane.median(|times| Some(times.tcp)).map(micros),
                tls_us: lane.median(|times| times.tls).map(micros),
                best_us: lane.times().map(TrialTimes::whole).min().map(micros),
                wins: Some(lane.address) == winner,
                failed: lane.failed().map(|cause| cause.to_string()),
            })
            .collect();
        shown.sort_by_key(|lane| {
            (!lane.wins, lane.tcp_us.is_none(), lane.tcp_us.unwrap_or(0) + lane.tls_us.unwrap_or(0))
        });
        shown
    }

    /// What it comes to.
    pub(super) fn judge(&self) -> Finding {
        let subject = Subject(Group::Venue, &self.url);
        let Some(winner) = self.winner() else { return self.unreached(subject) };
        let looked_up = match self.lookup {
            Ok(Some(took)) => format!(", looked up in {}", millis(took)),
            _ => String::new(),
        };
        let time = |lane: &Lane| lane.median(|times| Some(times.whole())).unwrap_or_default();
        let is = format!("{} wins with {} (median){looked_up}", winner.address, millis(time(winner)));
        let failing: Vec<String> =
            self.lanes.iter().filter_map(|lane| Some(format!("{} ({})", lane.address, lane.failed()?))).collect();
        if !failing.is_empty() {
            return subject
                .warn(format!("{is}; failed at least once: {}", failing.join(", ")), self.dead(winner.address));
        }
        let slow: Vec<&Lane> = self
            .lanes
            .iter()
            .filter(|lane| time(lane).as_nanos() * 100 > time(winner).as_nanos() * (100 + NEAR_PERCENT))
            .collect();
        match slow.iter().map(|lane| time(lane)).max() {
            None => subject.good(is),
            Some(worst) => {
                let is = format!(
                    "{is}; {} of {} addresses are slower, up to {}",
                    slow.len(),
                    self.lanes.len(),
                    millis(worst)
                );
                subject.warn(is, self.slower(winner.address, worst.saturating_sub(time(winner))))
            }
        }
    }

    /// No address could be reached: where that means being offline it is no fault of the venue.
    fn unreached(&self, subject: Subject<'_>) -> Finding {
        let cause = match self.lookup {
            Err(cause) => Some(cause),
            // What a peer did says more than that another one is out of reach.
            Ok(_) => self.lanes.iter().filter_map(Lane::failed).min_by_key(|cause| is_absence(*cause)),
        };
        match cause.filter(|cause| !is_absence(*cause)) {
            None => {
                let why = cause.map_or("no address".to_owned(), |cause| cause.to_string());
                subject.unknown(format!(
                    "offline: it cannot be reached from here ({why}); nothing is known of the way to the venue"
                ))
            }
            Some(cause) => {
                let advice = Advice {
                    change: remedy(cause).to_owned(),
                    why: "a feed that is configured like this gets no connection".to_owned(),
                    gain: "a feed".to_owned(),
                    source: "config/meltica.yaml (feed)",
                };
                subject.bad(format!("no address can be connected to: {cause}"), advice)
            }
        }
    }

    fn dead(&self, winner: SocketAddr) -> Advice {
        let change = if self.lanes.len() > 1 {
            format!(
                "`{} {}` in /etc/hosts keeps to the one that answers; look again from time to time, for addresses \
                 change",
                winner.ip(),
                self.host
            )
        } else {
            "`meltica doctor --rounds 20` tells how often; ask who keeps the way there".to_owned()
        };
        Advice {
            change,
            why: "the feed tries the addresses of a name in turn: one that is silent takes 5 s, one that refuses \
                  takes one of its attempts"
                .to_owned(),
            gain: "connections that open at once after one was lost".to_owned(),
            source: "man 5 hosts; man 3 getaddrinfo",
        }
    }

    fn slower(&self, winner: SocketAddr, more: Duration) -> Advice {
        Advice {
            change: format!(
                "`{} {}` in /etc/hosts keeps to the nearest; look again from time to time, for addresses change",
                winner.ip(),
                self.host
            ),
            why: "the feed takes the addresses of a name in turn, so that a dead one holds up nobody, not the nearest"
                .to_owned(),
            gain: format!(
                "up to {} at each connection, as measured here; whether data come sooner too, `meltica latency` \
                 tells (exchange to receive)",
                millis(more)
            ),
            source: "man 5 hosts; this measurement",
        }
    }
}

const fn remedy(cause: Cause) -> &'static str {
    match cause {
        Cause::Refused => "start the venue, or correct `feed.ws` and `feed.rest`",
        Cause::UnknownIssuer => {
            "name the certificate of who signs it in `feed.ca_file`, or take what breaks TLS open out of the way"
        }
        Cause::Expired | Cause::NotYetValid => {
            "set this machine's clock; if it is right, the venue must renew its certificate"
        }
        Cause::NotTls | Cause::TlsTimeout => "correct the port, or write ws:// and http:// where the venue has no TLS",
        _ => "correct `feed.ws` and `feed.rest`, or ask who keeps the way there",
    }
}

/// Whether nobody is there, as far as can be seen from here.
const fn is_absence(cause: Cause) -> bool {
    matches!(cause, Cause::Unresolved | Cause::Unreachable | Cause::ConnectTimeout)
}

/// In milliseconds, to the microsecond.
pub(super) fn millis(span: Duration) -> String {
    format!("{}.{:03} ms", span.as_millis(), span.as_micros() % 1_000)
}

/// When nobody was to be asked.
pub(super) fn not_asked() -> Finding {
    Subject(Group::Venue, "race").unknown("left out (--no-net)")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::*;
    use super::*;

    fn lane(address: &str, rounds: &[Result<(u64, u64), Cause>]) -> Lane {
        let times = |&(tcp, tls): &(u64, u64)| TrialTimes {
            tcp: Duration::from_micros(tcp),
            tls: (tls > 0).then(|| Duration::from_micros(tls)),
        };
        Lane {
            address: address.parse().unwrap(),
            rounds: rounds.iter().map(|r| r.as_ref().map(times).map_err(|c| *c)).collect(),
        }
    }

    const A: &str = "192.0.2.1:443";
    const B: &str = "[2001:db8::1]:443";

    #[test]
    fn the_nearest_wins_by_its_median_and_what_fails_or_lags_is_told() {
        let steady = [Ok((1_000, 2_000)), Ok((9_000, 9_000)), Ok((1_000, 2_000))];
        let lucky = [Ok((500, 500)), Ok((3_000, 4_000)), Ok((3_000, 4_000))];
        let down = [Err(Cause::Unreachable), Err(Cause::Unreachable)];
        let shaky = [Ok((100, 100)), Err(Cause::ConnectTimeout)];
        let found = Ok(Some(Duration::from_micros(1_500)));
        let table = [
            (
                "two",
                vec![lane(A, &lucky), lane(B, &steady)],
                found,
                Warn,
                "[2001:db8::1]:443 wins with 3.000 ms (median), looked up in 1.500 ms; 1 of 2",
            ),
            ("alike", vec![lane(A, &steady), lane(B, &steady)], found, Good, "192.0.2.1:443 wins"),
            ("no TLS", vec![lane(A, &[Ok((700, 0))])], Ok(None), Good, "wins with 0.700 ms (median)"),
            ("one dead", vec![lane(A, &steady), lane(B, &down)], found, Warn, "[2001:db8::1]:443 (unreachable)"),
            ("one shaky", vec![lane(A, &steady), lane(B, &shaky)], found, Warn, "192.0.2.1:443 wins"),
            ("only shaky", vec![lane(B, &shaky)], found, Warn, "[2001:db8::1]:443 wins"),
            ("IPv6 only", vec![lane(B, &steady)], found, Good, "[2001:db8::1]:443 wins"),
            (
                "offline",
                vec![],
                Err(Cause::Unresolved),
                Unknown,
                "offline: it cannot be reached from here (name not resolved)",
            ),
            ("no way", vec![lane(A, &down)], found, Unknown, "offline"),
            ("refused", vec![lane(A, &[Err(Cause::Refused)])], Ok(None), Bad, "connection refused"),
            ("never speaks TLS", vec![lane(A, &[Err(Cause::TlsTimeout)])], Ok(None), Bad, "tls timed out"),
            (
                "refused, and no way",
                vec![lane(B, &down), lane(A, &[Err(Cause::Refused)])],
                found,
                Bad,
                "connection refused",
            ),
            ("in the middle", vec![lane(A, &[Err(Cause::UnknownIssuer)])], found, Bad, "unknown issuer"),
        ];
        for (name, lanes, lookup, verdict, words) in table {
            let raced = Raced { url: "wss://venue".to_owned(), host: "venue".to_owned(), lookup, lanes, left_out: 0 };
            let finding = raced.judge();
            assert_eq!(finding.verdict, verdict, "{name}: {finding:#?}");
            assert!(finding.is.contains(words), "{name}: {}", finding.is);
            let wins = raced.shown().iter().filter(|lane| lane.wins).count();
            assert_eq!(wins, usize::from(finding.is.contains(" wins ")), "{name}");
        }
    }

    #[test]
    fn addresses_are_shown_the_winner_first_with_their_medians() {
        let lanes = vec![
            lane(A, &[Err(Cause::Refused), Err(Cause::Refused)]),
            lane(B, &[Ok((1_000, 2_000)), Ok((1_200, 2_200)), Ok((5_000, 5_000))]),
        ];
        let shown = Raced { url: String::new(), host: String::new(), lookup: Ok(None), lanes, left_out: 0 }.shown();
        assert_eq!((&*shown[0].address, shown[0].wins, shown[0].connected), (B, true, 3));
        assert_eq!((shown[0].tcp_us, shown[0].tls_us, shown[0].best_us), (Some(1_200), Some(2_200), Some(3_000)));
        assert_eq!((shown[1].connected, shown[1].rounds, shown[1].tcp_us), (0, 2, None));
        assert_eq!(shown[1].failed.as_deref(), Some("connection refused"));
    }
}
