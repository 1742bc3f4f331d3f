//! A figure that two sources publish, and places below the states.

use crate::common::{get, point, seeded, time};
use domain::ObservationKey;
use kit::App;
use sqlx::PgPool;
use store::observations::NewPoint;

/// The seeded country with NHSN beside FluSight, and a county.
async fn country(pool: PgPool) -> App {
    let app = seeded(pool).await;
    let mut conn = app.db.acquire().await.unwrap();
    for sql in [
        "insert into source select id, 'CDC', id, 'https://example.org/p', 'Public domain', 'https://example.org/l', 'CDC', 'weekly'
            from unnest(array['cdc-nhsn', 'cdc-nssp']) id",
        "insert into retrieval select id, id, 'https://example.org/x', 'x', '2025-01-15T17:00:00Z', repeat('c', 64), 1, 'p 1'
            from unnest(array['cdc-nhsn', 'cdc-nssp']) id",
        "insert into place values ('US:06037', 'county', 'US-CA', 10039107, '{\"en\": \"Los Angeles County, California\"}')",
    ] {
        sqlx::query(sql).execute(&mut *conn).await.unwrap();
    }
    let of = |signal: &str, source: &str, place: &str, value: f64| {
        let one = point(place, "2025-01-11", "2025-01-15T17:00:00Z", Ok(value), source);
        let key =
            ObservationKey { signal: signal.parse().unwrap(), source: source.parse().unwrap(), ..one.key };
        NewPoint { key, ..one }
    };
    let points = [
        of("flu_hosp_admissions", "cdc-nhsn", "US", 27_990.0),
        of("flu_ed_visits_percent", "cdc-nssp", "US:06037", 1.25),
        of("flu_ed_visits_percent", "cdc-nssp", "US-CA", 1.5),
    ];
    store::observations::append(&mut conn, &points).await.unwrap();
    drop(conn);
    app
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_figure_that_two_publish_comes_from_one_unless_the_other_is_named(pool: PgPool) {
    let app = country(pool).await;
    let path = "observations?signal=flu_hosp_admissions&place=US&from=2025-01-11&to=2025-01-11";
    let of = |answer: &serde_json::Value| {
        let rows = answer["data"].as_array().unwrap();
        rows.iter().map(|r| (r["source"].clone(), r["value"].clone())).collect::<Vec<_>>()
    };
    let usual = get(&app, path).await.json();
    assert_eq!(of(&usual), [("cdc-flusight".into(), 28_000.5.into())]);
    let same = get(&app, &format!("{path}&source=cdc-flusight")).await.json();
    assert_eq!(of(&same), of(&usual));
    let other = get(&app, &format!("{path}&source=cdc-nhsn")).await;
    assert_eq!(of(&other.json()), [("cdc-nhsn".into(), 27_990.into())]);
    let id = other.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let why = get(&app, &format!("why/{id}")).await.json();
    assert_eq!(why["value"]["source"], "cdc-nhsn", "{why}");
    for (source, status) in [("cdc-nssp", 409), ("nobody", 409)] {
        let answer = get(&app, &format!("{path}&source={source}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()["field"].clone()), (status, "source".into()));
        assert!(answer.text().contains("is none of cdc-flusight, cdc-nhsn"), "{}", answer.text());
    }
    let wide = get(&app, &format!("{path}&source=cdc-nhsn&layout=wide&format=csv")).await;
    assert!(wide.text().contains("27990"), "{}", wide.text());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_catalogue_names_further_sources_and_what_there_is_of_them(pool: PgPool) {
    let app = country(pool).await;
    let signals = get(&app, "signals").await.json();
    let find = |id: &str| signals["signals"].as_array().unwrap().iter().find(|s| s["id"] == id).unwrap();
    let further = &find("flu_hosp_admissions")["further_sources"];
    assert_eq!((&further[0]["source"], &further[0]["published"]["rows"]), (&"cdc-nhsn".into(), &1.into()));
    assert_eq!(find("flu_ed_visits_percent")["further_sources"], serde_json::json!([]));
    let sources = get(&app, "sources").await.json();
    let nhsn = sources["sources"].as_array().unwrap().iter().find(|s| s["id"] == "cdc-nhsn").unwrap();
    let wanted = ["flu_hosp_admissions", "covid_hosp_admissions", "rsv_hosp_admissions"];
    assert_eq!(nhsn["signals"], serde_json::json!(wanted));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn counties_are_asked_for_by_level_by_id_and_by_their_state(pool: PgPool) {
    let app = country(pool).await;
    let path = "observations?signal=flu_ed_visits_percent";
    for question in ["place=US:06037", "level=county", "place=US:06037&source=cdc-nssp"] {
        let found = get(&app, &format!("{path}&{question}")).await.json();
        let value = &found["data"][0];
        assert_eq!(
            (&value["value"], &value["unit"]),
            (&1.25.into(), &"percent".into()),
            "{question}: {found}"
        );
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{question}");
    }
    let two = get(&app, &format!("{path}&place=US:06037,US-CA")).await.json();
    assert_eq!(two["data"].as_array().unwrap().len(), 2, "{two}");
    let none = get(&app, "observations?signal=flu_hosp_admissions&place=US:06037").await.json();
    assert_eq!(none["reason"], "not_published_at_this_level", "{none}");
    let names = |answer: serde_json::Value| -> Vec<String> {
        answer["places"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(get(&app, "places?parent=US-CA").await.json()), ["US:06037"]);
    assert_eq!(names(get(&app, "places?parent=US").await.json()), ["US-CA", "US-NY"]);
    assert_eq!(get(&app, "places?parent=US-ZZ").await.status, 404);
    // A live table that goes on has no end, whatever the copies that the project carries have.
    let late = time("2025-01-15T17:00:00Z");
    let mut conn = app.db.acquire().await.unwrap();
    let one = point("US", "2025-01-11", "2025-01-15T17:00:00Z", Ok(90.0), "cdc-nhsn");
    let key = ObservationKey {
        signal: "flu_deaths_weekly".parse().unwrap(),
        source: "cdc-nchs-deaths".parse().unwrap(),
        ..one.key
    };
    sqlx::query("insert into source select 'cdc-nchs-deaths', publisher, title, page_url, licence, licence_url, credit, cadence from source where id = 'cdc-nhsn'")
        .execute(&mut *conn).await.unwrap();
    let ended = async || {
        let signals = get(&app, "signals").await.json();
        let all = signals["signals"].as_array().unwrap().clone();
        all.into_iter().find(|s| s["id"] == "flu_deaths_weekly").unwrap()["ended"].clone()
    };
    assert_eq!(ended().await, "2020-09-09");
    sqlx::query("insert into retrieval select 'r9', 'cdc-nchs-deaths', url, recorded_as, $1, sha256, bytes, parser from retrieval where id = 'cdc-nhsn'")
        .bind(late).execute(&mut *conn).await.unwrap();
    let points = [NewPoint { key, retrieval_id: "r9".into(), ..one }];
    store::observations::append(&mut conn, &points).await.unwrap();
    assert_eq!(ended().await, serde_json::Value::Null);
}
