//! The committed description is the one that the handlers give.

#[test]
fn the_committed_openapi_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let fresh = format!("{}\n", data_api::document().to_pretty_json().unwrap());
    if std::env::var_os("VIGIE_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        fresh == committed,
        "openapi.json is behind the handlers: VIGIE_WRITE_OPENAPI=1 cargo test -p data-api openapi"
    );
}

#[test]
fn it_is_openapi_3_1_and_names_every_route() {
    let document = serde_json::to_value(data_api::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    paths.sort();
    let of = |p: &str| format!("/api/data/v1/{p}");
    let wanted = [
        "bulk",
        "bulk/{file}",
        "bulk/{signal}/{file}",
        "observations",
        "openapi.json",
        "places",
        "signals",
        "sources",
        "why/{id}",
    ];
    assert_eq!(paths, wanted.map(of).iter().collect::<Vec<_>>());
}

#[test]
fn every_operation_and_response_is_described() {
    let document = serde_json::to_value(data_api::document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = &item["get"];
        assert!(!operation["summary"].as_str().unwrap_or("").is_empty(), "{path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(!response["description"].as_str().unwrap_or("").is_empty(), "{path} {status}");
        }
    }
}
