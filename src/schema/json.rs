//! Purpose: the JSON form of an event, one object a line, lossless.
//! Owns: key names and their order. Thread: consumers and tools, never the data path. Takes and gives: events in, bytes out.
//! Never: rounds, prints a number through a float, or leaves a field out.

use std::io::Write;

use super::decimal::Decimal;
use super::event::{EventHeader, EventRef, flag};
use super::id::{InstrumentId, Source, TypeId};
use super::payload::{Field, FieldKind};
use super::raw::Level;

/// Gives names to ids.
pub trait Names {
    /// The canonical name of an instrument.
    fn instrument_name(&self, id: InstrumentId) -> Option<&str>;
    /// The name of a type.
    fn type_name(&self, id: TypeId) -> Option<&str>;
}

/// Appends the event as one JSON object, without a line feed.
///
/// Keys: `type source ts receiveTs instrument market seq key payload latencyNs traceId venueId epoch connection quality
/// flags conflated dispatchVersion payloadVersion`. Times are UTC ns as integers, `null` where absent; decimals are
/// strings, plain; an event that concerns no instrument has `instrument: null` and the key `*:{type}:{seq}`.
pub fn write_event(event: EventRef<'_>, names: &dyn Names, out: &mut Vec<u8>) {
    let header = event.header();
    let type_name = names.type_name(header.type_id()).unwrap_or("UNKNOWN");
    let instrument = names.instrument_name(header.instrument());
    out.extend_from_slice(b"{\"type\":");
    write_text(type_name, out);
    out.extend_from_slice(b",\"source\":");
    write_text(Source::name_of(header.source), out);
    write_time(b",\"ts\":", header.ts, out);
    write_time(b",\"receiveTs\":", header.receive, out);
    out.extend_from_slice(b",\"instrument\":");
    write_nullable(instrument, out);
    out.extend_from_slice(b",\"market\":");
    write_nullable(header.market().map(|m| m.name()), out);
    put(out, format_args!(",\"seq\":{},\"key\":", header.seq));
    write_text(&format!("{}:{type_name}:{}", instrument.unwrap_or("*"), header.seq), out);
    out.extend_from_slice(b",\"payload\":");
    write_payload(event, out);
    write_rest(header, out);
    out.push(b'}');
}

fn write_rest(header: &EventHeader, out: &mut Vec<u8>) {
    put(out, format_args!(",\"latencyNs\":{},\"traceId\":\"{}\"", header.latency_ns, header.trace()));
    write_time(b",\"venueId\":", header.venue_id, out);
    put(out, format_args!(",\"epoch\":{},\"connection\":{}", header.epoch, header.connection));
    put(out, format_args!(",\"quality\":\"{}\",\"flags\":[", header.quality().name()));
    let set = flag::NAMES.iter().enumerate().filter(|(bit, _)| header.flags & (1 << bit) != 0);
    for (at, (_, name)) in set.enumerate() {
        let comma = if at > 0 { "," } else { "" };
        put(out, format_args!("{comma}\"{name}\""));
    }
    put(out, format_args!("],\"conflated\":{},\"dispatchVersion\":{}", header.conflated, header.dispatch_version));
    let version = header.kind().map_or(0, |k| k.version());
    put(out, format_args!(",\"payloadVersion\":{version}"));
}

/// Appends the payload as one JSON object.
pub fn write_payload(event: EventRef<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(kind) = event.header().kind() {
        let bytes: &[u8] = bytemuck::cast_slice(event.payload_words());
        for (at, field) in kind.fields().0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            put(out, format_args!("{comma}\"{}\":", field.name));
            write_field(field, bytes, out);
        }
        if let Some(scales) = kind.level_scales(event.payload_words()) {
            let (bids, asks) = event.levels();
            write_levels(",\"bids\":", bids, scales, out);
            write_levels(",\"asks\":", asks, scales, out);
        }
    }
    out.push(b'}');
}

fn write_field(field: &Field, payload: &[u8], out: &mut Vec<u8>) {
    let value = read_field(field, payload);
    match value {
        FieldValue::Null => out.extend_from_slice(b"null"),
        FieldValue::Int(value) => put(out, format_args!("{value}")),
        FieldValue::Bool(value) => put(out, format_args!("{value}")),
        FieldValue::Decimal(value) => put(out, format_args!("\"{value}\"")),
        FieldValue::Text(text) => write_text(text, out),
    }
}

