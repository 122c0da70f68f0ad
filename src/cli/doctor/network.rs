//! Purpose: how sockets are served: polling by the kernel, room for what comes. Owns: nothing. Thread: main.
//! Takes and gives: files and a plan in, findings out. Never: opens a socket.

use super::finding::{Advice, Finding, Group, Subject};
use super::plan::Plan;
use super::root::{Root, Unread};

const POLL: Subject<'_> = Subject(Group::Network, "busy polling");
const BUFFER: Subject<'_> = Subject(Group::Network, "receive buffer");

/// CAP_NET_ADMIN's bit.
const NET_ADMIN: u32 = 12;
/// What the feed asks the kernel for, in microseconds, which is what sysctl/net.rst recommends.
const POLL_US: i64 = 50;

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// `net.core.busy_read`, microseconds: what a socket has that does not ask for more.
    busy_read: Result<i64, Unread>,
    /// Whether this process may ask for more.
    may_raise: Option<bool>,
    /// The most that a socket may be given when it asks.
    most: Result<i64, Unread>,
    /// Least, first and most of a TCP socket that asks for nothing.
    grows_to: Result<i64, Unread>,
    moderated: Option<bool>,
}

/// Reads it.
pub(super) fn see(root: &Root) -> Network {
    let status = root.text("/proc/self/status").unwrap_or_default();
    let rights = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
    const GROWS: &str = "/proc/sys/net/ipv4/tcp_rmem";
    let grows_to = root.text(GROWS).and_then(|text| {
        let last = text.split_whitespace().nth(2).and_then(|word| word.parse().ok());
        last.ok_or_else(|| Unread::garbage(GROWS, &text, "no three numbers"))
    });
    Network {
        busy_read: root.number("/proc/sys/net/core/busy_read"),
        may_raise: rights.map(|bits| bits >> NET_ADMIN & 1 == 1),
        most: root.number("/proc/sys/net/core/rmem_max"),
        grows_to,
        moderated: root.number("/proc/sys/net/ipv4/tcp_moderate_rcvbuf").ok().map(|on| on != 0),
    }
}

/// Judges it.
pub(super) fn judge(seen: &Network, plan: &Plan) -> Vec<Finding> {
    vec![poll(seen, plan), buffer(seen, plan)]
}

fn poll(seen: &Network, plan: &Plan) -> Finding {
    let by_default = seen.busy_read.as_ref().copied().unwrap_or(0);
    let advice = |change: &str| Advice {
        change: change.to_owned(),
        why: "without it a packet waits for the device's interrupt and the kernel's soft interrupt before a read \
              finds it"
            .to_owned(),
        gain: "a read looks at the device's queue itself: lower latency for processor time".to_owned(),
        source: "kernel: networking/napi.rst (busy polling), admin-guide/sysctl/net.rst (busy_read: 50 is \
                 recommended); man 7 socket (SO_BUSY_POLL)",
    };
    let rights = "`AmbientCapabilities=CAP_NET_ADMIN` in the unit (with CapabilityBoundingSet), or `sysctl -w \
                  net.core.busy_read=50`";
    if !plan.busy_poll {
        if plan.io.is_empty() {
            return POLL.good("off; it is for an io thread that has a core of its own");
        }
        let change = "`feed: { busy_poll: true }` in the configuration, where the io thread's core does nothing else";
        return POLL.warn("off, though io has a core of its own", advice(change));
    }
    match (&seen.busy_read, seen.may_raise) {
        _ if by_default >= POLL_US => POLL.good(format!("on: net.core.busy_read is {by_default} µs")),
        (_, Some(true)) => POLL.good(format!("on: this process may ask for it (CAP_NET_ADMIN), {POLL_US} µs a read")),
        (Err(unread), _) if unread.is_missing() => POLL.bad(
            "asked for, and the kernel has none (CONFIG_NET_RX_BUSY_POLL)",
            advice("a kernel with CONFIG_NET_RX_BUSY_POLL"),
        ),
        (Ok(_), Some(false)) => POLL.bad(
            "asked for, and neither has this process CAP_NET_ADMIN nor the system a value for all",
            advice(rights),
        ),
        (Err(unread), _) => POLL.unread(unread),
        (_, None) => POLL.unknown("asked for; what this process may is not told"),
    }
}

