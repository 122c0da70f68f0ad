//! Events out to consumers, commands in from them.
//!
//! | room | holds |
//! |---|---|
//! | [`data`] | the sequencer, subscriptions, filters, joining a book in mid-stream |
//! | [`control`] | the bounded queue of commands and the way back of their acknowledgements |
//!
//! A conductor hands its events to a [`data::Sequencer`]; consumers poll [`data::Subscription`]s made by a
//! [`data::DataBus`]. Nobody is woken: who wants an event polls for it.

pub mod control;
pub mod data;
