//! The tunnel against rustls' own server, which is the buffered one: both in memory, over a link that cuts bytes where it is told to.

mod ends;
mod faults;
mod keys;
mod link;
mod talk;
