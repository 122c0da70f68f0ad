//! Purpose: RFC 6455 for a client that reads, as one table of byte sequences and outcomes, which tungstenite alone and our framer
//! with tungstenite behind it are both run through, cut in every way.
//! Owns: the table; the two readers, for `differential` too. Thread: a test's. Takes and gives: bytes in, outcomes out.
//! Never: two tables.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use super::{Came, Refusal, Sieve, read};

/// What came of a stream, piece by piece; the last one ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The peer's code and words.
    Close(Option<(u16, String)>),
    /// The bytes ended.
    End,
    Refused(Refusal),
}

/// What came, and the frames that were answered with: opcodes and payloads.
pub(super) type Outcome = (Vec<Seen>, Vec<(u8, Vec<u8>)>);

/// Bytes in parts, with a "not now" behind each; what is written is kept.
#[derive(Debug, Default)]
pub(super) struct Parts {
    parts: VecDeque<Vec<u8>>,
    told: bool,
    written: Vec<u8>,
}

impl Parts {
    pub(super) fn of(bytes: &[u8], cuts: &[usize]) -> Parts {
        let mut parts = VecDeque::new();
        let mut from = 0;
        for cut in cuts.iter().copied().chain([bytes.len()]) {
            parts.push_back(bytes[from..cut].to_vec());
            from = cut;
        }
        parts.retain(|part| !part.is_empty());
        Parts { parts, ..Parts::default() }
    }
}

impl Read for Parts {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(part) = self.parts.front_mut() else { return Ok(0) };
        self.told = !self.told;
        if self.told {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = part.len().min(buf.len());
        buf[..count].copy_from_slice(&part[..count]);
        part.drain(..count);
        if part.is_empty() {
            self.parts.pop_front();
        }
        Ok(count)
    }
}

impl Write for Parts {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client's short frames, without their masks.
fn answers(mut written: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [first, length, a, b, c, d, rest @ ..] = written {
        let (payload, behind) = rest.split_at(usize::from(length & 0x7f));
        assert!(length & 0x80 != 0, "a client masks what it sends");
        found.push((*first, payload.iter().zip([a, b, c, d].into_iter().cycle()).map(|(x, m)| x ^ m).collect()));
        written = behind;
    }
    assert!(written.is_empty());
    found
}

fn config(message_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(message_max))
        .max_frame_size(Some(message_max))
}

fn told(message: Message) -> Seen {
    match message {
        Message::Text(text) => Seen::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Seen::Binary(bytes.to_vec()),
        Message::Ping(bytes) => Seen::Ping(bytes.to_vec()),
        Message::Pong(bytes) => Seen::Pong(bytes.to_vec()),
        Message::Close(frame) => Seen::Close(frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned()))),
        Message::Frame(_) => unreachable!("reads tell whole messages"),
    }
}

/// How a stream ended by an error; `None` when there is only nothing now.
fn end_of(error: &Error) -> Option<Seen> {
    Some(match error {
        Error::Io(error) if error.kind() == ErrorKind::WouldBlock => return None,
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => Seen::End,
        Error::Protocol(_) => Seen::Refused(Refusal::Protocol),
        Error::Utf8(_) => Seen::Refused(Refusal::Utf8),
        Error::Capacity(_) => Seen::Refused(Refusal::TooLong),
        other => unreachable!("{other}"),
    })
}

/// Goes on until something ends it.
fn run<S: Read + Write>(
    mut socket: WebSocket<S>,
    mut next: impl FnMut(&mut WebSocket<S>) -> Result<Seen, Error>,
    written: impl FnOnce(&mut WebSocket<S>) -> Vec<u8>,
) -> Outcome {
    let mut seen = Vec::new();
    loop {
        match next(&mut socket).map_or_else(|error| end_of(&error), Some) {
            None => continue,
            Some(one) => seen.push(one),
        }
        match seen.last() {
            Some(Seen::Ping(_)) => socket.flush().unwrap(),
            Some(Seen::Close(_)) => {
                let _ = socket.flush();
                break;
            }
            Some(Seen::End | Seen::Refused(_)) => break,
            _ => {}
        }
    }
    (seen, answers(&written(&mut socket)))
}

