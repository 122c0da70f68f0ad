//! Purpose: `meltica check`: says everything that is wrong with a configuration or a capture. Owns: nothing.
//! Thread: main. Takes and gives: a file in, words and an outcome out. Never: changes the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::args::CheckArgs;
use super::exit::{Cause, Failed};
use super::settings;
use crate::binance::parse::{Parser, ParserOptions};
use crate::capture::{CaptureFile, ReplayOptions, ReplaySource};
use crate::directory::Directory;
use crate::schema::frame::{FrameSource, Pulled};
use crate::schema::raw::RawRef;
use crate::schema::topic::StreamKind;
use crate::telemetry::{Counter, Ledger};

/// Checks the file.
pub(super) fn check(arguments: &CheckArgs) -> Result<(), Failed> {
    let path = &*arguments.file;
    if is_capture(path)? {
        return check_capture(path);
    }
    settings::load(Some(path))?;
    println!("{}: a sound configuration", path.display());
    Ok(())
}

/// A capture is packed, or its first line begins with a time stamp and a JSON value; a configuration does neither.
fn is_capture(path: &Path) -> Result<bool, Failed> {
    let mut head = [0u8; 64];
    let read = std::fs::File::open(path).and_then(|mut f| std::io::Read::read(&mut f, &mut head));
    let name = path.display();
    let read = read.map_err(|e| {
        Failed::new(Cause::NoInput, format!("{name}: cannot be read: {e}; name a configuration or a capture"))
    })?;
    let head = &head[..read];
    let digits = head.iter().take_while(|b| b.is_ascii_digit()).count();
    Ok(head.starts_with(&[0x1f, 0x8b]) || (digits > 0 && head[digits..].starts_with(b" {")))
}

/// What was seen of one kind of stream.
#[derive(Default)]
struct Seen {
    raws: u64,
    unknown: BTreeMap<String, u64>,
}

fn check_capture(path: &Path) -> Result<(), Failed> {
    let bad = |message: String| Failed::new(Cause::BadInput, message);
    let files = vec![CaptureFile { path: path.to_path_buf(), market: None }];
    let mut source = ReplaySource::open(files, ReplayOptions::default()).map_err(|e| bad(e.to_string()))?;
    let ledger = Ledger::default();
    let directory = Arc::new(Directory::default());
    let mut parser = Parser::new(ParserOptions { trace_seed: 1 }, Arc::clone(&directory), ledger.sheet("check"));
    let mut seen: BTreeMap<StreamKind, Seen> = BTreeMap::new();
    let mut faults = Vec::new();
    loop {
        let pulled = source.pull(&mut |frame| {
            let line = frame.number + 1;
            let parsed = parser.parse(frame, 0, |raw: RawRef<'_>| note(&mut seen, raw));
            if let Err(error) = parsed {
                faults.push(format!("{}:{line}: {error}", path.display()));
            }
        });
        match pulled.map_err(|e| bad(e.to_string()))? {
            Pulled::Ended => break,
            Pulled::Frame | Pulled::Nothing => {}
        }
    }
    tell(path, &source, &ledger, &directory, &seen);
    if faults.is_empty() { Ok(()) } else { Err(bad(shown(&faults))) }
}

fn note(seen: &mut BTreeMap<StreamKind, Seen>, raw: RawRef<'_>) {
    let of_kind = seen.entry(raw.kind()).or_default();
    of_kind.raws += 1;
    for (key, _) in raw.unknown() {
        match of_kind.unknown.get_mut(key) {
            Some(count) => *count += 1,
            None => drop(of_kind.unknown.insert(key.to_owned(), 1)),
        }
    }
}

fn tell(path: &Path, source: &ReplaySource, ledger: &Ledger, directory: &Directory, seen: &BTreeMap<StreamKind, Seen>) {
    for file in source.files() {
        println!("{}: a capture of {} ({})", path.display(), file.market, file.guess.because);
    }
    println!("{:>12}  {}", ledger.total(Counter::FramesIn), Counter::FramesIn.label());
    println!("{:>12}  instruments", directory.instruments());
    for (kind, of_kind) in seen {
        println!("{:>12}  {kind:?}", of_kind.raws);
        for (key, count) in &of_kind.unknown {
            println!("{count:>12}  unknown field `{key}` of {kind:?}");
        }
    }
}

/// The first faults, and how many more there are.
fn shown(faults: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text = faults[..faults.len().min(SHOWN)].join("\n");
    if faults.len() > SHOWN {
        text.push_str(&format!("\n… and {} more", faults.len() - SHOWN));
    }
    text
}
