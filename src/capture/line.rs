//! Purpose: a capture file as stamped lines: opening, gzip, the line cap, and errors that say where and what to do.
//! Owns: one open file and one line's buffer. Thread: the io thread. Takes and gives: a path in, lines out.
//! Never: reads a file whole; holds more than one line of at most the cap.

use core::fmt::Display;
use core::ops::Range;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use crate::schema::frame::SourceError;
use crate::sync::{AtomicU64, Ordering};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 64 * 1024;
const EXCERPT_BYTES: usize = 40;
const LINE_FORM: &str = "`<receive time, unix ns> <json>`";

/// Packed forms that are told apart from plain text to give better advice, by their first bytes.
const FOREIGN: [(&[u8], &str, &str); 4] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "unzstd"),
    (&[0xfd, b'7', b'z', b'X'], "xz", "unxz"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"PK\x03\x04", "zip", "unzip"),
];

/// A line that was read: its stamp, and where its JSON is in [`LineReader::line`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamped {
    /// Receive time, UTC ns.
    pub(super) stamp: i64,
    /// The JSON's bytes.
    pub(super) json: Range<usize>,
}

/// Reads one file line by line.
pub(super) struct LineReader {
    shown: String,
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    lines: u64,
    line_bytes_max: usize,
}

/// Counts what is read from the file itself.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(into)?;
        // Relaxed: a progress figure; nothing else is read by it.
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl LineReader {
    /// Opens a file; gives the reader and the file's size in bytes. `read` counts the bytes taken from it.
    ///
    /// # Errors
    /// When it cannot be opened, is no regular file, or is packed in another way than gzip.
    pub(super) fn open(
        path: &Path,
        line_bytes_max: usize,
        read: Arc<AtomicU64>,
    ) -> Result<(LineReader, u64), SourceError> {
        let shown = path.display().to_string();
        let unreadable =
            |what: &dyn Display, todo: &str| SourceError::unreadable(file_fault(&shown, what, "a capture file", todo));
        let open = |err: std::io::Error| {
            unreadable(&format_args!("cannot be opened: {err}"), "check the path and its permissions")
        };
        // Asked before opening: opening a pipe waits for its other end.
        let meta = std::fs::metadata(path).map_err(open)?;
        if meta.is_dir() {
            return Err(unreadable(&"is a directory", "name the files in it"));
        }
        if !meta.is_file() {
            return Err(unreadable(&"is not a regular file", "write what it holds to a file first"));
        }
        let mut file = Counted { file: File::open(path).map_err(open)?, read };
        let mut head = Vec::with_capacity(4);
        (&mut file).take(4).read_to_end(&mut head).map_err(open)?;
        if let Some((_, name, tool)) = FOREIGN.iter().find(|(magic, ..)| head.starts_with(magic)) {
            let what = format!("is packed with {name}");
            let todo = format!("unpack it with {tool} first");
            return Err(SourceError::damaged(file_fault(&shown, &what, "plain text or gzip", &todo)));
        }
        let gzip = head.starts_with(&GZIP);
        let whole = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(file));
        let reader: Box<dyn BufRead + Send> = if gzip {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok((LineReader { shown, reader, line: Vec::new(), lines: 0, line_bytes_max }, meta.len()))
    }

    /// Reads the next line; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read on, or the line has no stamp, is no UTF-8, or is too long.
    pub(super) fn advance(&mut self) -> Result<Option<Stamped>, SourceError> {
        self.line.clear();
        let most = self.line_bytes_max as u64 + 1;
        let read = self.reader.as_mut().take(most).read_until(b'\n', &mut self.line);
        self.lines += 1;
        if let Err(err) = read {
            return Err(self.read_fault(&err));
        }
        if self.line.is_empty() {
            self.lines -= 1;
            return Ok(None);
        }
        let ended = self.line.last() == Some(&b'\n');
        let mut end = self.line.len() - usize::from(ended);
        end -= usize::from(ended && self.line[..end].last() == Some(&b'\r'));
        // The stamp first: of a file that is no capture at all, that is the thing to say.
        let (stamp, start) = self.stamp(end)?;
        if end > self.line_bytes_max {
            let what = format!("the line is longer than {} bytes", self.line_bytes_max);
            let todo = "raise limits.line_bytes if it is a capture, or repair the file";
            return Err(self.fault(&what, "one message a line", todo));
        }
        if let Err(err) = core::str::from_utf8(&self.line[..end]) {
            let what = format!("byte {} of the line is not UTF-8", err.valid_up_to() + 1);
            return Err(self.fault(&what, "UTF-8 text", "the file is damaged: record or copy it again"));
        }
        Ok(Some(Stamped { stamp, json: start..end }))
    }

    /// The stamp, and where the JSON begins.
    fn stamp(&self, end: usize) -> Result<(i64, usize), SourceError> {
        let line = &self.line[..end];
        let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || line.get(digits) != Some(&b' ') {
            let what = format!("the line begins with {}", excerpt(line));
            return Err(self.fault(&what, LINE_FORM, "convert the file, or remove the line"));
        }
        let value = line[..digits]
            .iter()
            .try_fold(0i64, |sum, digit| sum.checked_mul(10).and_then(|sum| sum.checked_add(i64::from(digit - b'0'))));
        let Some(stamp) = value else {
            let what = format!("the stamp {} is beyond the year 2262", excerpt(&line[..digits]));
            return Err(self.fault(&what, "UTC nanoseconds since 1970", "convert the stamps"));
        };
        Ok((stamp, digits + 1))
    }

    /// The bytes of the line read last; the parser may spoil them.
    pub(super) fn line(&mut self) -> &mut [u8] {
        &mut self.line
    }

    /// As [`LineReader::line`], to look at.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// Lines read so far; the number, from 1, of the one read last.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    fn read_fault(&self, err: &std::io::Error) -> SourceError {
        let (what, todo) = match err.kind() {
            ErrorKind::UnexpectedEof => {
                ("the gzip stream is cut off".to_owned(), "copy the file again, or repack what can be unpacked")
            }
            ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                (format!("the gzip stream is damaged ({err})"), "copy the file again")
            }
            _ => {
                let (what, todo) = (format!("reading failed: {err}"), "check the disk and the file's permissions");
                return SourceError::unreadable(self.told(&what, "a whole file", todo));
            }
        };
        self.fault(&what, "a whole file", todo)
    }

    /// A fault of the line read last.
    pub(super) fn fault(&self, what: &dyn Display, expected: &str, todo: &str) -> SourceError {
        SourceError::damaged(self.told(what, expected, todo))
    }

    fn told(&self, what: &dyn Display, expected: &str, todo: &str) -> String {
        let (shown, line) = (&self.shown, self.lines);
        format!("{shown}:{line}: {what}: expected {expected}; {todo}")
    }

    /// A fault of the file as a whole.
    pub(super) fn whole_fault(&self, what: &dyn Display, expected: &str, todo: &str) -> SourceError {
        SourceError::damaged(file_fault(&self.shown, what, expected, todo))
    }
}