/// tungstenite alone.
pub(super) fn by_tungstenite(bytes: &[u8], cuts: &[usize], message_max: usize) -> Outcome {
    let socket = WebSocket::from_raw_socket(Parts::of(bytes, cuts), Role::Client, Some(config(message_max)));
    run(socket, |socket| socket.read().map(told), |socket| core::mem::take(&mut socket.get_mut().written))
}

/// Our framer, and tungstenite behind it.
pub(super) fn by_framer(bytes: &[u8], cuts: &[usize], message_max: usize) -> Outcome {
    let mut sieve = Sieve::new(Parts::of(bytes, cuts), message_max);
    sieve.upgraded();
    let socket = WebSocket::from_raw_socket(sieve, Role::Client, Some(config(message_max)));
    let next = |socket: &mut WebSocket<Sieve<Parts>>| {
        Ok(match read(socket)? {
            Came::Text => Seen::Text(core::str::from_utf8(socket.get_mut().message()).unwrap().to_owned()),
            Came::Binary => Seen::Binary(socket.get_mut().message().to_vec()),
            Came::Control(message) => told(message),
            Came::End => Seen::End,
            Came::Refused(refusal) => Seen::Refused(refusal),
        })
    };
    run(socket, next, |socket| core::mem::take(&mut socket.get_mut().stream().written))
}

const MESSAGE_MAX: usize = 70_000;

/// A frame of a server with this first byte, its length written as short as it can be.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(short as u8),
        long @ 126..65_536 => bytes.extend([&[126][..], &(long as u16).to_be_bytes()].concat()),
        longest => bytes.extend([&[127][..], &(longest as u64).to_be_bytes()].concat()),
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// One row: what it shows, the bytes, what comes of them, and what is answered.
struct Row {
    shows: &'static str,
    bytes: Vec<u8>,
    seen: Vec<Seen>,
    answers: Vec<(u8, Vec<u8>)>,
}

fn row(shows: &'static str, frames: &[Vec<u8>], seen: &[Seen]) -> Row {
    Row { shows, bytes: frames.concat(), seen: seen.to_vec(), answers: Vec::new() }
}

fn answered(row: Row, answers: &[(u8, &[u8])]) -> Row {
    Row { answers: answers.iter().map(|(first, payload)| (*first, payload.to_vec())).collect(), ..row }
}

fn text(text: &str) -> Seen {
    Seen::Text(text.to_owned())
}

