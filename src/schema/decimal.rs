//! Purpose: exact decimal numbers, as the venue writes them.
//! Owns: nothing. Thread: any. Takes and gives: ASCII digits in, [`Decimal`] out, and back.
//! Never: binary floating point, rounding, a silent overflow.

use core::cmp::Ordering;
use core::fmt;

use super::digits::{eight_digits, everywhere, lowest_zero, non_digits};

/// The most decimals a value may have. 10^18 is the largest power of ten that an `i64` holds.
pub const SCALE_MAX: u8 = 18;

/// Marks a decimal that the venue left out or sent as `null`, where a record stores scales in bytes.
pub const SCALE_ABSENT: u8 = u8::MAX;

const POWERS: [i64; 19] = {
    let mut table = [1i64; 19];
    let mut i = 1;
    while i < 19 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// `10^exponent`, or `None` past 10^18.
#[inline]
pub const fn power_of_ten(exponent: u8) -> Option<i64> {
    if exponent <= SCALE_MAX { Some(POWERS[exponent as usize]) } else { None }
}

/// An exact decimal: `mantissa / 10^scale`.
///
/// Two decimals are equal when their values are: `1.50 == 1.5`. It prints plain: no exponent, no trailing zeros.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    mantissa: i64,
    scale: u8,
}

/// Why a text is not a decimal that we can hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not `-?(0|[1-9][0-9]*)(.[0-9]+)?`, or a negative zero: the venue writes neither (faults.md, F41).
    #[error("not a plain decimal number")]
    Malformed,
    /// The value needs more than an `i64` mantissa, or more than 18 decimals.
    #[error("the number does not fit 63 bits without rounding")]
    Overflow,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal { mantissa: 0, scale: 0 };

    /// `mantissa / 10^scale`. `None` when `scale` is above [`SCALE_MAX`].
    #[inline]
    pub const fn new(mantissa: i64, scale: u8) -> Option<Decimal> {
        if scale <= SCALE_MAX { Some(Decimal { mantissa, scale }) } else { None }
    }

    /// A whole number.
    #[inline]
    pub const fn whole(value: i64) -> Decimal {
        Decimal { mantissa: value, scale: 0 }
    }

    /// The digits, without the point.
    #[inline]
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// How many of the mantissa's digits stand behind the point; 0 to [`SCALE_MAX`].
    #[inline]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Whether the value is zero.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Reads `-?(0|[1-9][0-9]*)(.[0-9]+)?`; trailing zeros behind the point cost nothing (`1e13` with eight of them fits).
    ///
    /// # Errors
    /// [`DecimalError::Malformed`] for any other text, [`DecimalError::Overflow`] when the value cannot be held exactly.
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Decimal, DecimalError> {
        match parse_short(text) {
            Some(value) => Ok(value),
            None => Decimal::parse_any(text),
        }
    }

    /// Reads any text, digit by digit: the rule itself, which [`parse_short`] must agree with.
    fn parse_any(text: &[u8]) -> Result<Decimal, DecimalError> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let point = digits.iter().position(|&b| b == b'.').unwrap_or(digits.len());
        let (whole, fraction) = digits.split_at(point);
        let fraction = match fraction {
            [] => fraction,
            [_, rest @ ..] if !rest.is_empty() => rest,
            _ => return Err(DecimalError::Malformed),
        };
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
            return Err(DecimalError::Malformed);
        }
        let mantissa = accumulate(accumulate(Some(0), whole)?, trim_zeros(fraction)?)?;
        let kept = trim_zeros(fraction)?.len();
        let mantissa = mantissa.ok_or(DecimalError::Overflow)?;
        if kept > SCALE_MAX as usize {
            return Err(DecimalError::Overflow);
        }
        if negative && mantissa == 0 {
            return Err(DecimalError::Malformed);
        }
        let signed = if negative { -mantissa } else { mantissa };
        Ok(Decimal { mantissa: signed, scale: kept as u8 })
    }

    /// The same value without trailing zeros behind the point.
    pub const fn normalised(self) -> Decimal {
        let mut out = self;
        if out.mantissa == 0 {
            return Decimal::ZERO;
        }
        while out.scale > 0 && out.mantissa % 10 == 0 {
            out.mantissa /= 10;
            out.scale -= 1;
        }
        out
    }

    /// The mantissa at another scale, exactly; `None` when digits would be lost or the result overflows.
    #[inline]
    pub fn mantissa_at(self, scale: u8) -> Option<i64> {
        if scale >= self.scale {
            return self.mantissa.checked_mul(power_of_ten(scale - self.scale)?);
        }
        let divisor = power_of_ten(self.scale - scale)?;
        (self.mantissa % divisor == 0).then(|| self.mantissa / divisor)
    }

    /// The exact sum, at the finer scale; `None` on overflow.
    pub fn checked_add(self, other: Decimal) -> Option<Decimal> {
        let scale = self.scale.max(other.scale);
        let mantissa = self.mantissa_at(scale)?.checked_add(other.mantissa_at(scale)?)?;
        Some(Decimal { mantissa, scale })
    }

    /// The exact difference, at the finer scale; `None` on overflow.
    pub fn checked_sub(self, other: Decimal) -> Option<Decimal> {
        let negated = Decimal { mantissa: other.mantissa.checked_neg()?, scale: other.scale };
        self.checked_add(negated)
    }

    /// Writes the plain form into `out` and gives the bytes written; no allocation.
    pub fn write_to(self, out: &mut [u8; 24]) -> &str {
        let value = self.normalised();
        let mut left = value.mantissa.unsigned_abs();
        let mut at = out.len();
        let mut behind = 0u8;
        while left > 0 || behind <= value.scale {
            if behind == value.scale && value.scale > 0 {
                at -= 1;
                out[at] = b'.';
            }
            at -= 1;
            out[at] = b'0' + (left % 10) as u8;
            left /= 10;
            behind += 1;
        }
        if value.mantissa < 0 {
            at -= 1;
            out[at] = b'-';
        }
        core::str::from_utf8(&out[at..]).unwrap_or_default()
    }
}

