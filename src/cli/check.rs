//! Purpose: `meltica check`: says everything that is wrong with a configuration or a capture. Owns: nothing.
//! Thread: main. Takes and gives: a file in, words and an outcome out. Never: changes the file; grows with what is wrong.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::args::CheckArgs;
use super::exit::{Cause, Failed};
use super::here::{core_warnings, judge_ca, judge_secrets};
use super::say::{give, tell};
use super::settings;
use super::summary::{UNKNOWN_SHOWN, unknown_field};
use crate::agent::usable_cores;
use crate::binance::parse::{Parser, ParserOptions};
use crate::capture::{CaptureFile, ReplayOptions, ReplaySource};
use crate::directory::Directory;
use crate::schema::frame::{FrameSource, Pulled};
use crate::schema::raw::RawRef;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Ledger};

/// Counters that say what a sound capture holds, or what faults say already; others are told where they are not zero.
const NOT_TOLD: [Counter; 4] =
    [Counter::FramesIn, Counter::RawParsed, Counter::FramesMalformed, Counter::BookFramesLost];
/// Names of unknown fields kept for one kind of stream.
const UNKNOWN_KEPT: usize = 1_024;
/// Faults shown.
const FAULTS_SHOWN: usize = 20;

/// Checks the file.
pub(super) fn check(arguments: &CheckArgs) -> Result<(), Failed> {
    let path = &*arguments.file;
    if is_capture(path)? {
        return check_capture(path);
    }
    check_configuration(path)
}

fn check_configuration(path: &Path) -> Result<(), Failed> {
    let loaded = settings::load(Some(path))?;
    let (ca_warning, ca_fault) = match judge_ca(&loaded) {
        Ok(warning) => (warning, None),
        Err(fault) => (None, Some(fault)),
    };
    let core_warnings = core_warnings(&loaded, &usable_cores().ids);
    let (secret_warning, secret_faults) = judge_secrets(&loaded);
    // Before the faults: who mends those is not to meet them one check later.
    ca_warning.iter().chain(&core_warnings).chain(&secret_warning).for_each(|warning| tell(&format!("{warning}\n")));
    let mut faults: Vec<String> = ca_fault.iter().map(ToString::to_string).collect();
    faults.extend(secret_faults.into_iter().map(|fault| fault.message));
    if !faults.is_empty() {
        return Err(Failed::new(Cause::Config, faults.join("\n")));
    }
    give(&format!("{}: a sound configuration\n", path.display()))
}

/// Whether the file is to be judged as a capture. Its name decides where it says so, else how it begins: no configuration
/// is packed, is no text, or begins with a number or with `{"`.
fn is_capture(path: &Path) -> Result<bool, Failed> {
    let name = path.display();
    let unreadable = |what: &dyn std::fmt::Display| {
        Failed::new(Cause::NoInput, format!("{name}: {what}; name a configuration or a capture"))
    };
    let failed = |e: std::io::Error| unreadable(&format_args!("cannot be read: {e}"));
    // Asked before opening: opening a pipe waits for its other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unreadable(&"is not a regular file"));
    }
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(256).read_to_end(&mut head)).map_err(failed)?;
    if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        return Ok(false);
    }
    Ok(begins_like_a_capture(&head))
}

fn begins_like_a_capture(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let number = text.strip_prefix(b"-").unwrap_or(text).first().is_some_and(u8::is_ascii_digit);
    // A character that the end of the head cuts in two is no fault.
    let is_text = std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true) && !head.contains(&0);
    number || !is_text || text.starts_with(b"{\"")
}

/// What was seen of one kind of stream.
#[derive(Default)]
struct Seen {
    raws: u64,
    unknown: BTreeMap<String, u64>,
    /// Fields counted without their name.
    unnamed: u64,
}

/// What is wrong: the first faults, and how many there are.
#[derive(Default)]
struct Faults {
    shown: Vec<String>,
    count: usize,
}

impl Faults {
    fn note(&mut self, fault: String) {
        self.count += 1;
        if self.shown.len() < FAULTS_SHOWN {
            self.shown.push(fault);
        }
    }

    fn told(&self) -> String {
        let mut text = self.shown.join("\n");
        if self.count > self.shown.len() {
            text.push_str(&format!("\n… and {} more", self.count - self.shown.len()));
        }
        text
    }
}

