//! Purpose: one request, one reply, within bounds of time and length. Owns: the HTTP agent with its idle connections.
//! Thread: the REST thread; it blocks there. Takes and gives: a path in, a status and a body out.
//! Never: follows a redirect, uses a proxy of the environment, reads a body past its bound, unpacks one.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::AutoHeaderValue;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::binance::live::endpoint::Endpoint;
use crate::binance::live::tls::Trust;

/// Bytes of headers.
const HEADERS_MAX: usize = 16 << 10;

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// `Retry-After`, in seconds.
    pub(super) retry_after_s: Option<u64>,
    /// `X-MBX-USED-WEIGHT-1M`.
    pub(super) used_weight: Option<u64>,
    /// The body; that of a refusal is cut to what a message needs.
    pub(super) body: Vec<u8>,
}

/// Why there is no reply to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No whole reply came in time; why, for a person.
    Unanswered(String),
    /// One came, and its body is too long, or packed though nobody asked for that.
    BadBody(String),
}

/// REST over one endpoint.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// Opens nothing yet.
    pub(super) fn new(endpoint: &Endpoint, trust: &Trust, connect: Duration) -> Client {
        let roots = match &trust.roots {
            Some(roots) => {
                RootCerts::from(roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>())
            }
            None => RootCerts::WebPki,
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::clone(&trust.provider))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADERS_MAX)
            // Never packed: some kilobytes could become gigabytes, and the room is there to be used.
            .accept_encoding(AutoHeaderValue::Provided(Arc::new("identity".to_owned())))
            .user_agent(concat!("meltica/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .build();
        Client { agent: config.into(), base: endpoint.to_string() }
    }

    /// Fetches a path, or a URL of another host.
    ///
    /// # Errors
    /// [`Failure`]: why no whole reply came, or why its body is none.
    pub(super) fn get(&self, path: &str, within: Duration, bytes_max: u64) -> Result<Reply, Failure> {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let request = self.agent.get(url).config().timeout_global(Some(within)).build();
        let mut response = request.call().map_err(|error| Failure::Unanswered(error.to_string()))?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| header(name)?.trim().parse().ok();
        let (retry_after_s, used_weight) = (number("retry-after"), number("x-mbx-used-weight-1m"));
        let packed = header("content-encoding").filter(|how| !how.eq_ignore_ascii_case("identity")).map(shown);
        let status = response.status().as_u16();
        let refusal = status >= 400;
        if let Some(how) = packed.filter(|_| !refusal) {
            return Err(Failure::BadBody(format!("the body is packed ({how}), and nobody asked for that")));
        }
        let body = match response.body_mut().with_config().limit(bytes_max).read_to_vec() {
            Ok(body) => body,
            // The status of a refusal says enough.
            Err(_) if refusal => Vec::new(),
            Err(error @ ureq::Error::BodyExceedsLimit(_)) => return Err(Failure::BadBody(error.to_string())),
            Err(error) => return Err(Failure::Unanswered(error.to_string())),
        };
        Ok(Reply { status, retry_after_s, used_weight, body })
    }
}

/// The beginning of a header, for a person.
fn shown(text: &str) -> String {
    text.chars().take(20).collect::<String>().escape_debug().to_string()
}
