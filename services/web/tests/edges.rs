//! Addresses, languages, failures, feeds, and what a country does not have.

mod common;

use axum::body::Body;
use axum::http::Request;
use common::{CLOCK, Site, country, site, time};
use kit::Clock;
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_path_without_a_language_goes_to_the_readers(pool: PgPool) {
    let site = Site::of(&pool, country("ch")).await;
    for (accept, home) in [
        ("it-CH,it;q=0.9", "/it/"),
        ("en;q=1, fr-CH;q=0.8, de;q=0.2", "/fr/"),
        ("fr;q=0, de;q=0.1", "/de/"),
        ("ja", "/de/"),
        ("", "/de/"),
    ] {
        let answer = site.get_with("/", "accept-language", accept).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, home), "{accept}");
        assert_eq!(answer.header("vary"), "accept-language");
    }
    let deep = site.get_with("/flu/CH?range=all", "accept-language", "fr").await;
    assert_eq!(deep.header("location"), "/fr/flu/CH?range=all");
    assert_eq!(site.get("/nothing/here").await.status, 404);
    assert_eq!(site.get("/fr//flu").await.status, 404);
    let slash = site.get("/fr/flu/").await;
    assert_eq!((slash.status.as_u16(), slash.header("location")), (308, "/fr/flu"));
    let home = site.get("/fr?as_of=2025-01-31").await;
    assert_eq!(
        (home.status.as_u16(), home.header("location")),
        (308, "/fr/?as_of=2025-01-31"),
        "one address"
    );
    assert_eq!(site.get("/fr/").await.status, 200);
    assert_eq!(site.get("//evil.example/").await.status, 404, "never a redirect to another host");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn failures_are_pages_in_the_readers_language_or_problems_for_programs(pool: PgPool) {
    let site = Site::of(&pool, country("ch")).await;
    for (path, title) in [
        ("/de/gibt/es/nicht/hier", "Diese Seite gibt es nicht"),
        ("/fr/flu/CH-XX", "Cette page n’existe pas"),
        ("/it/flu/CH?as_of=mai", "Questo indirizzo non si può leggere"),
    ] {
        let answer = site.get(path).await;
        assert!(answer.status.is_client_error() && answer.body.contains(title), "{path}: {}", answer.body);
        assert!(answer.body.contains("role=\"note\""), "even a failure carries the notice");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(
            !answer.body.contains("rel=\"alternate\""),
            "{path}: it is the same page in no other language"
        );
    }
    let nowhere = site.get("/de/gibt/es/nicht/hier").await;
    assert!(!nowhere.body.contains("/fr/gibt"), "links to other languages lead to what is there");
    let json = site.get_with("/de/flu/CH-XX", "accept", "application/json").await;
    assert_eq!(json.header("content-type"), "application/problem+json");
    assert!(json.body.contains("\"code\":\"not_found\""), "{}", json.body);
    let post = site.ask(Request::post("/de/flu").body(Body::empty()).unwrap()).await;
    assert_eq!(post.status, 405);
    assert!(post.body.contains("kann nur gelesen werden"), "{}", post.body);
    let broken = site.get("/de/flu/%FF").await;
    assert!(
        broken.status.is_client_error() && broken.body.contains("<html lang=\"de-CH\">"),
        "{}",
        broken.status
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_database_that_is_gone_is_our_fault_and_says_so(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    pool.close().await;
    let answer = site.get("/flu/US").await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("Something went wrong here"), "{}", answer.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_country_does_not_have_is_mentioned_nowhere(pool: PgPool) {
    let bare = Site::of(&pool, country("us")).await;
    for path in ["/", "/flu", "/flu/US", "/models", "/legal", "/sitemap.xml", "/robots.txt"] {
        let body = bare.get(path).await.body;
        for absent in ["/explore", "/embed", "/api/data", "/account"] {
            assert!(!body.contains(absent), "{path} mentions {absent}");
        }
    }
    for absent in ["/explore", "/embed/x", "/api/data/v1/signals", "/account", "/oidc/login", "/styleguide"] {
        assert_eq!(bare.get(absent).await.status, 404, "{absent}");
    }
    let full = site(&pool, country("us"), Clock::Recorded(time(CLOCK)), "web,dataviz,data-api");
    let body = full.get("/flu").await.body;
    assert!(body.contains("/explore") && body.contains("/api/data/v1/docs"), "{body}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_security_contact_is_never_invented(pool: PgPool) {
    let unset = Site::of(&pool, country("us")).await.get("/.well-known/security.txt").await;
    assert_eq!(unset.status, 200);
    let said = "# The operator of this installation has not named a security contact yet.\nContact: https://vigie.test/legal\n";
    assert!(unset.body.starts_with(said), "{}", unset.body);
    let mut profile = country("us");
    profile.legal.insert("security_contact".into(), "security@operator.test".into());
    let set = site(&pool, profile, Clock::Real, "").get("/.well-known/security.txt").await;
    assert!(set.body.starts_with("Contact: mailto:security@operator.test\nExpires: 2"), "{}", set.body);
    assert!(set.header("content-type").starts_with("text/plain"));
    // RFC 9116: each once, an end that lies ahead and within a year, https.
    for file in [&unset.body, &set.body] {
        let values = |name: &str| {
            file.lines().filter_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).collect::<Vec<_>>()
        };
        let [expires] = values("Expires")[..] else { panic!("one Expires: {file}") };
        let left = expires.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - kit::wall();
        assert!((30..366).contains(&left.num_days()), "{expires}");
        assert_eq!((values("Preferred-Languages").len(), values("Contact").len()), (1, 1), "{file}");
        assert_eq!(values("Canonical"), ["https://vigie.test/.well-known/security.txt"]);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn legal_fields_that_nobody_filled_in_say_so(pool: PgPool) {
    let site = Site::of(&pool, country("fr")).await;
    for path in ["/legal", "/privacy", "/accessibility"] {
        assert!(site.get(path).await.body.contains("à compléter par l’exploitant"), "{path}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_feed_has_an_entry_for_each_week_with_its_own_sentence(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let feed = site.get("/feeds/flu.atom").await;
    assert!(feed.header("content-type").starts_with("application/atom+xml"));
    assert_eq!(feed.body.matches("<entry>").count(), 26);
    assert!(
        feed.body.contains("In week 5 of 2025") && feed.body.contains("In week 4 of 2025"),
        "{}",
        feed.body
    );
    assert!(feed.body.contains("This is the recorded situation"), "{}", feed.body);
    assert_eq!(site.get("/feeds/plague.atom").await.status, 404);
    assert_eq!(site.get("/feeds/flu.rss").await.status, 404);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn files_are_named_by_their_hash_and_pages_are_sent_once(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let page = site.get("/").await;
    let style = page.body.split("href=\"/static/").nth(1).unwrap().split('"').next().unwrap();
    let file = site.get(&format!("/static/{style}")).await;
    assert!(file.status.is_success() && file.header("cache-control").contains("immutable"));
    assert_eq!(site.get("/static/other.css").await.status, 404);
    let again = site.get_with("/", "if-none-match", page.header("etag")).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn with_the_real_clock_nothing_is_called_recorded(pool: PgPool) {
    common::fill(&pool, &country("us")).await;
    let site = site(&pool, country("us"), Clock::Real, "");
    let page = site.get("/").await.body;
    assert!(!page.contains("recorded situation"), "{page}");
    assert!(page.contains("It is not operated or endorsed by WHO"), "{page}");
}
