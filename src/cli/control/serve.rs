//! Purpose: the HTTP facade of a feed that is run here: from the configuration to a server. Owns: nothing. Thread: main (cold).
//! Takes and gives: a configuration and the engine's two buses in, a server out. Never: serves when it is configured off;
//! takes another port than was written down.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::super::exit::{Cause, Failed};
use super::super::log::{Aside, Entry, Event, Level};
use super::super::settings;
use super::super::view::View;
use crate::config::{Control, Loaded};
use crate::engine::Engine;
use crate::http::{HttpError, HttpOptions, Listen, Server, Services, Tokens, tls_from_files};

/// Starts the facade and says where it is; `None` when it is configured off. The default port may be taken by another feed:
/// then a free one is.
pub(in crate::cli) fn serve(loaded: &Loaded, engine: &Engine, view: &mut View) -> Result<Option<Server>, Failed> {
    let control = &loaded.config.control;
    if !control.enabled {
        return Ok(None);
    }
    let listen = listen(control);
    let server = match Server::start(options(loaded, listen.clone())?, services(engine, view.aside())) {
        Err(HttpError::Taken(taken)) if !loaded.places.says(&["control", "listen"]) && control.socket.is_empty() => {
            let message = format!("{taken} is taken, most likely by another feed: control takes a free port");
            view.tell(&Entry::new(Event::Control, message).with("taken", taken.to_string()));
            let free = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
            Server::start(options(loaded, free)?, services(engine, view.aside()))
        }
        other => other,
    };
    let server = server.map_err(|error| failed(loaded, &listen, &error))?;
    let address = server.address().to_string();
    view.tell(&Entry::new(Event::Control, format!("control at {address}")).at(Level::Info).with("address", address));
    Ok(Some(server))
}

fn listen(control: &Control) -> Listen {
    match control.address() {
        Some(address) => Listen::Tcp(address),
        None => Listen::Unix(PathBuf::from(&control.socket)),
    }
}

/// Judges the files that the facade would read, if there is to be one.
///
/// # Errors
/// Where [`serve`] would refuse one.
pub(in crate::cli) fn judge_files(loaded: &Loaded) -> Result<(), Failed> {
    let control = &loaded.config.control;
    if control.enabled { options(loaded, listen(control)).map(|_| ()) } else { Ok(()) }
}

fn options(loaded: &Loaded, listen: Listen) -> Result<HttpOptions, Failed> {
    let control = &loaded.config.control;
    let fault = |key: &str, message: String| fault(loaded, key, message);
    let tokens = (!control.tokens_file.is_empty()).then(|| Tokens::read(Path::new(&control.tokens_file)));
    let tokens = tokens.transpose().map_err(|error| fault("tokens_file", error.to_string()))?;
    let files = || (Path::new(&control.tls_cert), Path::new(&control.tls_key));
    let tls = (!control.tls_cert.is_empty()).then(files).map(|(certificate, key)| tls_from_files(certificate, key));
    let tls = tls.transpose().map_err(|error| fault("tls_cert", error.to_string()))?;
    Ok(HttpOptions { listen, hosts: control.hosts.clone(), tokens, tls })
}

fn services(engine: &Engine, aside: Aside) -> Services {
    Services {
        control: engine.control().bus().clone(),
        bus: engine.bus().clone(),
        clock: engine.clock().clone(),
        ledger: engine.ledger().clone(),
        tell: Box::new(move |line| aside.tell(&Entry::new(Event::Control, line))),
    }
}

fn fault(loaded: &Loaded, key: &str, message: String) -> Failed {
    settings::fault(loaded, &["control", key], message)
}

fn failed(loaded: &Loaded, listen: &Listen, error: &HttpError) -> Failed {
    let key = if matches!(listen, Listen::Unix(_)) { "socket" } else { "listen" };
    match error {
        HttpError::Thread(_) => Failed::new(Cause::System, error.to_string()),
        _ => fault(loaded, key, error.to_string()),
    }
}
