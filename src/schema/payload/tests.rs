//! The layouts of payloads and their tables.

use bytemuck::Zeroable;

use super::*;
use crate::schema::decimal::Decimal;
use crate::schema::event::EventHeader;

#[test]
fn small_kinds_fit_two_cache_lines_with_their_head() {
    for kind in [PayloadKind::Trade, PayloadKind::AggTrade, PayloadKind::BookTicker] {
        assert!(kind.fields().1 * 8 + size_of::<EventHeader>() <= 128, "{kind:?}");
    }
}

#[test]
fn layouts_are_as_recorded() {
    let sizes = PayloadKind::ALL.map(|k| k.fields().1 * 8);
    assert_eq!(sizes, [32, 40, 176, 56, 40, 136, 128, 40, 40, 64, 32, 16, 56, 120, 184, 88, 48, 208, 48, 8, 16, 96]);
}

#[test]
fn fields_have_distinct_names_and_lie_inside_the_payload() {
    for kind in PayloadKind::ALL {
        let (fields, words) = kind.fields();
        for (at, field) in fields.iter().enumerate() {
            assert!(fields[..at].iter().all(|f| f.name != field.name), "{kind:?} {}", field.name);
            let end = match field.kind {
                FieldKind::Flag(_) => field.offset + 1,
                FieldKind::Text(len) => field.offset + len,
                FieldKind::Count => field.offset + 4,
                FieldKind::Decimal(scale) => scale.max(field.offset + 7) + 1,
                FieldKind::Bound(scale, flags, _) => scale.max(flags).max(field.offset + 7) + 1,
                _ => field.offset + 8,
            };
            assert!(end <= words * 8, "{kind:?} {}", field.name);
        }
        assert_eq!(PayloadKind::from_byte(kind as u8), Some(kind));
    }
}

#[test]
fn agg_trade_fields_are_where_the_table_says() {
    use core::mem::offset_of;
    let places = [
        offset_of!(AggTrade, trade_time),
        offset_of!(AggTrade, first_id),
        offset_of!(AggTrade, trades),
        offset_of!(AggTrade, mantissas),
        offset_of!(AggTrade, mantissas) + 8,
        offset_of!(AggTrade, flags),
    ];
    for (field, place) in AggTrade::FIELDS.iter().zip(places) {
        assert_eq!(field.offset, place, "{}", field.name);
    }
    assert_eq!(offset_of!(AggTrade, scales), 32);
}

#[test]
fn book_fields_are_where_the_table_says() {
    use core::mem::offset_of;
    let places = [
        offset_of!(Book, update_id),
        offset_of!(Book, delta_seq),
        offset_of!(Book, known_bid),
        offset_of!(Book, known_ask),
    ];
    assert_eq!(Book::FIELDS.iter().map(|f| f.offset).collect::<Vec<_>>(), places);
    assert_eq!((offset_of!(Book, price_scale), offset_of!(Book, flags)), (40, 42));
}

#[test]
fn absent_decimals_stay_absent() {
    let mut payload = ReferencePrice::zeroed();
    payload.set_price(None);
    assert_eq!(payload.price(), None);
    payload.set_price(Decimal::new(5, 1));
    assert_eq!(payload.price(), Decimal::new(5, 1));
}

#[test]
fn fixed_texts_hold_what_fits() {
    assert_eq!(fixed_text::<4>("1m"), Some(*b"1m\0\0"));
    assert_eq!(fixed_text::<4>("12345"), None);
    assert_eq!(fixed_text::<4>("é"), None);
}
