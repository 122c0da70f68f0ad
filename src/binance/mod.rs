//! Room `binance`.
