//! What deaths ahead follow from.

use serde::Serialize;
use sqlx::PgConnection;

/// The relation of deaths to the events that they follow, in one place (`epimodels::secondary`).
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, Serialize)]
pub struct Relation {
    /// The place.
    pub place_id: String,
    /// The signal of the admissions or cases.
    pub follows: String,
    /// Deaths per event: 2.5 % quantile.
    pub ratio_025: f64,
    /// Median.
    pub ratio_50: f64,
    /// 97.5 % quantile.
    pub ratio_975: f64,
    /// The mean delay in weeks that fits best; `None` where none is identified, as its band.
    pub delay: Option<f64>,
    /// Lower end of its 95 % band.
    pub delay_low: Option<f64>,
    /// Upper end.
    pub delay_high: Option<f64>,
    /// The shortest mean delay that was tried.
    pub tried_low: f64,
    /// The longest.
    pub tried_high: f64,
}

pub(super) async fn insert(tx: &mut PgConnection, run: &str, r: &Relation) -> sqlx::Result<()> {
    sqlx::query(
        "insert into deaths_relation (run_id, place_id, follows, ratio_025, ratio_50, ratio_975, delay, delay_low, delay_high,
                                      tried_low, tried_high) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(run)
    .bind(&r.place_id)
    .bind(&r.follows)
    .bind(r.ratio_025)
    .bind(r.ratio_50)
    .bind(r.ratio_975)
    .bind(r.delay)
    .bind(r.delay_low)
    .bind(r.delay_high)
    .bind(r.tried_low)
    .bind(r.tried_high)
    .execute(tx)
    .await?;
    Ok(())
}

/// The relation of a run in one place. A run from before it was stored has none.
///
/// # Errors
/// When the database does not answer.
pub async fn relation(conn: &mut PgConnection, run: &str, place: &str) -> sqlx::Result<Option<Relation>> {
    sqlx::query_as(
        "select place_id, follows, ratio_025, ratio_50, ratio_975, delay, delay_low, delay_high, tried_low, tried_high
           from deaths_relation where run_id = $1 and place_id = $2",
    )
    .bind(run)
    .bind(place)
    .fetch_optional(conn)
    .await
}
