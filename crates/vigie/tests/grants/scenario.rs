//! What each service does at the database, as its role.

use crate::figures::{CLOCK, point, time};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use http_body_util::BodyExt as _;
use kit::{App, Build, Clock};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::types::Json;
use sqlx::{Acquire as _, ConnectOptions as _, PgConnection, PgPool};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::forecasts::{Arrival, NotEstimated, Relation, Results, Run};
use store::loaded::{Check, LoadedFile};
use store::scores::{Due, DueSpread, New, NewSpread};
use store::sources::{Release, Retrieval, SetAside, Source};
use tower::ServiceExt as _;

/// Counts what is done, so that each time there is something new.
static TURN: AtomicI64 = AtomicI64::new(1);

const WHY: &str = "ili_incidence~who-fluid~CH~2025-02-09~20250214T235959Z";

/// What is asked of the services that answer.
fn questions(service: &str) -> Vec<String> {
    let all: &[&str] = match service {
        "web" => &[
            "/fr/",
            "/fr/flu",
            "/fr/flu/CH",
            "/fr/status",
            "/fr/models",
            "/fr/models/vigie-pool-europe",
            "/fr/why/{why}",
            "/fr/feeds/flu.atom",
            "/fr/flu/CH/data.csv",
            "/sitemap.xml",
        ],
        "dataviz" => &[
            "/explore?signal=ili_incidence&place=CH",
            "/explore/data.csv?signal=ili_incidence&place=CH",
            "/explore/chart.svg?signal=ili_incidence&place=CH",
            "/embed/ili_incidence/CH",
        ],
        "data-api" => &[
            "/signals",
            "/places",
            "/sources",
            "/observations?signal=ili_incidence&place=CH",
            "/why/{why}",
            "/bulk",
            "/bulk/ili_incidence.csv.gz",
            "/bulk/ili_incidence/2025-02-14.csv.gz",
            "/observations?signal=ili_incidence&issues=all&place=CH",
            "/observations?signal=ili_incidence&layout=wide",
        ],
        "forecast" => &["/forecasts", "/transmission", "/spread", "/mortality", "/scores", "/models"],
        _ => &[],
    };
    let below = match service {
        "data-api" => "/api/data/v1",
        "forecast" => "/api/forecast/v1",
        _ => "",
    };
    all.iter().map(|path| format!("{below}{}", path.replace("{why}", WHY))).collect()
}

/// One service at work, as its role.
pub(crate) struct Scenario {
    service: &'static str,
    pool: PgPool,
    app: App,
    /// The owner of the tables, for what comes from elsewhere.
    owner: PgConnectOptions,
}

impl Scenario {
    pub(crate) async fn of(
        service: &'static str,
        options: PgConnectOptions,
        owner: PgConnectOptions,
    ) -> Self {
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clusters/ch/profile/profile.toml");
        let profile = Arc::new(kit::config::profile(path).unwrap());
        let clock = Clock::Recorded(time(CLOCK));
        let app = App { db: pool.clone(), profile, clock, public_url: "https://vigie.test".into() };
        Self { service, pool, app, owner }
    }

    /// Does all that the service does, and says what went wrong.
    pub(crate) async fn run(&self) -> Result<(), String> {
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let now = time(CLOCK) + TimeDelta::minutes(turn);
        // Whoever was let in stays: at each turn another one asks.
        self.pool.connect_options().connect().await.map_err(|e| e.to_string())?;
        if !store::schema_is_current(&self.pool).await.map_err(|e| e.to_string())? {
            return Err("the schema is not current".to_owned());
        }
        let mut conn = self.pool.acquire().await.map_err(|e| e.to_string())?;
        match self.service {
            "ingest" => fetch(&mut conn, turn, now).await.map_err(|e| e.to_string())?,
            "forecast" => self.compute(turn, now).await?,
            _ => {}
        }
        drop(conn);
        for path in questions(self.service) {
            self.ask(self.router(), &path).await?;
        }
        if self.service == "forecast" {
            self.ask(forecast::watch::router(self.app.clone()), "/watch").await?;
        }
        Ok(())
    }

