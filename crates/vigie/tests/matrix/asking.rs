//! A country's services over empty databases, asked by people of each role.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use domain::CountryProfile;
use http_body_util::BodyExt as _;
use identity::sessions::Origin;
use kit::access::Policy;
use kit::{App, Build, Clock};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

const ORIGIN: &str = "https://vigie.test";
/// The public half of a passkey that an authenticator in software made for this table; nobody has the other half.
const PASSKEY: &str = r#"{"cred": {"attestation": {"data": "None", "metadata": "None"}, "attestation_format": "none",
    "backup_eligible": false, "backup_state": false, "counter": 1, "cred": {"key": {"EC_EC2": {"curve": "SECP256R1",
    "x": "RDERaOTNG29sCZekwAxy8YoFrXd0JUQCXUC1DtAL7vs", "y": "mXidGZ4bB6AIvMCw1e3P0uF1O27cv0V4f7ZbC_yblfw"}}, "type_": "ES256"},
    "cred_id": "AWa2Qzo9jU_Y139SN2MHIfazAJOtveQK_R2C1hoHSeE", "extensions": {"appid": "NotRequested",
    "cred_props": "Ignored", "cred_protect": "Ignored", "hmac_create_secret": "NotRequested"},
    "registration_policy": "required", "transports": null, "user_verified": true}}"#;

fn clusters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters")
}

/// The countries of the repository, by their codes.
pub(crate) fn countries() -> Vec<String> {
    let folders = std::fs::read_dir(clusters()).unwrap().map(|entry| entry.unwrap().path());
    let with_profile = folders.filter(|path| path.join("profile/profile.toml").is_file());
    let mut codes: Vec<String> =
        with_profile.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    codes.sort();
    codes
}

