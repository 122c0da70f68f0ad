//! Purpose: files that are whole or not there: written beside, then named; where that is refused, written over. Owns: the name
//! beside. Thread: main. Takes and gives: text in. Never: shortens what stands there before all of what replaces it is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use super::exit::{Cause, Failed};
use super::say::give;

/// Links that follow each other; Linux itself follows no more.
const LINKS_MAX: usize = 40;

/// Writes a file, or standard output where it is called `-`.
///
/// # Errors
/// When it cannot be written; then what stood there stands there still, unless it could but be written over.
pub(super) fn keep(path: &Path, text: &str) -> Result<(), Failed> {
    if path == Path::new("-") {
        return give(text);
    }
    let failed = |error| Failed::new(Cause::Output, format!("{}: cannot be written: {error}", path.display()));
    put(path, &SYSTEM, |out| out.write_all(text.as_bytes())).map_err(failed)
}

/// What a system may refuse of a place whose file can be written all the same.
struct Ways<'w> {
    create: &'w dyn Fn(&Path) -> io::Result<File>,
    rename: &'w dyn Fn(&Path, &Path) -> io::Result<()>,
}

const SYSTEM: Ways<'_> = Ways { create: &|path| File::create_new(path), rename: &|from, to| fs::rename(from, to) };

/// Fills a file beside and gives it the name, unless filling it failed: a disk that is full must not cost what was kept before.
/// Where there is no way but to write over it, that is done.
fn put(path: &Path, ways: &Ways<'_>, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    // Asked by the name as it was given: the system knows where `/dev/fd/9` leads, but that link's own words, `pipe:[9]`, are
    // no path.
    let before = fs::metadata(path).ok();
    if let Some(before) = &before {
        // A device or a pipe holds nothing that could be lost, and must not become a file.
        if !before.is_file() {
            return fill(&mut OpenOptions::new().write(true).open(path)?);
        }
        // A file that is open and has no name any more: there is nothing that could be renamed.
        if path.canonicalize().is_err() {
            return over(path, fill);
        }
    }
    let path = led_to(path)?;
    let beside = beside(&path)?;
    // One of ours that was ended while it wrote; whatever else it may be, nobody's link is followed.
    let _ = fs::remove_file(&beside);
    let mut file = match (ways.create)(&beside) {
        Ok(file) => file,
        Err(refused) if is_of_the_place(&refused) => return over(&path, fill),
        Err(error) => return Err(error),
    };
    let mut written = || {
        if let Some(before) = &before {
            file.set_permissions(before.permissions())?;
        }
        fill(&mut file)?;
        // Some systems tell only now that the disk is full.
        file.sync_all()
    };
    let named = written().map(|()| (ways.rename)(&beside, &path));
    if !matches!(named, Ok(Ok(()))) {
        drop(fs::remove_file(&beside));
    }
    match named? {
        Err(refused) if is_of_the_place(&refused) => over(&path, fill),
        outcome => outcome,
    }
}

/// Whether the folder refuses, and not the disk: it admits no new file or name (rights, read-only, a name that is too long
/// with ours around it), or the file is a mount point.
fn is_of_the_place(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, InvalidFilename, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | CrossesDevices | ResourceBusy | InvalidFilename)
}

/// Writes over what stands there, and shortens it last: what fits where the old one was needs no room on a full disk.
fn over(path: &Path, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    fill(&mut file)?;
    let length = file.stream_position()?;
    file.set_len(length)?;
    file.sync_all()
}

