//! Purpose: keeps "no request until then" over a restart, in a small file (faults.md F33). The deadline is the wall clock's:
//! no other clock is the same in the next process.
//! Owns: the file. Thread: the REST thread. Takes and gives: deadlines. Never: leaves half a file behind; believes one that is
//! damaged, of another venue, or longer than any ban.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The longest ban is three days (binance.md, section 2); a little more for what we add to it, and for clocks.
const LONGEST_MS: i64 = (3 * 24 * 3_600 + 60) * 1_000;
/// Such a file has some hundred bytes.
const BYTES_MAX: u64 = 4_096;
/// The version of its form.
const VERSION: u32 = 1;

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    version: u32,
    /// Whose word it is.
    rest: String,
    /// What it answered.
    status: u16,
    /// Until when it wants no request: UTC ms.
    until_unix_ms: i64,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing that still holds.
    Nothing,
    /// No request for so many milliseconds, because of that status.
    Wait { ms: i64, status: u16 },
    /// It cannot be believed; why, for a person.
    Unusable(String),
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct BanFile {
    path: PathBuf,
    /// The endpoint, as its owner writes it.
    rest: String,
}

impl core::fmt::Display for BanFile {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.path.display().fmt(f)
    }
}

impl BanFile {
    /// Of one endpoint. Nothing is opened yet.
    pub(super) fn new(path: &Path, rest: String) -> BanFile {
        BanFile { path: path.to_path_buf(), rest }
    }

    /// Reads it at a moment, UTC ms. A file that is not there says nothing.
    pub(super) fn load(&self, now_ms: i64) -> Kept {
        let unusable = |why: &str| Kept::Unusable(format!("{}: {why}; it is ignored", self.path.display()));
        let mut bytes = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Kept::Nothing,
            Err(error) => return unusable(&format!("cannot be read: {error}")),
        }
        if bytes.len() as u64 > BYTES_MAX {
            return unusable("is too long for what it should hold");
        }
        let record: Record = match serde_json::from_slice(&bytes) {
            Ok(record) => record,
            Err(error) => return unusable(&format!("is damaged ({error})")),
        };
        if record.version != VERSION {
            return unusable(&format!("has version {}, and {VERSION} is known", record.version));
        }
        if record.rest != self.rest {
            return unusable(&format!("is of {}, not of {}", record.rest.escape_debug(), self.rest));
        }
        match record.until_unix_ms.saturating_sub(now_ms) {
            ..=0 => Kept::Nothing,
            ms if ms > LONGEST_MS => unusable("tells a wait longer than any ban: the clock may have been set"),
            ms => Kept::Wait { ms, status: record.status },
        }
    }

    /// Writes it anew, whole or not at all: beside it first, then in its place.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn save(&self, until_unix_ms: i64, status: u16) -> std::io::Result<()> {
        let record = Record { version: VERSION, rest: self.rest.clone(), status, until_unix_ms };
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        let mut beside = self.path.clone().into_os_string();
        beside.push(format!(".{}", std::process::id()));
        let written = write_synced(Path::new(&beside), &line).and_then(|()| fs::rename(&beside, &self.path));
        if written.is_err() {
            // What cannot be removed was not there, or stays for a person to see.
            let _ = fs::remove_file(&beside);
        }
        written?;
        // The name too must outlive a loss of power; where a directory cannot be opened, it has to do without.
        let parent = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|directory| directory.sync_all()).or(Ok(()))
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;
    const REST: &str = "https://api.binance.com";

    fn file(directory: &tempfile::TempDir) -> BanFile {
        BanFile::new(&directory.path().join("state"), REST.to_owned())
    }

    #[test]
    fn what_is_saved_is_read_until_it_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        assert_eq!(file.load(NOW), Kept::Nothing, "there is no file yet");
        for (until, status) in [(NOW + 5_000, 429), (NOW + 259_200_000, 418)] {
            file.save(until, status).unwrap();
            assert_eq!(file.load(NOW), Kept::Wait { ms: until - NOW, status });
            assert_eq!(file.load(until - 1), Kept::Wait { ms: 1, status });
            assert_eq!(file.load(until), Kept::Nothing);
        }
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["state"], "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_believed_is_told_and_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        let record = |until: i64, rest: &str, version: u32| {
            format!(r#"{{"version":{version},"rest":"{rest}","status":418,"untilUnixMs":{until}}}"#)
        };
        let whole = record(NOW + 5_000, REST, 1);
        let mut table = vec![
            (String::new(), "damaged"),
            ("\0\0\0\0".to_owned(), "damaged"),
            ("[]".to_owned(), "damaged"),
            (whole.replace("418", "\"x\""), "damaged"),
            (whole.replace("status", "state"), "damaged"),
            (format!("{whole}{whole}"), "damaged"),
            ("x".repeat(10_000), "too long"),
            (record(NOW + LONGEST_MS + 1, REST, 1), "longer than any ban"),
            (record(i64::MAX, REST, 1), "longer than any ban"),
            (record(NOW + 5_000, "https://fapi.binance.com", 1), "is of https://fapi.binance.com"),
            (record(NOW + 5_000, REST, 2), "version 2"),
        ];
        // Cut anywhere, as by a disk that was full.
        table.extend((0..whole.len()).map(|cut| (whole[..cut].to_owned(), "damaged")));
        for (text, why) in table {
            fs::write(directory.path().join("state"), &text).unwrap();
            match file.load(NOW) {
                Kept::Unusable(told) => assert!(told.contains(why) && told.contains("ignored"), "{text}: {told}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        fs::write(directory.path().join("state"), record(i64::MIN, REST, 1)).unwrap();
        assert_eq!(file.load(NOW), Kept::Nothing);
        let none = BanFile::new(directory.path(), REST.to_owned());
        assert!(matches!(none.load(NOW), Kept::Unusable(_)), "a directory is no file");
        assert!(none.save(NOW, 418).is_err());
    }
}
