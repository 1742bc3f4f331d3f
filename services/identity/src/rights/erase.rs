//! Erasing somebody. What a restored backup would bring back is in [`super::list`] and [`super::again`].

use super::{Held, Person};
use crate::audit;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

/// Who erases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// The person, by this request.
    Person(&'a str),
    /// Retention.
    Clock,
    /// An operator who restored a backup.
    Command,
}

/// Erases all that is kept about somebody, in the caller's transaction. The audit gets an entry and keeps its pseudonyms,
/// whose key goes with the rest. `trail`: the audit's own credential; without one the role of `conn` writes it.
///
/// # Errors
/// When the database does not answer.
pub async fn person(
    conn: &mut PgConnection,
    person: &Person,
    by: By<'_>,
    trail: Option<&audit::Own>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    // Whatever is being written about them is waited for, or finds nobody. In the order in which a confirmation goes: its link,
    // then whom it is of. Somebody else's request to make this address theirs names it too.
    sqlx::query("delete from proof where email = $1 or wish ->> 'old' = $1 or account_id = $2")
        .bind(person.email())
        .bind(person.account.as_ref().map(|a| a.id.as_str()))
        .execute(&mut *conn)
        .await?;
    person.held(&mut *conn, Held::Alone).await?;
    for pseudonym in person.pseudonyms() {
        let actor = match by {
            By::Person(_) => pseudonym.as_str(),
            By::Clock => "clock",
            By::Command => "command",
        };
        audit::write(&mut *conn, trail, now, actor, "person.erase", &pseudonym, json!({})).await?;
        rows_of(&mut *conn, &pseudonym, by, now).await?;
    }
    if let Some(account) = &person.account {
        let by_id = sqlx::query("delete from account where id = $1").bind(&account.id);
        by_id.execute(&mut *conn).await?;
    }
    if let Some(contact) = &person.contact {
        let by_id = sqlx::query("delete from contact where id = $1").bind(&contact.id);
        by_id.execute(&mut *conn).await?;
    }
    Ok(())
}

/// What names somebody by pseudonym outside the audit. Whatever they still waited for is over, but the erasure itself: nobody
/// could be answered.
async fn rows_of(
    conn: &mut PgConnection,
    pseudonym: &str,
    by: By<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let request = match by {
        By::Person(request) => Some(request),
        By::Clock | By::Command => None,
    };
    sqlx::query("select set_config('vigie.erased', $1, true)").bind(pseudonym).execute(&mut *conn).await?;
    sqlx::query("delete from consent where who = $1").bind(pseudonym).execute(&mut *conn).await?;
    sqlx::query(
        "update request set done_at = $2, outcome = 'erased' where who = $1 and done_at is null and id is distinct from $3",
    )
    .bind(pseudonym)
    .bind(now)
    .bind(request)
    .execute(&mut *conn)
    .await?;
    sqlx::query("update request set who = null where who = $1").bind(pseudonym).execute(&mut *conn).await?;
    sqlx::query("update role_grant set granted_by = 'erased' where granted_by = $1")
        .bind(pseudonym)
        .execute(conn)
        .await
        .map(drop)
}
