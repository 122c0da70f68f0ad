//! Purpose: the one way in for "want these streams" and "want them no longer": from the listing, and from whoever commands,
//! to the io threads that serve them.
//! Owns: the plan, and the orders that wait for each io thread. Thread: any (cold): one lock, taken for no frame.
//! Takes and gives: names in, orders out. Never: takes half of what it is told; grows past its bounds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::plan::{Place, Plan};

/// Orders that wait for one io thread at most; each takes all of its own every few milliseconds.
const WAITING_MAX: usize = 1 << 16;
/// Streams wanted at most: those of 64 full connections.
const WANTED_MAX: usize = 1 << 16;

/// Names an order: rises with each call that changes anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderToken(u64);

/// Why nothing of an order was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// The io threads have not yet heard those before it.
    #[error("too many orders wait for an io thread: ask again later")]
    Waiting,
    /// More streams would be wanted than can be served.
    #[error("more than {WANTED_MAX} streams would be wanted: want fewer")]
    TooMany,
}

/// What one io thread is to do about one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    token: OrderToken,
    /// The connection that it is about.
    pub(super) place: Place,
    /// The stream, as the venue writes it.
    pub(super) name: Box<str>,
    /// Whether it is wanted from now on.
    pub(super) wanted: bool,
}

#[derive(Debug)]
struct Inner {
    plan: Plan,
    token: OrderToken,
    waiting: Vec<VecDeque<Order>>,
}

/// Orders to the io threads of one live source. Whoever holds a clone may order; the last word on a stream holds, and who
/// wants what is not counted here.
#[derive(Clone, Debug)]
pub struct StreamOrders {
    inner: Arc<Mutex<Inner>>,
}

impl StreamOrders {
    /// To so many io threads, by this plan.
    pub(super) fn new(plan: Plan, threads: usize) -> StreamOrders {
        let waiting = (0..threads.max(1)).map(|_| VecDeque::new()).collect();
        StreamOrders { inner: Arc::new(Mutex::new(Inner { plan, token: OrderToken::default(), waiting })) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants streams, as the venue writes them; those named together share a connection as far as they can. What is wanted
    /// already stays as it is.
    ///
    /// # Errors
    /// [`OrderRefused`]; then nothing has changed.
    pub fn want(&self, names: &[String]) -> Result<OrderToken, OrderRefused> {
        let mut inner = self.lock();
        if inner.plan.streams() + names.len() > WANTED_MAX {
            return Err(OrderRefused::TooMany);
        }
        inner.order(names.len(), |plan, put| plan.want(names, |place, name| put(place, name, true)))
    }

    /// Wants streams no longer. What was not wanted stays as it is.
    ///
    /// # Errors
    /// [`OrderRefused`]; then nothing has changed.
    pub fn unwant(&self, names: &[String]) -> Result<OrderToken, OrderRefused> {
        self.lock().order(names.len(), |plan, put| {
            for name in names {
                if let Some(place) = plan.unwant(name) {
                    put(place, name, false);
                }
            }
        })
    }

    /// Whether every io thread has heard all up to this order. What the venue makes of it takes longer: control messages
    /// leave at the pace that it allows.
    pub fn is_heard(&self, token: OrderToken) -> bool {
        self.lock().waiting.iter().all(|queue| queue.front().is_none_or(|order| order.token > token))
    }

    /// How many connections and streams are wanted now.
    pub fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.plan.connections(), inner.plan.streams())
    }

    /// How many books are wanted now.
    pub(super) fn books(&self) -> usize {
        self.lock().plan.books()
    }

    /// Moves what waits for an io thread to `into`.
    pub(super) fn take(&self, thread: usize, into: &mut Vec<Order>) {
        if let Some(queue) = self.lock().waiting.get_mut(thread) {
            into.extend(queue.drain(..));
        }
    }
}

