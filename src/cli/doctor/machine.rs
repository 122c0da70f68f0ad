//! Purpose: what the machine is: how busy, real or virtual, which kernel, what its mitigations are. Owns: nothing.
//! Thread: main. Takes and gives: files in, findings out. Never: advises to give up protection that a shared host needs.

use super::finding::{Advice, Finding, Group, Subject};
use super::root::{Root, Unread};

const LOAD: Subject<'_> = Subject(Group::Machine, "load");
const STEAL: Subject<'_> = Subject(Group::Machine, "steal");
const VIRTUAL: Subject<'_> = Subject(Group::Machine, "virtualisation");
const MITIGATED: Subject<'_> = Subject(Group::Machine, "mitigations");
const KERNEL: Subject<'_> = Subject(Group::Machine, "kernel");

/// Thousandths of all processor time that were stolen, from which on it is told.
const STEAL_MIN: u64 = 1;

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// Of the last minute, in hundredths.
    load: Result<u64, Unread>,
    /// Stolen and all ticks since the start.
    stolen: Result<(u64, u64), Unread>,
    /// Whether the processor says that a hypervisor is under it.
    hypervisor: Option<bool>,
    product: Option<String>,
    container: bool,
    /// Each known weakness and how it is dealt with.
    weaknesses: Vec<(String, String)>,
    kernel: Result<String, Unread>,
}

/// Reads it.
pub(super) fn see(root: &Root) -> Machine {
    const AVERAGE: &str = "/proc/loadavg";
    let load = root.text(AVERAGE).and_then(|text| {
        let first = text.split_whitespace().next().and_then(|word| word.replacen('.', "", 1).parse().ok());
        first.ok_or_else(|| Unread::garbage(AVERAGE, &text, "no load"))
    });
    const STAT: &str = "/proc/stat";
    let stolen = root.text(STAT).and_then(|text| {
        let ticks = text.lines().next().and_then(|line| line.strip_prefix("cpu "));
        let ticks: Option<Vec<u64>> =
            ticks.and_then(|line| line.split_whitespace().map(|word| word.parse().ok()).collect());
        // The last two are parts of the first two.
        let ticks = ticks
            .filter(|ticks| ticks.len() >= 8)
            .map(|ticks| (ticks[7], ticks[..8].iter().fold(0u64, |a, b| a.saturating_add(*b))));
        ticks.ok_or_else(|| Unread::garbage(STAT, text.lines().next().unwrap_or(""), "no count of ticks"))
    });
    let flags = root.text("/proc/cpuinfo").ok().and_then(|text| {
        let flags = text.lines().find(|line| line.starts_with("flags"))?;
        Some(flags.split_whitespace().any(|flag| flag == "hypervisor"))
    });
    const WEAK: &str = "/sys/devices/system/cpu/vulnerabilities";
    let names = root.names(WEAK).into_iter();
    let told = |file: &str| root.text(&format!("/sys/class/dmi/id/{file}")).ok().filter(|text| !text.is_empty());
    Machine {
        load,
        stolen,
        hypervisor: flags,
        product: told("sys_vendor").map(|vendor| format!("{vendor} {}", told("product_name").unwrap_or_default())),
        container: ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"].iter().any(|file| root.has(file)),
        weaknesses: names
            .filter_map(|name| Some((root.text(&format!("{WEAK}/{name}")).ok()?, name)))
            .map(|(how, name)| (name, how))
            .collect(),
        kernel: root.word("/proc/sys/kernel/osrelease"),
    }
}

/// Judges it; so many cores are online.
pub(super) fn judge(seen: &Machine, online: usize) -> Vec<Finding> {
    vec![load(seen, online), steal(seen), virtual_or_not(seen), mitigated(seen), kernel(seen)]
}

fn load(seen: &Machine, online: usize) -> Finding {
    let hundredths = match &seen.load {
        Ok(load) => *load,
        Err(unread) => return LOAD.unread(unread),
    };
    let is = format!("{}.{:02} over the last minute, {online} cores", hundredths / 100, hundredths % 100);
    if online == 0 {
        return LOAD.unknown(is);
    }
    if hundredths <= online as u64 * 100 {
        return LOAD.good(is);
    }
    let advice = Advice {
        change: "`top` tells who works; move it to another host, or off the feed's cores (`AllowedCPUs=` of its slice)"
            .to_owned(),
        why: "more threads want to run than there are cores".to_owned(),
        gain: "threads of the feed that do not wait for a core".to_owned(),
        source: "man 5 proc (loadavg); man 5 systemd.resource-control (AllowedCPUs=)",
    };
    LOAD.warn(is, advice)
}

