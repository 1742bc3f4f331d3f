//! The register against the real schema, and against the texts of the page that is made from it.

use crate::common::{Service, countries};
use identity::rights::register::Register;
use reqwest::StatusCode;
use sqlx::PgPool;
use std::collections::BTreeSet;

async fn schema(pool: &PgPool) -> BTreeSet<String> {
    let columns: Vec<String> = sqlx::query_scalar(
        "select table_name || '.' || column_name from information_schema.columns
          where table_schema not in ('pg_catalog', 'information_schema')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    columns.into_iter().collect()
}

fn registered() -> BTreeSet<String> {
    let tables = Register::read().unwrap().table;
    tables.iter().flat_map(|t| t.columns.keys().map(move |c| format!("{}.{c}", t.name))).collect()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_register_names_every_column_of_the_schema_and_no_other_one(pool: PgPool) {
    assert_eq!(registered(), schema(&pool).await);
    // The check sees what nobody registered.
    sqlx::query("alter table account add column shoe_size text").execute(&pool).await.unwrap();
    let more: Vec<String> = schema(&pool).await.difference(&registered()).cloned().collect();
    assert_eq!(more, ["account.shoe_size"]);
}

#[test]
fn a_table_about_persons_says_how_their_rows_are_found() {
    for table in Register::read().unwrap().table {
        let identifies = table.columns.values().any(|c| c == "identifier" || c == "contact");
        assert!(table.of.is_some() || !identifies, "{}", table.name);
        assert!(table.shown.keys().all(|column| table.columns.contains_key(column)), "{}", table.name);
        for category in table.columns.values() {
            let known = ["identifier", "contact", "technical", "authentication", "choice", "record", "none"];
            assert!(known.contains(&category.as_str()), "{}: {category}", table.name);
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_information_page_lists_every_personal_column_in_every_language(pool: PgPool) {
    for profile in countries() {
        let service = Service::alone(&pool, &profile.country.to_string()).await;
        for language in &profile.languages {
            let page = service.browser().get(&format!("/account/rights/kept?lang={}", language.code)).await;
            assert_eq!(page.status, StatusCode::OK);
            // A text that is missing shows its key.
            for key in ["kept.", "rights."] {
                assert!(!page.body.contains(&format!(">{key}")), "{key}: {}", page.body);
            }
            for table in Register::read().unwrap().table {
                for (column, _) in table.personal() {
                    let shown = format!("<span class=\"code\">{column}</span>");
                    assert!(page.body.contains(&shown), "{}.{column}", table.name);
                }
            }
            let days = profile.law.keep_days.audit.to_string();
            assert!(page.body.contains(&days), "{days} days of the audit");
        }
    }
}
