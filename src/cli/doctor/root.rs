//! Purpose: files of /proc and /sys. Owns: where they are: a test puts a folder of its own in their place.
//! Thread: main. Takes and gives: a path in; text, or why there is none, out. Never: reads more than it may, waits for a
//! pipe, takes garbage for a value.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::core_set::CoreSet;

/// Bytes of one file; /proc/interrupts of a large host has a few hundred thousand.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Entries of one folder; /proc has one a process.
const ENTRIES_MAX: usize = 1 << 16;
/// Characters of a value that is quoted.
const QUOTED_MAX: usize = 40;

/// Where the files are.
#[derive(Clone, Debug)]
pub(super) struct Root {
    at: PathBuf,
}

/// Why a file told nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    path: String,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    Missing,
    Failed(String),
    Garbage { found: String, wanted: &'static str },
}

impl Unread {
    /// Whether there is no such file: the kernel or the machine has no such thing.
    pub(super) fn is_missing(&self) -> bool {
        self.why == Why::Missing
    }

    /// Of a file that holds something else than was wanted.
    pub(super) fn garbage(path: &str, found: &str, wanted: &'static str) -> Unread {
        let found = found.trim().chars().take(QUOTED_MAX).collect();
        Unread { path: path.to_owned(), why: Why::Garbage { found, wanted } }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Missing => write!(f, "{} is not there", self.path),
            Why::Failed(why) => write!(f, "{} cannot be read: {why}", self.path),
            Why::Garbage { found, wanted } => write!(f, "{} has {found:?}, which is {wanted}", self.path),
        }
    }
}

impl Root {
    /// This machine.
    pub(super) fn system() -> Root {
        Root::at("/")
    }

    /// A folder in its place.
    pub(super) fn at(path: impl Into<PathBuf>) -> Root {
        Root { at: path.into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.at.join(path.trim_start_matches('/'))
    }

    /// A file's text without the blanks around it. What is no UTF-8 is replaced.
    pub(super) fn text(&self, path: &str) -> Result<String, Unread> {
        let failed = |error: io::Error| {
            let why = match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => Why::Missing,
                ErrorKind::PermissionDenied => Why::Failed("permission denied".to_owned()),
                _ => Why::Failed(error.to_string()),
            };
            Unread { path: path.to_owned(), why }
        };
        let real = self.path(path);
        // Asked before opening: opening a pipe waits for its other end.
        if !fs::metadata(&real).map_err(failed)?.is_file() {
            return Err(Unread { path: path.to_owned(), why: Why::Failed("it is no file".to_owned()) });
        }
        let mut bytes = Vec::new();
        fs::File::open(&real).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)).map_err(failed)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file's one word.
    pub(super) fn word(&self, path: &str) -> Result<String, Unread> {
        let text = self.text(path)?;
        let is_word = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+~".contains(c));
        if is_word { Ok(text) } else { Err(Unread::garbage(path, &text, "no word")) }
    }

    /// A file's one number.
    pub(super) fn number(&self, path: &str) -> Result<i64, Unread> {
        let text = self.text(path)?;
        text.parse().map_err(|_| Unread::garbage(path, &text, "no number"))
    }

    /// A file's set of cores.
    pub(super) fn cores(&self, path: &str) -> Result<CoreSet, Unread> {
        let text = self.text(path)?;
        CoreSet::parse(&text).ok_or_else(|| Unread::garbage(path, &text, "no list of cores"))
    }

    /// The names in a folder, sorted; none when it cannot be read.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().take(ENTRIES_MAX).flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// Whether there is such a thing.
    pub(super) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Whether this is the machine itself, whose programs may be asked.
    pub(super) fn is_system(&self) -> bool {
        self.at == Path::new("/")
    }
}

#[cfg(test)]
mod tests {
    use super::super::trees::Tree;

    #[test]
    fn what_cannot_be_read_says_why_and_garbage_is_no_value() {
        let tree = Tree::of("/a: 7\n/b: seven\n/c: 0-3,8\n/d: 3-\n/e: two words\n/f/g: 1\n/n:\n");
        let root = tree.root();
        assert_eq!(root.number("/a"), Ok(7));
        assert_eq!(root.cores("/c").unwrap().to_string(), "0-3,8");
        let table = [
            (root.number("/b").unwrap_err(), r#"/b has "seven", which is no number"#),
            (root.cores("/d").unwrap_err(), r#"/d has "3-", which is no list of cores"#),
            (root.word("/e").unwrap_err(), r#"/e has "two words", which is no word"#),
            (root.word("/n").unwrap_err(), r#"/n has "", which is no word"#),
            (root.text("/none").unwrap_err(), "/none is not there"),
            (root.text("/a/below").unwrap_err(), "/a/below is not there"),
            (root.text("/f").unwrap_err(), "/f cannot be read: it is no file"),
        ];
        for (unread, expected) in table {
            assert_eq!(unread.to_string(), expected);
        }
        assert!(root.text("/none").unwrap_err().is_missing() && !root.number("/b").unwrap_err().is_missing());
        assert_eq!(root.names("/none"), Vec::<String>::new());
    }

    #[test]
    fn a_pipe_is_not_waited_for_and_no_file_is_read_without_end() {
        let tree = Tree::of("/long: x\n");
        assert!(std::process::Command::new("mkfifo").arg(tree.path().join("pipe")).status().unwrap().success());
        assert!(tree.root().text("/pipe").unwrap_err().to_string().contains("no file"));
        std::fs::write(tree.path().join("long"), vec![b'7'; 5 << 20]).unwrap();
        assert_eq!(tree.root().text("/long").unwrap().len(), 4 << 20);
        let quoted = tree.root().number("/long").unwrap_err().to_string();
        assert!(quoted.len() < 100, "{quoted}");
    }
}
