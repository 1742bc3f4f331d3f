//! What a place page says: computed, dated, with its uncertainty, and never more than is known.

#![expect(clippy::unwrap_used, reason = "a test may fail; clippy sees no test in a helper")]

mod common;

use common::{CLOCK, LAST, Site, country, day, fill, point, site, time};
use domain::CountryProfile;
use kit::Clock;
use sqlx::PgPool;

/// The United States with two weeks of real-looking figures for one more state.
async fn new_york(pool: &PgPool, last: Option<f64>, before: Option<f64>) -> Site {
    let profile = country("us");
    fill(pool, &profile).await;
    let mut conn = pool.acquire().await.unwrap();
    let place = store::places::Place {
        id: "US-NY".into(),
        level: "state".into(),
        parent: Some("US".into()),
        population: None,
        names: sqlx::types::Json([("en".to_owned(), "New York".to_owned())].into()),
    };
    store::places::put(&mut conn, &place).await.unwrap();
    let signal = profile.signal(&profile.main_signal).unwrap();
    let source = signal.source_at("state").unwrap().as_str();
    let points = [
        point(signal, source, "US-NY", day("2025-01-25"), day("2025-01-29"), before),
        point(signal, source, "US-NY", day(LAST), day("2025-02-05"), last),
    ];
    store::observations::append(&mut conn, &points).await.unwrap();
    site(pool, profile, Clock::Recorded(time(CLOCK)), "")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_headline_names_its_week_its_figure_and_the_change(pool: PgPool) {
    let page = new_york(&pool, Some(40_605.0), Some(32_746.0)).await.get("/flu/US-NY").await.body;
    assert!(
        page.contains(
            "In week 5 of 2025 (ending Saturday, February 1, 2025), 40,605 people were admitted to hospital with \
             influenza in New York, 24% more than the week before."
        ),
        "{page}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_person_is_not_people_and_small_numbers_get_no_percentage(pool: PgPool) {
    let page = new_york(&pool, Some(1.0), Some(3.0)).await.get("/flu/US-NY").await.body;
    assert!(
        page.contains("1 person was admitted to hospital with influenza in New York, 2 fewer than"),
        "{page}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_withheld_last_value_is_no_figure_and_a_withheld_one_before_no_change(pool: PgPool) {
    let page = new_york(&pool, None, Some(12.0)).await.get("/flu/US-NY").await.body;
    assert!(page.contains("In week 4 of 2025 (ending Saturday, January 25, 2025), 12 people"), "{page}");
    assert!(page.contains("withheld by the publisher"), "the table names the status");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_figure_there_is_no_sentence(pool: PgPool) {
    let page = new_york(&pool, None, None).await.get("/flu/US-NY").await.body;
    assert!(page.contains("No figures are kept here for this moment."), "{page}");
    assert!(!page.contains("were admitted"), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_likely_comes_with_its_interval_and_its_model(pool: PgPool) {
    let page = Site::of(&pool, country("us")).await.get("/flu/US").await.body;
    assert!(page.contains("most likely between 1,030 and 1,190 admissions (80% interval)"), "{page}");
    assert!(page.contains("Model recipe, version 1.2.3"), "{page}");
    for part in [
        "c-band50",
        "c-band80",
        "c-band95",
        "95% interval 1.01 to 1.20",
        "Trend this week",
        "/why/flu_hosp_admissions~",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_question_without_an_answer_says_why(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let page = site.get("/flu/US:09").await.body;
    assert!(page.contains("not estimated") && page.contains("too few cases to estimate from"), "{page}");
    // A level that the profile plans no forecast for, of a signal that is forecast elsewhere.
    let page = site.get("/covid/US:11001").await.body;
    assert!(page.contains("no model has been validated for this series"), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_series_that_ended_shows_its_history_and_no_forecast(pool: PgPool) {
    let page = Site::of(&pool, country("us")).await.get("/mpox/US").await.body;
    assert!(page.contains("In the copies kept here, publication ended on November 20, 2023."), "{page}");
    assert!(page.contains("class=\"chart\"") && !page.contains("c-band95"), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn with_a_clock_far_ahead_the_same_figures_are_stale(pool: PgPool) {
    fill(&pool, &country("us")).await;
    let later = site(&pool, country("us"), Clock::Recorded(time("2026-08-01T00:00:00Z")), "");
    let page = later.get("/flu/US").await.body;
    assert!(page.contains("is too old to speak of the present"), "{page}");
    assert!(!page.contains("c-band95"), "no forecast from stale figures");
    assert!(page.contains("was expected around"), "a late issue is said to be late");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn turned_back_the_page_knows_neither_later_figures_nor_later_forecasts(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let page = site.get("/flu/US?as_of=2025-01-31").await.body;
    assert!(page.contains("You are reading what was known on January 31, 2025."), "{page}");
    assert!(page.contains("In week 4 of 2025"), "{page}");
    assert!(page.contains("no forecast had been computed by this moment"), "{page}");
    assert!(page.contains("/flu?as_of=2025-01-31"), "links keep the moment");
    assert_eq!(site.get("/flu/US?as_of=2025-02-06").await.status, 400, "later than the clock");
    assert_eq!(site.get("/flu/US?as_of=yesterday").await.status, 400);
    assert_eq!(
        site.get("/flu/US?fbclid=Iw&utm_source=mail").await.status,
        200,
        "what others add to a link is left out"
    );
    let early = site.get("/flu/US?as_of=1999-01-01").await;
    let empty = "This platform keeps no copy of these figures from before";
    assert!(early.body.contains(empty), "an early as_of is empty, not today's answer: {}", early.body);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_gap_is_a_sentence_and_nothing_pretends(pool: PgPool) {
    let profile: CountryProfile = country("ch");
    let level = &profile.gaps[0].level;
    assert_eq!(level, "canton");
    let site = Site::of(&pool, profile).await;
    let page = site.get("/de/mpox/CH:09").await.body;
    assert!(page.contains("<p class=\"gap\">"), "{page}");
    assert!(!page.contains("class=\"chart\""), "{page}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn after_three_signals_a_sentence_each_and_a_link_to_the_rest(pool: PgPool) {
    let site = Site::of(&pool, country("fr")).await;
    let page = site.get("/covid/FR").await.body;
    assert_eq!(page.matches("<figure class=\"plots\">").count(), 3);
    for part in ["<h2 id=\"covid_icu_occupancy\">", "href=\"/covid/FR?signal=covid_icu_occupancy\""] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(page.contains("pour cent des lits de réanimation"), "what it says stands there too");
    let one = site.get("/covid/FR?signal=covid_icu_occupancy").await.body;
    assert_eq!(one.matches("<figure class=\"plots\">").count(), 1);
    assert!(one.contains("href=\"/covid/FR\"") && !one.contains("id=\"covid_cases\""));
    assert_eq!(site.get("/covid/FR?signal=ili_incidence").await.status, 404, "a signal of another disease");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_csv_says_what_it_is_and_writes_numbers_for_machines(pool: PgPool) {
    let site = Site::of(&pool, country("fr")).await;
    let answer = site.get("/flu/FR/data.csv").await;
    assert!(answer.header("content-type").starts_with("text/csv"));
    let (notes, rows): (Vec<_>, Vec<_>) = answer.body.lines().partition(|l| l.starts_with('#'));
    let notes = notes.join("\n");
    for part in ["situation enregistrée", "An Institute", "CC BY 4.0", "Tel que connu le"] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    let fields = rows[0].split(',').count();
    assert!(rows.iter().all(|r| r.split(',').count() == fields), "every row has {fields} fields");
    assert!(rows[0].starts_with("kind,signal,source,place,date,week,value,status,issued_at,id,model,q0.025"));
    let last =
        rows.iter().find(|r| r.contains(",2025-02-01,") && r.starts_with("published,ili_incidence")).unwrap();
    assert!(last.contains(",observed,2025-02-05T12:00:00Z,"), "{last}");
    assert!(rows.iter().any(|r| r.starts_with("forecast,") && r.contains("recipe 1.2.3")), "forecast rows");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_figure_leads_back_to_the_payload_and_shows_its_revisions(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let id = |issued: &str| format!("/why/flu_hosp_admissions~cdc-flusight~US~2025-01-25~{issued}");
    let page = site.get(&id("20250205T120000Z")).await.body;
    for part in ["https://publisher.test/cdc-flusight.csv", &"ab".repeat(32), "xx/cdc-flusight.csv", "0.1.0"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains(&id("20250129T120000Z")), "the first issue is linked");
    for step in ["The number is the publisher’s own", "is dated by its last day", "is not kept a second time"]
    {
        assert!(page.contains(step), "{step} in {page}");
    }
    assert!(!page.contains("running totals"), "what was not done is not said");
    let early = site.get(&(id("20250129T120000Z") + "?as_of=2025-01-31")).await;
    assert_eq!(early.status, 200);
    assert!(!early.body.contains(&id("20250205T120000Z")), "a later revision is not known yet");
    assert_eq!(site.get(&(id("20250205T120000Z") + "?as_of=2025-01-31")).await.status, 404);
    assert_eq!(site.get(&id("20250101T000000Z")).await.status, 404);
    assert_eq!(site.get("/why/nonsense").await.status, 404);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_finder_works_without_scripts(pool: PgPool) {
    let site = Site::of(&pool, country("us")).await;
    let one = site.get("/flu?q=zeta").await;
    assert_eq!((one.status.as_u16(), one.header("location")), (303, "/flu/US:09"));
    let none = site.get("/flu?q=%3Cb%3Eatlantis").await;
    assert!(
        none.body.contains("No place matches") && none.body.contains("&#60;b&#62;atlantis"),
        "{}",
        none.body
    );
    assert_eq!(none.body.matches("atlantis").count(), 2, "in the field and in the answer, not in every link");
    let longest = format!("/flu?q={}", "x".repeat(200));
    assert_eq!(site.get(&longest).await.status, 200);
    let longer = site.get(&(longest + "x")).await;
    assert!(longer.status == 400 && !longer.body.contains("xxx"), "{}", longer.body);
    let all = site.get("/flu").await.body;
    let order = ["Alpha", "Élan", "Zeta"].map(|n| all.find(&format!(">{n}</a>")).unwrap());
    assert!(order.is_sorted(), "places stand in alphabetical order");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_place_that_a_gap_names_has_the_reason_and_no_empty_series(pool: PgPool) {
    let page = new_york(&pool, Some(1.0), Some(1.0)).await.get("/covid/US-NY").await.body;
    assert!(page.contains("lists New York City and the rest of the state apart"), "{page}");
    for claim in ["publication ended", "id=\"covid_cases\"", "id=\"covid_deaths_weekly\""] {
        assert!(!page.contains(claim), "{claim}: {page}");
    }
}