    /// Anew each time: what a service remembers of an answer is not what it may read.
    fn router(&self) -> Router {
        let app = self.app.clone();
        match self.service {
            "data-api" => data_api::router(app, 0, Duration::from_secs(20)),
            "dataviz" => dataviz::router(app, "dataviz,web").unwrap(),
            "forecast" => forecast::router(app, Build::default(), 0).unwrap(),
            "web" => web::router(
                app,
                web::Options { apps: vec!["forecast".into(), "web".into()], ..Default::default() },
            )
            .unwrap(),
            other => panic!("{other} answers nobody"),
        }
    }

    async fn ask(&self, router: Router, path: &str) -> Result<(), String> {
        let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status();
        // A table that breaks off says so at its end only.
        let body =
            answer.into_body().collect().await.map_err(|e| format!("{path} breaks off: {e}"))?.to_bytes();
        if status.is_success() {
            return Ok(());
        }
        Err(format!("{path} answers {status}: {}", String::from_utf8_lossy(&body)))
    }

    /// A new figure comes, everything is computed, something has no answer, something is scored.
    async fn compute(&self, turn: i64, now: DateTime<Utc>) -> Result<(), String> {
        let week: NaiveDate = "2025-02-16".parse().unwrap();
        let mut row = point("who-fluid", "CH", week, 30.0 + turn as f64 / 100.0);
        row.key.issued_at = now;
        store::observations::append(&mut self.owner.connect().await.unwrap(), &[row]).await.unwrap();
        let app = App { clock: Clock::Recorded(now), ..self.app.clone() };
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
        let options = forecast::batch::Options { data, threads: 2 };
        let new = forecast::work::once(&app, &options, |_| {}).await.map_err(|e| format!("{e:#}"))?;
        assert_eq!(new, 1, "nothing was computed");
        self.note(turn, now, week).await.map_err(|e| e.to_string())
    }

    async fn note(&self, turn: i64, now: DateTime<Utc>, week: NaiveDate) -> sqlx::Result<()> {
        let mut conn = self.pool.acquire().await?;
        let last = store::forecasts::latest_run(&mut conn, "ili_incidence", now).await?.unwrap();
        let reason =
            NotEstimated { place_id: "CH".into(), question: "spread".into(), reason: "stale".into() };
        let arrival =
            Arrival { place_id: "CH".into(), horizon: 1, state: "quiet".into(), probability: Some(0.5) };
        let relation = Relation {
            place_id: "CH".into(),
            follows: "covid_cases".into(),
            ratio_025: 0.1,
            ratio_50: 0.2,
            ratio_975: 0.3,
            delay: None,
            delay_low: None,
            delay_high: None,
            tried_low: 0.25,
            tried_high: 4.0,
        };
        let results = Results {
            not_estimated: vec![reason],
            arrivals: vec![arrival],
            relations: vec![relation],
            ..Results::default()
        };
        let run = Run { id: format!("{turn:064}"), as_of: now - TimeDelta::days(300), ..last.clone() };
        store::forecasts::put(&mut conn, &run, &results).await?;
        let of = Due {
            run_id: last.id,
            origin: last.as_of,
            created_at: last.created_at,
            place_id: "CH".into(),
            horizon: 1,
            target_end_date: week + Days::new(7),
            quantiles: vec![1.0; 23],
        };
        let spread_of = DueSpread {
            run_id: of.run_id.clone(),
            origin: of.origin,
            created_at: of.created_at,
            place_id: "CH".into(),
            horizon: 1,
            target_end_date: of.target_end_date,
            classes: vec![0.2; 5],
            rises: 0.5,
            arrives: None,
        };
        let truth_issued_at = now + TimeDelta::days(9);
        let spread = NewSpread { of: &spread_of, truth_issued_at, came: None, replayed: false };
        let score = New { of: &of, truth_issued_at: now + TimeDelta::days(9), found: None, replayed: false };
        store::scores::put(&mut conn, "ili_incidence", &[score], &[spread], now + TimeDelta::days(9)).await?;
        Ok(())
    }
}

