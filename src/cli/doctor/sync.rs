//! Purpose: who keeps the clock, and how well. Owns: what an error is worth. Thread: main. Takes and gives: answers and
//! names in, a finding out. Never: sets a clock; takes a program that runs for a clock that is kept.

use std::collections::BTreeSet;
use std::time::Duration;

use super::asked::Asked;
use super::finding::{Advice, Finding, Group, Subject};
use super::root::Root;

const SYNC: Subject<'_> = Subject(Group::Clock, "synchronisation");
/// The venue stamps in milliseconds: an error below one is not seen in them.
const GOOD_MAX: Duration = Duration::from_millis(1);
/// From here on times from exchange to here mean nothing.
const BAD_MIN: Duration = Duration::from_millis(100);

/// What keeps clocks, by the names that programs have.
const KEEPERS: [(&str, &str); 6] = [
    ("chronyd", "chrony"),
    ("ntpd", "ntpd"),
    ("systemd-timesyn", "systemd-timesyncd"),
    ("ptp4l", "ptp4l"),
    ("phc2sys", "phc2sys"),
    ("ntp-daemon", "ntpd-rs"),
];

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Sync {
    /// Those that run; `None` where programs are hidden.
    keepers: Option<Vec<&'static str>>,
    /// systemd-timesyncd leaves this mark once it has set the clock.
    marked: bool,
    /// Clocks of network devices, for PTP.
    hardware: usize,
    tracking: Option<Tracking>,
    kernel: Option<Kernel>,
}

/// What the kernel holds of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kernel {
    synchronised: bool,
    /// Estimated, and at most; the most grows from one update to the next.
    errors: Option<(Duration, Duration)>,
}

/// What chrony says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tracking {
    synchronised: bool,
    stratum: u32,
    /// The most that the clock can be off: offset, root dispersion and half the root delay.
    error: Duration,
}

/// Reads it.
pub(super) fn see(root: &Root, running: Option<&BTreeSet<String>>, asked: &Asked) -> Sync {
    let word = |text: &str| match text {
        "yes" => Some(Kernel { synchronised: true, errors: None }),
        "no" => Some(Kernel { synchronised: false, errors: None }),
        _ => None,
    };
    let of = |running: &BTreeSet<String>| {
        KEEPERS.iter().filter(|(name, _)| running.contains(*name)).map(|(_, keeper)| *keeper).collect()
    };
    Sync {
        keepers: running.map(of),
        marked: root.has("/run/systemd/timesync/synchronized"),
        hardware: root.names("/sys/class/ptp").len(),
        tracking: asked.chrony.as_deref().and_then(tracking),
        kernel: asked.adjtimex.as_deref().and_then(kernel).or(asked.timedatectl.as_deref().and_then(word)),
    }
}

/// The lines of `adjtimex --print`: the bit 0x40 of the status is that nobody keeps the clock (STA_UNSYNC); errors are in
/// microseconds.
fn kernel(text: &str) -> Option<Kernel> {
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().parse::<u64>().ok()
    };
    let errors = number("esterror").zip(number("maxerror"));
    Some(Kernel {
        synchronised: number("status")? & 0x40 == 0,
        errors: errors.map(|(estimated, most)| (Duration::from_micros(estimated), Duration::from_micros(most))),
    })
}

/// The line of `chronyc -c tracking`: stratum, offset, root delay, root dispersion and leap status are its fields 3, 5, 11, 12
/// and 14.
fn tracking(line: &str) -> Option<Tracking> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().filter(|value| value.is_finite());
    let error = seconds(4)?.abs() + seconds(11)?.abs() + seconds(10)?.abs() / 2.0;
    Some(Tracking {
        synchronised: *fields.get(13)? != "Not synchronised",
        stratum: fields.get(2)?.parse().ok()?,
        error: Duration::try_from_secs_f64(error).ok()?,
    })
}

/// Judges it.
pub(super) fn judge(seen: &Sync) -> Finding {
    let clocks = match seen.hardware {
        0 => String::new(),
        count => format!("; {count} hardware clocks for PTP"),
    };
    let keepers = match seen.keepers.as_deref() {
        None | Some([]) => "nobody seen".to_owned(),
        Some(keepers) => keepers.join(", "),
    };
    if let Some(tracking) = seen.tracking {
        let is = format!("chrony, stratum {}, off by at most {:?}{clocks}", tracking.stratum, micros(tracking.error));
        return match tracking {
            Tracking { synchronised: false, .. } => SYNC.bad("chrony runs and has no source", advice()),
            Tracking { error, .. } if error <= GOOD_MAX => SYNC.good(is),
            Tracking { error, .. } if error < BAD_MIN => SYNC.warn(is, advice()),
            _ => SYNC.bad(is, advice()),
        };
    }
    match (seen.kernel, seen.marked) {
        (Some(Kernel { synchronised: true, errors: Some((estimated, most)) }), _) => {
            let is = format!("synchronised ({keepers}), off by an estimated {estimated:?}, at most {most:?}{clocks}");
            match estimated {
                _ if estimated <= GOOD_MAX => SYNC.good(is),
                _ if estimated < BAD_MIN => SYNC.warn(is, advice()),
                _ => SYNC.bad(is, advice()),
            }
        }
        (Some(Kernel { synchronised: true, .. }), _) => {
            SYNC.good(format!("the kernel's clock is synchronised ({keepers}), by how much is not told{clocks}"))
        }
        (Some(Kernel { synchronised: false, .. }), _) => {
            SYNC.bad(format!("the kernel's clock is not synchronised ({keepers}){clocks}"), advice())
        }
        (None, true) => {
            SYNC.good(format!("systemd-timesyncd has set the clock, by how much it is off is not told{clocks}"))
        }
        (None, false) if seen.keepers.is_none() => {
            SYNC.unknown(format!("other programs are hidden from this one{clocks}"))
        }
        (None, false) if seen.keepers.as_ref().is_some_and(Vec::is_empty) => {
            SYNC.warn(format!("nobody is seen who keeps the clock (a container has its host's){clocks}"), advice())
        }
        (None, false) => SYNC.unknown(format!("{keepers} runs, and does not tell how well{clocks}")),
    }
}

