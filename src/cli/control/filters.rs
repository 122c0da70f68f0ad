//! Purpose: filters as they are written on a command line. Owns: their grammar. Thread: main.
//! Takes and gives: words in, the filters of a command out. Never: reads a number: the feed compares texts as numbers where they
//! are, exactly.

use serde_json::{Value, json};

use super::super::exit::{Cause, Failed};
use super::words::WishArgs;
use crate::schema::command::Filters;

/// The filters that the words ask for.
///
/// # Errors
/// A word that is no filter, a field named twice.
pub(super) fn filters(wish: &WishArgs) -> Result<Filters, Failed> {
    let mut found = Filters::new();
    match &wish.instrument[..] {
        [] => {}
        [one] => drop(found.insert("instrument".to_owned(), one.to_uppercase().into())),
        several => {
            let several: Vec<_> = several.iter().map(|name| name.to_uppercase()).collect();
            found.insert("instrument".to_owned(), several.into());
        }
    }
    for word in &wish.filter {
        let (field, mut value) = one(word)?;
        // As the feed keeps them.
        if field == "instrument" || field == "market" {
            uppercase(&mut value);
        }
        if found.insert(field.clone(), value).is_some() {
            let message = format!("the field {field:?} is named twice: write its values with commas between");
            return Err(Failed::new(Cause::Usage, message));
        }
    }
    Ok(found)
}

fn one(word: &str) -> Result<(String, Value), Failed> {
    let split = word.split_once('=').filter(|(field, _)| !field.trim_end_matches('!').is_empty());
    let Some((field, text)) = split else {
        let message = format!("{word:?} is no filter: expected k=v, k!=v or k=a,b");
        return Err(Failed::new(Cause::Usage, message));
    };
    let value = match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text if text.contains(',') => text.split(',').collect::<Vec<_>>().into(),
        text => text.into(),
    };
    match (field.strip_suffix('!'), value) {
        (Some(_), Value::Array(_)) => {
            Err(Failed::new(Cause::Usage, format!("{word:?}: of several values one can be asked for, not against")))
        }
        (Some(field), value) => Ok((field.to_owned(), json!({ "op": "neq", "value": value }))),
        (None, value) => Ok((field.to_owned(), value)),
    }
}

fn uppercase(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.to_uppercase(),
        Value::Array(list) => list.iter_mut().for_each(uppercase),
        Value::Object(object) => object.get_mut("value").into_iter().for_each(uppercase),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(instruments: &[&str], words: &[&str]) -> Option<Value> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let wish = WishArgs {
            type_name: "TRADE".to_owned(),
            instrument: owned(instruments),
            filter: owned(words),
            consumer: None,
        };
        filters(&wish).ok().map(|filters| json!(filters))
    }

    #[test]
    fn words_become_filters_or_are_refused() {
        let table = [
            (&[][..], &[][..], Some(json!({}))),
            (&["btc-usdt"], &[], Some(json!({"instrument": "BTC-USDT"}))),
            (&["btc-usdt", "ETH-USDT"], &[], Some(json!({"instrument": ["BTC-USDT", "ETH-USDT"]}))),
            (&[], &["buyerIsMaker=true", "price=1.50"], Some(json!({"buyerIsMaker": true, "price": "1.50"}))),
            (&[], &["interval=1m,5m"], Some(json!({"interval": ["1m", "5m"]}))),
            (&[], &["interval!=1m"], Some(json!({"interval": {"op": "neq", "value": "1m"}}))),
            (&[], &["a=b=c"], Some(json!({"a": "b=c"}))),
            (&[], &["a="], Some(json!({"a": ""}))),
            (&[], &["a!=b,c"], None),
            (&[], &["a=1", "a=2"], None),
            (&["X-Y"], &["instrument=X-Y"], None),
            (&[], &["a"], None),
            (&[], &["=b"], None),
            (&[], &["!=b"], None),
        ];
        for (instruments, words, expected) in table {
            assert_eq!(read(instruments, words), expected, "{instruments:?} {words:?}");
        }
    }
}