/// Section 5.2: the frame.
fn frames() -> Vec<Row> {
    use Refusal::{Protocol, TooLong};
    use Seen::{Binary, End, Refused};
    let of = |length: usize| "x".repeat(length);
    let sized = |shows, length: usize| row(shows, &[frame(0x81, of(length).as_bytes())], &[text(&of(length)), End]);
    let head = |bytes: &[u8]| bytes.to_vec();
    let mut rows = vec![
        row("nothing at all", &[], &[End]),
        row("a text", &[frame(0x81, b"Hello")], &[text("Hello"), End]),
        row(
            "a binary message, of any bytes",
            &[frame(0x82, b"\x00\xff\x80")],
            &[Binary(b"\x00\xff\x80".to_vec()), End],
        ),
        row(
            "several in one",
            &[frame(0x81, b"a"), frame(0x81, b"b"), frame(0x82, b"")],
            &[text("a"), text("b"), Binary(vec![]), End],
        ),
        sized("an empty text", 0),
        sized("the longest of the short form", 125),
        sized("the shortest of 16 bits", 126),
        sized("longer than 8 bits", 300),
        sized("the longest of 16 bits", 65_535),
        sized("the shortest of 64 bits", 65_536),
        sized("the longest that is allowed", MESSAGE_MAX),
        row("one byte longer, told by its head", &[frame(0x81, &[b'x'; MESSAGE_MAX + 1])], &[Refused(TooLong)]),
        // A sender must use the shortest form; what a reader does is left to it, and both take it.
        row("a length in 16 bits that needs 7", &[head(&[0x81, 126, 0, 1, b'a'])], &[text("a"), End]),
        row("a length in 64 bits that needs 7", &[head(&[0x81, 127, 0, 0, 0, 0, 0, 0, 0, 1, b'a'])], &[text("a"), End]),
        row("a ping likewise", &[head(&[0x89, 126, 0, 1, b'a'])], &[Seen::Ping(b"a".to_vec()), End]),
        row("a length with its highest bit", &[head(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 0])], &[Refused(TooLong)]),
        row("the greatest length", &[head(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255])], &[Refused(TooLong)]),
        row("a mask, which no server may use", &[head(&[0x81, 0x81, 1, 2, 3, 4, b'a'])], &[Refused(Protocol)]),
        row("a masked ping", &[head(&[0x89, 0x80, 1, 2, 3, 4])], &[Refused(Protocol)]),
        row("the end in a head", &[head(&[0x81])], &[End]),
        row("the end in a length", &[head(&[0x81, 126, 0])], &[End]),
        row("the end in a payload", &[frame(0x81, b"a"), head(&[0x81, 2, b'b'])], &[text("a"), End]),
    ];
    rows[14].answers = vec![(0x8a, b"a".to_vec())];
    // Each told from the others, so that one that was moved in the buffer shows what it is.
    let many: Vec<String> = (0..150).map(|at| format!("{at} ").repeat(at * 37 % 1_000)).collect();
    let bytes: Vec<_> = many.iter().map(|text| frame(0x81, text.as_bytes())).collect();
    let seen: Vec<_> = many.iter().map(|one| text(one)).chain([End]).collect();
    rows.push(row("more than any buffer has room for", &bytes, &seen));
    for (shows, bit) in [("RSV1", 0x40), ("RSV2", 0x20), ("RSV3", 0x10)] {
        rows.push(row(shows, &[frame(0x81 | bit, b"a")], &[Refused(Protocol)]));
        rows.push(row(shows, &[frame(0x81, b"a"), frame(0x89 | bit, b"")], &[text("a"), Refused(Protocol)]));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        rows.push(row("a reserved opcode", &[frame(0x80 | opcode, b"")], &[Refused(Protocol)]));
        rows.push(row("a reserved opcode, not final", &[frame(opcode, b"a")], &[Refused(Protocol)]));
    }
    rows
}

/// Section 5.4: fragments.
fn fragments() -> Vec<Row> {
    use Refusal::{Protocol, TooLong};
    use Seen::{Binary, End, Ping, Refused};
    let half = [b'x'; MESSAGE_MAX / 2 + 1];
    vec![
        row("two", &[frame(0x01, b"Hel"), frame(0x80, b"lo")], &[text("Hello"), End]),
        row(
            "three, of bytes",
            &[frame(0x02, b"\xff"), frame(0x00, b"\x00"), frame(0x80, b"\x80")],
            &[Binary(b"\xff\x00\x80".to_vec()), End],
        ),
        row(
            "empty ones",
            &[frame(0x01, b""), frame(0x00, b""), frame(0x00, b"a"), frame(0x80, b"")],
            &[text("a"), End],
        ),
        row(
            "one after the other",
            &[frame(0x01, b"a"), frame(0x80, b"b"), frame(0x02, b"c"), frame(0x80, b"d")],
            &[text("ab"), Binary(b"cd".to_vec()), End],
        ),
        row(
            "whole ones before and behind",
            &[frame(0x81, b"a"), frame(0x01, b"b"), frame(0x80, b"c"), frame(0x81, b"d")],
            &[text("a"), text("bc"), text("d"), End],
        ),
        answered(
            row(
                "a ping between",
                &[frame(0x01, b"a"), frame(0x89, b"?"), frame(0x80, b"b")],
                &[Ping(b"?".to_vec()), text("ab"), End],
            ),
            &[(0x8a, b"?")],
        ),
        answered(
            row(
                "a close between",
                &[frame(0x01, b"a"), frame(0x88, b"\x03\xe8")],
                &[Seen::Close(Some((1000, String::new())))],
            ),
            &[(0x88, b"\x03\xe8")],
        ),
        row("the end between", &[frame(0x01, b"a")], &[End]),
        row("a continuation of nothing", &[frame(0x80, b"a")], &[Refused(Protocol)]),
        row("a continuation of nothing that goes on", &[frame(0x00, b"a")], &[Refused(Protocol)]),
        row("one behind a whole message", &[frame(0x81, b"a"), frame(0x80, b"b")], &[text("a"), Refused(Protocol)]),
        row("a text in a text", &[frame(0x01, b"a"), frame(0x81, b"b")], &[Refused(Protocol)]),
        row("bytes in a text", &[frame(0x01, b"a"), frame(0x02, b"b")], &[Refused(Protocol)]),
        row("longer than allowed together", &[frame(0x02, &half), frame(0x00, &half)], &[Refused(TooLong)]),
    ]
}

