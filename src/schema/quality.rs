//! Purpose: what an instrument's book is worth, and why it changed (faults.md, words a consumer sees).
//! Owns: nothing. Thread: any. Takes and gives: small codes. Never: calls a book good by default.

/// The quality of an instrument's book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Quality {
    /// The event stands for itself: no book is vouched for or needed (trades, tickers, connections).
    #[default]
    None = 0,
    /// Proven: inside the known range it equals the venue's book at this update id.
    Good = 1,
    /// No book yet, or one that nothing has confirmed.
    Syncing = 2,
    /// Update ids are missing.
    Gap = 3,
    /// Too old, or its connection is gone.
    Stale = 4,
    /// Best bid at or above best ask.
    Crossed = 5,
    /// The venue halted trading.
    Halted = 6,
    /// The venue dropped the instrument.
    Delisted = 7,
}

impl Quality {
    /// The names, by number.
    pub const NAMES: &'static [&'static str] =
        &["None", "Good", "Syncing", "Gap", "Stale", "Crossed", "Halted", "Delisted"];

    /// The name that events carry.
    pub const fn name(self) -> &'static str {
        Quality::NAMES[self as usize]
    }

    /// From the byte in a record.
    pub const fn from_byte(byte: u8) -> Option<Quality> {
        match byte {
            0 => Some(Quality::None),
            1 => Some(Quality::Good),
            2 => Some(Quality::Syncing),
            3 => Some(Quality::Gap),
            4 => Some(Quality::Stale),
            5 => Some(Quality::Crossed),
            6 => Some(Quality::Halted),
            7 => Some(Quality::Delisted),
            _ => None,
        }
    }
}

/// What a `STATUS.BOOK` event announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BookChange {
    /// The quality changed, and nothing else.
    Quality = 0,
    /// Update ids are missing from here on.
    GapOpen = 1,
    /// The gap is closed.
    GapClose = 2,
    /// A new epoch begins: forget the book.
    Reset = 3,
}

impl BookChange {
    /// The names, by number.
    pub const NAMES: &'static [&'static str] = &["Quality", "GapOpen", "GapClose", "Reset"];
}

/// Why it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BookCause {
    /// The first book of this run.
    FirstSnapshot = 0,
    /// A covering diff proved the book.
    CoveringDiff = 1,
    /// A `bookTicker` with an equal id proved it.
    EqualTicker = 2,
    /// A second snapshot with the same id proved it.
    EqualSnapshot = 3,
    /// A diff's span begins after the last applied id.
    MissingDiff = 4,
    /// A frame of this book could not be parsed or was dropped.
    LostFrame = 5,
    /// The venue's ids went backwards.
    IdsWentBack = 6,
    /// The buffer of held diffs was full.
    BufferFull = 7,
    /// Best bid at or above best ask.
    Crossed = 8,
    /// No longer crossed.
    Uncrossed = 9,
    /// A fresh snapshot replaced the book.
    Resynchronised = 10,
    /// The missing diff came after all.
    LateDiff = 11,
    /// A value overflowed 63 bits at the book's scale.
    Overflow = 12,
    /// The instrument's connection went down.
    ConnectionDown = 13,
    /// No sign of life in time.
    TimedOut = 14,
    /// The venue says the instrument does not trade, or is gone.
    VenueStatus = 15,
    /// The best price lies outside the range that is known: nobody can vouch for the top of the book.
    RangeLeft = 16,
    /// The book differed twice in a row from a fresh snapshot.
    AuditFailed = 17,
    /// Nobody wants the instrument's book stream any more.
    NotWanted = 18,
}

impl BookCause {
    /// The names, by number.
    pub const NAMES: &'static [&'static str] = &[
        "FirstSnapshot",
        "CoveringDiff",
        "EqualTicker",
        "EqualSnapshot",
        "MissingDiff",
        "LostFrame",
        "IdsWentBack",
        "BufferFull",
        "Crossed",
        "Uncrossed",
        "Resynchronised",
        "LateDiff",
        "Overflow",
        "ConnectionDown",
        "TimedOut",
        "VenueStatus",
        "RangeLeft",
        "AuditFailed",
        "NotWanted",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_numbers() {
        for byte in 0..Quality::NAMES.len() as u8 {
            assert_eq!(Quality::from_byte(byte).unwrap() as u8, byte);
        }
        assert_eq!(Quality::from_byte(8), None);
        assert_eq!(Quality::Delisted.name(), "Delisted");
        assert_eq!(BookChange::NAMES[BookChange::Reset as usize], "Reset");
        assert_eq!(BookCause::NAMES[BookCause::VenueStatus as usize], "VenueStatus");
        assert_eq!(BookCause::NAMES[BookCause::Overflow as usize], "Overflow");
        assert_eq!(BookCause::NAMES[BookCause::RangeLeft as usize], "RangeLeft");
        assert_eq!(BookCause::NAMES[BookCause::AuditFailed as usize], "AuditFailed");
        assert_eq!(BookCause::NAMES[BookCause::NotWanted as usize], "NotWanted");
    }
}
