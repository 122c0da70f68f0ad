//! Purpose: records of the store: as a writer hands them in, as a reader owns them, and the reader's reusable buffer.
//! Owns: the words of a `Record` or `RecordBuf`. Thread: whichever holds them.
//! Takes and gives: `u64` words, the bytes of a canonical event record. Never: looks inside the data.

use std::time::Duration;

use super::key::Key;

/// Words before the data in a slot: sequence number, update time, time to live.
pub(super) const HEADER_WORDS: usize = 3;
/// Place of the update time among the header words.
pub(super) const UPDATED_AT: usize = 1;
/// Place of the time to live among the header words.
pub(super) const TTL: usize = 2;
/// "Never expires", in the word of the time to live.
const NO_TTL: u64 = u64::MAX;

/// What a writer puts under a key; the store adds the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a> {
    /// Latest applied sequence number of the (instrument, type).
    pub seq: u64,
    /// When the state last changed, UTC nanoseconds.
    pub updated_at: i64,
    /// How long the record lives after `updated_at` once nobody wants its instrument; `None`: for ever.
    /// Kept in whole nanoseconds, at most `u64::MAX - 1` of them.
    pub ttl: Option<Duration>,
    /// The payload.
    pub data: &'a [u64],
}

impl Update<'_> {
    pub(super) fn header(&self) -> [u64; HEADER_WORDS] {
        [self.seq, self.updated_at as u64, ttl_word(self.ttl)]
    }
}

/// An [`Update`] and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Filed under.
    pub key: Key,
    /// The new state.
    pub update: Update<'a>,
}

impl<'a> RecordRef<'a> {
    /// A record without time to live; `updated_at` in UTC nanoseconds.
    pub const fn new(key: Key, seq: u64, updated_at: i64, data: &'a [u64]) -> RecordRef<'a> {
        RecordRef { key, update: Update { seq, updated_at, ttl: None, data } }
    }

    /// The same record with a time to live.
    pub const fn with_ttl(mut self, ttl: Duration) -> RecordRef<'a> {
        self.update.ttl = Some(ttl);
        self
    }
}

/// A record read from the store, on its own memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Filed under.
    pub key: Key,
    /// Latest applied sequence number of the (instrument, type).
    pub seq: u64,
    /// Version for compare-and-swap: 1 for a key's first record, one more with each write.
    pub version: u64,
    /// When the state last changed, UTC nanoseconds.
    pub updated_at: i64,
    /// Time to live after `updated_at`; `None`: for ever.
    pub ttl: Option<Duration>,
    /// The payload.
    pub data: Vec<u64>,
}

/// Whether a read gave the latest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It was the latest at some moment of the call.
    Current,
    /// Writers outran the reader throughout; this is what the buffer held before.
    LastGood {
        /// How many versions the store was ahead when the reader gave up.
        versions_behind: u64,
    },
}

/// What a [`RecordBuf`] holds, without the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Filed under.
    pub key: Key,
    /// Latest applied sequence number of the (instrument, type).
    pub seq: u64,
    /// Version for compare-and-swap.
    pub version: u64,
    /// When the state last changed, UTC nanoseconds.
    pub updated_at: i64,
    /// Time to live after `updated_at`; `None`: for ever.
    pub ttl: Option<Duration>,
    /// Latest, or last good.
    pub freshness: Freshness,
}

impl Meta {
    /// Nanoseconds since the state last changed, 0 for a state from the future.
    pub const fn age_ns(&self, now_ns: i64) -> u64 {
        age_ns(self.updated_at, now_ns)
    }

    fn of(key: Key, version: u64, words: &[u64]) -> Meta {
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        Meta {
            key,
            seq: word(0),
            version,
            updated_at: word(UPDATED_AT) as i64,
            ttl: ttl_of(word(TTL)),
            freshness: Freshness::Current,
        }
    }
}

/// A reader's buffer: reused, a read into it allocates only when a record is larger than any before.
///
/// It keeps the last whole record while the next is copied, which is what makes a last good answer possible. After an
/// error it is empty.
#[derive(Debug, Default)]
pub struct RecordBuf {
    meta: Option<Meta>,
    good: Vec<u64>,
    filling: Vec<u64>,
}

impl RecordBuf {
    /// An empty buffer; the first reads allocate.
    pub const fn new() -> RecordBuf {
        RecordBuf { meta: None, good: Vec::new(), filling: Vec::new() }
    }

