//! Purpose: numbers as the venue writes them: exact, eight decimals, no exponent.
//! Owns: nothing. Thread: any. Takes and gives: integers with a scale in, ASCII out. Never: allocates beyond its buffer.

/// Decimals of every price and quantity on the wire.
pub const WIRE_DECIMALS: u8 = 8;

const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Appends a whole number.
#[inline]
pub fn whole(out: &mut Vec<u8>, value: u64) {
    let mut scratch = [0u8; 20];
    let mut at = scratch.len();
    let mut left = value;
    loop {
        at -= 1;
        scratch[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&scratch[at..]);
}

/// Appends a whole number that may be negative.
pub fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    whole(out, value.unsigned_abs());
}

/// Appends `value / 10^scale` with eight decimals; a scale above 8 counts as 8.
#[inline]
pub fn fixed(out: &mut Vec<u8>, value: u64, scale: u8) {
    let power = POWERS[scale.min(WIRE_DECIMALS) as usize];
    point(out, value / power, value % power * (POWERS[WIRE_DECIMALS as usize] / power), WIRE_DECIMALS);
}

/// The same for sums that outgrow 64 bits; what exceeds 2^64 before the point is written as 2^64 - 1.
pub fn fixed_wide(out: &mut Vec<u8>, value: u128, scale: u8) {
    let power = POWERS[scale.min(WIRE_DECIMALS) as usize];
    let (head, tail) = (value / u128::from(power), (value % u128::from(power)) as u64);
    let head = u64::try_from(head).unwrap_or(u64::MAX);
    point(out, head, tail * (POWERS[WIRE_DECIMALS as usize] / power), WIRE_DECIMALS);
}

/// The same for differences.
pub fn fixed_signed(out: &mut Vec<u8>, value: i64, scale: u8) {
    if value < 0 {
        out.push(b'-');
    }
    fixed(out, value.unsigned_abs(), scale);
}

/// Appends thousandths as a number with three decimals: the venue's percentages.
pub fn thousandths(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    let value = value.unsigned_abs();
    point(out, value / 1_000, value % 1_000, 3);
}

/// Appends `head`, a point, and `tail` in `width` digits.
#[inline]
fn point(out: &mut Vec<u8>, head: u64, tail: u64, width: u8) {
    whole(out, head);
    let mut scratch = [b'.'; 9];
    let digits = &mut scratch[..=width as usize];
    let mut left = tail as u32;
    for digit in digits[1..].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.extend_from_slice(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("digits are ASCII")
    }

    #[test]
    fn prices_and_quantities_have_eight_decimals() {
        let table = [
            (0, 0, "0.00000000"),
            (637, 8, "0.00000637"),
            (6_183_763, 2, "61837.63000000"),
            (154_698, 5, "1.54698000"),
            (1_000_000_000_000, 0, "1000000000000.00000000"),
            (u64::MAX, 8, "184467440737.09551615"),
            (u64::MAX, 0, "18446744073709551615.00000000"),
        ];
        for (value, scale, expected) in table {
            assert_eq!(text(|o| fixed(o, value, scale)), expected);
            assert_eq!(text(|o| fixed_wide(o, value.into(), scale)), expected);
        }
        assert_eq!(text(|o| fixed_wide(o, 840_180_761_513_586_100_000, 8)), "8401807615135.86100000");
    }

    #[test]
    fn differences_and_percentages_carry_their_sign() {
        assert_eq!(text(|o| fixed_signed(o, -510, 4)), "-0.05100000");
        assert_eq!(text(|o| fixed_signed(o, 510, 4)), "0.05100000");
        assert_eq!(text(|o| thousandths(o, -827)), "-0.827");
        assert_eq!(text(|o| thousandths(o, 1_600)), "1.600");
        assert_eq!(text(|o| signed(o, -1)), "-1");
        assert_eq!(text(|o| signed(o, i64::MIN)), "-9223372036854775808");
    }
}
