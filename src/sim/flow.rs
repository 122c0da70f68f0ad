//! Purpose: the orders that move a symbol's book: makers who add, change and cancel, takers who sweep.
//! Owns: the symbol's own randomness and mood. Thread: its owner's. Takes and gives: a book to look at, steps to apply.
//! Never: changes the book itself; knows of streams or faults, so what is watched never changes what happens.

use super::book::{Book, Level, Side};
use super::rng::Rng;
use super::spec::SymbolSpec;

/// One change of one level, in the order in which it happens; each gets its own update id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A maker sets what rests at a price.
    Set {
        /// Whose side.
        side: Side,
        /// The price and the new absolute quantity.
        level: Level,
    },
    /// A taker hits one resting order.
    Fill {
        /// The maker's side.
        side: Side,
        /// The price and what is left there.
        level: Level,
        /// Lots that changed hands.
        lots: i64,
        /// Whether it is the taker's last fill at this price.
        last_at_price: bool,
    },
}

/// A side never gets shorter than this, so no book is ever empty.
const LEVELS_MIN: usize = 8;
/// Lots at one level, in middling orders; 64 of PEPE's are some 10^12.
const LEVEL_ORDERS_MAX: i64 = 64;

/// What decides a symbol's next orders.
#[derive(Clone, Debug)]
pub struct Flow {
    rng: Rng,
    /// Events until the mood is thrown anew.
    mood_left: u32,
    rising: bool,
    /// Out of a hundred orders, how many go with the mood.
    favour: u64,
    burst_left: u32,
    span_ticks: i64,
}

impl Flow {
    /// The flow of one symbol of a run.
    pub fn new(seed: u64, spec: &SymbolSpec) -> Flow {
        let rng = Rng::for_part(seed, &spec.symbol, 0);
        Flow { rng, mood_left: 0, rising: true, favour: 50, burst_left: 0, span_ticks: 1 }
    }

    /// Counts in ticks `factor` times as fine.
    pub fn refine(&mut self, factor: i64) {
        self.span_ticks = self.span_ticks.saturating_mul(factor);
    }

    /// Fills an empty book around the start price.
    pub fn open_book(&mut self, spec: &SymbolSpec, book: &mut Book) {
        for side in [Side::Bid, Side::Ask] {
            let mut price = spec.start_ticks - i64::from(side == Side::Bid);
            for rank in 0..spec.levels {
                if price < 1 {
                    break;
                }
                book.set(side, price, self.order(spec));
                // Levels thin out with the distance from the top, but a cheap symbol has no ticks to spare.
                let widest = (spec.near_ticks / 8 * (1 + rank as i64 / 500)).max(1);
                price -= side.sign() * self.rng.between(1, widest);
            }
            self.span_ticks = self.span_ticks.max((spec.start_ticks - price).abs());
        }
    }

    /// Nanoseconds until this symbol's next event, given their mean. Events come in bursts, as on any market.
    pub fn pause_ns(&mut self, mean_ns: i64) -> i64 {
        if self.burst_left > 0 {
            self.burst_left -= 1;
            return self.rng.exponential((mean_ns / 64).max(1));
        }
        if self.rng.chance(5_000) {
            self.burst_left = 4 + self.rng.below(36) as u32;
        }
        // A burst of 21 in two hundred pauses: the pauses make up for it, and the mean stays.
        self.rng.exponential(mean_ns + mean_ns / 10)
    }

    /// Decides the next event and appends its steps.
    pub fn plan(&mut self, spec: &SymbolSpec, book: &Book, steps: &mut Vec<Step>) {
        self.refresh_mood(spec, book);
        match self.rng.below(100) {
            0..=9 => self.take(spec, book, steps),
            10..=39 => self.change_near(spec, book, steps),
            40..=84 => {
                let side = self.pick_side();
                self.add_or_cancel(spec, book, side, steps);
            }
            85..=92 => self.touch_far(spec, book, steps),
            _ => {
                let side = self.pick_side();
                self.cancel_near(spec, book, side, steps);
                self.add_near(spec, book, side, steps);
            }
        }
    }

    fn refresh_mood(&mut self, spec: &SymbolSpec, book: &Book) {
        if self.mood_left > 0 {
            self.mood_left -= 1;
            return;
        }
        let price = book.side(Side::Bid).best().map_or(spec.start_ticks, |l| l.price);
        // The further from the start, the likelier the way back: at a tenth away it is certain.
        let away = (price - spec.start_ticks).saturating_mul(5_000) / spec.start_ticks;
        self.rising = self.rng.between(0, 999) >= (500 + away).clamp(0, 1_000);
        self.favour = 55 + away.unsigned_abs().min(700) / 20;
        self.mood_left = 50 + self.rng.below(400) as u32;
    }

    /// The side that gets the makers' favour: bids more often in a rising market.
    fn pick_side(&mut self) -> Side {
        let favoured = if self.rising { Side::Bid } else { Side::Ask };
        if self.rng.below(100) < self.favour { favoured } else { favoured.other() }
    }

    /// The size of an order: a heavy tail, at least one lot.
    fn order(&mut self, spec: &SymbolSpec) -> i64 {
        let base = 1 + self.rng.below(spec.order_lots as u64) as i64;
        match self.rng.below(64) {
            0 => base.saturating_mul(LEVEL_ORDERS_MAX),
            1..=3 => base * 8,
            4..=31 => base,
            _ => (base >> self.rng.below(5)).max(1),
        }
    }

