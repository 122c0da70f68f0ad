//! TLS: whom we trust.
//!
//! | file | holds |
//! |---|---|
//! | `trust` | whom we trust: the public roots, or those we were given; why TLS failed |

mod trust;

pub use trust::BadCaFile;
pub(super) use trust::{Trust, cause_of, server_name};
