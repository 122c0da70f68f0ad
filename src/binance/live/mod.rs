//! The live adapter: sockets, subscriptions and REST of the venue, as a source of frames.
//!
//! | module | holds |
//! |---|---|
//! | `endpoint` | where the venue is |
//! | `venue_rules` | what differs from market to market: endpoints, doors, limits, weights |
//! | `options` | what a source is told |
//! | `backoff` | waits between tries |
//! | `limits` | the venue's limits, kept from our side |
//! | `plan` | which stream goes over which connection |
//! | `subscription` | the streams of one connection, control messages and their answers |
//! | `answer` | frames that speak to the connection's owner |
//! | `cause` | why a connection failed or ended |
//! | `session` | the life of one connection: phases and deadlines |
//! | `leg` | one place of the plan: who serves it, who takes over, when to try again |
//! | `listing` | which instruments are wanted, and what a new exchangeInfo changes |
//! | `tls`, `wire` | whom we trust; the bytes of one connection |
//! | `framing` | WebSocket frames: data in place by our own framer, the rest by tungstenite |
//! | `stamped` | a socket whose reads bring the kernel's receive stamp |
//! | `resolve` | names to addresses |
//! | `failure` | errors as causes |
//! | `connection` | one connection |
//! | `socket`, `dial` | a socket as we want it; opening connections within the budget |
//! | `slots` | the sockets, read in turn |
//! | `teller` | what connections have to say |
//! | `legs` | the connections of one io thread |
//! | `news` | what is heard of streams and the venue's list, for whoever commands |
//! | `orders` | the way in for wanted streams, from any thread to the io threads |
//! | `opening` | options → what connections are opened with |
//! | `rest` | the REST thread |
//! | `note` | what is worth a line |
//! | `desk` | the REST side of the source: bodies, listing |
//! | `board` | how the source does, for whoever shows it |
//! | `source` | `LiveSource`, which ties them together |
//! | `trial` | one timed connection to one address, for whoever looks for the nearest one |
//!
//! Down to `listing` nothing knows a socket or a clock.

mod answer;
mod backoff;
mod board;
mod cause;
mod connection;
mod desk;
mod dial;
mod endpoint;
mod failure;
mod framing;
mod leg;
mod legs;
mod limits;
mod listing;
mod news;
mod note;
mod opening;
mod options;
mod orders;
mod plan;
mod resolve;
mod rest;
mod session;
mod slots;
mod socket;
mod source;
mod stamped;
mod subscription;
mod teller;
mod tls;
mod trial;
mod venue_rules;
mod wire;

pub use board::{Board, ConnectionView, LiveView, RestView};
pub use cause::Cause;
pub use endpoint::{BadEndpoint, Endpoint};
pub use news::{LiveNews, NewsFeed, SymbolChange};
pub use note::Note;
pub use options::{LiveError, LiveOptions, LiveTimes, StreamForm, StreamNames};
pub use orders::{OrderRefused, OrderToken, StreamOrders};
pub use plan::STREAMS_MAX;
pub use rest::{PollOrders, PollSpec};
pub use source::{IO_THREADS_MAX, LiveSource, REST};
pub use subscription::{StreamChange, StreamCounts};
pub use tls::{BadCaFile, judge_ca_file};
pub use trial::{Trial, TrialTimes};
pub use venue_rules::endpoints;
