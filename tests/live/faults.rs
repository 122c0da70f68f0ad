//! What the venue does wrong on its WebSocket: every book is Good again in the end, and never falsely so.

use std::time::Duration;

use meltica::sim::spec::default_symbols;
use meltica::sim::venue::{FrameFault, Script, VenueFault, Whom};

use crate::rig::{Rig, venue};

fn all() -> Whom {
    Whom::default()
}

#[test]
fn books_come_back_from_every_end_of_a_connection_with_its_cause_kept() {
    let s = Duration::from_secs;
    let close = |code| VenueFault::Close { whom: all(), code, reason: "test".to_owned() };
    let table = [
        (close(1000), "closed 1000"),
        (close(1001), "closed 1001"),
        (close(1008), "closed 1008"),
        (close(1012), "closed 1012"),
        (VenueFault::Reset { whom: all() }, "reset"),
        (VenueFault::Cut { whom: all() }, "reset"),
        (VenueFault::BrokenFrame { whom: all(), how: FrameFault::Reserved }, "protocol broken"),
        (VenueFault::Stall { whom: all(), lasts: s(3) }, "stalled"),
        (VenueFault::Down { lasts: s(2) }, ""),
    ];
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(4);
    for (fault, cause) in table {
        let before = rig.connections.len();
        venue.inject(fault.clone());
        rig.until("the connection ends", |rig| rig.changes()[before..].iter().any(|(up, _)| !up));
        let (_, found) = rig.changes()[before..].iter().find(|(up, _)| !up).unwrap().clone();
        assert!(found.contains(cause), "{fault:?}: {found}");
        rig.until("and opens", |rig| rig.changes()[before..].iter().any(|(up, _)| *up));
        rig.until_good(4);
    }
    let stats = venue.stats();
    assert!(!stats.exceeded.any(), "{:?}", stats.exceeded);
    assert_eq!(stats.sessions.len(), 1, "no connection is left behind");
}

#[test]
fn an_announced_shutdown_with_notice_costs_no_gap() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(4);
    let gaps = rig.checker.gaps;
    venue.inject(VenueFault::Shutdown { lead: Duration::from_secs(4) });
    rig.until("the connection is replaced", |rig| rig.changes().iter().any(|(up, _)| !up));
    rig.until_good(4);
    assert!(rig.notes.iter().any(|note| note.contains("successor")), "{:?}", rig.notes);
    assert_eq!(rig.checker.gaps, gaps, "{:?}", rig.changes());
}

#[test]
fn an_announced_shutdown_without_notice_is_survived() {
    let venue = venue(|_| {});
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(4);
    venue.inject(VenueFault::Shutdown { lead: Duration::ZERO });
    rig.until("the connection ends", |rig| rig.changes().iter().any(|(up, _)| !up));
    rig.until_good(4);
    assert!(!venue.stats().exceeded.any());
}

#[test]
fn a_silent_instrument_comes_back_too_once_its_stream_is_acknowledged() {
    // The last of so many symbols changes hardly ever: no diff tells that its stream is back.
    let venue = venue(|options| {
        options.exchange.symbols = default_symbols(60);
        options.frames_per_second = Some(1_200);
    });
    let mut rig = Rig::over(&venue, |_| {});
    rig.until_good(60);
    for _ in 0..2 {
        let before = rig.connections.len();
        venue.inject(VenueFault::Cut { whom: all() });
        rig.until("the connection ends", |rig| rig.connections.len() > before);
        rig.until_good(60);
    }
    assert!(!venue.stats().exceeded.any(), "{:?}", venue.stats().exceeded);
}

/// A script with every whole number of seconds a tenth as long.
fn hurried(script: &str) -> String {
    let word = |word: &str| {
        let (span, comma) = word.strip_suffix(',').map_or((word, ""), |span| (span, ","));
        let seconds = span.strip_suffix('s').and_then(|digits| digits.parse::<u64>().ok());
        seconds.map_or_else(|| word.to_owned(), |seconds| format!("{}ms{comma}", seconds * 100))
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    script.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_script_is_played_to_its_end_and_every_book_is_true() {
    let sample = include_str!("../../config/venue-faults.yaml");
    let script = Script::parse(&hurried(sample)).unwrap();
    let venue = venue(|options| options.script = script);
    let mut rig = Rig::over(&venue, |_| {});
    let begun = std::time::Instant::now();
    // Its last entry, the venue's fall, is due after 11.5 s.
    rig.until("the script has come to its end", |_| begun.elapsed() > Duration::from_secs(12));
    rig.until_good(4);
    let kinds =
        |kind: &str| venue.journal().entries().iter().filter(|i| format!("{:?}", i.fault).starts_with(kind)).count();
    for kind in
        ["Drop", "Repeat", "Swap", "Delay", "Overlap", "Garbage", "Dressed", "BadNumber", "Crossing", "RestartIds"]
    {
        assert!(kinds(kind) > 0, "{kind}");
    }
    let exceeded = venue.stats().exceeded;
    assert!(!exceeded.any(), "{exceeded:?}");
    assert_eq!(venue.stats().panics, 0);
}
