//! Purpose: what a simulated venue saw of its clients, on one screen. Owns: its wording. Thread: main.
//! Takes and gives: figures in, text out. Never: hides a limit that was exceeded.

use serde_json::json;

use super::log::{Entry, Event};
use crate::sim::venue::VenueStats;

/// What it saw, lines with a line feed. The last one tells whether a limit was exceeded.
pub(super) fn seen(stats: &VenueStats) -> String {
    let exceeded = &stats.exceeded;
    let work = [
        (stats.connections, "connections"),
        (stats.websockets, "WebSocket sessions"),
        (stats.frames, "frames sent"),
        (stats.messages, "messages received"),
        (stats.requests, "REST requests"),
    ];
    let trouble = [
        (stats.connections_refused, "connections refused, too many"),
        (stats.bad_requests, "bad requests"),
        (stats.handshakes_refused, "handshakes refused"),
        (stats.slow_readers, "slow readers cut off"),
        (stats.bans, "bans"),
        (stats.panics, "connections ended by a defect of the venue"),
    ];
    let limits = [
        (exceeded.messages, "times over the limit of messages a second"),
        (exceeded.streams, "times over the limit of streams"),
        (exceeded.attempts, "times over the limit of attempts"),
        (exceeded.weight, "requests over the weight"),
        (exceeded.patience, "requests before the time to wait was over"),
        (exceeded.pongs, "pongs missed"),
    ];
    let line = |(count, what): &(u64, &str)| format!("{count:>12}  {what}\n");
    let told = |rows: &[(u64, &str)]| rows.iter().filter(|(count, _)| *count > 0).map(line).collect::<String>();
    let over = if exceeded.any() { told(&limits) } else { "limits exceeded: none\n".to_owned() };
    work.iter().map(line).collect::<String>() + &told(&trouble) + &over
}

/// The same for a program.
pub(super) fn seen_entry(stats: &VenueStats) -> Entry {
    let over = &stats.exceeded;
    let words = if over.any() { "limits exceeded" } else { "limits exceeded: none" };
    Entry::new(Event::Venue, format!("the venue saw {} frames sent, {words}", stats.frames))
        .with("connections", stats.connections)
        .with("websockets", stats.websockets)
        .with("frames", stats.frames)
        .with("messages", stats.messages)
        .with("requests", stats.requests)
        .with("slowReaders", stats.slow_readers)
        .with("bans", stats.bans)
        .with("limitsExceeded", over.any())
        .with(
            "exceeded",
            json!({
                "messages": over.messages,
                "streams": over.streams,
                "attempts": over.attempts,
                "weight": over.weight,
                "patience": over.patience,
                "pongs": over.pongs,
            }),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_whether_they_were_exceeded_or_not() {
        let mut stats = VenueStats { connections: 2, ..VenueStats::default() };
        let text = seen(&stats);
        assert!(text.starts_with("           2  connections\n") && text.ends_with("limits exceeded: none\n"), "{text}");
        assert!(!text.contains("bans"), "{text}");
        (stats.bans, stats.exceeded.weight) = (1, 3);
        let text = seen(&stats);
        assert!(text.contains("1  bans\n") && text.ends_with("3  requests over the weight\n"), "{text}");
    }
}