fn buffer(seen: &Network, plan: &Plan) -> Finding {
    if plan.receive_buffer > 0 {
        let wanted = i64::try_from(plan.receive_buffer).unwrap_or(i64::MAX);
        return match &seen.most {
            Ok(most) if *most < wanted => {
                let advice = Advice {
                    change: format!("`sysctl -w net.core.rmem_max={wanted}`, and the same line in /etc/sysctl.d/"),
                    why: "the kernel gives a socket no more than this, without a word".to_owned(),
                    gain: "room for bursts while the io thread is busy".to_owned(),
                    source: "kernel: admin-guide/sysctl/net.rst (rmem_max); man 7 socket (SO_RCVBUF)",
                };
                BUFFER.bad(format!("{wanted} bytes are asked for, net.core.rmem_max is {most}"), advice)
            }
            Ok(most) => BUFFER.good(format!("{wanted} bytes are asked for, up to {most} may be")),
            Err(unread) => BUFFER.unread(unread),
        };
    }
    match (&seen.grows_to, seen.moderated) {
        (Ok(most), Some(false)) => {
            let advice = Advice {
                change: "`sysctl -w net.ipv4.tcp_moderate_rcvbuf=1`, or `feed: { receive_buffer: 4 MiB }` in the \
                         configuration"
                    .to_owned(),
                why: format!("the kernel does not let the buffer grow, though it may reach {most} bytes"),
                gain: "room for bursts while the io thread is busy".to_owned(),
                source: "kernel: networking/ip-sysctl.rst (tcp_moderate_rcvbuf, tcp_rmem)",
            };
            BUFFER.warn("left to the system, which does not let it grow", advice)
        }
        (Ok(most), _) => BUFFER.good(format!("left to the system, which lets it grow to {most} bytes")),
        (Err(unread), _) => BUFFER.unread(unread),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    #[test]
    fn what_is_asked_of_sockets_is_held_against_what_the_system_gives() {
        let read = |us: &str| format!("/proc/sys/net/core/busy_read: {us}\n");
        let rights = |bits: &str| format!("/proc/self/status: Name: x\\nCapEff:\\t{bits}\n");
        let rest = "/proc/sys/net/core/rmem_max: 212992\n/proc/sys/net/ipv4/tcp_rmem: 4096\\t131072\\t6291456\n\
                    /proc/sys/net/ipv4/tcp_moderate_rcvbuf: 1\n";
        let (admin, nobody) = ("000001ffffffffff", "0000000000000000");
        let polls = Plan { busy_poll: true, receive_buffer: 4 << 20, ..Plan::default() };
        let small = Plan { receive_buffer: 65_536, ..Plan::on("1", "2") };
        let table: [(&str, String, &Plan, [Verdict; 2], &str); 10] = [
            ("as shipped", read("0") + &rights(nobody) + rest, &Plan::default(), [Good, Good], ""),
            ("no rights, small", read("0") + &rights(nobody) + rest, &polls, [Bad, Bad], "rmem_max=4194304"),
            ("rights", read("0") + &rights(admin) + rest, &polls, [Good, Bad], "rmem_max=4194304"),
            ("for all", read("50") + &rights(nobody) + rest, &polls, [Good, Bad], ""),
            ("a core of its own", read("0") + &rights(nobody) + rest, &small, [Warn, Good], "busy_poll: true"),
            ("fixed", rest.replace("rcvbuf: 1", "rcvbuf: 0"), &Plan::default(), [Good, Warn], "tcp_moderate_rcvbuf=1"),
            ("not built in", rights(nobody) + rest, &polls, [Bad, Bad], "CONFIG_NET_RX_BUSY_POLL"),
            ("garbage", read("x") + &rights("zz") + "/proc/sys/net/core/rmem_max: x", &polls, [Unknown, Unknown], ""),
            (
                "garbage, not asked",
                "/proc/sys/net/ipv4/tcp_rmem: 4096".to_owned(),
                &Plan::default(),
                [Good, Unknown],
                "",
            ),
            ("nothing", String::new(), &Plan::default(), [Good, Unknown], ""),
        ];
        for (name, tree, plan, verdicts, change) in table {
            let findings = judge(&see(&Tree::of(&tree).root()), plan);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            let changes: Vec<&str> = findings.iter().filter_map(|f| Some(&*f.advice.as_ref()?.change)).collect();
            assert!(change.is_empty() || changes.iter().any(|c| c.contains(change)), "{name}: {changes:#?}");
        }
    }
}
