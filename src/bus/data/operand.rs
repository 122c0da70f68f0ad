//! Purpose: what a filter compares with, and how: the same meaning as a route's filters.
//! Owns: the operands of one predicate. Thread: any. Takes and gives: values in, yes or no out.
//! Never: compares numbers as texts or by way of floating point; allocates when it compares.

use serde_json::Value;

use crate::config::route::FilterOp;
use crate::schema::decimal::Decimal;
use crate::schema::json::FieldValue;

/// Why a comparison cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperandError {
    /// `in` without a list, or a list elsewhere; `prefix` without a text.
    #[error("`{op}` takes {expected}, not `{found}`")]
    Shape {
        /// The operator.
        op: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What was given, as JSON.
        found: String,
    },
    /// A number that cannot be held exactly, or that has an exponent.
    #[error("`{0}` is no number that can be held exactly: write it plain, as a text (\"0.00000001\")")]
    Number(String),
}

/// One value to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    /// A text; where it reads as a number it equals that number too, for JSON shows decimals as texts.
    Text(Box<str>, Option<Decimal>),
    Number(Decimal),
    Bool(bool),
}

/// An operator with its operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    op: FilterOp,
    operands: Box<[Operand]>,
}

impl Operand {
    fn from_json(op: FilterOp, value: &Value) -> Result<Operand, OperandError> {
        match value {
            Value::String(text) => Ok(Operand::Text(text.as_str().into(), Decimal::parse(text.as_bytes()).ok())),
            Value::Bool(value) => Ok(Operand::Bool(*value)),
            Value::Number(number) => {
                let text = number.to_string();
                let whole = text.strip_suffix(".0").unwrap_or(&text);
                Decimal::parse(whole.as_bytes()).map(Operand::Number).map_err(|_| OperandError::Number(text))
            }
            other => Err(OperandError::Shape {
                op: name(op),
                expected: "a text, a number or a truth value",
                found: other.to_string(),
            }),
        }
    }

    fn equals(&self, value: FieldValue<'_>) -> bool {
        match (self, value) {
            (_, FieldValue::Null) => false,
            (Operand::Bool(a), FieldValue::Bool(b)) => *a == b,
            (Operand::Text(a, _), FieldValue::Text(b)) => **a == *b,
            (Operand::Number(a) | Operand::Text(_, Some(a)), FieldValue::Int(b)) => *a == Decimal::whole(b),
            (Operand::Number(a) | Operand::Text(_, Some(a)), FieldValue::Decimal(b)) => *a == b,
            _ => false,
        }
    }
}

impl Test {
    /// Reads an operator's operands: a list for `in`, a text for `prefix`, one value for the others.
    pub(super) fn compile(op: FilterOp, value: &Value) -> Result<Test, OperandError> {
        let shape = |expected| OperandError::Shape { op: name(op), expected, found: value.to_string() };
        let operands = match (op, value) {
            (FilterOp::In, Value::Array(values)) => {
                values.iter().map(|value| Operand::from_json(op, value)).collect::<Result<_, _>>()?
            }
            (FilterOp::In, _) => return Err(shape("a list")),
            (FilterOp::Prefix, Value::String(_)) | (FilterOp::Eq | FilterOp::Neq, _) => {
                [Operand::from_json(op, value)?].into()
            }
            (FilterOp::Prefix, _) => return Err(shape("a text")),
        };
        Ok(Test { op, operands })
    }

    /// As `eq`, `in` or `prefix` over names that are written in uppercase: the operands become uppercase.
    pub(super) fn uppercase(mut self) -> Test {
        for operand in &mut self.operands {
            if let Operand::Text(text, _) = operand {
                *text = text.to_uppercase().into();
            }
        }
        self
    }

    /// Whether the value passes. An absent one passes `neq` and nothing else.
    pub(super) fn passes(&self, value: FieldValue<'_>) -> bool {
        let mut operands = self.operands.iter();
        match self.op {
            FilterOp::Eq | FilterOp::In => operands.any(|operand| operand.equals(value)),
            FilterOp::Neq => !operands.any(|operand| operand.equals(value)),
            FilterOp::Prefix => operands.any(|operand| match (operand, value) {
                (Operand::Text(prefix, _), FieldValue::Text(text)) => text.starts_with(&**prefix),
                _ => false,
            }),
        }
    }
}

