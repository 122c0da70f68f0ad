//! What is seen: whole pictures, in the files beside; what each tone is without colours; that no size is too small.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::draw::{Paint, draw};
use super::news::{BookName, News, Quality, Top};
use super::screen::{Act, Pane, Screen};
use super::view::View;
use crate::schema::latency::{AgentView, Hop, HopSummary, HopView, LatencyReport, RingView};
use crate::schema::report::{ConnectionView, StatusReport, StreamStates};
use crate::telemetry::Counter;
use crate::telemetry::histogram_text;

/// How a feed does that has been up for so long.
pub(super) fn status(uptime_s: u64, counters: &[(Counter, u64)]) -> StatusReport {
    let streams = StreamStates { live: 118, silent: 2, ..StreamStates::default() };
    let open = ConnectionView { name: "0".into(), open: true, state: "open".into(), streams };
    let down = ConnectionView {
        name: "1".into(),
        open: false,
        state: "tries again in 4 s".into(),
        ..ConnectionView::default()
    };
    StatusReport {
        program: "0.1.0".into(),
        uptime_ms: uptime_s * 1_000,
        ready: true,
        books: BTreeMap::from([("Good".to_owned(), 3), ("Gap".to_owned(), 1)]),
        connections: vec![open, down],
        streams,
        counters: counters.iter().map(|(counter, total)| (counter.label().to_owned(), *total)).collect(),
        ..StatusReport::default()
    }
}

/// The best of a book, read at this moment.
pub(super) fn top(instrument: &str, quality: &str, seq: u64, ms: u64) -> Top {
    Top {
        heard: Duration::from_millis(ms),
        book: BookName { instrument: instrument.into(), market: "BINANCE-SPOT".into() },
        seq,
        receive_ns: seq as i64,
        quality: quality.into(),
        bid: "60014.55".into(),
        bid_quantity: "0.01601".into(),
        ask: "60014.56".into(),
        ask_quantity: "1.5".into(),
        spread: "0.01".into(),
    }
}

fn hop(hop: Hop, kind: Option<&str>, values: &[u64]) -> HopView {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    values.iter().for_each(|ns| histogram.record(*ns).unwrap());
    let (summary, histogram) = (HopSummary::default(), histogram_text(&histogram));
    HopView { hop, kind: kind.map(str::to_owned), connection: None, summary, histogram, negative: None }
}

/// Latencies of these values, in ns.
pub(super) fn latency(values: &[u64]) -> LatencyReport {
    let tenfold: Vec<u64> = values.iter().map(|ns| ns * 10).collect();
    let agent = |name: &str, cycles: u64, over: u64| AgentView {
        name: name.into(),
        cycles,
        busy: cycles / 4,
        cycle_ns_max: 1_240_000,
        cycles_over: over,
        threshold_ns: 1_000_000,
    };
    LatencyReport {
        recorded: true,
        hops: vec![
            hop(Hop::ReadToPublished, None, values),
            hop(Hop::ReadToPublished, Some("TRADE"), values),
            hop(Hop::PublishedToConsumed, None, &tenfold),
        ],
        agents: vec![agent("io-0", 1_000 * values.len() as u64, 2), agent("shard-0", 900 * values.len() as u64, 0)],
        rings: vec![
            RingView { name: "frames-0-0".into(), capacity_words: 65_536, used_words: 40_000 },
            RingView { name: "events-0".into(), capacity_words: 131_072, used_words: 0 },
        ],
        ..LatencyReport::default()
    }
}

/// A feed that was looked at twice, and what it said between.
fn screen() -> Screen {
    let at = Duration::from_millis;
    let mut screen = Screen::default();
    let before = [(Counter::FramesIn, 100_000), (Counter::Published, 120_000), (Counter::FramesMalformed, 2)];
    let after = [(Counter::FramesIn, 101_442), (Counter::Published, 121_655), (Counter::FramesMalformed, 7)];
    screen.take(News::Status(Box::new(status(126, &before))), at(0));
    screen.take(News::Latency(Some(Box::new(latency(&[4_000, 5_000])))), at(10));
    screen.take(News::Tops(["BTC-USDT", "ETH-USDT", "SOL-USDT"].map(|name| top(name, "Good", 7, 500)).into()), at(500));
    screen.take(News::Tops(vec![top("XRP-USDT", "Good", 900, 900)]), at(900));
    screen.take(News::Tops(vec![top("XRP-USDT", "Good", 957, 1_900)]), at(1_900));
    let broken = BookName { instrument: "ETH-USDT".into(), market: "BINANCE-SPOT".into() };
    screen.take(News::Quality(Quality { book: broken, quality: "Gap".into(), receive_ns: i64::MAX }), at(1_950));
    screen.take(News::Status(Box::new(status(128, &after))), at(2_000));
    let values: Vec<u64> = [4_000, 5_000].into_iter().chain((1..=1_000).map(|ns| ns * 100)).collect();
    screen.take(News::Latency(Some(Box::new(latency(&values)))), at(2_010));
    screen.tick(at(3_900));
    screen
}

