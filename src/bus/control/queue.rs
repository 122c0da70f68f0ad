//! Purpose: carries commands from consumers to the control duty, and acknowledgements back.
//! Owns: one bounded queue of commands, and one of acknowledgements for each consumer.
//! Thread: consumers on any, the inbox on the control duty's; never a hot one. Takes and gives: commands, acknowledgements.
//! Never: blocks, drops a command it took, leaves one unanswered, answers twice.

use crossbeam_queue::ArrayQueue;

use crate::schema::command::{AckError, AckStatus, Command, ControlAck};
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering};

/// A command's number, unique for its consumer, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Why a command was not taken; nothing came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The queue is full, or this consumer has not yet taken the acknowledgements of earlier commands.
    #[error("control/busy: too many commands wait; take their acknowledgements, then send again")]
    Busy,
    /// The control duty is gone.
    #[error("control/closed: nobody takes commands any more")]
    Closed,
}

impl ControlError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            ControlError::Busy => "control/busy",
            ControlError::Closed => "control/closed",
        }
    }
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The command's number, as [`ControlClient::send`] gave it.
    pub request: RequestId,
    /// What became of it.
    pub ack: ControlAck,
}

#[derive(Debug)]
struct Shared {
    commands: ArrayQueue<Envelope>,
    consumers: AtomicU64,
    /// Whether the inbox is there.
    open: AtomicBool,
}

#[derive(Debug)]
struct Peer {
    id: u64,
    name: Box<str>,
    answers: ArrayQueue<Acknowledgement>,
    connected: AtomicBool,
}

/// Who sent a command. Clones are the same consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    peer: Arc<Peer>,
}

impl Consumer {
    /// Its number on this bus, from 1 in order of connecting.
    pub fn id(&self) -> u64 {
        self.peer.id
    }

    /// What it calls itself: for the audit, not unique.
    pub fn name(&self) -> &str {
        &self.peer.name
    }

    /// Whether it is still there. One that is gone wants nothing more: the duty undoes its subscriptions.
    pub fn is_connected(&self) -> bool {
        // Acquire, partner: the store in `ControlClient::drop`. Its commands are in the queue by then.
        self.peer.connected.load(Ordering::Acquire)
    }
}

/// Where consumers connect. Clones are the same bus.
#[derive(Clone, Debug)]
pub struct ControlBus {
    shared: Arc<Shared>,
}

impl ControlBus {
    /// A bus on which at most `capacity` commands wait (at least one), and the end that takes them.
    pub fn new(capacity: usize) -> (ControlBus, ControlInbox) {
        let shared = Arc::new(Shared {
            commands: ArrayQueue::new(capacity.max(1)),
            consumers: AtomicU64::new(0),
            open: AtomicBool::new(true),
        });
        (ControlBus { shared: Arc::clone(&shared) }, ControlInbox { shared })
    }

    /// Connects a consumer that has at most `unanswered` commands under way (at least one).
    pub fn connect(&self, name: &str, unanswered: usize) -> ControlClient {
        // Relaxed: only distinct numbers matter.
        let id = self.shared.consumers.fetch_add(1, Ordering::Relaxed) + 1;
        let peer = Peer {
            id,
            name: name.into(),
            answers: ArrayQueue::new(unanswered.max(1)),
            connected: AtomicBool::new(true),
        };
        ControlClient { shared: Arc::clone(&self.shared), peer: Arc::new(peer), sent: 0, taken: 0 }
    }
}

/// A consumer's end.
#[derive(Debug)]
pub struct ControlClient {
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    sent: u64,
    taken: u64,
}

impl ControlClient {
    /// Who it is, as the control duty sees it.
    pub fn consumer(&self) -> Consumer {
        Consumer { peer: Arc::clone(&self.peer) }
    }

