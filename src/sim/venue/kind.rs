//! Purpose: the words by which a script calls what goes wrong. Owns: them. Thread: any. Takes and gives: plain data.
//! Never: says what a word comes to; `entry` does.

use crate::sim::ways::ways;

ways! {
    /// What goes wrong, by the word that an entry has.
    pub(super) enum Kind {
        /// Diffs never come.
        Drop = "drop",
        /// Several in a row do not.
        Gap = "gap",
        /// Diffs come twice.
        Repeat = "repeat",
        /// Diffs come after their successors.
        Swap = "swap",
        /// Diffs come late.
        Delay = "delay",
        /// A diff covers two.
        Overlap = "overlap",
        /// Diffs are unreadable.
        Garbage = "garbage",
        /// Diffs are written otherwise.
        Dress = "dress",
        /// Diffs have numbers that are none.
        BadNumber = "bad_number",
        /// Diffs cross the book.
        Crossing = "crossing",
        /// Update ids start anew.
        RestartIds = "restart_ids",
        /// Snapshots are old.
        StaleSnapshot = "stale_snapshot",
        /// Snapshots break off.
        TruncatedSnapshot = "truncated_snapshot",
        /// Snapshots never come.
        UnansweredSnapshot = "unanswered_snapshot",
        /// Connections fall silent.
        Stall = "stall",
        /// Connections are closed.
        Close = "close",
        /// Connections are reset.
        Reset = "reset",
        /// Connections end.
        Cut = "cut",
        /// Connections are cut short.
        Truncate = "truncate",
        /// All connections end.
        Kill = "kill",
        /// Frames are wrong.
        BrokenFrame = "broken_frame",
        /// Messages come in fragments.
        Fragments = "fragments",
        /// Pings come in numbers.
        Pings = "pings",
        /// Control messages are answered wrongly.
        Answers = "answers",
        /// Handshakes are answered wrongly.
        Handshake = "handshake",
        /// REST is slow.
        SlowRest = "slow_rest",
        /// REST says 429.
        TooManyRequests = "too_many_requests",
        /// REST fails.
        RestFails = "rest_fails",
        /// REST is answered wrongly.
        BadRest = "bad_rest",
        /// Symbols are called otherwise.
        Status = "status",
        /// Symbols are gone.
        Delist = "delist",
        /// Ticks get smaller.
        TickSize = "tick_size",
        /// Nobody listens.
        Down = "down",
        /// The venue says that it goes.
        ServerShutdown = "server_shutdown",
    }
}
