//! Purpose: requests to a feed and their answers. Owns: the HTTP agent. Thread: main; it blocks, within bounds.
//! Takes and gives: a path and a body in, an answer out; refusals as failures with an exit code. Never: follows a redirect, uses
//! a proxy, shows a token.

use std::fs;
use std::io::{BufReader, Read};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body};

use super::super::exit::{Cause, Failed};
use super::grid::plain;
use super::place::{Place, Way};
use super::unix::UnixConnector;
use super::words::PlaceArgs;

/// An answer is whole within; the feed itself gives up after 5 s.
const WITHIN: Duration = Duration::from_secs(15);
/// A stream says something each second.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// The way to a feed, open.
pub(super) struct Client {
    agent: Agent,
    base: String,
    shown: String,
    place: Place,
    within: Duration,
    silence_max: Duration,
}

impl Client {
    /// Opens nothing yet.
    pub(super) fn new(arguments: &PlaceArgs) -> Result<Client, Failed> {
        let place = Place::find(arguments)?;
        let mut tls = TlsConfig::builder();
        if let Some(path) = &place.ca_file {
            let unread = |what: String| Failed::new(Cause::NoInput, format!("{}: {what}", path.display()));
            let pem = fs::read(path).map_err(|error| unread(error.to_string()))?;
            let certificates = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            let certificates: Vec<_> = certificates.collect();
            if certificates.is_empty() {
                return Err(unread("holds no certificate in PEM form".to_owned()));
            }
            tls = tls.root_certs(RootCerts::from(certificates));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("meltica/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(5)))
            .build();
        let (agent, base, shown) = match &place.way {
            Way::Tcp(url) => (config.into(), url.clone(), url.clone()),
            Way::Unix(path) => {
                let connector = UnixConnector { path: path.clone() };
                let agent = Agent::with_parts(config, connector, DefaultResolver::default());
                (agent, "http://localhost".to_owned(), format!("unix:{}", path.display()))
            }
        };
        Ok(Client { agent, base, shown, place, within: WITHIN, silence_max: SILENCE_MAX })
    }

    /// Waits so long at most for a whole answer, and for a stream to say something: for who watches rather than asks once.
    pub(super) fn patient_for(self, patience: Duration) -> Client {
        Client { within: patience, silence_max: patience, ..self }
    }

    /// Where the feed is, for a person.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    fn bearer(&self) -> Option<String> {
        self.place.token.as_ref().map(|token| format!("Bearer {}", token.expose()))
    }

    /// Asks for a report.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failed> {
        let mut request =
            self.agent.get(format!("{}{path}", self.base)).config().timeout_global(Some(self.within)).build();
        if let Some(bearer) = self.bearer() {
            request = request.header("Authorization", bearer);
        }
        self.answered(request.call())
    }

    /// Asks for a report of a known form.
    pub(super) fn report<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        serde_json::from_value(self.get(path)?).map_err(|error| self.strange(&error.to_string()))
    }

    /// Sends a command.
    pub(super) fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Failed> {
        let mut request =
            self.agent.post(format!("{}{path}", self.base)).config().timeout_global(Some(self.within)).build();
        if let Some(bearer) = self.bearer() {
            request = request.header("Authorization", bearer);
        }
        let body = serde_json::to_vec(body).map_err(|error| Failed::new(Cause::Usage, error.to_string()))?;
        self.answered(request.header("Content-Type", "application/json").send(&body[..]))
    }

    /// Opens a stream of lines.
    pub(super) fn stream(&self, path: &str) -> Result<BufReader<impl Read + use<>>, Failed> {
        let mut request =
            self.agent.get(format!("{}{path}", self.base)).config().timeout_per_read(Some(self.silence_max)).build();
        if let Some(bearer) = self.bearer() {
            request = request.header("Authorization", bearer);
        }
        let response = request.call().map_err(|error| self.unreachable(&error))?;
        if response.status() != 200 {
            return Err(self.refused(response));
        }
        Ok(BufReader::new(response.into_body().into_reader()))
    }

    fn answered(&self, outcome: Result<Response<Body>, ureq::Error>) -> Result<Value, Failed> {
        let mut response = outcome.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response));
        }
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&body).map_err(|error| self.strange(&error.to_string()))
    }

    /// What the feed says against a request.
    fn refused(&self, mut response: Response<Body>) -> Failed {
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(1 << 20).read_to_vec().unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (Some(code), Some(message)) = (body["error"]["code"].as_str(), body["error"]["message"].as_str()) else {
            return self.strange(&format!("it answered {status}"));
        };
        Failed::new(cause_of(status), format!("{}: {} ({})", self.shown, plain(message), plain(code)))
    }

    fn unreachable(&self, error: &dyn std::fmt::Display) -> Failed {
        let message = format!(
            "{}: no feed answers there ({error}); start one with `meltica run`, or say where it is with --at or MELTICA_AT",
            self.shown
        );
        Failed::new(Cause::Unavailable, message)
    }

    /// Whatever answers there, it is no feed as we know it.
    pub(super) fn strange(&self, what: &str) -> Failed {
        Failed::new(Cause::Unavailable, format!("{}: this is no feed of Meltica's: {}", self.shown, plain(what)))
    }
}

/// What a status means to a shell.
fn cause_of(status: u16) -> Cause {
    match status {
        401 | 403 => Cause::NotAllowed,
        408 | 409 | 429 | 503 | 504 => Cause::TryAgain,
        _ => Cause::BadInput,
    }
}
