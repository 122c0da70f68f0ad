//! Purpose: what environment variables override: `MELTICA_` and the key's path, with `__` between levels.
//! Owns: the names of variables. Thread: any (cold). Takes and gives: names and texts in, a changed tree out.
//! Never: reads the environment itself; ignores a variable that looks like ours and is not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::Place;
use super::node::{Content, Entry, Node};
use super::schema::{Kind, kind};
use super::suggest::nearest;
use super::walk::Finding;

const PREFIX: &str = "MELTICA_";

/// Variables with our prefix that are no keys: where tests find captures, which configuration file the command reads,
/// whether a test writes `config/meltica.yaml` anew; where a running feed is, the file of the token for it, and the one of
/// certificates to trust there.
pub const RESERVED_VARIABLES: [&str; 6] = [
    "MELTICA_CAPTURES",
    "MELTICA_CONFIG",
    "MELTICA_WRITE_ANNOTATED",
    "MELTICA_AT",
    "MELTICA_TOKEN_FILE",
    "MELTICA_CA_FILE",
];

/// Lays the variables over the tree. One that is empty is as good as not there.
pub(super) fn overlay(
    tree: &mut Node,
    schema: &Value,
    defaults: &Value,
    env: impl Iterator<Item = (String, String)>,
) -> Vec<Finding> {
    // Sorted: a run's outcome must not hang on the order of the environment.
    let ours: BTreeMap<String, String> = env
        .filter(|(name, text)| name.starts_with(PREFIX) && !text.is_empty())
        .filter(|(name, _)| !RESERVED_VARIABLES.contains(&name.as_str()))
        .collect();
    let mut findings = Vec::new();
    for (name, text) in ours {
        let place = Place::Variable(name.as_str().into());
        let fault = |message: String| Finding { place: place.clone(), path: String::new(), message };
        let Some((path, target)) = resolve(&name, schema) else {
            findings.push(fault(unknown(&name, schema)));
            continue;
        };
        if path[0] == "routes" {
            findings.push(fault("routes replace each other as a whole: write them in a file".to_owned()));
            continue;
        }
        match read(&text, target, &place) {
            Ok(node) => put(tree, &path, node, defaults, &place),
            Err(message) => findings.push(fault(message)),
        }
    }
    findings
}

/// The key that a variable names, and its schema.
fn resolve<'s>(name: &str, schema: &'s Value) -> Option<(Vec<String>, &'s Value)> {
    let (mut path, mut at) = (Vec::new(), schema);
    for segment in name.strip_prefix(PREFIX)?.split("__") {
        match kind(at) {
            Kind::Section { keys, .. } => {
                let (key, below) = keys.iter().find(|(key, _)| key.eq_ignore_ascii_case(segment))?;
                path.push(key.clone());
                at = below;
            }
            // Names of types have dots, which few shells take in a variable, and never an underscore.
            Kind::Table { values, .. } => {
                path.push(segment.replace('_', ".").to_uppercase());
                at = values;
            }
            _ => return None,
        }
    }
    Some((path, at))
}

fn unknown(name: &str, schema: &Value) -> String {
    let mut known = Vec::new();
    collect("MELTICA", schema, &mut known);
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    format!(
        "no key has that name{hint} Expected MELTICA_ and a key's path with __ between levels, such as MELTICA_SIM__SEED"
    )
}

fn collect(prefix: &str, schema: &Value, known: &mut Vec<String>) {
    let Kind::Section { keys, .. } = kind(schema) else { return };
    let between = if prefix == "MELTICA" { "_" } else { "__" };
    for (key, below) in keys {
        let name = format!("{prefix}{between}{}", key.to_uppercase());
        collect(&name, below, known);
        known.push(name);
    }
}

/// The value of a variable: YAML, and for lists also words with commas between.
fn read(text: &str, schema: &Value, place: &Place) -> Result<Node, String> {
    let parsed = Node::parse(text).map_err(|(_, message)| format!("the value is no YAML: {message}"))?;
    let mut node = Node::from_json(&parsed.to_json(), place);
    if let (Kind::List(_), Content::Text(_) | Content::Whole(_)) = (kind(schema), &parsed.content) {
        let items = text.split(',').map(|item| Node::parse(item.trim()).map(|n| Node::from_json(&n.to_json(), place)));
        let items = items.collect::<Result<Vec<_>, _>>().map_err(|(_, message)| message)?;
        node.content = Content::List(items);
    }
    Ok(node)
}

/// Puts a value at a path. A table of the defaults that the file does not have is copied first: a variable changes one
/// name of it, not all.
fn put(tree: &mut Node, path: &[String], node: Node, defaults: &Value, place: &Place) {
    let Some((key, rest)) = path.split_first() else {
        *tree = node;
        return;
    };
    // What is no map is a fault of the file's, and stays one.
    match &mut tree.content {
        Content::Null => tree.content = Content::Map(Vec::new()),
        Content::Map(_) => {}
        _ => return,
    }
    let Content::Map(entries) = &mut tree.content else { return };
    let default = &defaults[key.as_str()];
    if let Some(entry) = entries.iter_mut().find(|entry| entry.key.eq_ignore_ascii_case(key)) {
        return put(&mut entry.node, rest, node, default, place);
    }
    let mut below = Node { place: place.clone(), content: Content::Null };
    if default.is_object() && !rest.is_empty() {
        below = Node::from_json(default, &Place::Nowhere);
    }
    put(&mut below, rest, node, default, place);
    entries.push(Entry { key: key.clone(), place: place.clone(), node: below });
}
