//! Purpose: YAML as a tree that knows where each value stands.
//! Owns: the bounds on a document. Thread: any (cold). Takes and gives: text in, a tree out.
//! Never: decides what a value means; expands without bounds.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Location, NonFiniteFloatPolicy, SnippetMode, Spanned};

use super::fault::Place;

/// Deepest nesting of a document; ours is 6 deep.
const DEPTH_MAX: usize = 24;
/// Most values in a document, aliases expanded.
const NODES_MAX: usize = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Null,
    Truth(bool),
    Whole(i128),
    Real(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key, where it stands, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Node {
    /// Reads a document. `Null` when it holds nothing but comments.
    ///
    /// # Errors
    /// Place and message of the first thing that is no YAML, or passes the bounds.
    pub(super) fn parse(yaml: &str) -> Result<Node, (Place, String)> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: DEPTH_MAX,
                flow_nesting_limit: DEPTH_MAX,
                max_nodes: NODES_MAX,
                max_events: 4 * NODES_MAX,
                max_documents: 2,
                max_aliases: 1_000,
                max_anchors: 1_000,
            },
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: NODES_MAX },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            non_finite_float_policy: NonFiniteFloatPolicy::AsString,
            strict_booleans: true,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(yaml, options).map_err(|err| {
            let place = err.location().map_or(Place::Nowhere, place_of);
            let text = err.render_with_options(serde_saphyr::render_options! { snippets: SnippetMode::Off });
            (place, without_location(&text).to_owned())
        })
    }

    /// A tree of plain data, all of it at one place.
    pub(super) fn from_json(value: &Value, place: &Place) -> Node {
        let content = match value {
            Value::Null => Content::Null,
            Value::Bool(truth) => Content::Truth(*truth),
            Value::Number(number) => match number.as_i128() {
                Some(whole) => Content::Whole(whole),
                None => Content::Real(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Content::Text(text.clone()),
            Value::Array(items) => Content::List(items.iter().map(|item| Node::from_json(item, place)).collect()),
            Value::Object(members) => {
                let entry = |(key, value): (&String, _)| Entry {
                    key: key.clone(),
                    place: place.clone(),
                    node: Node::from_json(value, place),
                };
                Content::Map(members.iter().map(entry).collect())
            }
        };
        Node { place: place.clone(), content }
    }

    /// The same as plain data; a key given twice has its last value.
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Truth(truth) => Value::Bool(*truth),
            Content::Whole(whole) => serde_json::Number::from_i128(*whole).map_or(Value::Null, Value::Number),
            Content::Real(real) => serde_json::Number::from_f64(*real).map_or(Value::Null, Value::Number),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect())
            }
        }
    }

    /// Whether the tree has a value at that path itself.
    pub(super) fn holds<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        match &self.content {
            Content::Map(entries) => {
                let named = |entry: &&Entry| entry.key.eq_ignore_ascii_case(first.as_ref());
                entries.iter().find(named).is_some_and(|entry| entry.node.holds(rest))
            }
            _ => false,
        }
    }

    /// Where the value of that path stands, or the deepest part of the path that is there. A key of several values is
    /// where its name is. Keys are compared in any case: names of types are kept in uppercase.
    pub(super) fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<&Place> {
        let (first, rest) = path.split_first()?;
        let (place, node) = match &self.content {
            Content::List(items) => {
                let item = items.get(first.as_ref().parse::<usize>().ok()?)?;
                (&item.place, item)
            }
            Content::Map(entries) => {
                let entry = entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(first.as_ref()))?;
                let whole = matches!(entry.node.content, Content::List(_) | Content::Map(_) | Content::Null);
                (if whole { &entry.place } else { &entry.node.place }, &entry.node)
            }
            _ => return None,
        };
        node.find(rest).or(Some(place))
    }
}

fn place_of(location: Location) -> Place {
    let line = u32::try_from(location.line()).unwrap_or(u32::MAX);
    let column = u32::try_from(location.column()).unwrap_or(u32::MAX);
    let length = u32::try_from(location.span().len()).unwrap_or(0);
    if line == 0 { Place::Nowhere } else { Place::File { line, column: column.max(1), length } }
}

/// The message without the location that the YAML reader appends: a fault has its own.
fn without_location(text: &str) -> &str {
    let line = text.lines().next().unwrap_or("");
    line.rfind(" at line ").map_or(line, |at| &line[..at])
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Node, D::Error> {
        let spanned = Spanned::<Bare>::deserialize(from)?;
        Ok(Node { place: place_of(spanned.referenced), content: spanned.value.0 })
    }
}

struct Bare(Content);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bare, D::Error> {
        from.deserialize_any(AnyValue).map(Bare)
    }
}

/// A key: any single value, as text.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
        match from.deserialize_any(AnyValue)? {
            Content::Text(text) => Ok(Word(text)),
            Content::Whole(whole) => Ok(Word(whole.to_string())),
            Content::Real(real) => Ok(Word(real.to_string())),
            Content::Truth(truth) => Ok(Word(truth.to_string())),
            Content::Null | Content::List(_) | Content::Map(_) => Err(D::Error::custom("a key must be one word")),
        }
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Truth(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Whole(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Content, E> {
        Ok(Content::Whole(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Content, E> {
        Ok(i128::try_from(value).map_or(Content::Real(value as f64), Content::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Content, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = members.next_key::<Spanned<Word>>()? {
            let place = place_of(key.referenced);
            map.push(Entry { key: key.value.0, place, node: members.next_value()? });
        }
        Ok(Content::Map(map))
    }
}
