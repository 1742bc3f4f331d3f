//! From files to files: what may be used, what is written, what is handed in, what is scored, what is said about bad input.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

mod common;
mod files;
mod fits;
mod further;
mod hubs;
mod layouts;
mod rates;
mod scoring;
mod seasonal;
mod spread;
mod strangers;
mod submission;