/// A look at a publisher: its description, its table, rows of it, and another that is refused and then released.
async fn fetch(conn: &mut PgConnection, turn: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    use store::{loaded, observations, places, sources};
    let mut tx = conn.begin().await?;
    sources::take_turn(&mut tx).await?;
    let id = format!("new-{turn}");
    let source = Source {
        id: id.clone(),
        publisher: "publisher".into(),
        title: "title".into(),
        page_url: "https://example.org".into(),
        licence: "CC BY".into(),
        licence_url: "https://example.org".into(),
        credit: "credit".into(),
        cadence: "weekly".into(),
        steps: Vec::new(),
    };
    let retrieval = |id: &str| Retrieval {
        id: id.to_owned(),
        source_id: source.id.clone(),
        url: "https://example.org/x.csv".into(),
        recorded_as: String::new(),
        retrieved_at: now,
        sha256: "a".repeat(64),
        bytes: 1,
        parser: "p 1".into(),
        feed: String::new(),
        headers: Json::default(),
    };
    // Twice: what is known is described anew.
    for _ in 0..2 {
        sources::put(&mut tx, &source).await?;
        sources::put_retrieval(&mut tx, &retrieval(&id)).await?;
    }
    let mut place = places::all(&mut tx).await?.swap_remove(0);
    places::put(&mut tx, &place).await?;
    place.id = format!("XX-{turn}");
    places::put_all(&mut tx, &[place]).await?;
    loaded::put_retrievals(&mut tx, &[retrieval(&format!("{id}-b"))]).await?;
    let aside = SetAside {
        retrieval_id: format!("{id}-b"),
        source_id: id.clone(),
        reason: "no table".into(),
        row_count: 0,
        noticed_at: now,
        whole: true,
    };
    sources::put_quarantine(&mut tx, &aside).await?;
    let release =
        Release { retrieval_id: aside.retrieval_id.clone(), released_at: now, because: "confirmed".into() };
    sources::put_release(&mut tx, &release).await?;
    sources::put_check(&mut tx, &id, now, "new", "").await?;
    let check = Check {
        source: id.clone(),
        at: now + TimeDelta::minutes(1),
        outcome: "failed",
        detail: String::new(),
    };
    loaded::put_checks(&mut tx, &[check]).await?;
    let path = "observations/x.csv.gz";
    loaded::put(&mut tx, &LoadedFile { sha256: &id, scope: "", path, rows: 1 }, now).await?;
    let week = "2025-02-09".parse().unwrap();
    let mut row = point(&id, &format!("XX-{turn}"), week, 1.0);
    observations::append(&mut tx, &[row.clone()]).await?;
    row.value = Some(2.0);
    row.key.issued_at += TimeDelta::days(1);
    observations::append(&mut tx, &[row]).await?;
    // What it asks the database for, before and beside.
    let key = point("who-fluid", "CH", week, 1.0).key;
    observations::issues_of(&mut tx, &key, now).await?;
    observations::revisions(&mut tx, "ili_incidence", "who-fluid", now).await?;
    observations::newest_date(&mut tx, "who-fluid").await?;
    loaded::rows_of(&mut tx, &id, "").await?;
    places::ids(&mut tx).await?;
    sources::check_times(&mut tx).await?;
    sources::last_accepted(&mut tx, &id, "").await?;
    sources::last_check(&mut tx, &id, now).await?;
    sources::reason_released(&mut tx, &id, "no table").await?;
    sources::refused(&mut tx).await?;
    sources::release(&mut tx, &aside.retrieval_id).await?;
    sources::retrieval(&mut tx, &id).await?;
    tx.commit().await
}
