//! Levels with thousands of places: on no list of the whole country, found by name, listed where they lie.

mod common;

use common::{CLOCK, Site, country, day, fill, point, site, time};
use kit::Clock;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeMap;
use store::places::Place;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_county_has_its_page_and_its_state_lists_it(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let county = site.get("/covid/US:12001").await.body;
    for part in [
        "<h1>COVID-19 in Beta County, Élan</h1>",
        "<a href=\"/covid/US-N0\">Élan</a>",
        "cases of COVID-19 had been reported in Beta County, Élan",
        "% of visits to emergency departments in Beta County, Élan were for COVID-19",
        "On Tuesday, December 19, 2023, the amount of SARS-CoV-2 in wastewater stood at percentile",
    ] {
        assert!(county.contains(part), "{part}: {county}");
    }
    let state = site.get("/covid/US-N0").await.body;
    assert!(state.contains("<summary>Counties (2)</summary>"), "{state}");
    assert!(state.contains("<a href=\"/covid/US:12001\">Beta County</a>"), "its own name is enough there");
    let places = [">Beta County</a>", ">Omega County</a>"].map(|n| state.find(n).unwrap());
    assert!(places.is_sorted(), "in alphabetical order");
    let other = site.get("/covid/US-A0").await.body;
    assert!(!other.contains("Counties ("), "counties of another state");
    let mpox = site.get("/mpox/US-N0").await.body;
    assert!(!mpox.contains("Counties ("), "nothing is published of mpox by county");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_county_that_a_table_leaves_out_has_no_empty_section(pool: PgPool) {
    let profile = country("us");
    fill(&pool, &profile).await;
    let mut conn = pool.acquire().await.unwrap();
    let names = Json(BTreeMap::from([("en".to_owned(), "Gamma County, Élan".to_owned())]));
    let parent = Some("US-N0".to_owned());
    let place = Place { id: "US:13001".into(), level: "county".into(), parent, population: None, names };
    store::places::put(&mut conn, &place).await.unwrap();
    let signal = profile.signals.iter().find(|s| s.id.as_str() == "covid_cases_cumulative").unwrap();
    let last = point(signal, "jhu-counties", "US:13001", day("2021-05-30"), day("2021-05-31"), Some(7.0));
    store::observations::append(&mut conn, &[last]).await.unwrap();
    drop(conn);
    let site = site(&pool, profile, Clock::Recorded(time(CLOCK)), "");
    let page = site.get("/covid/US:13001").await.body;
    assert!(
        page.contains("By Sunday, May 30, 2021, 7 cases of COVID-19 had been reported in Gamma"),
        "{page}"
    );
    assert!(!page.contains("No figures") && !page.contains("wastewater"), "{page}");
    let flu = site.get("/flu/US:13001").await.body;
    assert!(flu.contains("Nothing is published for this disease at this level"), "{flu}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn three_thousand_counties_make_no_page_longer(pool: PgPool) {
    let profile = country("us");
    fill(&pool, &profile).await;
    let before = Site { router: site(&pool, profile.clone(), Clock::Recorded(time(CLOCK)), "").router, pool };
    let sizes = async |site: &Site| {
        let mut sizes = Vec::new();
        for path in ["/", "/flu", "/covid", "/covid?sort=value", "/covid/US", "/mpox"] {
            sizes.push(site.get(path).await.body.len());
        }
        sizes
    };
    let small = sizes(&before).await;
    let county = |n: i32| Place {
        id: format!("US:{:05}", 20_000 + n),
        level: "county".into(),
        parent: Some("US-A0".into()),
        population: Some(1),
        names: Json(BTreeMap::from([("en".to_owned(), format!("Delta {n} Alpha County, Alpha"))])),
    };
    let all: Vec<Place> = (0..3142).map(county).collect();
    store::places::put_all(&mut before.pool.acquire().await.unwrap(), &all).await.unwrap();
    assert_eq!(sizes(&before).await, small);
    let found = before.get("/covid?q=delta").await.body;
    assert_eq!(found.matches(">Delta ").count(), 40);
    assert!(found.contains("These are the first of 3,142."), "{found}");
    let one = before.get("/covid?q=delta+77+alpha+county").await;
    assert_eq!((one.status.as_u16(), one.header("location")), (303, "/covid/US:20077"));
    let state = before.get("/covid?q=alpha").await;
    assert_eq!(state.header("location"), "/covid/US-A0", "a whole name is that place");
    let sitemap = before.get("/sitemap.xml").await.body;
    assert!(sitemap.contains("/covid/US:20077<") && !sitemap.contains("/mpox/US:20077<"));
}
