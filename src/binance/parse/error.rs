//! Purpose: why a frame is malformed. Owns: the causes. Thread: any. Takes and gives: codes and static text.
//! Never: formats on the data path; holds bytes of the frame.

use core::fmt;

/// Why a frame or one element of it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The bytes are no JSON, no UTF-8, or nested too deeply.
    Syntax,
    /// A combined frame without `stream` or without `data`.
    NotWrapped,
    /// The payload is no object, nor an array of objects.
    NotAnObject,
    /// A key that a table knows stands twice in one object.
    DuplicateKey,
    /// A key that every frame of this kind carries is absent.
    MissingField,
    /// A value of another type than the venue documents (a text for a number, `null` where none may be).
    WrongType,
    /// A number that is no exact `i64`: a fraction, an exponent, `-0`, or too large.
    NotExact,
    /// A negative update id.
    NegativeId,
    /// A text that is no plain decimal number.
    BadDecimal,
    /// A decimal that needs more than 63 bits.
    DecimalOverflow,
    /// A level that is not `["price","quantity"]`, or is negative.
    BadLevel,
    /// A symbol that is empty or longer than any.
    BadSymbol,
    /// The payload names another symbol than its stream.
    SymbolMismatch,
    /// exchangeInfo without a readable list of symbols.
    BadCatalogue,
}

impl Cause {
    /// What is wrong, in English.
    pub const fn text(self) -> &'static str {
        match self {
            Cause::Syntax => "not JSON, not UTF-8, or nested too deeply",
            Cause::NotWrapped => "a combined frame without `stream` and `data`",
            Cause::NotAnObject => "the payload is no object, nor an array of objects",
            Cause::DuplicateKey => "a known key stands twice",
            Cause::MissingField => "a required key is absent",
            Cause::WrongType => "a value of another type than documented",
            Cause::NotExact => "a number that is no exact 64-bit integer",
            Cause::NegativeId => "a negative update id",
            Cause::BadDecimal => "a text that is no plain decimal number",
            Cause::DecimalOverflow => "a decimal that needs more than 63 bits",
            Cause::BadLevel => "a level that is not [price, quantity]",
            Cause::BadSymbol => "a symbol that is empty or too long",
            Cause::SymbolMismatch => "the payload names another symbol than its stream",
            Cause::BadCatalogue => "exchangeInfo without a readable list of symbols",
        }
    }
}

/// A frame that cannot be read. The venue erred, or a middlebox did; the frame is dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Why.
    pub cause: Cause,
    /// The native key (a dot path) at fault, where one is known.
    pub key: Option<&'static str>,
    /// The byte of the frame where reading stopped, where it is known: [`Cause::Syntax`] only.
    pub offset: Option<usize>,
}

impl ParseError {
    /// A cause without a place.
    pub(super) const fn of(cause: Cause) -> ParseError {
        ParseError { cause, key: None, offset: None }
    }

    /// A cause at a key.
    pub(super) const fn at(cause: Cause, key: &'static str) -> ParseError {
        ParseError { cause, key: Some(key), offset: None }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.text())?;
        if let Some(key) = self.key {
            write!(f, " (key `{key}`)")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " (byte {offset})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseError {}
