//! Purpose: holds filters to their meaning on every payload kind. Owns: nothing. Thread: a test's.
//! Takes and gives: events. Never: part of a build that ships.

use serde_json::{Value, json};

use crate::config::route::FilterOp;
use crate::schema::canonical_type::builtin;
use crate::schema::event::{EventRef, HEADER_WORDS};
use crate::schema::id::InstrumentId;
use crate::schema::json::write_payload;
use crate::schema::payload::{FieldKind, PayloadKind};

use super::filter::{Filter, FilterError, Gate};
use super::fixture::{BTC, PERPETUAL, directory, head, trade};

/// An event of a kind with a value in every field, or with every field absent that can be.
fn event(kind: PayloadKind, absent: bool) -> Vec<u64> {
    let (fields, words) = kind.fields();
    let mut payload = vec![0u64; words];
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut payload);
    for (at, field) in fields.iter().enumerate() {
        let mut put = |offset: usize, value: &[u8]| bytes[offset..offset + value.len()].copy_from_slice(value);
        let number = 1_000 + at as i64;
        match field.kind {
            FieldKind::Int => put(field.offset, &number.to_ne_bytes()),
            FieldKind::Count => put(field.offset, &(number as u32).to_ne_bytes()),
            FieldKind::Time => put(field.offset, &if absent { i64::MIN } else { number }.to_ne_bytes()),
            FieldKind::Decimal(scale) => {
                put(field.offset, &(number * 10).to_ne_bytes());
                put(scale, &[if absent { 255 } else { 2 }]);
            }
            FieldKind::Bound(scale, flags, _) => {
                put(field.offset, &(number * 10).to_ne_bytes());
                put(scale, &[2]);
                put(flags, &[if absent { 0 } else { 0xff }]);
            }
            // Bits share a byte: all set.
            FieldKind::Flag(_) => put(field.offset, &[0xff]),
            FieldKind::Text(_) => put(field.offset, b"Text"),
            FieldKind::Code(_) => put(field.offset, &1i64.to_ne_bytes()),
        }
    }
    let mut header = head(BTC, builtin::TRADE, 0);
    (header.kind, header.words) = (kind as u8, (HEADER_WORDS + words) as u32);
    let mut event = bytemuck::cast_slice::<_, u64>(&[header]).to_vec();
    event.extend(payload);
    event
}

fn passes(event: &[u64], field: &str, op: FilterOp, value: &Value) -> bool {
    let filter = Filter::all().and(field, op, value).unwrap();
    Gate::new(&[], filter).passes(EventRef::from_words(event).unwrap(), &directory())
}

/// Another value of the same shape.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => json!(format!("{text}1")),
        other => panic!("{other}"),
    }
}

#[test]
fn every_field_of_every_kind_compares_as_json_shows_it() {
    for kind in PayloadKind::ALL {
        for absent in [false, true] {
            let event = event(kind, absent);
            let mut shown = Vec::new();
            write_payload(EventRef::from_words(&event).unwrap(), &mut shown);
            let shown: Value = serde_json::from_slice(&shown).unwrap();
            for field in kind.fields().0 {
                let check = |op, value: Value, expected| {
                    assert_eq!(
                        passes(&event, field.name, op, &value),
                        expected,
                        "{kind:?} {} {op:?} {value}",
                        field.name
                    );
                };
                let value = &shown[field.name];
                let (same, different) =
                    if value.is_null() { (json!(0), json!("x")) } else { (value.clone(), other(value)) };
                let there = !value.is_null();
                check(FilterOp::Eq, same.clone(), there);
                check(FilterOp::Eq, different.clone(), false);
                check(FilterOp::Neq, same.clone(), !there);
                check(FilterOp::Neq, different.clone(), true);
                check(FilterOp::In, json!([different, same]), there);
                check(FilterOp::In, json!([different]), false);
                let is_text = matches!(field.kind, FieldKind::Text(_) | FieldKind::Code(_));
                check(FilterOp::Prefix, json!(value.as_str().unwrap_or("").get(..2).unwrap_or("")), there && is_text);
                check(FilterOp::Prefix, json!("zzz"), false);
            }
        }
    }
}

#[test]
fn a_field_of_another_kind_is_absent() {
    let trade = event(PayloadKind::Trade, false);
    for (field, value) in [("interval", json!("1m")), ("closed", json!(true)), ("updateId", json!(1_000))] {
        for (op, expected) in [(FilterOp::Eq, false), (FilterOp::Neq, true)] {
            assert_eq!(passes(&trade, field, op, &value), expected, "{field} {op:?}");
        }
        assert!(!passes(&trade, field, FilterOp::In, &json!([value])));
    }
}

#[test]
fn instruments_and_markets_compare_by_name_in_any_case() {
    let words = |instrument| trade(instrument, builtin::TRADE).read().words().to_vec();
    let (btc, perpetual, none) = (words(BTC), words(PERPETUAL), words(InstrumentId::NONE));
    // Field, operator, operand; passes for spot BTC-USDT, the perpetual of that name, and what concerns no instrument.
    let table = [
        ("instrument", FilterOp::Eq, json!("btc-usdt"), [true, true, false]),
        ("instrument", FilterOp::Eq, json!("BTCUSDT"), [false, false, false]),
        ("instrument", FilterOp::Neq, json!("BTC-USDT"), [false, false, true]),
        ("instrument", FilterOp::In, json!(["ETH-USDT", "BTC-USDT"]), [true, true, false]),
        ("instrument", FilterOp::Prefix, json!("btc-"), [true, true, false]),
        ("instrument", FilterOp::Prefix, json!("ETH-"), [false, false, false]),
        ("market", FilterOp::Eq, json!("binance-spot"), [true, false, false]),
        ("market", FilterOp::Neq, json!("BINANCE-SPOT"), [false, true, true]),
        ("market", FilterOp::Prefix, json!("BINANCE-"), [true, true, false]),
    ];
    for (field, op, operand, expected) in table {
        let found = [&btc, &perpetual, &none].map(|event| passes(event, field, op, &operand));
        assert_eq!(found, expected, "{field} {op:?} {operand}");
    }
}

#[test]
fn all_predicates_must_hold_and_commands_state_them_in_three_ways() {
    let kline = event(PayloadKind::Kline, false);
    let check = |filters: Value| {
        let filter = Filter::from_command(&serde_json::from_value(filters).unwrap())?;
        Ok::<_, FilterError>(Gate::new(&[], filter).passes(EventRef::from_words(&kline).unwrap(), &directory()))
    };
    assert_eq!(check(json!({})), Ok(true));
    assert_eq!(check(json!({"instrument": "BTC-USDT", "interval": "Text", "closed": true})), Ok(true));
    assert_eq!(check(json!({"instrument": "BTC-USDT", "interval": "Text", "closed": false})), Ok(false));
    assert_eq!(check(json!({"interval": ["1m", "Text"]})), Ok(true));
    assert_eq!(check(json!({"interval": {"op": "prefix", "value": "Te"}})), Ok(true));
    assert_eq!(check(json!({"interval": {"op": "neq", "value": "Text"}})), Ok(false));
    for bad in [
        json!({"nosuch": 1}),
        json!({"bids": 1}),
        json!({"interval": {"op": "like", "value": "T"}}),
        json!({"interval": {"op": "eq"}}),
        json!({"interval": {"op": "eq", "value": "T", "more": 1}}),
        json!({"interval": null}),
        json!({"interval": {"op": "in", "value": "T"}}),
    ] {
        assert!(check(bad.clone()).is_err(), "{bad}");
    }
}
