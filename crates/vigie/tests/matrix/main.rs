//! Who may do what, everywhere: every route of every service, asked as nobody and in each role, in every country; the
//! answers are compared with `docs/security/access.csv`. A route that nobody wrote down there fails the test.
//!
//! `VIGIE_WRITE_MATRIX=1` writes the file from what was seen (to be read before it is committed).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail; clippy sees no test in a helper")]

mod asking;
mod routes;
mod table;

use asking::Country;
use sqlx::PgPool;
use std::collections::BTreeSet;
use table::Table;

/// The services that answer requests, in the order of the table.
const SERVICES: [&str; 5] = ["data-api", "dataviz", "forecast", "identity", "web"];

#[sqlx::test(migrations = false)]
async fn every_route_answers_whom_the_matrix_names(figures: PgPool) {
    store::MIGRATOR.run(&figures).await.unwrap();
    let accounts = asking::another_database(&figures).await;
    let mut seen = Table::default();
    for code in asking::countries() {
        let country = Country::of(&code, figures.clone(), accounts.clone()).await;
        for service in SERVICES {
            for (method, path) in country.routes(service) {
                let who = country.who_may(service, &method, &path).await;
                seen.insert(&code, service, &method, &path, who);
            }
        }
    }
    assert!(seen.len() > 50, "only {} routes were found", seen.len());
    seen.compare_with_the_file();
}

#[test]
fn every_service_that_answers_is_asked() {
    let apps = asking::countries().into_iter().flat_map(|code| asking::apps(&code)).collect::<BTreeSet<_>>();
    let asked = SERVICES.iter().map(|s| (*s).to_owned()).collect();
    let left: Vec<_> = apps.difference(&asked).collect();
    assert_eq!(left, ["ingest"], "ingest has no routes but health and metrics");
}
