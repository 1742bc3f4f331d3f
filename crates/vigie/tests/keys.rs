//! API keys across the two services that they concern: `identity` makes and ends them, `data-api` asks about each.
#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::CountryProfile;
use http_body_util::BodyExt as _;
use identity::keys::New;
use identity::sessions::Origin;
use identity::{Options, Time, accounts};
use kit::keys::{Asker, ServiceKey, format};
use kit::{App, Clock};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower::ServiceExt as _;

fn clusters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters")
}

fn profile(code: &str) -> CountryProfile {
    let text = std::fs::read_to_string(clusters().join(code).join("profile/profile.toml")).unwrap();
    CountryProfile::parse(&text).unwrap()
}

/// The database of the accounts, beside that of the figures.
async fn accounts_beside(figures: &PgPool) -> PgPool {
    let name: String = sqlx::query_scalar("select '_keys_' || left(md5(current_database()), 16)")
        .fetch_one(figures)
        .await
        .unwrap();
    for statement in
        [format!("drop database if exists \"{name}\" with (force)"), format!("create database \"{name}\"")]
    {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(figures).await.unwrap();
    }
    let options: PgConnectOptions = figures.connect_options().as_ref().clone().database(&name);
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    identity::MIGRATOR.run(&pool).await.unwrap();
    pool
}

/// Both services; the accounts' database; the origin of `identity`.
async fn both(figures: PgPool) -> (Router, PgPool, String, Arc<CountryProfile>) {
    let people = accounts_beside(&figures).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let profile = Arc::new(profile("us"));
    let clock = Clock::Recorded("2025-02-05T20:00:00Z".parse().unwrap());
    let app = App { db: figures, profile: Arc::clone(&profile), clock, public_url: origin.as_str().into() };
    let key = ServiceKey::read(&ServiceKey::make().unwrap()).unwrap();
    let options = Options { data_api_key: Some(key.public()), ..Options::default() };
    let own = App { db: people.clone(), ..app.clone() };
    let identity = kit::server::layers(identity::router(own, options, Time::default()).unwrap());
    let service = identity.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let asker = Asker::new(&origin, key, "data-api", &origin, "us").unwrap();
    let data_api = data_api::router_with_keys(app, 6, data_api::PATIENCE, Some(Arc::new(asker)));
    (kit::server::layers(data_api), people, origin, profile)
}

async fn with_key(router: &Router, key: &str) -> (StatusCode, String) {
    let request = Request::get("/api/data/v1/places").header("authorization", format!("Bearer {key}"));
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let policy = answer.headers().get("ratelimit-policy").map_or("", |v| v.to_str().unwrap()).to_owned();
    (answer.status(), policy)
}

/// Sends a form as somebody who is logged in.
async fn form(origin: &str, session: &str, path: &str, body: &str) -> (StatusCode, String) {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build::<_, Body>(hyper_util::client::legacy::connect::HttpConnector::new());
    let request = Request::post(format!("{origin}{path}"))
        .header("origin", origin)
        .header("cookie", format!("__Host-vigie-session={session}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let (status, body) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_made_on_the_page_opens_the_api_until_the_click_that_revokes_it(figures: PgPool) {
    let (data_api, people, origin, profile) = both(figures).await;
    let (now, mut conn) = (Time::default().now(), people.acquire().await.unwrap());
    let account =
        accounts::of_subject(&mut conn, "login-gov", "https://issuer.test", "ada", now).await.unwrap();
    accounts::grant(&mut conn, &account.id, "specialist", "command", now, None).await.unwrap();
    let limits = profile.identity.session;
    let session =
        identity::sessions::begin(&mut conn, &account.id, &Origin::default(), limits, now).await.unwrap();
    let (status, page) =
        form(&origin, &session, "/account/keys", "name=batch&days=7&figures%3Aread=yes").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let key = format::found_in(&page).next().unwrap().to_owned();
    let settings = profile.identity.keys.as_ref().unwrap();
    let limits = (settings.per_minute, settings.owner_per_minute);
    let per_key = format!("\"key\";q={};w=60, \"owner\";q={};w=60", limits.0, limits.1);
    // More often than a network may, which pays for what is refused only.
    for _ in 0..7 {
        assert_eq!(with_key(&data_api, &key).await, (StatusCode::OK, per_key.clone()));
    }
    let id: String = sqlx::query_scalar("select id from api_key").fetch_one(&people).await.unwrap();
    let (status, page) = form(&origin, &session, &format!("/account/keys/{id}/rotate"), "").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let next = format::found_in(&page).next().unwrap().to_owned();
    for key in [&key, &next] {
        assert_eq!(with_key(&data_api, key).await.0, StatusCode::OK);
    }
    let (status, _) = form(&origin, &session, &format!("/account/keys/{id}/revoke"), "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(with_key(&data_api, &key).await.0, StatusCode::UNAUTHORIZED, "at the next request");
    assert_eq!(with_key(&data_api, &next).await.0, StatusCode::OK);
    // A disabled account has no key any more, as it has no session.
    let expires_at = now + chrono::TimeDelta::days(1);
    let scopes = ["figures:read".to_owned()];
    let new = New { country: "us", name: "x", scopes: &scopes, expires_at };
    let mut tx = people.begin().await.unwrap();
    let (_, third) = identity::keys::create((&mut tx, None), &account, &new, 20, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(with_key(&data_api, &third).await.0, StatusCode::OK);
    assert!(accounts::disable(&mut conn, &account.id, now).await.unwrap());
    for key in [&next, &third] {
        assert_eq!(with_key(&data_api, key).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[test]
fn keys_are_there_where_a_service_takes_them_and_nowhere_else() {
    let mut seen = 0;
    for entry in std::fs::read_dir(clusters()).unwrap() {
        let path = entry.unwrap().path();
        if path.join("profile/profile.toml").is_file() {
            let code = path.file_name().unwrap().to_str().unwrap().to_owned();
            let takes = path.join("apps/data-api").is_dir();
            assert_eq!(profile(&code).identity.keys.is_some(), takes, "{code}");
            seen += 1;
        }
    }
    assert!(seen >= 3);
}
