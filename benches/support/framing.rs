//! Purpose: WebSocket messages out of a stream: by tungstenite as it was used, and by the framer as shipped.
//! Owns: streams of server frames in memory. Thread: one. Takes and gives: a sample in, a closure that reads one message out.
//! Never: gives two readers different bytes, or different reads.
//!
//! How much a read brings decides much, so each reader has a row for each way: `one` is a quiet socket, a frame a read; `mtu` a
//! packet of 1,448 bytes, so that frames are cut; `8k` and `64k` a busy socket, as much as there is room for, up to that.

#[allow(dead_code, reason = "the answer to the upgrade is read elsewhere")]
#[path = "../../src/binance/live/framing/framer.rs"]
mod framer;

use std::hint::black_box;
use std::io::{self, Read, Write};

use tungstenite::Message;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

use self::framer::{Framer, Piece};
use super::frames::Sample;
use super::rooms::{Room, Round};

/// As the live adapter has it.
const MESSAGE_MAX: usize = 2 << 20;
/// As it was set while tungstenite read data.
const READ_BUFFER: usize = 8 << 10;
const FRAME_BYTES: usize = 64 << 10;

/// Each reader, each way.
pub(crate) const FRAMINGS: [Room; 10] = [
    Room { name: "stream:8k", make: |sample| copied(sample, 8 << 10) },
    Room { name: "stream:64k", make: |sample| copied(sample, 64 << 10) },
    Room { name: "tungstenite:one", make: |sample| by_tungstenite(sample, Reads::One) },
    Room { name: "framer:one", make: |sample| by_framer(sample, Reads::One) },
    Room { name: "tungstenite:mtu", make: |sample| by_tungstenite(sample, Reads::UpTo(1_448)) },
    Room { name: "framer:mtu", make: |sample| by_framer(sample, Reads::UpTo(1_448)) },
    Room { name: "tungstenite:8k", make: |sample| by_tungstenite(sample, Reads::UpTo(8 << 10)) },
    Room { name: "framer:8k", make: |sample| by_framer(sample, Reads::UpTo(8 << 10)) },
    Room { name: "tungstenite:64k", make: |sample| by_tungstenite(sample, Reads::UpTo(64 << 10)) },
    Room { name: "framer:64k", make: |sample| by_framer(sample, Reads::UpTo(64 << 10)) },
];

/// How much a read brings.
#[derive(Clone, Copy, Debug)]
enum Reads {
    One,
    UpTo(usize),
}

/// A sample's frames as a server sends them, for ever.
#[derive(Debug)]
struct Stream {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    reads: Reads,
    at: usize,
    frame: usize,
}

impl Stream {
    fn of(sample: &Sample, reads: Reads) -> Stream {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for template in &sample.templates {
            bytes.push(0x81);
            match template.bytes.len() {
                short @ 0..126 => bytes.push(short as u8),
                long @ 126..65_536 => bytes.extend([126, (long >> 8) as u8, long as u8]),
                longest => bytes.extend([&[127][..], &(longest as u64).to_be_bytes()].concat()),
            }
            bytes.extend_from_slice(&template.bytes);
            ends.push(bytes.len());
        }
        Stream { bytes, ends, reads, at: 0, frame: 0 }
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            (self.at, self.frame) = (0, 0);
        }
        let most = match self.reads {
            Reads::UpTo(most) => most,
            Reads::One => self.ends[self.frame] - self.at,
        };
        let count = most.min(buf.len()).min(self.bytes.len() - self.at);
        buf[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        if self.at >= self.ends[self.frame] {
            self.frame += 1;
        }
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stream read into a buffer and not looked at, a message's share of it a round: the floor.
fn copied(sample: &Sample, most: usize) -> Round {
    let mut stream = Stream::of(sample, Reads::UpTo(most));
    let share = stream.bytes.len() / sample.templates.len();
    let (mut buffer, mut waits) = (vec![0; most], 0);
    Box::new(move || {
        while waits < share {
            waits += stream.read(black_box(&mut buffer)).unwrap();
        }
        waits -= share;
    })
}

/// As the adapter had it: a message, copied to where the parser may work on it.
fn by_tungstenite(sample: &Sample, reads: Reads) -> Round {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(256 << 10)
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX));
    let mut socket = WebSocket::from_raw_socket(Stream::of(sample, reads), Role::Client, Some(config));
    let mut frame = Vec::with_capacity(FRAME_BYTES);
    let mut read = checked(sample);
    Box::new(move || {
        let Ok(Message::Text(text)) = socket.read() else { panic!("a text") };
        frame.clear();
        frame.extend_from_slice(text.as_bytes());
        read(black_box(&mut frame));
    })
}

fn by_framer(sample: &Sample, reads: Reads) -> Round {
    let (mut stream, mut framer) = (Stream::of(sample, reads), Framer::new(MESSAGE_MAX));
    let mut read = checked(sample);
    Box::new(move || {
        let piece = loop {
            match framer.next().unwrap() {
                Some(piece) => break piece,
                None => {
                    let count = stream.read(framer.space()).unwrap();
                    framer.filled(count);
                }
            }
        };
        assert!(piece == Piece::Text);
        read(black_box(framer.payload()));
    })
}

/// Takes each message; the first ones must be the sample's.
fn checked(sample: &Sample) -> impl FnMut(&mut [u8]) + use<> {
    let mut expected = sample.templates.iter().map(|template| template.bytes.clone()).collect::<Vec<_>>().into_iter();
    move |message| {
        if let Some(expected) = expected.next() {
            assert!(message == expected, "another message than was sent");
        }
    }
}
