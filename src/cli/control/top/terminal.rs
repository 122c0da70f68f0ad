//! Purpose: the terminal, taken and given back. Owns: raw mode, the second screen, the cursor; all given back on drop, and
//! before a panic is told. Thread: main. Takes and gives: frames out, events in. Never: takes what is no terminal.

use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use ratatui::{DefaultTerminal, Frame};

use crate::cli::exit::{Cause, Failed};

/// A terminal that is ours.
pub(super) struct Terminal {
    inner: DefaultTerminal,
}

/// # Errors
/// [`Cause::Usage`] where there is none that can be drawn on.
pub(super) fn check() -> Result<(), Failed> {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if !dumb && io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    let message = "top draws on a terminal, and standard input and output are none here (or TERM is dumb); \
                   `meltica status` and `meltica latency` tell the same as text";
    Err(Failed::new(Cause::Usage, message))
}

impl Terminal {
    /// # Errors
    /// [`Cause::Output`] where it does not do what it must.
    pub(super) fn take() -> Result<Terminal, Failed> {
        // From here on a panic gives the terminal back before it is told: ratatui's hook.
        match ratatui::try_init() {
            Ok(inner) => Ok(Terminal { inner }),
            Err(error) => {
                ratatui::restore();
                Err(failed(&error))
            }
        }
    }

    /// Shows a picture.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> Result<(), Failed> {
        self.inner.draw(picture).map(|_| ()).map_err(|error| failed(&error))
    }

    /// What was done at the terminal within so long.
    pub(super) fn wait(&self, patience: Duration) -> Result<Option<Event>, Failed> {
        match event::poll(patience).and_then(|there| there.then(event::read).transpose()) {
            // A signal came: whoever asked looks what it was.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            other => other.map_err(|error| failed(&error)),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Of a terminal that has gone nothing can be given back.
        let _ = ratatui::try_restore();
    }
}

fn failed(error: &io::Error) -> Failed {
    Failed::new(Cause::Output, format!("the terminal: {error}"))
}
