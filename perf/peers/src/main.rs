//! Meltica beside its peers, on the same frames, in one interleaved run; and the goals of the project's issue on latency.
//!
//! | file | holds |
//! |---|---|
//! | `measure` | turns, rounds, medians |
//! | `against/` | the candidates beside Meltica |
//! | `decode`, `usdm` | frame → message, every decoder; USD-M's frames |
//! | `framing` | stream → messages, by our framer and by tungstenite |
//! | `books`, `alone` | diff → book; our book without the conductor |
//! | `instruments` | one instrument, 2,500 instruments |
//! | `rings`, `threads` | records from thread to thread |
//! | `hop` | frame → event on another core, and the cache line's own way |
//! | `loopback` | what the bench of real sockets has printed |
//! | `start` | the shipped program until its first market event |
//! | `allocations` | allocations a frame |
//! | `counted` | instructions that callgrind has counted |
//! | `recording` | the walk with and without the latency ledger |
//! | `goals`, `table` | limits and verdicts; text and JSON |
//! | `headline` | the run in a few rows and a picture |
//! | `count` | rounds for an instruction counter |
//!
//! `perf/run` builds and runs it; `perf/README.md` says how to read what it prints.
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to say")]

mod against;
mod allocations;
mod books;
mod count;
mod counted;
mod decode;
mod framing;
mod goals;
mod headline;
mod hop;
mod instruments;
mod loopback;
mod measure;
mod recording;
mod rings;
mod start;
mod table;
mod threads;
mod usdm;

/// What the room of books names by `crate::`.
use meltica::schema;
#[path = "../../../src/sync"]
mod sync {
    mod prefetch;
    pub(crate) use prefetch::prefetch;
}

/// The book itself, which the library does not show: its own source, compiled here, so that it can be measured alone.
#[allow(dead_code, reason = "only what a diff needs is called here")]
#[path = "../../../src/conductor"]
mod conductor {
    #[path = "../../perf/peers/src/alone.rs"]
    pub(crate) mod alone;
    mod book;
    mod merge;
    mod side;
    mod window;
}

/// The frames and rooms of the benches.
#[allow(dead_code, reason = "some of it is for the benches alone")]
#[path = "../../../benches/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::against::python::Python;
use crate::counted::Counted;
use crate::measure::Run;
use crate::support::frames::{Kind, Sample, samples};

/// Frames over which allocations are counted: several turns of every sample.
const ALLOCATION_FRAMES: u64 = 4_096;
/// Starts of the shipped program.
const STARTS: usize = 9;

/// Measures Meltica beside its peers. `perf/run` is the front door.
#[derive(Debug, Parser)]
struct Options {
    /// Rounds; each cell has a turn in each
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Only cells whose name contains one of these texts (group/kind/candidate)
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Write the goals to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the headline into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The Python that has cryptofeed and ccxt; without it they are left out
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// `peers.py`
    #[arg(long, value_name = "FILE", default_value = "perf/peers/peers.py")]
    script: PathBuf,
    /// The `meltica` whose start is timed; without it that is left out
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// What `cargo bench --bench loopback` has printed; without it those goals are left open
    #[arg(long, value_name = "FILE")]
    loopback: Option<PathBuf>,
    /// What `perf/instructions --out` has written of this program; without it that goal is left open
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
    /// Where files of the run lie
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    work: PathBuf,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [command, rounds, rest @ ..] = words.as_slice()
        && command == "count"
    {
        let like = |at: usize| rest.get(at).map_or("", String::as_str);
        count::run(rounds.parse().unwrap(), like(0), like(1));
        return ExitCode::SUCCESS;
    }
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("meltica-peers: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let samples = samples();
    let cores = threads::cores().len();
    if cores < 2 {
        return Err("two cores are needed: a reader must have one of its own".to_owned());
    }
    let start_ms = match &options.program {
        Some(program) => {
            eprintln!("starting {} {STARTS} times", program.display());
            start::milliseconds(program, &options.work, STARTS)
        }
        None => Err("no --program was given".to_owned()),
    };
    let loopback = options.loopback.as_ref().map(|file| std::fs::read_to_string(file).unwrap_or_default());
    let loopback = loopback.as_deref().and_then(loopback::Loopback::of);
    let counted = options.instructions.as_ref().map(|file| std::fs::read_to_string(file).unwrap_or_default());
    let counted = Counted::of(&counted.unwrap_or_default());
    let mut run = Run::default();
    if let Some(python) = &options.python {
        match Python::start(python, &options.script, &options.work, &samples) {
            Ok(python) => against::python::add(&mut run, python, &samples),
            Err(why) => eprintln!("without cryptofeed and ccxt: {why}"),
        }
    }
    fill(&mut run, &samples);
    run.keep(&options.only);
    let allocations = samples
        .iter()
        .map(|sample| (sample.kind, ALLOCATION_FRAMES, allocations::of_walk(sample, ALLOCATION_FRAMES)))
        .collect();
    eprintln!("{} cells, {} rounds, {cores} cores", run.names().len(), options.rounds);
    run.go(options.rounds);
    let goals = goals::of(&run, &samples, &goals::Known { allocations, counted, loopback, start_ms });
    println!("{}\n{}\n{}", headline::table(&run), table::goals(&goals), table::figures(&run));
    write(options.json.as_deref(), || table::json(&goals))?;
    write(options.svg.as_deref(), || headline::picture(&run))
}

fn write(file: Option<&Path>, text: impl FnOnce() -> String) -> Result<(), String> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()).map_err(|error| format!("{}: {error}", file.display()))
}

fn fill(run: &mut Run, samples: &[Sample]) {
    eprintln!("making the cells");
    for sample in samples {
        decode::add(run, sample);
        decode::add_usdm(run, sample);
        framing::add(run, sample);
    }
    for sample in samples.iter().filter(|sample| sample.kind.is_diff()) {
        books::add(run, sample);
    }
    for sample in samples.iter().filter(|s| s.kind == Kind::BookTicker || s.kind == Kind::Diff20) {
        instruments::add(run, sample);
    }
    for sample in samples {
        recording::add(run, sample);
    }
    rings::add(run);
    hop::add(run, samples);
}
