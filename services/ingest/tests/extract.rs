//! The extract that the project carries is the one that the recording gives.

use ingest::recorded;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The recording, or a line that says why the test is skipped.
fn shared(test: &str) -> Option<PathBuf> {
    let folder = recorded::folder(&root());
    if folder.join("data/MANIFEST.csv").exists() {
        return Some(folder);
    }
    println!("skipped: {test}: ../shared is absent");
    None
}

#[test]
fn the_carried_extract_is_what_the_recording_gives_and_twice_the_same() {
    let Some(shared) = shared("the_carried_extract_is_what_the_recording_gives") else { return };
    let start = std::time::Instant::now();
    let (files, summary) = ingest::extract::build(&shared, ingest::sources::ALL).unwrap();
    println!("{:?}", start.elapsed());
    for ((source, signal), rows) in &summary.rows {
        println!("{source} {signal} {rows}");
    }
    println!("{} bytes, refused: {:#?}", summary.bytes, summary.refused);
    assert!(summary.bytes < 20 << 20, "{} bytes", summary.bytes);
    let data = root().join("data");
    if std::env::var_os("VIGIE_WRITE_EXTRACT").is_some() {
        ingest::extract::write(&shared, &data).unwrap();
    }
    for (name, bytes) in &files {
        let carried = std::fs::read(data.join(name)).unwrap_or_default();
        assert!(carried == *bytes, "data/{name} is not what the recording gives: run `vigie extract`");
    }
    let (again, _) = ingest::extract::build(&shared, ingest::sources::ALL).unwrap();
    assert!(files == again, "two extracts differ");
}