    /// Sends a command; its acknowledgement comes by [`ControlClient::poll`].
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn send(&mut self, command: Command) -> Result<RequestId, ControlError> {
        // Acquire, partner: the store in `ControlInbox::drop`.
        if !self.shared.open.load(Ordering::Acquire) {
            return Err(ControlError::Closed);
        }
        // So there is always room for the answer.
        if self.sent - self.taken >= self.peer.answers.capacity() as u64 {
            return Err(ControlError::Busy);
        }
        let request = RequestId(self.sent + 1);
        let envelope = Envelope { consumer: self.consumer(), request, command, answered: false };
        if let Err(mut refused) = self.shared.commands.push(envelope) {
            refused.answered = true;
            return Err(ControlError::Busy);
        }
        self.sent += 1;
        Ok(request)
    }

    /// The next acknowledgement, in the order of answering.
    pub fn poll(&mut self) -> Option<Acknowledgement> {
        if self.sent > self.taken
            // Acquire, partner: the store in `ControlInbox::drop`.
            && !self.shared.open.load(Ordering::Acquire)
        {
            // A command that slipped in while the inbox went away is answered by being dropped.
            while let Some(orphan) = self.shared.commands.pop() {
                drop(orphan);
            }
        }
        let answer = self.peer.answers.pop()?;
        self.taken += 1;
        Some(answer)
    }

    /// How many commands are not yet answered, or their answers not taken.
    pub fn unanswered(&self) -> u64 {
        self.sent - self.taken
    }
}

impl Drop for ControlClient {
    fn drop(&mut self) {
        // Release, partner: the load in `Consumer::is_connected`.
        self.peer.connected.store(false, Ordering::Release);
    }
}

/// The control duty's end.
#[derive(Debug)]
pub struct ControlInbox {
    shared: Arc<Shared>,
}

impl ControlInbox {
    /// The next command, in order of sending.
    pub fn poll(&mut self) -> Option<Envelope> {
        self.shared.commands.pop()
    }
}

impl Drop for ControlInbox {
    fn drop(&mut self) {
        // Release, partner: the loads in `ControlClient`.
        self.shared.open.store(false, Ordering::Release);
        // Each is answered by being dropped.
        while let Some(envelope) = self.shared.commands.pop() {
            drop(envelope);
        }
    }
}

/// A command under way. It owes one acknowledgement: dropped without one, it answers `error` with the code
/// `control/unanswered`.
#[derive(Debug)]
pub struct Envelope {
    consumer: Consumer,
    request: RequestId,
    command: Command,
    answered: bool,
}

impl Envelope {
    /// Who sent it.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Its number.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// What is asked.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// Answers it.
    pub fn answer(mut self, ack: ControlAck) {
        self.give(ack);
    }

    fn give(&mut self, ack: ControlAck) {
        self.answered = true;
        // There is room: a consumer never has more commands under way than its queue holds.
        let _ = self.consumer.peer.answers.push(Acknowledgement { request: self.request, ack });
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let (Command::Subscribe { type_name, .. } | Command::Unsubscribe { type_name, .. }) = &self.command;
        let error = AckError {
            code: "control/unanswered".to_owned(),
            message: "the control duty ended before it came to this command; nothing was changed".to_owned(),
        };
        let ack = ControlAck {
            type_name: type_name.clone(),
            status: AckStatus::Error,
            dispatch_version: 0,
            error: Some(error),
        };
        self.give(ack);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn subscribe(type_name: &str) -> Command {
        Command::Subscribe { type_name: type_name.to_owned(), filters: BTreeMap::new(), trace_id: None }
    }

    fn accepted(envelope: &Envelope, version: u64) -> ControlAck {
        let (Command::Subscribe { type_name, .. } | Command::Unsubscribe { type_name, .. }) = envelope.command();
        ControlAck { type_name: type_name.clone(), status: AckStatus::Accepted, dispatch_version: version, error: None }
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
            std::iter::from_fn(|| client.poll())
                .map(|a| (a.request.0, a.ack.type_name, a.ack.dispatch_version))
                .collect()
        };
        assert_eq!(answers(&mut a), [(1, "TRADE".to_owned(), 1), (2, "TICKER".to_owned(), 3)]);
        assert_eq!(answers(&mut b), [(1, "KLINE".to_owned(), 2)]);
        assert_eq!(a.unanswered(), 0);
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
        assert_eq!(ControlError::Busy.code(), "control/busy");
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
}