impl Inner {
    /// Gives an order about at most `most` names, if every queue has room for them.
    fn order(
        &mut self,
        most: usize,
        give: impl FnOnce(&mut Plan, &mut dyn FnMut(Place, &str, bool)),
    ) -> Result<OrderToken, OrderRefused> {
        let Inner { plan, token, waiting } = self;
        if waiting.iter().any(|queue| queue.len() + most > WAITING_MAX) {
            return Err(OrderRefused::Waiting);
        }
        let next = OrderToken(token.0 + 1);
        give(plan, &mut |place, name, wanted| {
            *token = next;
            waiting[place.thread].push_back(Order { token: next, place, name: name.into(), wanted });
        });
        Ok(*token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binance::live::venue_rules::VenueRules;
    use crate::schema::id::Market;

    fn orders(spread: usize, threads: usize) -> StreamOrders {
        StreamOrders::new(Plan::new(VenueRules::of(Market::BinanceSpot), spread, 1_024, threads), threads)
    }

    fn names(symbol: usize) -> Vec<String> {
        ["depth", "trade", "bookTicker"].iter().map(|topic| format!("s{symbol}@{topic}")).collect()
    }

    fn taken(orders: &StreamOrders, thread: usize) -> Vec<(usize, String, bool)> {
        let mut out = Vec::new();
        orders.take(thread, &mut out);
        out.into_iter().map(|order| (order.place.number, order.name.into_string(), order.wanted)).collect()
    }

    #[test]
    fn every_io_thread_hears_its_own_orders_once_and_in_order() {
        let orders = orders(4, 2);
        for symbol in 0..8 {
            orders.want(&names(symbol)).unwrap();
        }
        orders.unwant(&names(0)).unwrap();
        let (first, second) = (taken(&orders, 0), taken(&orders, 1));
        assert_eq!((first.len(), second.len()), (4 * 3 + 3, 4 * 3));
        assert!(first.iter().all(|(place, ..)| place % 2 == 0) && second.iter().all(|(place, ..)| place % 2 == 1));
        assert_eq!(first[12..], names(0).map_to(0, false));
        assert_eq!((orders.size(), orders.books()), ((4, 7 * 3), 7));
        assert!(taken(&orders, 0).is_empty() && taken(&orders, 1).is_empty());
    }

    trait MapTo {
        fn map_to(self, place: usize, wanted: bool) -> Vec<(usize, String, bool)>;
    }

    impl MapTo for Vec<String> {
        fn map_to(self, place: usize, wanted: bool) -> Vec<(usize, String, bool)> {
            self.into_iter().map(|name| (place, name, wanted)).collect()
        }
    }

    #[test]
    fn a_token_tells_when_all_io_threads_have_heard() {
        let orders = orders(2, 2);
        let first = orders.want(&names(0)).unwrap();
        let second = orders.want(&names(1)).unwrap();
        assert!(second > first && !orders.is_heard(first) && !orders.is_heard(second));
        assert_eq!(orders.want(&names(1)), Ok(second), "what changes nothing has no token of its own");
        taken(&orders, 0);
        assert!(orders.is_heard(first) && !orders.is_heard(second));
        taken(&orders, 1);
        assert!(orders.is_heard(second));
        assert_eq!(orders.unwant(&names(7)), Ok(second));
    }

    #[test]
    fn what_passes_a_bound_is_refused_whole() {
        let orders = orders(2, 2);
        let many: Vec<String> = (0..WANTED_MAX).map(|n| format!("m{n}@trade")).collect();
        orders.want(&names(0)).unwrap();
        assert_eq!(orders.want(&many), Err(OrderRefused::TooMany));
        assert_eq!(orders.size().1, 3);
        taken(&orders, 0);
        orders.want(&many[3..]).unwrap();
        assert_eq!(orders.unwant(&many), Err(OrderRefused::Waiting), "the first thousands have not been heard");
        assert_eq!(orders.size().1, WANTED_MAX);
        taken(&orders, 0);
        taken(&orders, 1);
        orders.unwant(&many).unwrap();
        assert_eq!(orders.size().1, 3);
    }
}
