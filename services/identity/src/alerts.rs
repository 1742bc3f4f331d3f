//! Mail when a forecast reaches a value that a reader chose. Confirmed by the holder of the address, ended by one click.

pub mod run;
pub mod source;

use crate::random;
use crate::rights::consents;
use crate::rights::contacts::Contact;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// What the consent is for.
pub const PURPOSE: &str = "alerts";
/// How many one address may have.
pub const MOST: i64 = 20;

/// What a reader chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// A signal that is forecast.
    pub signal: String,
    /// A place of the country.
    pub place: String,
    /// In the signal's unit.
    pub threshold: f64,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Alert {
    /// Names it; ends nothing without the word that goes with it.
    pub id: String,
    /// Whose it is.
    pub contact_id: String,
    /// A signal that is forecast.
    pub signal: String,
    /// A place.
    pub place: String,
    /// In the signal's unit.
    pub threshold: f64,
    /// The language of its mail.
    pub language: String,
    /// Whether the last look found the threshold reached.
    pub above: bool,
}

impl Alert {
    /// The path that ends it, good for as long as the contact has its key: made when it is needed, stored nowhere.
    #[must_use]
    pub fn stop_path(&self, contact: &Contact) -> String {
        format!("/account/alerts/stop/{}/{}", self.id, contact.key.word(&stop_word(&self.id)))
    }
}

fn stop_word(id: &str) -> String {
    format!("stop {id}")
}

const COLUMNS: &str = "id, contact_id, signal, place, threshold, language, above";

/// Keeps an alert that its holder confirmed, and the consent to the text that was shown. `None`: there are too many already.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn keep(
    conn: &mut PgConnection,
    contact: &Contact,
    wish: &Wish,
    (language, text): (&str, &str),
    now: DateTime<Utc>,
) -> anyhow::Result<Option<String>> {
    let kept: Option<String> = sqlx::query_scalar(
        "insert into alert (id, contact_id, signal, place, threshold, language, created_at)
         select $1, $2, $3, $4, $5, $6, $7 where (select count(*) from alert where contact_id = $2) < $8
         on conflict (contact_id, signal, place, threshold) do update set language = excluded.language returning id",
    )
    .bind(random::word::<16>()?)
    .bind(&contact.id)
    .bind(&wish.signal)
    .bind(&wish.place)
    .bind(wish.threshold)
    .bind(language)
    .bind(now)
    .bind(MOST)
    .fetch_optional(&mut *conn)
    .await?;
    if kept.is_some() {
        consents::given(conn, &contact.key.pseudonym(), PURPOSE, (language, text), now).await?;
    }
    Ok(kept)
}

/// The alerts of a contact.
///
/// # Errors
/// When the database does not answer.
pub async fn of(conn: &mut PgConnection, contact: &Contact) -> sqlx::Result<Vec<Alert>> {
    let query = format!("select {COLUMNS} from alert where contact_id = $1 order by created_at, id");
    sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(&contact.id).fetch_all(conn).await
}

/// Neither the contact `c` nor its account `o` has a halt.
const NO_HALT: &str =
    "c.restricted_at is null and c.objected_at is null and o.restricted_at is null and o.objected_at is null";

/// Those that may be used: of contacts that neither asked for a restriction nor object.
///
/// # Errors
/// When the database does not answer.
pub async fn usable(conn: &mut PgConnection) -> sqlx::Result<Vec<Alert>> {
    let query = format!(
        "select {COLUMNS} from alert a where exists (select 1 from contact c left join account o on o.id = c.account_id
          where c.id = a.contact_id and {NO_HALT}) order by signal, place, language, id"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_all(conn).await
}

/// Keeps other runs from an alert until [`release`], or until the connection ends: a run that dies keeps nobody. `false`: another
/// run has it. No transaction is open meanwhile, and nobody waits for the mail server but the run.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(conn: &mut PgConnection, id: &str) -> sqlx::Result<bool> {
    let free = sqlx::query_scalar("select pg_try_advisory_lock(hashtextextended($1, 0))");
    free.bind(id).fetch_one(conn).await
}

/// Lets other runs have an alert that was claimed.
///
/// # Errors
/// When the database does not answer.
pub async fn release(conn: &mut PgConnection, id: &str) -> sqlx::Result<()> {
    sqlx::query("select pg_advisory_unlock(hashtextextended($1, 0))").bind(id).execute(conn).await.map(drop)
}

/// Whom to tell that the threshold of an alert is reached; `None`: nobody, since they know, it ended, or there is a halt by now.
///
/// # Errors
/// When the database does not answer.
pub async fn to_tell(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Contact>> {
    let query = format!(
        "select c.* from alert a join contact c on c.id = a.contact_id left join account o on o.id = c.account_id
          where a.id = $1 and not a.above and {NO_HALT}"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(id).fetch_optional(conn).await
}

/// What a look found: whether the threshold is reached, and since when its reader knows.
///
/// # Errors
/// When the database does not answer.
pub async fn found(
    conn: &mut PgConnection,
    id: &str,
    above: bool,
    told_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let change = "update alert set above = $2, told_at = coalesce($3, told_at) where id = $1";
    sqlx::query(change).bind(id).bind(above).bind(told_at).execute(conn).await.map(drop)
}

/// Ends an alert of a contact; with the last one the consent ends too. `false`: there is no such one.
///
/// # Errors
/// When the database does not answer.
pub async fn end(
    conn: &mut PgConnection,
    contact: &Contact,
    id: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let gone = sqlx::query("delete from alert where id = $1 and contact_id = $2")
        .bind(id)
        .bind(&contact.id)
        .execute(&mut *conn)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    if of(&mut *conn, contact).await?.is_empty() {
        consents::withdrawn(conn, &contact.key.pseudonym(), PURPOSE, now).await?;
    }
    Ok(true)
}

/// Has whoever holds the address consented to alerts, or any left?
///
/// # Errors
/// When the database does not answer.
pub async fn agrees(conn: &mut PgConnection, contact: &Contact) -> sqlx::Result<bool> {
    Ok(consents::stands(&mut *conn, &contact.key.pseudonym(), PURPOSE).await?
        || !of(conn, contact).await?.is_empty())
}

/// Ends all alerts of a contact and the consent. Returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all(conn: &mut PgConnection, contact: &Contact, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let gone =
        sqlx::query("delete from alert where contact_id = $1").bind(&contact.id).execute(&mut *conn).await?;
    let who = contact.key.pseudonym();
    if consents::stands(&mut *conn, &who, PURPOSE).await? {
        consents::withdrawn(conn, &who, PURPOSE, now).await?;
    }
    Ok(gone.rows_affected())
}

/// The contact of an alert.
///
/// # Errors
/// When the database does not answer.
pub async fn contact(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Contact>> {
    sqlx::query_as("select c.* from contact c join alert a on a.contact_id = c.id where a.id = $1")
        .bind(id)
        .fetch_optional(conn)
        .await
}

/// Ends the alert that a stop link names. `false`: the link is none of ours, or it was used already.
///
/// # Errors
/// When the database does not answer.
pub async fn stop(conn: &mut PgConnection, id: &str, word: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    match contact(&mut *conn, id).await? {
        Some(contact) if contact.key.is_word(&stop_word(id), word) => end(conn, &contact, id, now).await,
        _ => Ok(false),
    }
}
