//! Purpose: what may be asked of the server: one table. Owns: it. Thread: any.
//! Takes and gives: a method and a path in, an endpoint or a refusal out. Never: matches a path in part.

use super::refusal::Refusal;
use super::tokens::Role;

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Subscribe,
    Unsubscribe,
    Filters,
    Routes,
    Subscriptions,
    Status,
    Latency,
    Metrics,
    Health,
    Ready,
    Events,
    OpenApi,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) endpoint: Endpoint,
    /// The least role that may ask.
    pub(super) role: Role,
    /// Whether this machine may ask without a token (a supervisor's probes).
    pub(super) probe: bool,
    /// Whether it takes a turn of those that are made of many histograms.
    pub(super) dear: bool,
}

const fn get(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: "GET", path, endpoint, role: Role::Read, probe: false, dear: false }
}

const fn post(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: "POST", path, endpoint, role: Role::Operate, probe: false, dear: false }
}

/// Every route. `openapi.json` has the same, and a test compares them.
pub(super) const ROUTES: [Route; 12] = [
    post("/control/subscribe", Endpoint::Subscribe),
    post("/control/unsubscribe", Endpoint::Unsubscribe),
    post("/control/filters", Endpoint::Filters),
    get("/control/routes", Endpoint::Routes),
    get("/control/subscriptions", Endpoint::Subscriptions),
    get("/status", Endpoint::Status),
    Route { dear: true, ..get("/latency", Endpoint::Latency) },
    Route { dear: true, ..get("/metrics", Endpoint::Metrics) },
    Route { probe: true, ..get("/healthz", Endpoint::Health) },
    Route { probe: true, ..get("/readyz", Endpoint::Ready) },
    get("/events", Endpoint::Events),
    get("/openapi.json", Endpoint::OpenApi),
];

/// The row of a request.
///
/// # Errors
/// 404 for another path, 405 for another method.
pub(super) fn find(method: &str, path: &str) -> Result<&'static Route, Refusal> {
    let unknown = || Refusal::new(404, "http/unknown-path", "there is no such path; GET /openapi.json has all");
    let route = ROUTES.iter().find(|route| route.path == path).ok_or_else(unknown)?;
    if route.method == method {
        return Ok(route);
    }
    let message = format!("{path} takes {} alone", route.method);
    Err(Refusal { allow: Some(route.method), ..Refusal::new(405, "http/method", message) })
}
