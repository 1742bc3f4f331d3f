//! Scores of spread: in the pass of the others, never changed, and nothing that is no score.

use crate::common::{CLOCK, due, due_spread, new, new_spread, prepared, results, run, time, whole};
use sqlx::{AssertSqlSafe, PgPool};
use store::forecasts;
use store::scores::{self, Event};

const CAME: Event = Event { came: true, brier: 0.25, climatology: Some(0.5) };

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn they_share_the_link_of_their_pass_and_the_same_again_adds_none(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    forecasts::put(&mut conn, &run("r"), &results()).await.unwrap();
    let (of, spread_of) = (due("r"), due_spread("r"));
    let first = [new(&of, "2025-02-07T00:00:00Z", Some(1.0))];
    let pass = [
        new_spread(&spread_of, "2025-02-14T00:00:00Z", Some(CAME)),
        new_spread(&spread_of, "2025-02-21T00:00:00Z", None),
    ];
    for wanted in [3, 0] {
        assert_eq!(scores::put(&mut conn, "flu_cases", &first, &pass, time(CLOCK)).await.unwrap(), wanted);
    }
    let links = whole(&mut conn).await;
    let lines: Vec<&str> = links[1].parts.lines().map(|l| l.rsplit_once(' ').unwrap().0).collect();
    assert_eq!((links.len(), lines), (2, vec!["forecast_score 1", "spread_score 2"]));
    let read = async |at: &str| {
        let mut conn = pool.acquire().await.unwrap();
        let means = scores::spread_means(&mut conn, "flu_cases", None, time(at), 20).await.unwrap();
        (scores::spread(&mut conn, "flu_cases", Some("FR"), time(at), 60).await.unwrap(), means)
    };
    let (scored, means) = read("2025-02-20T00:00:00Z").await;
    assert_eq!((scored.len(), scored[0].class.as_str(), scored[0].arrives), (1, "increase", Some(true)));
    let of = |question: &str| means.iter().find(|m| m.question == question).unwrap();
    assert_eq!((of("arrives").came, of("arrives").score, of("arrives").relative), (Some(1), 0.25, Some(0.5)));
    assert_eq!((of("rises").compared, of("rises").relative), (0, None), "no earlier season is known");
    assert_eq!((of("classes").came, of("classes").replayed, of("classes").weeks), (None, 1, 1));
    let (scored, means) = read(CLOCK).await;
    assert!(scored.is_empty() && means.is_empty(), "the figure was taken back");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nothing_is_changed_or_added_later_and_what_is_no_score_is_refused(pool: PgPool) {
    let mut conn = prepared(&pool).await;
    forecasts::put(&mut conn, &run("r"), &results()).await.unwrap();
    let of = due_spread("r");
    let pass = [new_spread(&of, "2025-02-14T00:00:00Z", Some(CAME))];
    scores::put(&mut conn, "flu_cases", &[], &pass, time(CLOCK)).await.unwrap();
    let copy = |pass: i64, change: &str| {
        let columns = "run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, class, rps, rps_climatology,
                       rises, rises_brier, rises_climatology, arrives, arrives_brier, arrives_climatology, replayed, scored_at";
        let (column, value) = change.split_once(" = ").unwrap();
        let changed =
            columns.split(", ").map(|c| if c.trim() == column { value } else { c }).collect::<Vec<_>>();
        format!("insert into spread_score select {}, {pass} from spread_score", changed.join(", "))
    };
    for (sql, why) in [
        ("update spread_score set rps = 0".to_owned(), "append-only"),
        ("delete from spread_score".to_owned(), "append-only"),
        ("truncate spread_score".to_owned(), "append-only"),
        (copy(1, "truth_issued_at = truth_issued_at + interval '1 day'"), "pass 1 is linked already"),
        (copy(9, "truth_issued_at = truth_issued_at + interval '1 day'"), "spread_score_is_linked"),
        (copy(9, "truth_issued_at = origin"), "spread_score_is_after_its_origin"),
        (copy(9, "class = 'up'"), "spread_score_has_a_class"),
        (copy(9, "class = null"), "spread_score_is_whole"),
        (copy(9, "arrives = null"), "spread_score_is_whole"),
        (copy(9, "arrives_brier = 'NaN'"), "spread_score_has_its_range"),
        (copy(9, "rises_brier = 1.5"), "spread_score_has_its_range"),
        (copy(9, "place_id = 'a'"), "spread_score_run_id_place_id_horizon_fkey"),
    ] {
        let said =
            sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *conn).await.unwrap_err().to_string();
        assert!(said.contains(why), "{sql}: {said}");
    }
    assert_eq!(whole(&mut conn).await.len(), 2);
}
