//! Purpose: what has to flow for a type to be published: the routes whose streams it is made from.
//! Owns: that table. Thread: any (cold). Takes and gives: types. Never: knows a consumer.

use crate::schema::canonical_type::builtin;
use crate::schema::id::TypeId;
use crate::schema::payload::PayloadKind;

/// A type that Meltica makes itself.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) type_id: TypeId,
    /// The routes whose streams it is made from. What tells how things are is made from whatever flows.
    pub(super) from: &'static [TypeId],
    pub(super) payload: PayloadKind,
}

/// Every type that Meltica makes itself.
pub(super) const MADE: &[Made] = &[
    Made {
        type_id: builtin::ANALYTICS_FUSED,
        from: &[builtin::ORDERBOOK_DELTA, builtin::TRADE],
        payload: PayloadKind::Fused,
    },
    Made { type_id: builtin::STATUS_BOOK, from: &[], payload: PayloadKind::BookStatus },
    Made { type_id: builtin::STATUS_CONNECTION, from: &[], payload: PayloadKind::ConnectionStatus },
    Made { type_id: builtin::STATUS_STREAM, from: &[], payload: PayloadKind::StreamStatus },
    Made { type_id: builtin::CONTROL_UPDATE, from: &[], payload: PayloadKind::ControlUpdate },
];

/// The type as one that Meltica makes itself.
pub(super) fn made(type_id: TypeId) -> Option<&'static Made> {
    MADE.iter().find(|made| made.type_id == type_id)
}

/// The routes whose native streams a type wants on.
pub(super) fn streams_of(type_id: TypeId) -> Vec<TypeId> {
    match made(type_id) {
        Some(made) => made.from.to_vec(),
        // A whole book is published under this type too, and a book lives on its diffs.
        None if type_id == builtin::ORDERBOOK_SNAPSHOT => vec![type_id, builtin::ORDERBOOK_DELTA],
        None => vec![type_id],
    }
}

/// Whether a book must be kept for a type, and so depth bodies let through.
pub(super) fn needs_book(type_id: TypeId) -> bool {
    streams_of(type_id).contains(&builtin::ORDERBOOK_DELTA)
}

/// The payloads that events of a type carry beside its route's.
pub(super) fn payloads_beside(type_id: TypeId) -> &'static [PayloadKind] {
    match type_id {
        builtin::ORDERBOOK_SNAPSHOT => &[PayloadKind::BookReference, PayloadKind::DepthLevels],
        builtin::ORDERBOOK_DELTA => &[PayloadKind::DepthDiff],
        _ => &[],
    }
}
