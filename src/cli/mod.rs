//! The command line: `run`, `replay`, `check`, `venue`.
//!
//! | file | holds |
//! |---|---|
//! | `args` | the grammar |
//! | `program` | arguments → command → exit code |
//! | `settings` | configuration → options of engine, conductor and simulated exchange |
//! | `run`, `replay`, `check`, `venue` | the commands |
//! | `session` | carries an engine through its run |
//! | `events`, `books` | what a run gives out |
//! | `view`, `summary` | what a person is shown |
//! | `exit` | exit codes |

mod args;
mod books;
mod check;
mod events;
mod exit;
mod live;
mod program;
mod replay;
mod run;
mod session;
mod settings;
mod summary;
mod venue;
mod view;

pub use exit::{Cause, Failed};
pub use program::main;
