//! What every service needs, once.

pub mod access;
mod app;
pub mod axis;
mod build;
pub mod chart;
mod clock;
pub mod config;
#[cfg(feature = "egress")]
pub mod egress;
pub mod growth;
pub mod keys;
pub mod listen;
pub mod locale;
pub mod network;
pub mod notice;
mod params;
mod problem;
pub mod rate;
pub mod record;
mod secret;
pub mod security;
pub mod server;
pub mod source;
pub mod style;
pub mod tls;

pub use app::App;
pub use build::Build;
pub use clock::{Clock, moment, wall};
pub use params::Params;
pub use problem::{Problem, problem_fallbacks};
pub use secret::Secret;

rust_i18n::i18n!("locales", fallback = "en");
