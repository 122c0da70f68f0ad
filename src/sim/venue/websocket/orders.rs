//! Purpose: what faults order of a session: to end in one of many ways, to fall silent, to send what is wrong or hard to
//! read. Owns: nothing of its own. Thread: the connection's. Takes and gives: orders in, bytes out.
//! Never: decides when.

use std::io::Write;

use tungstenite::{Bytes, Message};

use super::{AMNESTY_NS, Over, Session, Socket};
use crate::sim::venue::bad_frames;
use crate::sim::venue::outbox::Order;

/// Between two pings that stand among fragments: a client may answer each one.
const BETWEEN_NS: u64 = 500_000_000;

impl Session<'_> {
    /// Does what a fault orders.
    pub(super) fn obey(&mut self, socket: &mut Socket, order: Order) -> Result<(), Over> {
        match order {
            Order::Close { code, reason } => self.close(socket, code, &reason),
            Order::Cut => Err(Over::Closed),
            Order::Truncate => Err(Over::Cut),
            Order::Reset => {
                // A text frame of 2,000 bytes that ends after its first few.
                let _ = socket.flush();
                let _ = socket.get_mut().write(b"\x81\x7e\x07\xd0{\"stream\":\"");
                let _ = socket.get_mut().flush();
                socket.get_mut().transport.reset_at_end();
                Err(Over::Cut)
            }
            Order::Stall(span_ns) => {
                self.stalled_until_ns = self.shared.clock.now_ns() + span_ns;
                self.amnesty_until_ns = self.stalled_until_ns + AMNESTY_NS;
                // A pong that the venue itself does not read is not late.
                if let Some((_, deadline)) = &mut self.pong {
                    *deadline += span_ns;
                }
                self.outbox.set_lossy(true);
                Ok(())
            }
            Order::BrokenFrame(how) => {
                let _ = socket.flush();
                let _ = socket.get_mut().write(&bad_frames::bytes(how));
                let _ = socket.get_mut().flush();
                Ok(())
            }
            Order::Fragments(span_ns) => {
                self.fragments_until_ns = self.shared.clock.now_ns() + span_ns;
                Ok(())
            }
            Order::Pings { count, bytes } => (0..count).try_for_each(|number| {
                let mut payload = number.to_string().into_bytes();
                payload.resize(usize::from(bytes), b'.');
                self.blocked |= !self.verdict(socket.write(Message::Ping(Bytes::from(payload))))?;
                Ok(())
            }),
        }
    }

    /// Writes a message in fragments, now and then with a ping behind the first one.
    pub(super) fn write_fragments(&mut self, socket: &mut Socket, frame: &Bytes) -> Result<(), Over> {
        for (at, fragment) in bad_frames::fragments(frame).enumerate() {
            self.blocked |= !self.verdict(socket.write(fragment))?;
            let now = self.shared.clock.now_ns();
            if at == 0 && now >= self.next_between_ns {
                self.next_between_ns = now + BETWEEN_NS;
                self.blocked |= !self.verdict(socket.write(Message::Ping(Bytes::from_static(b"between"))))?;
            }
        }
        Ok(())
    }
}
