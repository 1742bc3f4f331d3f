//! Alerts: chosen, confirmed, sent once a crossing, ended by one click. The forecast API is a server of the test that answers
//! in the form of `services/forecast/openapi.json`, which is read here.

use crate::common::{Place, Service, country, root};
use crate::persons::{by_mail, token};
use crate::post::Post;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use identity::{Options, Outcome};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What the forecast API says now.
#[derive(Clone)]
pub(crate) struct Forecasts(Arc<Mutex<Value>>);

impl Forecasts {
    fn say(&self, answer: Value) {
        *self.0.lock().unwrap() = answer;
    }

    /// By horizon: the median, with a band of 4 to each side.
    pub(crate) fn weeks(&self, medians: &[(i64, f64)]) {
        let week = |(h, m): &(i64, f64)| {
            json!({ "horizon": h, "week": "2025-W07", "target_end_date": format!("2025-02-{:02}", 8 + 7 * h),
                    "median": m, "band_50": [m - 2.0, m + 2.0], "band_80": [m - 4.0, m + 4.0], "band_95": [m - 6.0, m + 6.0],
                    "quantiles": [] })
        };
        let weeks: Vec<Value> = medians.iter().map(week).collect();
        let notice =
            json!({ "as_of": "2025-02-05T20:00:00Z", "notice": "Recorded situation of 5 February 2025." });
        self.say(json!({ "status": "estimated", "unit": "persons", "reference_week": "2025-W06",
                         "recorded_situation": notice, "result": { "levels": [], "horizons": weeks } }));
    }

