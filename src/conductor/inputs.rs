//! Purpose: what an input is to its instrument: a diff, a snapshot, a loss, or an event that passes as it is.
//! Owns: nothing. Thread: the conductor's. Takes and gives: events. Never: changes an event that passes.

use super::analytics::LastTrade;
use super::fusion::Instrument;
use super::outlet::Outlet;
use super::polls::Repeat;
use super::throttle::{Offer, is_state};
use crate::schema::canonical_type::builtin;
use crate::schema::event::EventRef;
use crate::schema::id::Source;
use crate::schema::payload::{CONNECTION_CHANGES, ConnectionStatus, PayloadKind};
use crate::schema::stage::{Publish, SnapshotRequests};
use crate::telemetry::Counter;

/// Whether a connection went down. One that has ended (a capture read to its end) takes no book with it.
pub(super) fn is_connection_lost(event: EventRef<'_>) -> bool {
    event.payload::<ConnectionStatus>().filter(|_| !event.header().instrument().is_some()).is_some_and(|status| {
        let down = CONNECTION_CHANGES.get(status.change as usize) == Some(&"ConnectionDown");
        down && !status.cause.starts_with(b"ended")
    })
}

impl Instrument {
    /// Whether anything was seen of its book.
    pub(super) fn has_book_stream(&self) -> bool {
        self.sync.local().is_some() || !self.held.is_empty() || self.epoch > 0 || self.sync.is_retired()
    }

    /// An input of this instrument.
    pub(super) fn take<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let header = event.header();
        match header.kind() {
            Some(PayloadKind::DepthDiff) if header.type_id() == builtin::ORDERBOOK_DELTA => {
                self.take_diff(event, outlet);
            }
            Some(PayloadKind::DepthLevels) if header.source == Source::RestDepth as u16 => {
                self.take_snapshot(event, outlet);
            }
            Some(PayloadKind::Lost) => self.take_lost(header, outlet),
            // Of an instrument: that its book's stream was acknowledged.
            Some(PayloadKind::ConnectionStatus) => self.fed_by(header, outlet),
            _ => self.take_other(event, outlet),
        }
    }

    /// An input that is published as it is.
    fn take_other<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let header = event.header();
        match self.streamed.repeats(event) {
            Repeat::No => {}
            Repeat::OfPoll => return outlet.count(Counter::PollDuplicate),
            Repeat::OfConnection => return outlet.count(Counter::ConnectionDuplicate),
        }
        if header.type_id() != builtin::TRADE_BLOCK
            && let Some(trade) = LastTrade::read(event)
            && self.last_trade.is_none_or(|last| trade.follows(&last))
        {
            self.last_trade = Some(trade);
        }
        self.pass_on(event, outlet);
        match header.kind() {
            Some(PayloadKind::BookTicker) => self.take_ticker(event, outlet),
            Some(PayloadKind::DepthLevels) => self.compare_partial(event, outlet),
            _ => {}
        }
    }

    /// Publishes an event that stands for itself, or leaves it with the throttle.
    fn pass_on<P: Publish, R: SnapshotRequests>(&mut self, event: EventRef<'_>, outlet: &mut Outlet<P, R>) {
        let interval = outlet.options.interval_of(event.header().type_id());
        let Some(interval) = interval.filter(|_| is_state(event.header().kind())) else {
            return outlet.pass(event, self.epoch);
        };
        match self.throttle.offer(event, interval, outlet.now) {
            Offer::Publish(stands_for) => {
                outlet.event.copy_from(event);
                outlet.event.header_mut().epoch = self.epoch;
                outlet.publish_made(stands_for, false);
            }
            Offer::Held { replaced } => outlet.counts.add(Counter::Conflated, u64::from(replaced)),
        }
    }
}
