//! Purpose: files that only their owner may read: tokens, keys. Owns: nothing. Thread: any (cold).
//! Takes and gives: a path in, its bytes out. Never: reads a file that others may read or have put there.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Why a private file is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct FileFault {
    path: String,
    reason: String,
}

impl FileFault {
    pub(super) fn new(path: &Path, reason: impl Into<String>) -> FileFault {
        FileFault { path: path.display().to_string(), reason: reason.into() }
    }
}

/// Reads a regular file of at most `bytes_max` bytes that belongs to this process's user and is closed to all others. The
/// buffer is wiped when it is dropped.
///
/// # Errors
/// [`FileFault`]; it never quotes what is in the file.
pub fn read_private(path: &Path, bytes_max: usize) -> Result<Zeroizing<Vec<u8>>, FileFault> {
    let fault = |reason: String| FileFault::new(path, reason);
    let unread = |error: std::io::Error| fault(format!("cannot be read: {error}"));
    // Not to wait for the other end of a pipe; what is looked at below is the file that was opened, not its name.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unread)?;
    let meta = file.metadata().map_err(unread)?;
    if !meta.is_file() {
        return Err(fault("is not a regular file".to_owned()));
    }
    let user = rustix::process::geteuid().as_raw();
    if meta.uid() != user {
        return Err(fault(format!("belongs to user {}, and this process is user {user}: chown it", meta.uid())));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(fault(format!("may be read or written by others (mode {mode:04o}): chmod 0600")));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    // Within its capacity: no copy of a secret is left behind by growing.
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() > bytes_max {
        return Err(fault(format!("is longer than {bytes_max} bytes: is it the right file?")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_file_of_ones_own_that_is_closed_to_others_is_read() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("secret");
        fs::write(&path, "12345").unwrap();
        for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let read = read_private(&path, 5);
            assert_eq!(read.is_ok(), fine, "{mode:o}");
            if let Err(fault) = read {
                assert!(fault.to_string().contains("chmod 0600"), "{fault}");
            }
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(read_private(&path, 4).unwrap_err().to_string().contains("longer than 4 bytes"));
        assert!(read_private(scratch.path(), 5).is_err(), "a folder");
        assert!(read_private(&scratch.path().join("none"), 5).is_err());
    }
}