const fn name(op: FilterOp) -> &'static str {
    match op {
        FilterOp::Eq => "eq",
        FilterOp::Neq => "neq",
        FilterOp::In => "in",
        FilterOp::Prefix => "prefix",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_truth_table_of_operators_and_values() {
        let decimal = |text: &str| FieldValue::Decimal(text.parse().unwrap());
        // Operator, operand, value, whether it passes.
        let table = [
            (FilterOp::Eq, json!("1.50"), decimal("1.5"), true),
            (FilterOp::Eq, json!(1.5), decimal("1.50"), true),
            (FilterOp::Eq, json!(1), decimal("1.5"), false),
            (FilterOp::Eq, json!("0.1"), decimal("0.100000000000000001"), false),
            (FilterOp::Eq, json!(7), FieldValue::Int(7), true),
            (FilterOp::Eq, json!("7"), FieldValue::Int(7), true),
            (FilterOp::Eq, json!(7.0), FieldValue::Int(7), true),
            (FilterOp::Eq, json!("x7"), FieldValue::Int(7), false),
            (FilterOp::Eq, json!(9_223_372_036_854_775_807i64), FieldValue::Int(i64::MAX), true),
            (FilterOp::Eq, json!(9_223_372_036_854_775_806i64), FieldValue::Int(i64::MAX), false),
            (FilterOp::Eq, json!(true), FieldValue::Bool(true), true),
            (FilterOp::Eq, json!("true"), FieldValue::Bool(true), false),
            (FilterOp::Eq, json!(1), FieldValue::Bool(true), false),
            (FilterOp::Eq, json!("1m"), FieldValue::Text("1m"), true),
            (FilterOp::Eq, json!("1M"), FieldValue::Text("1m"), false),
            (FilterOp::Eq, json!(1), FieldValue::Text("1"), false),
            (FilterOp::Eq, json!(""), FieldValue::Null, false),
            (FilterOp::Neq, json!("1.50"), decimal("1.5"), false),
            (FilterOp::Neq, json!("1.51"), decimal("1.5"), true),
            (FilterOp::Neq, json!("x"), decimal("1.5"), true),
            (FilterOp::Neq, json!(true), FieldValue::Bool(false), true),
            (FilterOp::Neq, json!(7), FieldValue::Null, true),
            (FilterOp::In, json!(["1h", "1m"]), FieldValue::Text("1m"), true),
            (FilterOp::In, json!(["1h"]), FieldValue::Text("1m"), false),
            (FilterOp::In, json!([]), FieldValue::Text("1m"), false),
            (FilterOp::In, json!([1, "2", true]), FieldValue::Int(2), true),
            (FilterOp::In, json!([1, "2", true]), FieldValue::Bool(true), true),
            (FilterOp::In, json!([1]), FieldValue::Null, false),
            (FilterOp::Prefix, json!("1"), FieldValue::Text("1m"), true),
            (FilterOp::Prefix, json!(""), FieldValue::Text("1m"), true),
            (FilterOp::Prefix, json!("m"), FieldValue::Text("1m"), false),
            (FilterOp::Prefix, json!("1"), FieldValue::Int(1), false),
            (FilterOp::Prefix, json!(""), FieldValue::Null, false),
        ];
        for (op, operand, value, expected) in table {
            let test = Test::compile(op, &operand).unwrap();
            assert_eq!(test.passes(value), expected, "{op:?} {operand} {value:?}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let table = [
            (FilterOp::In, json!("a")),
            (FilterOp::In, json!([["a"]])),
            (FilterOp::Eq, json!(["a"])),
            (FilterOp::Eq, json!(null)),
            (FilterOp::Neq, json!({})),
            (FilterOp::Prefix, json!(1)),
            (FilterOp::Prefix, json!(["a"])),
            (FilterOp::Eq, json!(1e-20)),
            (FilterOp::Eq, json!(u64::MAX)),
        ];
        for (op, operand) in table {
            assert!(Test::compile(op, &operand).is_err(), "{op:?} {operand}");
        }
    }
}
