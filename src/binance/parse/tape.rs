//! Purpose: walking a tape: entries of an object, elements of an array, exact numbers.
//! Owns: nothing. Thread: the io thread. Takes and gives: positions on a tape.
//! Never: reads a number that went through binary floating point.

use simd_json::{Node, StaticNode};

use super::error::Cause;
use crate::schema::decimal::{Decimal, DecimalError};

/// A value: where it begins on the tape, and what comes behind that.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'t, 'i> {
    here: &'t Node<'i>,
    behind: &'t [Node<'i>],
}

impl<'t, 'i> At<'t, 'i> {
    /// The value that the whole document is. `None` for an empty tape.
    pub(super) fn root(nodes: &'t [Node<'i>]) -> Option<At<'t, 'i>> {
        nodes.split_first().map(|(here, behind)| At { here, behind })
    }

    /// Its node.
    #[inline]
    pub(super) fn node(self) -> Node<'i> {
        *self.here
    }

    /// The text, when it is one.
    #[inline]
    pub(super) fn text(self) -> Option<&'i str> {
        if let Node::String(text) = self.node() { Some(text) } else { None }
    }

    /// Its entries, when it is an object.
    #[inline]
    pub(super) fn entries(self) -> Option<Entries<'t, 'i>> {
        let Node::Object { len, .. } = self.node() else { return None };
        Some(Entries { rest: self.behind, left: len })
    }

    /// Its elements, when it is an array.
    #[inline]
    pub(super) fn elements(self) -> Option<Elements<'t, 'i>> {
        let Node::Array { len, .. } = self.node() else { return None };
        Some(Elements { rest: self.behind, left: len })
    }

    /// A whole number, exactly. A fraction, an exponent, a number past `i64` and `-0` are none.
    #[inline]
    pub(super) fn int(self) -> Result<i64, Cause> {
        match self.node() {
            Node::Static(StaticNode::U64(value)) => i64::try_from(value).map_err(|_| Cause::NotExact),
            // The tape keeps what had no minus sign as unsigned: a signed zero was written `-0` (faults.md, F41).
            Node::Static(StaticNode::I64(0)) => Err(Cause::NotExact),
            Node::Static(StaticNode::I64(value)) => Ok(value),
            Node::Static(StaticNode::F64(_)) => Err(Cause::NotExact),
            _ => Err(Cause::WrongType),
        }
    }

    /// A decimal: a text, or a bare whole number. The tape turns a bare fraction into binary floating point: it is refused.
    #[inline]
    pub(super) fn decimal(self) -> Result<Decimal, Cause> {
        match self.node() {
            Node::String(text) => decimal(text),
            _ => self.int().map(Decimal::whole),
        }
    }

    /// What comes behind all of it.
    #[inline]
    fn passed(self) -> &'t [Node<'i>] {
        match self.here {
            Node::Object { count, .. } | Node::Array { count, .. } => self.behind.get(*count..).unwrap_or_default(),
            Node::String(_) | Node::Static(_) => self.behind,
        }
    }
}

/// A decimal from its text.
#[inline]
pub(super) fn decimal(text: &str) -> Result<Decimal, Cause> {
    Decimal::parse(text.as_bytes()).map_err(|error| match error {
        DecimalError::Malformed => Cause::BadDecimal,
        DecimalError::Overflow => Cause::DecimalOverflow,
    })
}

/// The entries of an object, in the order of the frame.
#[derive(Clone, Debug)]
pub(super) struct Entries<'t, 'i> {
    rest: &'t [Node<'i>],
    left: usize,
}

impl Entries<'_, '_> {
    /// How many are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }
}

impl<'t, 'i> Iterator for Entries<'t, 'i> {
    type Item = (&'i str, At<'t, 'i>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let [Node::String(key), here, behind @ ..] = self.rest else { return None };
        let value = At { here, behind };
        self.rest = value.passed();
        Some((key, value))
    }
}

/// The elements of an array.
#[derive(Clone, Debug)]
pub(super) struct Elements<'t, 'i> {
    rest: &'t [Node<'i>],
    left: usize,
}

impl<'i> Elements<'_, 'i> {
    /// How many are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// The next element, when it is an array of just two texts: what nearly every level is. Otherwise nothing moves.
    #[inline]
    pub(super) fn next_pair(&mut self) -> Option<(&'i str, &'i str)> {
        match self.rest {
            [Node::Array { len: 2, .. }, Node::String(first), Node::String(second), rest @ ..] if self.left > 0 => {
                self.left -= 1;
                self.rest = rest;
                Some((first, second))
            }
            _ => None,
        }
    }
}

impl<'t, 'i> Iterator for Elements<'t, 'i> {
    type Item = At<'t, 'i>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (here, behind) = self.rest.split_first()?;
        let value = At { here, behind };
        self.rest = value.passed();
        Some(value)
    }
}
