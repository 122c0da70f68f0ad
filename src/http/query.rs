//! Purpose: what stands behind the question mark. Owns: nothing. Thread: the connection's.
//! Takes and gives: text in, names and values out. Never: lets a broken escape pass as itself.

use super::refusal::Refusal;

/// Names and values in order. A plus is a plus: spaces are `%20`.
pub(super) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Refusal> {
    let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let bad = || Refusal::new(400, "http/bad-query", "the query has a broken escape: write %XX of UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).ok_or_else(bad)?;
        let digits = core::str::from_utf8(digits).map_err(|_| bad())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_or_refused() {
        let read = pairs(Some("type=TRADE&instrument=%E5%B8%81-USDT&&flag&a=b=c+d")).unwrap();
        let expected = [("type", "TRADE"), ("instrument", "币-USDT"), ("flag", ""), ("a", "b=c+d")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(pairs(None).unwrap(), []);
        for bad in ["a=%", "a=%2", "a=%zz", "a=%+1", "%ff=1"] {
            assert!(pairs(Some(bad)).is_err(), "{bad}");
        }
    }
}
