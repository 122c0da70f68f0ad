//! Purpose: the directory's tables. Owns: instruments and custom types.
//! Thread: any; [`Directory::admit`] and [`Directory::intern_type`] lock (cold), everything else is one atomic load.
//! Takes and gives: names and ids. Never: moves an entry once admitted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::schema::canonical_type::{CanonicalType, builtin};
use crate::schema::id::{InstrumentId, Market, TypeId};
use crate::schema::instrument::Instrument;
use crate::schema::json::Names;

/// The most instruments and custom types of a run unless told otherwise.
const INSTRUMENTS_MAX: usize = 16_384;
const TYPES_MAX: usize = 256;

/// The tables are full: the symbol or type cannot be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the directory holds {0} entries and is full: raise `limits.instruments`, or narrow what is subscribed")]
pub struct DirectoryFull(pub usize);

/// Names for ids, ids for names.
#[derive(Debug)]
pub struct Directory {
    instruments: Box<[OnceLock<Instrument>]>,
    types: Box<[OnceLock<CanonicalType>]>,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    by_symbol: HashMap<(Market, Box<str>), InstrumentId>,
    by_name: HashMap<(Market, Box<str>), InstrumentId>,
    types: usize,
}

impl Default for Directory {
    fn default() -> Self {
        Directory::with_capacity(INSTRUMENTS_MAX)
    }
}

impl Directory {
    /// A directory for at most `instruments` instruments.
    pub fn with_capacity(instruments: usize) -> Directory {
        Directory {
            instruments: (0..instruments).map(|_| OnceLock::new()).collect(),
            types: (0..TYPES_MAX).map(|_| OnceLock::new()).collect(),
            index: Mutex::default(),
        }
    }

    /// The id of an instrument, admitted if it is new. One that is known keeps what was first said of it. Of two symbols
    /// with one canonical name the second keeps its symbol as its name's base (`SYMBOL-ALIAS`, or `SYMBOL-ALIAS-ALIAS` where
    /// that is taken too): names and ids are one to one.
    ///
    /// # Errors
    /// [`DirectoryFull`].
    pub fn admit(&self, instrument: Instrument) -> Result<InstrumentId, DirectoryFull> {
        let mut index = self.lock();
        let by_symbol = (instrument.market, instrument.symbol.clone());
        if let Some(id) = index.by_symbol.get(&by_symbol) {
            return Ok(*id);
        }
        let id = InstrumentId(index.by_symbol.len() as u32);
        let slot = self.instruments.get(id.index()).ok_or(DirectoryFull(self.instruments.len()))?;
        let mut instrument = instrument;
        let mut base = instrument.symbol.to_string();
        while index.by_name.contains_key(&(instrument.market, instrument.name.clone())) {
            base.push_str("-ALIAS");
            instrument.name = base.as_str().into();
        }
        index.by_name.insert((instrument.market, instrument.name.clone()), id);
        index.by_symbol.insert(by_symbol, id);
        // The slot is empty: ids are given out under the lock, each once.
        let _ = slot.set(instrument);
        Ok(id)
    }

