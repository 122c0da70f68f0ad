//! Purpose: the JSON schema of the configuration, and how to read a part of it.
//! Owns: nothing. Thread: any (cold). Takes and gives: schemas. Never: states a rule that the settings do not.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::settings::Config;

/// The JSON schema of the configuration (draft 2020-12), for editors. Durations and sizes are texts with a unit; their
/// bounds are `x-minimum` and `x-maximum`.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}

/// What a part of the schema asks for.
#[derive(Clone, Debug)]
pub(super) enum Kind<'s> {
    /// Anything.
    Any,
    /// Known keys, and those of them that must be there.
    Section { keys: &'s Map<String, Value>, required: Vec<&'s str> },
    /// Keys of a form, values of one kind.
    Table { names: &'s str, values: &'s Value },
    /// Any number of one kind.
    List(&'s Value),
    /// One of some words.
    Choice(Vec<&'s str>),
    /// Text of a form; empty for any.
    Text { form: &'s str },
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Truth,
}

/// Reads a part of the schema. What it does not know it takes as anything; a test holds that this is meant.
pub(super) fn kind(schema: &Value) -> Kind<'_> {
    if let Some(choices) = choices(schema) {
        return Kind::Choice(choices);
    }
    let one = schema["type"].as_str();
    // An optional value has two types: its own and null.
    let first =
        schema["type"].as_array().and_then(|types| types.iter().find_map(|t| t.as_str().filter(|t| *t != "null")));
    match one.or(first).unwrap_or("") {
        "object" => match (schema["properties"].as_object(), schema.get("additionalProperties")) {
            (Some(keys), _) => {
                let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
                Kind::Section { keys, required: required.iter().filter_map(Value::as_str).collect() }
            }
            (None, Some(values)) => {
                Kind::Table { names: schema["propertyNames"]["format"].as_str().unwrap_or(""), values }
            }
            (None, None) => Kind::Any,
        },
        "array" => Kind::List(&schema["items"]),
        "string" => Kind::Text { form: schema["format"].as_str().unwrap_or("") },
        "integer" => Kind::Whole,
        "boolean" => Kind::Truth,
        _ => Kind::Any,
    }
}

/// The words of an enumeration, which schemars writes in two ways: with and without documentation.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let variants = schema["oneOf"].as_array()?;
    variants.iter().map(|variant| variant["const"].as_str()).collect()
}

/// A bound as it is shown: `1`, `64 KiB`, `200ms`.
fn bound(schema: &Value, plain: &str, with_unit: &str) -> Option<String> {
    let number = schema[plain].as_number().map(ToString::to_string);
    number.or_else(|| schema[with_unit].as_str().map(str::to_owned))
}

/// The limits of a value, for a person: `1 to 64`. `None` when there are none worth telling.
pub(super) fn limits(schema: &Value) -> Option<String> {
    match (bound(schema, "minimum", "x-minimum"), bound(schema, "maximum", "x-maximum")) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("{least} or more")),
        (None, Some(most)) => Some(format!("{most} or less")),
        (None, None) => None,
    }
}