    pub(crate) async fn serve() -> (Self, String) {
        let this = Self(Arc::new(Mutex::new(Value::Null)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .route("/api/forecast/v1/forecasts", axum::routing::get(answer))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (this, origin)
    }
}

async fn answer(State(now): State<Forecasts>, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    if asked["place"] != "US-CA" && asked["place"] != "FR" {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        return (StatusCode::NOT_FOUND, kind, "{}").into_response();
    }
    let mut now = now.0.lock().unwrap();
    if let Some(seconds) = now.get("busy").and_then(Value::as_u64) {
        *now = now["then"].take();
        let kind = [
            (header::CONTENT_TYPE, "application/problem+json".to_owned()),
            (header::RETRY_AFTER, seconds.to_string()),
        ];
        return (StatusCode::TOO_MANY_REQUESTS, kind, "{}").into_response();
    }
    axum::Json(now.clone()).into_response()
}

async fn start(pool: &PgPool, code: &str) -> (Service, Post, Forecasts) {
    let (forecasts, origin) = Forecasts::serve().await;
    forecasts.weeks(&[(0, 10.0)]);
    let post = Post::open();
    let options =
        Options { mail: post.options(), forecast: Some(origin.parse().unwrap()), ..Options::default() };
    let service = Service::with(Place::find().await, pool, country(code), options).await;
    (service, post, forecasts)
}

pub(crate) async fn run(service: &Service) -> Outcome {
    identity::alerts(service.app.clone(), service.options.clone(), service.time.clone()).await.unwrap()
}

const EMAIL: &str = "reader@canary.test";

/// Chooses and confirms.
async fn chosen(service: &Service, post: &mut Post, fields: &[(&str, &str)]) {
    let mut browser = service.browser();
    let page = browser.send("/account/alerts", fields).await;
    assert!(page.url.query().unwrap().contains("done=sent"), "{}", page.url);
    let link = post.next().await.link(&service.origin);
    let page = browser.get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    let page = browser.send("/account/alerts/confirm", &[("token", &token(&link))]).await;
    assert!(page.url.query().unwrap().contains("done=kept"), "{}", page.url);
}

const CHOICE: [(&str, &str); 5] = [
    ("lang", "en"),
    ("email", EMAIL),
    ("signal", "flu_hosp_admissions"),
    ("place", "us-ca"),
    ("threshold", "100"),
];

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_letter_is_sent_once_a_crossing_with_its_bands_and_what_is_not_estimated(pool: PgPool) {
    let (service, mut post, forecasts) = start(&pool, "us").await;
    chosen(&service, &mut post, &CHOICE).await;
    assert_eq!(run(&service).await, Outcome { looked: 1, ..Outcome::default() }, "below");
    forecasts.weeks(&[(0, 90.0), (1, 104.0), (2, 110.0)]);
    assert_eq!(run(&service).await, Outcome { looked: 1, sent: 1, ..Outcome::default() });
    let letter = post.next().await;
    assert_eq!(letter.to, [EMAIL]);
    let text = letter.body();
    assert!(text.contains("reaches your value of 100 persons"), "{text}");
    assert!(text.contains("Recorded situation of 5 February 2025."), "{text}");
    // Each median with its band; the fourth week that the country forecasts is not there.
    for band in [
        "90 persons (80 in 100: 86–94)",
        "104 persons (80 in 100: 100–108) (reached)",
        "3 weeks ahead: not estimated",
    ] {
        assert!(text.contains(band), "{band}: {text}");
    }
    assert_eq!(run(&service).await.sent, 0, "the same crossing");
    // Not estimated is not below: no second letter when the estimate comes back.
    forecasts.say(json!({ "status": "not_estimated", "reason": "stale", "explanation": "too old" }));
    assert_eq!(run(&service).await, Outcome { looked: 1, not_estimated: 1, ..Outcome::default() });
    forecasts.weeks(&[(0, 120.0)]);
    assert_eq!(run(&service).await.sent, 0);
    forecasts.weeks(&[(0, 99.0)]);
    assert_eq!(run(&service).await.sent, 0);
    forecasts.weeks(&[(0, 100.0)]);
    assert_eq!(run(&service).await.sent, 1, "a new crossing");
    post.next().await;
    forecasts.say(json!({ "error": "nonsense" }));
    assert_eq!(run(&service).await.failed, 1);
    assert!(post.is_empty());
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn an_api_that_is_asked_too_often_is_asked_again_when_it_says(pool: PgPool) {
    let (service, mut post, forecasts) = start(&pool, "us").await;
    chosen(&service, &mut post, &CHOICE).await;
    forecasts.weeks(&[(0, 200.0)]);
    let estimate = forecasts.0.lock().unwrap().clone();
    // In longer than a run waits: it is tried again at the next one.
    forecasts.say(json!({ "busy": 60, "then": estimate }));
    assert_eq!(run(&service).await, Outcome { looked: 1, failed: 1, ..Outcome::default() });
    forecasts.say(json!({ "busy": 1, "then": estimate }));
    assert_eq!(run(&service).await, Outcome { looked: 1, sent: 1, ..Outcome::default() });
    post.next().await;
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn one_click_ends_it_from_the_mail_program_and_from_the_page(pool: PgPool) {
    let (service, mut post, forecasts) = start(&pool, "us").await;
    chosen(&service, &mut post, &CHOICE).await;
    forecasts.weeks(&[(0, 200.0)]);
    run(&service).await;
    let letter = post.next().await;
    assert_eq!(letter.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let stop = letter.header("List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    assert!(letter.body().contains(&stop), "the link stands in the text too");
    // Looking at it ends nothing; neither does another word.
    assert_eq!(
        service.browser().get(stop.strip_prefix(&service.origin).unwrap()).await.status,
        StatusCode::OK
    );
    let client: Client = crate::browser::client();
    let click = async |to: String| {
        let click = client.post(to).header("content-type", "application/x-www-form-urlencoded");
        click.body("List-Unsubscribe=One-Click").send().await.unwrap().status()
    };
    let other = format!("{}AAAA", &stop[..stop.len() - 4]);
    let count =
        async || -> i64 { sqlx::query_scalar("select count(*) from alert").fetch_one(&pool).await.unwrap() };
    assert_eq!(click(other).await, StatusCode::OK);
    assert_eq!(count().await, 1);
    // As a mail program does it: no cookie, no word of where from.
    assert_eq!(click(stop.clone()).await, StatusCode::OK, "no redirect");
    assert_eq!(count().await, 0);
    assert_eq!(click(stop).await, StatusCode::OK, "twice is once");
    let given: Vec<bool> =
        sqlx::query_scalar("select given from consent order by id").fetch_all(&pool).await.unwrap();
    assert_eq!(given, [true, false], "with the last alert the consent ends");
    // And from the page, by whoever reads the mail of the address.
    chosen(&service, &mut post, &CHOICE).await;
    let (mut browser, _) = by_mail(&service, &mut post, EMAIL).await;
    let page = browser.get("/account/alerts").await;
    let action = page.body.split("/account/alerts/").nth(1).unwrap().split('"').next().unwrap();
    let (_, mut eve) = service.somebody("eve").await;
    assert_eq!(eve.send(&format!("/account/alerts/{action}"), &[]).await.status, StatusCode::NOT_FOUND);
    browser.send(&format!("/account/alerts/{action}"), &[]).await;
    assert_eq!(count().await, 0);
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn nothing_is_kept_before_the_confirmation_and_the_consent_names_its_text(pool: PgPool) {
    let (service, mut post, _) = start(&pool, "fr").await;
    let mut browser = service.browser();
    let fields = [
        ("lang", "fr"),
        ("email", EMAIL),
        ("signal", "ili_incidence"),
        ("place", "FR"),
        ("threshold", "12,5"),
    ];
    browser.send("/account/alerts", &fields).await;
    let letter = post.next().await;
    let kept: i64 = sqlx::query_scalar("select count(*) from contact").fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 0);
    let page =
        browser.send("/account/alerts/confirm", &[("token", &token(&letter.link(&service.origin)))]).await;
    assert!(page.body.contains("L’alerte est en place"), "{}", page.body);
    let (text, hash, right): (String, Vec<u8>, bool) = sqlx::query_as(
        "select t.text, c.text_hash, c.text_hash = sha256(convert_to(t.text, 'UTF8'))
           from consent c join consent_text t on t.hash = c.text_hash",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(right && hash.len() == 32);
    assert!(letter.body().replace("\r\n", "\n").contains(&text), "the mail showed it: {}", letter.body());
    assert!(browser.get("/account/alerts?lang=fr").await.body.contains(&text), "so did the page");
    for (place, threshold, outcome) in [("FR-XXX", "1", "done=place"), ("FR", "-1", ""), ("FR", "many", "")] {
        let fields = [
            ("lang", "fr"),
            ("email", EMAIL),
            ("signal", "ili_incidence"),
            ("place", place),
            ("threshold", threshold),
        ];
        let page = browser.send("/account/alerts", &fields).await;
        assert!(page.url.query().unwrap_or("").contains(outcome), "{}", page.url);
        assert_eq!(page.status.is_client_error(), outcome.is_empty());
    }
}

#[sqlx::test(migrator = "identity::MIGRATOR")]
async fn a_letter_that_the_mail_server_refuses_is_sent_at_the_next_run(pool: PgPool) {
    let (service, mut post, forecasts) = start(&pool, "us").await;
    chosen(&service, &mut post, &CHOICE).await;
    forecasts.weeks(&[(0, 200.0)]);
    let full = Options { mail: Post::full().options(), ..service.options.clone() };
    let outcome = identity::alerts(service.app.clone(), full, service.time.clone()).await.unwrap();
    assert_eq!((outcome.failed, outcome.sent), (1, 0));
    assert_eq!(run(&service).await.sent, 1);
    post.next().await;
}

#[test]
fn the_forecast_api_says_what_alerts_read() {
    let text = std::fs::read_to_string(root().join("services/forecast/openapi.json")).unwrap();
    let api: Value = serde_json::from_str(&text).unwrap();
    assert!(api["paths"]["/api/forecast/v1/forecasts"]["get"].is_object());
    let text = api["components"]["schemas"].to_string();
    for field in [
        "status",
        "recorded_situation",
        "notice",
        "result",
        "horizons",
        "horizon",
        "week",
        "target_end_date",
        "median",
        "band_80",
        "explanation",
    ] {
        assert!(text.contains(&format!("\"{field}\":{{")), "{field}");
    }
}
