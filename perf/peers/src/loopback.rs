//! Purpose: what `cargo bench --bench loopback` has printed, as figures. Owns: nothing. Thread: main.
//! Takes and gives: its text in; figures out. Never: takes a run that lost a message for a good one.

/// One run of the bench.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loopback {
    /// Messages a second over the whole run.
    pub(crate) rate: f64,
    /// Messages that never came, or that the consumer was too slow for.
    pub(crate) lost: f64,
    /// From the beginning of the burst until latency was as before; `None`: never.
    pub(crate) back_ms: Option<f64>,
}

impl Loopback {
    /// Of the bench's text; `None` where a line is missing.
    pub(crate) fn of(text: &str) -> Option<Loopback> {
        let line = |label: &str| text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim);
        let (missing, lagged) = line("messages missing, lagged")?.split_once(", ")?;
        Some(Loopback {
            rate: line("messages a second")?.parse().ok()?,
            lost: missing.parse::<f64>().ok()? + lagged.parse::<f64>().ok()?,
            back_ms: line("latency back after, ms")?.parse().ok(),
        })
    }
}
