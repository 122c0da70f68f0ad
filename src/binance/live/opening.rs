//! Purpose: what a source's options come to for its connections: deadlines in ns, the requests that open them, TLS.
//! Owns: the form of URLs. Thread: any (cold). Takes and gives: options in, plain data out. Never: connects.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;

use super::endpoint::Endpoint;
use super::legs::LegLimits;
use super::options::{LiveError, LiveOptions, StreamForm};
use super::session::SessionLimits;
use super::tls::{Trust, server_name};
use super::venue_rules::{Door, VenueRules};

/// What every connection to one endpoint is opened with.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// By the number of the door: the URL up to the stream's name.
    urls: Vec<String>,
    /// Stands behind it.
    query: &'static str,
    /// TLS settings and the certificate's name, when the endpoint has TLS.
    pub(super) tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
}

impl Opening {
    /// The request that opens a connection, which carries this stream alone if one is named.
    pub(super) fn request(&self, door: usize, stream: Option<&str>) -> Option<Request> {
        let mut url = self.urls.get(door)?.clone();
        if let Some(stream) = stream {
            url.push('/');
            push_escaped(&mut url, stream);
        }
        url.push_str(self.query);
        url.into_client_request().ok()
    }
}

/// A stream's name in a path: all but letters, digits and what a path takes as it is, is escaped.
fn push_escaped(url: &mut String, stream: &str) {
    for byte in stream.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b'!' | b':') {
            url.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

/// A span in ns.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Bounds of every leg.
pub(super) fn leg_limits(options: &LiveOptions) -> LegLimits {
    let times = &options.times;
    LegLimits {
        session: SessionLimits {
            connect_ns: nanos(times.connect),
            tls_ns: nanos(times.tls),
            upgrade_ns: nanos(times.upgrade),
            close_ns: 1_000_000_000,
            stall_ns: nanos(times.stall),
            silence_ns: nanos(times.silence),
            age_ns: nanos(times.age),
        },
        messages_per_second: VenueRules::of(options.market).messages_per_second,
        first_frame_ns: nanos(times.first_frame),
        backoff_ns: (nanos(times.backoff.0), nanos(times.backoff.1)),
        seed: options.seed,
    }
}

/// What every connection is opened with.
///
/// # Errors
/// [`LiveError::Host`] when the endpoint's host can be in no URL or certificate, [`LiveError::Unit`] when the market has no
/// microseconds.
pub(super) fn opening(options: &LiveOptions, trust: &Trust) -> Result<Opening, LiveError> {
    let (ws, rules) = (&options.ws, VenueRules::of(options.market));
    let host = || LiveError::Host(ws.host.clone());
    if options.microseconds && !rules.microseconds {
        return Err(LiveError::Unit(options.market));
    }
    let query = if options.microseconds { "?timeUnit=MICROSECOND" } else { "" };
    let form = match options.form {
        StreamForm::Combined => "stream",
        StreamForm::Raw => "ws",
    };
    // TLS is under the WebSocket here, not in it.
    let url = |door: &Door| format!("ws://{}{}{}/{form}", shown_authority(ws), ws.path, door.path);
    let urls = rules.doors.iter().map(url).collect();
    let tls = match ws.tls {
        true => Some((Arc::clone(&trust.client), server_name(&ws.host).ok_or_else(host)?)),
        false => None,
    };
    let opening = Opening { urls, query, tls };
    let sound = (0..rules.doors.len()).all(|door| opening.request(door, None).is_some());
    if sound { Ok(opening) } else { Err(host()) }
}

/// Host and port as the `Host` header has them: the scheme's own port is left out.
fn shown_authority(endpoint: &Endpoint) -> String {
    let authority = endpoint.authority();
    let own = if endpoint.tls { ":443" } else { ":80" };
    authority.strip_suffix(own).map_or(authority.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(urls: &[&str], query: &'static str) -> Opening {
        Opening { urls: urls.iter().map(|url| (*url).to_owned()).collect(), query, tls: None }
    }

    #[test]
    fn a_raw_connection_names_its_stream_in_the_url() {
        let opening = opening(&["ws://h:9/public/ws", "ws://h:9/market/ws"], "?timeUnit=MICROSECOND");
        let table = [
            (0, Some("btcusdt@depth@100ms"), "/public/ws/btcusdt@depth@100ms?timeUnit=MICROSECOND"),
            (1, Some("!miniTicker@arr"), "/market/ws/!miniTicker@arr?timeUnit=MICROSECOND"),
            (0, Some("a@kline_1m@+08:00"), "/public/ws/a@kline_1m@%2B08:00?timeUnit=MICROSECOND"),
            (0, Some("币usdt@trade"), "/public/ws/%E5%B8%81usdt@trade?timeUnit=MICROSECOND"),
            (0, Some("a/b?c#d"), "/public/ws/a%2Fb%3Fc%23d?timeUnit=MICROSECOND"),
            (1, None, "/market/ws?timeUnit=MICROSECOND"),
        ];
        for (door, stream, path) in table {
            let request = opening.request(door, stream).unwrap();
            assert_eq!(request.uri().path_and_query().unwrap().as_str(), path);
            assert_eq!(request.headers()["host"], "h:9");
        }
        assert!(opening.request(2, None).is_none());
    }
}
