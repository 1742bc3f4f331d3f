//! What is written down of security is what the page says.

use kit::security::EVENTS;
use std::path::Path;

#[test]
fn the_page_of_events_names_each_of_them() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security/events.md");
    let page = std::fs::read_to_string(page).unwrap();
    for event in EVENTS {
        assert!(page.contains(&format!("| `{}` |", event.name())), "{event:?}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, EVENTS.len() + 8, "a row for each event and for each field");
}