/// What a country deploys.
pub(crate) fn apps(code: &str) -> Vec<String> {
    let entries = std::fs::read_dir(clusters().join(code).join("apps")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// A second database, the same one at each run: identity's is never the one of the figures.
pub(crate) async fn another_database(beside: &PgPool) -> PgPool {
    let name: String = sqlx::query_scalar("select '_accounts_' || left(md5(current_database()), 16)")
        .fetch_one(beside)
        .await
        .unwrap();
    for statement in [format!("drop database if exists \"{name}\""), format!("create database \"{name}\"")] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(beside).await.unwrap();
    }
    let options: PgConnectOptions = beside.connect_options().as_ref().clone().database(&name);
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    identity::MIGRATOR.run(&pool).await.unwrap();
    pool
}

/// The services of one country.
pub(crate) struct Country {
    routers: BTreeMap<&'static str, Router>,
    roles: Vec<String>,
    profile: Arc<CountryProfile>,
    accounts: PgPool,
}

impl Country {
    pub(crate) async fn of(code: &str, figures: PgPool, accounts: PgPool) -> Self {
        let text = std::fs::read_to_string(clusters().join(code).join("profile/profile.toml")).unwrap();
        let profile = Arc::new(CountryProfile::parse(&text).unwrap());
        let clock = Clock::Recorded("2025-02-05T20:00:00Z".parse().unwrap());
        let app = App { db: figures, profile: Arc::clone(&profile), clock, public_url: ORIGIN.into() };
        let own = App { db: accounts.clone(), ..app.clone() };
        let apps = apps(code);
        let mut routers = BTreeMap::new();
        for service in crate::SERVICES.into_iter().filter(|s| apps.iter().any(|a| a == s)) {
            let app = app.clone();
            let router = match service {
                "data-api" => data_api::router(app, 0, Duration::from_secs(5)),
                "dataviz" => dataviz::router(app, &apps.join(",")).unwrap(),
                "forecast" => forecast::router(app, Build::default(), 0).unwrap(),
                "identity" => {
                    identity::router(own.clone(), identity::Options::default(), identity::Time::default())
                        .unwrap()
                }
                "web" => web::router(app, web::Options { apps: apps.clone(), ..Default::default() }).unwrap(),
                other => panic!("{other} has no router here"),
            };
            routers.insert(service, router);
        }
        let roles = given(&Policy::of_the_platform().unwrap());
        Self { routers, roles, profile, accounts }
    }

    /// Method and path of every route of a service; none where the country does not deploy it.
    pub(crate) fn routes(&self, service: &str) -> Vec<(String, String)> {
        self.routers.get(service).map(crate::routes::of).unwrap_or_default()
    }

    /// `public`, or the roles that are let in, or `session` for whoever is logged in, whatever the role.
    pub(crate) async fn who_may(&self, service: &str, method: &str, path: &str) -> String {
        let mut may = Vec::new();
        for role in std::iter::once(None).chain(self.roles.iter().map(|r| Some(r.as_str()))) {
            // A new session each time: some routes end it.
            let credentials = match role {
                Some(role) => Some(self.credentials(role).await),
                None => None,
            };
            let status = self.ask(service, method, path, credentials.as_ref()).await.0;
            assert!(!status.is_server_error(), "{service}: {method} {path} as {role:?} answers {status}");
            if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                may.push(role);
            }
        }
        let roles: Vec<&str> = may.iter().copied().flatten().collect();
        match (may.first(), roles.len() == self.roles.len()) {
            (Some(None), everybody) => {
                assert!(everybody, "{service}: {method} {path} lets everybody in, but not {:?}", self.roles);
                "public".to_owned()
            }
            (_, true) => "session".to_owned(),
            (None, _) => "nobody".to_owned(),
            _ => roles.join(" "),
        }
    }

    async fn ask(
        &self,
        service: &str,
        method: &str,
        path: &str,
        as_: Option<&Credentials>,
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(concrete(path));
        request = request.header("sec-fetch-site", "same-origin").header(header::ORIGIN, ORIGIN);
        if let Some(Credentials { cookie, token }) = as_ {
            request = request.header(header::COOKIE, cookie);
            // data-api takes keys of programs there (tests/keys.rs), and refuses whatever is none.
            if !token.is_empty() && service != "data-api" {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        let answer = self.routers[service].clone().oneshot(request).await.unwrap();
        let (status, body) = (answer.status(), answer.into_body());
        // A download's body is of no interest, and may be long.
        let body = if path == "/account/token" {
            body.collect().await.unwrap().to_bytes()
        } else {
            Default::default()
        };
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Somebody with a role, logged in, with a token for it. Without the service that makes them, there are none.
    async fn credentials(&self, role: &str) -> Credentials {
        if !self.routers.contains_key("identity") {
            return Credentials::default();
        }
        let (now, mut conn) = (identity::Time::default().now(), self.accounts.acquire().await.unwrap());
        let provider = &self.profile.identity.providers[0].id;
        let subject = format!("{}-{role}", self.profile.country);
        let account =
            identity::accounts::of_subject(&mut conn, provider, "https://issuer.test", &subject, now)
                .await
                .unwrap();
        if !identity::accounts::roles(&mut conn, &account.id, now).await.unwrap().iter().any(|r| r == role) {
            identity::accounts::grant(&mut conn, &account.id, role, "command", now, None).await.unwrap();
        }
        let limits = self.profile.identity.session;
        // As strong as the country asks for, with a passkey used just now: what is refused then is the role's.
        let acr = self.profile.identity.providers[0].acr_values[0].clone();
        let origin = Origin { acr, ..Origin::default() };
        let session = identity::sessions::begin(&mut conn, &account.id, &origin, limits, now).await.unwrap();
        sqlx::query("update session set passkey_at = $2 where account_id = $1")
            .bind(&account.id)
            .bind(now)
            .execute(&mut *conn)
            .await
            .unwrap();
        sqlx::query(
            "insert into passkey (id, account_id, credential_id, credential, counter, name, created_at)
             values ($1, $1, convert_to($1, 'UTF8'), $2::jsonb, 0, 'Desk', $3) on conflict (id) do nothing",
        )
        .bind(&account.id)
        .bind(PASSKEY)
        .bind(now)
        .execute(&mut *conn)
        .await
        .unwrap();
        drop(conn);
        let logged_in =
            Credentials { cookie: format!("__Host-vigie-session={session}"), token: String::new() };
        let (status, body) = self.ask("identity", "POST", "/account/token", Some(&logged_in)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        Credentials { token: body["access_token"].as_str().unwrap().to_owned(), ..logged_in }
    }
}

#[derive(Default)]
struct Credentials {
    cookie: String,
    token: String,
}

/// The roles that somebody can be given.
fn given(policy: &Policy) -> Vec<String> {
    policy.roles().filter(|role| policy.can_be_given(role)).map(str::to_owned).collect()
}

/// A path with something in place of its parameters.
fn concrete(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
