//! Purpose: what a configuration names of this machine: files of certificates and secrets, cores. Owns: nothing. Thread: main (cold).
//! Takes and gives: a loaded configuration in, faults with their places out. Never: stops a run for want of a core, as a run
//! does not.

use std::path::Path;

use super::control::serve::judge_files;
use super::doctor::core_set::CoreSet;
use super::exit::Failed;
use super::settings;
use crate::binance::live::judge_ca_file;
use crate::config::{Fault, FeedSource, Loaded};

/// Judges the certificates that the feed is to trust, if it names any. A warning where no `run` of this configuration reads
/// them, and where they cannot be judged: reading a device or a pipe may never end, and takes from a pipe what is in it.
///
/// # Errors
/// The fault, where `run` would refuse them.
pub(super) fn judge_ca(loaded: &Loaded) -> Result<Option<Fault>, Fault> {
    let feed = &loaded.config.feed;
    let fault = |message| loaded.places.fault(&["feed", "ca_file"], message);
    if feed.ca_file.is_empty() {
        return Ok(None);
    }
    let path = Path::new(&feed.ca_file);
    if let Some(unread) = not_read(path) {
        return Ok(Some(fault(unread)));
    }
    match judge_ca_file(path) {
        Ok(()) => Ok(None),
        Err(bad) if feed.source == FeedSource::Live => Err(fault(bad.to_string())),
        Err(bad) => Ok(Some(fault(format!(
            "warning: {bad}; only `source: live` and `doctor` read it: mend it, or leave it out"
        )))),
    }
}

/// Judges the files that guard the control plane, and the headers that go with traces: what is wrong with them, as `run` would say it; and a
/// warning where the certificate's cannot be judged: of all of them it is the one that `run` takes from a pipe too.
pub(super) fn judge_secrets(loaded: &Loaded) -> (Option<Fault>, Vec<Failed>) {
    let control = &loaded.config.control;
    let unread = if control.enabled { not_read(Path::new(&control.tls_cert)) } else { None };
    let mut faults = judge_files(loaded, unread.is_none());
    faults.extend(settings::trace_options(loaded).err());
    (unread.map(|warning| loaded.places.fault(&["control", "tls_cert"], warning)), faults)
}

/// A warning for a path whose reading may never end.
fn not_read(path: &Path) -> Option<String> {
    // Reading a folder fails at once.
    let special = path.metadata().is_ok_and(|at| !at.is_file() && !at.is_dir());
    special.then(|| {
        format!(
            "warning: {} was not read, for it is not a regular file: whether it holds certificates is not known; name a \
             file to have it judged",
            path.display()
        )
    })
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
