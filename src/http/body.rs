//! Purpose: a request's body. Owns: nothing. Thread: the connection's; it blocks to the deadline at most.
//! Takes and gives: a length and the connection's buffer in, the body out. Never: takes more than the bound, whatever the
//! peer claims; allocates by a claim.

use std::io::{self, Read};

use super::head::{BODY_BYTES_MAX, Length, body_too_large};
use super::refusal::Refusal;

/// Bytes of the line that leads a chunk: eight hex digits are beyond the bound already, the rest is an extension.
const CHUNK_LINE_MAX: usize = 64;

/// Takes the body off the front of `buffer`, reading on where it is not there yet. What follows it stays.
pub(super) fn take(length: Length, buffer: &mut Vec<u8>, wire: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    match length {
        Length::None => Ok(Vec::new()),
        Length::Known(length) => take_bytes(length, buffer, wire),
        Length::Chunked => take_chunks(buffer, wire),
    }
}

fn take_bytes(length: usize, buffer: &mut Vec<u8>, wire: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    while buffer.len() < length {
        more(buffer, wire)?;
    }
    Ok(buffer.drain(..length).collect())
}

fn take_chunks(buffer: &mut Vec<u8>, wire: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    loop {
        let line = take_line(buffer, wire)?;
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = core::str::from_utf8(size).ok().filter(|size| size.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let size = digits.filter(|digits| (1..=8).contains(&digits.len()));
        let size = size.and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let size = size.ok_or_else(|| Refusal::malformed("a chunk's size is not one to eight hex digits"))?;
        if body.len() + size > BODY_BYTES_MAX {
            return Err(body_too_large());
        }
        body.append(&mut take_bytes(size, buffer, wire)?);
        if take_bytes(2, buffer, wire)? != b"\r\n" {
            return Err(Refusal::malformed("a chunk does not end where it says, or a trailer follows the last one"));
        }
        if size == 0 {
            return Ok(body);
        }
    }
}

fn take_line(buffer: &mut Vec<u8>, wire: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    loop {
        let window = &buffer[..buffer.len().min(CHUNK_LINE_MAX)];
        if let Some(end) = window.iter().position(|byte| byte.is_ascii_control()) {
            while buffer.len() < end + 2 {
                more(buffer, wire)?;
            }
            if &buffer[end..end + 2] != b"\r\n" {
                return Err(Refusal::malformed("the line before a chunk does not end with CR LF"));
            }
            let line = buffer[..end].to_vec();
            buffer.drain(..end + 2);
            return Ok(line);
        }
        if buffer.len() >= CHUNK_LINE_MAX {
            return Err(Refusal::malformed(format!("the line before a chunk has more than {CHUNK_LINE_MAX} bytes")));
        }
        more(buffer, wire)?;
    }
}

/// Reads what there is, within the buffer's capacity.
pub(super) fn more(buffer: &mut Vec<u8>, wire: &mut impl Read) -> Result<(), Refusal> {
    let mut scratch = [0; 4 << 10];
    match wire.read(&mut scratch) {
        Ok(0) => Err(Refusal::malformed("the connection ended within a request")),
        Ok(count) => {
            buffer.extend_from_slice(&scratch[..count]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(Refusal::new(408, "http/too-slow", "the request was not whole in time").closing())
        }
        Err(_) => Err(Refusal::malformed("the connection broke within a request")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &str) -> Result<(String, String), u16> {
        // A byte at a time: every cut is tried.
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                (into[0], self.0) = (*first, rest);
                Ok(1)
            }
        }
        let mut drip = Drip(text.as_bytes());
        let mut buffer = Vec::new();
        let body = take(Length::Chunked, &mut buffer, &mut drip).map_err(|refusal| refusal.status)?;
        drip.read_to_end(&mut buffer).unwrap();
        Ok((String::from_utf8(body).unwrap(), String::from_utf8(buffer).unwrap()))
    }

    #[test]
    fn chunks_are_joined_and_what_follows_stays() {
        let read = chunks("3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\nGET").unwrap();
        assert_eq!(read, ("abc0123456789".to_owned(), "GET".to_owned()));
    }

    #[test]
    fn chunks_that_could_be_read_in_two_ways_are_refused() {
        let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(CHUNK_LINE_MAX));
        let table = [
            ("a huge extension", long.as_str(), 400),
            ("no size", "\r\n", 400),
            ("a sign", "+1\r\na\r\n0\r\n\r\n", 400),
            ("a prefix", "0x1\r\na\r\n0\r\n\r\n", 400),
            ("a space", "1 \r\na\r\n0\r\n\r\n", 400),
            ("a bare LF", "1\na\r\n0\r\n\r\n", 400),
            ("a bare CR", "1\ra\r\n0\r\n\r\n", 400),
            ("too short", "2\r\na\r\n0\r\n\r\n", 400),
            ("too long", "1\r\nab\r\n0\r\n\r\n", 400),
            ("a trailer", "0\r\nX: y\r\n\r\n", 400),
            ("an overflow", "fffffffff\r\na", 400),
            ("the end", "5\r\nab", 400),
            ("a bomb", "ffffffff\r\na", 413),
            ("a bomb in parts", "ffff\r\n", 400),
        ];
        for (name, text, status) in table {
            assert_eq!(chunks(text), Err(status), "{name}");
        }
        let parts = format!("8000\r\n{}\r\n8001\r\n", "a".repeat(0x8000));
        assert_eq!(chunks(&parts), Err(413));
    }
}
