//! Purpose: the events the conductor makes about a book: `STATUS.BOOK`, whole books, `ANALYTICS.FUSED`.
//! Owns: nothing. Thread: the conductor's. Takes and gives: changes in, events out.
//! Never: lets an event of a new quality out before its announcement (rule Q of faults.md).

use bytemuck::Zeroable;

use super::analytics::fuse;
use super::fusion::Instrument;
use super::outlet::Outlet;
use super::side::BookSide;
use super::throttle::Offer;
use crate::schema::canonical_type::builtin;
use crate::schema::decimal::SCALE_ABSENT;
use crate::schema::event::{EventBuf, EventHeader, EventRef, VENUE_ID_ABSENT, flag};
use crate::schema::id::{Source, TypeId};
use crate::schema::payload::{Book as BookPayload, BookReference, BookStatus};
use crate::schema::quality::{BookCause, BookChange, Quality};
use crate::schema::raw::Level;
use crate::schema::stage::{Publish, SnapshotRequests};
use crate::telemetry::Counter;

/// What a `STATUS.BOOK` says beyond the book itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) change: BookChange,
    pub(super) cause: BookCause,
    pub(super) to: Quality,
    pub(super) expected: i64,
    pub(super) got: i64,
    pub(super) resumed_at: i64,
    pub(super) elapsed_ns: i64,
}

impl Change {
    /// One that is about no gap.
    pub(super) fn plain(change: BookChange, cause: BookCause, to: Quality) -> Change {
        let none = i64::MIN;
        Change { change, cause, to, expected: none, got: none, resumed_at: none, elapsed_ns: none }
    }
}

impl Instrument {
    /// A head for an event about the book, caused by what `cause` heads.
    fn head(&self, cause: &EventHeader, type_id: TypeId, source: Source) -> EventHeader {
        EventHeader {
            type_id: type_id.0,
            source: source as u16,
            instrument: self.id.0,
            market: self.market,
            epoch: self.epoch,
            quality: self.quality as u8,
            flags: cause.flags & flag::HELD | if self.quality == Quality::Good { 0 } else { flag::MAYBE_BAD_BOOK },
            venue_id: self.sync.local().unwrap_or(VENUE_ID_ABSENT),
            conflated: 1,
            seq: 0,
            ..*cause
        }
    }

    /// Announces a change and takes its quality over. What the throttle holds of the old quality goes out first.
    pub(super) fn announce<P: Publish, R: SnapshotRequests>(
        &mut self,
        cause: &EventHeader,
        change: Change,
        outlet: &mut Outlet<P, R>,
    ) {
        self.release_fused(outlet);
        let from = core::mem::replace(&mut self.quality, change.to);
        outlet.tally.turned(self.announced.then_some(from), change.to);
        self.announced = true;
        let mut status = BookStatus::zeroed();
        status.change = change.change as i64;
        status.cause = change.cause as i64;
        status.from = from as i64;
        status.to = change.to as i64;
        status.expected = change.expected;
        status.got = change.got;
        status.resumed_at = change.resumed_at;
        status.elapsed_ns = change.elapsed_ns;
        status.scales = [SCALE_ABSENT; 2];
        status.set_known_bid(self.book.known_bid.and_then(|m| self.book.price(m)));
        status.set_known_ask(self.book.known_ask.and_then(|m| self.book.price(m)));
        let header = self.head(cause, builtin::STATUS_BOOK, Source::ConductorBook);
        outlet.event.begin(&header, &status);
        outlet.publish.publish(&mut outlet.event);
        if change.change == BookChange::Reset && change.cause != BookCause::FirstSnapshot {
            outlet.count(Counter::Resets);
        }
    }

