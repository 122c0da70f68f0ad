//! Purpose: one request, one reply, within bounds of time and length. Owns: the HTTP agent with its idle connections.
//! Thread: the REST thread; it blocks there. Takes and gives: a path in, a status and a body out.
//! Never: follows a redirect, uses a proxy of the environment, reads a body past its bound.

use std::time::Duration;

use ureq::Agent;
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
            .unversioned_rustls_crypto_provider(std::sync::Arc::clone(&trust.provider))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADERS_MAX)
            .user_agent(concat!("meltica/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .build();
        Client { agent: config.into(), base: endpoint.to_string() }
    }

    /// Fetches a path.
    ///
    /// # Errors
    /// Why no whole reply came, for a person.
    pub(super) fn get(&self, path: &str, within: Duration, bytes_max: u64) -> Result<Reply, String> {
        let request = self.agent.get(format!("{}{path}", self.base)).config().timeout_global(Some(within)).build();
        let mut response = request.call().map_err(|error| error.to_string())?;
        let number = |name: &str| response.headers().get(name)?.to_str().ok()?.trim().parse().ok();
        let (retry_after_s, used_weight) = (number("retry-after"), number("x-mbx-used-weight-1m"));
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(bytes_max).read_to_vec();
        let body = match body {
            Ok(body) => body,
            // The status of a refusal says enough.
            Err(_) if status >= 400 => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
        Ok(Reply { status, retry_after_s, used_weight, body })
    }
}
