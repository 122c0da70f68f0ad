//! Purpose: holds a book with windows to the one without: the same levels whatever comes. Owns: nothing. Thread: a test's.
//! Takes and gives: snapshots and diffs. Never: part of a build that ships.

use proptest::prelude::*;

use super::book::{Book, Levels};
use super::side::BookSide;
use crate::schema::raw::Level;

/// Price mantissas of a tick: a window of single steps is set another way.
const TICKS: [i64; 2] = [1, 10];

/// Windows of these sizes are held against a book without.
const SIZES: [usize; 3] = [1, 500, 1_024];

/// What becomes of the books.
#[derive(Clone, Debug)]
enum Step {
    /// The middle of what follows moves by so many ticks.
    Move(i64),
    /// A diff: ticks from the middle, quantities, and what is added to each price where a tick is more than one.
    Diff {
        bids: Vec<(i64, i64, i64)>,
        asks: Vec<(i64, i64, i64)>,
        scales: (u8, u8),
        in_order: bool,
    },
    /// A snapshot of so many levels a side, this many ticks apart.
    Replace {
        levels: i64,
        apart: i64,
    },
    /// The same as a deeper snapshot of the book's own id.
    Deepen {
        levels: i64,
        apart: i64,
    },
    /// Levels outside the known range go but for so many.
    Prune(usize),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Prices between two ticks are rare, or there would be no window to be tested.
    let odd = prop_oneof![30 => Just(0i64), 1 => Just(5), 1 => Just(1)];
    let level = || (-150i64..150, 0i64..3, odd.clone());
    let side = || prop::collection::vec(level(), 0..30);
    let scales = prop_oneof![12 => Just((2u8, 3u8)), 1 => (0u8..4, 0u8..5)];
    let diff = (side(), side(), scales, any::<bool>()).prop_map(|(bids, asks, scales, in_order)| Step::Diff {
        bids,
        asks,
        scales,
        in_order,
    });
    let shape = || (0i64..300, prop_oneof![4 => Just(1i64), 2 => 2i64..8, 1 => 20i64..400]);
    prop::collection::vec(
        prop_oneof![
            20 => diff,
            6 => (-70i64..70).prop_map(Step::Move),
            1 => (-30_000i64..30_000).prop_map(Step::Move),
            2 => shape().prop_map(|(levels, apart)| Step::Replace { levels, apart }),
            1 => shape().prop_map(|(levels, apart)| Step::Deepen { levels, apart }),
            1 => (0usize..60).prop_map(Step::Prune),
            1 => Just(Step::Clear),
        ],
        1..40,
    )
}

/// A side of a snapshot, best first.
fn ladder(best: i64, sign: i64, levels: i64, apart: i64) -> Vec<Level> {
    ladder_of(10, best, sign, levels, apart)
}

fn ladder_of(tick: i64, best: i64, sign: i64, levels: i64, apart: i64) -> Vec<Level> {
    let level = |n: i64| Level { price: (best - sign * n * apart) * tick, quantity: n % 7 + 1 };
    (0..levels).map(level).filter(|l| l.price > 0).collect()
}

fn same<const BID: bool>(windowed: &BookSide<BID>, plain: &BookSide<BID>) -> Result<(), TestCaseError> {
    prop_assert!(windowed.best_first().eq(plain.best_first()));
    prop_assert_eq!((windowed.len(), windowed.best()), (plain.len(), plain.best()));
    prop_assert_eq!(windowed.depths(), plain.depths());
    let prices = plain.best_first().step_by(13).map(|l| l.price);
    for price in prices.flat_map(|price| [price - 1, price, price + 1]) {
        prop_assert_eq!(windowed.count_worse(price), plain.count_worse(price));
    }
    Ok(())
}

