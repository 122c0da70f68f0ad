//! Purpose: Rust as far as the rules need it: code without prose, its words, what a path names. Owns: nothing.
//! Thread: a test's. Takes and gives: text in, words with their lines out. Never: judges.

use std::path::Path;

/// Code without comments and without what stands in strings and character literals, its lines kept.
pub(super) fn code_of(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let word_before = out.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            'r' | 'b' if !word_before && raw_string(rest).is_some() => raw_string(rest).unwrap(),
            '"' => 1 + closing(&rest[1..], '"'),
            '\'' => char_literal(rest),
            _ => 0,
        };
        if skipped == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            if c != '/' {
                out.push_str("\"\"");
            }
            out.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    out
}

/// Bytes up to and with the closing quote.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = if text[at..].starts_with("/*") {
            depth += 1;
            2
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            2
        } else {
            text[at..].chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Bytes of a raw string that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + length)
}

/// Bytes of a character literal that begins here; 0 for a lifetime.
fn char_literal(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match (inside.next(), inside.next()) {
        (Some('\\'), _) => 1 + closing(&text[1..], '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

/// Code line by line, with line numbers.
pub(super) fn code_lines(text: &str) -> Vec<(usize, String)> {
    code_of(text).lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect()
}

/// The words and signs of code, each with its line. `::` is one sign.
pub(super) fn tokens(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    for (line, code) in code_lines(text) {
        let mut rest = code.as_str();
        while let Some(c) = rest.chars().next() {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if word(c) {
                rest.find(|c| !word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            if !c.is_whitespace() {
                out.push((line, rest[..length].to_owned()));
            }
            rest = &rest[length..];
        }
    }
    out
}

/// The first words of what a path goes on with: one name, or those of a group, whatever lines it spans.
fn continued(tokens: &[(usize, String)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut depth, mut expects) = (0, true);
    for (line, token) in tokens {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => expects = true,
            _ if expects && depth <= 1 => {
                found.push((*line, token.clone()));
                expects = false;
            }
            _ => {}
        }
        if depth <= 0 {
            break;
        }
    }
    found
}

/// Every room that code names by `crate::`, `meltica::` or by climbing out of its own, with the line.
pub(super) fn rooms_named(path: &Path, text: &str) -> Vec<(usize, String)> {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let is_mod = inside.file_name().is_some_and(|n| n == "mod.rs");
    let depth = inside.components().count() - usize::from(is_mod);
    let tokens = tokens(text);
    let (mut found, mut supers) = (Vec::new(), 0);
    for at in 0..tokens.len().saturating_sub(1) {
        let (word, sign) = (tokens[at].1.as_str(), tokens[at + 1].1.as_str());
        match (word, sign) {
            ("crate" | "meltica", "::") => found.extend(continued(&tokens[at + 2..])),
            ("super", "::") => {
                supers += 1;
                if supers >= depth && tokens[at + 2].1 != "super" {
                    found.extend(continued(&tokens[at + 2..]));
                }
            }
            ("::", _) => {}
            _ => supers = 0,
        }
    }
    found
}

/// Whether the token at `at` names the foreign crate `name`, in a path or in an import.
pub(super) fn names_crate(tokens: &[(usize, String)], at: usize, name: &str) -> bool {
    let sign = |at: usize| tokens.get(at).map_or("", |(_, token)| token.as_str());
    let before = |back: usize| at.checked_sub(back).map_or("", sign);
    let is_word = |token: &str| token.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>');
    let leads = before(1) != "." && (before(1) != "::" || !is_word(before(2)) || before(2) == "use");
    sign(at) == name && leads && (sign(at + 1) == "::" || before(1) == "use")
}

#[test]
fn the_reader_of_code_sees_what_it_must_and_nothing_else() {
    let text = r##"
        //! crate::engine in prose
        /* crate::sim /* nested */ crate::cli */
        use crate::{
            bus::{data, control},
            schema::id, ring,
        };
        const A: &str = "https://crate::engine"; use crate::dispatch;
        const B: &str = r#"crate::engine " "#; const C: char = '"'; fn f<'a>(x: &'a str) { crate::agent::x(b'\'') }
        use super::super::conductor;
    "##;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capture/line.rs");
    let rooms: Vec<String> = rooms_named(&path, text).into_iter().map(|(_, room)| room).collect();
    assert_eq!(rooms, ["bus", "schema", "ring", "dispatch", "agent", "conductor"]);
    let named = |code: &str| {
        let tokens = tokens(code);
        (0..tokens.len()).any(|at| names_crate(&tokens, at, "loom"))
    };
    for code in
        ["use loom::sync;", "use loom;", "use loom as l;", "x(loom::f())", "use ::loom::a;", "pub use ::loom::a;"]
    {
        assert!(named(code), "{code}");
    }
    for code in ["crate::ring::loom::f()", "mod loom;", "my_loom::f()", "\"loom::\"", "x.loom", "// loom::f"] {
        assert!(!named(code), "{code}");
    }
}
