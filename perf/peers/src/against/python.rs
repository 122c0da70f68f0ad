//! Purpose: cryptofeed and ccxt, asked turn by turn: a Python process that times itself (`peers.py`).
//! Owns: the process. Thread: main. Takes and gives: samples in; cells out. Never: makes up a figure that it did not say.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use serde::Serialize;

use crate::measure::Run;
use crate::support::frames::{SNAPSHOT_ID, Sample};

/// The libraries.
const PEERS: [&str; 2] = ["cryptofeed", "ccxt"];

/// The process.
pub(crate) struct Python {
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts `python peers.py serve` on these samples. The file lies in `work`.
    pub(crate) fn start(python: &Path, script: &Path, work: &Path, samples: &[Sample]) -> Result<Python, String> {
        let frames = work.join("frames.json");
        write(&frames, samples)?;
        let spawned = Command::new(python)
            .arg(script)
            .arg("serve")
            .arg(&frames)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", python.display()))?;
        let mut child = spawned;
        let (asks, answers) = (child.stdin.take(), child.stdout.take().ok_or("no standard output")?);
        let mut started = Python { child, asks, answers: BufReader::new(answers) };
        match started.line()?.as_str() {
            "ready" => Ok(started),
            other => Err(format!("peers.py said `{other}`")),
        }
    }

    /// Nanoseconds a message, or why there are none.
    fn ask(&mut self, peer: &str, kind: &str, count: usize) -> Result<f64, String> {
        let asks = self.asks.as_mut().ok_or("closed")?;
        writeln!(asks, "{peer} {kind} {count}").map_err(|error| error.to_string())?;
        let line = self.line()?;
        line.parse().map_err(|_| line.trim_start_matches("none: ").to_owned())
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err("peers.py has ended; its last words are above".to_owned()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.asks.take());
        let _ = self.child.wait();
    }
}

/// Adds a cell for each library and each kind that it knows; tells of the others.
pub(crate) fn add(run: &mut Run, mut python: Python, samples: &[Sample]) {
    let mut known = Vec::new();
    for peer in PEERS {
        for sample in samples {
            let kind = sample.kind.name();
            // One turn tells whether it can, and warms it up.
            match python.ask(peer, kind, 200) {
                Ok(_) => known.push((peer, kind)),
                Err(why) => eprintln!("{peer}, {kind}: {why}"),
            }
        }
    }
    let python = Rc::new(RefCell::new(python));
    for (peer, kind) in known {
        let python = Rc::clone(&python);
        let count = if kind.starts_with("diff") { 200 } else { 1_000 };
        run.add(format!("python/{kind}/{peer}"), None, move || {
            python.borrow_mut().ask(peer, kind, count).unwrap_or_else(|why| panic!("{peer}, {kind}: {why}"))
        });
    }
}

#[derive(Serialize)]
struct Frames<'a> {
    templates: Vec<Text<'a>>,
    #[serde(rename = "snapshotId")]
    snapshot_id: u64,
    snapshot: &'a str,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
    ids: &'a [usize],
}

fn write(path: &Path, samples: &[Sample]) -> Result<(), String> {
    let text = |bytes| core::str::from_utf8(bytes).map_err(|error| error.to_string());
    let mut kinds = serde_json::Map::new();
    for sample in samples {
        let templates: Result<Vec<_>, String> =
            sample.templates.iter().map(|t| Ok(Text { text: text(&t.bytes)?, ids: &t.ids })).collect();
        let frames = Frames { templates: templates?, snapshot_id: SNAPSHOT_ID, snapshot: text(&sample.snapshot)? };
        let value = serde_json::to_value(frames).map_err(|error| error.to_string())?;
        kinds.insert(sample.kind.name().to_owned(), value);
    }
    let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::to_writer(file, &kinds).map_err(|error| error.to_string())
}