fn run(steps: Vec<Step>, size: usize, tick: i64) -> Result<(), TestCaseError> {
    let ladder = |best, sign, levels, apart| ladder_of(tick, best, sign, levels, apart);
    let (mut windowed, mut plain, mut spare, mut middle) = (Book::new(size), Book::new(0), Vec::new(), 40_000i64);
    for step in steps {
        match step {
            Step::Move(by) => middle = (middle + by).clamp(500, 80_000),
            Step::Diff { bids, asks, scales, in_order } => {
                let side = |side: Vec<(i64, i64, i64)>, sign: i64| {
                    let level =
                        |(ticks, quantity, odd)| Level { price: (middle + ticks) * tick + odd % tick, quantity };
                    let mut levels: Vec<Level> = side.into_iter().map(level).collect();
                    if in_order {
                        levels.sort_by_key(|l| -sign * l.price);
                        levels.dedup_by_key(|l| l.price);
                    }
                    levels
                };
                let (bids, asks) = (side(bids, 1), side(asks, -1));
                let diff = Levels { bids: &bids, asks: &asks, price_scale: scales.0, quantity_scale: scales.1 };
                prop_assert_eq!(windowed.apply(diff, &mut spare), plain.apply(diff, &mut spare));
            }
            Step::Replace { levels, apart } | Step::Deepen { levels, apart } => {
                let (bids, asks) = (ladder(middle - 1, 1, levels, apart), ladder(middle + 1, -1, levels, apart));
                let snapshot = Levels { bids: &bids, asks: &asks, price_scale: 2, quantity_scale: 3 };
                if matches!(step, Step::Replace { .. }) {
                    windowed.replace(snapshot, 0);
                    plain.replace(snapshot, 0);
                } else {
                    prop_assert_eq!(windowed.deepen(snapshot), plain.deepen(snapshot));
                }
                prop_assert!(windowed.agrees_with(snapshot) == plain.agrees_with(snapshot));
            }
            Step::Prune(keep) => prop_assert_eq!(windowed.prune(keep), plain.prune(keep)),
            Step::Clear => {
                windowed.clear();
                plain.clear();
            }
        }
        prop_assert!(!plain.bids.is_windowed() && !plain.asks.is_windowed());
        same(&windowed.bids, &plain.bids)?;
        same(&windowed.asks, &plain.asks)?;
        prop_assert_eq!((windowed.known_bid, windowed.known_ask), (plain.known_bid, plain.known_ask));
        prop_assert_eq!((windowed.top_is_known(), windowed.is_crossed()), (plain.top_is_known(), plain.is_crossed()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_book_with_windows_is_the_book_without(
        steps in steps(), size in prop::sample::select(&SIZES[..]), tick in prop::sample::select(&TICKS[..]),
    ) {
        run(steps, size, tick)?;
    }
}

fn book(bids: &[Level], asks: &[Level]) -> Book {
    let mut book = Book::new(1_024);
    book.replace(Levels { bids, asks, price_scale: 2, quantity_scale: 3 }, 0);
    book
}

fn apply(book: &mut Book, bids: &[Level]) {
    book.apply(Levels { bids, asks: &[], price_scale: 2, quantity_scale: 3 }, &mut Vec::new()).unwrap();
}

#[test]
fn a_dense_side_has_a_window_and_a_sparse_one_none() {
    for (levels, apart, windowed) in [(1_000, 1, true), (64, 1, true), (63, 1, false), (1_000, 12, true), (0, 1, false)]
    {
        // Seven ticks are the step of a side that is seven apart everywhere.
        let book = book(&ladder(50_000, 1, levels, apart), &ladder(50_001, -1, levels, apart));
        assert_eq!(
            (book.bids.is_windowed(), book.asks.is_windowed()),
            (windowed, windowed),
            "{levels} levels, {apart} apart"
        );
    }
    // Two near each other set the step for all.
    let mut sparse = ladder(50_000, 1, 1_000, 40);
    sparse.insert(1, Level { price: 499_990, quantity: 1 });
    assert!(!book(&sparse, &[]).bids.is_windowed());
}

#[test]
fn a_window_follows_the_price_and_gives_way_to_finer_ones() {
    let mut book = book(&ladder(50_000, 1, 1_000, 1), &[]);
    for price in [50_100, 60_000, 60_001] {
        apply(&mut book, &[Level { price: price * 10, quantity: 3 }]);
        assert!(book.bids.is_windowed());
        assert_eq!(book.bids.best(), Some(Level { price: price * 10, quantity: 3 }));
    }
    apply(&mut book, &[600_010, 600_000, 501_000].map(|price| Level { price, quantity: 0 }));
    assert_eq!((book.bids.best().map(|l| l.price), book.bids.len()), (Some(500_000), 1_000));
    // Half a tick: the step is halved, and the window stays.
    apply(&mut book, &[Level { price: 499_905, quantity: 3 }]);
    assert!(book.bids.is_windowed());
    // A unit: the window reaches over 76 of the old ticks, and that is still enough.
    apply(&mut book, &[Level { price: 499_901, quantity: 3 }]);
    assert_eq!((book.bids.is_windowed(), book.bids.len()), (true, 1_002));
}
