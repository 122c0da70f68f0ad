//! Purpose: the OpenAPI document. Owns: its text, `openapi.json` beside this file. Thread: any.
//! Takes and gives: nothing in, JSON out. Never: says what the server does not do: `tests/http_openapi.rs` compares them.

/// The document, with this program's version.
pub(super) fn document() -> Vec<u8> {
    include_str!("openapi.json").replace("\"VERSION\"", concat!("\"", env!("CARGO_PKG_VERSION"), "\"")).into_bytes()
}
