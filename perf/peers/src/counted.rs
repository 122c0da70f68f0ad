//! Purpose: what `perf/instructions --out` has written, as figures. Owns: the figures. Thread: main.
//! Takes and gives: its text in; instructions out. Never: takes a room that was not counted for one that costs nothing.

use std::collections::HashMap;

use crate::support::frames::Kind;

/// Instructions of a room's whole round, by room and kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted(HashMap<(String, String), f64>);

impl Counted {
    /// Of the file's text; a line that is none of `room kind instructions` is passed over.
    pub(crate) fn of(text: &str) -> Counted {
        let figure = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [room, kind, instructions] = words[..] else { return None };
            Some(((room.to_owned(), kind.to_owned()), instructions.parse().ok()?))
        };
        Counted(text.lines().filter_map(figure).collect())
    }

    /// What a room needs more than another one, over that one without its round's own cost.
    pub(crate) fn added(&self, kind: Kind, room: &str, over: &str, round: &str) -> Option<f64> {
        let of = |room: &str| self.0.get(&(room.to_owned(), kind.name().to_owned())).copied();
        let (more, less) = (of(room)?, of(over)?);
        Some((more - less) / (less - of(round)?))
    }
}
