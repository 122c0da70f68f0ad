//! Purpose: the wrapper of combined frames, `{"stream":"<name>","data":<payload>}`. Owns: nothing.
//! Thread: the io thread. Takes and gives: a frame's root; a name and a payload. Never: asks for an order of keys.

use super::control::{self, ControlKind, SHUTDOWN_STREAM};
use super::error::{Cause, ParseError};
use super::tape::At;

/// What a combined frame holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Envelope<'t, 'i> {
    /// Data of a stream.
    Data {
        /// The stream's name.
        stream: &'i str,
        /// Its payload.
        payload: At<'t, 'i>,
    },
    /// No data.
    Control(ControlKind),
}

/// Opens a combined frame. Keys beside `stream` and `data` are let be.
pub(super) fn open<'t, 'i>(root: At<'t, 'i>) -> Result<Envelope<'t, 'i>, ParseError> {
    let mut entries = root.entries().ok_or(ParseError::of(Cause::NotAnObject))?;
    // As the venue writes it: these two, in this order.
    if entries.left() == 2
        && let Some(("stream", name)) = entries.next()
        && let Some(("data", payload)) = entries.next()
        && let Some(stream) = name.text()
        && stream != SHUTDOWN_STREAM
    {
        return Ok(Envelope::Data { stream, payload });
    }
    open_any(root)
}

/// Likewise, however it is written.
fn open_any<'t, 'i>(root: At<'t, 'i>) -> Result<Envelope<'t, 'i>, ParseError> {
    let entries = root.entries().ok_or(ParseError::of(Cause::NotAnObject))?;
    let (mut stream, mut payload) = (None, None);
    for (key, value) in entries {
        match key {
            "stream" => {
                let name = value.text().ok_or(ParseError::at(Cause::WrongType, "stream"))?;
                once(&mut stream, name, "stream")?;
            }
            "data" => once(&mut payload, value, "data")?,
            _ => {}
        }
    }
    match (stream, payload) {
        (Some(SHUTDOWN_STREAM), _) => Ok(Envelope::Control(ControlKind::ServerShutdown)),
        (Some(stream), Some(payload)) => Ok(Envelope::Data { stream, payload }),
        _ => control::classify(root).map(Envelope::Control).ok_or(ParseError::of(Cause::NotWrapped)),
    }
}

fn once<T>(place: &mut Option<T>, value: T, key: &'static str) -> Result<(), ParseError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseError::at(Cause::DuplicateKey, key)),
    }
}
