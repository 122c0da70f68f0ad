//! The checker refuses each planted fault and takes what is in order, also where calls overlap.

use crate::history::{Did, Event, check};

fn event(called: u64, returned: u64, did: Did) -> Event {
    Event { called, returned, did }
}

fn put(version: u64) -> Did {
    Did::Put { version, data: vec![version] }
}

fn swap(previous: u64, version: u64) -> Did {
    Did::Swap { previous, version, data: vec![version] }
}

fn get(version: u64) -> Did {
    Did::Get { version, data: vec![version] }
}

fn conflict(previous: u64, actual: u64) -> Did {
    Did::Conflict { previous, actual }
}

fn expire(version: u64) -> Did {
    Did::Expire { version }
}

/// Events one after the other.
fn serial(dids: &[Did]) -> Vec<Event> {
    dids.iter().zip(0..).map(|(did, at)| event(2 * at, 2 * at + 1, did.clone())).collect()
}

#[test]
fn histories_in_order_pass() {
    let histories = [
        vec![],
        serial(&[Did::Absent, put(1), get(1), swap(1, 2), get(2), get(2), conflict(1, 2), put(3), get(3)]),
        serial(&[put(1), expire(1), Did::Absent, swap(0, 2), conflict(1, 2), swap(2, 3), expire(3), Did::Absent]),
        serial(&[Did::Absent, Did::Absent, swap(0, 1), conflict(0, 1)]),
        // A get that overlaps a put may see either side of it.
        vec![event(0, 1, put(1)), event(2, 9, put(2)), event(3, 4, get(1)), event(5, 6, get(2))],
        vec![event(0, 9, put(1)), event(1, 2, Did::Absent), event(3, 4, get(1))],
        // The later call may win where calls overlap.
        vec![event(0, 9, put(2)), event(1, 8, put(1)), event(10, 11, get(2))],
        // An absence that overlaps expiry and the put after it.
        vec![event(0, 1, put(1)), event(2, 9, Did::Absent), event(3, 4, expire(1)), event(5, 6, put(2))],
    ];
    for history in histories {
        assert!(check(&history).is_ok(), "{:?}: {history:?}", check(&history));
    }
}

#[test]
fn each_planted_fault_is_refused_for_its_reason() {
    let twice = [event(0, 5, put(1)), event(1, 6, put(1))];
    let cases: [(&str, Vec<Event>); 21] = [
        ("version 1 was made twice", twice.into()),
        ("version 1 was made twice", serial(&[put(1), put(2), expire(2), put(1)])),
        ("version 2 is missing", serial(&[put(1), put(3)])),
        ("version 1 is missing", serial(&[put(2)])),
        ("nobody made", serial(&[put(1), get(2)])),
        ("not this version's", serial(&[put(1), put(2), Did::Get { version: 2, data: vec![1] }])),
        ("not this version's", serial(&[put(1), Did::Get { version: 1, data: vec![] }])),
        ("older than", serial(&[put(1), put(2), get(1)])),
        ("older than", serial(&[put(2), put(1)])),
        ("older than", serial(&[get(1), put(1)])),
        ("older than", vec![event(0, 9, put(2)), event(1, 2, put(1)), event(3, 4, get(2)), event(5, 6, get(1))]),
        (
            "older than",
            vec![event(0, 1, put(1)), event(2, 9, put(2)), event(3, 4, conflict(0, 2)), event(5, 6, get(1))],
        ),
        ("older than", serial(&[put(1), expire(1), get(1)])),
        ("older than", serial(&[put(1), expire(1), Did::Absent, put(2), conflict(2, 1)])),
        ("not the latest", serial(&[put(1), put(2), swap(1, 3)])),
        ("had expired", serial(&[put(1), expire(1), swap(1, 2)])),
        ("over a live record", serial(&[put(1), swap(0, 2)])),
        ("named the latest", serial(&[put(1), conflict(1, 1)])),
        ("yet alive", serial(&[put(1), Did::Absent])),
        ("yet alive", serial(&[put(1), expire(1), put(2), Did::Absent])),
        ("expired twice", serial(&[put(1), expire(1), expire(1)])),
    ];
    for (reason, history) in cases {
        let error = check(&history).expect_err(reason);
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

/// A sound history with any two events that followed each other exchanged in their answers is refused, or is the same.
#[test]
fn exchanged_answers_are_noticed() {
    let sound =
        serial(&[Did::Absent, put(1), get(1), swap(1, 2), get(2), expire(2), Did::Absent, put(3), get(3), put(4)]);
    assert_eq!(check(&sound), Ok(4));
    for first in 0..sound.len() {
        for second in first + 1..sound.len() {
            let mut planted = sound.clone();
            let did = planted[first].did.clone();
            planted[first].did = planted[second].did.clone();
            planted[second].did = did;
            assert_eq!(check(&planted).is_ok(), planted == sound, "{first} with {second}");
        }
    }
}
