//! The pages over a real database.
#![expect(clippy::unwrap_used, reason = "a test may end loudly")]

mod any_query;
mod common;
mod counties;
mod locales;

use common::{ask, get, seeded};
use kit::Clock;
use sqlx::PgPool;

const NOTICE: &str = "Ceci est la situation enregistrée au 25 avril 2025, et non la situation actuelle.";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn places_stand_side_by_side_and_in_one_chart(pool: PgPool) {
    let app = seeded(&pool).await;
    let page = get(&app, "/explore?signal=flu_ed_visits&place=FR-IDF&place=FR-PAC").await;
    assert_eq!((page.status.as_u16(), page.header("content-language")), (200, "fr-FR"));
    assert_eq!(page.text.matches("<svg class=\"chart\"").count(), 3, "one chart together, two alone");
    for part in
        ["c-s1", "c-s2", "c-mark", NOTICE, "Île-de-France", "Provence &#60;Alpes&#62; &#38; Côte d’Azur"]
    {
        assert!(page.text.contains(part), "{part}");
    }
    assert!(!page.text.contains("<Alpes>"), "names are escaped");
    assert!(page.text.contains("exploité ni approuvé par l’OMS"), "the disclaimer");
    assert!(page.text.contains("/why/flu_ed_visits~spf-odisse~FR-IDF~2025-04-06~20250410T235959Z"));
    assert!(page.text.contains("non communiqué par l’éditeur"), "a withheld value says so");
    assert!(!page.text.contains("<script") && !page.text.contains("style=\""));
    let alone = get(&app, "/explore?signal=flu_ed_visits").await;
    assert_eq!(alone.text.matches("<svg class=\"chart\"").count(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_earlier_day_turns_the_page_back(pool: PgPool) {
    let app = seeded(&pool).await;
    let path = "/explore/data.csv?signal=flu_ed_visits&place=FR";
    assert!(get(&app, path).await.text.contains("2025-03-02,2025-W09,99,"));
    let early = get(&app, &format!("{path}&as_of=2025-03-10")).await;
    assert!(early.text.contains("2025-03-02,2025-W09,18,"), "{}", early.text);
    let page = get(&app, "/explore?signal=flu_ed_visits&as_of=2025-03-10").await;
    assert!(page.text.contains("Vous lisez ce que l’on savait le 10 mars 2025."));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_not_published_here_says_so(pool: PgPool) {
    let app = seeded(&pool).await;
    let page = get(&app, "/explore?signal=covid_hosp_deaths&place=FR&place=FR:75").await;
    assert!(page.text.contains("Ce chiffre n’est pas publié pour ce lieu."));
    assert!(page.text.contains("Dans les copies conservées ici, la publication s’arrête le 17 mai 2020."));
    assert!(page.text.contains("moyennes de sept jours"));
    let outside = get(&app, "/explore?signal=flu_ed_visits&from=1990-01-01&to=1991-01-01").await;
    assert!(outside.status == 200 && outside.text.contains("pour cette période"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn files_carry_their_notices_and_the_figures_of_the_page(pool: PgPool) {
    let app = seeded(&pool).await;
    let query = "signal=flu_ed_visits&place=FR&place=FR-IDF&from=2025-01-01&to=2025-02-01";
    let csv = get(&app, &format!("/explore/data.csv?{query}")).await;
    let notes: Vec<&str> = csv.text.lines().take_while(|l| l.starts_with('#')).collect();
    assert!(notes[0].contains(NOTICE) && notes.len() == 4, "{notes:?}");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(csv.text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 8);
    assert_eq!((&rows[0][2], &rows[0][4], &rows[0][6]), ("FR", "2025-01-05", "10"));
    let svg = get(&app, &format!("/explore/chart.svg?{query}")).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    for part in [NOTICE, "1 France   2 Île-de-France", "Licence Ouverte 2.0", "<title"] {
        assert!(svg.text.contains(part), "{part}");
    }
    let again =
        ask(&app, "GET", &format!("/explore/chart.svg?{query}"), &[("if-none-match", svg.header("etag"))])
            .await;
    assert_eq!((again.status.as_u16(), again.text.len()), (304, 0));
    // Two dates in the wrong order name the same span.
    let swapped = query.replace("from=2025-01-01&to=2025-02-01", "from=2025-02-01&to=2025-01-01");
    assert_eq!(get(&app, &format!("/explore/data.csv?{swapped}")).await.text, csv.text);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn only_the_embedded_page_may_stand_in_a_frame(pool: PgPool) {
    let app = seeded(&pool).await;
    let page = get(&app, "/embed/flu_ed_visits/FR-IDF?lang=fr").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").ends_with("frame-ancestors *"));
    assert_eq!(page.header("cross-origin-resource-policy"), "cross-origin");
    for part in [
        NOTICE,
        "https://example.org/explore?signal=flu_ed_visits&#38;place=FR-IDF",
        "<svg class=\"chart\"",
        "OMS",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let explore = get(&app, "/explore").await;
    assert!(explore.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(explore.header("cross-origin-resource-policy"), "same-origin");
    assert!(explore.header("content-security-policy").contains("script-src 'self'"));
    for path in
        ["/embed/nothing/FR", "/embed/flu_ed_visits/FR-ZZZ", "/embed/flu_ed_visits/CH", "/embed/a&b/FR"]
    {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn failures_are_pages_in_the_readers_language(pool: PgPool) {
    let app = seeded(&pool).await;
    for (path, status, word) in [
        ("/explore?signal=nothing", 404, "Cette page n’existe pas"),
        ("/explore?place=US", 404, "Cette page n’existe pas"),
        ("/explore?from=yesterday", 400, "Cette adresse ne peut pas être lue"),
        ("/explore?as_of=2030-01-01", 400, "Cette adresse ne peut pas être lue"),
        ("/explore?scale=big", 400, "Cette adresse ne peut pas être lue"),
        ("/explore?fbclid=x&utm_source=mail", 200, ""),
        ("/explore?place=a,b,c,d,e,f,g", 400, "Cette adresse ne peut pas être lue"),
        ("/explore/nothing", 404, "Cette page n’existe pas"),
    ] {
        let page = get(&app, path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.text.contains(word) && page.text.contains(NOTICE), "{path}: {}", page.text);
    }
    let posted = ask(&app, "POST", "/explore", &[]).await;
    assert!(posted.status == 405 && posted.text.contains("ne peut être que lue"));
    let json = ask(&app, "GET", "/explore?signal=x", &[("accept", "application/json")]).await;
    assert_eq!(json.header("content-type"), "application/problem+json");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn with_the_real_clock_there_is_no_notice(pool: PgPool) {
    seeded(&pool).await;
    let page = get(&common::app(&pool, "fr", Clock::Real), "/explore?signal=flu_ed_visits").await;
    assert!(page.status == 200 && !page.text.contains("situation enregistrée"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn styles_are_kept_for_ever_under_the_name_of_their_content(pool: PgPool) {
    let app = seeded(&pool).await;
    let page = get(&app, "/explore").await.text;
    let name = page.split("/explore/static/").nth(1).unwrap().split('"').next().unwrap();
    let file = get(&app, &format!("/explore/static/{name}")).await;
    assert!(file.status == 200 && file.header("cache-control").contains("immutable"));
    assert_eq!(get(&app, "/explore/static/explore.0.css").await.status, 404);
}
