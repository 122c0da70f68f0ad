//! Purpose: the native side of a live source: orders to its io threads, news from them.
//! Owns: the names under way. Thread: the control duty's. Takes and gives: orders down, news up. Never: waits for the venue.

use std::collections::VecDeque;

use crate::binance::live::{
    Board, LiveNews, LiveSource, NewsFeed, OrderRefused, PollOrders, StreamChange, StreamCounts, StreamOrders,
    SymbolChange,
};
use crate::schema::id::Market;
use crate::schema::report::{ConnectionView, StreamStates};

use super::native::{Heard, Listed, NativeSide, News, Order};

/// A live source, as the control duty steers it.
#[derive(Debug)]
pub struct LiveSide {
    market: Market,
    orders: StreamOrders,
    polls: PollOrders,
    feed: NewsFeed,
    board: Board,
    heard: VecDeque<LiveNews>,
    refused: VecDeque<News>,
}

impl LiveSide {
    /// Of a source made to be commanded ([`crate::binance::live::LiveOptions::commanded`]), or of its first part; `None` for
    /// another one.
    pub fn of(source: &LiveSource) -> Option<LiveSide> {
        Some(LiveSide {
            market: source.market(),
            orders: source.orders(),
            polls: source.poll_orders(),
            feed: source.news()?,
            board: source.board(),
            heard: VecDeque::new(),
            refused: VecDeque::new(),
        })
    }
}

impl NativeSide for LiveSide {
    fn order(&mut self, order: &Order) -> bool {
        let (streams, on) = match order {
            Order::Want { streams, .. } => (streams, true),
            Order::Unwant { streams, .. } => (streams, false),
            Order::Poll { name, scope } => {
                self.polls.turn(name, scope.clone());
                return true;
            }
        };
        let names: Vec<String> = streams.iter().map(|name| name.to_string()).collect();
        let given = if on { self.orders.want(&names) } else { self.orders.unwant(&names) };
        match given {
            Ok(_) => true,
            Err(OrderRefused::Waiting) => false,
            Err(OrderRefused::TooMany) => {
                let refused = streams.iter().map(|name| News::Stream(self.market, name.clone(), Heard::Refused));
                self.refused.extend(refused);
                true
            }
        }
    }

    fn news(&mut self) -> Option<News> {
        if let Some(refused) = self.refused.pop_front() {
            return Some(refused);
        }
        if self.heard.is_empty() {
            self.feed.take(&mut self.heard);
        }
        Some(match self.heard.pop_front()? {
            LiveNews::Stream(name, change) => News::Stream(self.market, name, heard(change)),
            LiveNews::Symbol(symbol, change) => News::Symbol(self.market, symbol, listed(change)),
            LiveNews::Listing => News::Listing(self.market),
        })
    }

    fn connections(&self) -> Vec<ConnectionView> {
        let views = self.board.view().connections.into_iter().enumerate();
        views
            .map(|(at, view)| ConnectionView {
                name: at.to_string(),
                open: view.open,
                state: view.state,
                streams: states(view.streams),
            })
            .collect()
    }
}

const fn heard(change: StreamChange) -> Heard {
    match change {
        StreamChange::Requested => Heard::Requested,
        StreamChange::Acknowledged => Heard::Acknowledged,
        StreamChange::Live => Heard::Live,
        StreamChange::Refused => Heard::Refused,
        StreamChange::Gone => Heard::Gone,
    }
}

const fn listed(change: SymbolChange) -> Listed {
    match change {
        SymbolChange::Trades => Listed::Trades,
        SymbolChange::Halted => Listed::Halted,
        SymbolChange::Dropped => Listed::Dropped,
    }
}

fn states(counts: StreamCounts) -> StreamStates {
    StreamStates {
        requested: counts.requested as u64,
        acknowledged: counts.acknowledged as u64,
        live: counts.live as u64,
        silent: counts.silent as u64,
        refused: counts.refused as u64,
        leaving: 0,
    }
}
