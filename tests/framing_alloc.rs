//! Promise: between a socket's bytes and a message nothing is allocated once the longest frame was met, whole or in fragments,
//! however reads cut it. Counted by an allocator of our own, over the framer itself, whose source is compiled here.
#![allow(clippy::unwrap_used)] // A test that cannot go on should say where.

#[path = "support/allocations.rs"]
mod allocations;

#[allow(dead_code, reason = "the upgrade and control frames are read elsewhere")]
#[path = "../src/binance/live/framing/framer.rs"]
mod framer;

use framer::{Framer, Piece};

fn frame(first: u8, length: usize) -> Vec<u8> {
    let payload = vec![b'x'; length];
    let head = match length {
        0..126 => vec![first, length as u8],
        126..65_536 => [&[first, 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [head, payload].concat()
}

/// Reads the whole stream in parts of so many bytes; how many messages it held, and their bytes.
fn read(framer: &mut Framer, stream: &[u8], part: usize) -> (u64, u64) {
    let (mut messages, mut bytes, mut at) = (0, 0, 0);
    loop {
        match framer.next().unwrap() {
            Some(Piece::Control) => {}
            Some(Piece::Text | Piece::Binary) => {
                messages += 1;
                bytes += framer.payload().len() as u64;
                // A parser works in place.
                framer.payload().fill(b' ');
            }
            None if at == stream.len() => return (messages, bytes),
            None => {
                let space = framer.space();
                let count = part.min(space.len()).min(stream.len() - at);
                space[..count].copy_from_slice(&stream[at..at + count]);
                framer.filled(count);
                at += count;
            }
        }
    }
}

#[test]
fn nothing_is_allocated_for_a_message_however_long_and_however_cut() {
    let lengths = [0, 5, 125, 126, 146, 775, 39_000, 65_535, 65_536, 300_000];
    let mut stream: Vec<u8> = lengths.iter().flat_map(|length| frame(0x81, *length)).collect();
    stream.extend(frame(0x89, 4));
    for first in [0x01, 0x00, 0x89, 0x00, 0x80] {
        stream.extend(frame(first, 100));
    }
    let expected = (lengths.len() as u64 + 1, lengths.iter().sum::<usize>() as u64 + 400);
    let mut framer = Framer::new(2 << 20);
    assert_eq!(read(&mut framer, &stream, usize::MAX), expected);
    let before = allocations::made();
    for part in [1, 7, 1_448, 8 << 10, 64 << 10, usize::MAX] {
        assert_eq!(read(&mut framer, &stream, part), expected, "in parts of {part}");
    }
    assert_eq!(allocations::made() - before, 0);
}
