//! Purpose: what a source's options come to for its connections: deadlines in ns, the requests that open them, TLS.
//! Owns: nothing. Thread: any (cold). Takes and gives: options in, plain data out. Never: connects.

use std::sync::Arc;
use std::time::Duration;

use tungstenite::client::IntoClientRequest;

use super::connection::Opening;
use super::endpoint::Endpoint;
use super::legs::LegLimits;
use super::options::{LiveError, LiveOptions};
use super::session::SessionLimits;
use super::tls::{Trust, server_name};
use super::venue_rules::{Door, VenueRules};

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
    let unit = if options.microseconds { "?timeUnit=MICROSECOND" } else { "" };
    let request = |door: &Door| {
        // TLS is under the WebSocket here, not in it.
        let url = format!("ws://{}{}{}/stream{unit}", shown_authority(ws), ws.path, door.path);
        url.into_client_request().map_err(|_| host())
    };
    let requests = rules.doors.iter().map(request).collect::<Result<_, _>>()?;
    let tls = match ws.tls {
        true => Some((Arc::clone(&trust.client), server_name(&ws.host).ok_or_else(host)?)),
        false => None,
    };
    Ok(Opening { requests, tls })
}

/// Host and port as the `Host` header has them: the scheme's own port is left out.
fn shown_authority(endpoint: &Endpoint) -> String {
    let authority = endpoint.authority();
    let own = if endpoint.tls { ":443" } else { ":80" };
    authority.strip_suffix(own).map_or(authority.clone(), str::to_owned)
}