/// Section 5.5: control frames, and section 7.4: the codes of a close.
fn controls() -> Vec<Row> {
    use Refusal::{Protocol, Utf8};
    use Seen::{Close, End, Ping, Pong, Refused};
    let long = [b'p'; 125];
    let closes = |code: u16, words: &str| frame(0x88, &[&code.to_be_bytes(), words.as_bytes()].concat());
    // Told as it came, and answered likewise.
    let close = |shows, code: u16, words: &str| Row {
        answers: vec![(0x88, [&code.to_be_bytes(), words.as_bytes()].concat())],
        ..row(shows, &[closes(code, words)], &[Close(Some((code, words.to_owned())))])
    };
    let mut rows = vec![
        answered(row("an empty ping", &[frame(0x89, b"")], &[Ping(vec![]), End]), &[(0x8a, b"")]),
        answered(row("the longest ping", &[frame(0x89, &long)], &[Ping(long.to_vec()), End]), &[(0x8a, &long)]),
        row("a pong nobody asked for", &[frame(0x8a, b"p")], &[Pong(b"p".to_vec()), End]),
        row("a ping too long", &[frame(0x89, &[0; 126])], &[Refused(Protocol)]),
        row("a close too long", &[frame(0x88, &[3; 126])], &[Refused(Protocol)]),
        row("a ping in fragments", &[frame(0x09, b"a")], &[Refused(Protocol)]),
        row("a close in fragments", &[frame(0x08, b"\x03\xe8")], &[Refused(Protocol)]),
        answered(row("a close without a code", &[frame(0x88, b"")], &[Close(None)]), &[(0x88, b"")]),
        row("a close with half a code", &[frame(0x88, b"\x03")], &[Refused(Protocol)]),
        row("words that are no UTF-8", &[frame(0x88, b"\x03\xe8\xff")], &[Refused(Utf8)]),
        close("words that are", 1001, "zu spät"),
        close("as many as there is room for", 1000, &"w".repeat(123)),
    ];
    let mut behind = close("what stands behind a close is not read", 1000, "");
    behind.bytes.extend(frame(0x81, b"a"));
    rows.push(behind);
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        rows.push(close("a code that may be sent", code, ""));
    }
    // Of the others the peer is told that it broke the protocol, and so are we.
    let broke = [&1002_u16.to_be_bytes(), &b"Protocol violation"[..]].concat();
    let told = Close(Some((1002, "Protocol violation".to_owned())));
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        let row = row("a code that may not", &[closes(code, "")], core::slice::from_ref(&told));
        rows.push(answered(row, &[(0x88, &broke)]));
    }
    rows
}

