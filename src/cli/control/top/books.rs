//! Purpose: the pane of books. Owns: its columns, which quality is worse. Thread: main. Takes and gives: figures in, rows out.
//! Never: shows a price as new that is not: each row says how old it is.

use std::cmp::Reverse;
use std::time::Duration;

use super::figures::{Book, Figures};
use super::news::BookName;
use super::screen::Order;
use super::table::{Cell, Column, Table, Tone, numbers, words};
use crate::cli::control::spans::ago;

const COLUMNS: [Column; 10] = [
    words("INSTRUMENT", 0),
    words("MARKET", 7),
    words("QUALITY", 2),
    numbers("BID QTY", 4),
    numbers("BID", 1),
    numbers("ASK", 1),
    numbers("ASK QTY", 4),
    numbers("SPREAD", 5),
    numbers("UPD/s", 6),
    numbers("AGE", 3),
];

/// A book whose price was not heard of for so long is pointed at.
const OLD: Duration = Duration::from_secs(5);

/// The rows in this order.
pub(super) fn books(figures: &Figures, order: Order) -> Table {
    let mut table = Table::new(&COLUMNS, "no book yet: best prices come with ANALYTICS.FUSED, if it is subscribed to");
    let mut books: Vec<(&BookName, &Book)> = figures.books.iter().collect();
    match order {
        Order::Worst => books.sort_by_key(|(_, book)| severity(&book.quality)),
        Order::Busiest => books.sort_by(|(_, a), (_, b)| b.rate.unwrap_or(0.0).total_cmp(&a.rate.unwrap_or(0.0))),
        Order::Oldest => books.sort_by_key(|(_, book)| book.heard),
        _ => {}
    }
    for (name, book) in books {
        table.row(row(figures.now, name, book));
    }
    table
}

fn row(now: Duration, name: &BookName, book: &Book) -> [Cell; 10] {
    let (age, quality) = (book.heard.map(|heard| now.saturating_sub(heard)), tone(&book.quality));
    let top = |field: fn(&super::news::Top) -> &String, tone| {
        Cell::new(book.top.as_ref().map_or("-", |top| field(top).as_str()), tone)
    };
    [
        // Where there is no room for the quality, a book that is not Good stands out all the same.
        Cell::new(name.instrument.as_str(), if quality == Tone::Good { Tone::Strong } else { quality }),
        Cell::new(name.market.as_str(), Tone::Faint),
        Cell::new(book.quality.as_str(), quality),
        top(|top| &top.bid_quantity, Tone::Plain),
        top(|top| &top.bid, Tone::Strong),
        top(|top| &top.ask, Tone::Strong),
        top(|top| &top.ask_quantity, Tone::Plain),
        top(|top| &top.spread, Tone::Plain),
        Cell::from(book.rate.map_or("-".to_owned(), |rate| format!("{rate:.1}"))),
        Cell::new(
            age.map_or("-".to_owned(), ago),
            if age.is_some_and(|age| age >= OLD) { Tone::Warn } else { Tone::Faint },
        ),
    ]
}

/// The worse, the less.
fn severity(quality: &str) -> Reverse<u8> {
    Reverse(match quality {
        "Crossed" => 6,
        "Gap" => 5,
        "Stale" => 4,
        "Syncing" => 3,
        "Halted" => 2,
        "Delisted" => 1,
        _ => 0,
    })
}

/// What a quality means to a person.
pub(super) fn tone(quality: &str) -> Tone {
    match quality {
        "Good" => Tone::Good,
        "Syncing" | "Stale" => Tone::Warn,
        "Halted" | "Delisted" | "None" => Tone::Faint,
        _ => Tone::Bad,
    }
}
