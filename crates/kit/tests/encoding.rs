//! What is put into JSON stays a text, and nothing is put into a script.
#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

use axum::response::IntoResponse as _;
use kit::Problem;
use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

proptest! {
    #[test]
    fn a_problem_says_any_text_as_one_text_of_json(
        text in "(\"|\\\\|</script>|<!--|[\u{0}-\u{1f}]|\u{2028}|\u{2029}|\u{feff}|[ -~é]){0,40}",
    ) {
        let answer = Problem::invalid("query", text.clone()).into_response();
        prop_assert_eq!(&answer.headers()["content-type"], "application/problem+json");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 100_000)).unwrap();
        let said: Value = serde_json::from_slice(&body).unwrap();
        let names: Vec<&String> = said.as_object().unwrap().keys().collect();
        prop_assert_eq!(names, ["code", "detail", "field", "status", "title", "type"], "nothing came to it");
        prop_assert!(said["detail"].as_str().unwrap().ends_with(&text), "{}", said);
    }
}

/// Every page that there is.
fn templates() -> Vec<PathBuf> {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    let mut found = Vec::new();
    for service in std::fs::read_dir(services).unwrap() {
        let Ok(files) = std::fs::read_dir(service.unwrap().path().join("templates")) else { continue };
        found.extend(files.map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "html")));
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}

#[test]
fn no_page_has_a_script_in_it_that_a_value_could_get_into() {
    let mut scripts = 0;
    for path in templates() {
        let text = std::fs::read_to_string(&path).unwrap().to_ascii_lowercase();
        for found in text.split("<script").skip(1) {
            let (head, rest) = found.split_once('>').unwrap();
            assert!(head.contains(" src=\""), "{}: a script is a file", path.display());
            assert!(rest.starts_with("</script>"), "{}: a script is written in the page", path.display());
            scripts += 1;
        }
        for tag in text.split('<').skip(1).map(|t| t.split('>').next().unwrap()) {
            for part in tag.split_whitespace().skip(1) {
                let handler = part.split_once('=').is_some_and(|(n, _)| n.starts_with("on") && n.len() > 3);
                assert!(!handler && !part.contains("javascript:"), "{}: {part}", path.display());
            }
        }
    }
    assert!(scripts > 0, "some page has a script");
}
