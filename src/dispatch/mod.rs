//! Room `dispatch`.
