//! Purpose: holds changing filters to the version of each event. Owns: nothing. Thread: tests'. Takes and gives: events.
//! Never: part of a build that ships.

use proptest::prelude::*;

use super::fixture::{BTC, ETH, events, memory, sequencer, trade};
use super::*;
use crate::schema::canonical_type::builtin;
use crate::schema::id::{InstrumentId, TypeId};
use crate::schema::stage::Publish;

/// What a choice wants: (type, instrument) pairs, by hand.
fn wanted(choice: usize, type_id: TypeId, instrument: InstrumentId) -> bool {
    match choice {
        0 => false,
        1 => type_id == builtin::TRADE && instrument == BTC,
        2 => type_id == builtin::TRADE,
        _ => (type_id, instrument) == (builtin::TRADE, ETH) || type_id == builtin::KLINE,
    }
}

fn wish(choice: usize) -> Vec<(TypeId, Filter)> {
    let only = |name: &str| Filter::all().instrument(name).unwrap();
    match choice {
        0 => Vec::new(),
        1 => vec![(builtin::TRADE, only("BTC-USDT"))],
        2 => vec![(builtin::TRADE, only("ETH-USDT")), (builtin::TRADE, Filter::all())],
        _ => vec![(builtin::TRADE, only("ETH-USDT")), (builtin::KLINE, Filter::all())],
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The next version; whether it changes what this consumer wants.
    Change(Option<usize>),
    /// An event of a version that many steps ago.
    Event {
        late: u32,
        kline: bool,
        eth: bool,
    },
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::option::of(0..4usize).prop_map(Step::Change),
        6 => (0..4u32, any::<bool>(), any::<bool>()).prop_map(|(late, kline, eth)| Step::Event { late, kline, eth }),
        2 => Just(Step::Poll),
    ]
}

proptest! {
    #[test]
    fn each_event_is_judged_by_the_filters_of_its_own_version(steps in prop::collection::vec(step(), 1..120)) {
        let (mut out, bus, ..) = sequencer(memory(), 1 << 14);
        let slot = WishSlot::default();
        let mut consumer = bus.follow(&slot, SubscribeOptions::default()).unwrap();
        // By version, from 0.
        let mut history = vec![0];
        let (mut expected, mut seen, mut published) = (Vec::new(), Vec::new(), 0);
        for step in steps {
            match step {
                Step::Change(choice) => {
                    let version = history.len() as u32;
                    if let Some(choice) = choice {
                        slot.set(version, wish(choice));
                    }
                    history.push(choice.unwrap_or(history[history.len() - 1]));
                }
                Step::Event { late, kline, eth } => {
                    let version = (history.len() as u32 - 1).saturating_sub(late);
                    if version == 0 {
                        continue;
                    }
                    let (instrument, type_id) =
                        (if eth { ETH } else { BTC }, if kline { builtin::KLINE } else { builtin::TRADE });
                    let mut event = trade(instrument, type_id);
                    event.header_mut().dispatch_version = version;
                    let seq = out.publish(&mut event);
                    published += 1;
                    if wanted(history[version as usize], type_id, instrument) {
                        expected.push((type_id, instrument, seq));
                    }
                }
                Step::Poll => seen.extend(taken(&mut consumer)),
            }
        }
        seen.extend(taken(&mut consumer));
        prop_assert_eq!(&seen, &expected);
        let stats = consumer.stats();
        prop_assert_eq!((stats.delivered, stats.filtered), (seen.len() as u64, published - seen.len() as u64));
        prop_assert_eq!(consumer.records(), published);
    }
}

fn taken(consumer: &mut Subscription) -> Vec<(TypeId, InstrumentId, u64)> {
    let head = |event: &crate::schema::event::EventBuf| {
        let header = *event.read().header();
        (header.type_id(), header.instrument(), header.seq)
    };
    events(consumer).iter().map(head).collect()
}

#[test]
fn an_event_that_no_table_routed_is_judged_by_the_latest_filters() {
    let (mut out, bus, ..) = sequencer(memory(), 1 << 12);
    let slot = WishSlot::default();
    let mut consumer = bus.follow(&slot, SubscribeOptions::default()).unwrap();
    out.publish(&mut trade(BTC, builtin::TRADE));
    assert!(taken(&mut consumer).is_empty(), "nothing reaches one that did not ask");
    slot.set(7, wish(1));
    out.publish(&mut trade(BTC, builtin::TRADE));
    assert_eq!(taken(&mut consumer).len(), 1);
    slot.set(8, wish(0));
    out.publish(&mut trade(BTC, builtin::TRADE));
    assert!(taken(&mut consumer).is_empty());
}

#[test]
fn wishes_are_bounded_and_the_recent_ones_are_kept() {
    let (mut out, bus, ..) = sequencer(memory(), 1 << 12);
    let slot = WishSlot::default();
    let mut consumer = bus.follow(&slot, SubscribeOptions::default()).unwrap();
    for version in 1..=1_000u32 {
        slot.set(version, wish(usize::from(version % 2 == 0) * 2));
        if version % 7 == 0 {
            taken(&mut consumer);
        }
    }
    for version in [999, 998, 960, 961] {
        let mut event = trade(BTC, builtin::TRADE);
        event.header_mut().dispatch_version = version;
        out.publish(&mut event);
        assert_eq!(taken(&mut consumer).len(), usize::from(version % 2 == 0), "{version}");
    }
}
