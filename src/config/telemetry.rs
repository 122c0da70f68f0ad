//! Purpose: what is configured of telemetry: what is recorded of latency, where traces go. Owns: its defaults and limits. Thread: any (cold).
//! Takes and gives: plain data. Never: acts on it.
//!
//! The documentation of a key is what a user reads in `config/meltica.yaml`.

use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::DurationText;

/// What the feed records of itself: latencies by hop, for `GET /latency`, `GET /metrics` and the summary of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Telemetry {
    /// Whether latencies and duty cycles are recorded. It costs some percent of a frame's instructions; without it no figure of latency
    /// is to be had but `latencyNs` of each event. Counters are always kept.
    pub latency: bool,
    /// Whether sockets of `live` and `venue` are asked for the kernel's receive stamps (`SO_TIMESTAMPNS`), for the time from the
    /// kernel to the read. It costs a reading of the system's clock for each read. Where the kernel gives none it is told, and the figure is absent.
    pub kernel_stamps: bool,
    /// Duty cycles of a thread that take longer are counted.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "1us", "x-maximum" = "1m"))]
    pub cycle_over: Duration,
    /// Traces: where frames and commands spend their time, as spans, for any receiver of OTLP over HTTP (an OpenTelemetry collector, Jaeger,
    /// Tempo and their like).
    #[garde(dive)]
    pub traces: Traces,
}

/// Traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Traces {
    /// The receiver's address, such as `http://127.0.0.1:4318`; `/v1/traces` is added where it is missing. Empty: there are no traces.
    #[garde(custom(is_an_address))]
    pub endpoint: String,
    /// One frame in so many is kept, by its trace id. Frames that open a gap or close one are always kept, and so are commands.
    #[garde(range(min = 1, max = 1_000_000_000))]
    pub sample_one_in: u64,
    /// A file of lines `name: value`, sent as headers with each request (the receiver's token), yours alone (mode 0600). Empty: none.
    pub headers_file: String,
    /// How long a request may take. What is not taken is sent again for a minute, then given up and counted.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText", extend("x-minimum" = "100ms", "x-maximum" = "10s"))]
    pub timeout: Duration,
}

impl Default for Traces {
    fn default() -> Traces {
        let (endpoint, headers_file) = (String::new(), String::new());
        Traces { endpoint, sample_one_in: 1_000, headers_file, timeout: Duration::from_secs(3) }
    }
}

fn is_an_address(endpoint: &str, (): &()) -> garde::Result {
    let rest = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    let (authority, path) = rest.map_or(("", ""), |rest| rest.split_at(rest.find('/').unwrap_or(rest.len())));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['@', '?', '#']);
    if endpoint.is_empty() || !host.is_empty() && port_is_fine && plain(authority) && plain(path) {
        return Ok(());
    }
    let expected =
        "expected http:// or https://, a host, and a port if it is not 80 or 443, such as http://127.0.0.1:4318";
    Err(garde::Error::new(format!("{endpoint:?} is no address of a receiver: {expected}")))
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            latency: true,
            kernel_stamps: true,
            cycle_over: Duration::from_millis(1),
            traces: Traces::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        let table = [
            ("", true),
            ("http://127.0.0.1:4318", true),
            ("https://collector", true),
            ("https://collector.example/otlp/", true),
            ("http://[::1]:4318", true),
            ("http://[::1]", true),
            ("127.0.0.1:4318", false),
            ("grpc://h:4317", false),
            ("http://", false),
            ("http://:4318", false),
            ("http://h:0", false),
            ("http://h:65536", false),
            ("http://h:x", false),
            ("http://token@h", false),
            ("http://h/v1/traces?token=1", false),
            ("http://h /", false),
            ("http://h\n", false),
        ];
        for (endpoint, fine) in table {
            assert_eq!(is_an_address(endpoint, &()).is_ok(), fine, "{endpoint:?}");
        }
    }
}
