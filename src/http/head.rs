//! Purpose: a request's head: strict where two readers could understand two things. Owns: nothing. Thread: the connection's.
//! Takes and gives: bytes in, a head or a refusal out. Never: guesses: what RFC 9112 forbids is refused, what it lets a
//! server forgive is not forgiven (faults.md, S05).

use super::refusal::Refusal;
use super::secret::Secret;
use crate::schema::id::TraceId;

/// Bytes of a head, with its empty line.
pub(super) const HEAD_BYTES_MAX: usize = 8 << 10;
/// Bytes of a body.
pub(super) const BODY_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 64;

/// How long the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    None,
    Known(usize),
    Chunked,
}

/// A request's head, as far as this server asks.
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    /// Behind the question mark, as written.
    pub(super) query: Option<String>,
    pub(super) host: String,
    pub(super) origin: bool,
    /// `Sec-Fetch-Site`, which browsers set and pages cannot.
    pub(super) fetch_site: Option<String>,
    pub(super) authorization: Option<Authorization>,
    pub(super) content_type: Option<String>,
    /// The caller's trace and span, where it tells them by the W3C's header; as written. What is no such header is passed over, as the W3C asks.
    pub(super) traceparent: Option<String>,
    pub(super) length: Length,
    pub(super) expects_continue: bool,
    pub(super) keep_alive: bool,
}

/// What `Authorization` says.
pub(super) enum Authorization {
    Bearer(Secret),
    /// Another scheme, or no token as we make them.
    Other,
}

/// Reads a head from the beginning of `bytes`; gives it with its length, or `None` when it is not whole yet.
///
/// # Errors
/// A [`Refusal`] that closes the connection.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
    let window = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    let end = window.windows(4).position(|four| four == b"\r\n\r\n");
    check_bytes(&window[..end.map_or(window.len(), |at| at + 4)])?;
    let Some(end) = end else {
        return if bytes.len() >= HEAD_BYTES_MAX { Err(too_large()) } else { Ok(None) };
    };
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(&window[..end + 4]) {
        Ok(httparse::Status::Complete(length)) if length == end + 4 => {}
        Ok(_) => return Err(Refusal::malformed("the head does not end where its empty line is")),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Err(httparse::Error::Version) => return Err(version()),
        Err(error) => return Err(Refusal::malformed(format!("the head is no HTTP/1.1: {error}"))),
    }
    if request.version != Some(1) {
        return Err(version());
    }
    read(&request).map(|head| Some((head, end + 4)))
}

fn too_large() -> Refusal {
    let message = format!("the head has more than {HEAD_BYTES_MAX} bytes or {HEADERS_MAX} headers");
    Refusal::new(431, "http/head-too-large", message).closing()
}

fn version() -> Refusal {
    Refusal::new(505, "http/version", "this server speaks HTTP/1.1").closing()
}

/// Line ends are CR LF, and nothing else is a control character but a tab.
fn check_bytes(head: &[u8]) -> Result<(), Refusal> {
    if head.starts_with(b"\r\n") {
        return Err(Refusal::malformed("an empty line stands before the request"));
    }
    for (at, byte) in head.iter().enumerate() {
        let fine = match byte {
            b'\n' => at > 0 && head[at - 1] == b'\r',
            // One at the end may be followed by its LF yet.
            b'\r' => head.get(at + 1).is_none_or(|next| *next == b'\n'),
            b'\t' => true,
            byte => !byte.is_ascii_control(),
        };
        if !fine {
            return Err(Refusal::malformed("the head has a control character, or a line that does not end with CR LF"));
        }
    }
    Ok(())
}

fn read(request: &httparse::Request<'_, '_>) -> Result<Head, Refusal> {
    let target = request.path.unwrap_or_default();
    let visible = target.bytes().all(|byte| byte.is_ascii_graphic());
    if !target.starts_with('/') || !visible || target.contains('#') {
        return Err(Refusal::malformed("the target is not a path, with or without a query, in visible ASCII"));
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let says_close = values(request, "connection")
        .any(|value| value.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close")));
    let expects = single(request, "expect")?;
    let expects_continue = expects.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
    if expects.is_some() && !expects_continue {
        return Err(Refusal::new(417, "http/expectation", "the one expectation met is 100-continue").closing());
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let host = single(request, "host")?.ok_or_else(|| Refusal::malformed("there is no Host header"))?;
    Ok(Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
        host: text(host),
        origin: values(request, "origin").next().is_some(),
        fetch_site: single(request, "sec-fetch-site")?.map(text),
        authorization: single(request, "authorization")?.map(authorization),
        content_type: single(request, "content-type")?.map(text),
        traceparent: traceparent(request),
        length: length(request)?,
        expects_continue,
        keep_alive: !says_close,
    })
}

fn values<'a>(request: &'a httparse::Request<'_, '_>, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    let found = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| header.value.trim_ascii())
}

fn traceparent(request: &httparse::Request<'_, '_>) -> Option<String> {
    let mut found = values(request, "traceparent").map(|value| core::str::from_utf8(value).unwrap_or_default());
    let alone = found.next().filter(|_| found.next().is_none())?;
    TraceId::from_traceparent(alone).map(|_| alone.to_owned())
}