fn lost() -> Screen {
    let mut screen = screen();
    screen.take(News::Lost("http://127.0.0.1:6358: no feed answers there".into()), Duration::from_secs(8));
    screen.tick(Duration::from_secs(20));
    screen
}

pub(super) fn picture(screen: &mut Screen, (width, height): (u16, u16), colours: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let view = View::of(screen, "http://127.0.0.1:6358");
    terminal.draw(|frame| draw(&view, Paint { colours }, frame)).unwrap();
    terminal.backend().buffer().clone()
}

pub(super) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let mut out = String::new();
    for row in buffer.content.chunks(width) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn pictures_are_as_they_were_looked_at() {
    type Case = (&'static str, &'static str, (u16, u16), Screen, &'static [Act]);
    let table: [Case; 9] = [
        ("books-80x24", include_str!("pictures/books-80x24.txt"), (80, 24), screen(), &[Act::Sort]),
        ("latency-80x24", include_str!("pictures/latency-80x24.txt"), (80, 24), screen(), &[Act::Turn(1)]),
        (
            "flow-80x24",
            include_str!("pictures/flow-80x24.txt"),
            (80, 24),
            screen(),
            &[Act::Show(Pane::Flow), Act::Sort],
        ),
        ("counters-80x24", include_str!("pictures/counters-80x24.txt"), (80, 24), screen(), &[Act::Turn(-1)]),
        ("help-80x24", include_str!("pictures/help-80x24.txt"), (80, 24), screen(), &[Act::Pause, Act::Help]),
        ("lost-80x24", include_str!("pictures/lost-80x24.txt"), (80, 24), lost(), &[]),
        ("all-120x40", include_str!("pictures/all-120x40.txt"), (120, 40), screen(), &[Act::Move(2)]),
        ("alone-120x40", include_str!("pictures/alone-120x40.txt"), (120, 40), screen(), &[Act::Zoom, Act::Last]),
        ("tiny-40x10", include_str!("pictures/tiny-40x10.txt"), (40, 10), screen(), &[]),
    ];
    let mut wrong = String::new();
    for (name, expected, size, mut screen, acts) in table {
        acts.iter().for_each(|act| assert!(screen.act(*act)));
        let (coloured, plain) = (picture(&mut screen, size, true), picture(&mut screen, size, false));
        if text(&coloured) != expected {
            wrong.push_str(&format!("=== {name}\n{}", text(&coloured)));
        }
        // Thick edges are how a pane in focus is told without colours.
        let edges = |text: String| text.replace(['┏', '┌'], "+").replace(['━', '─'], "-").replace(['┃', '│'], "|");
        let corners = |text: String| edges(text).replace(['┓', '┐', '┗', '└', '┛', '┘'], "+");
        assert_eq!(corners(text(&coloured)), corners(text(&plain)), "{name}: colours change no word");
    }
    assert!(wrong.is_empty(), "pictures that are other than in their files:\n{wrong}");
}

/// The cells of the first place where these words stand.
fn cells<'a>(buffer: &'a Buffer, words: &str) -> &'a [ratatui::buffer::Cell] {
    let width = usize::from(buffer.area.width);
    let found = buffer.content.chunks(width).find_map(|row| {
        let line: Vec<&str> = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        let wanted: Vec<String> = words.chars().map(String::from).collect();
        let at = line.windows(wanted.len()).position(|part| part == wanted)?;
        Some(&row[at..at + wanted.len()])
    });
    found.unwrap_or_else(|| panic!("{words} is not in\n{}", text(buffer)))
}