fn steal(seen: &Machine) -> Finding {
    let (stolen, all) = match &seen.stolen {
        Ok(ticks) => *ticks,
        Err(unread) => return STEAL.unread(unread),
    };
    let thousandths = stolen.saturating_mul(1_000) / all.max(1);
    let is = format!("{}.{} % of all processor time since the start", thousandths / 10, thousandths % 10);
    if thousandths < STEAL_MIN {
        return STEAL.good(is);
    }
    let advice = Advice {
        change: "a dedicated host, or a bare-metal type".to_owned(),
        why: "the hypervisor gave the cores of this machine to others for that long".to_owned(),
        gain: "no pauses that nothing inside this machine can explain".to_owned(),
        source: "man 5 proc (stat: steal)",
    };
    STEAL.warn(is, advice)
}

fn virtual_or_not(seen: &Machine) -> Finding {
    let container = if seen.container { ", in a container" } else { "" };
    let product = seen.product.as_deref().map(|name| format!(" ({})", name.trim())).unwrap_or_default();
    match seen.hypervisor {
        None => VIRTUAL.unknown(format!("the processor's flags do not tell{product}{container}")),
        Some(false) => VIRTUAL.good(format!("none{product}{container}")),
        Some(true) => {
            let advice = Advice {
                change: "a bare-metal type, where the last microseconds matter".to_owned(),
                why: "exits to the hypervisor stop a core unseen; clock speed, idle states and the place of \
                      interrupts are its matter"
                    .to_owned(),
                gain: "fewer outliers, and all of this report in your own hands".to_owned(),
                source: "kernel: virt/kvm/halt-polling.rst, virt/kvm/x86/timekeeping.rst",
            };
            VIRTUAL.warn(format!("a virtual machine{product}{container}"), advice)
        }
    }
}

fn mitigated(seen: &Machine) -> Finding {
    if seen.weaknesses.is_empty() {
        return MITIGATED.unknown("the kernel tells nothing of weaknesses");
    }
    let named = |word: &str| {
        let of = seen.weaknesses.iter().filter(|(_, how)| how.contains(word));
        of.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    // One may be both: dealt with in some of its forms.
    let (on, open) = (named("Mitigation"), named("Vulnerable"));
    let list = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    // They cost at system calls and context switches, of which the data path has one read a batch: no change is advised.
    MITIGATED.good(format!(
        "on: {}; open: {}; they cost at system calls, of which the data path has few",
        list(&on),
        list(&open)
    ))
}

fn kernel(seen: &Machine) -> Finding {
    seen.kernel.as_ref().map_or_else(|unread| KERNEL.unread(unread), |release| KERNEL.good(release.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    const METAL: &str = "/proc/loadavg: 0.52 0.40 0.30 1/200 999\n/proc/stat: cpu  100 0 50 9000 0 0 0 0 0 0\\ncpu0 1\n\
                         /proc/cpuinfo: flags : fpu tsc\n/sys/class/dmi/id/sys_vendor: Maker\n/sys/class/dmi/id/product_name: Box 1\n\
                         /sys/devices/system/cpu/vulnerabilities/l1tf: Not affected\n\
                         /sys/devices/system/cpu/vulnerabilities/spectre_v1: Mitigation: barriers\n\
                         /sys/devices/system/cpu/vulnerabilities/mds: Vulnerable\n/proc/sys/kernel/osrelease: 6.12.1\n";

    #[test]
    fn load_steal_and_what_the_machine_is_are_told() {
        let shared = METAL
            .replace("0.52", "9.00")
            .replace("9000 0 0 0 0", "9000 0 0 0 90")
            .replace("fpu tsc", "fpu tsc hypervisor");
        let garbage =
            "/proc/loadavg: much\n/proc/stat: cpu  1 2 x\n/proc/cpuinfo: \\0\n/proc/sys/kernel/osrelease: a b\n";
        let table: [(&str, String, [Verdict; 5], &str); 5] = [
            ("metal", METAL.to_owned(), [Good; 5], "on: spectre_v1; open: mds"),
            ("shared", shared.clone(), [Warn, Warn, Warn, Good, Good], "0.9 % of all"),
            (
                "container",
                shared + "/.dockerenv:\n",
                [Warn, Warn, Warn, Good, Good],
                "a virtual machine (Maker Box 1), in a container",
            ),
            ("garbage", garbage.to_owned(), [Unknown; 5], "which is no load"),
            ("nothing", String::new(), [Unknown; 5], ""),
        ];
        for (name, tree, verdicts, words) in table {
            let findings = judge(&see(&Tree::of(&tree).root()), 4);
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            assert!(findings.iter().any(|f| f.is.contains(words)), "{name}: {findings:#?}");
        }
        assert_eq!(judge(&see(&Tree::of(METAL).root()), 0)[0].verdict, Unknown, "no core is known");
    }
}
