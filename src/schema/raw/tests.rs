//! What is built reads back, and nothing else does.

use super::*;
use crate::schema::decimal::{Decimal, DecimalError};
use crate::schema::id::{ConnectionId, InstrumentId, Market, TraceIds};
use crate::schema::time::UnixNanos;
use crate::schema::topic::{StreamKind, Topic};

fn origin() -> RawOrigin {
    RawOrigin {
        market: Market::BinanceSpot,
        connection: ConnectionId(3),
        number: 7,
        receive: UnixNanos(11),
        ingress_ns: 5,
        traces: TraceIds::new(1),
    }
}

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn layout_of_the_head_and_of_slots() {
    assert_eq!(core::mem::size_of::<RawHeader>(), 88);
    assert_eq!(core::mem::size_of::<Slot>(), 16);
    assert_eq!(core::mem::size_of::<Level>(), 16);
    assert_eq!(core::mem::align_of::<RawHeader>(), 8);
}

#[test]
fn what_is_built_reads_back_from_the_words_of_a_ring() {
    let mut buf = RawBuf::default();
    for round in 0..2 {
        buf.begin(&origin(), Topic::plain(StreamKind::DepthDiff), 9);
        buf.set_instrument(InstrumentId(4));
        buf.set_int(3, 100);
        buf.set_uppercase(2, "ethß币usdt");
        buf.set_null(5);
        buf.push_level(Side::Ask, d("3.25"), d("0")).unwrap();
        buf.push_level(Side::Bid, d("3.1"), d("1000000000000.00000000")).unwrap();
        buf.push_level(Side::Bid, d("3"), d("0.001")).unwrap();
        buf.push_unknown("z.y", "{\"a\":1}");
        buf.push_unknown("w", "null");
        let raw = buf.finish().unwrap();
        let mut words = vec![u64::MAX; raw.words()];
        raw.copy_to(&mut words);
        let raw = RawRef::from_words(&words).unwrap();
        assert_eq!(raw.text(2), Some("ETHSS币USDT"), "round {round}");
        assert_eq!(
            (raw.int(3), raw.get(5), raw.get(0), raw.get(99)),
            (Some(100), Value::Null, Value::Absent, Value::Absent)
        );
        assert_eq!((raw.header.price_scale, raw.header.quantity_scale), (2, 3));
        assert_eq!(
            raw.bids(),
            [Level { price: 310, quantity: 1_000_000_000_000_000 }, Level { price: 300, quantity: 1 }]
        );
        assert_eq!(raw.asks(), [Level { price: 325, quantity: 0 }]);
        assert_eq!(raw.unknown().collect::<Vec<_>>(), [("z.y", "{\"a\":1}"), ("w", "null")]);
        assert_eq!(raw.instrument(), InstrumentId(4));
    }
}

#[test]
fn words_that_are_no_whole_record_are_refused() {
    let mut buf = RawBuf::default();
    buf.begin(&origin(), Topic::plain(StreamKind::Trade), 3);
    buf.set_text(0, "trade");
    let raw = buf.finish().unwrap();
    let mut words = vec![0; raw.words()];
    raw.copy_to(&mut words);
    for cut in 0..words.len() {
        assert!(RawRef::from_words(&words[..cut]).is_none(), "cut at {cut}");
    }
}

#[test]
fn levels_that_need_more_than_63_bits_at_one_scale_are_refused() {
    let mut buf = RawBuf::default();
    buf.begin(&origin(), Topic::plain(StreamKind::DepthDiff), 9);
    buf.push_level(Side::Bid, d("1"), d("9000000000000000000")).unwrap();
    assert_eq!(buf.push_level(Side::Bid, d("1"), d("0.1")), Err(DecimalError::Overflow));
}
