//! Against a real provider: the ways in and out, for every provider of every country.

use crate::common::{Place, Service, countries, country};
use crate::node::Node;
use chrono::TimeDelta;
use domain::profile::identity::Refused;
use reqwest::StatusCode;
use sqlx::PgPool;

/// The service of a country with its real providers.
async fn with_node(pool: &PgPool, code: &str) -> Option<(Service, Node)> {
    let (place, profile) = (Place::find().await, country(code));
    let node = Node::start(&place.origin, &profile.identity.providers)?;
    let service = Service::start(place, pool, profile, node.registrations.clone()).await;
    Some((service, node))
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn somebody_logs_in_and_out_with_every_provider_of_every_country(pool: PgPool) {
    let mut providers = 0;
    for profile in countries() {
        let code = profile.country.to_string();
        let Some((service, _node)) = with_node(&pool, &code).await else { return };
        for provider in &profile.identity.providers {
            let (id, mut browser) = (&provider.id, service.browser());
            // All that it takes, and nothing that it would refuse: the provider does, as the country's does.
            let to = browser.get_once(&format!("/account/login/{id}")).await.header("location").to_owned();
            for (refused, name) in [(Refused::Pkce, "code_challenge"), (Refused::UiLocales, "ui_locales")] {
                assert_ne!(to.contains(&format!("&{name}=")), provider.refuses.contains(&refused), "{to}");
            }
            if !provider.refuses.is_empty() {
                let page = browser.get(&format!("{to}&ui_locales=fr")).await;
                assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
                assert!(page.body.contains("not taken here: ui_locales"), "{}", page.body);
            }
            let page = browser.log_in(id, "alice", "/account").await;
            assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/account"), "{id}: {}", page.body);
            assert!(page.body.contains("Your sessions") || code != "us", "{}", page.body);
            assert!(page.body.contains(&provider.name), "{id}");
            assert_eq!(page.header("cache-control"), "no-store");
            let cookie = browser.set.iter().find(|c| c.starts_with("__Host-vigie-session=")).unwrap();
            for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
            assert_eq!(service.living_sessions().await, 1);

            // Out: the session ends here, then the browser is at the provider, which asks, and comes back.
            let page = browser.send("/account/logout", &[]).await;
            assert_eq!(service.living_sessions().await, 0, "{id}");
            assert!(page.body.contains("Log out here too"), "{id}: {}", page.body);
            let field = |name: &str| {
                let rest = page.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
                rest.split('"').next().unwrap().to_owned()
            };
            let xsrf = field("xsrf");
            let page = browser
                .send_from(&page.url, "/session/end/confirm", &[("xsrf", &xsrf), ("logout", "yes")])
                .await;
            assert_eq!(page.url.path(), "/account/goodbye", "{id}: {}", page.body);
            assert_eq!(page.status, StatusCode::OK);
            assert!(browser.session().is_none());
            providers += 1;
        }
    }
    assert!(providers >= 4, "{providers}");
    // One account an issuer; nothing of the person but what the issuer calls them.
    let accounts: i64 = sqlx::query_scalar("select count(*) from account").fetch_one(&pool).await.unwrap();
    assert_eq!(accounts, providers);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn somebody_who_proves_too_little_or_goes_back_is_not_let_in(pool: PgPool) {
    let Some((service, _node)) = with_node(&pool, "us").await else { return };
    let mut browser = service.browser();
    let page = browser.log_in("login-gov", "bob", "/account").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    assert!(page.body.contains("less strongly than this site asks for"), "{}", page.body);

    // The link of that page asks the provider to look again, and there one may go back.
    let again = page.body.split("href=\"/account/login/").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&format!("/account/login/{}", again.replace("&#38;", "&"))).await;
    let page = browser.send_from(&page.url, page.url.path(), &[("cancel", "1")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("cancelled at Login.gov"), "{}", page.body);
    assert_eq!(service.living_sessions().await, 0);
    let accounts: i64 = sqlx::query_scalar("select count(*) from account").fetch_one(&pool).await.unwrap();
    assert_eq!(accounts, 0, "a login that fails makes no account");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_new_key_of_the_provider_is_fetched_when_it_is_met(pool: PgPool) {
    let Some((service, node)) = with_node(&pool, "ch").await else { return };
    let mut browser = service.browser();
    assert_eq!(browser.log_in("agov", "alice", "/account").await.status, StatusCode::OK);
    node.rotate().await;
    service.pass(TimeDelta::seconds(11));
    let mut other = service.browser();
    let page = other.log_in("agov", "carol", "/account").await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/account"), "{}", page.body);
    assert!(other.session().is_some());
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_logout_at_the_provider_ends_the_session_here(pool: PgPool) {
    let Some((service, node)) = with_node(&pool, "fr").await else { return };
    let mut browser = service.browser();
    browser.log_in("pro-connect", "alice", "/account").await;
    let mut other = service.browser();
    other.log_in("pro-connect", "carol", "/account").await;
    assert_eq!(service.living_sessions().await, 2);
    // Straight at the provider, as another site's logout would: with the ID token that it wants to see.
    let hint: String = sqlx::query_scalar(
        "select logout_hint from session s join account a on a.id = s.account_id where a.subject = 'alice'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let issuer: url::Url = node.registrations["pro-connect"].issuer.as_ref().unwrap().parse().unwrap();
    let page =
        browser.get(issuer.join(&format!("/session/end?id_token_hint={hint}")).unwrap().as_str()).await;
    let xsrf =
        page.body.split("name=\"xsrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.send_from(&page.url, "/session/end/confirm", &[("xsrf", &xsrf), ("logout", "yes")]).await;
    assert_eq!(service.living_sessions().await, 1, "{}", node.said.lock().unwrap());
    let page = browser.get("/account").await;
    assert!(
        page.body.contains("Se connecter avec"),
        "the browser's token opens nothing any more: {}",
        page.body
    );
    assert!(other.get("/account").await.body.contains("Vos sessions"), "carol's session goes on");
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_second_login_replaces_the_first_ones_token_and_an_answer_is_good_once(pool: PgPool) {
    let Some((service, _node)) = with_node(&pool, "ch").await else { return };
    let mut browser = service.browser();
    browser.log_in("agov", "alice", "/account").await;
    let first = browser.session().unwrap().clone();
    // The provider still knows alice: it sends her straight back.
    let page = browser.get("/account/login/agov").await;
    assert_eq!(page.url.path(), "/account", "{}", page.body);
    assert_ne!(*browser.session().unwrap(), first);
    assert_eq!(service.living_sessions().await, 1);
    // The answer of a login is caught on its way and given to somebody else's browser, then twice to the right one.
    let to_provider = browser.get_once("/account/login/agov").await;
    let answer = browser.get_once(to_provider.header("location")).await.header("location").to_owned();
    assert!(answer.contains("/oidc/callback/agov?code="), "{answer}");
    let mut other = service.browser();
    let page = other.get(&answer).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    assert!(other.session().is_none());
    assert_eq!(browser.get(&answer).await.url.path(), "/account");
    assert_eq!(browser.get(&answer).await.status, StatusCode::BAD_REQUEST);
}
