//! Purpose: the payloads of events, each a plain `#[repr(C)]` struct with a table that names its fields.
//! Owns: their layouts, versions and JSON names. Thread: any. Takes and gives: plain data.
//! Never: a field that is not in its table; an implicit padding byte.

use bytemuck::{Pod, Zeroable};

use super::decimal::{Decimal, SCALE_ABSENT};
use super::quality::{BookCause, BookChange, Quality};

/// What a payload is. The numbers are part of the record format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // Each is documented on the struct of the same name.
pub enum PayloadKind {
    Trade = 1,
    AggTrade,
    Ticker,
    MiniTicker,
    BookTicker,
    WindowTicker,
    Kline,
    /// A diff: [`Depth`] and level arrays.
    DepthDiff,
    /// The best levels, or a whole book from REST: [`Depth`] and level arrays.
    DepthLevels,
    BookReference,
    AveragePrice,
    ReferencePrice,
    MarkPrice,
    Liquidation,
    Fused,
    BookStatus,
    ConnectionStatus,
    ControlUpdate,
    /// A whole book in the snapshot store: [`Book`] and level arrays.
    Book,
    /// Between dispatch and conductor only: [`Lost`].
    Lost,
}

/// How a field's bytes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `i64`.
    Int,
    /// `u32`.
    Count,
    /// UTC ns as `i64`; `i64::MIN` is absent.
    Time,
    /// Mantissa as `i64`, its scale in the byte at this offset; scale 255 is absent.
    Decimal(usize),
    /// As `Decimal`, with its scale at the first offset; absent unless the byte at the second one has this bit.
    Bound(usize, usize, u8),
    /// This bit of a byte.
    Flag(u8),
    /// ASCII text of at most this many bytes, padded with zeros.
    Text(usize),
    /// `i64` index into names.
    Code(&'static [&'static str]),
}

/// One field of a payload.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON and in consumers' filters.
    pub name: &'static str,
    /// Byte offset in the payload.
    pub offset: usize,
    /// How it reads.
    pub kind: FieldKind,
}

/// A payload.
pub trait Payload: Pod {
    /// Its kind.
    const KIND: PayloadKind;
    /// Its fields, in JSON order.
    const FIELDS: &'static [Field];
    /// Its length, in 8-byte words.
    const WORDS: usize = core::mem::size_of::<Self>() / 8;
}

/// Bytes that bring `n` up to a multiple of eight.
const fn padding(n: usize) -> usize {
    (8 - n % 8) % 8
}

