//! Purpose: what time is read from. Owns: what that is worth. Thread: main. Takes and gives: files in, findings out.
//! Never: reads the time.

use super::finding::{Advice, Finding, Group, Subject};
use super::root::{Root, Unread};

const SOURCE: Subject<'_> = Subject(Group::Clock, "clock source");
const COUNTER: Subject<'_> = Subject(Group::Clock, "processor's counter");
const FOLDER: &str = "/sys/devices/system/clocksource/clocksource0";

/// Read by a program without a system call, at full speed.
const FAST: [&str; 2] = ["tsc", "arch_sys_counter"];
/// Read without a system call, by way of a page that the hypervisor keeps.
const PARAVIRTUAL: [&str; 2] = ["kvm-clock", "hyperv_clocksource_tsc_page"];

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Clocks {
    source: Result<String, Unread>,
    available: String,
    /// The processor's flags: that the counter runs at one rate, and in every idle state. `None` on others than x86.
    counter: Result<Option<(bool, bool)>, Unread>,
}

/// Reads it.
pub(super) fn see(root: &Root) -> Clocks {
    let counter = root.text("/proc/cpuinfo").map(|text| {
        let flags = text.lines().find_map(|line| line.strip_prefix("flags")?.trim_start().strip_prefix(':'))?;
        let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
        Some((has("constant_tsc"), has("nonstop_tsc")))
    });
    Clocks {
        source: root.word(&format!("{FOLDER}/current_clocksource")),
        available: root.text(&format!("{FOLDER}/available_clocksource")).unwrap_or_default(),
        counter,
    }
}

/// Judges it.
pub(super) fn judge(seen: &Clocks) -> Vec<Finding> {
    vec![source(seen), counter(seen)]
}

fn source(seen: &Clocks) -> Finding {
    let name = match &seen.source {
        Ok(name) => name.as_str(),
        Err(unread) => return SOURCE.unread(unread),
    };
    if FAST.contains(&name) {
        return SOURCE.good(name);
    }
    let change = if seen.available.split_whitespace().any(|other| other == "tsc") {
        format!("`echo tsc > {FOLDER}/current_clocksource`; for each boot `clocksource=tsc` on the kernel command line")
    } else {
        "`dmesg | grep -i tsc` tells why the kernel gave the counter up; on bare metal update the firmware, on a \
         virtual machine take a type that exposes an invariant TSC"
            .to_owned()
    };
    let advice = |why: &str, gain: &str| Advice {
        change: change.clone(),
        why: why.to_owned(),
        gain: gain.to_owned(),
        source: "kernel: virt/kvm/x86/timekeeping.rst, admin-guide/kernel-parameters.txt (clocksource=, tsc=); \
                 commit 7539b174aef4",
    };
    if PARAVIRTUAL.contains(&name) {
        let why = "each reading of the clock goes by way of a page that the hypervisor keeps";
        return SOURCE
            .warn(name, advice(why, "clock readings by other programs and kernel receive stamps become cheaper"));
    }
    let why = "each reading of the clock is a system call or an access to a device; kernel receive stamps are made \
               with it, and so are Meltica's own readings where the counter is not invariant";
    SOURCE.bad(name, advice(why, "readings of the clock without a system call"))
}

fn counter(seen: &Clocks) -> Finding {
    let advice = |lacks: &str| Advice {
        change: "on a virtual machine take a type that exposes an invariant TSC (QEMU: `-cpu host,+invtsc`); else \
                 another processor"
            .to_owned(),
        why: format!(
            "the processor tells no {lacks}: its counter cannot serve as a clock, and Meltica asks the system for \
             each reading"
        ),
        gain: "stamps of a few nanoseconds each".to_owned(),
        source: "quanta (docs.rs, feature detection); kernel: virt/kvm/x86/timekeeping.rst (TSC)",
    };
    match &seen.counter {
        Err(unread) => COUNTER.unread(unread),
        Ok(None) => COUNTER.unknown("no x86 flags: the system's counter is used"),
        Ok(Some((true, true))) => COUNTER.good("invariant (constant_tsc, nonstop_tsc): Meltica reads it itself"),
        Ok(Some((false, _))) => COUNTER.bad("not constant", advice("constant_tsc")),
        Ok(Some((true, false))) => COUNTER.bad("stops in deep idle states", advice("nonstop_tsc")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{self, *};
    use super::super::trees::Tree;
    use super::*;

    #[test]
    fn clocks_are_judged_by_what_a_reading_costs() {
        let source = |current: &str, available: &str| {
            format!("{FOLDER}/current_clocksource: {current}\n{FOLDER}/available_clocksource: {available}\n")
        };
        let flags = |flags: &str| format!("/proc/cpuinfo: processor : 0\\nflags\\t\\t: fpu tsc {flags}\\nbugs : x\n");
        let both = flags("constant_tsc nonstop_tsc");
        let table: [(&str, String, [Verdict; 2], &str); 8] = [
            ("tsc", source("tsc", "tsc hpet") + &both, [Good, Good], ""),
            (
                "arm",
                source("arch_sys_counter", "arch_sys_counter") + "/proc/cpuinfo: Features : fp\n",
                [Good, Unknown],
                "",
            ),
            ("kvm", source("kvm-clock", "kvm-clock tsc acpi_pm") + &both, [Warn, Good], "echo tsc >"),
            ("hpet", source("hpet", "hpet acpi_pm") + &both, [Bad, Good], "dmesg"),
            ("xen", source("xen", "xen tsc") + &flags("constant_tsc"), [Bad, Bad], "echo tsc >"),
            ("old", source("tsc", "tsc") + &flags("nonstop_tsc"), [Good, Bad], "invtsc"),
            ("garbage", source("a b", "") + "/proc/cpuinfo: \\0\\0", [Unknown, Unknown], ""),
            ("nothing", String::new(), [Unknown, Unknown], ""),
        ];
        for (name, tree, verdicts, change) in table {
            let findings = judge(&see(&Tree::of(&tree).root()));
            assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), verdicts, "{name}: {findings:#?}");
            let changes: Vec<&str> = findings.iter().filter_map(|f| Some(&*f.advice.as_ref()?.change)).collect();
            assert!(change.is_empty() || changes.iter().any(|c| c.contains(change)), "{name}: {changes:#?}");
        }
    }
}
