//! Purpose: HTTP/1.1 as far as the venue speaks it: requests without bodies in, answers out.
//! Owns: nothing. Thread: any. Takes and gives: bytes, requests, answers. Never: trusts a length; heads are bounded.

use std::fmt::Write;

/// Bytes of a request's head; a longer one is refused (faults.md, F31).
pub(super) const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// A request's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Before the question mark.
    pub(super) path: String,
    /// Behind it.
    pub(super) query: String,
    pub(super) keep_alive: bool,
    pub(super) has_body: bool,
    /// What is asked for with `Upgrade: websocket`.
    pub(super) upgrade: Option<Upgrade>,
}

/// The headers of a WebSocket handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Upgrade {
    pub(super) key: Option<String>,
    pub(super) version: Option<String>,
}

/// Why bytes are no request, as a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16);

/// Reads a head from the beginning of `bytes`; gives it with its length, or `None` when it is not whole yet.
///
/// # Errors
/// 400 for what is no HTTP, 431 for a head too large.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(&bytes[..bytes.len().min(HEAD_BYTES_MAX)]) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => return Err(Refusal(431)),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal(431)),
        Err(_) => return Err(Refusal(400)),
    };
    let target = head.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| {
        let found = head.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
        found.and_then(|h| core::str::from_utf8(h.value).ok()).map(str::trim)
    };
    let says = |name: &str, word: &str| {
        header(name).is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let upgrades = says("upgrade", "websocket") && says("connection", "upgrade");
    let owned = |name| header(name).map(str::to_owned);
    let request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        keep_alive: if head.version == Some(1) {
            !says("connection", "close")
        } else {
            says("connection", "keep-alive")
        },
        has_body: header("transfer-encoding").is_some() || header("content-length").is_some_and(|l| l != "0"),
        upgrade: upgrades.then(|| Upgrade { key: owned("sec-websocket-key"), version: owned("sec-websocket-version") }),
    };
    Ok(Some((request, length)))
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: u16, body: Vec<u8>) -> Answer {
        Answer { status, headers: Vec::new(), content_type: "application/json;charset=UTF-8", body }
    }

    /// `{"code":-1121,"msg":"Invalid symbol."}`.
    pub(super) fn error(status: u16, code: i32, message: &str) -> Answer {
        Answer::json(status, serde_json::json!({ "code": code, "msg": message }).to_string().into_bytes())
    }

    /// A page, as what stands before the venue's servers sends it.
    pub(super) fn page(status: u16) -> Answer {
        let (reason, line) = (reason(status), "<hr><center>nginx</center>");
        let body = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n\
             <center><h1>{status} {reason}</h1></center>\r\n{line}\r\n</body>\r\n</html>\r\n"
        );
        Answer { status, headers: Vec::new(), content_type: "text/html", body: body.into_bytes() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Answer {
        self.headers.push((name, value.to_string()));
        self
    }

    /// The answer on the wire; `head_only` for HEAD.
    pub(super) fn bytes(&self, keep_alive: bool, head_only: bool) -> Vec<u8> {
        let mut head = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            head,
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n",
            self.status,
            reason(self.status),
            self.content_type,
            self.body.len(),
            if keep_alive { "keep-alive" } else { "close" }
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        let mut out = head.into_bytes();
        if !head_only {
            out.extend_from_slice(&self.body);
        }
        out
    }
}

/// The answer that ends a WebSocket handshake (RFC 6455 section 4.2.2).
pub(super) fn switching(accept: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        418 => "I'm a teapot",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_whole_partial_or_refused() {
        let whole = b"GET /api/v3/depth?symbol=A&limit=5 HTTP/1.1\r\nHost: x\r\n\r\nrest";
        let (request, length) = parse(whole).expect("no refusal").expect("whole");
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/api/v3/depth", "symbol=A&limit=5"));
        assert!(request.keep_alive && !request.has_body && request.upgrade.is_none());
        assert_eq!(&whole[length..], b"rest");
        for cut in 0..length {
            assert_eq!(parse(&whole[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(parse(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Err(Refusal(400)));
        let long = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(HEAD_BYTES_MAX));
        assert_eq!(parse(long.as_bytes()), Err(Refusal(431)));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(HEADERS_MAX + 1));
        assert_eq!(parse(many.as_bytes()), Err(Refusal(431)));
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        let with = |extra: &str| {
            let text = format!("GET /ws HTTP/1.1\r\n{extra}Sec-WebSocket-Key: k\r\n\r\n");
            parse(text.as_bytes()).expect("no refusal").expect("whole").0.upgrade
        };
        let found = with("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n").expect("upgrade");
        assert_eq!(found.key.as_deref(), Some("k"));
        assert_eq!(with("Upgrade: websocket\r\n"), None);
    }
}