#[test]
fn what_is_wrong_stands_out_with_colours_and_without() {
    let table: [(&[Act], &str, Color, Modifier); 5] = [
        (&[Act::Move(9)], "Gap", Color::Red, Modifier::REVERSED),
        (&[], "5 malformed frames", Color::Red, Modifier::REVERSED),
        (&[], "connections 1/2", Color::Yellow, Modifier::UNDERLINED),
        (&[Act::Show(Pane::Flow)], "DOWN", Color::Red, Modifier::REVERSED),
        (&[Act::Pause], "PAUSED", Color::Yellow, Modifier::UNDERLINED),
    ];
    for (acts, words, colour, modifier) in table {
        let mut screen = screen();
        acts.iter().for_each(|act| assert!(screen.act(*act)));
        let (coloured, plain) = (picture(&mut screen, (80, 24), true), picture(&mut screen, (80, 24), false));
        assert!(cells(&coloured, words).iter().all(|cell| cell.fg == colour), "{words}");
        assert!(cells(&plain, words).iter().all(|cell| cell.modifier.contains(modifier)), "{words}");
        let is_plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(plain.content.iter().all(is_plain), "NO_COLOR");
    }
}

/// A feed that hangs is not shown as ready until a request has failed.
#[test]
fn how_long_a_feed_has_not_answered_is_told_before_it_is_given_up() {
    // Its last answer came at 2 s.
    let table: [(u64, bool, &str, Color); 5] = [
        (3_900, false, "ready", Color::Green),
        (4_000, false, "ready", Color::Green),
        (4_100, false, "no answer for 2.1 s", Color::Yellow),
        (9_000, false, "no answer for 7.0 s", Color::Yellow),
        (9_000, true, "FEED LOST 7.0 s ago", Color::Red),
    ];
    for (ms, failed, words, colour) in table {
        let mut screen = screen();
        screen.tick(Duration::from_millis(ms));
        if failed {
            screen.take(News::Lost("gone".into()), Duration::from_millis(ms));
        }
        let buffer = picture(&mut screen, (80, 24), true);
        assert!(cells(&buffer, words).iter().all(|cell| cell.fg == colour), "{words}");
    }
}

#[test]
fn what_is_old_is_faint() {
    let buffer = picture(&mut lost(), (80, 24), true);
    assert!(cells(&buffer, "60014.55").iter().all(|cell| cell.modifier.contains(Modifier::DIM)));
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let screens = [Screen::default(), screen(), lost()];
    for screen in screens {
        for pane in Pane::ALL {
            for help in [false, true] {
                let mut screen = screen.clone();
                screen.act(Act::Show(pane));
                if help {
                    screen.act(Act::Help);
                }
                for size in
                    [(1, 1), (2, 3), (5, 2), (9, 40), (40, 4), (40, 5), (109, 26), (110, 25), (110, 26), (300, 80)]
                {
                    let buffer = picture(&mut screen, size, true);
                    assert_eq!((buffer.area.width, buffer.area.height), size);
                }
            }
        }
    }
}

#[test]
fn tables_stand_still_while_it_is_paused_and_the_head_does_not() {
    // Head and foot are as high as this.
    let tables = |picture: &str| picture.lines().skip(3).take(20).map(str::to_owned).collect::<Vec<_>>();
    let seconds = Duration::from_secs;
    let well = || News::Status(Box::new(status(140, &[(Counter::FramesIn, 101_442)])));
    let table: [(News, &str); 4] = [
        (well(), "PAUSED   ready"),
        (News::Tops(vec![top("NEW-USDT", "Good", 1, 20_000)]), "PAUSED   no answer for 10 s"),
        (News::Lost("gone".into()), "PAUSED   FEED LOST 20 s ago"),
        (well(), "PAUSED   ready"),
    ];
    let mut screen = screen();
    screen.act(Act::Pause);
    let before = tables(&text(&picture(&mut screen, (80, 24), true)));
    for (at, (news, head)) in (1..).zip(table) {
        screen.take(news, seconds(10 * at));
        let picture = text(&picture(&mut screen, (80, 24), true));
        assert!(picture.contains(head), "{head}\n{picture}");
        assert_eq!(tables(&picture), before, "{head}");
    }
    screen.act(Act::Pause);
    assert!(text(&picture(&mut screen, (80, 24), true)).contains("NEW-USDT"));
}
