//! Room `sim`: a truthful exchange, in process.
//!
//! [`exchange::Exchange`] runs any number of symbols on a virtual time line: real books, makers and takers, every change
//! under its own update id. Each event's frames are Binance's spot frames, byte for byte. [`source::SimSource`] hands
//! them to the io agent as its [`FrameSource`](crate::schema::frame::FrameSource), and [`faults`] spoils what leaves the
//! venue's door. What truly happened stays in the [`oracle::Oracle`], which a checker asks at any update id.

pub mod batch;
pub mod book;
mod buckets;
pub mod channel;
pub mod digits;
pub mod exchange;
pub mod faults;
pub mod flow;
mod history;
mod injector;
pub mod interval;
mod listing;
pub mod options;
pub mod oracle;
pub mod rate;
pub mod rest;
pub mod rng;
pub mod source;
pub mod spec;
pub mod spoil;
pub mod tape;
pub mod venue;
mod ways;
pub mod wire;
pub mod wire_stats;
