//! Purpose: one subscription: what is wanted, by whom it was checked, of which instruments, for how long.
//! Owns: its filters and lease. Thread: the control duty's. Takes and gives: commands' filters in, instruments out.
//! Never: known by two consumers; holds what cannot be compiled.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bus::data::Filter;
use crate::directory::Directory;
use crate::dispatch::InstrumentSet;
use crate::schema::canonical_type::CanonicalType;
use crate::schema::command::{Command, ControlCode, Filters, LEASE_SECONDS_MAX};
use crate::schema::id::{Market, TypeId};
use crate::schema::instrument::Instrument;
use crate::schema::payload::PayloadKind;

/// The longest filters of one subscription, as JSON: they are kept, and shown with every report.
const FILTERS_BYTES_MAX: usize = 16 << 10;

/// A refusal: the stable code, and what was wrong and what to do.
pub(super) type Refusal = (ControlCode, String);

/// What the configuration asks for at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// Canonical names or symbols, uppercase; none: all.
    pub instruments: Vec<String>,
    /// With none named: only those with this quote asset, uppercase.
    pub quote: Option<String>,
}

impl Boot {
    fn wants(&self, instrument: &Instrument) -> bool {
        if !self.instruments.is_empty() {
            return self.instruments.iter().any(|name| **name == *instrument.name || **name == *instrument.symbol);
        }
        let has = |quote: &String| instrument.name.rsplit_once('-').is_some_and(|(_, q)| q == quote);
        self.quote.as_ref().is_none_or(has)
    }

    fn is_all(&self) -> bool {
        self.instruments.is_empty() && self.quote.is_none()
    }

    /// As filters, for whoever looks.
    fn shown(&self) -> Filters {
        let mut shown = BTreeMap::new();
        if !self.instruments.is_empty() {
            shown.insert("instrument".to_owned(), Value::from(self.instruments.clone()));
        } else if let Some(quote) = &self.quote {
            shown.insert("quote".to_owned(), Value::from(quote.clone()));
        }
        shown
    }
}

/// Filters as they are kept and as they are asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// In the form in which subscriptions are told apart: names of instruments and markets in uppercase.
    pub(super) shown: Filters,
    pub(super) filter: Filter,
    /// Of the configuration only.
    boot: Option<Boot>,
}

impl Asked {
    /// Checks a command's filters.
    pub(super) fn read(
        filters: &Filters,
        payloads: &[PayloadKind],
        markets: &[Market],
        listed: Option<&Directory>,
    ) -> Result<Asked, Refusal> {
        let mut shown = filters.clone();
        for field in ["instrument", "market"] {
            if let Some(value) = shown.get_mut(field) {
                uppercase(value);
            }
        }
        let bad = |message: String| (ControlCode::BadFilter, message);
        let bytes = serde_json::to_string(&shown).map_or(usize::MAX, |text| text.len());
        if bytes > FILTERS_BYTES_MAX {
            return Err(bad(format!(
                "the filters take {bytes} bytes, and {FILTERS_BYTES_MAX} are the most there may be: split them"
            )));
        }
        let filter = Filter::from_command(&shown).map_err(|e| bad(e.to_string()))?;
        if let Some(field) = filter.field_of_none(payloads) {
            return Err(bad(format!("events of this type have no field `{field}`")));
        }
        for name in named(shown.get("market")) {
            if !Market::from_name(name).is_some_and(|market| markets.contains(&market)) {
                let served: Vec<_> = markets.iter().map(|market| market.name()).collect();
                let message = format!("`{name}` is not served here; served: {}", served.join(", "));
                return Err((ControlCode::UnknownMarket, message));
            }
        }
        for name in named(shown.get("instrument")) {
            let known = |directory: &Directory| markets.iter().any(|m| directory.find_name(*m, name).is_some());
            if !listed.is_none_or(known) {
                let message = format!("`{name}` is not listed: write it as BASE-QUOTE, e.g. BTC-USDT");
                return Err((ControlCode::UnknownInstrument, message));
            }
        }
        Ok(Asked { shown, filter, boot: None })
    }

    /// What the configuration asks.
    pub(super) fn boot(boot: Boot) -> Asked {
        Asked { shown: boot.shown(), filter: Filter::all(), boot: Some(boot) }
    }

    /// Whether it reaches every instrument, also those that nobody knows yet.
    pub(super) fn reaches_all(&self) -> bool {
        self.boot.as_ref().map_or(!self.filter.narrows_instruments(), Boot::is_all)
    }

    /// Whether it reaches an instrument.
    pub(super) fn reaches(&self, instrument: &Instrument) -> bool {
        match &self.boot {
            Some(boot) => boot.wants(instrument),
            None => self.filter.may_pass(&instrument.name, instrument.market),
        }
    }
}

fn uppercase(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.to_uppercase(),
        Value::Array(list) => list.iter_mut().for_each(uppercase),
        Value::Object(object) => {
            if let Some(value) = object.get_mut("value") {
                uppercase(value);
            }
        }
        _ => {}
    }
}

/// The names that a filter can only match if they exist.
fn named(filter: Option<&Value>) -> Vec<&str> {
    match filter {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::Object(object)) if matches!(object.get("op").and_then(Value::as_str), Some("eq" | "in")) => {
            named(object.get("value"))
        }
        _ => Vec::new(),
    }
}

/// How long a subscription lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) seconds: u32,
    /// UTC ns.
    pub(super) ends: i64,
}

impl Lease {
    /// From now on.
    pub(super) fn read(seconds: u32, now: i64) -> Result<Lease, Refusal> {
        if !(1..=LEASE_SECONDS_MAX).contains(&seconds) {
            let message = format!("leaseSeconds is {seconds}: expected 1 to {LEASE_SECONDS_MAX}, or none for no end");
            return Err((ControlCode::BadLease, message));
        }
        Ok(Lease { seconds, ends: now.saturating_add(i64::from(seconds) * 1_000_000_000) })
    }
}

/// One subscription.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) name: CanonicalType,
    pub(super) type_id: TypeId,
    pub(super) asked: Asked,
    pub(super) lease: Option<Lease>,
    /// The control version that it began with.
    pub(super) version: u64,
    /// Of those known so far, or all.
    pub(super) instruments: InstrumentSet,
    /// The native streams that it wants, by their places.
    pub(super) streams: Vec<usize>,
}

impl Wish {
    /// The command that brings it about.
    pub(super) fn command(&self) -> Command {
        Command::Subscribe {
            type_name: self.name.to_string(),
            filters: self.asked.shown.clone(),
            trace_id: None,
            lease_seconds: self.lease.map(|lease| lease.seconds),
        }
    }

    /// Whether it is the subscription of this type with exactly these filters.
    pub(super) fn is(&self, type_id: TypeId, shown: &Filters) -> bool {
        self.type_id == type_id && self.asked.boot.is_none() && self.asked.shown == *shown
    }
}
