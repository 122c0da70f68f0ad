//! Purpose: counters of everything taken, dropped, refused, conflated or late, each with an English label.
//! Owns: one sheet of counters an agent. Thread: one writer a sheet, any reader.
//! Takes and gives: counts. Never: a locked or contended instruction when counting; a loss without a counter.

use std::sync::{Arc, Mutex, PoisonError};

use crate::sync::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Counter { $($(#[$doc])* $name),* }

        impl Counter {
            /// Every counter, in order.
            pub const ALL: &'static [Counter] = &[$(Counter::$name),*];

            /// What it counts, in English.
            pub const fn label(self) -> &'static str {
                match self { $(Counter::$name => $label),* }
            }

            /// What it is called among metrics: `frames_in`.
            pub fn name(self) -> String {
                snake(match self { $(Counter::$name => stringify!($name)),* })
            }
        }
    };
}

/// `FramesIn` as `frames_in`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (at, c) in name.char_indices() {
        if at > 0 && c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

counters! {
    /// Frames and REST bodies taken in.
    FramesIn = "frames received";
    /// Raw instances parsed from them.
    RawParsed = "raw instances parsed";
    /// Frames that are no data (acknowledgements, server notices).
    FramesControl = "control frames";
    /// Frames that could not be parsed.
    FramesMalformed = "malformed frames";
    /// Of those, the ones that belonged to a book and opened a gap.
    BookFramesLost = "book frames lost to parsing or drops";
    /// Values that need more than 63 bits.
    DecimalOverflow = "values too large to hold exactly";
    /// Streams and bodies that no table knows.
    UnknownStreams = "frames of unknown streams";
    /// Symbols refused because the directory is full.
    SymbolsRefused = "symbols refused, directory full";
    /// Raw instances of other markets' contracts, or without an instrument where one is needed.
    NoInstrument = "raw instances without an instrument";
    /// Raw instances dropped because a ring stayed full.
    RingFull = "raw instances dropped, ring full";
    /// Raw instances of instruments that are not on the list of those wanted.
    NotWanted = "raw instances of instruments not wanted";
    /// Raw instances that no route wants.
    Unrouted = "raw instances without a route";
    /// Raw instances that a route's filters kept out (counted a route).
    Filtered = "events kept out by route filters";
    /// Fields that a route neither maps nor ignores (counted a field).
    UnknownFields = "unknown fields";
    /// Unknown fields beyond the 1,024th of one raw instance: neither listed nor judged by a route.
    UnknownFieldsUncarried = "unknown fields beyond what one event can carry";
    /// Events refused for an unknown field.
    RefusedUnknownField = "events refused for an unknown field";
    /// Raw instances from which no event could be made.
    RefusedCanonical = "events refused, payload does not fit its schema";
    /// Poll results that a stream, or a poll before them, has delivered already.
    PollDuplicate = "poll results already delivered";
    /// Events that another connection has delivered already.
    ConnectionDuplicate = "events already delivered by another connection";
    /// Changes of native streams that were not told, for nobody took those before them.
    StreamChangesUntold = "changes of streams that could not be told";
    /// Attempts to write a control journal anew that failed; it goes on as it is.
    JournalRewriteFailed = "control journals that could not be written anew";
    /// Canonical events made by dispatch.
    Canonical = "canonical events made";
    /// Events published.
    Published = "events published";
    /// Diffs applied to books.
    DiffsApplied = "diffs applied";
    /// Diffs that a book had already.
    DiffsDropped = "diffs dropped as old or duplicate";
    /// Diffs held until a snapshot or a missing diff came.
    DiffsHeld = "diffs held back";
    /// Held diffs given up (a full buffer, a new epoch).
    HeldDiscarded = "held diffs discarded";
    /// Snapshots adopted.
    SnapshotsAdopted = "snapshots adopted";
    /// Snapshots that came too late, from another epoch, or uncalled for.
    SnapshotsUnused = "snapshots not used";
    /// Snapshots refused as malformed (unsorted, a price twice, a zero quantity).
    SnapshotsRefused = "snapshots refused as malformed";
    /// Snapshots asked for.
    SnapshotsRequested = "snapshots requested";
    /// Snapshots that the source could not serve.
    SnapshotsUnserved = "snapshot requests that the source cannot serve";
    /// Snapshots that repeat the id of one that was of no use: a cache answers.
    SnapshotsRepeated = "snapshots that repeat a useless one";
    /// Good books to be held against a fresh snapshot.
    AuditsBegun = "audits of good books begun";
    /// Those that equal it where both are known.
    AuditsAgreed = "audits that agreed";
    /// Those that do not.
    AuditsDisagreed = "audits that disagreed";
    /// Those that no snapshot in time has decided.
    AuditsUndecided = "audits undecided";
    /// Gaps opened.
    GapsOpened = "gaps opened";
    /// Gaps closed.
    GapsClosed = "gaps closed";
    /// Books started over.
    Resets = "books reset";
    /// Diffs after which a book was crossed.
    Crossed = "diffs that left a book crossed";
    /// Books widened to a finer scale.
    ScaleWidened = "books widened to a finer scale";
    /// Levels pruned outside the known range.
    LevelsPruned = "levels pruned outside the known range";
    /// Integrity checks that agreed.
    IntegrityAgree = "integrity checks that agreed";
    /// Integrity checks that disagreed.
    IntegrityDisagree = "integrity checks that disagreed";
    /// Integrity checks given up because too many were undecided.
    IntegrityOverflow = "integrity checks given up undecided";
    /// States conflated by the throttle.
    Conflated = "states conflated";
    /// States that the snapshot store refused.
    StoreRefused = "states refused by the snapshot store";
    /// Compare-and-swap conflicts with another writer.
    StoreConflict = "snapshot store conflicts";
    /// Lossless readers demoted past their bound.
    ReadersDemoted = "lossless readers demoted";
    /// Records that a consumer missed.
    Lagged = "records missed by lapped readers";
    /// Events that were numbered but are longer than an eighth of their ring, or than what a lossless reader leaves of it to a
    /// stage that has not asked; for a book a reset is announced.
    EventsTooLarge = "events too large for their ring";
    /// Connections tried.
    ConnectAttempts = "connection attempts";
    /// Of those, the ones that did not open.
    ConnectFailures = "connection attempts that failed";
    /// Connections that opened.
    ConnectionsUp = "connections opened";
    /// Connections that ended.
    ConnectionsDown = "connections ended";
    /// Control messages that the venue refused.
    StreamsRefused = "control messages refused by the venue";
    /// REST requests sent.
    RestRequests = "rest requests sent";
    /// REST requests that failed.
    RestFailed = "rest requests failed";
    /// Of those, the ones without a whole reply in time.
    RestUnanswered = "rest requests without a whole reply";
    /// Of those, the ones to which the venue said that it failed (5xx, busy).
    RestVenueErrors = "rest replies with an error of the venue";
    /// Of those, the ones whose body is none (no JSON, packed, too long).
    RestBadBodies = "rest bodies refused";
    /// Of those, the ones with a status that nobody expects.
    RestUnexpected = "rest replies with an unexpected status";
    /// REST requests that the venue refused for what they ask.
    RestRefused = "rest requests refused by the venue";
    /// Route polls that were due and could not be sent in time.
    PollsMissed = "route polls missed";
    /// REST replies that asked for silence (429, 418, 403).
    RestLimited = "rest replies that asked for silence";
    /// Requests over HTTP.
    HttpRequests = "http requests";
    /// Of those and of what was no request, the ones that were refused.
    HttpRefused = "http requests refused";
    /// Requests without a token that is known.
    HttpTokensRefused = "http requests without a known token";
    /// Connections over the bound, or for which the system had no means.
    HttpConnectionsRefused = "http connections refused";
    /// Waits of requests and connections for their turn.
    HttpHeldBack = "waits of http requests and connections for their turn";
    /// Event streams cut because their reader took nothing.
    HttpStreamsCut = "http event streams cut, reader too slow";
    /// Records that readers of event streams missed.
    HttpEventsMissed = "records missed by http event streams";
    /// Latencies above 60 s, recorded as 60 s.
    LatencyClamped = "latencies above 60 s, recorded as 60 s";
    /// Spans recorded; each is one of the four that follow in the end.
    TraceSpansRecorded = "spans recorded";
    /// Spans that the receiver of traces took.
    TraceSpansSent = "spans delivered";
    /// Spans that it took and then said that it did not keep.
    TraceSpansRejected = "spans rejected by the receiver";
    /// Spans for which a thread's ring had no room: the receiver is slow or down.
    TraceSpansDropped = "spans dropped, ring full";
    /// Spans that the receiver refused, did not take for a minute, or not before the end.
    TraceSpansGivenUp = "spans given up, receiver did not take them";
    /// Requests with spans that the receiver did not take; most are sent again.
    TraceRequestsFailed = "requests with spans not taken";
}