/// The value of a header that may stand once: of two, two readers might take a different one.
fn single<'a>(request: &'a httparse::Request<'_, '_>, name: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
    let mut found = values(request, name);
    match (found.next(), found.next()) {
        (value, None) => Ok(value),
        _ => Err(Refusal::malformed(format!("the header {name} stands twice"))),
    }
}

fn authorization(value: &[u8]) -> Authorization {
    let (scheme, token) = value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    let bearer = scheme.eq_ignore_ascii_case(b"bearer").then(|| Secret::new(token.trim_ascii())).flatten();
    bearer.map_or(Authorization::Other, Authorization::Bearer)
}

fn length(request: &httparse::Request<'_, '_>) -> Result<Length, Refusal> {
    let (length, coding) = (single(request, "content-length")?, single(request, "transfer-encoding")?);
    match (length, coding) {
        (None, None) => Ok(Length::None),
        (Some(_), Some(_)) => {
            Err(Refusal::malformed("both Content-Length and Transfer-Encoding tell the body's length"))
        }
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Length::Chunked),
        (None, Some(_)) => Err(Refusal::malformed("the one transfer coding taken is chunked")),
        (Some(digits), None) => {
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(Refusal::malformed("Content-Length is not a whole number"));
            }
            // What does not fit is too long whatever it is.
            let known = core::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            match known.unwrap_or(usize::MAX) {
                0 => Ok(Length::None),
                known if known <= BODY_BYTES_MAX => Ok(Length::Known(known)),
                _ => Err(body_too_large()),
            }
        }
    }
}

pub(super) fn body_too_large() -> Refusal {
    Refusal::new(413, "http/body-too-large", format!("the body has more than {BODY_BYTES_MAX} bytes")).closing()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<u16> {
        parse(text.as_bytes()).err().map(|refusal| refusal.status)
    }

    #[test]
    fn a_head_is_read_whole_and_not_before() {
        let whole = "POST /control/subscribe?a=b HTTP/1.1\r\nHost: x:1\r\nContent-Length: 2\r\n\
                     Content-Type: application/json\r\nAuthorization: bearer abc\r\n\r\n{}";
        let (head, length) = parse(whole.as_bytes()).ok().flatten().unwrap();
        assert_eq!(
            (head.method.as_str(), head.path.as_str(), head.query.as_deref()),
            ("POST", "/control/subscribe", Some("a=b"))
        );
        assert_eq!((head.host.as_str(), head.length, head.keep_alive), ("x:1", Length::Known(2), true));
        assert!(matches!(head.authorization, Some(Authorization::Bearer(secret)) if secret.expose() == "abc"));
        assert_eq!(&whole[length..], "{}");
        for cut in 0..length {
            assert!(matches!(parse(&whole.as_bytes()[..cut]), Ok(None)), "{cut}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let table: [(&str, &str); 20] = [
            ("both lengths", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
            ("two lengths", "Content-Length: 2\r\nContent-Length: 2\r\n"),
            ("a list of lengths", "Content-Length: 2, 2\r\n"),
            ("a signed length", "Content-Length: +2\r\n"),
            ("a negative length", "Content-Length: -2\r\n"),
            ("a hexadecimal length", "Content-Length: 0x2\r\n"),
            ("an empty length", "Content-Length:\r\n"),
            ("another coding", "Transfer-Encoding: gzip, chunked\r\n"),
            ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            ("a coding with a tail", "Transfer-Encoding: chunked;q=1\r\n"),
            ("a folded line", "X-A: 1\r\n 2\r\n"),
            ("a folded line with a tab", "X-A: 1\r\n\t2\r\n"),
            ("a bare LF", "X-A: 1\nX-B: 2\r\n"),
            ("a bare CR", "X-A: 1\rX-B: 2\r\n"),
            ("a NUL", "X-A: 1\x00\r\n"),
            ("a space before the colon", "Content-Length : 2\r\n"),
            ("no name", ": 2\r\n"),
            ("no colon", "Content-Length\r\n"),
            ("two hosts", "Host: y\r\n"),
            ("two tokens", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"),
        ];
        for (name, lines) in table {
            let text = format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
            assert_eq!(refused(&text), Some(400), "{name}");
        }
        let table = [
            ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
            ("a line before", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("bare LF only", "GET / HTTP/1.1\nHost: x\n\n", 400),
            ("a whole URL", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("a fragment", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("TLS", "\x16\x03\x01\x02", 400),
            ("HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505),
            ("HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505),
            ("another wish", "GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n", 417),
            ("a long body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
            ("an endless body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        ];
        for (name, text, status) in table {
            assert_eq!(refused(text), Some(status), "{name}");
        }
    }

    #[test]
    fn heads_are_bounded() {
        let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: 1\r\n".repeat(HEADERS_MAX));
        assert_eq!(refused(&many), Some(431));
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "a".repeat(HEAD_BYTES_MAX));
        assert_eq!(refused(&long), Some(431));
        let exact = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
        let exact = format!("{exact}{}\r\n\r\n", "a".repeat(HEAD_BYTES_MAX - exact.len() - 4));
        assert_eq!(exact.len(), HEAD_BYTES_MAX);
        assert!(matches!(parse(exact.as_bytes()), Ok(Some(_))));
    }
}
