//! Room `conductor`.
