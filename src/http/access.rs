//! Purpose: who may ask what: the Host, the absence of a browser's page, the token, its role.
//! Owns: the list of hosts, the tokens, the failures of the last minute. Thread: any; the failures are behind a lock.
//! Takes and gives: a head in, the caller or a refusal out. Never: looks at a token of a peer that has to wait; takes one from
//! a query or a cookie.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::failures::{FAILURES_MAX, Failures, Peer};
use super::head::{Authorization, Head};
use super::refusal::Refusal;
use super::routes::Route;
use super::tokens::{Role, Tokens};
use crate::schema::command::ConsumerName;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The token's name; `None` where no token is needed.
    pub(super) name: Option<ConsumerName>,
    pub(super) role: Role,
}

impl Caller {
    /// Whether it may speak for a consumer.
    pub(super) fn may_act_for(&self, consumer: &ConsumerName) -> bool {
        let own = |name: &ConsumerName| {
            let rest = consumer.as_str().strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.role >= Role::Admin || self.name.as_ref().is_some_and(own)
    }
}

/// The rules.
pub(super) struct Access {
    /// Lowercase, without a port.
    hosts: Vec<String>,
    tokens: Option<Tokens>,
    /// Whether only this machine reaches the server.
    local: bool,
    failures: Mutex<Failures>,
}

/// What a token's failure came to, for whoever counts.
#[derive(Debug)]
pub(super) struct Denied {
    pub(super) refusal: Refusal,
    /// Whether a token was wrong or missing.
    pub(super) failed: bool,
    /// Whether it was the last failure allowed for now.
    pub(super) locked: bool,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Denied {
        Denied { refusal, failed: false, locked: false }
    }
}

impl Access {
    /// For a server at this address; `None` for a Unix socket.
    pub(super) fn new(address: Option<IpAddr>, more_hosts: &[String], tokens: Option<Tokens>) -> Access {
        let local = address.is_none_or(|ip| ip.to_canonical().is_loopback());
        let mut hosts: Vec<String> = more_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        if local || address.is_some_and(|ip| ip.is_unspecified()) {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        hosts.extend(address.map(|ip| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        }));
        Access { hosts, tokens, local, failures: Mutex::default() }
    }

    /// What holds for every request, whatever it asks: it must not come by way of a name or a page of somebody else's
    /// (faults.md, S04).
    pub(super) fn check_origin(&self, head: &Head) -> Result<(), Refusal> {
        if !host_name(&head.host).is_some_and(|name| self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            let message = "the Host is not one of this server's names: add it to control.hosts if it is";
            return Err(Refusal::new(421, "http/wrong-host", message));
        }
        if head.origin || head.fetch_site.as_deref().is_some_and(|site| site != "none") {
            return Err(Refusal::new(403, "http/origin", "requests of web pages are not taken"));
        }
        Ok(())
    }

    /// Who asks for this route.
    pub(super) fn check_caller(&self, head: &Head, route: &Route, peer: Peer, now_ns: u64) -> Result<Caller, Denied> {
        let Some(tokens) = &self.tokens else { return Ok(Caller { name: None, role: Role::Admin }) };
        if route.probe && self.local && head.authorization.is_none() {
            return Ok(Caller { name: None, role: Role::Read });
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = failures.wait_ns(peer, now_ns) {
            let message = format!("{FAILURES_MAX} requests of this peer had no or a wrong token within a minute");
            let refusal = Refusal::new(429, "http/too-many-failures", message);
            return Err(refusal.after(wait.div_ceil(1_000_000_000)).into());
        }
        let presented = match &head.authorization {
            Some(Authorization::Bearer(secret)) => Some(secret),
            _ => None,
        };
        let Some((name, role)) = presented.and_then(|secret| tokens.holder(secret)) else {
            let message = "a token is needed: Authorization: Bearer and one of the tokens file";
            let refusal = Refusal::new(401, "http/unauthorised", message);
            return Err(Denied { refusal, failed: true, locked: failures.note(peer, now_ns) });
        };
        if role < route.role {
            let message = format!("the token has the role {}, this needs {}", role.name(), route.role.name());
            return Err(Refusal::new(403, "http/role", message).into());
        }
        Ok(Caller { name: Some(name.clone()), role })
    }
}

/// The host of a `Host` header, without its port; `None` for what is no host.
fn host_name(host: &str) -> Option<&str> {
    let name_ends = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, port) = host.split_at(name_ends);
    let fine = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (fine && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ConsumerName {
        ConsumerName::parse(text).unwrap()
    }

    #[test]
    fn a_host_is_known_with_any_port_and_nothing_else() {
        let access = Access::new(Some(IpAddr::from([127, 0, 0, 1])), &["Feed.Example".to_owned()], None);
        let head = |host: &str| {
            let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            super::super::head::parse(text.as_bytes()).ok().flatten().unwrap().0
        };
        for host in ["127.0.0.1:6358", "localhost", "LOCALHOST:1", "[::1]:6358", "feed.example:80"] {
            assert!(access.check_origin(&head(host)).is_ok(), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example", "localhost:x", "127.0.0.1:99999", "a@localhost", "[::1", ":80"]
        {
            assert_eq!(access.check_origin(&head(host)).unwrap_err().status, 421, "{host}");
        }
        let far = Access::new(Some(IpAddr::from([192, 0, 2, 1])), &[], None);
        assert!(far.check_origin(&head("192.0.2.1:6358")).is_ok());
        assert!(far.check_origin(&head("localhost")).is_err());
    }

    #[test]
    fn an_operator_acts_for_its_own_consumers_and_an_admin_for_all() {
        let caller = |role| Caller { name: Some(name("desk")), role };
        for (consumer, own) in [("desk", true), ("desk.a", true), ("desk2", false), ("other", false), ("des", false)] {
            assert_eq!(caller(Role::Operate).may_act_for(&name(consumer)), own, "{consumer}");
            assert!(caller(Role::Admin).may_act_for(&name(consumer)));
        }
    }
}