    /// A buffer that takes records of up to `data_words` words without allocating.
    pub fn with_capacity(data_words: usize) -> RecordBuf {
        let words = data_words.saturating_add(HEADER_WORDS);
        RecordBuf { meta: None, good: Vec::with_capacity(words), filling: Vec::with_capacity(words) }
    }

    /// What it holds; `None` when empty.
    pub const fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// The payload it holds; empty when it holds none.
    pub fn data(&self) -> &[u64] {
        match self.meta {
            Some(_) => self.good.get(HEADER_WORDS..).unwrap_or(&[]),
            None => &[],
        }
    }

    /// An owned copy; `None` when empty.
    pub fn to_record(&self) -> Option<Record> {
        let meta = self.meta?;
        Some(Record {
            key: meta.key,
            seq: meta.seq,
            version: meta.version,
            updated_at: meta.updated_at,
            ttl: meta.ttl,
            data: self.data().to_vec(),
        })
    }

    /// Forgets what it holds and keeps the memory.
    pub fn clear(&mut self) {
        self.meta = None;
    }

    /// Where the store copies to; what is here counts only once [`RecordBuf::accept`] is called.
    pub(super) fn filling(&mut self) -> &mut Vec<u64> {
        &mut self.filling
    }

    /// The words in `filling` are whole: they become the content.
    pub(super) fn accept(&mut self, key: Key, version: u64) -> Meta {
        std::mem::swap(&mut self.good, &mut self.filling);
        let meta = Meta::of(key, version, &self.good);
        self.meta = Some(meta);
        meta
    }

    /// The reader was outrun: what it holds of `key`, marked with how far the store was ahead.
    pub(super) fn last_good(&mut self, key: Key, latest: u64) -> Option<Meta> {
        let meta = self.meta.as_mut().filter(|meta| meta.key == key)?;
        meta.freshness = Freshness::LastGood { versions_behind: latest.saturating_sub(meta.version) };
        Some(*meta)
    }
}

/// Whether a record with these header words has outlived its time at `now_ns`; never without a time to live.
pub(super) const fn has_expired(updated_at_word: u64, ttl_word: u64, now_ns: i64) -> bool {
    ttl_word != NO_TTL && age_ns(updated_at_word as i64, now_ns) >= ttl_word
}

/// Whether the word says "never expires".
pub(super) const fn is_without_ttl(ttl_word: u64) -> bool {
    ttl_word == NO_TTL
}

const fn age_ns(since_ns: i64, now_ns: i64) -> u64 {
    if now_ns <= since_ns { 0 } else { now_ns.abs_diff(since_ns) }
}

fn ttl_word(ttl: Option<Duration>) -> u64 {
    match ttl {
        Some(ttl) => u64::try_from(ttl.as_nanos()).unwrap_or(NO_TTL).min(NO_TTL - 1),
        None => NO_TTL,
    }
}

fn ttl_of(word: u64) -> Option<Duration> {
    (word != NO_TTL).then(|| Duration::from_nanos(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_survives_its_word() {
        let cases = [
            (None, None),
            (Some(Duration::ZERO), Some(Duration::ZERO)),
            (Some(Duration::from_nanos(1)), Some(Duration::from_nanos(1))),
            (Some(Duration::from_secs(86_400)), Some(Duration::from_secs(86_400))),
            (Some(Duration::MAX), Some(Duration::from_nanos(u64::MAX - 1))),
        ];
        for (ttl, kept) in cases {
            assert_eq!(ttl_of(ttl_word(ttl)), kept);
        }
    }

    #[test]
    fn a_record_expires_at_its_time_and_not_before() {
        let second = ttl_word(Some(Duration::from_secs(1)));
        let cases = [
            (0, second, 999_999_999, false),
            (0, second, 1_000_000_000, true),
            (5_000_000_000, second, 0, false),
            (-1, ttl_word(Some(Duration::from_nanos(1))), 0, true),
            (i64::MIN, second, i64::MAX, true),
            (0, ttl_word(None), i64::MAX, false),
        ];
        for (updated_at, ttl, now_ns, expired) in cases {
            assert_eq!(has_expired(updated_at as u64, ttl, now_ns), expired, "{updated_at} {ttl} {now_ns}");
        }
    }
}
