//! Purpose: payloads of connections and commands, and the one that is never published.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::field::{Field, FieldKind, Payload, padding, payload};
use super::kind::PayloadKind;
use crate::schema::instrument::VenueState;

/// What a `STATUS.CONNECTION` event announces.
pub const CONNECTION_CHANGES: &[&str] = &["ConnectionDown", "ConnectionUp"];

payload! {
    /// A connection came or went. Between dispatch and conductor only, and of an instrument: it feeds its book from here on.
    ConnectionStatus: ConnectionStatus {
        words {
            /// What is announced.
            change = "change" FieldKind::Code(CONNECTION_CHANGES),
        }
        texts {
            /// Why, in a word (`started`, `ended`, `reset`, `closed 1008`).
            cause[32] = "cause",
        }
        decimals(0) {}
    }
}

/// What a control command came to.
pub const CONTROL_OUTCOMES: &[&str] = &["accepted", "noop", "error"];

/// What a control command was.
pub const CONTROL_VERBS: &[&str] =
    &["start", "subscribe", "unsubscribe", "updateFilters", "leaseEnded", "left", "restored"];

payload! {
    /// The audit of one control command.
    ControlUpdate: ControlUpdate {
        words {
            /// What was asked.
            verb = "verb" FieldKind::Code(CONTROL_VERBS),
            /// What it came to.
            outcome = "outcome" FieldKind::Code(CONTROL_OUTCOMES),
            /// The control version before.
            old_version = "oldVersion" FieldKind::Int,
            /// The control version after.
            new_version = "newVersion" FieldKind::Int,
        }
        texts {
            /// Who asked.
            consumer[32] = "consumer",
            /// Who sent for it: a handle's name, `http` or `http:` and a token's name; empty when nobody did.
            by[40] = "by",
            /// The type it concerned, as it was named; empty for all.
            subject[64] = "subject",
            /// Why it was refused: the stable code.
            code[32] = "code",
        }
        decimals(0) {}
    }
}

/// The states of a native stream, as `STATUS.STREAM` numbers them.
pub const STREAM_STATES: &[&str] = &["Requested", "Acknowledged", "Live", "Silent", "Refused", "Leaving"];

payload! {
    /// A native stream's new state. An acknowledgement proves nothing: the venue acknowledges any name.
    StreamStatus: StreamStatus {
        words {
            /// What it is now.
            state = "state" FieldKind::Code(STREAM_STATES),
        }
        texts {
            /// As the venue calls it.
            stream[64] = "stream",
            /// Why it is silent, as far as the list of instruments tells: `Quiet`, `Halted`, `NotListed`; empty in every other state.
            why[16] = "why",
        }
        decimals(0) {}
    }
}

payload! {
    /// Never published: tells the conductor what the venue says of an instrument.
    VenueStatus: VenueStatus {
        words {
            /// A [`VenueState`].
            state = "state" FieldKind::Code(VenueState::NAMES),
        }
        decimals(0) {}
    }
}

payload! {
    /// Never published: tells the conductor that content of the instrument's book stream was lost.
    Lost: Lost {
        decimals(0) {}
    }
}
