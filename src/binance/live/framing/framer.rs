//! Purpose: the receiving half of a WebSocket client (RFC 6455): bytes of a receive buffer → messages, in place.
//! Owns: the buffer, and the fragments of a message that is not whole. Thread: the io thread.
//! Takes and gives: bytes in; payloads out, to be worked on in place. Never: copies a frame that lies whole in the buffer, but
//! to close the gap that spent ones have left; allocates once the longest frame was seen; gives text that is no UTF-8.
//!
//! Names nothing of the crate: the benches compile this file by its path.

use core::ops::Range;

/// Bytes of a buffer that no longer frame has made grow: a busy socket fills it by one read.
const BUFFER: usize = 64 << 10;
/// Less room than this behind what waits, and what waits moves to the front: reads stay long, and few frames move.
const ROOM_MIN: usize = 8 << 10;
/// The longest payload of a control frame.
const CONTROL_MAX: u64 = 125;

/// Bits of a frame's first byte.
const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const CONTROL: u8 = 0x08;
/// The bit of the second byte that says that a mask follows.
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PONG: u8 = 0xa;

/// What lies ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A text message: valid UTF-8.
    Text,
    /// A binary message.
    Binary,
    /// A control frame: close, ping or pong.
    Control,
}

/// Why the stream cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The peer broke the protocol.
    Protocol,
    /// A text that is no UTF-8.
    Utf8,
    /// A frame or message longer than allowed.
    TooLong,
}

/// Where the payload lies that was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Buffer,
    Fragments,
}

/// A frame's first bytes.
#[derive(Clone, Copy, Debug)]
struct Head {
    first: u8,
    masked: bool,
    /// Its own length.
    bytes: usize,
    /// That of the payload.
    length: u64,
}

/// Bytes → messages.
#[derive(Debug)]
pub(crate) struct Framer {
    message_max: usize,
    buffer: Vec<u8>,
    /// Of the buffer, what came and is not spent.
    waits: Range<usize>,
    /// Bytes of the frame that waits, head and all; 0 while its head is not whole.
    wanted: usize,
    /// The payload that was told last, and the frame that it came in.
    place: Place,
    payload: Range<usize>,
    frame: Range<usize>,
    /// The payloads so far of a message in fragments, and whether it is text.
    fragments: Vec<u8>,
    begun: Option<Piece>,
    /// How many bytes of them are whole UTF-8.
    proven: usize,
}

/// Nearly all texts are, and to see that costs a fraction of checking UTF-8. No byte is looked at alone but in the shortest ones:
/// the last eight of others overlap with those before.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let Some(last) = bytes.last_chunk() else { return bytes.is_ascii() };
    // Without an early end, so that the compiler takes several words at once.
    let seen =
        bytes.as_chunks().0.iter().fold(u64::from_ne_bytes(*last), |seen, word| seen | u64::from_ne_bytes(*word));
    seen & HIGH == 0
}

impl Head {
    /// `None`: not all of it is there.
    #[inline]
    fn of(bytes: &[u8]) -> Option<Head> {
        let [first, second, rest @ ..] = bytes else { return None };
        let (extended, length) = match second & !MASKED {
            126 => (2, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
            127 => (8, u64::from_be_bytes(*rest.first_chunk()?)),
            short => (0, u64::from(short)),
        };
        let masked = second & MASKED != 0;
        let bytes = 2 + extended + if masked { 4 } else { 0 };
        (rest.len() + 2 >= bytes).then_some(Head { first: *first, masked, bytes, length })
    }
}

impl Framer {
    /// For a stream that begins. No message may be longer than `message_max` bytes, whatever its frames.
    pub(crate) fn new(message_max: usize) -> Framer {
        Framer {
            message_max,
            buffer: vec![0; BUFFER],
            waits: 0..0,
            wanted: 0,
            place: Place::Buffer,
            payload: 0..0,
            frame: 0..0,
            fragments: Vec::new(),
            begun: None,
            proven: 0,
        }
    }

    /// Room for bytes that are read: for the frame that waits, and at most as much behind it as a new buffer has. Never empty. What
    /// was told before is spent.
    #[inline]
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.waits.is_empty() {
            self.waits = 0..0;
        }
        let fits = self.wanted <= self.buffer.len() - self.waits.start;
        let tight = self.waits.start > 0 && self.buffer.len() - self.waits.end < ROOM_MIN;
        if !fits || tight {
            self.make_room();
        }
        let most = (self.waits.start + self.wanted).max(self.waits.end + BUFFER).min(self.buffer.len());
        &mut self.buffer[self.waits.end..most]
    }

    #[cold]
    fn make_room(&mut self) {
        self.buffer.copy_within(self.waits.clone(), 0);
        self.waits = 0..self.waits.len();
        let least = self.wanted.max(self.waits.end + 1);
        if least > self.buffer.len() {
            self.buffer.resize(least.next_multiple_of(BUFFER), 0);
        }
    }

