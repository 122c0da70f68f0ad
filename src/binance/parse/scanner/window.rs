//! Purpose: sixteen bytes of a frame at once: where digits end, where a quote stands, and the number in between.
//! Owns: nothing. Thread: the io thread. Takes and gives: bytes in, marks and numbers out, `None` for what is not plainly one.
//! Never: branches on a byte. Marks have a bit for each byte, the first the lowest; without one, `trailing_zeros` is 32.

use wide::u8x16;

use crate::schema::decimal::Decimal;
use crate::schema::digits::eight_digits;

/// Bytes that one window shows.
pub(super) const WINDOW: usize = 16;

const ZEROS: u128 = u128::from_le_bytes([b'0'; WINDOW]);

/// Powers of ten that eight digits may be moved by; beyond the ninth never used, so that a mask keeps an index within.
const POWERS: [u64; 16] = {
    let mut powers = [1; 16];
    let mut at = 1;
    while at < 16 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Sixteen bytes, the first the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(pub(super) [u8; WINDOW]);

/// The digits of a decimal with at most eight before the point and eight behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    whole: u64,
    /// Those behind the point, the first the lowest byte; zeros stand for those that are not there.
    pub(super) fraction: u64,
}

impl Digits {
    /// The mantissa with eight digits behind the point.
    #[inline(always)]
    pub(super) fn at_eight(self) -> i64 {
        (self.whole * POWERS[8] + eight_digits(self.fraction)) as i64
    }

    /// The decimal, without zeros at its end.
    #[inline(always)]
    pub(super) fn decimal(self) -> Option<Decimal> {
        let scale = scale_of(self.fraction);
        // At scale 0 nothing is moved, for there is nothing.
        let fraction = eight_digits(self.fraction.wrapping_shl(64 - 8 * u32::from(scale)));
        Decimal::new((self.whole * POWERS[usize::from(scale) & 15] + fraction) as i64, scale)
    }
}

/// How many of eight digits behind a point are left without the zeros at their end; of several fractions by their common
/// digits (`|`), the scale that all of them need.
#[inline(always)]
pub(super) const fn scale_of(fraction: u64) -> u8 {
    8 - (fraction.leading_zeros() / 8) as u8
}

impl Window {
    #[inline]
    pub(super) const fn word(self) -> u128 {
        u128::from_le_bytes(self.0)
    }

    #[inline]
    fn vector(self) -> u8x16 {
        u8x16::new(self.0)
    }

    /// Marks what is no digit.
    #[inline]
    fn non_digits(self) -> u32 {
        above(self.vector() ^ u8x16::splat(b'0'), 9)
    }

    /// Marks quotes.
    #[inline]
    pub(super) fn quotes(self) -> u32 {
        equal(self.vector(), b'"')
    }

    /// The length of the text up to a quote, if all of it is printable ASCII without escapes.
    #[inline]
    pub(super) fn plain_text(self) -> Option<usize> {
        let quote = self.quotes();
        // From a space to `~` is 0 to 0x5e once a space is taken off; what was below one is far above then.
        let odd = above(self.vector() - u8x16::splat(b' '), 0x5e) | equal(self.vector(), b'\\');
        let before = quote.wrapping_sub(1) & !quote;
        (quote != 0 && odd & before == 0).then_some(quote.trailing_zeros() as usize)
    }

    /// A decimal up to a quote, and its length: from 1 to 8 digits before the point and, if there is one, 1 to 8 behind it.
    #[inline(always)]
    pub(super) fn digits(&self) -> Option<(Digits, usize)> {
        let others = self.non_digits();
        let whole = others.trailing_zeros() as usize;
        if !(1..=8).contains(&whole) || (whole > 1 && self.0[0] == b'0') {
            return None;
        }
        let digits = self.word() ^ ZEROS;
        let before = eight_digits((digits as u64) << (64 - 8 * whole));
        let end = (others & others.wrapping_sub(1)).trailing_zeros() as usize;
        let behind = end.wrapping_sub(whole + 1);
        if self.0[whole] != b'.' || !(1..=8).contains(&behind) || end >= WINDOW || self.0[end] != b'"' {
            let bare = self.0[whole] == b'"';
            return bare.then_some((Digits { whole: before, fraction: 0 }, whole));
        }
        let unused = 64 - 8 * behind as u32;
        let fraction = ((digits >> (8 * (whole + 1))) as u64) << unused >> unused;
        Some((Digits { whole: before, fraction }, end))
    }

    /// A whole number of 1 to 15 digits without a sign and without a zero before others, and how many digits it has; 16 when
    /// all are digits: then the value is that of all of them, and more may follow.
    #[inline(always)]
    pub(super) fn whole(&self) -> Option<(u64, usize)> {
        let length = (self.non_digits().trailing_zeros() as usize).min(WINDOW);
        if length == 0 || (length > 1 && self.0[0] == b'0') {
            return None;
        }
        let digits = self.word() ^ ZEROS;
        let (low, high) = (digits as u64, (digits >> 64) as u64);
        if length <= 8 {
            return Some((eight_digits(low << (64 - 8 * length)), length));
        }
        let more = length - 8;
        Some((eight_digits(low) * POWERS[more & 15] + eight_digits(high << (64 - 8 * more)), length))
    }
}

