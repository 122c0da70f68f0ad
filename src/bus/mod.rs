//! Room `bus`.
