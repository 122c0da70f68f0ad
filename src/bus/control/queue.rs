//! Purpose: carries commands from consumers to the control duty, and acknowledgements back.
//! Owns: one bounded queue of commands, and one of acknowledgements for each consumer.
//! Thread: consumers on any, the inbox on the control duty's; never a hot one. Takes and gives: commands, acknowledgements.
//! Never: blocks, drops a command it took, leaves one unanswered, answers twice.

use crossbeam_queue::ArrayQueue;

use crate::bus::data::WishSlot;
use crate::schema::command::{Command, ConsumerName, ControlAck, ControlCode};
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
    pub const fn code(self) -> ControlCode {
        match self {
            ControlError::Busy => ControlCode::Busy,
            ControlError::Closed => ControlCode::Closed,
        }
    }
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq)]
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
    wishes: WishSlot,
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

    /// Where the control duty writes what it wants, for a [`crate::bus::data::DataBus::follow`] that is its own.
    pub fn wishes(&self) -> &WishSlot {
        &self.peer.wishes
    }

    /// Whether it is still there. One that is gone wants nothing more: the duty undoes its subscriptions.
    pub fn is_connected(&self) -> bool {
        // Acquire, partner: the store in `ControlClient::drop`. Its commands are in the queue by then.
        self.peer.connected.load(Ordering::Acquire)
    }
}

/// For whom a command speaks.
#[derive(Clone, Debug)]
pub enum Principal {
    /// For who sent it: what it subscribed to ends when its [`ControlClient`] is dropped.
    Handle(Consumer),
    /// For a named consumer: what it subscribed to stays, whoever sent for it.
    Named(ConsumerName),
}

impl Principal {
    /// What the audit calls it.
    pub fn name(&self) -> &str {
        match self {
            Principal::Handle(consumer) => consumer.name(),
            Principal::Named(name) => name.as_str(),
        }
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
            wishes: WishSlot::default(),
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
        self.push(None, command)
    }

    /// As [`ControlClient::send`], for a named consumer, whose subscriptions outlive this client.
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn send_for(&mut self, consumer: ConsumerName, command: Command) -> Result<RequestId, ControlError> {
        self.push(Some(consumer), command)
    }

    fn push(&mut self, named: Option<ConsumerName>, command: Command) -> Result<RequestId, ControlError> {
        // Acquire, partner: the store in `ControlInbox::drop`.
        if !self.shared.open.load(Ordering::Acquire) {
            return Err(ControlError::Closed);
        }
        // So there is always room for the answer.
        if self.sent - self.taken >= self.peer.answers.capacity() as u64 {
            return Err(ControlError::Busy);
        }
        let request = RequestId(self.sent + 1);
        let envelope = Envelope { consumer: self.consumer(), named, request, command, answered: false };
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
    named: Option<ConsumerName>,
    request: RequestId,
    command: Command,
    answered: bool,
}

impl Envelope {
    /// Who sent it.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// For whom it speaks.
    pub fn principal(&self) -> Principal {
        match &self.named {
            Some(name) => Principal::Named(name.clone()),
            None => Principal::Handle(self.consumer.clone()),
        }
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
        let message = "the control duty ended before it came to this command; nothing was changed";
        let ack = ControlAck::refused(self.command.type_name(), 0, ControlCode::Unanswered, message);
        self.give(ack);
    }
}