const COUNTERS: usize = Counter::ALL.len();

#[derive(Debug)]
struct Sheet {
    name: String,
    counts: [AtomicU64; COUNTERS],
}

/// The writing end of one agent's sheet. Not `Clone`: each sheet has one writer, so counting is a load and a store.
#[derive(Debug)]
pub struct Counts {
    sheet: Arc<Sheet>,
}

impl Counts {
    /// Adds `n`. A few plain instructions; never contended.
    #[inline]
    pub fn add(&mut self, counter: Counter, n: u64) {
        let cell = &self.sheet.counts[counter as usize];
        // Relaxed both: one writer, and readers need no order between counters.
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// This sheet's count.
    pub fn get(&self, counter: Counter) -> u64 {
        self.sheet.counts[counter as usize].load(Ordering::Relaxed)
    }
}

/// All sheets of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    sheets: Arc<Mutex<Vec<Arc<Sheet>>>>,
}

impl Ledger {
    /// A new sheet for an agent. Cold.
    pub fn sheet(&self, name: &str) -> Counts {
        let sheet = Arc::new(Sheet { name: name.to_owned(), counts: std::array::from_fn(|_| AtomicU64::new(0)) });
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&sheet));
        Counts { sheet }
    }

    /// A counter over all sheets. Counters never go down.
    pub fn total(&self, counter: Counter) -> u64 {
        let sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.iter().map(|s| s.counts[counter as usize].load(Ordering::Relaxed)).sum()
    }

    /// A counter of one agent: over the sheets of this name.
    pub fn of(&self, name: &str, counter: Counter) -> u64 {
        let sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        let of = sheets.iter().filter(|s| s.name == name);
        of.map(|s| s.counts[counter as usize].load(Ordering::Relaxed)).sum()
    }

    /// The agents that have a sheet, in order of asking.
    pub fn names(&self) -> Vec<String> {
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|s| s.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_add_up() {
        let ledger = Ledger::default();
        let (mut a, mut b) = (ledger.sheet("a"), ledger.sheet("b"));
        a.add(Counter::FramesIn, 2);
        b.add(Counter::FramesIn, 3);
        b.add(Counter::Lagged, 1);
        assert_eq!(
            (ledger.total(Counter::FramesIn), ledger.total(Counter::Lagged), a.get(Counter::FramesIn)),
            (5, 1, 2)
        );
        assert_eq!((ledger.of("a", Counter::FramesIn), ledger.of("c", Counter::FramesIn)), (2, 0));
        assert_eq!(ledger.names(), ["a", "b"]);
    }

    #[test]
    fn labels_are_distinct() {
        let labels: std::collections::HashSet<_> = Counter::ALL.iter().map(|c| c.label()).collect();
        assert_eq!(labels.len(), Counter::ALL.len());
        let names: std::collections::HashSet<_> = Counter::ALL.iter().map(|c| c.name()).collect();
        assert_eq!((names.len(), Counter::RestBadBodies.name().as_str()), (Counter::ALL.len(), "rest_bad_bodies"));
    }
}
