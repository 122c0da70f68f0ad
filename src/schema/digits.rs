//! Purpose: eight characters at a time: digits to a number, and the first byte that is something else.
//! Owns: nothing. Thread: any. Takes and gives: words whose lowest byte is a text's first. Never: branches on a byte.

/// A byte in each of eight places.
#[inline]
pub(crate) const fn everywhere(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Marks zero bytes: the lowest bit that is set is the high bit of the first of them; 0 when there is none. Bits above the
/// lowest mean nothing, for a borrow reaches bytes above it.
#[inline]
pub(crate) const fn lowest_zero(word: u64) -> u64 {
    word.wrapping_sub(everywhere(1)) & !word & everywhere(0x80)
}

/// Marks bytes above nine, likewise by the lowest bit set: digits are handed in with `'0'` taken off by exclusive or.
#[inline]
pub(crate) const fn non_digits(word: u64) -> u64 {
    (word | word.wrapping_add(everywhere(0x76))) & everywhere(0x80)
}

/// The number that eight digits (0 to 9 a byte, the first the lowest) make: pairs, then fours, then all.
#[inline]
pub(crate) const fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_no_digit_is_found_wherever_it_stands_and_whatever_it_is() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"90817263";
                text[at] = byte;
                let word = u64::from_le_bytes(text) ^ everywhere(b'0');
                let found = if byte.is_ascii_digit() { 64 } else { 8 * at as u32 + 7 };
                assert_eq!(non_digits(word).trailing_zeros(), found, "{text:?}");
                let zero = if byte == b'"' { 8 * at as u32 + 7 } else { 64 };
                assert_eq!(lowest_zero(u64::from_le_bytes(text) ^ everywhere(b'"')).trailing_zeros(), zero);
            }
        }
    }

    #[test]
    fn eight_digits_make_their_number() {
        for (text, number) in [(b"00000000", 0), (b"12345678", 12_345_678), (b"99999999", 99_999_999), (b"00000007", 7)]
        {
            assert_eq!(eight_digits(u64::from_le_bytes(*text) ^ everywhere(b'0')), number);
        }
    }
}
