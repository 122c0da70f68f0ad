//! Purpose: the JSON text of values that no table knows. Owns: nothing. Thread: the io thread.
//! Takes and gives: tape values into a reused `String`. Never: allocates once that has grown; writes much past its limit.

use core::fmt::Write;

use simd_json::{Node, StaticNode};

use super::tape::At;

/// Writes the compact JSON text of a value. Once `out` is `limit` bytes long the rest is left out.
///
/// A whole number keeps its digits. Any other number shows the shortest text of its binary floating point value: this
/// text is for people, no canonical payload is made of it.
pub(super) fn write(value: At<'_, '_>, limit: usize, out: &mut String) {
    if out.len() >= limit {
        return;
    }
    match value.node() {
        Node::String(text) => quoted(text, limit, out),
        Node::Static(StaticNode::Null) => out.push_str("null"),
        Node::Static(StaticNode::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
        Node::Static(StaticNode::U64(value)) => show(out, format_args!("{value}")),
        Node::Static(StaticNode::I64(0)) => out.push_str("-0"),
        Node::Static(StaticNode::I64(value)) => show(out, format_args!("{value}")),
        Node::Static(StaticNode::F64(value)) => show(out, format_args!("{value:?}")),
        Node::Array { .. } => array(value, limit, out),
        Node::Object { .. } => object(value, limit, out),
    }
}

fn show(out: &mut String, number: core::fmt::Arguments<'_>) {
    // Writing into a `String` cannot fail.
    let _ = out.write_fmt(number);
}

fn array(value: At<'_, '_>, limit: usize, out: &mut String) {
    out.push('[');
    for (at, element) in value.elements().into_iter().flatten().enumerate() {
        if at > 0 {
            out.push(',');
        }
        if out.len() >= limit {
            return;
        }
        write(element, limit, out);
    }
    out.push(']');
}

fn object(value: At<'_, '_>, limit: usize, out: &mut String) {
    out.push('{');
    for (at, (key, element)) in value.entries().into_iter().flatten().enumerate() {
        if at > 0 {
            out.push(',');
        }
        if out.len() >= limit {
            return;
        }
        quoted(key, limit, out);
        out.push(':');
        write(element, limit, out);
    }
    out.push('}');
}

fn quoted(text: &str, limit: usize, out: &mut String) {
    out.push('"');
    // One character more than fits, at least: so that a cut text is seen to be cut.
    for letter in text[..text.floor_char_boundary(limit)].chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => show(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(json: &str, limit: usize) -> String {
        let mut bytes = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        let mut out = String::new();
        write(At::root(&tape.0).unwrap(), limit, &mut out);
        out
    }

    #[test]
    fn the_text_is_the_compact_form_of_the_value() {
        let table = [
            (r#" { "a" : [ 1 , -2, {} , [] ] , "b":null,"c":true } "#, r#"{"a":[1,-2,{},[]],"b":null,"c":true}"#),
            (r#""q\"\\\n\u0042币""#, r#""q\"\\\u000aB币""#),
            ("18446744073709551615", "18446744073709551615"),
            ("-0", "-0"),
            ("0.1", "0.1"),
            ("1e300", "1e300"),
        ];
        for (json, text) in table {
            assert_eq!(text_of(json, 255), text, "{json}");
        }
    }

    #[test]
    fn long_values_are_cut_near_the_limit() {
        let long = format!("[{}1]", "123,".repeat(10_000));
        let text = text_of(&long, 255);
        assert!((255..300).contains(&text.len()) && long.starts_with(&text), "{}", text.len());
        let long = format!("\"{}\"", "币".repeat(10_000));
        assert!((254..300).contains(&text_of(&long, 255).len()));
    }
}