/// The value of a payload's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// Absent.
    Null,
    /// A whole number or a time.
    Int(i64),
    /// A decimal.
    Decimal(Decimal),
    /// A truth value.
    Bool(bool),
    /// A text or the name of a code.
    Text(&'a str),
}

/// Reads one field of a payload; [`FieldValue::Null`] too where the bytes are too short for it. No allocation.
pub fn read_field<'a>(field: &Field, payload: &'a [u8]) -> FieldValue<'a> {
    let word = |at: usize| payload.get(at..at + 8).and_then(|b| b.try_into().ok()).map(i64::from_ne_bytes);
    let found = match field.kind {
        FieldKind::Int => word(field.offset).map(FieldValue::Int),
        FieldKind::Count => {
            let bytes = payload.get(field.offset..field.offset + 4).and_then(|b| b.try_into().ok());
            bytes.map(|b| FieldValue::Int(i64::from(u32::from_ne_bytes(b))))
        }
        FieldKind::Time => word(field.offset).filter(|v| *v != i64::MIN).map(FieldValue::Int),
        FieldKind::Decimal(scale) => {
            payload.get(scale).and_then(|s| Decimal::new(word(field.offset)?, *s)).map(FieldValue::Decimal)
        }
        FieldKind::Bound(scale, flags, bit) => {
            let bounds = payload.get(flags).is_some_and(|f| f & bit != 0);
            let value = || Decimal::new(word(field.offset)?, *payload.get(scale)?);
            bounds.then(value).flatten().map(FieldValue::Decimal)
        }
        FieldKind::Flag(bit) => payload.get(field.offset).map(|b| FieldValue::Bool(b & bit != 0)),
        FieldKind::Text(len) => payload.get(field.offset..field.offset + len).and_then(|b| {
            let end = b.iter().position(|&c| c == 0).unwrap_or(len);
            core::str::from_utf8(&b[..end]).ok().map(FieldValue::Text)
        }),
        FieldKind::Code(names) => {
            word(field.offset).and_then(|v| names.get(usize::try_from(v).ok()?)).map(|name| FieldValue::Text(name))
        }
    };
    found.unwrap_or(FieldValue::Null)
}

/// Appends `key` and levels as `[["price","quantity"],…]`.
pub fn write_levels(key: &str, levels: &[Level], scales: (u8, u8), out: &mut Vec<u8>) {
    put(out, format_args!("{key}["));
    for (at, level) in levels.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        let price = Decimal::new(level.price, scales.0).unwrap_or_default();
        let quantity = Decimal::new(level.quantity, scales.1).unwrap_or_default();
        put(out, format_args!("{comma}[\"{price}\",\"{quantity}\"]"));
    }
    out.push(b']');
}

/// Appends a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            c if (c as u32) < 0x20 => put(out, format_args!("\\u{:04x}", c as u32)),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

