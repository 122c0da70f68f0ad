//! Purpose: what a payload is: its kind, its fields and how their bytes read; the macro that makes struct and table from one list.
//! Owns: nothing. Thread: any. Takes and gives: plain data. Never: a field without its place in the table.

use bytemuck::Pod;

use super::kind::PayloadKind;

/// How a field's bytes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `i64`.
    Int,
    /// `u32`.
    Count,
    /// UTC ns as `i64`; `i64::MIN` is absent.
    Time,
    /// Mantissa as `i64`, its scale in the byte at this offset; scale 255 is absent.
    Decimal(usize),
    /// As `Decimal`, with its scale at the first offset; absent unless the byte at the second one has this bit.
    Bound(usize, usize, u8),
    /// This bit of a byte.
    Flag(u8),
    /// ASCII text of at most this many bytes, padded with zeros.
    Text(usize),
    /// `i64` index into names.
    Code(&'static [&'static str]),
}

/// One field of a payload.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON and in consumers' filters.
    pub name: &'static str,
    /// Byte offset in the payload.
    pub offset: usize,
    /// How it reads.
    pub kind: FieldKind,
}

/// A payload.
pub trait Payload: Pod {
    /// Its kind.
    const KIND: PayloadKind;
    /// Its fields, in JSON order.
    const FIELDS: &'static [Field];
    /// Its length, in 8-byte words.
    const WORDS: usize = core::mem::size_of::<Self>() / 8;
}

/// Bytes that bring `n` up to a multiple of eight.
pub(super) const fn padding(n: usize) -> usize {
    (8 - n % 8) % 8
}

macro_rules! payload {
    (
        $(#[$doc:meta])*
        $name:ident: $kind:ident {
            $(words { $($(#[$wdoc:meta])* $word:ident = $wtext:literal $wkind:expr),* $(,)? })?
            $(texts { $($(#[$tdoc:meta])* $text:ident[$tlen:literal] = $ttext:literal),* $(,)? })?
            decimals($count:literal) { $($(#[$ddoc:meta])* $decimal:ident / $set:ident [$at:literal] = $dtext:literal),* $(,)? }
            $(flags { $($(#[$fdoc:meta])* $flag:ident($bit:literal) = $ftext:literal),* $(,)? })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Pod, Zeroable)]
        #[repr(C)]
        pub struct $name {
            $($($(#[$wdoc])* pub $word: i64,)*)?
            /// Mantissas of the decimals; read them by name.
            pub mantissas: [i64; $count],
            $($($(#[$tdoc])* pub $text: [u8; $tlen],)*)?
            /// Scales of the decimals; 255 marks an absent one.
            pub scales: [u8; $count],
            /// Bits; read them by name.
            pub flags: u8,
            /// Zero.
            pub reserved: [u8; padding($count + 1)],
        }

        impl $name {
            $($(#[$ddoc])*
            #[inline]
            pub fn $decimal(&self) -> Option<Decimal> {
                Decimal::new(self.mantissas[$at], self.scales[$at])
            }
            /// Sets it; `None` marks it absent.
            #[inline]
            pub fn $set(&mut self, value: Option<Decimal>) {
                let value = value.map_or((0, SCALE_ABSENT), |d| (d.mantissa(), d.scale()));
                (self.mantissas[$at], self.scales[$at]) = value;
            })*
            $($($(#[$fdoc])*
            #[inline]
            pub const fn $flag(&self) -> bool {
                self.flags & $bit != 0
            })*)?
        }

        impl Payload for $name {
            const KIND: PayloadKind = PayloadKind::$kind;
            const FIELDS: &'static [Field] = &[
                $($(Field { name: $wtext, offset: core::mem::offset_of!($name, $word), kind: $wkind },)*)?
                $($(Field { name: $ttext, offset: core::mem::offset_of!($name, $text), kind: FieldKind::Text($tlen) },)*)?
                $(Field {
                    name: $dtext,
                    offset: core::mem::offset_of!($name, mantissas) + $at * 8,
                    kind: FieldKind::Decimal(core::mem::offset_of!($name, scales) + $at),
                },)*
                $($(Field { name: $ftext, offset: core::mem::offset_of!($name, flags), kind: FieldKind::Flag($bit) },)*)?
            ];
        }
    };
}

pub(super) use payload;

/// Puts a text into a fixed field; `None` when it does not fit or is not ASCII.
pub fn fixed_text<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if !text.is_ascii() {
        return None;
    }
    out.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(out)
}
