//! What is seen where there is little room: which columns, how wide, what is cut.

use std::time::Duration;

use ratatui::style::{Color, Modifier};

use super::draw_tests::{picture, status, text, top};
use super::keys::HELP;
use super::news::{News, Top};
use super::screen::{Act, Pane, Screen};
use crate::telemetry::Counter;

#[test]
fn a_narrow_pane_of_books_shows_more_than_names() {
    let table = [
        (("BTC-USDT", "60014.55"), "INSTRUMENT  QUALITY       BID       ASK"),
        (("BTC-USDT", "0.000060014559"), "INSTRUMENT  QUALITY  SPREAD    AGE"),
        (("1000000MOG-USDT-PERPETUAL", "0.000060014559"), "INSTRUMENT                 QUALITY"),
        (("1000000MOG-USDT-PERPETUAL-DELIVERY", "1.5"), "INSTRUMENT"),
    ];
    for ((instrument, price), head) in table {
        let mut screen = Screen::default();
        let top = Top { bid: price.into(), ask: price.into(), ..top(instrument, "Good", 1, 0) };
        screen.take(News::Tops(vec![top]), Duration::ZERO);
        let picture = text(&picture(&mut screen, (40, 10), true));
        assert!(picture.lines().any(|line| line == head), "{head}\n{picture}");
    }
}

#[test]
fn columns_stay_where_they_are_until_another_pane_or_size_is_looked_at() {
    let wide = "INSTRUMENT  QUALITY  BID QTY           BID       ASK";
    let narrow = "INSTRUMENT  QUALITY  BID QTY  BID       ASK";
    let table: [(&[Act], &str); 7] = [
        (&[], wide),
        (&[Act::Sort, Act::Move(1), Act::Pause, Act::Help, Act::Help], wide),
        (&[Act::Resize], narrow),
        (&[Act::Help, Act::Resize, Act::Help], narrow),
        (&[Act::Turn(1), Act::Turn(-1)], narrow),
        (&[Act::Show(Pane::Flow), Act::Show(Pane::Books)], narrow),
        (&[Act::Zoom], narrow),
    ];
    for (acts, head) in table {
        let mut screen = Screen::default();
        for bid in ["60014.559999", "1.5"] {
            let top = Top { bid: bid.into(), ..top("BTC-USDT", "Good", 1, 0) };
            screen.take(News::Tops(vec![top]), Duration::ZERO);
            assert!(text(&picture(&mut screen, (80, 24), true)).contains(wide));
        }
        acts.iter().for_each(|act| assert!(screen.act(*act)));
        let picture = text(&picture(&mut screen, (80, 24), true));
        assert!(picture.contains(head), "{acts:?}\n{picture}");
    }
}

#[test]
fn counts_are_whole_however_long_their_names_are() {
    for (size, cut) in [((110, 26), 0), ((40, 12), 2), ((30, 12), 4)] {
        let mut screen = Screen::default();
        let counters: Vec<_> = Counter::ALL.iter().map(|counter| (*counter, 1_820_000)).collect();
        screen.take(News::Status(Box::new(status(9, &counters))), Duration::ZERO);
        screen.act(Act::Show(Pane::Counters));
        let picture = text(&picture(&mut screen, size, true));
        assert!(picture.matches("… ").count() >= cut, "{size:?}\n{picture}");
        assert!(picture.matches("1,820,000").count() > 4, "{size:?}\n{picture}");
    }
}

#[test]
fn the_help_is_whole_where_it_is_narrow() {
    for (size, lines) in [((80, 24), 9), ((59, 24), 9), ((48, 24), 11), ((40, 16), 14)] {
        let mut screen = Screen::default();
        screen.act(Act::Help);
        let picture = text(&picture(&mut screen, size, true));
        let inside = |line: &str| Some(line.split_once('│')?.1.split_once('│')?.0.to_owned());
        let help: Vec<String> = picture.lines().filter_map(inside).collect();
        let words: Vec<&str> = help.iter().flat_map(|line| line.split_whitespace()).collect();
        let wanted: Vec<&str> =
            HELP.iter().flat_map(|(keys, words)| [*keys, *words]).flat_map(str::split_whitespace).collect();
        assert_eq!((words, help.len()), (wanted, lines), "{size:?}\n{picture}");
    }
}

#[test]
fn of_a_feed_that_is_lost_no_figure_stands_out_and_a_cut_message_says_so() {
    let why = "no feed answers there (timeout: global); start one with `meltica run`, or say where it is";
    let cuts = [
        (
            200,
            "asked again each second: no feed answers there (timeout: global); start one with `meltica run`, or say where it is",
        ),
        (80, "asked again each second: no feed answers there (timeout: global); start one wit…"),
        (40, "asked again each second: no feed answer…"),
    ];
    let mut screen = Screen::default();
    for second in 0..20 {
        let report = status(second, &[(Counter::Published, second * second)]);
        screen.take(News::Status(Box::new(report)), Duration::from_secs(second));
    }
    let row = |screen: &mut Screen, width: u16| {
        picture(screen, (width, 24), true).content[usize::from(width)..][..usize::from(width)].to_vec()
    };
    assert!(row(&mut screen, 200).iter().any(|cell| cell.fg == Color::Cyan), "the curve");
    screen.take(News::Lost(why.into()), Duration::from_secs(20));
    for (width, message) in cuts {
        let stands_out =
            |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset || cell.modifier.contains(Modifier::BOLD);
        assert!(!row(&mut screen, width).iter().any(stands_out), "{width}");
        assert_eq!(text(&picture(&mut screen, (width, 24), true)).lines().nth(2), Some(message));
    }
}
