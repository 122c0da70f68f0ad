//! Purpose: what is configured of control: where the feed can be asked and commanded from outside, and by whom.
//! Owns: its defaults and limits. Thread: any (cold). Takes and gives: plain data. Never: acts on it, reads a file.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Control from outside: commands, questions and events over HTTP, for `meltica subscribe`, `tail` and their like, and
/// for any HTTP client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Control {
    /// Whether there is any.
    pub enabled: bool,
    /// Where it listens: an address and a port, 0 for a free one. The address it took is printed at the start. What other
    /// machines reach needs `tokens_file`, `tls_cert` and `tls_key`.
    #[garde(custom(listen_suits(self)))]
    pub listen: String,
    /// A Unix socket to listen on in its place; it is made with mode 0600. Empty: none.
    pub socket: String,
    /// Names that a request's `Host` may have besides that address and `localhost`; others are refused, so that no web
    /// page reaches the feed by a name of its own.
    pub hosts: Vec<String>,
    /// A file of lines `role name token` (role: read, operate or admin; token: at least 32 characters), yours alone (mode
    /// 0600). Empty: who reaches the port may do anything.
    pub tokens_file: String,
    /// The certificate to serve under, with its chain, in PEM form. Empty: no TLS.
    #[garde(custom(has_its_half("tls_key", &self.tls_key)))]
    pub tls_cert: String,
    /// Its key, in PEM form, yours alone (mode 0600).
    #[garde(custom(has_its_half("tls_cert", &self.tls_cert)))]
    pub tls_key: String,
    /// What is wanted at the start, by the consumer `config`, for whom nobody can unsubscribe.
    pub initial: Initial,
    /// A file that keeps the commands of named consumers, so that they outlive a restart. Empty: none.
    pub journal: String,
}

/// What is wanted at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    /// Every route, of all `instruments`.
    All,
    /// Nothing: what flows is what consumers subscribe to.
    None,
}

impl Default for Control {
    fn default() -> Control {
        Control {
            enabled: true,
            listen: "127.0.0.1:6358".to_owned(),
            socket: String::new(),
            hosts: Vec::new(),
            tokens_file: String::new(),
            tls_cert: String::new(),
            tls_key: String::new(),
            initial: Initial::All,
            journal: String::new(),
        }
    }
}

impl Control {
    /// The address that [`Control::listen`] names; `None` where a Unix socket takes its place.
    pub fn address(&self) -> Option<SocketAddr> {
        if self.socket.is_empty() { self.listen.parse().ok() } else { None }
    }
}

fn listen_suits(control: &Control) -> impl FnOnce(&String, &()) -> garde::Result + '_ {
    move |listen, ()| {
        let Ok(address) = listen.parse::<SocketAddr>() else {
            let message = format!("{listen:?} is no address and port: expected such as 127.0.0.1:6358 or [::1]:0");
            return Err(garde::Error::new(message));
        };
        let guarded = !control.tokens_file.is_empty() && !control.tls_cert.is_empty();
        let local = address.ip().to_canonical().is_loopback() || !control.socket.is_empty();
        if !control.enabled || local || guarded {
            return Ok(());
        }
        let message = format!(
            "{address} is reached from other machines: that needs tokens_file, tls_cert and tls_key; without them listen on \
             127.0.0.1 or name a socket"
        );
        Err(garde::Error::new(message))
    }
}

fn has_its_half<'a>(name: &'static str, other: &'a str) -> impl FnOnce(&String, &()) -> garde::Result + 'a {
    move |this, ()| {
        if this.is_empty() == other.is_empty() || this.is_empty() {
            return Ok(());
        }
        Err(garde::Error::new(format!("{name} is missing: TLS needs both a certificate and its key")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, check};

    #[test]
    fn only_this_machine_needs_no_guard() {
        let guarded = |control: Control| Control {
            tokens_file: "t".into(),
            tls_cert: "c".into(),
            tls_key: "k".into(),
            ..control
        };
        let at = |listen: &str| Control { listen: listen.into(), ..Control::default() };
        let off = Control { enabled: false, ..at("0.0.0.0:1") };
        let socket = Control { socket: "/run/m.sock".into(), ..at("0.0.0.0:1") };
        let table = [
            (Control::default(), None),
            (at("127.9.9.9:0"), None),
            (at("[::1]:0"), None),
            (at("[::ffff:127.0.0.1]:0"), None),
            (at("0.0.0.0:6358"), Some("control.listen")),
            (at("[::]:6358"), Some("control.listen")),
            (at("192.0.2.1:6358"), Some("control.listen")),
            (at("localhost:6358"), Some("control.listen")),
            (at("6358"), Some("control.listen")),
            (guarded(at("0.0.0.0:6358")), None),
            (Control { tls_key: String::new(), ..guarded(at("0.0.0.0:6358")) }, Some("control.tls_cert")),
            (Control { tls_cert: String::new(), ..guarded(at("127.0.0.1:0")) }, Some("control.tls_key")),
            (Control { tokens_file: String::new(), ..guarded(at("0.0.0.0:6358")) }, Some("control.listen")),
            (off, None),
            (socket, None),
        ];
        for (control, place) in table {
            let faults = check(&Config { control: control.clone(), ..Config::default() }).err();
            let found = faults.map(|faults| faults.to_string());
            match (place, &found) {
                (None, None) => {}
                (Some(place), Some(told)) => assert!(told.contains(place), "{control:?}: {told}"),
                _ => panic!("{control:?}: {found:?}"),
            }
        }
    }
}
