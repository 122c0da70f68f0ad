//! Purpose: something that happened and is worth a line. Owns: the names of events, which others' programs read.
//! Thread: any (cold). Takes and gives: plain data. Never: changes a name that stands in `config/OPERATING.md`.

use serde_json::{Map, Value};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Level {
    /// As it should be.
    Info,
    /// Data are late, missing or doubtful; the feed deals with it.
    Warn,
    /// The program ends without having done what it was asked.
    Error,
}

impl Level {
    /// Its name in a line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $label:literal $level:ident;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(in crate::cli) enum Event { $($(#[$doc])* $name),* }

        impl Event {
            /// Every event.
            #[cfg(test)]
            pub(in crate::cli) const ALL: &'static [Event] = &[$(Event::$name),*];

            /// Its name in a line.
            pub(in crate::cli) const fn name(self) -> &'static str {
                match self { $(Event::$name => $label),* }
            }

            /// How much it matters.
            pub(in crate::cli) const fn level(self) -> Level {
                match self { $(Event::$name => Level::$level),* }
            }
        }
    };
}

events! {
    /// The run begins.
    Started = "started" Info;
    /// The engine runs, but not as it was asked to: a thread is not on its core, a command could not be restored.
    Degraded = "degraded" Warn;
    /// Where the feed is commanded, or what was refused there.
    Control = "control" Warn;
    /// The list of instruments has come.
    Catalogue = "catalogue" Info;
    /// Wanted instruments are not listed or do not trade.
    Missing = "missing" Warn;
    /// The venue dropped an instrument.
    Delisted = "delisted" Warn;
    /// An instrument began or ended to trade.
    Trading = "trading" Warn;
    /// A connection is open.
    ConnectionUp = "connection_up" Info;
    /// A connection that was open has ended.
    ConnectionDown = "connection_down" Warn;
    /// A connection could not be opened.
    ConnectionFailed = "connection_failed" Warn;
    /// The venue announced that it will close a connection.
    ConnectionClosing = "connection_closing" Info;
    /// The venue refused a control message.
    StreamRefused = "stream_refused" Warn;
    /// The venue wants no request for a while.
    RestLimited = "rest_limited" Warn;
    /// A request failed and is tried again.
    RestFailed = "rest_failed" Warn;
    /// The venue refused a request.
    RestRefused = "rest_refused" Warn;
    /// The state file cannot be used.
    StateFile = "state_file" Warn;
    /// Streams are asked for by guessed symbols.
    Guessed = "guessed" Warn;
    /// The routes' polls ask for more weight than there is to spare.
    PollsTooHeavy = "polls_too_heavy" Warn;
    /// Polls of a symbol could not be started or ended.
    PollsLost = "polls_lost" Warn;
    /// The system does not set sockets as they are wanted.
    SocketOption = "socket_option" Warn;
    /// Streams could not be asked for.
    NotOrdered = "not_ordered" Warn;
    /// News of streams was lost to whoever commands the source.
    NewsLost = "news_lost" Warn;
    /// Books are still to come.
    Progress = "progress" Info;
    /// Every book is Good.
    AllGood = "all_good" Info;
    /// The feed is ready, by the rule that systemd is told by.
    Ready = "ready" Info;
    /// A book's ids have a hole.
    GapOpened = "gap_opened" Warn;
    /// The hole is closed.
    GapClosed = "gap_closed" Info;
    /// A book starts over.
    Reset = "reset" Warn;
    /// A book is halted, or its instrument gone.
    Halted = "halted" Warn;
    /// A book's quality changed otherwise.
    Quality = "quality" Warn;
    /// The receiver of traces complains, or cannot be reached.
    Traces = "traces" Warn;
    /// Something dropped, refused or wrong was counted.
    Counted = "counted" Warn;
    /// This log itself missed changes of books, or notes of the source.
    Missed = "missed" Warn;
    /// Lines of one event that were not written, there were too many.
    Suppressed = "suppressed" Warn;
    /// Lines that nobody took in time.
    Unwritten = "unwritten" Warn;
    /// The run ends, and why.
    Stopping = "stopping" Info;
    /// The run has ended, but the reader of its events takes none.
    ReaderSlow = "reader_slow" Warn;
    /// What the run came to.
    Summary = "summary" Info;
    /// What the embedded venue saw.
    Venue = "venue" Info;
    /// The program ends without having done what it was asked.
    Failed = "failed" Error;
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Entry {
    /// What happened.
    pub(super) event: Event,
    /// How much it matters.
    pub(super) level: Level,
    /// For a person.
    pub(super) message: String,
    /// For a program.
    pub(super) fields: Map<String, Value>,
}

impl Entry {
    /// Without fields.
    pub(in crate::cli) fn new(event: Event, message: impl Into<String>) -> Entry {
        Entry { event, level: event.level(), message: message.into(), fields: Map::new() }
    }

    /// Of a level that is not the event's own.
    pub(in crate::cli) fn at(mut self, level: Level) -> Entry {
        self.level = level;
        self
    }

    /// With one field more.
    pub(in crate::cli) fn with(mut self, name: &str, value: impl Into<Value>) -> Entry {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// What happened.
    #[cfg(test)]
    pub(in crate::cli) const fn event(&self) -> Event {
        self.event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_names_every_event_once_and_no_other() {
        let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/OPERATING.md")).unwrap();
        let rows = manual.lines().filter_map(|l| l.strip_prefix("| `")?.split_once("` |"));
        let named: Vec<(&str, &str)> =
            rows.map(|(name, rest)| (name, rest.split('|').next().unwrap().trim())).collect();
        let known: Vec<(&str, &str)> = Event::ALL.iter().map(|e| (e.name(), e.level().name())).collect();
        let of_events: Vec<_> =
            named.into_iter().filter(|(_, level)| matches!(*level, "info" | "warn" | "error")).collect();
        assert_eq!(of_events, known);
    }
}
