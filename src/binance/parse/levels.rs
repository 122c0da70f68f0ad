//! Purpose: level arrays. Owns: nothing. Thread: the io thread. Takes and gives: tape values into a raw instance.
//! Never: leaves out a level; takes a negative one.

use super::error::Cause;
use super::scanner::{Digits, scale_of};
use super::tape::{At, Elements, decimal};
use crate::schema::decimal::Decimal;
use crate::schema::raw::{Level, RawBuf, Side};

/// Reads one side: `[["price","quantity"],…]`.
pub(super) fn read(value: At<'_, '_>, side: Side, raw: &mut RawBuf) -> Result<(), Cause> {
    let mut levels = value.elements().ok_or(Cause::WrongType)?;
    if read_short(levels.clone(), side, raw).is_some() {
        return Ok(());
    }
    raw.clear_levels(side);
    loop {
        if let Some((price, quantity)) = levels.next_pair() {
            push(price, quantity, side, raw)?;
        } else if let Some(level) = levels.next() {
            other(level, side, raw)?;
        } else {
            return Ok(());
        }
    }
}

/// Reads levels of short decimals, as nearly all are: at eight decimals, lowered at the end to what they need.
fn read_short(mut levels: Elements<'_, '_>, side: Side, raw: &mut RawBuf) -> Option<()> {
    let units = raw.units(side);
    let (mut prices, mut quantities) = (0, 0);
    while levels.left() > 0 {
        let (price, quantity) = levels.next_pair()?;
        let (price, quantity) = (Digits::of(price)?, Digits::of(quantity)?);
        (prices, quantities) = (prices | price.fraction, quantities | quantity.fraction);
        units.push(Level { price: price.at_eight(), quantity: quantity.at_eight() });
    }
    raw.settle_units(side, scale_of(prices), scale_of(quantities));
    Some(())
}

/// Reads a level of any form that the venue has written.
#[cold]
fn other(level: At<'_, '_>, side: Side, raw: &mut RawBuf) -> Result<(), Cause> {
    let mut parts = level.elements().ok_or(Cause::BadLevel)?;
    let (Some(price), Some(quantity)) = (parts.next(), parts.next()) else { return Err(Cause::BadLevel) };
    // Until 2019 spot levels ended with an empty array.
    match parts.next().map(At::elements) {
        None => {}
        Some(Some(empty)) if empty.left() == 0 && parts.left() == 0 => {}
        Some(_) => return Err(Cause::BadLevel),
    }
    push(price.text().ok_or(Cause::BadLevel)?, quantity.text().ok_or(Cause::BadLevel)?, side, raw)
}

#[inline]
fn push(price: &str, quantity: &str, side: Side, raw: &mut RawBuf) -> Result<(), Cause> {
    raw.push_level(side, part(price)?, part(quantity)?).map_err(|_| Cause::DecimalOverflow)
}

#[inline]
fn part(text: &str) -> Result<Decimal, Cause> {
    let number = decimal(text)?;
    if number.mantissa() < 0 { Err(Cause::BadLevel) } else { Ok(number) }
}
