//! Purpose: writes the full default file, every key with meaning, limits and default.
//! Owns: its layout. Thread: any (cold). Takes and gives: the schema and the defaults in, YAML out.
//! Never: says what the settings' documentation does not.

use serde_json::Value;

use super::node::{Content, Entry, Node};
use super::schema::{Kind, json_schema, kind, limits};
use super::settings::Config;

const WIDTH: usize = 118;

const HEAD: &str = "\
# Meltica's configuration: every key with its meaning, its limits, and its default as the value.
# A key that is left out has that default; a file of your own needs only what it changes.
# Variables override the file: MELTICA_SIM__SEED=7 is sim.seed, MELTICA_TOPOLOGY=lean is topology.
# Durations need a unit (ns, us, ms, s, m, h, d), sizes too (B, KiB, MiB, GiB).
";

/// The full default file. `config/meltica.yaml` is this text, and a test holds it to it.
pub fn annotated() -> String {
    let mut out = HEAD.to_owned();
    // By way of text: there the keys have the order of the settings, and JSON is YAML.
    let defaults = serde_json::to_string(&Config::default()).ok().and_then(|text| Node::parse(&text).ok());
    if let Some(Content::Map(entries)) = defaults.map(|node| node.content) {
        section(&mut out, &json_schema(), &entries, 0);
    }
    out
}

fn section(out: &mut String, schema: &Value, defaults: &[Entry], indent: usize) {
    for Entry { key, node, .. } in defaults {
        let below = &schema["properties"][key.as_str()];
        if indent == 0 {
            out.push('\n');
        }
        comment(out, &explained(below), indent);
        let pad = " ".repeat(indent);
        match (&node.content, kind(below)) {
            (Content::Map(entries), Kind::Section { .. }) => {
                out.push_str(&format!("{pad}{key}:\n"));
                section(out, below, entries, indent + 2);
            }
            _ => {
                out.push_str(format!("{pad}{key}: {}", inline(node)).trim_end());
                out.push('\n');
            }
        }
    }
}

/// Meaning, choices and limits, one paragraph each.
fn explained(schema: &Value) -> Vec<String> {
    let text =
        |part: &Value| part["description"].as_str().unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = vec![text(schema)];
    let told = match kind(schema) {
        Kind::Choice(words) => {
            let documented = schema["oneOf"].as_array().into_iter().flatten();
            let meanings = documented.map(|choice| format!("  {}: {}", inline_word(&choice["const"]), text(choice)));
            lines.extend(meanings);
            (lines.len() == 1).then(|| words.join(", "))
        }
        Kind::Truth => Some("true or false".to_owned()),
        Kind::Table { values, .. } => limits(values),
        _ => limits(schema),
    };
    lines.extend(told.map(|told| format!("Allowed: {told}.")));
    lines
}

fn inline_word(word: &Value) -> &str {
    word.as_str().unwrap_or("")
}

fn comment(out: &mut String, paragraphs: &[String], indent: usize) {
    for paragraph in paragraphs {
        let inner = paragraph.len() - paragraph.trim_start().len();
        let lead = format!("{}#{}", " ".repeat(indent), " ".repeat(inner));
        let mut line = lead.clone();
        for word in paragraph.split_whitespace() {
            if line.len() > lead.len() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                out.push_str(&line);
                out.push('\n');
                line.clone_from(&lead);
            }
            line.push(' ');
            line.push_str(word);
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// A default on one line.
fn inline(node: &Node) -> String {
    match &node.content {
        Content::Null => String::new(),
        Content::Truth(truth) => truth.to_string(),
        Content::Whole(whole) => whole.to_string(),
        Content::Real(real) => real.to_string(),
        Content::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Content::Text(text) => text.clone(),
        Content::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Content::Map(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|entry| format!("{}: {}", entry.key, inline(&entry.node))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}
