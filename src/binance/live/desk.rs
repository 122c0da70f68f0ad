//! Purpose: the REST side of a live source: snapshots asked for, bodies handed over as frames, and which streams an
//! exchangeInfo makes wanted.
//! Owns: the queues to the REST thread, the listing. Thread: the io thread; REST has its own.
//! Takes and gives: snapshot requests in; bodies and wanted streams out. Never: blocks.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use super::board::Board;
use super::listing::{Changes, Listing};
use super::news::{LiveNews, NewsFeed, SymbolChange};
use super::note::Note;
use super::opening::nanos;
use super::options::{LiveError, LiveOptions, StreamNames};
use super::orders::{OrderRefused, OrderToken, StreamOrders};
use super::rest::{PollOrders, RestOptions, RestReply, RestRequest, RestWorker};
use super::source::REST;
use super::tls::Trust;
use crate::binance::catalogue::Catalogue;
use crate::schema::frame::{Frame, Origin, SnapshotRequest, Stamps};
use crate::schema::id::Market;
use crate::schema::time::UnixNanos;
use crate::telemetry::{Clock, Ledger};

/// Snapshot requests under way to the REST thread; more are counted, and asked for again by whoever needs them.
const REQUESTS_MAX: usize = 16_384;
/// Bodies under way back; the REST thread waits when there are more.
const REPLIES_MAX: usize = 16;

/// What became of the look for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// There is none.
    None,
    /// There was one, and no frame came of it.
    Dealt,
    /// A frame was handed over.
    Frame,
    /// The REST thread is gone: it has panicked.
    Gone,
}

/// The REST side.
pub(super) struct Desk {
    market: Market,
    streams: StreamNames,
    /// Until they are ordered.
    whole_market: Vec<String>,
    listing: Listing,
    /// The instruments that were named: only to tell which are not there.
    named: Listing,
    /// Streams of instruments that nobody has listed yet, wanted while the list cannot be had.
    assumed: Vec<String>,
    has_polls: bool,
    orders: StreamOrders,
    /// For whoever commands, if anybody does.
    news: Option<NewsFeed>,
    requests: SyncSender<RestRequest>,
    replies: Receiver<RestReply>,
    bodies: u64,
    board: Board,
}

impl core::fmt::Debug for Desk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").field("listing", &self.listing).finish_non_exhaustive()
    }
}

impl Desk {
    /// Makes it and starts the REST thread, which ends when this is dropped.
    ///
    /// # Errors
    /// [`LiveError::System`] when the system gives no thread.
    pub(super) fn new(
        options: &LiveOptions,
        trust: &Trust,
        clock: &Clock,
        ledger: &Ledger,
        board: Board,
        (orders, poll_orders, news): (StreamOrders, PollOrders, Option<NewsFeed>),
    ) -> Result<Desk, LiveError> {
        let (requests, incoming) = sync_channel(REQUESTS_MAX);
        let (outgoing, replies) = sync_channel(REPLIES_MAX);
        let rest = RestOptions {
            market: options.market,
            depth_limit: options.depth_limit,
            within: options.times.rest,
            refresh: options.times.refresh,
            backoff_ns: (nanos(options.times.backoff.0), nanos(options.times.backoff.1)),
            polls: options.polls.clone(),
            orders: orders.clone(),
            commanded: options.commanded,
            poll_orders,
            state_file: options.state_file.clone(),
            seed: options.seed,
            board: board.clone(),
        };
        let worker =
            RestWorker::new(rest, &options.rest, trust, clock.clone(), ledger.sheet("rest"), incoming, outgoing);
        thread::Builder::new()
            .name("rest".to_owned())
            .spawn(move || worker.run())
            .map_err(|e| LiveError::System("thread", e))?;
        Ok(Desk {
            market: options.market,
            streams: options.streams.clone(),
            whole_market: options.whole_market.clone(),
            listing: match options.commanded {
                true => Listing::new(Vec::new(), None),
                false => Listing::new(options.instruments.clone(), options.quote.clone()),
            },
            named: Listing::new(options.instruments.clone(), None),
            assumed: Vec::new(),
            has_polls: !options.polls.is_empty(),
            orders,
            news,
            requests,
            replies,
            bodies: 0,
            board,
        })
    }

