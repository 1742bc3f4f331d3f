//! Every page, in every country and language, from sample rows.

#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

mod common;

use common::{Site, countries, polyglot};
use domain::CountryProfile;
use sqlx::PgPool;

/// Every path of a country that is not a file, without prefix.
fn paths(profile: &CountryProfile) -> Vec<String> {
    let mut all: Vec<String> =
        ["/", "/status", "/models", "/accessibility", "/legal", "/privacy", "/nowhere"]
            .map(str::to_owned)
            .into();
    for disease in &profile.diseases {
        let id = &disease.id;
        all.push(format!("/{id}"));
        all.push(format!("/{id}?q=atlantis"));
        all.push(format!("/{id}/{}", profile.nation));
        all.push(format!("/{id}/{}?range=all", profile.nation));
        all.push(format!("/{id}/{}?as_of=2025-01-20", profile.nation));
        all.push(format!("/{id}/{}:09", profile.nation));
        all.push(format!("/feeds/{id}.atom"));
        all.push(format!("/{id}/{}/data.csv", profile.nation));
    }
    let main = profile.signal(&profile.main_signal).unwrap();
    let source = main.source_at("nation").unwrap();
    all.push(format!("/why/{}~{source}~{}~2025-02-01~20250205T120000Z", main.id, profile.nation));
    all.push(format!("/{}/{}/{}.svg", main.disease, profile.nation, main.id));
    all
}

async fn every_page_twice(pool: &PgPool, profile: CountryProfile) {
    let site = Site::of(pool, profile.clone()).await;
    for language in &profile.languages {
        for path in paths(&profile) {
            let path = format!("{}{path}", language.prefix);
            let first = site.get(&path).await;
            let second = site.get(&path).await;
            assert_eq!(first.body, second.body, "{path} differs when asked twice");
            let expected = if path.contains("/nowhere") { 404 } else { 200 };
            assert_eq!(first.status.as_u16(), expected, "{path}");
            assert_eq!(first.header("content-language"), language.tag, "{path}");
            // A page is light; a table to take along may be as long as it is.
            let file = path.ends_with(".csv");
            assert!(file || first.body.len() < 100_000, "{path} weighs {}", first.body.len());
            for slip in ["%{", "{}", "NaN"] {
                assert!(!first.body.contains(slip), "{path} shows `{slip}`");
            }
            // A missing text shows as its own key, behind the language's code.
            for table in
                ["nav", "card", "signal", "disease", "outlook", "table", "source", "where", "gap", "reason"]
            {
                let key = format!("{}.{table}.", language.code);
                assert!(!first.body.contains(&key), "{path} lacks a text: {key}…");
            }
            // Every page and file says that it is recorded.
            assert!(first.body.contains("2025"), "{path}");
            if first.header("content-type").starts_with("text/html") {
                assert!(first.body.contains(&format!("<html lang=\"{}\">", language.tag)), "{path}");
                assert_eq!(first.body.matches("<h1>").count(), 1, "{path}");
                assert!(first.body.contains("role=\"note\""), "{path} lacks the notice");
                assert!(!first.body.contains("style=\"") && !first.body.contains("<script"), "{path}");
            }
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_page_of_a_country_in_all_four_languages_renders_twice_and_alike(pool: PgPool) {
    every_page_twice(&pool, polyglot()).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_page_of_the_first_country_renders_twice_and_alike(pool: PgPool) {
    every_page_twice(&pool, countries().remove(0)).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_page_of_the_second_country_renders_twice_and_alike(pool: PgPool) {
    every_page_twice(&pool, countries().remove(1)).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_page_of_the_third_country_renders_twice_and_alike(pool: PgPool) {
    every_page_twice(&pool, countries().remove(2)).await;
}
