//! Purpose: the commands of named consumers on disk, so that they outlive a restart.
//! Owns: the file. Thread: the control duty's. Takes and gives: records in; records out once, at the start.
//! Never: takes a damaged file for a whole one; says that a record is kept before the disk has it.
//!
//! One record a line: the sum of what follows (FNV-1a, 16 hex digits), a space, JSON. A line that a crash tore off at the end
//! is cut away and told: its command was never acknowledged. Damage anywhere else is refused.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::schema::command::{Command, ConsumerName, Filters};

/// The longest journal that is read, in bytes.
const JOURNAL_BYTES_MAX: u64 = 1 << 30;
/// A journal up to this long is not worth writing anew, in bytes.
const REWRITE_BYTES_MIN: u64 = 1 << 20;
/// Whose a record is that is nobody's.
const NOBODY: &str = "journal";

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
    /// Nothing: the file was written anew at this version, with what was in force then.
    Rewritten,
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
    /// Another process writes to it.
    #[error(
        "control/journal: {file}: another feed has it open; give each feed a journal of its own, or end the other one"
    )]
    Held {
        /// The file.
        file: PathBuf,
    },
    /// It is as long as it may be.
    #[error("control/journal: {file} is as long as it may be, and could not be written anew: make room beside it")]
    Full {
        /// The file.
        file: PathBuf,
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
    /// Records that this configuration cannot carry out: what has no route today may have one again tomorrow.
    aside: Vec<Record>,
    /// It is not written anew before it has so many records: the last attempt failed.
    patient_until: u64,
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
    /// Opens the file, made if it is not there, and reads all of it. Nobody else can open it until this is dropped.
    ///
    /// # Errors
    /// [`JournalError`]; the file is left as it was.
    pub fn open(path: &Path) -> Result<(Journal, Kept), JournalError> {
        let failed = |source| JournalError::File { file: path.to_owned(), source };
        let mut file = held(path)?;
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
        let (path, end) = (path.to_owned(), whole as u64);
        Ok((Journal { path, file, last, end, aside: Vec::new(), patient_until: 0 }, kept))
    }

    /// Has a record stay that could not be carried out.
    pub fn set_aside(&mut self, record: Record) {
        self.aside.push(record);
    }

    /// Keeps a record; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`JournalError::File`]: nothing of it was kept.
    pub fn keep(&mut self, version: u64, at_ns: i64, consumer: &ConsumerName, what: What) -> Result<(), JournalError> {
        let record = Record { number: self.last + 1, version, at_ns, consumer: consumer.clone(), what };
        let line = written(&record);
        if self.end + line.len() as u64 > JOURNAL_BYTES_MAX {
            return Err(JournalError::Full { file: self.path.clone() });
        }
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

    /// Whether the file is worth writing anew when so many records would do.
    pub fn is_wordy(&self, enough: u64) -> bool {
        self.end > REWRITE_BYTES_MIN && self.last > (2 * (enough + self.aside.len() as u64) + 2).max(self.patient_until)
    }

    /// Writes the file anew with what is in force at this version: beside the old one, which it then replaces at once. The
    /// numbers of the records are given anew.
    ///
    /// # Errors
    /// [`JournalError::File`]: the file is there, the old one or the new one, and is written on.
    pub fn rewrite(&mut self, version: u64, at_ns: i64, in_force: Vec<Record>) -> Result<(), JournalError> {
        let mut records: Vec<Record> = self.aside.iter().cloned().chain(in_force).collect();
        records.sort_by_key(|record| record.version);
        // The version outlives the last subscription.
        let nobody = ConsumerName::parse(NOBODY).ok();
        let own = nobody.map(|consumer| Record { number: 0, version, at_ns, consumer, what: What::Rewritten });
        records.extend(own);
        (1..).zip(&mut records).for_each(|(number, record)| record.number = number);
        let text: String = records.iter().map(written).collect();
        // Until it is half as long again, should this fail.
        self.patient_until = self.last + self.last / 2;
        let beside = self.path.with_extension("rewritten");
        let failed = |source| JournalError::File { file: beside.clone(), source };
        let file = self.beside(&beside, &text).map_err(|source| {
            let _ = std::fs::remove_file(&beside);
            failed(source)
        })?;
        (self.file, self.last, self.end) = (file, records.len() as u64, text.len() as u64);
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        self.patient_until = 0;
        Ok(())
    }

    /// Writes a file beside this one, held as this one is, and puts it in its place.
    fn beside(&self, path: &Path, text: &str) -> std::io::Result<File> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        file.try_lock()?;
        file.set_permissions(self.file.metadata()?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(path, &self.path)?;
        Ok(file)
    }
}

/// Opens the file so that nobody else can.
fn held(path: &Path) -> Result<File, JournalError> {
    let failed = |source| JournalError::File { file: path.to_owned(), source };
    loop {
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(failed)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(JournalError::Held { file: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Ok(()) => {}
        }
        // Whoever had it may have put another one in its place before letting go.
        let (mine, there) = (file.metadata().map_err(failed)?, std::fs::metadata(path).map_err(failed)?);
        if (mine.dev(), mine.ino()) == (there.dev(), there.ino()) {
            return Ok(file);
        }
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

    /// What the file holds after all.
    fn read_again(journal: Journal, path: &Path) -> Kept {
        drop(journal);
        Journal::open(path).unwrap().1
    }

    #[test]
    fn two_feeds_cannot_have_one_journal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        let refused = || matches!(Journal::open(&path), Err(JournalError::Held { .. }));
        assert!(refused());
        journal.rewrite(3, 0, Vec::new()).unwrap();
        assert!(refused(), "nor the one that took its place");
        assert_eq!(read_again(journal, &path).records.len(), 1);
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
        let kept = read_again(journal, &path);
        assert_eq!((kept.records.len(), &kept.records[3].what), (4, &ended));
    }

    #[test]
    fn a_file_written_anew_has_what_is_in_force_and_goes_on_from_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        three(&path);
        let (mut journal, _) = Journal::open(&path).unwrap();
        assert!(!journal.is_wordy(0), "it is short");
        for n in 0..10_000 {
            journal.keep(6 + n, 7, &desk(), subscribe("TRADE")).unwrap();
        }
        assert!(journal.is_wordy(1) && !journal.is_wordy(5_001));
        let record = |version, at_ns, what| Record { number: 0, version, at_ns, consumer: desk(), what };
        journal.set_aside(record(4, 3, subscribe("NO.ROUTE")));
        journal.rewrite(10_006, 9, vec![record(6, 7, subscribe("TRADE")), record(2, 5, subscribe("TICKER"))]).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1_000);
        journal.keep(10_007, 10, &desk(), subscribe("KLINE")).unwrap();
        let kept = read_again(journal, &path);
        let read: Vec<_> = kept.records.into_iter().map(|r| (r.number, r.version, r.at_ns, r.what)).collect();
        let expected = [
            (1, 2, 5, subscribe("TICKER")),
            (2, 4, 3, subscribe("NO.ROUTE")),
            (3, 6, 7, subscribe("TRADE")),
            (4, 10_006, 9, What::Rewritten),
            (5, 10_007, 10, subscribe("KLINE")),
        ];
        assert_eq!(read, expected);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
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
            assert_eq!(read_again(journal, &path).records.last().unwrap().number, 3);
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