    /// Looks for a reply of the REST thread and deals with it.
    #[inline]
    pub(super) fn turn(&mut self, clock: &Clock, take: &mut dyn FnMut(Frame<'_>)) -> Reply {
        let reply = match self.replies.try_recv() {
            Ok(reply) => reply,
            Err(TryRecvError::Empty) => return Reply::None,
            Err(TryRecvError::Disconnected) => return Reply::Gone,
        };
        if self.replied(reply, clock.unix_now(), take) { Reply::Frame } else { Reply::Dealt }
    }

    /// Asks for a snapshot; `false` when it cannot be served.
    pub(super) fn request(&self, request: SnapshotRequest<'_>) -> bool {
        let SnapshotRequest { market, symbol, epoch, urgency } = request;
        let asked = RestRequest::Depth { symbol: symbol.into(), epoch, urgency };
        market == self.market && self.requests.try_send(asked).is_ok()
    }

    /// Deals with a reply; whether a frame was handed over.
    #[cold]
    fn replied(&mut self, reply: RestReply, receive: UnixNanos, take: &mut dyn FnMut(Frame<'_>)) -> bool {
        let (market, connection, number) = (self.market, REST, self.bodies);
        match reply {
            RestReply::Note(note) => {
                self.board.note(note);
                return false;
            }
            RestReply::Shut => {
                self.assume();
                return false;
            }
            RestReply::Polled { path, mut body } => {
                let origin = Origin::RestOther { path: &path };
                take(Frame { market, connection, number, receive, stamps: Stamps::NONE, origin, bytes: &mut body });
            }
            RestReply::Depth { symbol, limit, mut body } => {
                let origin = Origin::RestDepth { symbol: &symbol, limit };
                take(Frame { market, connection, number, receive, stamps: Stamps::NONE, origin, bytes: &mut body });
            }
            RestReply::UnknownSymbol { symbol, limit, mut body } => {
                let origin = Origin::RestDepth { symbol: &symbol, limit };
                take(Frame { market, connection, number, receive, stamps: Stamps::NONE, origin, bytes: &mut body });
                if self.listing.remove(&symbol) {
                    self.dropped(&symbol);
                    self.board.note(Note::Delisted { symbol: symbol.to_string() });
                }
            }
            RestReply::Catalogue { catalogue, mut body } => {
                // The names are admitted before any frame that uses them.
                let origin = Origin::ExchangeInfo { whole: true };
                take(Frame { market, connection, number, receive, stamps: Stamps::NONE, origin, bytes: &mut body });
                self.catalogue(&catalogue);
            }
        }
        self.bodies += 1;
        true
    }

    /// The list of instruments cannot be had for a while, and streams need no REST: those of the instruments that were named
    /// are asked for by the symbols that they most likely have. The venue acknowledges any name, so a wrong guess is silent.
    fn assume(&mut self) {
        if let Some(news) = &self.news {
            let guessed = self.named.guessed();
            if !guessed.is_empty() {
                self.board.note(Note::Guessed { streams: guessed.len() });
            }
            let told = guessed.iter().map(|symbol| LiveNews::Symbol(symbol.as_str().into(), SymbolChange::Trades));
            self.deliver(news, told);
            self.assumed = guessed;
            return;
        }
        let whole_market = core::mem::take(&mut self.whole_market);
        self.ordered(&whole_market, StreamOrders::want);
        for symbol in self.listing.guessed() {
            let names = (self.streams)(&symbol);
            self.ordered(&names, StreamOrders::want);
            self.assumed.extend(names);
        }
        if !self.assumed.is_empty() {
            self.board.note(Note::Guessed { streams: self.assumed.len() });
        }
    }

    /// Takes back the guesses that no list has confirmed.
    fn confirm(&mut self) {
        let wanted: HashSet<String> = self.listing.symbols().flat_map(|symbol| (self.streams)(symbol)).collect();
        let mut unlisted = core::mem::take(&mut self.assumed);
        unlisted.retain(|name| !wanted.contains(name));
        self.ordered(&unlisted, StreamOrders::unwant);
    }

    fn poll_for(&self, symbol: &str, wanted: bool) {
        if self.has_polls && self.requests.try_send(RestRequest::Poll { symbol: symbol.into(), wanted }).is_err() {
            self.board.note(Note::PollsLost { symbol: symbol.to_owned(), wanted });
        }
    }

    /// The venue has dropped a symbol.
    fn dropped(&self, symbol: &str) {
        self.poll_for(symbol, false);
        match &self.news {
            Some(news) => self.deliver(news, [LiveNews::Symbol(symbol.into(), SymbolChange::Dropped)].into_iter()),
            None => {
                self.ordered(&(self.streams)(symbol), StreamOrders::unwant);
                self.board.unlist();
            }
        }
    }

    fn catalogue(&mut self, catalogue: &Catalogue) {
        let changes = self.listing.update(catalogue);
        if let Some(news) = &self.news {
            // Guesses that no list has confirmed.
            let listed: HashSet<&str> = self.listing.symbols().collect();
            let wrong = self.assumed.drain(..).filter(|symbol| !listed.contains(symbol.as_str()));
            let wrong: Vec<_> =
                wrong.map(|symbol| LiveNews::Symbol(symbol.as_str().into(), SymbolChange::Dropped)).collect();
            self.deliver(news, wrong.into_iter());
            self.tell(news, &changes);
            let named = self.named.update(catalogue);
            self.note_changes(&named);
            if !named.add.is_empty() {
                self.board.note(Note::Listed { instruments: named.add.len() });
            }
            self.polled();
            return;
        }
        let whole_market = core::mem::take(&mut self.whole_market);
        self.ordered(&whole_market, StreamOrders::want);
        for symbol in &changes.add {
            self.ordered(&(self.streams)(symbol), StreamOrders::want);
            self.poll_for(symbol, true);
        }
        self.board.list(changes.add.len());
        self.confirm();
        for symbol in &changes.remove {
            self.dropped(symbol);
        }
        self.note_changes(&changes);
        if !changes.add.is_empty() {
            let (connections, streams) = self.orders.size();
            let instruments = changes.add.len();
            self.board.note(Note::Subscribed { instruments, streams, connections });
        }
        self.polled();
        self.board.catalogue();
    }

    /// What of a list is worth a line, but for what it brings anew.
    fn note_changes(&self, changes: &Changes) {
        for symbol in &changes.remove {
            self.board.note(Note::Delisted { symbol: symbol.to_string() });
        }
        for (symbol, open) in &changes.turned {
            self.board.note(Note::Trading { symbol: symbol.to_string(), open: *open });
        }
        if !changes.missing.is_empty() {
            self.board.note(Note::Missing { names: changes.missing.clone() });
        }
    }

    /// Every poll has been told of.
    fn polled(&self) {
        if self.has_polls {
            // Lost, it is said with the next list.
            let _ = self.requests.try_send(RestRequest::Polled);
        }
    }

    /// Leaves it to whoever commands what comes of a list of instruments.
    fn tell(&self, news: &NewsFeed, changes: &Changes) {
        let turned = |open: bool| if open { SymbolChange::Trades } else { SymbolChange::Halted };
        let added = changes.add.iter().map(|symbol| (symbol, SymbolChange::Trades));
        let dropped = changes.remove.iter().map(|symbol| (symbol, SymbolChange::Dropped));
        let all = added.chain(dropped).chain(changes.turned.iter().map(|(symbol, open)| (symbol, turned(*open))));
        let told = all.map(|(symbol, change)| LiveNews::Symbol(symbol.clone(), change)).chain([LiveNews::Listing]);
        self.deliver(news, told);
        changes.add.iter().for_each(|symbol| self.poll_for(symbol, true));
        for symbol in &changes.remove {
            self.poll_for(symbol, false);
        }
        self.board.catalogue();
    }

    fn deliver(&self, news: &NewsFeed, told: impl Iterator<Item = LiveNews>) {
        if !news.tell(told) {
            self.board.note_once("news", Note::NewsLost);
        }
    }

    /// Gives an order; one that is refused is told.
    fn ordered(
        &self,
        names: &[String],
        give: impl FnOnce(&StreamOrders, &[String]) -> Result<OrderToken, OrderRefused>,
    ) {
        if let Err(why) = give(&self.orders, names) {
            self.board.note(Note::NotOrdered { streams: names.len(), why });
        }
    }
}
