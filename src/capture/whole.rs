//! Purpose: a small file read whole: a body of exchangeInfo beside a capture. Owns: nothing. Thread: any (cold).
//! Takes and gives: a path in, bytes out. Never: reads more than it was told.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::schema::frame::SourceError;

/// The JSON of a file, plain or gzip. What a recorder wrote around it is cut off: in front of the first `{` or `[` the
/// address and time, and the lines after the body.
///
/// # Errors
/// When the file cannot be read, holds more than `bytes_max`, or no JSON at all.
pub fn read_whole(path: &Path, bytes_max: u64) -> Result<Vec<u8>, SourceError> {
    let shown = path.display();
    let fault = |what: String| SourceError::damaged(format!("{shown}: {what}"));
    let unreadable = |e: std::io::Error| {
        let message = format!("{shown}: cannot be read: {e}; name a readable file, plain or gzip");
        match e.kind() {
            // What the unpacking says of bytes that are there.
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
                SourceError::damaged(message)
            }
            _ => SourceError::unreadable(message),
        }
    };
    // Asked before opening: opening a pipe waits for its other end, and a device may never end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let message = format!("{shown}: is not a regular file: expected one body, plain or gzip; name a file");
        return Err(SourceError::unreadable(message));
    }
    let mut packed = BufReader::new(File::open(path).map_err(unreadable)?);
    let is_gzip = std::io::BufRead::fill_buf(&mut packed).map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
    let mut reader: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(packed)) } else { Box::new(packed) };
    let mut bytes = Vec::new();
    reader.by_ref().take(bytes_max).read_to_end(&mut bytes).map_err(unreadable)?;
    if reader.read(&mut [0]).map_err(unreadable)? > 0 {
        return Err(fault(format!("holds more than {bytes_max} bytes: that is no single body")));
    }
    match bytes.iter().position(|b| matches!(b, b'{' | b'[')) {
        Some(start) => {
            let mut body = bytes.split_off(start);
            body.truncate(end_of_body(&body));
            Ok(body)
        }
        None => Err(fault("holds no JSON: expected one body, plain or gzip".to_owned())),
    }
}

/// Where the first JSON value ends, if nothing but white space or a new line follows it; else all of it, for whoever
/// parses it to judge.
fn end_of_body(body: &[u8]) -> usize {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<serde::de::IgnoredAny>();
    let Some(Ok(_)) = values.next() else { return body.len() };
    let end = values.byte_offset();
    match body[end..].iter().find(|b| !matches!(b, b' ' | b'\t' | b'\r')) {
        None | Some(b'\n') => end,
        Some(_) => body.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bodies_are_read_plain_or_packed_and_bounded() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("body");
        let body = b"https://x/y -> 12.5: {\"symbols\":[]}";
        std::fs::write(&path, body).unwrap();
        assert_eq!(read_whole(&path, 100).unwrap(), b"{\"symbols\":[]}");
        assert!(read_whole(&path, 10).unwrap_err().message.contains("more than 10 bytes"));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        let packed = encoder.finish().unwrap();
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read_whole(&path, 100).unwrap(), b"{\"symbols\":[]}");
        std::fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        assert!(read_whole(&path, 100).unwrap_err().message.contains("cannot be read"));
        std::fs::write(&path, b"none").unwrap();
        assert!(read_whole(&path, 100).unwrap_err().message.contains("holds no JSON"));
        assert!(read_whole(scratch.path(), 100).is_err());
        for (whole, body) in [
            ("x: {\"a\":[]}\nconfiguration: {\"b\":1}\n", "{\"a\":[]}"),
            ("[1] \r\n", "[1]"),
            ("[1] [2]", "[1] [2]"),
            ("{\"a\"", "{\"a\""),
        ] {
            std::fs::write(&path, whole).unwrap();
            assert_eq!(read_whole(&path, 100).unwrap(), body.as_bytes(), "{whole}");
        }
    }
}