/// Reads what [`short_digits`] takes; `None` for whatever else there is, valid or not. Sixteen digits cannot overflow 63 bits.
#[inline]
fn parse_short(text: &[u8]) -> Option<Decimal> {
    let (before, fraction) = short_digits(text)?;
    let dropped = fraction.leading_zeros() as usize / 8;
    // In two steps, for all eight may go.
    let fraction = eight_digits(fraction << (dropped * 4) << (dropped * 4));
    let mantissa = eight_digits(before) as i64 * POWERS[8 - dropped] + fraction as i64;
    Some(Decimal { mantissa, scale: (8 - dropped) as u8 })
}

/// The digits of a valid decimal without a sign, with at most 8 before the point and 8 behind it: those before it, the last the highest byte,
/// and those behind it, the first the lowest; zeros stand for those that are not there. A text's first byte is the lowest of a word.
#[inline(always)]
pub(crate) fn short_digits(text: &[u8]) -> Option<(u64, u64)> {
    let (head, tail) = ends(text)?;
    let found = lowest_zero(head ^ everywhere(b'.'));
    let (whole, behind) = if found == 0 {
        (text.len(), 0)
    } else {
        let whole = found.trailing_zeros() as usize / 8;
        (whole, text.len() - whole - 1)
    };
    // A digit before the point and one behind it; no zero before other digits.
    let odd = !(1..=8).contains(&whole) || behind > 8 || (found != 0 && behind == 0) || (whole > 1 && text[0] == b'0');
    if odd {
        return None;
    }
    // Shifts drop what stands behind the one and before the other, and bring in zeros for digits that are not there.
    let before = (head ^ everywhere(b'0')) << ((8 - whole) * 8);
    let fraction = if behind == 0 { 0 } else { (tail ^ everywhere(b'0')) >> ((8 - behind) * 8) };
    (non_digits(before) | non_digits(fraction) == 0).then_some((before, fraction))
}

/// The first eight bytes of a text, and the last eight. A shorter one fills the low places of the one word and the high
/// places of the other. `None` for an empty text.
#[inline(always)]
fn ends(text: &[u8]) -> Option<(u64, u64)> {
    let length = text.len();
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        return Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
    }
    // What is loaded twice comes to the same places.
    let word = if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << ((length - 4) * 8)
    } else {
        let (first, last, middle) = (*text.first()?, *text.last()?, text[length / 2]);
        u64::from(first) | u64::from(middle) << (length / 2 * 8) | u64::from(last) << ((length - 1) * 8)
    };
    Some((word, word << ((8 - length) * 8)))
}

/// Appends digits; the inner `None` says overflow, so that a later non-digit is still seen as malformed.
fn accumulate(start: Option<i64>, digits: &[u8]) -> Result<Option<i64>, DecimalError> {
    let mut value = start;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(DecimalError::Malformed);
        }
        value = value.and_then(|v| v.checked_mul(10)?.checked_add(i64::from(digit)));
    }
    Ok(value)
}

/// Cuts zeros off the end of a fraction. What it cuts are digits, so nothing malformed is hidden.
fn trim_zeros(fraction: &[u8]) -> Result<&[u8], DecimalError> {
    let kept = fraction.iter().rposition(|&b| b != b'0').map_or(0, |i| i + 1);
    Ok(&fraction[..kept])
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        let wide = |d: &Decimal| i128::from(d.mantissa) * i128::from(POWERS[(scale - d.scale) as usize]);
        wide(self).cmp(&wide(other))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.write_to(&mut [0; 24]))
    }
}

