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

/// Whether an input may have changed what its instrument wants next: a moment, or held diffs to be released. Most change
/// nothing, and then nobody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stirred {
    No,
    Maybe,
}

impl Stirred {
    fn or(self, other: Stirred) -> Stirred {
        if self == Stirred::No { other } else { self }
    }
}

impl Instrument {
    /// Whether anything was seen of its book.
    pub(super) fn has_book_stream(&self) -> bool {
        self.sync.local().is_some() || !self.held.is_empty() || self.epoch > 0 || self.sync.is_retired()
    }

    /// An input of this instrument.
    #[inline]
    pub(super) fn take<P: Publish, R: SnapshotRequests>(
        &mut self,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) -> Stirred {
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
            kind => return self.take_other(kind, event, outlet),
        }
        Stirred::Maybe
    }

    /// An input that is published as it is.
    fn take_other<P: Publish, R: SnapshotRequests>(
        &mut self,
        kind: Option<PayloadKind>,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) -> Stirred {
        match self.streamed.repeats(event) {
            Repeat::No => {}
            Repeat::OfPoll => {
                outlet.count(Counter::PollDuplicate);
                return Stirred::No;
            }
            Repeat::OfConnection => {
                outlet.count(Counter::ConnectionDuplicate);
                return Stirred::No;
            }
        }
        if matches!(kind, Some(PayloadKind::Trade | PayloadKind::AggTrade)) {
            self.take_trade(event);
        }
        let passed = self.pass_on(kind, event, outlet);
        match kind {
            Some(PayloadKind::BookTicker) => passed.or(self.take_ticker(event, outlet)),
            Some(PayloadKind::DepthLevels) => {
                self.compare_partial(event, outlet);
                passed
            }
            _ => passed,
        }
    }

    fn take_trade(&mut self, event: EventRef<'_>) {
        if event.header().type_id() != builtin::TRADE_BLOCK
            && let Some(trade) = LastTrade::read(event)
            && self.last_trade.is_none_or(|last| trade.follows(&last))
        {
            self.last_trade = Some(trade);
        }
    }

    /// Publishes an event that stands for itself, or leaves it with the throttle.
    fn pass_on<P: Publish, R: SnapshotRequests>(
        &mut self,
        kind: Option<PayloadKind>,
        event: EventRef<'_>,
        outlet: &mut Outlet<P, R>,
    ) -> Stirred {
        let interval = outlet.options.interval_of(event.header().type_id());
        let Some(interval) = interval.filter(|_| is_state(kind)) else {
            outlet.pass(event, self.epoch);
            return Stirred::No;
        };
        match self.throttle.offer(event, interval, outlet.now) {
            Offer::Publish(stands_for) => {
                outlet.event.copy_from(event);
                outlet.event.header_mut().epoch = self.epoch;
                outlet.publish_made(stands_for, false);
            }
            Offer::Held { replaced } => outlet.counts.add(Counter::Conflated, u64::from(replaced)),
        }
        Stirred::Maybe
    }
}