/// Where a path leads: a link stays one, and what it leads to is written, even if that is not there yet. Links are followed by
/// hand only where the system does not: where the last leads to nothing.
///
/// # Errors
/// When links lead round in a circle.
pub(super) fn led_to(path: &Path) -> io::Result<PathBuf> {
    if let Ok(whole) = path.canonicalize() {
        return Ok(whole);
    }
    let mut at = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&at) {
            // What it says is seen from its own folder, unless it is absolute.
            Ok(next) => at = at.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(at),
        }
    }
    // The system itself knows what to call that.
    fs::metadata(path).map(|_| at)
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
            let outcome = put(&path, &SYSTEM, |out| {
                out.write_all(&NEW.as_bytes()[..5])?;
                if full { Err(io::ErrorKind::StorageFull.into()) } else { out.write_all(&NEW.as_bytes()[5..]) }
            });
            assert_eq!(outcome.is_err(), full, "{before:?}");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), after, "{before:?}");
            let names = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(names, usize::from(after.is_some()), "something is left beside it");
        }
    }

    #[test]
    fn a_file_is_written_over_where_its_folder_lets_nothing_be_replaced() {
        use io::ErrorKind::{
            CrossesDevices, NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull,
        };
        for (kind, of_place) in [
            (PermissionDenied, true),
            (ReadOnlyFilesystem, true),
            (ResourceBusy, true),
            (CrossesDevices, true),
            (StorageFull, false),
            (NotFound, false),
        ] {
            let (no_file, no_name) = (|_: &Path| Err(kind.into()), |_: &Path, _: &Path| Err(kind.into()));
            for ways in [Ways { create: &no_file, ..SYSTEM }, Ways { rename: &no_name, ..SYSTEM }] {
                for before in ["old", "old, and longer than what comes"] {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("plot.svg");
                    fs::write(&path, before).unwrap();
                    let outcome = put(&path, &ways, |out| out.write_all(NEW.as_bytes()));
                    assert_eq!(outcome.is_ok(), of_place, "{kind}: {outcome:?}");
                    assert_eq!(fs::read_to_string(&path).unwrap(), if of_place { NEW } else { before }, "{kind}");
                    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{kind}: something is left beside it");
                }
            }
        }
        // A name that has no room for ours around it.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        for _ in 0..2 {
            keep(&path, NEW).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), NEW);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_what_is_there_and_to_what_is_not_yet() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("kept")).unwrap();
        symlink("kept/plot.svg", at("relative")).unwrap();
        symlink(at("relative"), at("absolute")).unwrap();
        for round in ["made", "replaced"] {
            let text = format!("{NEW}{round}");
            keep(&at("absolute"), &text).unwrap();
            assert_eq!(fs::read_to_string(at("kept/plot.svg")).unwrap(), text);
            assert!(["relative", "absolute"].iter().all(|link| at(link).symlink_metadata().unwrap().is_symlink()));
        }
        symlink("round", at("about")).unwrap();
        symlink("about", at("round")).unwrap();
        symlink("no/where", at("lost")).unwrap();
        for link in ["round", "lost"] {
            let failed = keep(&at(link), NEW).unwrap_err();
            assert!(failed.message.contains("cannot be written"), "{failed}");
            assert!(at(link).symlink_metadata().unwrap().is_symlink());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_descriptor_leads_to_is_written_whatever_the_link_says() {
        use std::io::{Read, Seek};
        use std::os::fd::AsRawFd;
        let (mut reader, writer) = std::io::pipe().unwrap();
        let path = PathBuf::from(format!("/dev/fd/{}", writer.as_raw_fd()));
        keep(&path, NEW).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, NEW);
        // A file that has no name any more: its link says `… (deleted)`, and no file is to be called so.
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create_new(folder.path().join("plot.svg")).unwrap();
        file.write_all(b"old, and longer than what comes").unwrap();
        fs::remove_file(folder.path().join("plot.svg")).unwrap();
        let mut kept = File::open(format!("/dev/fd/{}", file.as_raw_fd())).unwrap();
        keep(Path::new(&format!("/dev/fd/{}", file.as_raw_fd())), NEW).unwrap();
        text.clear();
        kept.rewind().unwrap();
        kept.read_to_string(&mut text).unwrap();
        assert_eq!(text, NEW);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a file has the name that the link says");
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