    /// So many bytes were put at the front of the [`space`](Framer::space).
    #[inline]
    pub(crate) fn filled(&mut self, bytes: usize) {
        self.waits.end = (self.waits.end + bytes).min(self.buffer.len());
    }

    /// What came and was not looked at yet: before there are frames, the answer to the upgrade.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.buffer[self.waits.clone()]
    }

    /// Passes over so many bytes of what waits.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.waits.start = (self.waits.start + bytes).min(self.waits.end);
    }

    /// The next message or control frame; `None` while more bytes must come.
    ///
    /// # Errors
    /// Why there will be no other one: told as soon as a frame's head says so. The outcome of another call is then of no use.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, Refusal> {
        loop {
            let Some(head) = Head::of(&self.buffer[self.waits.clone()]) else {
                self.wanted = 0;
                return Ok(None);
            };
            // The form of nearly all: a whole text of a server's, and none in fragments under way.
            if head.first != FIN | TEXT || head.masked || self.begun.is_some() || head.length > self.message_max as u64
            {
                self.check(head)?;
            }
            // Not longer than a message may be.
            let frame = self.waits.start..self.waits.start + head.bytes + head.length as usize;
            if frame.end > self.waits.end {
                self.wanted = frame.len();
                return Ok(None);
            }
            self.waits.start = frame.end;
            self.payload = frame.start + head.bytes..frame.end;
            self.frame = frame;
            self.place = Place::Buffer;
            match head.first {
                first if first == FIN | TEXT => {
                    let payload = &self.buffer[self.payload.clone()];
                    if !is_ascii(payload) && core::str::from_utf8(payload).is_err() {
                        return Err(Refusal::Utf8);
                    }
                    return Ok(Some(Piece::Text));
                }
                first if first == FIN | BINARY => return Ok(Some(Piece::Binary)),
                first if first & CONTROL != 0 => return Ok(Some(Piece::Control)),
                first => {
                    if let Some(piece) = self.fragment(first)? {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// What was told last: a message, or a control frame's payload.
    #[inline]
    pub(crate) fn payload(&mut self) -> &mut [u8] {
        match self.place {
            Place::Buffer => &mut self.buffer[self.payload.clone()],
            Place::Fragments => &mut self.fragments,
        }
    }

    /// The frame that was told last, head and all.
    pub(crate) fn frame(&self) -> &[u8] {
        &self.buffer[self.frame.clone()]
    }

    /// Judges a frame by its head.
    #[cold]
    fn check(&self, head: Head) -> Result<(), Refusal> {
        let Head { first, masked, length, .. } = head;
        let opcode = first & OPCODE;
        let known = matches!(opcode, CONTINUATION..=BINARY | CLOSE..=PONG);
        if !known {
            return Err(Refusal::Protocol);
        }
        if length > self.message_max as u64 {
            return Err(Refusal::TooLong);
        }
        // No extension was agreed on, and a server masks nothing.
        if first & RESERVED != 0 || masked {
            return Err(Refusal::Protocol);
        }
        if opcode & CONTROL != 0 {
            let allowed = first & FIN != 0 && length <= CONTROL_MAX;
            return if allowed { Ok(()) } else { Err(Refusal::Protocol) };
        }
        if (opcode == CONTINUATION) != self.begun.is_some() {
            return Err(Refusal::Protocol);
        }
        let before = if opcode == CONTINUATION { self.fragments.len() } else { 0 };
        if before as u64 + length > self.message_max as u64 { Err(Refusal::TooLong) } else { Ok(()) }
    }

    /// Takes a fragment that lies in the buffer; the message when it was the last.
    #[cold]
    fn fragment(&mut self, first: u8) -> Result<Option<Piece>, Refusal> {
        let kind = match first & OPCODE {
            TEXT => self.begin(Piece::Text),
            BINARY => self.begin(Piece::Binary),
            _ => self.begun.ok_or(Refusal::Protocol)?,
        };
        self.fragments.extend_from_slice(&self.buffer[self.payload.clone()]);
        let last = first & FIN != 0;
        if kind == Piece::Text {
            self.prove(last)?;
        }
        if !last {
            return Ok(None);
        }
        self.begun = None;
        self.place = Place::Fragments;
        Ok(Some(kind))
    }

    fn begin(&mut self, kind: Piece) -> Piece {
        self.fragments.clear();
        self.proven = 0;
        *self.begun.insert(kind)
    }

    /// A character may lie on both sides of a cut, but not behind the last one.
    fn prove(&mut self, last: bool) -> Result<(), Refusal> {
        match core::str::from_utf8(&self.fragments[self.proven..]) {
            Ok(_) => self.proven = self.fragments.len(),
            Err(error) if error.error_len().is_none() && !last => self.proven += error.valid_up_to(),
            Err(_) => return Err(Refusal::Utf8),
        }
        Ok(())
    }
}
