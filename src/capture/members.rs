//! Purpose: walks the members of a JSON object without parsing their values.
//! Owns: nothing. Thread: any. Takes and gives: bytes in, ranges out. Never: allocates, recurses, reads a byte twice;
//! vouches for a value's inside.

use core::ops::Range;

/// The members of the object that the bytes begin with, at its top level. Ends at the object's end, and at the first
/// byte that cannot stand there.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    json: &'a [u8],
    at: usize,
    ended: bool,
}

/// One member: where its key (without quotes, escapes untouched) and its value are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// The key's bytes.
    pub(super) key: Range<usize>,
    /// The value's bytes, complete.
    pub(super) value: Range<usize>,
}

impl<'a> Members<'a> {
    /// Of the object that begins at the first byte that is not white space; none when that is not a `{`.
    pub(super) fn of(json: &'a [u8]) -> Members<'a> {
        let mut members = Members { json, at: 0, ended: false };
        members.skip_space();
        members.ended = !members.eat(b'{');
        members
    }

    fn skip_space(&mut self) {
        while matches!(self.json.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.json.get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    /// A string's inside; the cursor goes behind the closing quote.
    fn string(&mut self) -> Option<Range<usize>> {
        if !self.eat(b'"') {
            return None;
        }
        let start = self.at;
        loop {
            match *self.json.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let inside = start..self.at;
        self.at += 1;
        Some(inside)
    }

    fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        match *self.json.get(self.at)? {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => self.nested()?,
            _ => {
                while !matches!(self.json.get(self.at)?, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                    self.at += 1;
                }
            }
        }
        (self.at > start).then_some(start..self.at)
    }

    /// Goes behind the bracket that closes the one under the cursor. Counts brackets, whatever their kind: the parser
    /// behind checks.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            match *self.json.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn member(&mut self) -> Option<Member> {
        self.skip_space();
        let key = self.string()?;
        self.skip_space();
        if !self.eat(b':') {
            return None;
        }
        self.skip_space();
        let value = self.value()?;
        self.skip_space();
        // Behind a value: a comma and more, or the end, or nothing that matters to the member just read.
        self.ended = !self.eat(b',');
        Some(Member { key, value })
    }

    /// The value of the first member of that key, as it stands.
    pub(super) fn get(json: &'a [u8], key: &str) -> Option<&'a [u8]> {
        Members::of(json).find(|m| &json[m.key.clone()] == key.as_bytes()).map(|m| &json[m.value])
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        if self.ended {
            return None;
        }
        let member = self.member();
        self.ended |= member.is_none();
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(json: &str) -> Vec<(&str, &str)> {
        Members::of(json.as_bytes()).map(|m| (&json[m.key], &json[m.value])).collect()
    }

    #[test]
    fn members_are_found_whatever_their_values_hold() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("{}", &[]),
            ("[1]", &[]),
            ("", &[]),
            ("{", &[]),
            (r#"{"a":1}"#, &[("a", "1")]),
            (r#" { "a" : "x\"}" , "b":[{"c":"]"},2] } "#, &[("a", r#""x\"}""#), ("b", r#"[{"c":"]"},2]"#)]),
            (r#"{"a":null,"b":-1.5e3,"c":true}"#, &[("a", "null"), ("b", "-1.5e3"), ("c", "true")]),
            (r#"{"a":{"b":1"#, &[]),
            (r#"{"a":1,"b":"#, &[("a", "1")]),
            (r#"{"a":"x\"#, &[]),
            (r#"{"a" 1}"#, &[]),
            (r#"{"a":}"#, &[]),
            (r#"{"a":1 "b":2}"#, &[("a", "1")]),
        ];
        for (json, expected) in table {
            assert_eq!(&walk(json), expected, "{json}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(Members::get(deep.as_bytes(), "a").map(<[u8]>::len), Some(2_000_000));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::sample::select(&b"{}[]\",:\\a1 \xff"[..]), 0..64)) {
            let mut json = b"{".to_vec();
            json.extend(bytes);
            for member in Members::of(&json) {
                proptest::prop_assert!(member.key.end < member.value.start && member.value.end <= json.len());
            }
        }
    }
}
