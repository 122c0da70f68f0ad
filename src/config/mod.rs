//! Room `config`.

pub mod route;
