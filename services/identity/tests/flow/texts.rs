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

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_pages_of_keys_speak_every_language_that_there_is(pool: PgPool) {
    // The country that has keys speaks one language; a page that a further country would show is there already.
    let mut profile = crate::common::country("us");
    profile.languages = countries().into_iter().flat_map(|p| p.languages).collect();
    let registrations = BTreeMap::new();
    let place = crate::common::Place::find().await;
    let service = Service::start(place, &pool, profile.clone(), registrations).await;
    let mut seen = BTreeSet::new();
    for language in &profile.languages {
        let (words, lang) = (locale(&language.code), language.code.as_str());
        let (account, mut browser) = service.somebody(lang).await;
        let mut conn = pool.acquire().await.unwrap();
        let now = service.time.now();
        identity::accounts::grant(&mut conn, &account, "specialist", "command", now, None).await.unwrap();
        let fields =
            [("name", "x"), ("days", "9"), ("lang", lang), ("figures:read", "yes"), ("bulk:read", "yes")];
        let made = browser.send("/account/keys", &fields).await;
        assert!(made.body.contains(&words["keys.once"]), "{lang}: {}", made.body);
        let list = browser.get(&format!("/account/keys?lang={lang}&done=many")).await;
        for key in ["keys.title", "keys.state.active", "keys.scope.bulk_read", "keys.done.many", "keys.make"]
        {
            assert!(list.body.contains(&words[key]), "{lang} {key}: {}", list.body);
        }
        for page in [&made, &list] {
            assert_eq!(gaps(&page.body), [""; 0], "{lang}: {}", page.body);
            assert!(!page.body.contains("<script") && page.body.contains("<html lang="));
        }
        seen.insert(lang);
    }
    assert_eq!(seen, BTreeSet::from(["de", "en", "fr", "it"]));
}

/// Words that stand where a text is missing, and placeholders that nobody filled in.
pub(crate) fn gaps(text: &str) -> Vec<String> {
    let keys = [
        "rights.",
        "alerts.",
        "click.",
        "kept.",
        "mail.",
        "signal.",
        "erased.",
        "account.",
        "login.",
        "passkeys.",
        "keys.",
        "trail.",
    ];
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._%{}".contains(c)));
    let is_gap =
        |w: &&str| w.contains("%{") || keys.iter().any(|k| w.contains(k) && w.matches('.').count() >= 1);
    words
        .map(|w| w.trim_end_matches('.'))
        .filter(is_gap)
        .filter(|w| !w.ends_with(".css") && !w.ends_with(".js") && !w.ends_with(".test"))
        .map(str::to_owned)
        .collect()
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn the_pages_and_letters_of_the_rights_speak_every_language_of_every_country(pool: PgPool) {
    for profile in countries() {
        let code = profile.country.to_string();
        let (service, mut post) = crate::persons::with_post(&pool, &code).await;
        for (n, language) in profile.languages.iter().enumerate() {
            let (words, lang) = (locale(&language.code), &language.code);
            let (_, mut inside) = service.somebody(&format!("{code}{n}")).await;
            let mut outside = service.browser();
            let email = format!("{code}{n}@canary.test");
            outside.send("/account/rights/link", &[("email", &email), ("lang", lang)]).await;
            let letter = post.next().await;
            let link = letter.link(&service.origin);
            let open = outside.get(&link).await;
            assert_eq!(
                gaps(&letter.body().replace(&link, "").replace(&service.origin, "")),
                [""; 0],
                "{lang}"
            );
            let paths =
                ["/account/rights", "/account/alerts", "/account/rights/kept", "/account/alerts/stop/a/b"];
            for path in paths {
                for browser in [&mut inside, &mut outside] {
                    browser.language = language.tag.clone();
                    let page = browser.get(&format!("{path}?lang={lang}")).await;
                    assert_eq!(page.status, StatusCode::OK, "{path}");
                    assert!(page.body.contains(&format!("<html lang=\"{}\">", language.tag)), "{path}");
                    assert_eq!(gaps(&page.body), [""; 0], "{lang} {path}: {}", page.body);
                    assert!(!page.body.contains("<script"));
                }
            }
            assert!(open.body.contains(&words["click.open.title"]), "{}", open.body);
            let form = [("token", crate::persons::token(&link))];
            let page = outside.send("/account/rights/open", &[("token", form[0].1.as_str())]).await;
            assert!(page.body.contains(&words["rights.nothing_kept"]), "{lang}: {}", page.body);
            let page = inside.send("/account/rights/restriction", &[("on", "yes")]).await;
            assert!(page.body.contains(&words["rights.is_restricted"]), "{lang}: {}", page.body);
            assert_eq!(gaps(&page.body), [""; 0], "{lang}");
            let page = inside.send("/account/rights/erasure", &[("sure", "yes")]).await;
            assert!(page.body.contains(&words["erased.title"]), "{lang}: {}", page.body);
        }
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn what_is_done_on_a_page_is_answered_in_the_language_that_was_chosen_for_it(pool: PgPool) {
    let (service, _post) = crate::persons::with_post(&pool, "ch").await;
    let (words, german) = (locale("it"), locale("de"));
    let (_, mut browser) = service.somebody("ada").await;
    browser.language = "de-CH".into();
    browser.get("/account/rights?lang=it").await;
    // One after the other: what the first one leads to speaks it too, and what is done there.
    for (path, form, said) in [
        ("/account/rights/restriction", ("on", "yes"), "rights.is_restricted"),
        ("/account/rights/restriction", ("on", "no"), "rights.done.lifted"),
        ("/account/rights/consent", ("", ""), "rights.done.no_consent"),
        ("/account/rights/erasure", ("sure", ""), "rights.done.unsure"),
        ("/account/sessions/others/end", ("", ""), "done.others"),
        ("/account/rights/erasure", ("sure", "yes"), "erased.title"),
    ] {
        let page = browser.send(path, &[form]).await;
        assert!(page.body.contains(&words[said]), "{path}: {}", page.body);
        assert!(page.body.contains("<html lang=\"it-CH\">"), "{path}");
    }
    // Out, with a way back that only the address of the page knows.
    let (_, mut browser) = service.somebody("bob").await;
    browser.language = "de-CH".into();
    browser.get("/account?lang=it").await;
    let page = browser.send("/account/logout", &[]).await;
    assert!(page.body.contains(&words["done.out"]), "{}", page.body);
    // A page that is asked for by its address, and leads to another one.
    let (_, mut auditor, _) = crate::access::with_role(&service, "eve", "auditor").await;
    auditor.language = "de-CH".into();
    assert!(
        auditor.get("/account/audit-trail?lang=it&before=9").await.body.contains("before=9&#38;lang=fr\"")
    );
    sqlx::query("update session set passkey_at = null").execute(&pool).await.unwrap();
    let page = auditor.get("/account/audit-trail?lang=it&before=9").await.body;
    assert!(page.contains(&words["passkeys.wanted"]), "{page}");
    assert!(
        page.contains("return_to=%2Faccount%2Faudit-trail%3Flang%3Dit%26before%3D9&#38;lang=fr\""),
        "{page}"
    );
    // Another site's page chooses nothing.
    let request = crate::browser::client().get(format!("{}/account/rights", service.origin));
    let request =
        request.header("referer", "https://elsewhere.test/?lang=it").header("accept-language", "de-CH");
    let page = request.send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&german["rights.title"]), "{page}");
}
