//! Faults injected into recorded payloads: each is refused whole with a sentence that says why, or does no harm.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod bytes;
#[path = "../common/mod.rs"]
mod common;
mod shape;
mod table;
mod values;