    fn change_near(&mut self, spec: &SymbolSpec, book: &Book, steps: &mut Vec<Step>) {
        let side = self.pick_side();
        let Some(level) = book.side(side).at_rank(self.rng.heads(12)) else { return };
        let mut quantity = self.order(spec);
        if quantity == level.quantity {
            quantity += 1;
        }
        steps.push(Step::Set { side, level: Level { price: level.price, quantity } });
    }

    fn add_or_cancel(&mut self, spec: &SymbolSpec, book: &Book, side: Side, steps: &mut Vec<Step>) {
        let full = book.side(side).len() as u64;
        if self.rng.below(2 * spec.levels as u64) >= full {
            self.add_near(spec, book, side, steps);
        } else {
            self.cancel_near(spec, book, side.other(), steps);
        }
    }

    fn add_near(&mut self, spec: &SymbolSpec, book: &Book, side: Side, steps: &mut Vec<Step>) {
        let Some(opposite) = book.side(side.other()).best() else { return };
        let distance = if self.rng.chance(400_000) { 1 } else { self.rng.exponential(spec.near_ticks + 1) };
        self.add(spec, book, side, opposite.price - side.sign() * distance, steps);
    }

    fn add(&mut self, spec: &SymbolSpec, book: &Book, side: Side, price: i64, steps: &mut Vec<Step>) {
        let crosses = book.side(side.other()).best().is_some_and(|o| (o.price - price) * side.sign() <= 0);
        if price < 1 || crosses {
            return;
        }
        let resting = book.side(side).quantity_at(price);
        let most = spec.order_lots.saturating_mul(LEVEL_ORDERS_MAX);
        let order = self.order(spec);
        let quantity = if resting + order > most { order.max(1) } else { resting + order };
        if quantity != resting {
            steps.push(Step::Set { side, level: Level { price, quantity } });
        }
    }

    /// The thinner a side, the more often somebody fills it up somewhere in place of leaving it.
    fn cancel_near(&mut self, spec: &SymbolSpec, book: &Book, side: Side, steps: &mut Vec<Step>) {
        let ladder = book.side(side);
        if ladder.len() <= LEVELS_MIN || self.rng.below(spec.levels as u64) >= ladder.len() as u64 {
            return self.add_far(spec, book, side, steps);
        }
        let rank = self.rng.heads(16) + self.rng.below(4) as usize;
        let Some(level) = ladder.at_rank(rank.min(ladder.len() - 1)) else { return };
        steps.push(Step::Set { side, level: Level { price: level.price, quantity: 0 } });
    }

    /// Something anywhere in the book, most of it beyond what a snapshot of moderate depth shows.
    fn touch_far(&mut self, spec: &SymbolSpec, book: &Book, steps: &mut Vec<Step>) {
        let side = self.pick_side();
        let ladder = book.side(side);
        if self.rng.below(2 * spec.levels as u64) >= ladder.len() as u64 {
            return self.add_far(spec, book, side, steps);
        }
        let rank = self.rng.below(ladder.len() as u64) as usize;
        if let Some(level) = ladder.at_rank(rank).filter(|_| ladder.len() > LEVELS_MIN) {
            steps.push(Step::Set { side, level: Level { price: level.price, quantity: 0 } });
        }
    }

    fn add_far(&mut self, spec: &SymbolSpec, book: &Book, side: Side, steps: &mut Vec<Step>) {
        let best = book.side(side).best().map_or(spec.start_ticks, |l| l.price);
        let price = best - side.sign() * self.rng.between(1, self.span_ticks);
        self.add(spec, book, side, price, steps);
    }

    /// A taker: mostly a bite of the best level, sometimes a sweep over several.
    fn take(&mut self, spec: &SymbolSpec, book: &Book, steps: &mut Vec<Step>) {
        let side = self.pick_side().other();
        let ladder = book.side(side);
        let swept = match self.rng.below(100) {
            0..=64 => 0,
            65..=96 => 1 + self.rng.heads(4),
            _ => 4 + self.rng.below(16) as usize,
        };
        let swept = swept.min(ladder.len().saturating_sub(LEVELS_MIN));
        for level in ladder.best_first().take(swept) {
            self.fill(side, level, level.quantity, steps);
        }
        let Some(last) = ladder.at_rank(swept) else { return };
        let bite = last.quantity.min(self.order(spec) / 2).min(last.quantity - 1);
        if bite > 0 {
            self.fill(side, last, bite, steps);
        }
    }

    /// Takes `lots` of a level, from one to three resting orders.
    fn fill(&mut self, side: Side, level: Level, lots: i64, steps: &mut Vec<Step>) {
        let mut left = level.quantity;
        let mut wanted = lots;
        let mut orders = 1 + self.rng.heads(2) as i64;
        while wanted > 0 {
            let hit = if orders > 1 && wanted > 1 { self.rng.between(1, wanted - 1) } else { wanted };
            orders -= 1;
            wanted -= hit;
            left -= hit;
            let level = Level { price: level.price, quantity: left };
            steps.push(Step::Fill { side, level, lots: hit, last_at_price: wanted == 0 });
        }
    }
}
