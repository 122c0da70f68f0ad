//! Purpose: what is published in the place of a book's change that no record of the ring can hold.
//! Owns: nothing. Thread: the sequencer's (cold). Takes and gives: the event in, a `STATUS.BOOK` out.
//! Never: touches the event; says anything of types that no book is made from.

use bytemuck::Zeroable;

use crate::schema::canonical_type::builtin;
use crate::schema::decimal::SCALE_ABSENT;
use crate::schema::event::{EventBuf, EventRef};
use crate::schema::payload::{BookStatus, PayloadKind};
use crate::schema::quality::{BookCause, BookChange};

/// Writes the status into `out`; `false` when the event changes no book and nothing is to be said.
///
/// The book itself is as good as before, so the quality does not change; but who keeps a copy of it by applying changes
/// has missed one and must take a fresh one.
pub(super) fn announce(event: EventRef<'_>, out: &mut EventBuf) -> bool {
    let header = event.header();
    if header.kind() != Some(PayloadKind::DepthDiff) {
        return false;
    }
    let quality = i64::from(header.quality);
    let absent = i64::MIN;
    let status = BookStatus {
        change: BookChange::Reset as i64,
        cause: BookCause::LostFrame as i64,
        from: quality,
        to: quality,
        expected: absent,
        got: absent,
        resumed_at: absent,
        elapsed_ns: absent,
        scales: [SCALE_ABSENT; 2],
        ..BookStatus::zeroed()
    };
    let mut head = *header;
    (head.type_id, head.flags) = (builtin::STATUS_BOOK.0, 0);
    out.begin(&head, &status);
    true
}
