//! Purpose: the routes that Meltica ships with. Owns: the embedded file. Thread: cold. Takes and gives: configuration.
//! Never: differs from `config/routes.yaml`, which a user can copy and change.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::route::RouteConfig;

/// The text of `config/routes.yaml`, comments included.
pub const DEFAULT_ROUTES: &str = include_str!("../../config/routes.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    routes: BTreeMap<String, RouteConfig>,
}

/// The shipped routes: every built-in type that the venue feeds, for both markets.
///
/// # Panics
/// Never in a tested build: the text is part of the program, and a test reads it.
pub fn default_routes() -> BTreeMap<String, RouteConfig> {
    let file: Result<File, _> = serde_saphyr::from_str(DEFAULT_ROUTES);
    file.expect("the embedded routes are valid: a test reads them").routes
}
