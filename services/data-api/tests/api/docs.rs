//! The description as a page.

use crate::common::{ask, get, seeded};
use sqlx::PgPool;
use std::collections::BTreeSet;

/// What stands between `before` and the next quotation mark, everywhere.
fn quoted<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_page_names_everything_and_its_links_lead_somewhere(pool: PgPool) {
    let app = seeded(pool).await;
    let page = get(&app, "docs").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("style-src 'self'"));
    let html = page.text();
    assert!(
        !html.contains("<script") && !html.contains("style=") && !html.contains("<img"),
        "works without any of them"
    );
    assert!(html.contains("This is the recorded situation of February 1, 2025"));
    let document = serde_json::to_value(data_api::document()).unwrap();
    assert_eq!(document["externalDocs"]["url"], "/api/data/v1/docs");
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(html.contains(&format!("GET {path}<")), "{path}");
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            assert!(
                html.contains(&format!("<code>{}</code>", parameter["name"].as_str().unwrap())),
                "{parameter}"
            );
        }
    }
    let ids = quoted(&html, " id=\"");
    for (schema, _) in document["components"]["schemas"].as_object().unwrap() {
        assert!(ids.contains(&*format!("schema-{schema}")), "{schema}");
    }
    let mut examples = 0;
    for link in quoted(&html, "href=\"") {
        if let Some(id) = link.strip_prefix('#') {
            assert!(ids.contains(id), "{link} leads nowhere");
        } else if link == "/account/keys" {
            // Another service answers there: crates/vigie/tests/keys.rs looks that it is in each country of this one.
            assert!(app.profile.identity.keys.is_some());
        } else if link != "/" {
            let link = link.replace("&#38;", "&");
            let answer = ask(&app, "GET", &link, &[]).await;
            assert_eq!(answer.status, 200, "{link}: {}", answer.text());
            examples += 1;
        }
    }
    // The style, and an example of every operation; that of `openapi.json` is the address of the document.
    assert_eq!(examples, 1 + document["paths"].as_object().unwrap().len());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_figure_the_page_is_there_all_the_same(pool: PgPool) {
    let app = crate::common::country(pool, crate::common::time(crate::common::CLOCK)).await;
    let page = get(&app, "docs").await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("/why/flu_hosp_admissions"), "there is no value to explain");
    assert_eq!(get(&app, "docs?x=1").await.status, 400);
}
