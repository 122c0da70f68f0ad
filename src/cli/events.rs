//! Purpose: every published event as one JSON line. Owns: a lossless subscription and the output.
//! Thread: main. Takes and gives: events in, lines out. Never: drops a line, or takes a closed pipe for a failure.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::exit::{Cause, Failed};
use crate::bus::data::{Bus, Delivery, Filter, SubscribeOptions, Subscription};
use crate::engine::Engine;
use crate::schema::json::write_event;

/// Events looked at in one go, so that a signal is soon heard.
const BATCH: usize = 1_024;

/// What writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// This many records were looked at.
    Records(usize),
    /// The reader of our output has gone: stop, all is well.
    ReaderGone,
}

/// Writes events.
pub(super) struct EventWriter {
    subscription: Subscription,
    out: BufWriter<Box<dyn Write>>,
    name: String,
    line: Vec<u8>,
}

impl EventWriter {
    /// Subscribes losslessly and opens the output; `-` is standard output.
    pub(super) fn open(path: &Path, engine: &Engine) -> Result<EventWriter, Failed> {
        let (out, name) = open_output(path)?;
        let subscription = engine
            .bus()
            .subscribe(&[], Filter::all(), SubscribeOptions::LOSSLESS)
            .map_err(|e| Failed::new(Cause::System, format!("--events: {e}")))?
            .measured(engine.clock(), engine.latencies());
        Ok(EventWriter {
            subscription,
            out: BufWriter::with_capacity(1 << 16, out),
            name,
            line: Vec::with_capacity(1 << 16),
        })
    }

    /// Writes what is there.
    pub(super) fn poll(&mut self, engine: &Engine) -> Result<Wrote, Failed> {
        let EventWriter { subscription, out, line, .. } = self;
        let directory = &**engine.directory();
        let mut outcome = Ok(());
        let looked = subscription.poll(BATCH, |delivery| {
            if outcome.is_err() {
                return;
            }
            outcome = match delivery {
                Delivery::Event(event) => {
                    line.clear();
                    write_event(event, directory, line);
                    line.push(b'\n');
                    out.write_all(line)
                }
                Delivery::Lag(lag) => {
                    Err(io::Error::other(format!("{} events were lost on the way to this output", lag.count)))
                }
            };
        });
        // Nothing more for now: let a reader at the other end of a pipe see what there is.
        let outcome = if looked < BATCH { outcome.and_then(|()| out.flush()) } else { outcome };
        match outcome {
            Ok(()) => Ok(Wrote::Records(looked)),
            Err(error) => gone_or_failed(&self.name, &error).map(|()| Wrote::ReaderGone),
        }
    }
}

/// Opens an output for writing; `-` is standard output.
pub(super) fn open_output(path: &Path) -> Result<(Box<dyn Write>, String), Failed> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdout()), "standard output".to_owned()));
    }
    let name = path.display().to_string();
    match File::create(path) {
        Ok(file) => Ok((Box::new(file), name)),
        Err(error) => Err(Failed::new(
            Cause::Output,
            format!("{name}: cannot be created: {error}; name a file in a folder that exists and may be written to"),
        )),
    }
}

/// `Ok` when the error only says that nobody reads any more.
pub(super) fn gone_or_failed(name: &str, error: &io::Error) -> Result<(), Failed> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failed::new(
        Cause::Output,
        format!("{name}: cannot be written: {error}; what was written of it is cut off there"),
    ))
}
