//! The command line: `run`, `replay`, `check`, `venue`, `doctor`, and what speaks to a running feed.
//!
//! | file | holds |
//! |---|---|
//! | `args` | the grammar |
//! | `program` | arguments → command → exit code |
//! | `settings` | configuration → options of engine, conductor and simulated exchange |
//! | `run`, `replay`, `check`, `venue` | the commands |
//! | `here` | what a configuration names of this machine: certificates, cores |
//! | `live`, `embedded`, `simulated` | where `run` feeds from: sockets; a venue of its own behind them; no sockets |
//! | `control` | `subscribe`, `unsubscribe`, `routes`, `subscriptions`, `status`, `tail`, `latency`, `top`, `completions`, `man` |
//! | `doctor` | what this machine costs a feed |
//! | `session` | carries an engine through its run |
//! | `watch` | ends a run on time while its output waits |
//! | `events`, `books` | what a run gives out |
//! | `outputs` | keeps outputs from inputs and from each other |
//! | `whole_file` | files that are whole or not there |
//! | `view` | how a run goes, for a person, a log, a manager of services |
//! | `changes`, `losses`, `waiting`, `status` | what it shows: books, drops, long waits; how it is laid out |
//! | `narrate`, `log` | which events are told; how |
//! | `service` | systemd |
//! | `summary`, `seen`, `say` | what a run came to; words |
//! | `exit` | exit codes |

mod args;
mod books;
mod changes;
mod check;
mod control;
mod doctor;
mod embedded;
mod events;
mod exit;
mod here;
mod live;
mod log;
mod losses;
mod narrate;
mod outputs;
mod program;
mod replay;
mod run;
mod say;
mod seen;
mod service;
mod session;
mod settings;
mod simulated;
mod status;
mod summary;
mod venue;
mod view;
mod waiting;
mod watch;
mod whole_file;

pub use exit::{Cause, Failed};
pub use program::main;
