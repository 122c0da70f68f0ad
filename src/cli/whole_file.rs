//! Purpose: files that are whole or not there: written beside, then named. Owns: the name beside. Thread: main.
//! Takes and gives: text in. Never: shortens what stands there before all of what replaces it is on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::{Cause, Failed};
use super::say::give;

/// Writes a file, or standard output where it is called `-`.
///
/// # Errors
/// When it cannot be written; then what stood there stands there still.
pub(super) fn keep(path: &Path, text: &str) -> Result<(), Failed> {
    if path == Path::new("-") {
        return give(text);
    }
    let failed = |error| Failed::new(Cause::Output, format!("{}: cannot be written: {error}", path.display()));
    put(path, |out| out.write_all(text.as_bytes())).map_err(failed)
}

/// Fills a file beside and gives it the name, unless filling it failed: a disk that is full must not cost what was kept before.
fn put(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&path).ok();
    // A device or a pipe holds nothing that could be lost, and must not become a file.
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return fill(&mut OpenOptions::new().write(true).open(&path)?);
    }
    let beside = beside(&path)?;
    // One of ours that was ended while it wrote; whatever else it may be, nobody's link is followed.
    let _ = fs::remove_file(&beside);
    let written = || {
        let mut file = File::create_new(&beside)?;
        if let Some(before) = &before {
            file.set_permissions(before.permissions())?;
        }
        fill(&mut file)?;
        // Some systems tell only now that the disk is full.
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    written().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// In the same folder, for a name cannot be moved from one disk to another; by our number, for two may write at once.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "<svg>new</svg>";

    #[test]
    fn a_file_is_all_that_was_to_be_written_or_what_stood_there() {
        for (before, full, after) in [
            (None, false, Some(NEW)),
            (None, true, None),
            (Some("old, and longer than what comes"), false, Some(NEW)),
            (Some("old"), true, Some("old")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("plot.svg");
            if let Some(before) = before {
                fs::write(&path, before).unwrap();
            }
            let outcome = put(&path, |out| {
                out.write_all(&NEW.as_bytes()[..5])?;
                if full { Err(io::ErrorKind::StorageFull.into()) } else { out.write_all(&NEW.as_bytes()[5..]) }
            });
            assert_eq!(outcome.is_err(), full, "{before:?}");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), after, "{before:?}");
            let names = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(names, usize::from(after.is_some()), "something is left beside it");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_a_device_a_device_and_rights_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "old").unwrap();
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink(at("file"), at("link")).unwrap();
        keep(&at("link"), NEW).unwrap();
        assert!(at("link").symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(at("file")).unwrap(), NEW);
        assert_eq!(at("file").metadata().unwrap().permissions().mode() & 0o777, 0o600);
        keep(Path::new("/dev/null"), NEW).unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
        for lost in ["no/folder.svg", "."] {
            let failed = keep(&at(lost), NEW).unwrap_err();
            assert_eq!((failed.cause, failed.message.contains("cannot be written")), (Cause::Output, true), "{failed}");
        }
    }
}
