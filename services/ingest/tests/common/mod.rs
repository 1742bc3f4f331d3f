//! What the tests of this crate share.
#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]
#![expect(dead_code, reason = "each test binary uses its part")]

use chrono::{DateTime, NaiveDate, Utc};
use domain::CountryProfile;
use ingest::recorded::{self, Manifest};
use ingest::{Context, Parsed, Refusal, Row, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Place and date to value; `None` where the publisher lists the cell without one.
pub(crate) type State = BTreeMap<(String, NaiveDate), Option<f64>>;

/// The project's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The recording, or a line that says why the test is skipped.
#[expect(clippy::print_stdout, reason = "the skip must be seen in the test's output")]
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let folder = recorded::folder(&root());
    if folder.join("data/MANIFEST.csv").exists() {
        return Some(folder);
    }
    println!("skipped: shared-payloads: {test}: ../shared is absent");
    None
}

pub(crate) fn profile(country: &str) -> CountryProfile {
    let path = root().join(format!("clusters/{country}/profile/profile.toml"));
    CountryProfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A recorded file, unpacked.
pub(crate) fn payload(shared: &Path, path: &str) -> Vec<u8> {
    ingest::body::unpack(&std::fs::read(shared.join(path)).unwrap()).unwrap()
}

/// Parses a recorded file with a feed of a source.
pub(crate) fn parse(
    shared: &Path,
    source: &str,
    feed: &str,
    path: &str,
    issued_at: &str,
) -> Result<Parsed, Refusal> {
    let feed = ingest::sources::find(source).unwrap().feed(feed).unwrap();
    let file = path.rsplit('/').next().unwrap();
    (feed.parse)(&payload(shared, path), &Context { issued_at: at(issued_at), file })
}

pub(crate) fn state(rows: &[Row], signal: &str) -> State {
    let of = rows.iter().filter(|r| r.signal.as_str() == signal);
    of.map(|r| ((r.place.to_string(), r.reference_date), r.value)).collect()
}

/// A row of the carried extract: cell, issue time, value.
pub(crate) type Issue = ((String, NaiveDate), DateTime<Utc>, Option<f64>);

/// The rows of a signal in the carried extract.
pub(crate) fn issues(source: &str, signal: &str) -> Vec<Issue> {
    let packed = std::fs::read(root().join(format!("data/observations/{source}/{signal}.csv.gz"))).unwrap();
    let bytes = ingest::body::unpack(&packed).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let row = |r: csv::StringRecord| ((r[0].to_owned(), r[1].parse().unwrap()), at(&r[2]), r[3].parse().ok());
    reader.records().map(|r| row(r.unwrap())).collect()
}

/// The last issue of each cell not after a time, by a plain replay.
pub(crate) fn as_of(issues: &[Issue], time: DateTime<Utc>) -> State {
    issues
        .iter()
        .filter(|(_, issued, _)| *issued <= time)
        .map(|(cell, _, value)| (cell.clone(), *value))
        .collect()
}

/// What the carried extract says of a signal as of a time.
pub(crate) fn carried(source: &str, signal: &str, time: DateTime<Utc>) -> State {
    as_of(&issues(source, signal), time)
}

/// Every recorded payload of a source with what its feed reads in it, without validation.
pub(crate) fn all_parsed(shared: &Path, source: &'static Source) -> Vec<(String, Result<Parsed, Refusal>)> {
    let manifest = Manifest::read(shared).unwrap();
    let payloads = recorded::payloads(shared, source, &manifest).unwrap();
    let read = |p: recorded::Payload| {
        let context = Context { issued_at: p.at.unwrap_or_default(), file: &p.file };
        (p.path.clone(), (source.feed(p.feed).unwrap().parse)(&p.bytes, &context))
    };
    payloads.into_iter().map(read).collect()
}
