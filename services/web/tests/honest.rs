//! What a page must not claim: whole days that are not, ends that nobody declared, retrievals that were not ours.

#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

mod common;

use chrono::Days;
use common::{CLOCK, Site, country, day, fill, point, site, time};
use kit::Clock;
use sqlx::PgPool;

/// Switzerland, whose cases are complete two days after a date, with five more days at its end of which the last
/// ones are hardly counted yet.
async fn growing(pool: &PgPool) -> Site {
    let profile = country("ch");
    fill(pool, &profile).await;
    let mut conn = pool.acquire().await.unwrap();
    let signal = profile.signals.iter().find(|s| s.id.as_str() == "covid_cases").unwrap();
    let source = signal.source_at("nation").unwrap().to_string();
    let last = signal.ended.unwrap() + Days::new(5);
    let points: Vec<_> = (0..5u64)
        .flat_map(|n| {
            let (date, value) = (last - Days::new(n), if n < 2 { 0.0 } else { 500.0 });
            ["CH", "CH-A0"].map(|place| point(signal, &source, place, date, last, Some(value)))
        })
        .collect();
    store::observations::append(&mut conn, &points).await.unwrap();
    site(pool, profile, Clock::Recorded(time(CLOCK)), "web,forecast")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn days_that_still_grow_are_neither_summed_nor_compared_nor_called_lowest(pool: PgPool) {
    let site = growing(&pool).await;
    let page = site.get("/de/covid/CH").await.body;
    let cases = page.split("id=\"covid_cases\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(cases.contains("In den sieben Tagen bis Montag, 12. Juli 2021"), "{cases}");
    assert!(
        cases.contains("Die Zahlen ab dem 13. Juli 2021 waren bei ihrer Veröffentlichung noch"),
        "{cases}"
    );
    assert!(
        cases.contains("In den hier aufbewahrten Kopien endet die Veröffentlichung am 14. Juli 2021."),
        "{cases}"
    );
    assert!(!cases.contains("tiefster Wert 0 "), "{cases}");
    assert_eq!(cases.matches("<td>unvollständig</td>").count(), 2, "{cases}");
    let list = site.get("/de/covid").await.body;
    assert!(list.contains("12. Juli 2021") && !list.contains("14. Juli 2021, "), "{list}");
    let csv = site.get("/de/covid/CH/data.csv").await.body;
    assert!(csv.contains("# Gemeldete Covid-19-Fälle: Die Zahlen ab dem 13. Juli 2021 waren"), "{csv}");
    assert!(csv.contains(",2021-07-14,"), "the file keeps every day");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_end_is_that_of_the_copies_and_of_this_very_series(pool: PgPool) {
    let profile = country("ch");
    let signal = profile.signals.iter().find(|s| s.id.as_str() == "mpox_cases").unwrap().clone();
    fill(&pool, &profile).await;
    let source = signal.source_at("nation").unwrap().to_string();
    let mut conn = pool.acquire().await.unwrap();
    let gone = [point(&signal, &source, "CH", signal.ended.unwrap(), day("2024-01-11"), None)];
    store::observations::append(&mut conn, &gone).await.unwrap();
    let page = site(&pool, profile, Clock::Recorded(time(CLOCK)), "").get("/fr/mpox/CH").await.body;
    assert!(
        page.contains("Dans les copies conservées ici, la publication s’arrête le 11 janvier 2024."),
        "{page}"
    );
    for claim in ["a pris fin", "publication a"] {
        assert!(!page.contains(claim), "{claim}: {page}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn publishers_have_their_own_names_and_what_is_english_says_so(pool: PgPool) {
    let site = Site::of(&pool, country("ch")).await;
    for (path, name) in [
        ("/de/covid/CH", "Bundesamt für Gesundheit (BAG)"),
        ("/fr/status", "Organisation mondiale de la Santé (OMS)"),
        ("/it/legal", "Ufficio federale della sanità pubblica (UFSP)"),
    ] {
        let page = site.get(path).await.body;
        assert!(page.contains(name), "{path}: {page}");
    }
    let mpox = site.get("/de/mpox/CH").await.body;
    assert!(mpox.contains("<span lang=\"en\">An Institute</span>"), "{mpox}");
    assert!(mpox.contains("<span lang=\"en\">Credit &lt;to&gt; whom it is due</span>"), "{mpox}");
    assert!(!site.get("/de/covid/CH").await.body.contains(".. "), "no doubled full stop");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn only_what_was_fetched_here_was_retrieved(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let path = "/why/flu_hosp_admissions~cdc-flusight~US~2025-01-25~20250205T120000Z";
    let page = site.get(path).await.body;
    assert!(page.contains("Kept in the recording as") && !page.contains("Retrieved"), "{page}");
    sqlx::query("update retrieval set recorded_as = ''").execute(&pool).await.unwrap();
    assert!(site.get(path).await.body.contains("Retrieved"), "a payload that this platform fetched");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_link_names_a_forecast_only_where_there_is_one(pool: PgPool) {
    let home = Site::of(&pool, country("us")).await.get("/").await.body;
    let link =
        |id: &str| home.split(&format!("href=\"/{id}/US\">")).nth(1).unwrap().split('<').next().unwrap();
    assert_eq!((link("flu"), link("mpox")), ("Figures and forecast", "Figures"));
    assert!(home.contains(">admissions per week</text>"), "the axis has its unit");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_series_of_which_no_copy_is_so_old_is_one_true_line(pool: PgPool) {
    let profile = country("fr");
    fill(&pool, &profile).await;
    let early = Clock::Recorded(time("2023-06-01T00:00:00Z"));
    let site = site(&pool, profile, early, "");
    let page = site.get("/flu/FR").await.body;
    assert!(
        page.contains("Cette plateforme ne conserve aucune copie de ces chiffres antérieure au"),
        "{page}"
    );
    for part in ["data.csv", "range=all", "class=\"facts\"", "était publié ici"] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    let list = site.get("/flu").await.body;
    assert!(list.contains("ce qui était publié au 1er juin 2023 n’est pas connu ici"), "{list}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_count_of_some_hospitals_is_not_called_one_of_the_country(pool: PgPool) {
    let site = Site::of(&pool, country("fr")).await;
    let page = site.get("/covid/FR").await.body;
    let said = "en France, dans les hôpitaux qui déclarent à la surveillance européenne";
    assert!(page.contains(said) && page.contains("ce n’est pas un total du pays"), "{page}");
    assert!(site.get("/").await.body.contains(said));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn places_are_listed_by_name_or_by_value(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let order = |page: &str| ["Alpha", "Élan", "Zeta"].map(|n| page.find(&format!(">{n}</a>")).unwrap());
    let named = order(&site.get("/flu").await.body);
    let valued = order(&site.get("/flu?sort=value").await.body);
    assert!(named.is_sorted());
    assert!(!valued.is_sorted(), "the places have other values than their names have letters");
    assert_eq!(site.get("/flu?sort=size").await.status, 400);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_week_that_is_over_without_a_figure_is_not_called_one_to_come(pool: PgPool) {
    let profile = country("us");
    fill(&pool, &profile).await;
    for (clock, over) in
        [(CLOCK, None), ("2025-02-15T20:00:00Z", Some("8")), ("2025-02-16T20:00:00Z", Some("15"))]
    {
        let site = site(&pool, profile.clone(), Clock::Recorded(time(clock)), "web,forecast");
        let page = site.get("/flu/US").await.body;
        let said = page.split("Weeks up to ").nth(1).map(|rest| rest.split('.').next().unwrap().to_owned());
        assert_eq!(said.is_some(), over.is_some(), "{clock}: {page}");
        if let (Some(said), Some(day)) = (said, over) {
            assert!(
                said.contains(&format!("February {day}")) && said.ends_with("was out yet"),
                "{clock}: {said}"
            );
        }
    }
}
