//! The command line: `run`, `replay`, `check`, `venue`.
//!
//! | file | holds |
//! |---|---|
//! | `args` | the grammar |
//! | `program` | arguments → command → exit code |
//! | `settings` | configuration → options of engine, conductor and simulated exchange |
//! | `run`, `replay`, `check`, `venue` | the commands |
//! | `session` | carries an engine through its run |
//! | `watch` | ends a run on time while its output waits |
//! | `events`, `books` | what a run gives out |
//! | `outputs` | keeps outputs from inputs and from each other |
//! | `view`, `summary`, `say` | what a person is shown |
//! | `exit` | exit codes |

mod args;
mod books;
mod check;
mod events;
mod exit;
mod live;
mod outputs;
mod program;
mod replay;
mod run;
mod say;
mod session;
mod settings;
mod summary;
mod venue;
mod view;
mod watch;

pub use exit::{Cause, Failed};
pub use program::main;
