//! Levels with thousands of places: the form offers those of the places that are chosen.

use crate::common::{app, get};
use kit::Clock;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeMap;
use store::places::Place;

fn place(id: &str, level: &str, parent: Option<&str>, name: &str) -> Place {
    let names = Json(BTreeMap::from([("en".to_owned(), name.to_owned())]));
    Place { id: id.into(), level: level.into(), parent: parent.map(Into::into), population: None, names }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn counties_are_offered_where_their_state_is_chosen(pool: PgPool) {
    let mut places = vec![
        place("US", "nation", None, "United States"),
        place("US-CA", "state", Some("US"), "California"),
        place("US-TX", "state", Some("US"), "Texas"),
        place("US:06037", "county", Some("US-CA"), "Los Angeles County, California"),
    ];
    let many =
        (0..3000).map(|n| place(&format!("US:48{n:04}"), "county", Some("US-TX"), &format!("C {n}, Texas")));
    places.extend(many);
    store::places::put_all(&mut pool.acquire().await.unwrap(), &places).await.unwrap();
    let app = app(&pool, "us", Clock::Recorded("2025-07-29T20:03:37Z".parse().unwrap()));
    let ask = async |query: &str| get(&app, &format!("/explore?lang=en&signal={query}")).await.text;

    let start = ask("covid_ed_visits_percent").await;
    assert!(!start.contains("US:"), "no county before a state is chosen");
    assert!(start.contains("Counties are offered once their state is chosen and shown."));
    let state = ask("covid_ed_visits_percent&place=US-CA").await;
    assert!(state.contains("value=\"US:06037\"") && !state.contains("US:48"), "those of that state");
    let county = ask("covid_ed_visits_percent&place=US:06037").await;
    assert!(county.contains("<option value=\"US:06037\" selected>Los Angeles County, California</option>"));
    assert!(county.contains("No figures of this place are known"), "not: not published at this level");
    let only = ask("covid_cases_cumulative").await;
    assert!(only.contains("US:06037") && only.contains("value=\"US-CA\""), "the way leads over the state");
    let flu = ask("flu_hosp_admissions&place=US-TX").await;
    assert!(!flu.contains("US:48") && !flu.contains("Counties are offered"), "not published by county");
    let unknown = get(&app, "/explore?signal=covid_ed_visits_percent&place=US:99999").await;
    assert_eq!(unknown.status.as_u16(), 404);
}
