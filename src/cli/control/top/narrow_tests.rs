//! What is seen where there is little room: which columns, how wide, what is cut.

use std::time::Duration;

use super::draw_tests::{picture, status, text, top};
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