impl core::str::FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Decimal::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_plain_decimals_exactly() {
        let table = [
            ("0", "0"),
            ("0.00000000", "0"),
            ("1.50000000", "1.5"),
            ("61837.63000000", "61837.63"),
            ("0.00006547", "0.00006547"),
            ("-0.0510", "-0.051"),
            ("10000000000000.00000000", "10000000000000"),
            ("1000000000000.00000000", "1000000000000"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775807", "-9223372036854775807"),
            ("0.000000000000000001", "0.000000000000000001"),
        ];
        for (text, plain) in table {
            assert_eq!(Decimal::parse(text.as_bytes()).unwrap().to_string(), plain, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_plain_or_does_not_fit() {
        for text in
            ["", "-", ".", "1.", ".5", "+1", "1e5", "NaN", "01", "00.1", "-0", "-0.00", "1.2.3", " 1", "1 ", "0x1"]
        {
            assert_eq!(Decimal::parse(text.as_bytes()), Err(DecimalError::Malformed), "{text}");
        }
        for text in ["9223372036854775808", "92233720368547758.079999", "0.0000000000000000001"] {
            assert_eq!(Decimal::parse(text.as_bytes()), Err(DecimalError::Overflow), "{text}");
        }
        assert_eq!(Decimal::parse(b"99999999999999999999x"), Err(DecimalError::Malformed));
    }

    #[test]
    fn compares_by_value_whatever_the_scale() {
        let d = |t: &str| Decimal::parse(t.as_bytes()).unwrap();
        assert_eq!(Decimal::new(150, 2).unwrap(), d("1.5"));
        assert!(d("0.1") < d("0.10000001"));
        assert!(d("-2") < d("-1.9"));
        assert!(d("9223372036854775807") > d("0.000000000000000001"));
    }

    #[test]
    fn rescales_exactly_or_not_at_all() {
        let d = Decimal::new(1500, 3).unwrap();
        assert_eq!(d.mantissa_at(1), Some(15));
        assert_eq!(d.mantissa_at(0), None);
        assert_eq!(d.mantissa_at(18), Some(1_500_000_000_000_000_000));
        assert_eq!(Decimal::whole(i64::MAX).mantissa_at(1), None);
    }

    /// Texts near to decimals: mostly digits, with what can go wrong among them.
    fn near_decimals() -> impl proptest::strategy::Strategy<Value = String> {
        proptest::prop_oneof![
            "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,12}0{0,8})?",
            "[0-9]{0,9}\\.?[0-9]{0,9}",
            "[-0-9.]{0,20}",
            "[0-9./:\\x00\\x7f\u{e9}]{0,18}",
        ]
    }

    #[test]
    fn the_short_way_agrees_on_every_short_text_of_telling_bytes() {
        let telling = [b'0', b'1', b'9', b'.', b'-', b'/', b':', 0x80, 0xff, 0];
        let mut read = 0;
        for length in 0..=6u32 {
            for mut number in 0..10usize.pow(length) {
                let mut text = Vec::new();
                for _ in 0..length {
                    text.push(telling[number % 10]);
                    number /= 10;
                }
                if let Some(value) = parse_short(&text) {
                    let any = Decimal::parse_any(&text).unwrap();
                    assert_eq!((value.mantissa, value.scale), (any.mantissa, any.scale), "{text:?}");
                    read += 1;
                } else if !text.contains(&b'-') {
                    assert!(Decimal::parse_any(&text).is_err(), "{text:?} is valid and short");
                }
            }
        }
        assert!(read > 1_000, "only {read}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(4_096))]
        #[test]
        fn the_short_way_gives_what_the_rule_gives(text in near_decimals()) {
            let (short, any) = (parse_short(text.as_bytes()), Decimal::parse_any(text.as_bytes()));
            match short {
                Some(value) => {
                    let any = any.unwrap();
                    proptest::prop_assert_eq!((value.mantissa, value.scale), (any.mantissa, any.scale));
                }
                // The venue's own form must go the short way.
                None if text.len() <= 16 && text.find('.').is_some_and(|at| at < 8 && text.len() - at <= 9) => {
                    proptest::prop_assert!(any.is_err() || text.starts_with('-'));
                }
                None => {}
            }
        }

        #[test]
        fn what_is_printed_reads_back(mantissa in proptest::num::i64::ANY, scale in 0u8..=18) {
            let value = Decimal::new(mantissa.max(-i64::MAX), scale).unwrap();
            proptest::prop_assert_eq!(Decimal::parse(value.to_string().as_bytes()).unwrap(), value);
        }
    }
}
