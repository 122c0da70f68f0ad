//! Purpose: what a configuration names of this machine: a file of certificates, cores. Owns: nothing. Thread: main (cold).
//! Takes and gives: a loaded configuration in, faults with their places out. Never: stops a run for want of a core, as a run
//! does not.

use std::path::Path;

use super::doctor::core_set::CoreSet;
use crate::binance::live::judge_ca_file;
use crate::config::{Fault, Loaded};

/// What is wrong with the certificates that the feed is to trust, if it names any.
pub(super) fn ca_fault(loaded: &Loaded) -> Option<Fault> {
    let path = &loaded.config.feed.ca_file;
    let judged = if path.is_empty() { Ok(()) } else { judge_ca_file(Path::new(path)) };
    judged.err().map(|fault| loaded.places.fault(&["feed", "ca_file"], fault.to_string()))
}

/// The cores named that are not among those that this process may use; none where the system does not tell which. Each is a
/// warning: its thread runs anywhere, and the configuration may be for another machine.
pub(super) fn core_warnings(loaded: &Loaded, usable: &[usize]) -> Vec<Fault> {
    let shown: CoreSet = usable.iter().copied().collect();
    let cores = &loaded.config.cores;
    let named = [("io", &cores.io), ("shards", &cores.shards)]
        .into_iter()
        .flat_map(|(key, cores)| cores.iter().enumerate().map(move |(at, core)| (key, at.to_string(), *core)));
    named
        .filter(|(_, _, core)| !usable.is_empty() && !usable.contains(&usize::from(*core)))
        .map(|(key, at, core)| {
            let message = format!(
                "warning: this process may not use core {core} here, but {shown}: the thread would run on any core; name \
                 another core, unless this is for another machine"
            );
            loaded.places.fault(&["cores", key, &at], message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Loaded {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("x.yaml");
        std::fs::write(&path, text).unwrap();
        crate::config::load(Some(&path), std::iter::empty()).unwrap()
    }

    #[test]
    fn cores_that_are_not_to_be_had_are_told_with_their_place() {
        let loaded = loaded("topology: dedicated\ncores:\n  io: [1]\n  shards: [7, 0]\n");
        for (usable, told) in [
            (&[0, 1][..], &["4:12: cores.shards[0]: warning: this process may not use core 7 here, but 0-1:"][..]),
            (&[2, 7], &["3:8: cores.io[0]: warning: ", "4:15: cores.shards[1]: warning: "]),
            (&[0, 1, 7], &[]),
            (&[], &[]),
        ] {
            let faults: Vec<String> = core_warnings(&loaded, usable).iter().map(Fault::to_string).collect();
            assert_eq!(faults.len(), told.len(), "{faults:?}");
            assert!(faults.iter().zip(told).all(|(fault, told)| fault.contains(told)), "{faults:?}");
        }
    }
}
