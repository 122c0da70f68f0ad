//! Purpose: hops in words. Owns: them. Thread: any (cold). Takes and gives: the name of a hop in, words out.
//! Never: promises more than the stamps can.

use crate::schema::latency::Hop;

/// A hop by its name, as JSON has it.
pub(super) fn find(name: &str) -> Option<Hop> {
    Hop::ALL.into_iter().find(|hop| hop.name() == name)
}

/// In few words; what is unknown stays as it is called.
pub(in crate::cli::control) fn words(name: &str) -> &str {
    match find(name) {
        Some(Hop::ExchangeToReceive) => "exchange to receive",
        Some(Hop::KernelToRead) => "kernel to read",
        Some(Hop::ReadToPublished) => "read to published",
        Some(Hop::PublishedToConsumed) => "published to consumed",
        None => name,
    }
}

/// From what to what, and what it does not say.
pub(super) const fn meaning(hop: Hop) -> &'static str {
    match hop {
        Hop::ExchangeToReceive => {
            "From the exchange's event time to the read of the frame by Meltica. Two clocks tell it. The venue's own \
             delay and the network are in it; nothing that Meltica does is."
        }
        Hop::KernelToRead => {
            "From the moment the kernel took the packet in (SO_TIMESTAMPNS) to the read that brought the frame. It grows when the \
             io thread is late. Only frames that were the first to become whole by a read with a stamp are in it."
        }
        Hop::ReadToPublished => {
            "From the read of the frame to the event in the ring: TLS, WebSocket, parsing, dispatch, book, sequencer, and what it \
             waits between them. Meltica's own latency. Events that are held back on purpose (throttle, a book that waits for its \
             snapshot) are left out."
        }
        Hop::PublishedToConsumed => {
            "From the event in the ring to a consumer's closure, of consumers that asked to be measured. It grows when they poll \
             too rarely."
        }
    }
}
