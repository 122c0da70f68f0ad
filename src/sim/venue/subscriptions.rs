//! Purpose: grants what a control message wishes, and words the answer. Owns: nothing. Thread: the connection's.
//! Takes and gives: text in, text out; the hub changes. Never: refuses a name, for any is acknowledged.

use std::sync::Arc;

use serde_json::{Value, json};

use super::control::{self, Wish};
use super::outbox::Outbox;
use super::shared::Shared;

/// Answers a control message of a session.
pub(super) fn answer(shared: &Shared, outbox: &Arc<Outbox>, text: &str) -> String {
    let (wish, id) = match control::read(text) {
        Ok(read) => read,
        Err(error) => return error,
    };
    let hub = &shared.hub;
    let value = match wish {
        Wish::Subscribe(names) => {
            let most = shared.limits.streams_max;
            let (own, new) = hub.count_of(outbox.id, &names);
            if own + new > most {
                shared.tally.over_streams.add(1);
                return control::too_many_streams(most, &id);
            }
            for name in &names {
                shared.subscribe(name, outbox);
            }
            Value::Null
        }
        Wish::Unsubscribe(names) => {
            for name in &names {
                hub.unsubscribe(name, outbox.id);
            }
            Value::Null
        }
        Wish::List => json!(hub.streams_of(outbox.id)),
        Wish::SetCombined(combined) => {
            outbox.set_combined(combined);
            Value::Null
        }
        Wish::GetCombined => json!(outbox.combined()),
    };
    control::result(&value, &id)
}
