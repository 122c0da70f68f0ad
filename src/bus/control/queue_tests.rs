//! Purpose: holds the control bus to one answer for each command. Owns: nothing. Thread: tests'.
//! Takes and gives: commands. Never: part of a build that ships.

use std::collections::BTreeMap;

use super::queue::*;
use crate::schema::command::{AckStatus, Command, ConsumerName, ControlAck, ControlCode};

fn subscribe(type_name: &str) -> Command {
    Command::Subscribe {
        type_name: type_name.to_owned(),
        filters: BTreeMap::new(),
        trace_id: None,
        lease_seconds: None,
    }
}

fn accepted(envelope: &Envelope, version: u64) -> ControlAck {
    ControlAck::new(envelope.command().type_name(), AckStatus::Accepted, version)
}

#[test]
fn commands_arrive_in_order_and_each_answer_finds_its_sender() {
    let (bus, mut inbox) = ControlBus::new(8);
    let (mut a, mut b) = (bus.connect("a", 4), bus.clone().connect("b", 4));
    assert_eq!(a.send(subscribe("TRADE")), Ok(RequestId(1)));
    assert_eq!(b.send(subscribe("KLINE")), Ok(RequestId(1)));
    assert_eq!(a.send(subscribe("TICKER")), Ok(RequestId(2)));
    let mut seen = Vec::new();
    while let Some(envelope) = inbox.poll() {
        seen.push((envelope.consumer().id(), envelope.consumer().name().to_owned(), envelope.request()));
        let ack = accepted(&envelope, seen.len() as u64);
        envelope.answer(ack);
    }
    let expected = [(1, "a", 1), (2, "b", 1), (1, "a", 2)];
    assert_eq!(seen, expected.map(|(id, name, request)| (id, name.to_owned(), RequestId(request))));
    let answers = |client: &mut ControlClient| -> Vec<(u64, String, u64)> {
        std::iter::from_fn(|| client.poll()).map(|a| (a.request.0, a.ack.type_name, a.ack.dispatch_version)).collect()
    };
    assert_eq!(answers(&mut a), [(1, "TRADE".to_owned(), 1), (2, "TICKER".to_owned(), 3)]);
    assert_eq!(answers(&mut b), [(1, "KLINE".to_owned(), 2)]);
    assert_eq!(a.unanswered(), 0);
}

#[test]
fn a_command_for_a_named_consumer_says_so_and_is_answered_to_its_sender() {
    let (bus, mut inbox) = ControlBus::new(4);
    let mut client = bus.connect("http", 4);
    client.send_for(ConsumerName::parse("desk").unwrap(), subscribe("A")).unwrap();
    client.send(subscribe("B")).unwrap();
    let mut seen = Vec::new();
    while let Some(envelope) = inbox.poll() {
        let principal = envelope.principal();
        seen.push((matches!(principal, Principal::Named(_)), principal.name().to_owned()));
        assert_eq!(envelope.consumer().name(), "http");
        let ack = accepted(&envelope, 1);
        envelope.answer(ack);
    }
    assert_eq!(seen, [(true, "desk".to_owned()), (false, "http".to_owned())]);
    assert_eq!(std::iter::from_fn(|| client.poll()).map(|a| a.request.0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_full_queue_and_untaken_answers_are_busy_and_nothing_is_lost() {
    let (bus, mut inbox) = ControlBus::new(2);
    let (mut greedy, mut other) = (bus.connect("greedy", 8), bus.connect("other", 1));
    assert!(greedy.send(subscribe("A")).is_ok() && greedy.send(subscribe("B")).is_ok());
    assert_eq!(greedy.send(subscribe("C")), Err(ControlError::Busy));
    assert_eq!(other.send(subscribe("D")), Err(ControlError::Busy));
    assert_eq!((greedy.unanswered(), other.unanswered()), (2, 0));
    assert_eq!(greedy.poll(), None, "a refused command has no answer");
    for _ in 0..2 {
        let envelope = inbox.poll().unwrap();
        let ack = accepted(&envelope, 1);
        envelope.answer(ack);
    }
    assert_eq!(other.send(subscribe("D")), Ok(RequestId(1)));
    assert_eq!(other.send(subscribe("E")), Err(ControlError::Busy), "its one answer is not taken yet");
    let envelope = inbox.poll().unwrap();
    let ack = accepted(&envelope, 2);
    envelope.answer(ack);
    assert_eq!(other.send(subscribe("E")), Err(ControlError::Busy));
    assert!(other.poll().is_some());
    assert_eq!(other.send(subscribe("E")), Ok(RequestId(2)));
    assert_eq!(ControlError::Busy.code(), ControlCode::Busy);
    assert!(ControlError::Busy.to_string().starts_with("control/busy"));
}

#[test]
fn every_command_taken_is_answered_even_when_the_duty_ends() {
    let (bus, mut inbox) = ControlBus::new(4);
    let mut client = bus.connect("c", 4);
    client.send(subscribe("A")).unwrap();
    client.send(subscribe("B")).unwrap();
    drop(inbox.poll().unwrap());
    drop(inbox);
    let codes: Vec<_> =
        std::iter::from_fn(|| client.poll()).map(|a| (a.request.0, a.ack.error.unwrap().code)).collect();
    assert_eq!(codes, [(1, "control/unanswered".to_owned()), (2, "control/unanswered".to_owned())]);
    assert_eq!(client.send(subscribe("C")), Err(ControlError::Closed));
}

#[test]
fn a_consumer_that_left_is_seen_to_have_left_and_its_answers_harm_nobody() {
    let (bus, mut inbox) = ControlBus::new(4);
    let mut client = bus.connect("c", 4);
    client.send(subscribe("A")).unwrap();
    drop(client);
    let envelope = inbox.poll().unwrap();
    assert!(!envelope.consumer().is_connected());
    let ack = accepted(&envelope, 1);
    envelope.answer(ack);
}

#[test]
fn many_consumers_at_once_get_each_answer_once() {
    let (bus, mut inbox) = ControlBus::new(4);
    let clients: Vec<_> = (0..4)
        .map(|n| {
            let bus = bus.clone();
            std::thread::spawn(move || {
                let mut client = bus.connect(&n.to_string(), 2);
                let (mut sent, mut answered) = (0, Vec::new());
                while answered.len() < 500 {
                    sent += usize::from(sent < 500 && client.send(subscribe(&n.to_string())).is_ok());
                    answered.extend(client.poll().map(|a| (a.request.0, a.ack.type_name)));
                    std::thread::yield_now();
                }
                assert!(answered.iter().zip(1..).all(|(a, request)| *a == (request, n.to_string())));
            })
        })
        .collect();
    let mut taken = 0;
    while taken < 4 * 500 {
        if let Some(envelope) = inbox.poll() {
            taken += 1;
            let ack = accepted(&envelope, taken);
            envelope.answer(ack);
        } else {
            std::thread::yield_now();
        }
    }
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(inbox.poll().is_none());
}
