//! A recorded payload of American counties, fetched from a server, asked for through the technical API.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use domain::CountryProfile;
use http_body_util::BodyExt as _;
use ingest::apply::Outcome;
use ingest::archive::Archive;
use ingest::live::check::{Checker, Job};
use ingest::live::fetch;
use ingest::load::Plan;
use ingest::{recorded, sources};
use kit::{App, Clock};
use sqlx::PgPool;
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt as _;

const PAYLOAD: &str = "data/us/cdc-nssp/nssp-county_to-2025-07-26_retrieved-2025-11-26.parquet";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn emergency_visits_by_county_are_fetched_and_served(pool: PgPool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(payload) = std::fs::read(recorded::folder(&root).join(PAYLOAD)) else {
        println!(
            "skipped: shared-payloads: emergency_visits_by_county_are_fetched_and_served: ../shared is absent"
        );
        return;
    };
    let text = std::fs::read_to_string(root.join("clusters/us/profile/profile.toml")).unwrap();
    let profile = CountryProfile::parse(&text).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/latest.parquet", listener.local_addr().unwrap());
    let publisher = Router::new().route("/latest.parquet", get(async move || payload));
    tokio::spawn(async move { axum::serve(listener, publisher).await });

    let folder = std::env::temp_dir().join(format!("vigie-counties-{}", std::process::id()));
    let archive = Archive::open(folder.to_str().unwrap()).unwrap();
    let client = fetch::client("http://localhost").unwrap();
    let checker = Checker::new(pool.clone(), client, archive, Plan::of(&profile));
    let source = sources::find("cdc-nssp").unwrap();
    let at = "2025-11-26T18:00:00Z".parse().unwrap();
    let found = checker.check(&Job { source, feed: &source.feeds[0], url }, &move || at).await.unwrap();
    assert!(matches!(found.outcome, Outcome::New(rows) if rows > 900_000), "{found:?}");
    std::fs::remove_dir_all(&folder).unwrap();

    let clock = Clock::Recorded("2025-11-27T00:00:00Z".parse().unwrap());
    let app = App { db: pool, profile: Arc::new(profile), clock, public_url: "http://127.0.0.1:8080".into() };
    let api = data_api::router(app, 600, data_api::PATIENCE);
    let ask = async |path: &str| -> serde_json::Value {
        let request = Request::get(format!("/api/data/v1/{path}")).body(Body::empty()).unwrap();
        let response = api.clone().oneshot(request).await.unwrap();
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    };
    let signal = "observations?signal=flu_ed_visits_percent";
    let one = ask(&format!("{signal}&place=US:48201&from=2025-07-26")).await;
    let value = &one["data"][0];
    assert_eq!((&value["unit"], &value["source"]), (&"percent".into(), &"cdc-nssp".into()), "{one}");
    let share = value["value"].as_f64().unwrap();
    assert!(share > 0.0 && share < 100.0, "{share} percent of visits in Harris County");
    let level = ask(&format!("{signal}&level=county&from=2025-07-26&limit=10000")).await;
    let counties = level["data"].as_array().unwrap();
    assert!(counties.len() > 2000 && level["truncated"] == false, "{} counties", counties.len());
    assert!(counties.iter().all(|c| c["place"].as_str().unwrap().starts_with("US:")));
    for (level, least) in [("state", 45), ("nation", 1)] {
        let found = ask(&format!("{signal}&level={level}&from=2025-07-26")).await;
        assert!(found["data"].as_array().unwrap().len() >= least, "{found}");
    }
    let places = ask("places?level=county&parent=US-TX").await;
    let places = places["places"].as_array().unwrap();
    assert!(places.iter().any(|p| p["names"]["en"] == "Harris County, Texas"), "{places:?}");
}