fn check_capture(path: &Path) -> Result<(), Failed> {
    let bad = |message: String| Failed::new(Cause::BadInput, message);
    let files = vec![CaptureFile { path: path.to_path_buf(), market: None }];
    let mut source = ReplaySource::open(files, ReplayOptions::default()).map_err(|e| bad(e.to_string()))?;
    let ledger = Ledger::default();
    let directory = Arc::new(Directory::default());
    let mut parser = Parser::new(ParserOptions { trace_seed: 1 }, Arc::clone(&directory), ledger.sheet("check"));
    let mut seen: BTreeMap<StreamKind, Seen> = BTreeMap::new();
    let mut faults = Faults::default();
    loop {
        let pulled = source.pull(&mut |frame| {
            let line = frame.number + 1;
            let parsed = parser.parse(frame, 0, |raw: RawRef<'_>| note(&mut seen, raw));
            if let Err(error) = parsed {
                faults.note(format!("{}:{line}: {error}", path.display()));
            }
        });
        match pulled {
            Ok(Pulled::Ended) => break,
            Ok(Pulled::Frame | Pulled::Nothing) => {}
            // Nothing behind it can be judged.
            Err(error) => {
                faults.shown.push(error.to_string());
                faults.count += 1;
                break;
            }
        }
    }
    give(&told(path, &source, &ledger, &directory, &seen))?;
    if faults.count > 0 {
        return Err(bad(faults.told()));
    }
    give("no fault found\n")
}

fn note(seen: &mut BTreeMap<StreamKind, Seen>, raw: RawRef<'_>) {
    let of_kind = seen.entry(raw.kind()).or_default();
    of_kind.raws += 1;
    if raw.kind() == StreamKind::Other {
        // Of a stream that nobody knows each field is unknown: there is nothing to learn from it.
        return;
    }
    for (key, _) in raw.unknown() {
        if let Some(count) = of_kind.unknown.get_mut(key) {
            *count += 1;
        } else if of_kind.unknown.len() < UNKNOWN_KEPT {
            of_kind.unknown.insert(key.to_owned(), 1);
        } else {
            of_kind.unnamed += 1;
        }
    }
}

// Writing to a String cannot fail, so the results below are dropped.

fn told(
    path: &Path,
    source: &ReplaySource,
    ledger: &Ledger,
    directory: &Directory,
    seen: &BTreeMap<StreamKind, Seen>,
) -> String {
    let mut text = String::new();
    for file in source.files() {
        let _ = writeln!(text, "{}: a capture of {} ({})", path.display(), file.market, file.guess.because);
    }
    let mut line = |count: u64, what: &str| {
        let _ = writeln!(text, "{count:>12}  {what}");
    };
    line(ledger.total(Counter::FramesIn), Counter::FramesIn.label());
    line(directory.instruments() as u64, "instruments");
    for counter in Counter::ALL.iter().copied().filter(|c| !NOT_TOLD.contains(c) && ledger.total(*c) > 0) {
        line(ledger.total(counter), counter.label());
    }
    for (kind, of_kind) in seen {
        let _ = writeln!(text, "{:>12}  {kind:?}", of_kind.raws);
        let rows = of_kind.unknown.iter().take(UNKNOWN_SHOWN);
        rows.for_each(|(key, count)| unknown_field(&mut text, *count, key, &format!("{kind:?}")));
        let rest: u64 = of_kind.unknown.values().skip(UNKNOWN_SHOWN).sum::<u64>() + of_kind.unnamed;
        if rest > 0 {
            let _ = writeln!(text, "{rest:>12}  more unknown fields of {kind:?}, of other names");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_told_from_a_configuration_by_its_beginning() {
        let table: [(&[u8], bool); 12] = [
            (b"5 {\"stream\":", true),
            (b"5\t{}", true),
            (b"-5 {}", true),
            (b"\xef\xbb\xbf5 {}", true),
            (b"\x1f\x8b\x08", true),
            (b"a\0b", true),
            (b"{\"stream\":\"x\"}", true),
            (b"topology: fused", false),
            (b"{topology: fused}", false),
            (b"# a comment \xe2\x82", false),
            (b"--- {}", false),
            (b"", false),
        ];
        for (head, expected) in table {
            assert_eq!(begins_like_a_capture(head), expected, "{}", head.escape_ascii());
        }
    }
}