fn write_nullable(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => write_text(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_time(key: &[u8], value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(key);
    if value == i64::MIN {
        out.extend_from_slice(b"null");
    } else {
        put(out, format_args!("{value}"));
    }
}

fn put(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;

    use super::super::canonical_type::builtin;
    use super::super::event::{EventBuf, EventHeader};
    use super::super::payload::{Book, BookStatus, Depth, PayloadKind, Trade};
    use super::super::time::UnixNanos;
    use super::*;

    struct One;

    impl Names for One {
        fn instrument_name(&self, id: InstrumentId) -> Option<&str> {
            (id == InstrumentId(0)).then_some("币\"A-USDT")
        }

        fn type_name(&self, id: TypeId) -> Option<&str> {
            builtin::name(id)
        }
    }

    fn json(buf: &EventBuf) -> serde_json::Value {
        let mut out = Vec::new();
        write_event(buf.read(), &One, &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn an_event_is_one_valid_object_with_every_field() {
        let mut header =
            EventHeader::internal(builtin::TRADE, Source::WsTrade, UnixNanos(1_723_161_255_208_000_001), 5);
        header.instrument = 0;
        header.market = 1;
        header.seq = u64::MAX;
        header.flags = flag::SNAPSHOT | flag::NOT_STORED;
        let mut trade = Trade { trade_time: 9, flags: 1, ..Trade::zeroed() };
        trade.set_price(Decimal::new(150_000, 4));
        trade.set_quantity(None);
        let mut buf = EventBuf::default();
        buf.begin(&header, &trade);
        let value = json(&buf);
        assert_eq!(value["type"], "TRADE");
        assert_eq!(value["source"], "binance.ws.trade");
        assert_eq!(value["ts"], serde_json::Value::Null);
        assert_eq!(value["receiveTs"], 1_723_161_255_208_000_001i64);
        assert_eq!(value["instrument"], "币\"A-USDT");
        assert_eq!(value["key"], format!("币\"A-USDT:TRADE:{}", u64::MAX));
        assert_eq!(value["seq"], u64::MAX);
        assert_eq!(value["flags"], serde_json::json!(["snapshot", "notStored"]));
        assert_eq!(value["payload"]["price"], "15");
        assert_eq!(value["payload"]["quantity"], serde_json::Value::Null);
        assert_eq!(value["payload"]["buyerIsMaker"], true);
        assert_eq!(value["traceId"], "0".repeat(32));
        assert_eq!(value.as_object().unwrap().len(), 19);
    }

    #[test]
    fn what_concerns_no_instrument_has_a_star_in_its_key() {
        let mut header = EventHeader::internal(builtin::STATUS_BOOK, Source::ConductorBook, UnixNanos(0), 0);
        header.seq = 3;
        let mut buf = EventBuf::default();
        buf.begin(
            &header,
            &BookStatus {
                change: 1,
                cause: 4,
                to: 3,
                expected: 7,
                got: 9,
                resumed_at: i64::MIN,
                ..BookStatus::zeroed()
            },
        );
        let value = json(&buf);
        assert_eq!(value["instrument"], serde_json::Value::Null);
        assert_eq!(value["key"], "*:STATUS.BOOK:3");
        assert_eq!(value["payload"]["change"], "GapOpen");
        assert_eq!(value["payload"]["cause"], "MissingDiff");
        assert_eq!(value["payload"]["to"], "Gap");
        assert_eq!(
            (&value["payload"]["expected"], &value["payload"]["resumedAt"]),
            (&7.into(), &serde_json::Value::Null)
        );
    }

    #[test]
    fn levels_print_exactly_at_their_scales() {
        let header = EventHeader::internal(builtin::ORDERBOOK_DELTA, Source::WsDepth, UnixNanos(0), 0);
        let mut buf = EventBuf::default();
        buf.begin(&header, &Depth { bids: 1, asks: 1, price_scale: 2, quantity_scale: 8, ..Depth::zeroed() });
        buf.push_levels(&[Level { price: 6_183_763, quantity: 378_826_000 }, Level { price: 6_200_000, quantity: 0 }]);
        let value = json(&buf);
        assert_eq!(value["payload"]["bids"], serde_json::json!([["61837.63", "3.78826"]]));
        assert_eq!(value["payload"]["asks"], serde_json::json!([["62000", "0"]]));
    }

    #[test]
    fn a_whole_book_says_how_far_it_is_known() {
        let header = EventHeader::internal(builtin::ORDERBOOK_SNAPSHOT, Source::ConductorBook, UnixNanos(0), 0);
        let mut buf = EventBuf::default();
        buf.begin(&header, &Book { known_bid: 150, known_ask: 0, price_scale: 2, flags: 1, ..Book::zeroed() });
        let value = json(&buf);
        assert_eq!(value["payload"]["knownBid"], "1.5");
        assert_eq!(value["payload"]["knownAsk"], serde_json::Value::Null);
    }

    #[test]
    fn every_kind_writes_valid_json_from_any_bytes() {
        for kind in PayloadKind::ALL {
            let mut words = vec![u64::from_ne_bytes([0x7f; 8]); 11 + kind.fields().1];
            let header = EventHeader {
                kind: kind as u8,
                words: words.len() as u32,
                ..EventHeader::internal(builtin::TRADE, Source::WsTrade, UnixNanos(0), 0)
            };
            words[..11].copy_from_slice(bytemuck::cast_slice(&[header]));
            let mut out = Vec::new();
            write_event(EventRef::from_words(&words).unwrap(), &One, &mut out);
            serde_json::from_slice::<serde_json::Value>(&out).unwrap_or_else(|e| panic!("{kind:?}: {e}"));
        }
    }
}
