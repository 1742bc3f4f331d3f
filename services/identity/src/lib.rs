//! Who somebody is and what they may do: login with the country's OpenID Connect providers, sessions that their owner
//! sees and ends, roles, and short-lived signed tokens for the other services. The public pages need none of it.
//!
//! Its database is its own: no other service has a role in it. Of a person it keeps what an issuer calls them and, for those who
//! want mail, their address; what they may ask for is in [`rights`].

pub mod accounts;
pub mod alerts;
mod assets;
pub mod audit;
mod cookies;
mod csrf;
mod database;
mod errors;
mod here;
mod http;
pub mod keys;
pub mod logins;
pub mod mailer;
mod options;
pub mod passkeys;
pub mod provider;
pub mod pseudonyms;
mod random;
mod redirects;
mod respond;
pub mod rights;
mod routes;
pub mod sessions;
mod throttle;
mod time;
mod tokens;

pub use alerts::run::{Outcome, alerts};
pub use database::{MIGRATOR, ROLES, close, give, rewrite, unsampled};
pub use options::{Options, Registration};
pub use routes::{remove, router};
pub use time::Time;

// No fallback: a missing text must be seen by the tests, not hidden by another language.
rust_i18n::i18n!("locales");
