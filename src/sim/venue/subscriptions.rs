//! Purpose: grants what a control message wishes, and words the answer. Owns: nothing. Thread: the connection's.
//! Takes and gives: text in, texts out; the hub changes. Never: refuses a name, for any is acknowledged.

use std::sync::Arc;

use serde_json::{Value, json};

use super::control::{self, Wish};
use super::outbox::Outbox;
use super::shared::{Shared, hold};
use super::ways::AnswerFault;

/// An id that no client uses.
const WRONG_ID: i64 = 4_000_000_000_000;

/// Answers a control message of a session: what is to be sent, and by how many nanoseconds late.
pub(super) fn answer(shared: &Shared, outbox: &Arc<Outbox>, text: &str) -> (Vec<String>, u64) {
    let (wish, id) = match control::read(text) {
        Ok(read) => read,
        Err(error) => return (vec![error], 0),
    };
    let fault = hold(&shared.answers).pop_front();
    match fault {
        Some((AnswerFault::Error, _)) => return (vec![control::refused(Some(&id))], 0),
        Some((AnswerFault::ErrorWithoutId, _)) => return (vec![control::refused(None)], 0),
        _ => {}
    }
    let value = match grant(shared, outbox, wish) {
        Ok(value) => value,
        Err(most) => return (vec![control::too_many_streams(most, &id)], 0),
    };
    let answer = control::result(&value, &id);
    match fault {
        Some((AnswerFault::Missing, _)) => (Vec::new(), 0),
        Some((AnswerFault::Late, by_ns)) => (vec![answer], by_ns),
        Some((AnswerFault::Twice, _)) => (vec![answer.clone(), answer], 0),
        Some((AnswerFault::WrongId, _)) => (vec![control::result(&value, &json!(WRONG_ID))], 0),
        Some((AnswerFault::Garbage, _)) => (vec!["{\"result\":nul".to_owned()], 0),
        _ => (vec![answer], 0),
    }
}

/// Does what is wished, and gives the result.
///
/// # Errors
/// The limit of streams, when it would be passed.
fn grant(shared: &Shared, outbox: &Arc<Outbox>, wish: Wish) -> Result<Value, usize> {
    let hub = &shared.hub;
    Ok(match wish {
        Wish::Subscribe(names) => {
            let most = shared.limits.streams_max;
            let (own, new) = hub.count_of(outbox.id, &names);
            if own + new > most {
                shared.tally.over_streams.add(1);
                return Err(most);
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
    })
}
