//! Purpose: the levels of one side while a raw instance is built. Owns: their memory. Thread: the io thread.
//! Takes and gives: values in, mantissas at one scale out. Never: allocates once it has grown, rounds.

use super::record::Level;
use crate::schema::decimal::{Decimal, DecimalError, power_of_ten};

/// Levels at one common scale, widened when a finer value comes.
#[derive(Debug)]
pub(super) struct LevelBuf {
    pub(super) levels: Vec<Level>,
    pub(super) price_scale: u8,
    pub(super) quantity_scale: u8,
}

impl Default for LevelBuf {
    fn default() -> Self {
        LevelBuf { levels: Vec::with_capacity(4096), price_scale: 0, quantity_scale: 0 }
    }
}

impl LevelBuf {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.price_scale = 0;
        self.quantity_scale = 0;
    }

    #[inline]
    pub(super) fn push(&mut self, price: Decimal, quantity: Decimal) -> Result<(), DecimalError> {
        if price.scale() > self.price_scale || quantity.scale() > self.quantity_scale {
            self.widen(self.price_scale.max(price.scale()), self.quantity_scale.max(quantity.scale()))?;
        }
        let price = price.mantissa_at(self.price_scale).ok_or(DecimalError::Overflow)?;
        let quantity = quantity.mantissa_at(self.quantity_scale).ok_or(DecimalError::Overflow)?;
        self.levels.push(Level { price, quantity });
        Ok(())
    }

    /// From eight decimals to fewer, which loses nothing.
    #[inline]
    pub(super) fn settle(&mut self, price_scale: u8, quantity_scale: u8) {
        let (by_price, by_quantity) = (EIGHT - price_scale.min(EIGHT), EIGHT - quantity_scale.min(EIGHT));
        for level in &mut self.levels {
            level.price = without_zeros(level.price, by_price);
            level.quantity = without_zeros(level.quantity, by_quantity);
        }
        (self.price_scale, self.quantity_scale) = (price_scale, quantity_scale);
    }

    pub(super) fn widen(&mut self, price_scale: u8, quantity_scale: u8) -> Result<(), DecimalError> {
        if (price_scale, quantity_scale) == (self.price_scale, self.quantity_scale) {
            return Ok(());
        }
        let by_price = power_of_ten(price_scale - self.price_scale).ok_or(DecimalError::Overflow)?;
        let by_quantity = power_of_ten(quantity_scale - self.quantity_scale).ok_or(DecimalError::Overflow)?;
        for level in &mut self.levels {
            level.price = level.price.checked_mul(by_price).ok_or(DecimalError::Overflow)?;
            level.quantity = level.quantity.checked_mul(by_quantity).ok_or(DecimalError::Overflow)?;
        }
        (self.price_scale, self.quantity_scale) = (price_scale, quantity_scale);
        Ok(())
    }
}

/// Decimals of units that are not settled yet.
const EIGHT: u8 = 8;

/// For each number of zeros, what undoes a product by so many fives in 64 bits.
const FIVES_UNDONE: [u64; 9] = {
    // What undoes one five: 5 × this is 1 in 64 bits.
    const FIVE_UNDONE: u64 = 0xcccc_cccc_cccc_cccd;
    let mut undone = [1_u64; 9];
    let mut zeros = 1;
    while zeros < 9 {
        undone[zeros] = undone[zeros - 1].wrapping_mul(FIVE_UNDONE);
        zeros += 1;
    }
    undone
};

/// A value that ends with (at least) so many decimal zeros without them: a division by a power of ten that is known to leave
/// nothing, so it is a product and a shift.
#[inline]
const fn without_zeros(value: i64, zeros: u8) -> i64 {
    ((value as u64).wrapping_mul(FIVES_UNDONE[zeros as usize]) >> zeros) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_taken_off_exactly() {
        for zeros in 0..=EIGHT {
            let power = power_of_ten(zeros).unwrap();
            for value in [0, 1, 2, 3, 5, 7, 10, 25, 99_999_999, 12_345_678_901, i64::MAX / 100_000_000] {
                assert_eq!(without_zeros(value * power, zeros), value, "{value} with {zeros} zeros");
            }
        }
    }
}
