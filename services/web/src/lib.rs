//! The public pages of one country: home, disease, place, and where every figure comes from.
//!
//! Complete without JavaScript, in each language of the country's profile. Everything that a page says is computed
//! from the surveillance database as of the platform's clock, or as of an earlier moment that the reader names.

mod assets;
mod errors;
pub mod figures;
mod here;
pub mod i18n;
mod options;
mod respond;
mod routes;
mod site;

pub use options::Options;
pub use routes::router;
pub use site::{Site, StartError};

// No fallback: a missing text must be seen by the tests, not hidden by another language.
rust_i18n::i18n!("locales");
