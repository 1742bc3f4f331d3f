//! What a run is made from, as one number.

use sha2::{Digest as _, Sha256};
use store::observations::Point;

/// SHA-256 over rows in canonical form, in the order in which they are given.
#[derive(Default)]
pub(crate) struct DataHash(Sha256);

impl DataHash {
    /// Adds a row: signal, source, place, date, issue time (microseconds), value (shortest form that reads back),
    /// status, separated by tabs, ended by a line feed.
    pub(crate) fn row(&mut self, signal: &str, source: &str, p: &Point) {
        let value = p.value.map(|v| v.to_string()).unwrap_or_default();
        let issued = p.issued_at.timestamp_micros();
        let (place, date, status) = (&p.place_id, p.reference_date, &p.status);
        self.0.update(format!("{signal}\t{source}\t{place}\t{date}\t{issued}\t{value}\t{status}\n"));
    }

    /// Adds the bytes of a file that the model reads.
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8]) {
        self.0.update(format!("{name}\t{}\n", hex::encode(Sha256::digest(bytes))));
    }

    /// The hash in hex.
    pub(crate) fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// The id of a run: the same code on the same rows at the same time has the same id.
pub(crate) fn run_id(parts: &[&str]) -> String {
    hex::encode(Sha256::digest(parts.join("\n")))
}
