//! Every page in every language; what the login page says when there is no way in; where a login may lead.

use crate::common::{Service, countries, root};
use reqwest::StatusCode;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

fn locale(code: &str) -> BTreeMap<String, String> {
    fn flat(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
        for (key, value) in table {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(inner) => flat(&key, inner, into),
                other => drop(into.insert(key, other.as_str().unwrap().to_owned())),
            }
        }
    }
    let text =
        std::fs::read_to_string(root().join(format!("services/identity/locales/{code}.toml"))).unwrap();
    let mut all = BTreeMap::new();
    flat("", &text.parse().unwrap(), &mut all);
    all
}

#[test]
fn every_language_has_the_same_keys_and_its_own_typography() {
    let english: BTreeSet<String> = locale("en").into_keys().collect();
    for code in ["fr", "de", "it"] {
        let texts = locale(code);
        assert_eq!(english, texts.keys().cloned().collect(), "{code}");
        for (key, text) in texts {
            assert!(!text.contains('\''), "{code} {key}: straight apostrophe");
            assert!(code != "de" || !text.contains('ß'), "{key}: Swiss German has no ß");
            let bare = [" :", " ;", " !", " ?", " »", "« ", " %{"]
                .iter()
                .find(|m| text.replace(" %{", "").contains(**m));
            assert!(code != "fr" || bare.is_none(), "{key}: {bare:?} wants a no-break space");
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_account_pages_speak_every_language_of_every_country(pool: PgPool) {
    for profile in countries() {
        let code = profile.country.to_string();
        let service = Service::alone(&pool, &code).await;
        for language in &profile.languages {
            let words = locale(&language.code);
            let (_, mut inside) = service.somebody("a").await;
            let mut outside = service.browser();
            for (browser, title) in [(&mut inside, "account.title"), (&mut outside, "login.title")] {
                let page = browser.get(&format!("/account?lang={}", language.code)).await;
                assert_eq!(page.status, StatusCode::OK);
                assert!(page.body.contains(&format!("<h1>{}</h1>", words[title])), "{code} {}", page.body);
                assert!(page.body.contains(&format!("<html lang=\"{}\">", language.tag)));
                assert!(!page.body.contains("<script"), "no page needs one");
                let policy = page.header("content-security-policy");
                assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            }
            let page = outside.get(&format!("/account?lang={}", language.code)).await;
            assert!(page.body.contains(&words["login.missing_registration"]), "{}", page.body);
            outside.language = language.tag.clone();
            let page = outside.get("/account/nothing").await;
            assert_eq!(page.status, StatusCode::NOT_FOUND);
            assert!(page.body.contains(&words["error.not_found.title"]), "{}", page.body);
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn machines_get_problems_and_unregistered_providers_are_not_there(pool: PgPool) {
    let service = Service::alone(&pool, "us").await;
    for path in [
        "/account/login/login-gov",
        "/account/login/other",
        "/oidc/callback/login-gov?code=a&state=b",
        "/oidc/none",
    ] {
        let answer = crate::browser::client().get(format!("{}{path}", service.origin)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}
