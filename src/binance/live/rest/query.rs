//! Purpose: a symbol in the query of a URL. Owns: nothing. Thread: any. Takes and gives: texts. Never: lets a symbol end a
//! parameter.

/// A symbol in a query: all but letters, digits and `-_.` is escaped.
pub(super) fn in_query(symbol: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(symbol.len());
    for byte in symbol.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::in_query;

    #[test]
    fn symbols_are_escaped_in_a_query() {
        for (symbol, query) in
            [("BTCUSDT", "BTCUSDT"), ("A&B=C", "A%26B%3DC"), ("币USDT", "%E5%B8%81USDT"), ("A B", "A%20B")]
        {
            assert_eq!(in_query(symbol), query);
        }
    }
}