/// Section 8.1: text is UTF-8, also over the cuts between fragments.
fn texts() -> Vec<Row> {
    use Seen::{End, Refused};
    let refused = |shows, bytes: &[u8]| row(shows, &[frame(0x81, bytes)], &[Refused(Refusal::Utf8)]);
    let (letter, coin) = ("ß".as_bytes(), "🪙".as_bytes());
    let long = "{\"s\":\"币安人生USDT\"}".repeat(100);
    let mut broken = long.clone().into_bytes();
    broken[1_000] = 0xff;
    vec![
        row("more than ASCII", &[frame(0x81, "币 🪙 ß".as_bytes())], &[text("币 🪙 ß"), End]),
        row("a long one", &[frame(0x81, long.as_bytes())], &[text(&long), End]),
        refused("a long one with one wrong byte", &broken),
        refused("a byte that is never in it", b"a\xffb"),
        refused("a continuation byte alone", b"\x80"),
        refused("more bytes than the shortest form", b"\xc0\xaf"),
        refused("half of a surrogate pair", b"\xed\xa0\x80"),
        refused("beyond the last character", b"\xf4\x90\x80\x80"),
        refused("a character that is cut off", &coin[..3]),
        row("one behind a good one", &[frame(0x81, b"a"), frame(0x81, b"\xfe")], &[text("a"), Refused(Refusal::Utf8)]),
        row("a character in two fragments", &[frame(0x01, &letter[..1]), frame(0x80, &letter[1..])], &[text("ß"), End]),
        row(
            "a character in four",
            &[frame(0x01, &coin[..1]), frame(0x00, &coin[1..2]), frame(0x00, &coin[2..3]), frame(0x80, &coin[3..])],
            &[text("🪙"), End],
        ),
        row(
            "that is cut off in the last one",
            &[frame(0x01, b"a"), frame(0x80, &coin[..2])],
            &[Refused(Refusal::Utf8)],
        ),
        row("that the next one breaks", &[frame(0x01, &coin[..2]), frame(0x00, b"a")], &[Refused(Refusal::Utf8)]),
        row("that is wrong before the last one", &[frame(0x01, b"\xff")], &[Refused(Refusal::Utf8)]),
    ]
}

/// Whole; a byte at a time; and, where that does not take for ever, cut at every place.
fn cuts(bytes: &[u8]) -> Vec<Vec<usize>> {
    let all = 1..bytes.len();
    let mut ways = vec![Vec::new()];
    if bytes.len() <= 600 {
        ways.push(all.clone().collect());
        ways.extend(all.map(|cut| vec![cut]));
    } else {
        ways.push(all.clone().step_by(1_448).collect());
        ways.extend(all.filter(|cut| *cut < 16 || *cut + 4 > bytes.len()).map(|cut| vec![cut]));
    }
    ways
}

#[test]
fn the_framer_and_tungstenite_keep_to_the_table_however_bytes_are_cut() {
    for row in [frames(), fragments(), controls(), texts()].into_iter().flatten() {
        let expected = (row.seen, row.answers);
        for cuts in cuts(&row.bytes) {
            let theirs = by_tungstenite(&row.bytes, &cuts, MESSAGE_MAX);
            assert_eq!(theirs, expected, "tungstenite: {}, cut at {cuts:?}", row.shows);
            let ours = by_framer(&row.bytes, &cuts, MESSAGE_MAX);
            assert_eq!(ours, expected, "the framer: {}, cut at {cuts:?}", row.shows);
        }
    }
}

/// Where they differ by design: what is wrong with a frame is told by its head, and not when all of it has come.
#[test]
fn a_wrong_head_is_enough() {
    for head in [&[0xc1, 5][..], &[0x81, 0x85, 1, 2, 3, 4], &[0x09, 1], &[0x89, 126, 0, 126], &[0x80, 9]] {
        assert_eq!(by_framer(head, &[], MESSAGE_MAX).0, [Seen::Refused(Refusal::Protocol)], "{head:x?}");
        assert_eq!(by_tungstenite(head, &[], MESSAGE_MAX).0, [Seen::End], "{head:x?}");
    }
    let half = [b'x'; MESSAGE_MAX / 2 + 1];
    let bytes = [frame(0x02, &half), frame(0x00, &half)[..4].to_vec()].concat();
    assert_eq!(by_framer(&bytes, &[], MESSAGE_MAX).0, [Seen::Refused(Refusal::TooLong)]);
}
