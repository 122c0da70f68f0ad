//! Purpose: query strings. Owns: nothing. Thread: any. Takes and gives: text in, decoded pairs out.
//! Never: lets through what is no UTF-8.

/// The pairs of a query, decoded, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

/// A query that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Query {
    /// Reads what stands behind a question mark.
    ///
    /// # Errors
    /// For a percent sign without two hex digits, or bytes that are no UTF-8.
    pub(super) fn parse(text: &str) -> Result<Query, Malformed> {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decoded(name).ok_or(Malformed)?, decoded(value).ok_or(Malformed)?))
        };
        text.split('&').filter(|part| !part.is_empty()).map(pair).collect::<Result<_, _>>().map(Query)
    }

    /// The first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Text with `%xx` replaced; `None` when it cannot be.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push((digit()? * 16 + digit()?) as u8);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_or_refused() {
        let query = Query::parse("symbol=BTCUSDT&symbols=%5B%22A%22%5D&x=%e5%b8%81&flag").expect("sound");
        assert_eq!(query.get("symbol"), Some("BTCUSDT"));
        assert_eq!(query.get("symbols"), Some("[\"A\"]"));
        assert_eq!(query.get("x"), Some("币"));
        assert_eq!((query.get("flag"), query.get("none")), (Some(""), None));
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert_eq!(Query::parse(bad), Err(Malformed), "{bad}");
        }
    }
}
