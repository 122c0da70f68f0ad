//! Purpose: what an engine's control is told, and how the duty begins: with the configuration's wishes, then the journal's.
//! Owns: the replay of a journal. Thread: cold. Takes and gives: options in, a duty out. Never: begins with half a journal.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::options::EngineOptions;
use super::duty::{Duty, DutyOptions};
use super::in_process::in_process;
use super::journal::{Journal, JournalError, Record, What};
use super::native::NativeSide;
use super::planning::Lapse;
use super::streams::Now;
use super::who::Who;
use super::wish::Boot;
use crate::directory::Directory;
use crate::dispatch::{DispatchTable, TablePublisher};
use crate::schema::frame::FrameSource;
use crate::schema::id::Market;
use crate::telemetry::Clock;

/// What an engine's control is told.
#[derive(Clone, Debug)]
pub struct ControlOptions {
    /// Markets that are served.
    pub markets: Vec<Market>,
    /// What is wanted at the start, of every route; `None`: nothing.
    pub boot: Option<Boot>,
    /// The file that keeps named consumers' commands over a restart.
    pub journal: Option<PathBuf>,
    /// Commands that may wait; more are refused as busy.
    pub queue: usize,
}

impl Default for ControlOptions {
    /// All of every route, spot, without a journal.
    fn default() -> ControlOptions {
        ControlOptions { markets: vec![Market::BinanceSpot], boot: Some(Boot::default()), journal: None, queue: 256 }
    }
}

/// A duty at its start.
pub(in crate::engine) struct Begun {
    pub(in crate::engine) duty: Duty,
    pub(in crate::engine) journal: Option<Journal>,
    /// Lines worth telling.
    pub(in crate::engine) notes: Vec<String>,
}

/// Sources, and who steers them, if anybody does.
pub(in crate::engine) type Steered = (Vec<Box<dyn FrameSource>>, Option<Box<dyn NativeSide>>);

/// What an engine is steered by, whether it takes commands or not.
pub(in crate::engine) struct Steering {
    pub(in crate::engine) tables: TablePublisher,
    pub(in crate::engine) sources: Vec<Box<dyn FrameSource>>,
    pub(in crate::engine) begun: Option<Begun>,
    pub(in crate::engine) native: Option<Box<dyn NativeSide>>,
}

impl Steering {
    /// With a control duty if the options have one: then the first table lets through what is wanted at the start, else all.
    pub(in crate::engine) fn begin(
        options: &EngineOptions,
        routes: DispatchTable,
        (sources, native): Steered,
        directory: &Arc<Directory>,
        clock: &Clock,
    ) -> Result<Steering, JournalError> {
        let Some(control) = &options.control else {
            return Ok(Steering { tables: TablePublisher::new(routes), sources, begun: None, native });
        };
        let now = Now { mono_ns: clock.now_ns(), unix_ns: clock.unix_now().0 };
        let begun = begin(control, routes, Arc::clone(directory), now)?;
        let tables = TablePublisher::new(begun.duty.table());
        let (sources, native) = match native {
            Some(native) => (sources, native),
            None => in_process(sources, &control.markets),
        };
        Ok(Steering { tables, sources, begun: Some(begun), native: Some(native) })
    }
}

/// Begins: the configuration's wishes, then the journal's commands in order, each once.
fn begin(
    options: &ControlOptions,
    routes: DispatchTable,
    directory: Arc<Directory>,
    now: Now,
) -> Result<Begun, JournalError> {
    let boot = DutyOptions { markets: options.markets.clone(), boot: options.boot.clone() };
    let mut duty = Duty::new(boot, routes, directory, now);
    let mut notes = Vec::new();
    let Some(path) = &options.journal else { return Ok(Begun { duty, journal: None, notes }) };
    let (mut journal, kept) = Journal::open(path)?;
    if kept.torn > 0 {
        let bytes = kept.torn;
        notes.push(format!("{}: {bytes} bytes of a command that was never acknowledged were cut away", path.display()));
    }
    for record in kept.records {
        if let Err(why) = restore(&mut duty, &record) {
            let (number, consumer) = (record.number, record.consumer.as_str());
            notes.push(format!("{}, command {number} of {consumer}: not restored: {why}", path.display()));
            journal.set_aside(record);
        }
    }
    duty.settle_orders();
    Ok(Begun { duty, journal: Some(journal), notes })
}

fn restore(duty: &mut Duty, record: &Record) -> Result<(), String> {
    let who = Who::Named(record.consumer.clone());
    let then = Now { mono_ns: 0, unix_ns: record.at_ns };
    let plan = match &record.what {
        What::Command(command) => {
            duty.plan(&who, command, then).map_err(|(code, message)| format!("{code}: {message}"))?
        }
        What::Rewritten => {
            duty.resume_at(record.version);
            return Ok(());
        }
        What::LeaseEnded { type_name, filters } => {
            let lapse = Lapse { who, type_name: type_name.clone(), filters: filters.clone() };
            duty.lapse_plan(&lapse).ok_or("there is no such subscription")?
        }
    };
    // The change is the one that led to this version.
    duty.resume_at(record.version - u64::from(plan.changes()));
    duty.apply(plan, then);
    Ok(())
}
