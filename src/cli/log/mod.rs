//! What a run tells: one line for each notable event, and on a terminal a status that is rewritten in place.
//!
//! | file | holds |
//! |---|---|
//! | `entry` | an event: level, name, words, fields |
//! | `form` | as a line of text or of JSON; what came from outside is escaped |
//! | `limiter` | how many lines of one kind there may be |
//! | `paper` | the thread that writes: nobody waits for a slow terminal or a full pipe |
//! | `journal` | entry → limiter → form → paper |

mod entry;
mod form;
mod journal;
mod limiter;
mod paper;

pub(super) use entry::{Entry, Event, Level};
pub(super) use form::{Form, visible};
pub(super) use journal::{Aside, Journal, last_words};
