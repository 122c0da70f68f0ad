//! Purpose: a consumer in this process: says what it wants, and is handed exactly that.
//! Owns: its end of the control bus and its readers. Thread: the consumer's. Takes and gives: commands out; acknowledgements
//! and events in. Never: blocks, but for [`ConsumerHandle::wait`].

use std::time::{Duration, Instant};

use crate::bus::control::{Acknowledgement, ControlBus, ControlClient, ControlError, RequestId};
use crate::bus::data::{DataBus, Delivery, SubscribeError, SubscribeOptions, Subscription};
use crate::schema::command::{Command, ControlAck, Filters};
use crate::schema::latency::LatencyDetail;

/// Commands of one handle that may wait for their answers.
const UNANSWERED_MAX: usize = 64;
/// How often [`ConsumerHandle::wait`] looks.
const LOOK: Duration = Duration::from_micros(100);

/// Where consumers of an engine connect. Clones are the same.
#[derive(Clone, Debug)]
pub struct Control {
    commands: ControlBus,
    events: DataBus,
}

impl Control {
    /// Over both buses of an engine.
    pub(in crate::engine) const fn new(commands: ControlBus, events: DataBus) -> Control {
        Control { commands, events }
    }

    /// The control bus, for whoever speaks for others (HTTP, a command line).
    pub const fn bus(&self) -> &ControlBus {
        &self.commands
    }

    /// Connects a consumer that is told what it misses. Its subscriptions end when the handle is dropped.
    ///
    /// # Errors
    /// As [`Control::connect_with`].
    pub fn connect(&self, name: &str) -> Result<ConsumerHandle, SubscribeError> {
        self.connect_with(name, SubscribeOptions::default())
    }

    /// Connects a consumer that reads as `options` say.
    ///
    /// # Errors
    /// [`SubscribeError`]: no room for another lossless reader.
    pub fn connect_with(&self, name: &str, options: SubscribeOptions) -> Result<ConsumerHandle, SubscribeError> {
        let client = self.commands.connect(name, UNANSWERED_MAX);
        let events = self.events.follow(client.consumer().wishes(), options)?;
        Ok(ConsumerHandle { client, events })
    }
}

/// A consumer. Each event is judged by the filters that were in force at the version by which it was routed
/// (`dispatch_version`): a change takes effect with the version of its acknowledgement, whenever that is taken.
#[derive(Debug)]
pub struct ConsumerHandle {
    client: ControlClient,
    events: Subscription,
}

impl ConsumerHandle {
    /// Turns a type on, as far as the filters let it pass.
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn subscribe(&mut self, type_name: &str, filters: Filters) -> Result<RequestId, ControlError> {
        let type_name = type_name.to_owned();
        self.send(Command::Subscribe { type_name, filters, trace_id: None, lease_seconds: None })
    }

    /// Turns it off: the subscription with exactly these filters, or all of the type.
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn unsubscribe(&mut self, type_name: &str, filters: Option<Filters>) -> Result<RequestId, ControlError> {
        self.send(Command::Unsubscribe { type_name: type_name.to_owned(), filters, trace_id: None })
    }

    /// Puts these filters in the place of all that it has on the type.
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn update_filters(&mut self, type_name: &str, filters: Filters) -> Result<RequestId, ControlError> {
        self.send(Command::UpdateFilters { type_name: type_name.to_owned(), filters, trace_id: None })
    }

    /// Asks for every route; the answer carries [`crate::schema::report::Report::Routes`].
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn routes(&mut self) -> Result<RequestId, ControlError> {
        self.send(Command::ListRoutes)
    }

    /// Asks who wants what; the answer carries [`crate::schema::report::Report::Subscriptions`].
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn subscriptions(&mut self) -> Result<RequestId, ControlError> {
        self.send(Command::ListSubscriptions)
    }

    /// Asks how the engine does; the answer carries [`crate::schema::report::Report::Status`].
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn status(&mut self) -> Result<RequestId, ControlError> {
        self.send(Command::Status)
    }

    /// Asks for the latency ledger; the answer carries [`crate::schema::report::Report::Latency`].
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn latency(&mut self) -> Result<RequestId, ControlError> {
        self.send(Command::Latency { detail: LatencyDetail::Histograms })
    }

    /// Sends any command.
    ///
    /// # Errors
    /// [`ControlError`]: the command was not taken.
    pub fn send(&mut self, command: Command) -> Result<RequestId, ControlError> {
        self.client.send(command)
    }

    /// The next acknowledgement, in order of sending.
    pub fn acknowledgement(&mut self) -> Option<Acknowledgement> {
        self.client.poll()
    }

    /// Waits for the acknowledgement of a command, at most so long; those of earlier commands are passed over. For a
    /// program that starts, not for one that trades; never for an engine that is stepped.
    pub fn wait(&mut self, request: RequestId, patience: Duration) -> Option<ControlAck> {
        let since = Instant::now();
        loop {
            while let Some(Acknowledgement { request: of, ack }) = self.client.poll() {
                if of == request {
                    return Some(ack);
                }
            }
            if since.elapsed() >= patience {
                return None;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// As [`Subscription::poll`]: up to `limit` records, those wanted are handed out.
    pub fn poll(&mut self, limit: usize, f: impl FnMut(Delivery<'_>)) -> usize {
        self.events.poll(limit, f)
    }

    /// What it reads by, for its counts.
    pub const fn events(&self) -> &Subscription {
        &self.events
    }
}