    /// What is known of an instrument.
    #[inline]
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index())?.get()
    }

    /// How many instruments there may be.
    pub fn capacity(&self) -> usize {
        self.instruments.len()
    }

    /// How many instruments there are; their ids run from 0.
    pub fn instruments(&self) -> usize {
        self.lock().by_symbol.len()
    }

    /// The id of a symbol (uppercase). Cold: takes the lock.
    pub fn find_symbol(&self, market: Market, symbol: &str) -> Option<InstrumentId> {
        self.lock().by_symbol.get(&(market, symbol.into())).copied()
    }

    /// The id of a canonical name (uppercase). Cold: takes the lock.
    pub fn find_name(&self, market: Market, name: &str) -> Option<InstrumentId> {
        self.lock().by_name.get(&(market, name.into())).copied()
    }

    /// The id of a type, interned if it is new.
    ///
    /// # Errors
    /// [`DirectoryFull`].
    pub fn intern_type(&self, name: &CanonicalType) -> Result<TypeId, DirectoryFull> {
        if let Some(id) = builtin::find(name.as_str()) {
            return Ok(id);
        }
        let mut index = self.lock();
        let known = self.types[..index.types].iter().position(|t| t.get() == Some(name));
        let at = known.unwrap_or(index.types);
        let slot = self.types.get(at).ok_or(DirectoryFull(self.types.len()))?;
        if known.is_none() {
            let _ = slot.set(name.clone());
            index.types += 1;
        }
        Ok(TypeId(builtin::FIRST_CUSTOM + at as u16))
    }

    /// The id of a type that is known already. Cold: takes the lock.
    pub fn find_type(&self, name: &CanonicalType) -> Option<TypeId> {
        builtin::find(name.as_str()).or_else(|| {
            let types = self.lock().types;
            let at = self.types[..types].iter().position(|t| t.get() == Some(name))?;
            Some(TypeId(builtin::FIRST_CUSTOM + at as u16))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        // A panic while the lock was held leaves the maps whole: each insert stands alone.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names for Directory {
    fn instrument_name(&self, id: InstrumentId) -> Option<&str> {
        self.instrument(id).map(|i| &*i.name)
    }

    fn type_name(&self, id: TypeId) -> Option<&str> {
        builtin::name(id).or_else(|| {
            let at = id.index().checked_sub(builtin::FIRST_CUSTOM as usize)?;
            self.types.get(at)?.get().map(CanonicalType::as_str)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(symbol: &str) -> Instrument {
        Instrument::from_symbol(Market::BinanceSpot, symbol)
    }

    #[test]
    fn ids_are_given_once_and_names_follow_them() {
        let directory = Directory::with_capacity(3);
        let btc = directory.admit(spot("BTCUSDT")).unwrap();
        let perpetual = directory.admit(Instrument::from_symbol(Market::BinanceUsdm, "BTCUSDT")).unwrap();
        assert_eq!((btc, perpetual), (InstrumentId(0), InstrumentId(1)));
        assert_eq!(directory.admit(spot("BTCUSDT")), Ok(btc));
        assert_eq!(directory.instrument_name(btc), Some("BTC-USDT"));
        assert_eq!(directory.find_name(Market::BinanceUsdm, "BTC-USDT"), Some(perpetual));
        assert_eq!(directory.find_symbol(Market::BinanceSpot, "ETHUSDT"), None);
        assert_eq!(directory.admit(spot("ETHUSDT")), Ok(InstrumentId(2)));
        assert_eq!(directory.admit(spot("BNBUSDT")), Err(DirectoryFull(3)));
        assert_eq!(directory.instruments(), 3);
        assert_eq!(directory.instrument(InstrumentId::NONE), None);
    }

    #[test]
    fn two_symbols_never_share_a_name() {
        let directory = Directory::default();
        directory
            .admit(Instrument::listed(Market::BinanceSpot, "AB", "A", "B", crate::schema::instrument::Trading::Open))
            .unwrap();
        let other = directory
            .admit(Instrument::listed(Market::BinanceSpot, "A2B", "A", "B", crate::schema::instrument::Trading::Open))
            .unwrap();
        assert_eq!(directory.instrument_name(other), Some("A2B-ALIAS"));
        assert_eq!(directory.find_name(Market::BinanceSpot, "A2B-ALIAS"), Some(other));
    }

    #[test]
    fn a_listing_that_looks_like_an_alias_takes_nobodys_name() {
        let directory = Directory::default();
        let open = crate::schema::instrument::Trading::Open;
        let admit = |symbol, base, quote| {
            directory.admit(Instrument::listed(Market::BinanceSpot, symbol, base, quote, open)).unwrap()
        };
        let ids = [admit("AB", "A", "B"), admit("X", "A2B", "ALIAS"), admit("A2B", "A", "B")];
        let names = ids.map(|id| directory.instrument_name(id).unwrap().to_owned());
        assert_eq!(names, ["A-B", "A2B-ALIAS", "A2B-ALIAS-ALIAS"]);
        for (id, name) in ids.into_iter().zip(names) {
            assert_eq!(directory.find_name(Market::BinanceSpot, &name), Some(id));
        }
    }

    #[test]
    fn custom_types_are_numbered_behind_the_built_in_ones() {
        let directory = Directory::default();
        let own = CanonicalType::parse("kline.five").unwrap();
        assert_eq!(directory.find_type(&own), None);
        let id = directory.intern_type(&own).unwrap();
        assert_eq!(id, TypeId(64));
        assert_eq!(directory.intern_type(&own), Ok(id));
        assert_eq!(directory.type_name(id), Some("KLINE.FIVE"));
        assert_eq!(directory.intern_type(&CanonicalType::parse("TRADE").unwrap()), Ok(builtin::TRADE));
        assert_eq!(directory.type_name(TypeId(65)), None);
    }
}
