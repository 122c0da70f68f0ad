//! Purpose: what is configured of the control plane. Owns: its defaults. Thread: any (cold). Takes and gives: plain data.
//! Never: acts on it, opens a file.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The control plane: what flows at the start, and what outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Control {
    /// What is wanted at the start, by the consumer `config`, for whom nobody can unsubscribe.
    pub initial: Initial,
    /// A file that keeps the commands of named consumers, so that they outlive a restart. Empty: none.
    pub journal: String,
}

impl Default for Control {
    fn default() -> Control {
        Control { initial: Initial::All, journal: String::new() }
    }
}

/// What is wanted at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    /// Every route, of all `instruments`.
    All,
    /// Nothing: what flows is what consumers subscribe to.
    None,
}
