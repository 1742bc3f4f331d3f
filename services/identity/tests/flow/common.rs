//! The service over a database of its own, on a port of its own.

use crate::browser::Browser;
use chrono::TimeDelta;
use domain::CountryProfile;
use identity::sessions::Origin;
use identity::{Options, Registration, Time, accounts};
use kit::{App, Clock};
use reqwest::Method;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The routes of the matrix: method and path.
pub(crate) fn routes() -> Vec<(Method, String)> {
    let matrix = std::fs::read_to_string(root().join("docs/security/access.csv")).unwrap();
    let ours = matrix.lines().filter(|l| l.starts_with("identity,"));
    let cells = ours.map(|l| l.split(',').collect::<Vec<_>>());
    let found: Vec<_> = cells.map(|c| (c[1].parse().unwrap(), c[2].to_owned())).collect();
    assert!(found.len() > 45, "{}", found.len());
    found
}

/// The profiles of every country in the repository.
pub(crate) fn countries() -> Vec<CountryProfile> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("clusters")).unwrap() {
        if let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("profile/profile.toml")) {
            found.push(CountryProfile::parse(&text).unwrap());
        }
    }
    assert!(found.len() >= 3);
    found
}

pub(crate) fn country(code: &str) -> CountryProfile {
    countries().into_iter().find(|p| p.country.to_string() == code).unwrap()
}

/// A place for the service, known before it runs: providers are told of it.
pub(crate) struct Place {
    listener: TcpListener,
    pub(crate) origin: String,
}

impl Place {
    pub(crate) async fn find() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, origin }
    }

    /// One whose origin has a name, as passkeys want it.
    pub(crate) async fn named() -> Self {
        let place = Self::find().await;
        Self { origin: place.origin.replace("127.0.0.1", "localhost"), ..place }
    }
}

/// The running service: as the two roles that it has at a server, the audit's among them.
pub(crate) struct Service {
    pub(crate) origin: String,
    /// Of the owner of the tables: what is prepared and looked at.
    pub(crate) pool: PgPool,
    pub(crate) profile: Arc<CountryProfile>,
    pub(crate) time: Time,
    pub(crate) app: App,
    pub(crate) options: Options,
}

impl Service {
    pub(crate) async fn start(
        place: Place,
        pool: &PgPool,
        profile: CountryProfile,
        registrations: BTreeMap<String, Registration>,
    ) -> Self {
        Self::with(place, pool, profile, Options { registrations, ..Options::default() }).await
    }

    /// `pool`: of the owner of the tables.
    pub(crate) async fn with(place: Place, pool: &PgPool, profile: CountryProfile, options: Options) -> Self {
        let (db, trail) = crate::roles::given(pool).await;
        let options = Options { audit: Some(trail), ..options };
        let profile = Arc::new(profile);
        let clock = Clock::Recorded("2025-02-05T20:00:00Z".parse().unwrap());
        let public_url = place.origin.as_str().into();
        let app = App { db, profile: Arc::clone(&profile), clock, public_url };
        let time = Time::default();
        let router = identity::router(app.clone(), options.clone(), time.clone()).unwrap();
        let service = kit::server::layers(router).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(place.listener, service).await });
        Self { origin: place.origin, pool: pool.clone(), profile, time, app, options }
    }

    /// A service of a country that is registered nowhere.
    pub(crate) async fn alone(pool: &PgPool, code: &str) -> Self {
        Self::start(Place::find().await, pool, country(code), BTreeMap::new()).await
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.origin)
    }

    /// Somebody with an account, logged in by a session that was made beside any provider.
    pub(crate) async fn somebody(&self, subject: &str) -> (String, Browser) {
        let mut conn = self.pool.acquire().await.unwrap();
        let (provider, now) = (&self.profile.identity.providers[0].id, self.time.now());
        let account =
            accounts::of_subject(&mut conn, provider, "https://issuer.test", subject, now).await.unwrap();
        (account.id.clone(), self.logged_in(&account.id).await)
    }

    /// One more browser in which an account is logged in.
    pub(crate) async fn logged_in(&self, account: &str) -> Browser {
        let mut conn = self.pool.acquire().await.unwrap();
        let limits = self.profile.identity.session;
        let acr = self.profile.identity.providers[0].acr_values[0].clone();
        let origin = Origin { acr, ..Origin::default() };
        let token =
            identity::sessions::begin(&mut conn, account, &origin, limits, self.time.now()).await.unwrap();
        self.browser().with("__Host-vigie-session", &token)
    }

    /// As if a passkey had just been used in every session of an account.
    pub(crate) async fn confirmed(&self, account: &str) {
        sqlx::query("update session set passkey_at = $2 where account_id = $1")
            .bind(account)
            .bind(self.time.now())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    pub(crate) fn pass(&self, by: TimeDelta) {
        self.time.pass(by);
    }

    pub(crate) async fn living_sessions(&self) -> i64 {
        sqlx::query_scalar("select count(*) from session where ended_at is null")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

/// Until somebody at this database waits for a lock of somebody else, or `done`.
pub(crate) async fn somebody_waits(pool: &PgPool, done: impl Fn() -> bool) {
    let waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    for _ in 0..50_000 {
        if done() || sqlx::query_scalar::<_, bool>(waiting).fetch_one(pool).await.unwrap() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nobody waits, and it is not done");
}

/// The registrations of a file as the operator writes it.
pub(crate) fn registrations(text: &str) -> BTreeMap<String, Registration> {
    toml::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}
