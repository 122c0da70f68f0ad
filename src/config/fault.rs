//! Purpose: what is wrong with a configuration, each fault with its place, all of them at once.
//! Owns: how a fault looks. Thread: any (cold). Takes and gives: faults and text. Never: shows a control byte of the file.

use core::fmt::{self, Write as _};
use std::sync::Arc;

/// Most faults that are shown; the rest is counted.
const FAULTS_SHOWN: usize = 50;
/// Most characters of a line that are shown.
const LINE_CHARS_MAX: usize = 120;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file; both from 1, the column in characters.
    File {
        /// The line.
        line: u32,
        /// The column.
        column: u32,
        /// How many characters long it is; 0 when it is not one word.
        length: u32,
    },
    /// In an environment variable of that name.
    Variable(Arc<str>),
    /// Nowhere: a default, or the file as a whole.
    Nowhere,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named; `None` without one.
    pub file: Option<Arc<str>>,
    /// Where.
    pub place: Place,
    /// The key's path (`books.fill_deadline`); empty for the file as a whole.
    pub path: String,
    /// What was found, what is allowed, what to do.
    pub message: String,
    /// The line of the file that holds it.
    pub source_line: Option<String>,
}

impl fmt::Display for Fault {
    /// `file:line:column: key: message`, and below it the line with a mark under the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, &self.file) {
            (Place::Variable(name), _) => write!(f, "environment {}: ", printable(name))?,
            (Place::File { line, column, .. }, Some(file)) => write!(f, "{}:{line}:{column}: ", printable(file))?,
            (Place::File { line, column, .. }, None) => write!(f, "{line}:{column}: ")?,
            (Place::Nowhere, Some(file)) => write!(f, "{}: ", printable(file))?,
            (Place::Nowhere, None) => f.write_str("configuration: ")?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&printable(&self.message))?;
        let (Place::File { line, column, length }, Some(text)) = (&self.place, &self.source_line) else {
            return Ok(());
        };
        let (text, column) = (printable(text), *column as usize);
        if text.trim().is_empty() || column > LINE_CHARS_MAX {
            return Ok(());
        }
        let shown: String = text.chars().take(LINE_CHARS_MAX).collect();
        let room = (shown.chars().count() + 1).saturating_sub(column).max(1);
        let marks = "^".repeat((*length as usize).clamp(1, room));
        write!(f, "\n{line:>6} | {shown}\n       | {}{marks}", " ".repeat(column - 1))
    }
}

/// Text for a terminal: each control character becomes one visible character, so that columns stay true.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if c.is_control() {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Fault>);

impl ConfigFaults {
    /// Puts them in order of their places: the file's from top to bottom, then the variables'.
    pub(super) fn sorted(mut faults: Vec<Fault>) -> ConfigFaults {
        let rank = |fault: &Fault| match &fault.place {
            Place::Nowhere => (0, 0, 0, String::new()),
            Place::File { line, column, .. } => (1, *line, *column, String::new()),
            Place::Variable(name) => (2, 0, 0, name.to_string()),
        };
        faults.sort_by_key(rank);
        ConfigFaults(faults)
    }
}

impl fmt::Display for ConfigFaults {
    /// One fault a paragraph.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().take(FAULTS_SHOWN).enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{fault}")?;
        }
        match self.0.len().checked_sub(FAULTS_SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, "\n\nand {more} faults more"),
        }
    }
}

impl std::error::Error for ConfigFaults {}

/// A path as it is shown: `a.b[2]."C.D"`.
pub(super) fn shown_path<S: AsRef<str>>(path: &[S]) -> String {
    let mut shown = String::new();
    for segment in path.iter().map(AsRef::as_ref) {
        if !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit()) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "[{segment}]");
            continue;
        }
        if !shown.is_empty() {
            shown.push('.');
        }
        let plain = !segment.is_empty() && segment.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if plain {
            shown.push_str(segment);
        } else {
            shown.push_str(&quoted(segment));
        }
    }
    shown
}

/// A text from outside, in quotes, escaped and cut.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    let mut shown = String::from("\"");
    for c in cut.chars() {
        match c {
            '"' | '\\' => shown.extend(['\\', c]),
            _ if c.is_control() => shown.extend(c.escape_default()),
            _ => shown.push(c),
        }
    }
    shown + "\"" + more
}