fn file_fault(shown: &str, what: &dyn Display, expected: &str, todo: &str) -> String {
    format!("{shown}: {what}: expected {expected}; {todo}")
}

/// The beginning of some bytes, for a person: control bytes and what is no ASCII escaped, for nobody vouches for it.
fn excerpt(bytes: &[u8]) -> String {
    let more = if bytes.len() > EXCERPT_BYTES { "…" } else { "" };
    format!("\"{}\"{more}", bytes[..bytes.len().min(EXCERPT_BYTES)].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::frame::SourceErrorKind;

    /// Gives its text, then fails.
    struct Failing(Cursor<&'static [u8]>, ErrorKind);

    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(into)? {
                0 => Err(self.1.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn a_disk_that_fails_is_told_from_a_file_that_is_damaged() {
        for (kind, told) in [
            (ErrorKind::Other, SourceErrorKind::Unreadable),
            (ErrorKind::PermissionDenied, SourceErrorKind::Unreadable),
            (ErrorKind::UnexpectedEof, SourceErrorKind::Damaged),
            (ErrorKind::InvalidData, SourceErrorKind::Damaged),
        ] {
            let reader = Box::new(BufReader::new(Failing(Cursor::new(b"5 {}\n6 {"), kind)));
            let shown = "a".to_owned();
            let mut lines = LineReader { shown, reader, line: Vec::new(), lines: 0, line_bytes_max: 100 };
            assert_eq!(lines.advance().unwrap().unwrap().stamp, 5);
            let error = lines.advance().unwrap_err();
            assert_eq!(error.kind, told, "{kind:?}: {error}");
            assert!(error.message.starts_with("a:2: "), "{error}");
        }
    }
}