/// Marks the bytes that are this one.
#[inline]
fn equal(bytes: u8x16, byte: u8) -> u32 {
    bytes.simd_eq(u8x16::splat(byte)).to_bitmask()
}

/// Marks the bytes above this one.
#[inline]
fn above(bytes: u8x16, byte: u8) -> u32 {
    !bytes.min(u8x16::splat(byte)).simd_eq(bytes).to_bitmask() & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &[u8]) -> Window {
        let mut bytes = [b'~'; WINDOW];
        bytes[..text.len()].copy_from_slice(text);
        Window(bytes)
    }

    #[test]
    fn every_byte_is_marked_for_what_it_is_in_every_place() {
        for at in 0..WINDOW {
            for byte in 0..=u8::MAX {
                for others in [0, b'"', b'5', 0x7f, 0x80, 0xff] {
                    let mut bytes = [others; WINDOW];
                    bytes[at] = byte;
                    let vector = u8x16::new(bytes);
                    let marked = |rule: &dyn Fn(u8) -> bool| {
                        bytes.iter().enumerate().fold(0, |marks, (bit, byte)| marks | u32::from(rule(*byte)) << bit)
                    };
                    for than in [0, 9, 0x5e, 0x7f] {
                        let expected = marked(&|byte| byte > than);
                        assert_eq!(above(vector, than), expected, "{bytes:?}");
                    }
                    for one in [0, b'"', b'.', 0x80, 0xff] {
                        let expected = marked(&|byte| byte == one);
                        assert_eq!(equal(vector, one), expected, "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_text_is_plain_when_each_byte_of_it_is_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..4 {
                let mut text = *b"abcd\"\\\x00";
                text[at] = byte;
                let expected = match byte {
                    b'"' => Some(at),
                    b'\\' => None,
                    b' '..=b'~' => Some(4),
                    _ => None,
                };
                assert_eq!(window(&text).plain_text(), expected, "{text:?}");
            }
        }
        assert_eq!(window(b"0123456789abcdef").plain_text(), None, "no quote in sight");
        assert_eq!(window(b"0123456789abcde\"").plain_text(), Some(15));
    }

    /// Texts of telling bytes up to a length, each with a quote behind it.
    fn telling(length_max: u32, mut each: impl FnMut(&[u8])) {
        const BYTES: [u8; 9] = [b'0', b'1', b'9', b'.', b'-', b'/', b':', 0x80, 0];
        for length in 0..=length_max {
            for mut number in 0..BYTES.len().pow(length) {
                let mut text = Vec::new();
                for _ in 0..length {
                    text.push(BYTES[number % BYTES.len()]);
                    number /= BYTES.len();
                }
                each(&text);
            }
        }
    }

    fn same(text: &[u8]) -> bool {
        let quoted = [text, b"\""].concat();
        let read = window(&quoted[..quoted.len().min(WINDOW)]).digits();
        if let Some((digits, length)) = read {
            let (value, rule) = (digits.decimal().unwrap(), Decimal::parse(text).unwrap());
            assert_eq!((value.mantissa(), value.scale(), length), (rule.mantissa(), rule.scale(), text.len()));
            assert_eq!(
                (Some(digits.at_eight()), scale_of(digits.fraction)),
                (rule.mantissa_at(8), rule.scale()),
                "{rule}"
            );
        }
        read.is_some()
    }

    #[test]
    fn a_decimal_is_what_the_rule_says_or_not_read_at_all() {
        let mut read = 0;
        telling(5, |text| read += u32::from(same(text)));
        assert!(read > 400, "only {read}");
        // The form of the venue in every length, with zeros in every place.
        for whole in 1..=9 {
            for behind in 0..=9 {
                for zeros in 0..=behind {
                    let digits = |count: usize| "9182736455".repeat(2)[..count].to_owned();
                    let point = if behind > 0 { "." } else { "" };
                    let text = format!("{}{point}{}{}", digits(whole), digits(behind - zeros), "0".repeat(zeros));
                    let short = whole <= 8 && behind <= 8 && text.len() < WINDOW;
                    assert_eq!(same(text.as_bytes()), short, "{text}");
                }
            }
        }
    }

    #[test]
    fn a_whole_number_is_what_its_digits_say() {
        telling(5, |text| {
            let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let plain = digits == 1 || (digits > 1 && text[0] != b'0');
            let number = || core::str::from_utf8(&text[..digits]).unwrap().parse().unwrap();
            assert_eq!(window(text).whole(), plain.then(|| (number(), digits)), "{text:?}");
        });
        for digits in 1..=16 {
            let text = &"9081726354453627"[..digits];
            assert_eq!(window(text.as_bytes()).whole(), Some((text.parse().unwrap(), digits)), "{text}");
        }
    }
}
