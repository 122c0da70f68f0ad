//! The pure duty, held against a model of all its commands and against what each kind of news must do.
//!
//! | file | holds |
//! |---|---|
//! | `desk` | instruments, types, filters, all by hand; a duty over them |
//! | `model` | a model so plain that it can be read, and random commands for both |
//! | `stories` | streams through their states, refusals, what is listed later, polls |

mod desk;
mod model;
mod stories;