/// Whole microseconds: more digits than that say nothing.
fn micros(span: Duration) -> Duration {
    Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

fn advice() -> Advice {
    Advice {
        change: "chrony with the site's own servers (on EC2 `server 169.254.169.123 prefer iburst minpoll 4 maxpoll \
                 4`), or ptp4l and phc2sys where the network has PTP; `After=time-sync.target` and \
                 chrony-wait.service before the feed starts"
            .to_owned(),
        why: "times from exchange to here are as wrong as this clock; a feed holds its own to it. \
              Differences within the machine do not depend on it"
            .to_owned(),
        gain: "times from exchange to receive that mean something; no speed".to_owned(),
        source: "man 1 chronyc (tracking: offset + root dispersion + half the root delay bound the error); man 2 \
                 adjtimex; EC2 user guide (Amazon Time Sync)",
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    // As chronyc 4.3 gave it; the numbers of the others are made up.
    const FRESH: &str = "7F7F0101,,10,1795715790.032850968,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Normal";
    const FAR: &str =
        "A9FEA97B,169.254.169.123,4,1795715790.0,-0.000200000,0.0,0.0,1.2,0.0,0.1,0.004000000,0.000300000,64.0,Normal";
    const LOST: &str = "A9FEA97B,169.254.169.123,4,1795715790.0,-0.200,0.0,0.0,1.2,0.0,0.1,0.004,0.0003,64.0,Normal";
    const NONE: &str = "00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised";

    #[test]
    fn a_clock_is_judged_by_the_most_it_can_be_off_and_else_by_the_kernels_word() {
        let none: &[&str] = &[];
        type Row<'t> = (&'t str, &'t [&'t str], Option<&'t str>, Option<&'t str>, &'t str, Verdict, &'t str);
        let held = |status: u32, estimated: u32| {
            format!(
                "         mode: 0\n     maxerror: 500000\n     esterror: {estimated}\n       status: {status}\n      \
                 tick: 10000"
            )
        };
        let (close, some, far, lost) =
            (held(0x2001, 35), held(0x2001, 5_000), held(1, 400_000), held(0x40, 16_000_000));
        let table: [Row<'_>; 17] = [
            (
                "adjtimex",
                &["ntpd"],
                None,
                Some(&close),
                "",
                Good,
                "synchronised (ntpd), off by an estimated 35µs, at most 500ms",
            ),
            ("adjtimex, some", &["ntpd"], None, Some(&some), "", Warn, "5ms"),
            ("adjtimex, far", &["ntpd"], None, Some(&far), "", Bad, "400ms"),
            ("adjtimex, lost", none, None, Some(&lost), "", Bad, "not synchronised (nobody seen)"),
            ("adjtimex, cut", none, None, Some("  mode: 0\n status: ?"), "", Warn, "nobody is seen"),
            ("close", &["chronyd"], Some(FRESH), Some("yes"), "", Good, "stratum 10, off by at most 0ns"),
            ("some", &["chronyd"], Some(FAR), None, "", Warn, "off by at most 2.5ms"),
            ("far", &["chronyd"], Some(LOST), Some("yes"), "", Bad, "off by at most 202.3ms"),
            ("no source", &["chronyd"], Some(NONE), Some("no"), "", Bad, "has no source"),
            ("kernel", &["ntpd"], None, Some("yes"), "", Good, "synchronised (ntpd)"),
            ("kernel, no", none, None, Some("no"), "", Bad, "not synchronised (nobody seen)"),
            (
                "timesyncd",
                &["systemd-timesyn"],
                None,
                None,
                "/run/systemd/timesync/synchronized:",
                Good,
                "has set the clock",
            ),
            (
                "ptp",
                &["ptp4l", "phc2sys"],
                None,
                None,
                "/sys/class/ptp/ptp0/",
                Unknown,
                "ptp4l, phc2sys runs, and does not tell how well; 1",
            ),
            ("nobody", none, None, None, "", Warn, "nobody is seen"),
            ("garbage", &["chronyd"], Some("506 Cannot talk to daemon"), Some("maybe"), "", Unknown, "chrony runs"),
            ("not finite", &["chronyd"], Some(&FAR.replace("0.004000000", "inf")), None, "", Unknown, "chrony runs"),
            ("cut", &["chronyd"], Some(&FAR[..40]), None, "", Unknown, "chrony runs"),
        ];
        for (name, running, chrony, kernel, tree, verdict, words) in table {
            let running: BTreeSet<String> = running.iter().map(|name| (*name).to_owned()).collect();
            let told = |is_word: bool| kernel.filter(|text| text.contains("mode") != is_word).map(str::to_owned);
            let asked = Asked { chrony: chrony.map(str::to_owned), adjtimex: told(false), timedatectl: told(true) };
            let finding = judge(&see(&Tree::of(tree).root(), Some(&running), &asked));
            assert_eq!(finding.verdict, verdict, "{name}: {finding:#?}");
            assert!(finding.is.contains(words), "{name}: {}", finding.is);
        }
    }
}
