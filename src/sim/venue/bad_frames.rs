//! Purpose: frames that RFC 6455 does not allow, byte for byte; and lawful ones cut as small as it allows.
//! Owns: the bytes. Thread: any. Takes and gives: bytes. Never: writes to a socket.

use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, Message};

use super::ways::FrameFault;

/// The bytes of a frame that is wrong.
pub(super) fn bytes(fault: FrameFault) -> Vec<u8> {
    let claiming = |length: u64| [&b"\x81\x7f"[..], &length.to_be_bytes(), b"{\"stream\":\""].concat();
    match fault {
        FrameFault::Reserved => b"\xf3\x02??".to_vec(),
        FrameFault::Compressed => b"\xc1\x07\xaa\x56\x4a\x4c\x4a\x06\x00".to_vec(),
        FrameFault::Opcode => b"\x83\x02??".to_vec(),
        // `{}` under the mask 1, 2, 3, 4.
        FrameFault::Masked => b"\x81\x82\x01\x02\x03\x04\x7a\x7f".to_vec(),
        FrameFault::Continuation => b"\x80\x02{}".to_vec(),
        FrameFault::Huge => claiming(1 << 62),
        FrameFault::Huger => claiming(1 << 63),
        FrameFault::LongPing => [&b"\x89\x7e\x00\x7e"[..], &[b'p'; 126]].concat(),
        FrameFault::SplitPing => b"\x09\x01p\x80\x01p".to_vec(),
        FrameFault::Interrupted => b"\x01\x01{\x81\x02{}".to_vec(),
        FrameFault::NotUtf8 => b"\x81\x03{\xff}".to_vec(),
        FrameFault::BadClose => b"\x88\x01\x03".to_vec(),
    }
}

/// A text message in fragments of one byte each.
pub(super) fn fragments(text: &Bytes) -> impl Iterator<Item = Message> + '_ {
    let last = text.len().saturating_sub(1);
    (0..text.len()).map(move |at| {
        let kind = if at == 0 { Data::Text } else { Data::Continue };
        Message::Frame(Frame::message(text.slice(at..=at), OpCode::Data(kind), at == last))
    })
}
