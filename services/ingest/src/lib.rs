//! From a publisher's payload to rows that the platform may show.
//!
//! The path is the same for a recorded payload and a live one: [`body`] (is it data at all?), a pure parser
//! ([`sources`], one file a source), [`validation`], and then either the project's own [`extract`] or the
//! append-only table. What was not accepted is kept with its reason, and the last good data stay. A live payload lies
//! in the [`archive`] before any of that: [`replay`] makes the database again, [`reproduce`] one value.

pub mod apply;
pub mod archive;
pub mod body;
pub mod changes;
pub mod event;
pub mod extract;
pub mod frame;
pub mod live;
pub mod load;
pub mod parsed;
pub mod places;
pub mod recorded;
pub mod refusal;
pub mod release;
pub mod replay;
pub mod reproduce;
pub mod source;
pub mod sources;
pub mod table;
pub mod validation;

pub use parsed::{Context, Parsed, Row, Vintage};
pub use refusal::Refusal;
pub use source::Source;

/// Raised when any parser reads the same bytes differently than before.
pub const PARSERS: u32 = 1;

/// Name and version of a source's parser, as a retrieval records them.
#[must_use]
pub fn parser_name(source: &str) -> String {
    format!("{source} {PARSERS}")
}
