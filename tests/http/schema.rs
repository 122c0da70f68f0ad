//! As much of JSON Schema as the document uses: what it does not know it refuses to judge.

use serde_json::Value;

/// What is wrong with `value` by `schema`; `document` is where references lead.
pub(crate) fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    judge(document, schema, value, "$", &mut found);
    found
}

/// Follows a reference, if it is one.
pub(crate) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => {
            document.pointer(path.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{path} leads nowhere"))
        }
        None => schema,
    }
}

fn judge(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let rules = schema.as_object().unwrap_or_else(|| panic!("{at}: no schema: {schema}"));
    for (rule, asked) in rules {
        let fine = match rule.as_str() {
            "type" => match asked {
                Value::String(kind) => is(kind, value),
                kinds => kinds.as_array().unwrap().iter().any(|kind| is(kind.as_str().unwrap(), value)),
            },
            "enum" => asked.as_array().unwrap().contains(value),
            "minimum" => value.as_i64().is_none_or(|value| value >= asked.as_i64().unwrap()) || value.is_u64(),
            "oneOf" => {
                let fitting = asked.as_array().unwrap().iter().filter(|one| faults(document, one, value).is_empty());
                fitting.count() == 1
            }
            "required" => asked.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = asked.get(key) {
                        judge(document, schema, value, &format!("{at}.{key}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if schema["properties"].get(key).is_none() {
                        match asked {
                            Value::Bool(false) => found.push(format!("{at}.{key} is not documented")),
                            schema => judge(document, schema, value, &format!("{at}.{key}"), found),
                        }
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    judge(document, asked, value, &format!("{at}[{index}]"), found);
                }
                true
            }
            "description" | "examples" => true,
            other => panic!("{at}: this checker does not know `{other}`"),
        };
        if !fine {
            found.push(format!("{at}: {value} breaks {rule}: {asked}"));
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("no kind {other}"),
    }
}

#[test]
fn the_checker_finds_what_does_not_fit() {
    let document = serde_json::json!({"a": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}},
        "required": ["n"], "additionalProperties": false}});
    let schema = serde_json::json!({"$ref": "#/a"});
    assert!(faults(&document, &schema, &serde_json::json!({"n": 1})).is_empty());
    for bad in [
        serde_json::json!({}),
        serde_json::json!({"n": "1"}),
        serde_json::json!({"n": -1}),
        serde_json::json!({"n": 1, "m": 2}),
        serde_json::json!(7),
    ] {
        assert!(!faults(&document, &schema, &bad).is_empty(), "{bad}");
    }
}
