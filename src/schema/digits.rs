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

/// The first sixteen bytes of a text, the first the lowest; zeros stand for those that are not there.
#[inline]
pub(crate) fn first_sixteen(text: &[u8]) -> u128 {
    if let Some(first) = text.first_chunk() {
        return u128::from_le_bytes(*first);
    }
    if let Some((first, last)) = text.first_chunk().zip(text.last_chunk()) {
        let (low, high) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        // Some of the last eight are among the first.
        let new = high.checked_shr(8 * (16 - text.len()) as u32).unwrap_or_default();
        return u128::from(new) << 64 | u128::from(low);
    }
    if let Some((first, last)) = text.first_chunk().zip(text.last_chunk()) {
        // What is loaded twice comes to the same places.
        let (low, high) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u128::from(u64::from(low) | u64::from(high) << (8 * (text.len() - 4)));
    }
    text.iter().rev().fold(0, |word, byte| word << 8 | u128::from(*byte))
}

/// Whether a byte is a small letter, or none of ASCII.
#[inline]
pub(crate) const fn needs_raising(word: u64) -> bool {
    // From `a` to `z` is what has its high bit once 0x1f is added, and not yet with 0x05; no byte of ASCII carries into the next then.
    let small = word.wrapping_add(everywhere(0x1f)) & !word.wrapping_add(everywhere(0x05));
    (word | small) & everywhere(0x80) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_are_as_they_are_with_zeros_behind_them() {
        let bytes: Vec<u8> = (1..=18).collect();
        for count in 0..=bytes.len() {
            let last = &bytes[bytes.len() - count..];
            let mut padded = [last, &[0; 16]].concat();
            padded.truncate(16);
            assert_eq!(first_sixteen(last).to_le_bytes(), *padded, "{count} bytes");
        }
    }

    #[test]
    fn what_uppercase_would_change_is_seen_wherever_it_stands() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                for others in [0, b'A', b'`', b'{', 0x7f] {
                    let mut text = [others; 8];
                    text[at] = byte;
                    let expected = byte.is_ascii_lowercase() || !byte.is_ascii();
                    assert_eq!(needs_raising(u64::from_le_bytes(text)), expected, "{text:?}");
                }
            }
        }
    }

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
