//! Purpose: the commands of named consumers on disk, so that they outlive a restart.
//! Owns: the file. Thread: the control duty's. Takes and gives: records in; records out once, at the start.
//! Never: takes a damaged file for a whole one; says that a record is kept before the disk has it.
//!
//! One record a line: the sum of what follows (FNV-1a, 16 hex digits), a space, JSON. A line that a crash tore off at the end
//! is cut away and told: its command was never acknowledged. Damage anywhere else is refused.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::schema::command::{Command, ConsumerName, Filters};

/// The longest journal that is read, in bytes.
const JOURNAL_BYTES_MAX: u64 = 1 << 30;

/// What is kept of one change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Its number in the file, from 1 without a gap.
    pub number: u64,
    /// The control version after it.
    pub version: u64,
    /// When it was made, UTC ns.
    pub at_ns: i64,
    /// Whose it is.
    pub consumer: ConsumerName,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// A command that changed something, or renewed a lease.
    Command(Command),
    /// A lease that ended.
    #[serde(rename_all = "camelCase")]
    LeaseEnded {
        /// Of this type.
        #[serde(rename = "type")]
        type_name: String,
        /// With these filters.
        filters: Filters,
    },
}

/// A journal that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("control/journal: {file}: {source}; check the path and its permissions")]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not what was written.
    #[error(
        "control/journal: {file}, line {line}: {what}; nothing of it was used. Repair the line from a copy, or move the \
         file away to start without"
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// The journal, open for more.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The number of the last record, and bytes up to its end.
    last: u64,
    end: u64,
}

/// What a journal held.
#[derive(Debug, Default)]
pub struct Kept {
    /// In order.
    pub records: Vec<Record>,
    /// Bytes of a torn last line that were cut away.
    pub torn: u64,
}

impl Journal {
    /// Opens the file, made if it is not there, and reads all of it.
    ///
    /// # Errors
    /// [`JournalError`]; the file is left as it was.
    pub fn open(path: &Path) -> Result<(Journal, Kept), JournalError> {
        let failed = |source| JournalError::File { file: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > JOURNAL_BYTES_MAX {
            return Err(JournalError::Damaged { file: path.to_owned(), line: 1, what: "the file is over 1 GiB" });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let mut kept = Kept { records: Vec::new(), torn: (bytes.len() - whole) as u64 };
        for (at, line) in bytes[..whole].split_inclusive(|b| *b == b'\n').enumerate() {
            let record = read(&line[..line.len() - 1], kept.records.last());
            kept.records.push(record.map_err(|what| JournalError::Damaged {
                file: path.to_owned(),
                line: at + 1,
                what,
            })?);
        }
        if kept.torn > 0 {
            file.set_len(whole as u64).and_then(|()| file.sync_data()).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(whole as u64)).map_err(failed)?;
        let last = kept.records.last().map_or(0, |record| record.number);
        Ok((Journal { path: path.to_owned(), file, last, end: whole as u64 }, kept))
    }

    /// Keeps a record; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`JournalError::File`]: nothing of it was kept.
    pub fn keep(&mut self, version: u64, at_ns: i64, consumer: &ConsumerName, what: What) -> Result<(), JournalError> {
        let record = Record { number: self.last + 1, version, at_ns, consumer: consumer.clone(), what };
        let line = written(&record);
        let done = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = done {
            // Half a line must not stand before the next one.
            let _ = self.file.set_len(self.end).and_then(|()| self.file.seek(SeekFrom::Start(self.end)));
            return Err(JournalError::File { file: self.path.clone(), source });
        }
        self.last += 1;
        self.end += line.len() as u64;
        Ok(())
    }
}

fn written(record: &Record) -> String {
    // Plain data with text keys: it always has a JSON form.
    let json = serde_json::to_string(record).unwrap_or_default();
    format!("{:016x} {json}\n", sum(json.as_bytes()))
}

fn read(line: &[u8], before: Option<&Record>) -> Result<Record, &'static str> {
    let text = core::str::from_utf8(line).map_err(|_| "it is no text")?;
    let (head, json) = text.split_once(' ').ok_or("it does not begin with a sum")?;
    if head != format!("{:016x}", sum(json.as_bytes())) {
        return Err("its sum does not fit: it was changed, or written over");
    }
    let record: Record = serde_json::from_str(json).map_err(|_| "it is no record of this version")?;
    if record.number != before.map_or(0, |b| b.number) + 1 {
        return Err("its number does not follow: a line is missing, or there twice");
    }
    if record.version < before.map_or(1, |b| b.version) {
        return Err("its version goes back");
    }
    Ok(record)
}

/// FNV-1a, 64 bits.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> ConsumerName {
        ConsumerName::parse("desk").unwrap()
    }

    fn subscribe(type_name: &str) -> What {
        What::Command(Command::Subscribe {
            type_name: type_name.to_owned(),
            filters: Filters::from([("instrument".to_owned(), "BTC-USDT".into())]),
            trace_id: None,
            lease_seconds: Some(60),
        })
    }

    fn three(path: &Path) -> String {
        let (mut journal, kept) = Journal::open(path).unwrap();
        assert!(kept.records.is_empty() && kept.torn == 0);
        for (version, name) in [(2, "TRADE"), (5, "KLINE"), (5, "KLINE")] {
            journal.keep(version, 7, &desk(), subscribe(name)).unwrap();
        }
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn what_was_kept_is_read_again_and_more_can_follow() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        three(&path);
        let (mut journal, kept) = Journal::open(&path).unwrap();
        let versions: Vec<_> = kept.records.iter().map(|r| (r.number, r.version)).collect();
        assert_eq!((versions, kept.torn), (vec![(1, 2), (2, 5), (3, 5)], 0));
        assert_eq!(kept.records[0].what, subscribe("TRADE"));
        let ended = What::LeaseEnded { type_name: "TRADE".into(), filters: Filters::new() };
        journal.keep(6, 8, &desk(), ended.clone()).unwrap();
        let kept = Journal::open(&path).unwrap().1;
        assert_eq!((kept.records.len(), &kept.records[3].what), (4, &ended));
    }

    /// A crash can cut the last line anywhere.
    #[test]
    fn a_torn_last_line_is_cut_away_wherever_it_was_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let text = three(&path);
        let last = text[..text.len() - 1].rfind('\n').unwrap() + 1;
        for cut in last..text.len() {
            std::fs::write(&path, &text[..cut]).unwrap();
            let (mut journal, kept) = Journal::open(&path).unwrap();
            assert_eq!((kept.records.len(), kept.torn), (2, (cut - last) as u64), "{cut}");
            journal.keep(9, 0, &desk(), subscribe("TICKER")).unwrap();
            assert_eq!(Journal::open(&path).unwrap().1.records.last().unwrap().number, 3);
        }
    }

    #[test]
    fn damage_anywhere_is_refused_with_its_line_and_the_file_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let text = three(&path);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| *byte != b'\n') {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if byte == b'x' { b'y' } else { b'x' };
            std::fs::write(&path, &bytes).unwrap();
            let error = Journal::open(&path).unwrap_err();
            let line = text[..at].matches('\n').count() + 1;
            assert!(matches!(&error, JournalError::Damaged { line: l, .. } if *l == line), "{at}: {error}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        for (name, order) in [("twice", [0, 0]), ("missing", [0, 2]), ("swapped", [1, 0])] {
            std::fs::write(&path, order.map(|n| lines[n]).concat()).unwrap();
            assert!(Journal::open(&path).is_err(), "{name}");
        }
    }
}
