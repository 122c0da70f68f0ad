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

/// Judges the files that the facade would read, if there is to be one: what [`serve`] would say of each. Those of TLS only if `tls` says so.
pub(in crate::cli) fn judge_files(loaded: &Loaded, tls: bool) -> Vec<Failed> {
    let control = &loaded.config.control;
    if !control.enabled {
        return Vec::new();
    }
    let mut options = bare_options(control, listen(control));
    let tokens = read_tokens(loaded, &mut options);
    let tls = if tls { read_tls(loaded, &mut options) } else { Ok(()) };
    [tokens, tls].into_iter().filter_map(Result::err).collect()
}

fn options(loaded: &Loaded, listen: Listen) -> Result<HttpOptions, Failed> {
    let mut options = bare_options(&loaded.config.control, listen);
    read_tokens(loaded, &mut options)?;
    read_tls(loaded, &mut options)?;
    Ok(options)
}

/// Without what stands in files.
fn bare_options(control: &Control, listen: Listen) -> HttpOptions {
    HttpOptions { listen, hosts: control.hosts.clone(), tokens: None, tls: None }
}

fn read_tokens(loaded: &Loaded, options: &mut HttpOptions) -> Result<(), Failed> {
    let file = &loaded.config.control.tokens_file;
    if !file.is_empty() {
        let tokens = Tokens::read(Path::new(file)).map_err(|error| fault(loaded, "tokens_file", error.to_string()))?;
        options.tokens = Some(tokens);
    }
    Ok(())
}

fn read_tls(loaded: &Loaded, options: &mut HttpOptions) -> Result<(), Failed> {
    let Control { tls_cert, tls_key, .. } = &loaded.config.control;
    if !tls_cert.is_empty() {
        let tls = tls_from_files(Path::new(tls_cert), Path::new(tls_key));
        options.tls = Some(tls.map_err(|error| fault(loaded, "tls_cert", error.to_string()))?);
    }
    Ok(())
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
