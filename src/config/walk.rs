//! Purpose: holds a tree against the schema and finds every fault in it, where serde would stop at the first.
//! Owns: the faults found. Thread: any (cold). Takes and gives: a tree in, plain data without the faulty parts out.
//! Never: stops at a fault; lets a faulty value through.

use serde_json::{Map, Value};

use super::fault::{Place, shown_path};
use super::node::{Content, Entry, Node};
use super::scalar::{choice, found, of_form, text, truth, whole};
use super::schema::{Kind, kind};
use super::suggest::nearest;

/// A fault without its surroundings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) path: String,
    pub(super) message: String,
}

/// A walk over one tree.
#[derive(Debug)]
pub(super) struct Walk<'s> {
    root: &'s Value,
    path: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

impl<'s> Walk<'s> {
    /// A walk by that schema.
    pub(super) fn new(root: &'s Value) -> Walk<'s> {
        Walk { root, path: Vec::new(), findings: Vec::new() }
    }

    /// The whole tree as plain data, without what is faulty.
    pub(super) fn tree(&mut self, node: &Node) -> Value {
        let root = self.root;
        self.value(node, &node.place, root).unwrap_or_else(|| Value::Object(Map::new()))
    }

    fn found(&mut self, place: &Place, message: String) {
        self.findings.push(Finding { place: place.clone(), path: shown_path(&self.path), message });
    }

    /// One value as plain data; `None` when it is faulty, or says nothing. `at` is where to point for a value that is
    /// no single word.
    fn value(&mut self, node: &Node, at: &Place, schema: &Value) -> Option<Value> {
        let single = match kind(schema) {
            Kind::Any => Ok(node.to_json()),
            Kind::Section { keys, required } => return self.section(node, at, keys, &required),
            Kind::Table { names, values } => return self.table(node, at, names, values),
            Kind::List(items) => return self.list(node, at, items),
            _ if node.content == Content::Null => {
                Err("it has no value: give it one, or remove the key to have the default".to_owned())
            }
            Kind::Choice(words) => choice(&node.content, &words),
            Kind::Text { form } => text(&node.content, form, schema),
            Kind::Whole => whole(&node.content, schema),
            Kind::Truth => truth(&node.content),
        };
        let place = match node.content {
            Content::Null | Content::List(_) | Content::Map(_) => at,
            _ => &node.place,
        };
        single.map_err(|message| self.found(place, message)).ok()
    }

    fn section(&mut self, node: &Node, at: &Place, keys: &Map<String, Value>, required: &[&str]) -> Option<Value> {
        let names: Vec<&str> = keys.keys().map(String::as_str).collect();
        let entries = self.entries(node, at, &format!("the keys {}", names.join(", ")))?;
        let (mut object, mut whole) = (Map::new(), true);
        for entry in self.without_repeats(entries) {
            let Some(schema) = keys.get(&entry.key) else {
                self.unknown(entry, &names);
                continue;
            };
            self.path.push(entry.key.clone());
            if let Some(value) = self.value(&entry.node, &entry.place, schema) {
                object.insert(entry.key.clone(), value);
            }
            self.path.pop();
        }
        for name in required {
            if !entries.iter().any(|entry| entry.key == *name) {
                self.found(at, format!("the key {name} is missing"));
            }
            whole &= object.contains_key(*name);
        }
        whole.then_some(Value::Object(object))
    }

    fn unknown(&mut self, entry: &Entry, names: &[&str]) {
        let mut message = "no such key".to_owned();
        if let Some(section) = self.section_of(&entry.key) {
            // A key that exists elsewhere is likelier than a slip.
            message += &format!("; did you mean {section}.{}?", entry.key);
        } else if let Some(near) = nearest(&entry.key, names.iter().copied()) {
            message += &format!("; did you mean {near}?");
        }
        message += if message.ends_with('?') { " Known here: " } else { "; known here: " };
        message += &names.join(", ");
        self.path.push(entry.key.clone());
        self.found(&entry.place, message);
        self.path.pop();
    }

    /// The section that has that key, when the key was put elsewhere.
    fn section_of(&self, key: &str) -> Option<String> {
        let sections = self.root["properties"].as_object()?;
        sections.iter().find(|(_, section)| section["properties"].get(key).is_some()).map(|(name, _)| name.clone())
    }

    fn table(&mut self, node: &Node, at: &Place, names: &str, values: &Value) -> Option<Value> {
        let entries = self.entries(node, at, "names with values")?;
        let mut object = Map::new();
        for entry in self.without_repeats(entries) {
            self.path.push(entry.key.clone());
            match of_form(&entry.key, names) {
                Err(message) => self.found(&entry.place, message),
                Ok(name) if object.contains_key(&name) => {
                    self.found(&entry.place, format!("{name} is given twice: names are the same in any case"));
                }
                Ok(name) => {
                    if let Some(value) = self.value(&entry.node, &entry.place, values) {
                        object.insert(name, value);
                    }
                }
            }
            self.path.pop();
        }
        Some(Value::Object(object))
    }

    fn list(&mut self, node: &Node, at: &Place, items: &Value) -> Option<Value> {
        let list = match &node.content {
            Content::Null => return None,
            Content::List(list) => list,
            other => {
                let place = if matches!(other, Content::Map(_)) { at } else { &node.place };
                self.found(place, format!("expected a list such as [A, B], found {}", found(other)));
                return None;
            }
        };
        let mut values = Vec::new();
        for (index, item) in list.iter().enumerate() {
            self.path.push(index.to_string());
            values.extend(self.value(item, &item.place, items));
            self.path.pop();
        }
        Some(Value::Array(values))
    }

    /// The entries of a map; none when there is nothing, which is how a section looks whose keys are all commented out.
    fn entries<'n>(&mut self, node: &'n Node, at: &Place, expected: &str) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Null => None,
            Content::Map(entries) => Some(entries),
            other => {
                let place = if matches!(other, Content::List(_)) { at } else { &node.place };
                self.found(place, format!("expected {expected}, found {}", found(other)));
                None
            }
        }
    }

    /// The entries whose key was not there before; the others are faults.
    fn without_repeats<'n>(&mut self, entries: &'n [Entry]) -> Vec<&'n Entry> {
        let mut first = std::collections::HashMap::new();
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(before) = first.insert(entry.key.as_str(), &entry.place) else {
                kept.push(entry);
                continue;
            };
            let before = match before {
                Place::File { line, column, .. } => format!(", first at {line}:{column}"),
                _ => String::new(),
            };
            self.path.push(entry.key.clone());
            self.found(&entry.place, format!("the key is given twice{before}"));
            self.path.pop();
        }
        kept
    }
}
