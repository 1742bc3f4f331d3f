//! The service `ingest`.
fn main() {}
