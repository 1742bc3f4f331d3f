//! Login, sessions and logout through HTTP, as a browser and a provider do it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail and say so; clippy sees no test in a helper"
)]

mod access;
mod alerts;
mod beside;
mod browser;
mod caching;
mod common;
mod database;
mod described;
mod events;
mod false_provider;
mod faults;
mod fields;
mod fuzz;
mod grants;
mod keys;
mod logout_tokens;
mod logs;
mod mail;
mod mailboxes;
mod node;
mod passkeys;
mod persons;
mod post;
mod races;
mod real;
mod recovery;
mod register;
mod restore;
mod retention;
mod rights;
mod roles;
mod scan;
mod sessions;
mod standing;
mod texts;
mod whole;
