//! Purpose: numbers are what the rule says, by whichever instructions. Owns: tables of telling texts. Thread: a test's.
//! Takes and gives: nothing. Never: needs a processor that has more than all have.

use super::level::Form;
use super::number::*;
use super::window::WINDOW;
use crate::schema::decimal::Decimal;
use crate::schema::digits::eight_digits;

fn view(text: &[u8]) -> [u8; VIEW] {
    let mut bytes = [b'~'; VIEW];
    bytes[..text.len()].copy_from_slice(text);
    bytes
}

/// The first sixteen of them, as they are held near a frame's end.
fn held(bytes: &[u8; VIEW]) -> Held {
    Held(u128::from_le_bytes(*bytes.first_chunk().unwrap()))
}

#[test]
fn two_words_make_what_each_makes() {
    let words = ["00000000", "12345678", "99999999", "00000007", "98000000", "09990001"];
    let digits = |text: &str| u64::from_le_bytes(text.as_bytes().try_into().unwrap()) ^ ZEROS;
    for first in words {
        for second in words {
            let expected: [u64; 2] = [first, second].map(|text| text.parse().unwrap());
            assert_eq!(pair(digits(first), digits(second)), expected);
            assert_eq!([digits(first), digits(second)].map(eight_digits), expected);
        }
    }
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

/// The same by instructions that not every processor has, where this one has them.
#[cfg(target_arch = "x86_64")]
mod faster {
    use super::super::isa::{Baseline, Isa};
    use super::super::v3::V3;
    use super::*;

    /// Says so where there is nothing to compare.
    pub(super) fn tell() {
        if V3::detect().is_none() {
            eprintln!("SKIPPED x86-64-v3: this processor has not its instructions; the baseline alone is tried");
        }
    }

    /// What the baseline reads, and at most other decimals that are one by the rule.
    pub(super) fn decimal(bytes: &[u8; VIEW], read: Option<(Digits, usize)>) {
        let Some(v3) = V3::detect() else { return };
        let found = v3.decimal(Here(bytes)).map(|(value, length)| (value.mantissa(), value.scale(), length));
        let length = bytes.iter().position(|byte| *byte == b'"').unwrap_or(VIEW);
        let rule = Decimal::parse(&bytes[..length]).ok().filter(|value| length < WINDOW && value.mantissa() >= 0);
        // A sign is left to the rule.
        let rule = rule.map(|value| (value.mantissa(), value.scale(), length)).filter(|_| bytes[0] != b'-');
        assert_eq!(found, rule, "{:?}", String::from_utf8_lossy(bytes));
        let Some((digits, length)) = read.filter(|(_, length)| *length <= WINDOW) else { return };
        // A decimal of sixteen is not read with its quote, but is taken as a level's.
        assert_eq!(rule.map(|(.., length)| length), Some(length).filter(|length| *length < WINDOW));
        let (whole, behind) = match bytes[..length].iter().position(|byte| *byte == b'.') {
            Some(point) => (point, length - point - 1),
            None => (length, 0),
        };
        assert_eq!(Baseline.take(bytes, whole, behind), digits);
        let taken = v3.take(bytes, whole, behind);
        assert_eq!((v3.at_eight(taken), v3.scale(taken)), (digits.at_eight(), scale_of(digits.fraction)));
        let none = v3.both(taken, v3.no_digits());
        assert_eq!((v3.at_eight(none), v3.scale(v3.no_digits())), (digits.at_eight(), 0));
    }

    pub(super) fn whole(bytes: &[u8; VIEW]) {
        let Some(v3) = V3::detect() else { return };
        assert_eq!(v3.whole(Here(bytes)), Baseline.whole(Here(bytes)), "{:?}", String::from_utf8_lossy(bytes));
        let tail = super::super::step::Tail::default();
        // Near the end zeros stand behind what is left, and before that what comes next.
        for left in 1..=VIEW {
            let payload = [&[b'7'; WINDOW], &bytes[..left]].concat();
            let next = v3.next(&payload[WINDOW..], &payload, &tail).unwrap();
            let mut expected = [0; WINDOW];
            expected[..left.min(WINDOW)].copy_from_slice(&bytes[..left.min(WINDOW)]);
            assert_eq!(next.vector().to_array(), expected, "{left} left");
            let words = (next.byte(3), next.word(0), next.word(9));
            let word = |at: usize| u64::from_le_bytes([&expected[at..], &[0; 8]].concat()[..8].try_into().unwrap());
            assert_eq!(words, (expected[3], word(0), word(9)));
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod faster {
    use super::*;

    pub(super) fn tell() {
        eprintln!("SKIPPED x86-64-v3: this is another target; the baseline alone is tried");
    }

    pub(super) fn decimal(_: &[u8; VIEW], _: Option<(Digits, usize)>) {}

    pub(super) fn whole(_: &[u8; VIEW]) {}
}

fn same(text: &[u8]) -> bool {
    let quoted = [text, b"\""].concat();
    let bytes = view(&quoted[..quoted.len().min(VIEW)]);
    let read = View(Here(&bytes)).quoted();
    faster::decimal(&bytes, read);
    if quoted.len() <= WINDOW {
        assert_eq!(View(held(&bytes)).quoted(), read, "{text:?}");
        assert_eq!(Form::reads_alike(&bytes), read, "{text:?}");
    }
    if let Some((digits, length)) = read {
        // The tape's way leaves a point behind eight digits to the rule.
        let by_text = Digits::of(core::str::from_utf8(text).unwrap());
        assert_eq!(by_text, (text.get(8) != Some(&b'.')).then_some(digits), "{text:?}");
        let (value, rule) = (digits.decimal().unwrap(), Decimal::parse(text).unwrap());
        assert_eq!((value.mantissa(), value.scale(), length), (rule.mantissa(), rule.scale(), text.len()));
        assert_eq!((Some(digits.at_eight()), scale_of(digits.fraction)), (rule.mantissa_at(8), rule.scale()), "{rule}");
    }
    read.is_some()
}

#[test]
fn a_decimal_is_what_the_rule_says_or_not_read_at_all() {
    faster::tell();
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
                let short = whole <= 8 && behind <= 8 && text.len() <= WINDOW;
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
        let bytes = view(text);
        assert_eq!(View(Here(&bytes)).whole(), plain.then(|| (number(), digits)), "{text:?}");
        faster::whole(&bytes);
        assert_eq!(View(held(&bytes)).whole(), View(Here(&bytes)).whole(), "{text:?}");
    });
    for digits in 1..=16 {
        let text = &"9081726354453627"[..digits];
        let bytes = view(text.as_bytes());
        assert_eq!(View(Here(&bytes)).whole(), Some((text.parse().unwrap(), digits)), "{text}");
        faster::whole(&bytes);
        assert_eq!(View(held(&bytes)).whole(), View(Here(&bytes)).whole(), "{text}");
    }
}
