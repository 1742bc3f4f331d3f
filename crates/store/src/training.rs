//! Reading for a model: in a transaction that cannot see what was issued after its origin.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};

/// A transaction as `vigie_train`: row-level security hides every value that was issued after the origin, also from a
/// query that asks for it (`docs/decisions/0012-training-role.md`). It only reads; nothing that is done in it stays.
#[derive(Debug)]
pub struct Training<'c> {
    tx: Transaction<'c, Postgres>,
    origin: DateTime<Utc>,
}

/// Begins to read what was known at `origin`, and nothing else until [`Training::end`].
///
/// # Errors
/// When the database does not answer, or its login may not become `vigie_train`.
pub async fn begin(conn: &mut PgConnection, origin: DateTime<Utc>) -> sqlx::Result<Training<'_>> {
    let mut tx = conn.begin().await?;
    sqlx::query("insert into training (transaction, origin) values (pg_current_xact_id(), $1)")
        .bind(origin)
        .execute(&mut *tx)
        .await?;
    sqlx::query("set local role vigie_train").execute(&mut *tx).await?;
    Ok(Training { tx, origin })
}

impl Training<'_> {
    /// The connection to read with.
    pub fn reader(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Ends it: the connection is its login's again.
    ///
    /// # Errors
    /// When something in between left the role or moved the origin, so that what was read may have been issued later;
    /// when the database does not answer.
    pub async fn end(mut self) -> sqlx::Result<()> {
        let kept: bool = sqlx::query_scalar(
            "select current_user = 'vigie_train' and coalesce(training_origin() = $1, false)",
        )
        .bind(self.origin)
        .fetch_one(&mut *self.tx)
        .await?;
        self.tx.rollback().await?;
        if kept {
            return Ok(());
        }
        Err(sqlx::Error::Protocol(
            "the training transaction was left before its end: what it read does not count, and nothing is stored of it"
                .to_owned(),
        ))
    }
}
