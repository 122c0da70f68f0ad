//! Purpose: barter-data on our frames: its structs by serde_json, its transformers into its events, its book.
//! Owns: nothing. Thread: one. Takes and gives: payloads (it subscribes to raw streams, so the wrapper is taken off for it).
//! Never: uses its sockets, its runtime or its channels: what is measured begins with a text in memory.

use std::hint::black_box;

use barter_data::books::OrderBook;
use barter_data::event::MarketEvent;
use barter_data::exchange::binance::book::l1::BinanceOrderBookL1;
use barter_data::exchange::binance::book::l2::BinanceOrderBookL2Snapshot;
use barter_data::exchange::binance::spot::BinanceSpot;
use barter_data::exchange::binance::spot::l2::{BinanceSpotOrderBookL2Update, BinanceSpotOrderBooksL2Transformer};
use barter_data::exchange::binance::trade::BinanceTrade;
use barter_data::subscription::book::{OrderBookEvent, OrderBooksL1, OrderBooksL2};
use barter_data::subscription::trade::PublicTrades;
use barter_data::subscription::{Map, SubscriptionKind};
use barter_data::transformer::ExchangeTransformer;
use barter_data::transformer::stateless::StatelessTransformer;
use barter_instrument::exchange::ExchangeId;
use barter_integration::Transformer;
use barter_integration::subscription::SubscriptionId;
use futures::executor::block_on;
use serde::de::DeserializeOwned;

use crate::support::feed::Feed;
use crate::support::frames::{Kind, Sample};
use crate::support::rooms::Round;

/// Text → its struct, for the kinds that it has one for: it knows no `aggTrade`.
pub(crate) fn decode(kind: Kind, payloads: &Sample) -> Option<Round> {
    Some(match kind {
        Kind::BookTicker => decode_as::<BinanceOrderBookL1>(payloads),
        Kind::Trade => decode_as::<BinanceTrade>(payloads),
        Kind::AggTrade => return None,
        Kind::Diff20 | Kind::Diff1226 => decode_as::<BinanceSpotOrderBookL2Update>(payloads),
    })
}

/// Text → its struct → its event, by the transformer that its stream would run.
pub(crate) fn transform(kind: Kind, payloads: &Sample) -> Option<Round> {
    Some(match kind {
        Kind::BookTicker => transform_by::<
            StatelessTransformer<BinanceSpot, u32, OrderBooksL1, BinanceOrderBookL1>,
            OrderBooksL1,
        >("@bookTicker|BTCUSDT", payloads),
        Kind::Trade => {
            transform_by::<StatelessTransformer<BinanceSpot, u32, PublicTrades, BinanceTrade>, PublicTrades>(
                "@trade|BTCUSDT",
                payloads,
            )
        }
        Kind::AggTrade => return None,
        Kind::Diff20 | Kind::Diff1226 => {
            let (mut feed, mut transformer) = (Feed::of(payloads), book_transformer(payloads));
            Box::new(move || {
                let events = transformer.transform(parsed::<BinanceSpotOrderBookL2Update>(feed.next()));
                assert!(matches!(events.as_slice(), [Ok(_)]));
                black_box(events);
            })
        }
    })
}

/// Text → its struct → its sequence check → its event → its book.
pub(crate) fn apply(payloads: &Sample) -> Round {
    let (mut feed, mut transformer) = (Feed::of(payloads), book_transformer(payloads));
    let OrderBookEvent::Snapshot(mut book) = snapshot(payloads).kind else { unreachable!("a snapshot") };
    Box::new(move || {
        for event in transformer.transform(parsed::<BinanceSpotOrderBookL2Update>(feed.next())) {
            book.update(&event.unwrap().kind);
        }
        black_box(book.sequence());
    })
}

/// A book after so many diffs, as (price, quantity) texts best first, to be held against ours.
pub(crate) fn book_after(payloads: &Sample, diffs: usize) -> [Vec<(String, String)>; 2] {
    let (mut feed, mut transformer) = (Feed::of(payloads), book_transformer(payloads));
    let OrderBookEvent::Snapshot(mut book) = snapshot(payloads).kind else { unreachable!("a snapshot") };
    for _ in 0..diffs {
        for event in transformer.transform(parsed::<BinanceSpotOrderBookL2Update>(feed.next())) {
            book.update(&event.unwrap().kind);
        }
    }
    sides(&book)
}

fn sides(book: &OrderBook) -> [Vec<(String, String)>; 2] {
    [book.bids().levels(), book.asks().levels()].map(|levels| {
        levels.iter().map(|l| (l.price.normalize().to_string(), l.amount.normalize().to_string())).collect()
    })
}

fn decode_as<T: DeserializeOwned + 'static>(payloads: &Sample) -> Round {
    let mut feed = Feed::of(payloads);
    Box::new(move || _ = black_box(parsed::<T>(feed.next())))
}

fn transform_by<T, K>(id: &str, payloads: &Sample) -> Round
where
    T: ExchangeTransformer<BinanceSpot, u32, K> + Transformer<Output = MarketEvent<u32, K::Event>> + 'static,
    T::Input: DeserializeOwned,
    T::OutputIter: 'static,
    K: SubscriptionKind,
{
    let mut transformer: T = begun(id, &[]);
    let mut feed = Feed::of(payloads);
    Box::new(move || {
        for event in transformer.transform(parsed::<T::Input>(feed.next())) {
            _ = black_box(event.unwrap());
        }
    })
}

fn book_transformer(payloads: &Sample) -> BinanceSpotOrderBooksL2Transformer<u32> {
    begun::<_, OrderBooksL2>("@depth@100ms|BTCUSDT", &[snapshot(payloads)])
}

/// A transformer of one instrument.
fn begun<T, K>(id: &str, snapshots: &[MarketEvent<u32, K::Event>]) -> T
where
    T: ExchangeTransformer<BinanceSpot, u32, K>,
    K: SubscriptionKind,
{
    let instruments: Map<u32> = [(SubscriptionId::from(id), 7)].into_iter().collect();
    // What it would send to the venue goes nowhere: these transformers send nothing.
    let (sends, _) = tokio::sync::mpsc::unbounded_channel();
    block_on(T::init(instruments, snapshots, sends)).unwrap()
}

fn snapshot(payloads: &Sample) -> MarketEvent<u32, OrderBookEvent> {
    let body: BinanceOrderBookL2Snapshot = serde_json::from_slice(&payloads.snapshot).unwrap();
    MarketEvent::from((ExchangeId::BinanceSpot, 7, body))
}

/// As its `process_text` does it, with the text it is handed.
#[inline]
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> T {
    // SAFETY: frames are made of the simulated exchange's texts with digits put in. Its WebSocket library has validated a
    // text before it comes to the decoder, so this is not charged to it.
    let text = unsafe { core::str::from_utf8_unchecked(bytes) };
    serde_json::from_str(text).unwrap()
}
