//! Purpose: which cores may be used, pinning the current thread, and thread names that fit the system's 15 bytes.
//! Owns: nothing. Thread: the one to be pinned. Takes and gives: the system's core numbers.
//! Never: fails a start for want of a core.

use core_affinity::CoreId;

/// Bytes of a thread name that Linux keeps.
const THREAD_NAME_BYTES_MAX: usize = 15;
const THREAD_NAME_PREFIX: &str = "meltica-";

/// Where a runner's thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// No core was asked for.
    Anywhere,
    /// On this core.
    Pinned(usize),
    /// This core was asked for and not to be had: the thread runs anywhere, data is right, latency may not be.
    PinFailed(usize),
}

impl Placement {
    /// Whether the thread is not where it was asked to be.
    pub const fn is_degraded(&self) -> bool {
        matches!(self, Placement::PinFailed(_))
    }
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Placement::Anywhere => write!(f, "on any core"),
            Placement::Pinned(core) => write!(f, "pinned to core {core}"),
            Placement::PinFailed(core) => write!(
                f,
                "degraded: core {core} was asked for but this process may not use it; it runs on any core: name a core \
                 of the process's affinity mask"
            ),
        }
    }
}

/// Cores that this process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableCores {
    /// Numbers to pin to, ascending; empty where the system does not tell.
    pub ids: Vec<usize>,
    /// How many threads run at once, at least 1: a CPU quota may allow fewer than `ids` has.
    pub count: usize,
}

/// The cores that the calling thread may use. Call it from an unpinned thread.
pub fn usable_cores() -> UsableCores {
    let mut ids: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    ids.sort_unstable();
    let parallel = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let count = if ids.is_empty() { parallel } else { parallel.min(ids.len()) };
    UsableCores { ids, count }
}

/// Pins the calling thread to `core`, if any.
pub(super) fn pin(core: Option<usize>) -> Placement {
    let Some(core) = core else { return Placement::Anywhere };
    // Only numbers that the system itself gave are handed back to it: others index past its mask.
    let known = core_affinity::get_core_ids().unwrap_or_default().contains(&CoreId { id: core });
    if known && core_affinity::set_for_current(CoreId { id: core }) {
        Placement::Pinned(core)
    } else {
        Placement::PinFailed(core)
    }
}

/// `meltica-<name>` within 15 bytes: where the name is too long its middle goes, so that `dispatch-0` and `dispatch-1`
/// stay apart (`meltica-dispa-0`). What is not printable ASCII becomes `_`.
pub(super) fn thread_name(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
    let room = THREAD_NAME_BYTES_MAX - THREAD_NAME_PREFIX.len();
    if clean.len() <= room {
        return format!("{THREAD_NAME_PREFIX}{clean}");
    }
    let tail = match clean.rfind('-') {
        Some(at) if clean.len() - at <= room / 2 => &clean[at..],
        _ => "",
    };
    format!("{THREAD_NAME_PREFIX}{}{tail}", &clean[..room - tail.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_names_fit_and_keep_their_number() {
        let cases = [
            ("io", "meltica-io"),
            ("io-12", "meltica-io-12"),
            ("conduct", "meltica-conduct"),
            ("conductor", "meltica-conduct"),
            ("dispatch-0", "meltica-dispa-0"),
            ("dispatch-12", "meltica-disp-12"),
            ("a-very-long-name", "meltica-a-very-"),
            ("bad\0\u{e9}name", "meltica-bad__na"),
            ("", "meltica-"),
        ];
        for (name, expected) in cases {
            assert_eq!(thread_name(name), expected);
            assert!(thread_name(name).len() <= THREAD_NAME_BYTES_MAX);
        }
    }

    #[test]
    fn this_process_may_use_a_core() {
        let cores = usable_cores();
        assert!(cores.count >= 1);
        assert!(cores.ids.is_empty() || cores.count <= cores.ids.len());
    }
}
