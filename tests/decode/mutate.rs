//! Purpose: other spellings of a frame, and damaged ones. Owns: the choices. Thread: a test's.
//! Takes and gives: bytes and random words. Never: draws randomness of its own.

use crate::json::Json;

/// A stream of choices out of random words; it repeats when they are used up.
pub(crate) struct Choices<'a> {
    words: &'a [u32],
    at: usize,
}

impl<'a> Choices<'a> {
    pub(crate) fn new(words: &'a [u32]) -> Choices<'a> {
        Choices { words, at: 0 }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.at += 1;
        let word = self.words[self.at % self.words.len()].wrapping_add(self.at as u32).wrapping_mul(0x9e37_79b9);
        (word >> 7) as usize % bound.max(1)
    }
}

/// The same frame, spelled otherwise: keys in another order, white space, escapes, keys that no table knows.
pub(crate) fn respell(value: &Json, choices: &mut Choices<'_>) -> String {
    let mut out = String::new();
    write(value, choices, &mut out);
    out
}

fn write(value: &Json, choices: &mut Choices<'_>, out: &mut String) {
    space(choices, out);
    match value {
        Json::Text(text) => quote(text, choices, out),
        Json::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(element, choices, out);
            }
            space(choices, out);
            out.push(']');
        }
        Json::Object(entries) => object(entries, choices, out),
        Json::Float(number) => *out += &number.to_string(),
        other => *out += &other.text().unwrap_or_default(),
    }
    space(choices, out);
}

fn object(entries: &[(String, Json)], choices: &mut Choices<'_>, out: &mut String) {
    let mut entries = entries.to_vec();
    for at in (1..entries.len()).rev() {
        entries.swap(at, choices.below(at + 1));
    }
    if choices.below(3) == 0 {
        let extra = [
            Json::Null,
            Json::Unsigned(u64::MAX),
            Json::Text("\u{1}\"\\ 币".to_owned()),
            Json::Array(vec![Json::Object(vec![("b".to_owned(), Json::Signed(-1))])]),
            Json::Text("long ".repeat(100)),
        ];
        let key = ["zz", "Z", "", "币", "lastUpdateID"][choices.below(5)].to_owned();
        let value = extra[choices.below(extra.len())].clone();
        entries.insert(choices.below(entries.len() + 1), (key, value));
    }
    out.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        space(choices, out);
        quote(key, choices, out);
        space(choices, out);
        out.push(':');
        write(value, choices, out);
    }
    space(choices, out);
    out.push('}');
}

fn space(choices: &mut Choices<'_>, out: &mut String) {
    out.push_str(["", "", "", " ", "\n\t", "\r\n   "][choices.below(6)]);
}

fn quote(text: &str, choices: &mut Choices<'_>, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        if letter < ' ' || letter == '"' || letter == '\\' || choices.below(12) == 0 {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                *out += &format!("\\u{unit:04X}");
            }
        } else {
            out.push(letter);
        }
    }
    out.push('"');
}

/// A damaged frame: a few bits flipped, bytes replaced by ones that matter in JSON, bytes left out or doubled.
pub(crate) fn damage(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    const SHARP: &[u8] = b"{}[]\":,\\-+.eE0123456789ntf \x00\x1f\x7f\x80\xc0\xff\xed\xa0";
    let mut out = bytes.to_vec();
    for _ in 0..1 + choices.below(3) {
        if out.is_empty() {
            break;
        }
        let at = choices.below(out.len());
        match choices.below(5) {
            0 => out[at] ^= 1 << choices.below(8),
            1 => out[at] = SHARP[choices.below(SHARP.len())],
            2 => drop(out.remove(at)),
            3 => out.insert(at, SHARP[choices.below(SHARP.len())]),
            _ => {
                let end = (at + 1 + choices.below(40)).min(out.len());
                let piece = out[at..end].to_vec();
                let to = choices.below(out.len());
                out.splice(to..to, piece);
            }
        }
    }
    out
}