macro_rules! payload {
    (
        $(#[$doc:meta])*
        $name:ident: $kind:ident {
            $(words { $($(#[$wdoc:meta])* $word:ident = $wtext:literal $wkind:expr),* $(,)? })?
            $(texts { $($(#[$tdoc:meta])* $text:ident[$tlen:literal] = $ttext:literal),* $(,)? })?
            decimals($count:literal) { $($(#[$ddoc:meta])* $decimal:ident / $set:ident [$at:literal] = $dtext:literal),* $(,)? }
            $(flags { $($(#[$fdoc:meta])* $flag:ident($bit:literal) = $ftext:literal),* $(,)? })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($($(#[$wdoc])* pub $word: i64,)*)?
            /// Mantissas of the decimals; read them by name.
            pub mantissas: [i64; $count],
            $($($(#[$tdoc])* pub $text: [u8; $tlen],)*)?
            /// Scales of the decimals; 255 marks an absent one.
            pub scales: [u8; $count],
            /// Bits; read them by name.
            pub flags: u8,
            /// Zero.
            pub reserved: [u8; padding($count + 1)],
        }

        impl $name {
            $($(#[$ddoc])*
            #[inline]
            pub fn $decimal(&self) -> Option<Decimal> {
                Decimal::new(self.mantissas[$at], self.scales[$at])
            }
            /// Sets it; `None` marks it absent.
            #[inline]
            pub fn $set(&mut self, value: Option<Decimal>) {
                let value = value.map_or((0, SCALE_ABSENT), |d| (d.mantissa(), d.scale()));
                (self.mantissas[$at], self.scales[$at]) = value;
            })*
            $($($(#[$fdoc])*
            #[inline]
            pub const fn $flag(&self) -> bool {
                self.flags & $bit != 0
            })*)?
        }

        impl Payload for $name {
            const KIND: PayloadKind = PayloadKind::$kind;
            const FIELDS: &'static [Field] = &[
                $($(Field { name: $wtext, offset: core::mem::offset_of!($name, $word), kind: $wkind },)*)?
                $($(Field { name: $ttext, offset: core::mem::offset_of!($name, $text), kind: FieldKind::Text($tlen) },)*)?
                $(Field {
                    name: $dtext,
                    offset: core::mem::offset_of!($name, mantissas) + $at * 8,
                    kind: FieldKind::Decimal(core::mem::offset_of!($name, scales) + $at),
                },)*
                $($(Field { name: $ftext, offset: core::mem::offset_of!($name, flags), kind: FieldKind::Flag($bit) },)*)?
            ];
        }
    };
}

payload! {
    /// One trade (`@trade`, `@blockTrade`); its id is the event's venue id. 32 bytes.
    Trade: Trade {
        words {
            /// When it was made.
            trade_time = "tradeTime" FieldKind::Time,
        }
        decimals(2) {
            /// Price.
            price / set_price [0] = "price",
            /// Quantity, in base units.
            quantity / set_quantity [1] = "quantity",
        }
        flags {
            /// The buyer was the maker, so the aggressor sold.
            buyer_is_maker(1) = "buyerIsMaker",
            /// The venue's "best match" mark (spot).
            best_match(2) = "bestMatch",
        }
    }
}

/// Trades of one taker order at one price (`@aggTrade`); its id is the event's venue id. 40 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct AggTrade {
    /// When the last of them was made.
    pub trade_time: i64,
    /// Id of the first trade; -1 where the venue names none.
    pub first_id: i64,
    /// Mantissas of price and quantity.
    pub mantissas: [i64; 2],
    /// Scales of price and quantity.
    pub scales: [u8; 2],
    /// Bit 1: the buyer was the maker.
    pub flags: u8,
    /// Zero.
    pub reserved: u8,
    /// How many trades, the first one to the last one (ids are contiguous, binance.md section 2).
    pub trades: u32,
}

impl AggTrade {
    /// Price.
    #[inline]
    pub fn price(&self) -> Option<Decimal> {
        Decimal::new(self.mantissas[0], self.scales[0])
    }

    /// Quantity of all of them, in base units.
    #[inline]
    pub fn quantity(&self) -> Option<Decimal> {
        Decimal::new(self.mantissas[1], self.scales[1])
    }

    /// The buyer was the maker, so the aggressor sold.
    #[inline]
    pub const fn buyer_is_maker(&self) -> bool {
        self.flags & 1 != 0
    }
}

impl Payload for AggTrade {
    const KIND: PayloadKind = PayloadKind::AggTrade;
    const FIELDS: &'static [Field] = &[
        Field { name: "tradeTime", offset: 0, kind: FieldKind::Time },
        Field { name: "firstTradeId", offset: 8, kind: FieldKind::Int },
        Field { name: "trades", offset: 36, kind: FieldKind::Count },
        Field { name: "price", offset: 16, kind: FieldKind::Decimal(32) },
        Field { name: "quantity", offset: 24, kind: FieldKind::Decimal(33) },
        Field { name: "buyerIsMaker", offset: 34, kind: FieldKind::Flag(1) },
    ];
}

payload! {
    /// Best bid and ask (`@bookTicker`); the update id is the event's venue id. 40 bytes.
    BookTicker: BookTicker {
        decimals(4) {
            /// Best bid price.
            bid / set_bid [0] = "bid",
            /// Quantity there.
            bid_quantity / set_bid_quantity [1] = "bidQuantity",
            /// Best ask price.
            ask / set_ask [2] = "ask",
            /// Quantity there.
            ask_quantity / set_ask_quantity [3] = "askQuantity",
        }
    }
}

payload! {
    /// 24-hour statistics (`@ticker`). Futures send neither the previous close nor the best bid and ask.
    Ticker: Ticker {
        words {
            /// Begin of the window.
            open_time = "openTime" FieldKind::Time,
            /// End of the window.
            close_time = "closeTime" FieldKind::Time,
            /// First trade id of the window.
            first_trade_id = "firstTradeId" FieldKind::Int,
            /// Last trade id of the window.
            last_trade_id = "lastTradeId" FieldKind::Int,
            /// Number of trades.
            trades = "trades" FieldKind::Int,
        }
        decimals(15) {
            /// Absolute change.
            change / set_change [0] = "change",
            /// Change in per cent.
            change_percent / set_change_percent [1] = "changePercent",
            /// Weighted average.
            average / set_average [2] = "average",
            /// Close before the window.
            previous_close / set_previous_close [3] = "previousClose",
            /// Last price.
            last / set_last [4] = "last",
            /// Last quantity.
            last_quantity / set_last_quantity [5] = "lastQuantity",
            /// Best bid.
            bid / set_bid [6] = "bid",
            /// Quantity there.
            bid_quantity / set_bid_quantity [7] = "bidQuantity",
            /// Best ask.
            ask / set_ask [8] = "ask",
            /// Quantity there.
            ask_quantity / set_ask_quantity [9] = "askQuantity",
            /// First price.
            open / set_open [10] = "open",
            /// Highest price.
            high / set_high [11] = "high",
            /// Lowest price.
            low / set_low [12] = "low",
            /// Volume, in base units.
            volume / set_volume [13] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [14] = "quoteVolume",
        }
    }
}

payload! {
    /// 24-hour statistics, short (`@miniTicker`).
    MiniTicker: MiniTicker {
        decimals(6) {
            /// Last price.
            last / set_last [0] = "last",
            /// First price.
            open / set_open [1] = "open",
            /// Highest price.
            high / set_high [2] = "high",
            /// Lowest price.
            low / set_low [3] = "low",
            /// Volume, in base units.
            volume / set_volume [4] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [5] = "quoteVolume",
        }
    }
}

payload! {
    /// Statistics over a rolling window (`@ticker_1h`).
    WindowTicker: WindowTicker {
        words {
            /// Begin of the window.
            open_time = "openTime" FieldKind::Time,
            /// End of the window.
            close_time = "closeTime" FieldKind::Time,
            /// First trade id of the window.
            first_trade_id = "firstTradeId" FieldKind::Int,
            /// Last trade id of the window.
            last_trade_id = "lastTradeId" FieldKind::Int,
            /// Number of trades.
            trades = "trades" FieldKind::Int,
        }
        texts {
            /// The window (`1h`).
            window[8] = "window",
        }
        decimals(9) {
            /// Absolute change.
            change / set_change [0] = "change",
            /// Change in per cent.
            change_percent / set_change_percent [1] = "changePercent",
            /// First price.
            open / set_open [2] = "open",
            /// Highest price.
            high / set_high [3] = "high",
            /// Lowest price.
            low / set_low [4] = "low",
            /// Last price.
            last / set_last [5] = "last",
            /// Weighted average.
            average / set_average [6] = "average",
            /// Volume, in base units.
            volume / set_volume [7] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [8] = "quoteVolume",
        }
    }
}

payload! {
    /// A candle (`@kline_1m`).
    Kline: Kline {
        words {
            /// Begin of the candle.
            open_time = "openTime" FieldKind::Time,
            /// End of the candle.
            close_time = "closeTime" FieldKind::Time,
            /// First trade id; -1 without trades.
            first_trade_id = "firstTradeId" FieldKind::Int,
            /// Last trade id; -1 without trades.
            last_trade_id = "lastTradeId" FieldKind::Int,
            /// Number of trades.
            trades = "trades" FieldKind::Int,
        }
        texts {
            /// The interval as the venue writes it (`1m`, `1M`).
            interval[8] = "interval",
        }
        decimals(8) {
            /// First price.
            open / set_open [0] = "open",
            /// Last price.
            close / set_close [1] = "close",
            /// Highest price.
            high / set_high [2] = "high",
            /// Lowest price.
            low / set_low [3] = "low",
            /// Volume, in base units.
            volume / set_volume [4] = "volume",
            /// Volume, in quote units.
            quote_volume / set_quote_volume [5] = "quoteVolume",
            /// Volume that takers bought, in base units.
            taker_buy_volume / set_taker_buy_volume [6] = "takerBuyVolume",
            /// Volume that takers bought, in quote units.
            taker_buy_quote_volume / set_taker_buy_quote_volume [7] = "takerBuyQuoteVolume",
        }
        flags {
            /// The candle is closed.
            closed(1) = "closed",
        }
    }
}

payload! {
    /// The venue's average price (`@avgPrice`).
    AveragePrice: AveragePrice {
        words {
            /// Time of the last trade in it.
            last_trade_time = "lastTradeTime" FieldKind::Time,
        }
        texts {
            /// The interval it is taken over (`5m`).
            interval[8] = "interval",
        }
        decimals(1) {
            /// The average.
            price / set_price [0] = "price",
        }
    }
}

payload! {
    /// The venue's reference price (`@referencePrice`); the venue sends `null` when it has none.
    ReferencePrice: ReferencePrice {
        decimals(1) {
            /// The price, if there is one.
            price / set_price [0] = "price",
        }
    }
}

payload! {
    /// Mark price and funding of a perpetual (`@markPrice`).
    MarkPrice: MarkPrice {
        words {
            /// Next funding.
            next_funding_time = "nextFundingTime" FieldKind::Time,
        }
        decimals(5) {
            /// Mark price.
            mark / set_mark [0] = "mark",
            /// Its moving average, where the venue sends it.
            mark_average / set_mark_average [1] = "markAverage",
            /// Index price.
            index / set_index [2] = "index",
            /// Estimated settlement price.
            settlement / set_settlement [3] = "settlement",
            /// Funding rate; absent on contracts without funding.
            funding_rate / set_funding_rate [4] = "fundingRate",
        }
    }
}

payload! {
    /// A forced order (`@forceOrder`).
    Liquidation: Liquidation {
        words {
            /// When it was filled.
            trade_time = "tradeTime" FieldKind::Time,
        }
        texts {
            /// `BUY` or `SELL`.
            side[8] = "side",
            /// `LIMIT`, …
            order_type[24] = "orderType",
            /// `IOC`, …
            time_in_force[8] = "timeInForce",
            /// `FILLED`, …
            status[24] = "status",
        }
        decimals(5) {
            /// Ordered quantity.
            quantity / set_quantity [0] = "quantity",
            /// Limit price.
            price / set_price [1] = "price",
            /// Average price.
            average / set_average [2] = "average",
            /// Quantity of the last fill.
            last_quantity / set_last_quantity [3] = "lastQuantity",
            /// Quantity filled so far.
            filled_quantity / set_filled_quantity [4] = "filledQuantity",
        }
    }
}

payload! {
    /// What the conductor derives from a book and its trades, one after every applied diff.
    ///
    /// `mid` and `spread` are exact. `micro_price` and the imbalances are quotients: rounded half to even at 12 and 6
    /// decimals (fewer where 63 bits demand it); they are Meltica's numbers, not the venue's.
    Fused: Fused {
        words {
            /// The book's update id.
            update_id = "updateId" FieldKind::Int,
            /// Id of the last trade; `i64::MIN` before the first.
            last_trade_id = "lastTradeId" FieldKind::Time,
        }
        decimals(18) {
            /// Best bid; absent when that side is empty.
            bid / set_bid [0] = "bid",
            /// Quantity there.
            bid_quantity / set_bid_quantity [1] = "bidQuantity",
            /// Best ask; absent when that side is empty.
            ask / set_ask [2] = "ask",
            /// Quantity there.
            ask_quantity / set_ask_quantity [3] = "askQuantity",
            /// Half of bid plus ask, exact.
            mid / set_mid [4] = "mid",
            /// Ask minus bid, exact.
            spread / set_spread [5] = "spread",
            /// `(bid × ask quantity + ask × bid quantity) / (bid quantity + ask quantity)`.
            micro_price / set_micro_price [6] = "microPrice",
            /// Quantity on the best 5 bids.
            bid_depth5 / set_bid_depth5 [7] = "bidDepth5",
            /// Quantity on the best 5 asks.
            ask_depth5 / set_ask_depth5 [8] = "askDepth5",
            /// `(bid − ask) / (bid + ask)` of the depths at 5 levels, −1 to 1.
            imbalance5 / set_imbalance5 [9] = "imbalance5",
            /// Quantity on the best 10 bids.
            bid_depth10 / set_bid_depth10 [10] = "bidDepth10",
            /// Quantity on the best 10 asks.
            ask_depth10 / set_ask_depth10 [11] = "askDepth10",
            /// The imbalance at 10 levels.
            imbalance10 / set_imbalance10 [12] = "imbalance10",
            /// Quantity on the best 20 bids.
            bid_depth20 / set_bid_depth20 [13] = "bidDepth20",
            /// Quantity on the best 20 asks.
            ask_depth20 / set_ask_depth20 [14] = "askDepth20",
            /// The imbalance at 20 levels.
            imbalance20 / set_imbalance20 [15] = "imbalance20",
            /// Price of the last trade.
            last_price / set_last_price [16] = "lastPrice",
            /// Its quantity.
            last_quantity / set_last_quantity [17] = "lastQuantity",
        }
    }
}

/// The head of level arrays from the venue: a diff ([`PayloadKind::DepthDiff`]) or levels as they stand
/// ([`PayloadKind::DepthLevels`]). Bids follow, then asks, each in the venue's order.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Depth {
    /// First update id of the span (`U`); equals `last_id` where there is no span.
    pub first_id: i64,
    /// Last update id (`u`, `lastUpdateId`).
    pub last_id: i64,
    /// The id before the span: `U - 1` on spot, `pu` on futures (binance.md section 1). Equals `last_id` for levels as they stand.
    pub previous_id: i64,
    /// How many bid levels follow.
    pub bids: u32,
    /// How many ask levels follow them.
    pub asks: u32,
    /// Decimals of the prices.
    pub price_scale: u8,
    /// Decimals of the quantities.
    pub quantity_scale: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// For a REST body, the `limit` asked for; 0 when it is not known.
    pub limit: u32,
}

impl Depth {
    const FIELDS: &'static [Field] = &[
        Field { name: "firstUpdateId", offset: 0, kind: FieldKind::Int },
        Field { name: "updateId", offset: 8, kind: FieldKind::Int },
        Field { name: "previousUpdateId", offset: 16, kind: FieldKind::Int },
    ];
}

impl Payload for Depth {
    const KIND: PayloadKind = PayloadKind::DepthDiff;
    const FIELDS: &'static [Field] = Depth::FIELDS;
}

/// [`Depth`] as the head of levels as they stand.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct DepthLevels(pub Depth);

impl Payload for DepthLevels {
    const KIND: PayloadKind = PayloadKind::DepthLevels;
    const FIELDS: &'static [Field] = Depth::FIELDS;
}

/// A whole book: the head of level arrays in the snapshot store. Bids follow, best first, then asks, best first.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Book {
    /// The last applied update id.
    pub update_id: i64,
    /// The `seq` of the last `ORDERBOOK.DELTA` in it: a late joiner goes on with the next one.
    pub delta_seq: u64,
    /// The worst bid that is known, a mantissa at `price_scale`; meaningful when `flags` has bit 1. Without the bit every bid is known.
    pub known_bid: i64,
    /// The worst ask that is known, likewise with bit 2.
    pub known_ask: i64,
    /// How many bid levels follow.
    pub bids: u32,
    /// How many ask levels follow them.
    pub asks: u32,
    /// Decimals of the prices.
    pub price_scale: u8,
    /// Decimals of the quantities.
    pub quantity_scale: u8,
    /// Bit 1: `known_bid` bounds; bit 2: `known_ask` bounds.
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

impl Payload for Book {
    const KIND: PayloadKind = PayloadKind::Book;
    const FIELDS: &'static [Field] = &[
        Field { name: "updateId", offset: 0, kind: FieldKind::Int },
        Field { name: "deltaSeq", offset: 8, kind: FieldKind::Int },
        Field { name: "knownBid", offset: 16, kind: FieldKind::Bound(40, 42, 1) },
        Field { name: "knownAsk", offset: 24, kind: FieldKind::Bound(40, 42, 2) },
    ];
}

payload! {
    /// "A fresh whole book lies in the snapshot store": what the ring carries instead of the book.
    BookReference: BookReference {
        words {
            /// The book's update id.
            update_id = "updateId" FieldKind::Int,
            /// The store's version of it; 0 when the store refused it (flag `notStored`).
            store_version = "storeVersion" FieldKind::Int,
            /// The `seq` of the last `ORDERBOOK.DELTA` in it.
            delta_seq = "deltaSeq" FieldKind::Int,
            /// Bid levels.
            bid_levels = "bidLevels" FieldKind::Int,
            /// Ask levels.
            ask_levels = "askLevels" FieldKind::Int,
        }
        decimals(2) {
            /// The worst bid that is known; absent when every bid is.
            known_bid / set_known_bid [0] = "knownBid",
            /// The worst ask that is known; absent when every ask is.
            known_ask / set_known_ask [1] = "knownAsk",
        }
    }
}

payload! {
    /// What happened to a book (`STATUS.BOOK`): rule Q of faults.md has it before any later book event of the instrument.
    BookStatus: BookStatus {
        words {
            /// What is announced.
            change = "change" FieldKind::Code(BookChange::NAMES),
            /// Why.
            cause = "cause" FieldKind::Code(BookCause::NAMES),
            /// Quality before.
            from = "from" FieldKind::Code(Quality::NAMES),
            /// Quality from here on.
            to = "to" FieldKind::Code(Quality::NAMES),
            /// For a gap: the id that was expected next; `i64::MIN` otherwise.
            expected = "expected" FieldKind::Time,
            /// For a gap: the first id of what came instead.
            got = "got" FieldKind::Time,
            /// For the end of a gap: the update id at which it closed.
            resumed_at = "resumedAt" FieldKind::Time,
            /// For the end of a gap: how long it stood open, ns.
            elapsed_ns = "elapsedNs" FieldKind::Time,
        }
        decimals(2) {
            /// The worst bid that is known; absent when every bid is, or there is no book.
            known_bid / set_known_bid [0] = "knownBid",
            /// The worst ask that is known, likewise.
            known_ask / set_known_ask [1] = "knownAsk",
        }
    }
}

/// What a `STATUS.CONNECTION` event announces.
pub const CONNECTION_CHANGES: &[&str] = &["ConnectionDown", "ConnectionUp"];

payload! {
    /// A connection came or went.
    ConnectionStatus: ConnectionStatus {
        words {
            /// What is announced.
            change = "change" FieldKind::Code(CONNECTION_CHANGES),
        }
        texts {
            /// Why, in a word (`started`, `ended`, `reset`, `closed 1008`).
            cause[32] = "cause",
        }
        decimals(0) {}
    }
}

/// What a control command came to.
pub const CONTROL_OUTCOMES: &[&str] = &["accepted", "noop", "error"];

/// What a control command was.
pub const CONTROL_VERBS: &[&str] = &["start", "subscribe", "unsubscribe", "updateFilters"];

payload! {
    /// The audit of one control command.
    ControlUpdate: ControlUpdate {
        words {
            /// What was asked.
            verb = "verb" FieldKind::Code(CONTROL_VERBS),
            /// What it came to.
            outcome = "outcome" FieldKind::Code(CONTROL_OUTCOMES),
            /// The control version before.
            old_version = "oldVersion" FieldKind::Int,
            /// The control version after.
            new_version = "newVersion" FieldKind::Int,
            /// The type it concerned; 0 for all.
            subject = "subject" FieldKind::Int,
        }
        texts {
            /// Who asked.
            consumer[32] = "consumer",
        }
        decimals(0) {}
    }
}

payload! {
    /// Never published: tells the conductor that content of the instrument's book stream was lost.
    Lost: Lost {
        decimals(0) {}
    }
}

impl PayloadKind {
    /// Every kind, in order of its number.
    pub const ALL: [PayloadKind; 20] = [
        PayloadKind::Trade,
        PayloadKind::AggTrade,
        PayloadKind::Ticker,
        PayloadKind::MiniTicker,
        PayloadKind::BookTicker,
        PayloadKind::WindowTicker,
        PayloadKind::Kline,
        PayloadKind::DepthDiff,
        PayloadKind::DepthLevels,
        PayloadKind::BookReference,
        PayloadKind::AveragePrice,
        PayloadKind::ReferencePrice,
        PayloadKind::MarkPrice,
        PayloadKind::Liquidation,
        PayloadKind::Fused,
        PayloadKind::BookStatus,
        PayloadKind::ConnectionStatus,
        PayloadKind::ControlUpdate,
        PayloadKind::Book,
        PayloadKind::Lost,
    ];

    /// From the byte in a record.
    #[inline]
    pub const fn from_byte(byte: u8) -> Option<PayloadKind> {
        if byte >= 1 && (byte as usize) <= PayloadKind::ALL.len() {
            Some(PayloadKind::ALL[byte as usize - 1])
        } else {
            None
        }
    }

    /// The fields and the fixed length in words.
    pub const fn fields(self) -> (&'static [Field], usize) {
        const fn of<P: Payload>() -> (&'static [Field], usize) {
            (P::FIELDS, P::WORDS)
        }
        match self {
            PayloadKind::Trade => of::<Trade>(),
            PayloadKind::AggTrade => of::<AggTrade>(),
            PayloadKind::Ticker => of::<Ticker>(),
            PayloadKind::MiniTicker => of::<MiniTicker>(),
            PayloadKind::BookTicker => of::<BookTicker>(),
            PayloadKind::WindowTicker => of::<WindowTicker>(),
            PayloadKind::Kline => of::<Kline>(),
            PayloadKind::DepthDiff => of::<Depth>(),
            PayloadKind::DepthLevels => of::<DepthLevels>(),
            PayloadKind::BookReference => of::<BookReference>(),
            PayloadKind::AveragePrice => of::<AveragePrice>(),
            PayloadKind::ReferencePrice => of::<ReferencePrice>(),
            PayloadKind::MarkPrice => of::<MarkPrice>(),
            PayloadKind::Liquidation => of::<Liquidation>(),
            PayloadKind::Fused => of::<Fused>(),
            PayloadKind::BookStatus => of::<BookStatus>(),
            PayloadKind::ConnectionStatus => of::<ConnectionStatus>(),
            PayloadKind::ControlUpdate => of::<ControlUpdate>(),
            PayloadKind::Book => of::<Book>(),
            PayloadKind::Lost => of::<Lost>(),
        }
    }

    /// The version of the payload's schema that this program writes. A route names it; another one is a configuration error.
    pub const fn version(self) -> u16 {
        1
    }

    /// Where a payload's level arrays begin (words), and how many bids and asks they hold; `None` for kinds without.
    pub fn level_counts(self, payload: &[u64]) -> Option<(usize, usize, usize)> {
        match self {
            PayloadKind::DepthDiff | PayloadKind::DepthLevels => {
                let head: &Depth = bytemuck::from_bytes(bytemuck::cast_slice(payload.get(..Depth::WORDS)?));
                Some((Depth::WORDS, head.bids as usize, head.asks as usize))
            }
            PayloadKind::Book => {
                let head: &Book = bytemuck::from_bytes(bytemuck::cast_slice(payload.get(..Book::WORDS)?));
                Some((Book::WORDS, head.bids as usize, head.asks as usize))
            }
            _ => None,
        }
    }

    /// The scales of a payload's level arrays: price, then quantity.
    pub fn level_scales(self, payload: &[u64]) -> Option<(u8, u8)> {
        let (byte, offset) = match self {
            PayloadKind::DepthDiff | PayloadKind::DepthLevels => {
                (Depth::WORDS, core::mem::offset_of!(Depth, price_scale))
            }
            PayloadKind::Book => (Book::WORDS, core::mem::offset_of!(Book, price_scale)),
            _ => return None,
        };
        let bytes: &[u8] = bytemuck::cast_slice(payload.get(..byte)?);
        Some((bytes[offset], bytes[offset + 1]))
    }
}

/// Puts a text into a fixed field; `None` when it does not fit or is not ASCII.
pub fn fixed_text<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if !text.is_ascii() {
        return None;
    }
    out.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::super::event::EventHeader;
    use super::*;

    #[test]
    fn small_kinds_fit_two_cache_lines_with_their_head() {
        for kind in [PayloadKind::Trade, PayloadKind::AggTrade, PayloadKind::BookTicker] {
            assert!(kind.fields().1 * 8 + size_of::<EventHeader>() <= 128, "{kind:?}");
        }
    }

    #[test]
    fn layouts_are_as_recorded() {
        let sizes = PayloadKind::ALL.map(|k| k.fields().1 * 8);
        assert_eq!(sizes, [32, 40, 176, 56, 40, 136, 128, 40, 40, 64, 32, 16, 56, 120, 184, 88, 48, 80, 48, 8]);
    }

    #[test]
    fn fields_have_distinct_names_and_lie_inside_the_payload() {
        for kind in PayloadKind::ALL {
            let (fields, words) = kind.fields();
            for (at, field) in fields.iter().enumerate() {
                assert!(fields[..at].iter().all(|f| f.name != field.name), "{kind:?} {}", field.name);
                let end = match field.kind {
                    FieldKind::Flag(_) => field.offset + 1,
                    FieldKind::Text(len) => field.offset + len,
                    FieldKind::Count => field.offset + 4,
                    FieldKind::Decimal(scale) => scale.max(field.offset + 7) + 1,
                    FieldKind::Bound(scale, flags, _) => scale.max(flags).max(field.offset + 7) + 1,
                    _ => field.offset + 8,
                };
                assert!(end <= words * 8, "{kind:?} {}", field.name);
            }
            assert_eq!(PayloadKind::from_byte(kind as u8), Some(kind));
        }
    }

    #[test]
    fn agg_trade_fields_are_where_the_table_says() {
        use core::mem::offset_of;
        let places = [
            offset_of!(AggTrade, trade_time),
            offset_of!(AggTrade, first_id),
            offset_of!(AggTrade, trades),
            offset_of!(AggTrade, mantissas),
            offset_of!(AggTrade, mantissas) + 8,
            offset_of!(AggTrade, flags),
        ];
        for (field, place) in AggTrade::FIELDS.iter().zip(places) {
            assert_eq!(field.offset, place, "{}", field.name);
        }
        assert_eq!(offset_of!(AggTrade, scales), 32);
    }

    #[test]
    fn book_fields_are_where_the_table_says() {
        use core::mem::offset_of;
        let places = [
            offset_of!(Book, update_id),
            offset_of!(Book, delta_seq),
            offset_of!(Book, known_bid),
            offset_of!(Book, known_ask),
        ];
        assert_eq!(Book::FIELDS.iter().map(|f| f.offset).collect::<Vec<_>>(), places);
        assert_eq!((offset_of!(Book, price_scale), offset_of!(Book, flags)), (40, 42));
    }

    #[test]
    fn absent_decimals_stay_absent() {
        let mut payload = ReferencePrice::zeroed();
        payload.set_price(None);
        assert_eq!(payload.price(), None);
        payload.set_price(Decimal::new(5, 1));
        assert_eq!(payload.price(), Decimal::new(5, 1));
    }

    #[test]
    fn fixed_texts_hold_what_fits() {
        assert_eq!(fixed_text::<4>("1m"), Some(*b"1m\0\0"));
        assert_eq!(fixed_text::<4>("12345"), None);
        assert_eq!(fixed_text::<4>("é"), None);
    }
}
