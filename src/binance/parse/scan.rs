//! Purpose: the stream name of bytes that are no JSON, so that a broken frame of a book can open its gap.
//! Owns: nothing. Thread: the io thread, after a frame failed. Takes and gives: bytes. Never: trusts what it finds: the
//! caller looks the name up among those that are known.

/// The venue writes the name first: `{"stream":"<name>"`. Further in, the word may stand in somebody's text.
const NEAR: usize = 256;
const KEY: &[u8] = b"\"stream\"";

/// The name behind the first `"stream":` near the start.
pub(super) fn stream_name(bytes: &[u8]) -> Option<&str> {
    let near = &bytes[..bytes.len().min(NEAR)];
    let at = near.windows(KEY.len()).position(|w| w == KEY)?;
    let rest = near[at + KEY.len()..].trim_ascii_start().strip_prefix(b":")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
    let end = rest.iter().position(|b| *b == b'"')?;
    core::str::from_utf8(&rest[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_near_the_start_or_not_at_all() {
        let far = format!("{{{}\"stream\":\"a@depth\"", " ".repeat(NEAR));
        let table: [(&[u8], Option<&str>); 8] = [
            (b"{\"stream\":\"a@depth\",\"data\":{", Some("a@depth")),
            (b" {\n\"stream\" : \"a@depth\"\xff\xff", Some("a@depth")),
            (b"{\"stream\":\"a@dep", None),
            (b"{\"stream\":\"a\xff@depth\"", None),
            (b"{\"stream\":5", None),
            (b"{\"strea", None),
            (b"", None),
            (far.as_bytes(), None),
        ];
        for (bytes, name) in table {
            assert_eq!(stream_name(bytes), name, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
