//! The drill: a broken vintage is noticed, a refused one closes what is said of now, and both end by themselves or by an operator.

use crate::common::{CLOCK, computed, date, get, point, recorded, seeded, time};
use axum::body::Body;
use axum::http::Request;
use chrono::Days;
use forecast::watch::{self, Alarm};
use http_body_util::BodyExt as _;
use kit::App;
use sqlx::PgPool;
use tower::ServiceExt as _;

async fn alarms(app: &App) -> Vec<Alarm> {
    watch::read(app).await.unwrap().into_iter().find(|w| w.signal == "ili_incidence").unwrap().alarms
}

async fn page(app: &App, path: &str) -> String {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = watch::router(app.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_vintage_that_rewrites_the_past_is_noticed_and_its_correction_too(pool: PgPool) {
    seeded(&pool).await;
    let app = recorded(&pool, CLOCK);
    computed(&app).await;
    assert_eq!(alarms(&app).await, []);
    assert!(page(&app, "/watch").await.contains("No alarm"));
    // The next issue halves eight weeks: a unit that was changed, a file of another country.
    let newest = date("2025-02-16");
    let rewritten = |issued: &str, value: f64| {
        let cells = (0..8).map(|back| {
            point("ili_incidence", "who-fluid", "CH", newest - Days::new(7 * back), issued, value)
        });
        cells.collect::<Vec<_>>()
    };
    let mut conn = pool.acquire().await.unwrap();
    store::observations::append(&mut conn, &rewritten("2025-02-25T08:00:00Z", 20.0)).await.unwrap();
    let broken = recorded(&pool, "2025-02-25T12:00:00Z");
    let raised = alarms(&broken).await;
    assert!(raised.contains(&Alarm::RevisionLarge), "{raised:?}");
    assert!(raised.contains(&Alarm::RunBehind), "nobody has computed since: {raised:?}");
    computed(&broken).await;
    assert!(!alarms(&broken).await.contains(&Alarm::RunBehind));
    let said = page(&broken, "/watch").await;
    assert!(said.contains("revision_large") && said.contains("ask the publisher"), "{said}");
    let json: serde_json::Value = serde_json::from_str(&page(&broken, "/watch.json").await).unwrap();
    assert_eq!(json[0]["alarms"][0], "revision_large");
    // Another week, without another surprise.
    let week = point("ili_incidence", "who-fluid", "CH", newest + Days::new(7), "2025-02-28T12:00:00Z", 21.0);
    store::observations::append(&mut conn, &[week]).await.unwrap();
    let quiet = recorded(&pool, "2025-02-28T23:59:59Z");
    computed(&quiet).await;
    assert!(!alarms(&quiet).await.contains(&Alarm::RevisionLarge));
}

/// A look at a publisher: a payload of a table, and the reason why it was refused, if it was.
async fn payload(pool: &PgPool, id: &str, feed: &str, at: &str, refused: Option<&str>) {
    let retrieval =
        "insert into retrieval (id, source_id, url, recorded_as, retrieved_at, sha256, bytes, parser, feed)
                     values ($1, 'who-fluid', 'https://example.org', '', $2, repeat('b', 64), 1, 'p 1', $3)";
    sqlx::query(retrieval).bind(id).bind(time(at)).bind(feed).execute(pool).await.unwrap();
    if let Some(reason) = refused {
        let set_aside = store::sources::SetAside {
            source_id: "who-fluid".to_owned(),
            retrieval_id: id.to_owned(),
            reason: reason.to_owned(),
            row_count: 10,
            noticed_at: time(at),
            whole: true,
        };
        store::sources::put_quarantine(&mut pool.acquire().await.unwrap(), &set_aside).await.unwrap();
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_refused_table_closes_what_is_said_of_now_until_it_is_released_or_replaced(pool: PgPool) {
    seeded(&pool).await;
    computed(&recorded(&pool, CLOCK)).await;
    let asked = async |clock: &str| {
        let app = recorded(&pool, clock);
        let mut reasons = Vec::new();
        for question in ["forecasts", "transmission", "spread", "spread?place=CH"] {
            reasons.push(get(&app, question).await.json()["reason"].clone());
        }
        let first = reasons[0].clone();
        assert!(reasons.iter().all(|reason| *reason == first), "{reasons:?}");
        let refused = alarms(&app).await.contains(&Alarm::InputRefused);
        assert_eq!(refused, first == "quarantined", "{clock}");
        first
    };
    payload(&pool, "one", "VIW_FID", "2025-02-22T06:00:00Z", Some("half of the rows are gone")).await;
    assert_eq!(asked("2025-02-22T05:00:00Z").await, serde_json::Value::Null);
    assert_eq!(asked("2025-02-22T07:00:00Z").await, "quarantined");
    // An operator looks at it.
    let release = store::sources::Release {
        retrieval_id: "one".to_owned(),
        released_at: time("2025-02-22T09:00:00Z"),
        because: "the publisher confirms".to_owned(),
    };
    store::sources::put_release(&mut pool.acquire().await.unwrap(), &release).await.unwrap();
    assert_eq!(asked("2025-02-22T10:00:00Z").await, serde_json::Value::Null);
    assert_eq!(asked("2025-02-22T08:00:00Z").await, "quarantined", "it was closed then");
    // The next one is broken as well, and the one after it is not.
    payload(&pool, "two", "VIW_FID", "2025-02-23T06:00:00Z", Some("all of one place")).await;
    assert_eq!(asked("2025-02-23T07:00:00Z").await, "quarantined");
    payload(&pool, "three", "VIW_FID", "2025-02-24T06:00:00Z", None).await;
    assert_eq!(asked("2025-02-24T07:00:00Z").await, serde_json::Value::Null);
}
