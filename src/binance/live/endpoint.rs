//! Purpose: where the venue is: scheme, host, port and path of a URL.
//! Owns: what a URL may be here. Thread: any (cold). Takes and gives: text. Never: resolves a name, opens a socket.

use std::fmt;

/// A place that can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it speaks TLS (`wss`, `https`).
    pub tls: bool,
    /// The host: a name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path without its last slash: empty, or `/some/prefix`.
    pub path: String,
    websocket: bool,
}

/// A text that is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no endpoint ({reason}); expected one like {example}")]
pub struct BadEndpoint {
    text: String,
    reason: &'static str,
    example: &'static str,
}

impl Endpoint {
    /// A WebSocket endpoint: `ws://` or `wss://`.
    ///
    /// # Errors
    /// [`BadEndpoint`].
    pub fn websocket(text: &str) -> Result<Endpoint, BadEndpoint> {
        Endpoint::parse(text, true).map_err(|reason| {
            let example = "wss://stream.binance.com:9443";
            BadEndpoint { text: text.to_owned(), reason, example }
        })
    }

    /// A REST endpoint: `http://` or `https://`.
    ///
    /// # Errors
    /// [`BadEndpoint`].
    pub fn rest(text: &str) -> Result<Endpoint, BadEndpoint> {
        Endpoint::parse(text, false).map_err(|reason| {
            let example = "https://api.binance.com";
            BadEndpoint { text: text.to_owned(), reason, example }
        })
    }

    fn parse(text: &str, websocket: bool) -> Result<Endpoint, &'static str> {
        if !text.is_ascii() || text.bytes().any(|b| b.is_ascii_whitespace() || b.is_ascii_control()) {
            return Err("it has blanks, or characters beyond ASCII");
        }
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        let tls = match (scheme.to_ascii_lowercase().as_str(), websocket) {
            ("ws", true) | ("http", false) => false,
            ("wss", true) | ("https", false) => true,
            _ => return Err(if websocket { "its scheme is not ws or wss" } else { "its scheme is not http or https" }),
        };
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if authority.contains(['@', '?', '#']) || path.contains(['?', '#']) {
            return Err("it has a user, a query or a fragment");
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            Some(digits) => digits.parse().ok().filter(|p| *p > 0).ok_or("its port is no number from 1 to 65535")?,
            None if tls => 443,
            None => 80,
        };
        if host.is_empty() {
            return Err("it has no host");
        }
        let path = path.trim_end_matches('/').to_owned();
        Ok(Endpoint { tls, host: host.to_ascii_lowercase(), port, path, websocket })
    }

    /// Host and port as a URL has them.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Takes a port off; an IPv6 address stands in brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("its bracket is not closed")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("there is something between its host and its port"),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("an IPv6 address needs brackets"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.websocket, self.tls) {
            (true, true) => "wss",
            (true, false) => "ws",
            (false, true) => "https",
            (false, false) => "http",
        };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let table = [
            ("wss://stream.binance.com:9443", true, "stream.binance.com", 9443, ""),
            ("wss://Data-Stream.Binance.Vision/", true, "data-stream.binance.vision", 443, ""),
            ("ws://127.0.0.1:8080/a/b/", false, "127.0.0.1", 8080, "/a/b"),
            ("ws://[::1]:9", false, "::1", 9, ""),
            ("wss://[::1]", true, "::1", 443, ""),
        ];
        for (text, tls, host, port, path) in table {
            let made = Endpoint::websocket(text).unwrap();
            assert_eq!((made.tls, &*made.host, made.port, &*made.path), (tls, host, port, path), "{text}");
            assert_eq!(Endpoint::websocket(&made.to_string()), Ok(made), "what is shown can be read again: {text}");
        }
        assert_eq!(Endpoint::rest("http://localhost").unwrap().port, 80);
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_an_example() {
        let faulty = [
            "",
            "stream.binance.com",
            "http://a",
            "wss://",
            "wss://:9",
            "wss://a:0",
            "wss://a:65536",
            "wss://a:x",
            "wss://user@a",
            "wss://a?b",
            "wss://a/b#c",
            "wss://::1",
            "wss://[::1",
            "wss://[::1]x",
            "wss://a b",
            "wss://ä",
        ];
        for text in faulty {
            let error = Endpoint::websocket(text).unwrap_err().to_string();
            assert!(error.contains("wss://stream.binance.com:9443"), "{text}: {error}");
        }
        assert!(Endpoint::rest("wss://a").unwrap_err().to_string().contains("https://api.binance.com"));
    }
}
