//! Purpose: whose subscription it is. Owns: the order in which consumers are shown. Thread: any (cold).
//! Takes and gives: plain data. Never: takes two handles of one name for one consumer.

use crate::bus::control::Principal;
use crate::schema::command::{CONFIG_CONSUMER, CONSUMER_NAME_MAX, ConsumerName};
use crate::schema::report::ConsumerKind;

/// A consumer, as the control duty tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The configuration.
    Config,
    /// Named: its subscriptions stay.
    Named(ConsumerName),
    /// A handle in this process, by its number on the bus, and what it calls itself.
    Handle(u64, Box<str>),
}

impl Who {
    /// For whom a command speaks.
    pub fn of(principal: &Principal) -> Who {
        match principal {
            Principal::Named(name) => Who::Named(name.clone()),
            Principal::Handle(consumer) => Who::Handle(consumer.id(), consumer.name().into()),
        }
    }

    /// What it is called, cut to what the audit holds.
    pub fn name(&self) -> &str {
        match self {
            Who::Config => CONFIG_CONSUMER,
            Who::Named(name) => name.as_str(),
            Who::Handle(_, name) => &name[..name.floor_char_boundary(CONSUMER_NAME_MAX)],
        }
    }

    /// What it is.
    pub const fn kind(&self) -> ConsumerKind {
        match self {
            Who::Config => ConsumerKind::Config,
            Who::Named(_) => ConsumerKind::Named,
            Who::Handle(..) => ConsumerKind::Handle,
        }
    }

    /// A handle's number.
    pub const fn id(&self) -> Option<u64> {
        match self {
            Who::Handle(id, _) => Some(*id),
            _ => None,
        }
    }
}