    /// Publishes the analytics of the book as it stands.
    pub(super) fn publish_fused<P: Publish, R: SnapshotRequests>(
        &mut self,
        cause: &EventHeader,
        update_id: i64,
        outlet: &mut Outlet<P, R>,
    ) {
        let fused = fuse(&self.book, update_id, self.last_trade.as_ref());
        let header = self.head(cause, builtin::ANALYTICS_FUSED, Source::ConductorAnalytics);
        outlet.event.begin(&header, &fused);
        let Some(interval) = outlet.options.interval_of(builtin::ANALYTICS_FUSED) else {
            return outlet.publish_made(1, true);
        };
        match self.throttle.offer(outlet.event.read(), interval, outlet.now) {
            Offer::Publish(stands_for) => outlet.publish_made(stands_for, true),
            Offer::Held { replaced } => outlet.counts.add(Counter::Conflated, u64::from(replaced)),
        }
    }

    /// Publishes the analytics that the throttle holds, if any.
    fn release_fused<P: Publish, R: SnapshotRequests>(&mut self, outlet: &mut Outlet<P, R>) {
        if let Some(stands_for) = self.throttle.take_type(builtin::ANALYTICS_FUSED, &mut outlet.spare) {
            publish_spare(stands_for, outlet);
        }
    }

    /// Puts the whole book into the store and publishes the reference to it.
    pub(super) fn publish_book<P: Publish, R: SnapshotRequests>(
        &mut self,
        cause: &EventHeader,
        source: Source,
        outlet: &mut Outlet<P, R>,
    ) {
        let Some(update_id) = self.sync.local() else { return };
        let delta_seq = outlet.publish.last_seq(self.id, builtin::ORDERBOOK_DELTA);
        let book = &self.book;
        let mut header = self.head(cause, self.snapshot_type, source);
        header.flags |= flag::SNAPSHOT;
        let (bids, asks) = (&book.bids, &book.asks);
        let whole = BookPayload {
            update_id,
            delta_seq,
            known_bid: book.known_bid.unwrap_or(0),
            known_ask: book.known_ask.unwrap_or(0),
            bids: bids.len() as u32,
            asks: asks.len() as u32,
            price_scale: book.price_scale,
            quantity_scale: book.quantity_scale,
            flags: u8::from(book.known_bid.is_some()) | u8::from(book.known_ask.is_some()) << 1,
            reserved: [0; 5],
        };
        outlet.book.begin(&header, &whole);
        push_best_first(&mut outlet.book, bids);
        push_best_first(&mut outlet.book, asks);
        let mut reference = BookReference::zeroed();
        reference.update_id = update_id;
        reference.delta_seq = delta_seq as i64;
        reference.bid_levels = bids.len() as i64;
        reference.ask_levels = asks.len() as i64;
        reference.set_known_bid(book.known_bid.and_then(|m| book.price(m)));
        reference.set_known_ask(book.known_ask.and_then(|m| book.price(m)));
        outlet.event.begin(&header, &reference);
        outlet.publish.publish_book(&mut outlet.event, &mut outlet.book);
    }
}

/// Publishes the record in the outlet's spare buffer. Fused ones go through the store.
pub(super) fn publish_spare<P: Publish, R: SnapshotRequests>(stands_for: u32, outlet: &mut Outlet<P, R>) {
    let spare = core::mem::take(&mut outlet.spare);
    if let Some(event) = EventRef::from_words(&spare) {
        outlet.event.copy_from(event);
        outlet.event.header_mut().flags |= flag::HELD;
        let stored = event.header().type_id() == builtin::ANALYTICS_FUSED;
        outlet.publish_made(stands_for, stored);
    }
    outlet.spare = spare;
}

/// Appends a side.
fn push_best_first<const BID: bool>(into: &mut EventBuf, side: &BookSide<BID>) {
    let (mut chunk, mut levels) = ([Level::default(); 64], side.best_first());
    loop {
        let mut filled = 0;
        for (slot, level) in chunk.iter_mut().zip(&mut levels) {
            *slot = level;
            filled += 1;
        }
        if filled == 0 {
            return;
        }
        into.push_levels(&chunk[..filled]);
    }
}
