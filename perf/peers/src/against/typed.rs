//! Purpose: serde_json into typed structs: texts borrowed, decimals exact, the wrapper of combined frames opened.
//! Owns: nothing. Thread: one. Takes and gives: a frame in, a struct out. Never: looks the symbol up.

#![allow(dead_code, reason = "fields are there to be decoded")]

use std::borrow::Cow;

use meltica::schema::decimal::Decimal;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A combined frame.
#[derive(Debug, Deserialize)]
pub(crate) struct Combined<'a, T> {
    #[serde(borrow)]
    pub(crate) stream: Cow<'a, str>,
    pub(crate) data: T,
}

/// `@bookTicker`.
#[derive(Debug, Deserialize)]
pub(crate) struct BookTicker<'a> {
    pub(crate) u: u64,
    #[serde(borrow)]
    pub(crate) s: Cow<'a, str>,
    pub(crate) b: Exact,
    #[serde(rename = "B")]
    pub(crate) bid_quantity: Exact,
    pub(crate) a: Exact,
    #[serde(rename = "A")]
    pub(crate) ask_quantity: Exact,
}

/// `@trade`.
#[derive(Debug, Deserialize)]
pub(crate) struct Trade<'a> {
    #[serde(borrow)]
    pub(crate) e: Cow<'a, str>,
    #[serde(rename = "E")]
    pub(crate) event_ms: u64,
    #[serde(borrow)]
    pub(crate) s: Cow<'a, str>,
    pub(crate) t: u64,
    pub(crate) p: Exact,
    pub(crate) q: Exact,
    #[serde(rename = "T")]
    pub(crate) trade_ms: u64,
    pub(crate) m: bool,
    #[serde(rename = "M")]
    pub(crate) best: bool,
}

/// `@aggTrade`.
#[derive(Debug, Deserialize)]
pub(crate) struct AggTrade<'a> {
    #[serde(borrow)]
    pub(crate) e: Cow<'a, str>,
    #[serde(rename = "E")]
    pub(crate) event_ms: u64,
    #[serde(borrow)]
    pub(crate) s: Cow<'a, str>,
    pub(crate) a: u64,
    pub(crate) p: Exact,
    pub(crate) q: Exact,
    pub(crate) f: u64,
    pub(crate) l: u64,
    #[serde(rename = "T")]
    pub(crate) trade_ms: u64,
    pub(crate) m: bool,
    #[serde(rename = "M")]
    pub(crate) best: bool,
}

/// `@depth`.
#[derive(Debug, Deserialize)]
pub(crate) struct DepthUpdate<'a> {
    #[serde(borrow)]
    pub(crate) e: Cow<'a, str>,
    #[serde(rename = "E")]
    pub(crate) event_ms: u64,
    #[serde(borrow)]
    pub(crate) s: Cow<'a, str>,
    #[serde(rename = "U")]
    pub(crate) first: u64,
    pub(crate) u: u64,
    pub(crate) b: Vec<(Exact, Exact)>,
    pub(crate) a: Vec<(Exact, Exact)>,
}

/// An exact decimal from its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Exact {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Exact, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Exact;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a decimal as a text")
            }

            #[inline]
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
                Decimal::parse(text.as_bytes()).map(Exact).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}
