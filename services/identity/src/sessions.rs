//! Sessions: opaque tokens, hashed at rest, with an idle and an absolute limit.

use crate::pseudonyms::PersonKey;
use crate::random;
use chrono::{DateTime, TimeDelta, Utc};
use domain::profile::identity::SessionLimits;
use sqlx::PgConnection;

/// How exact `last_seen_at` is: a session in use is not written at every request.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(30);

/// A session that is alive.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// Names it in lists; opens nothing.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// When it began: when the person logged in at the provider, where the provider says so.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to half a minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// The class of authentication that the provider vouched for.
    pub acr: String,
    /// When a passkey was last used in it.
    pub passkey_at: Option<DateTime<Utc>>,
    /// When a recovery code was used in it.
    pub recovered_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Was a passkey used in it after `since`?
    #[must_use]
    pub fn confirmed_after(&self, since: DateTime<Utc>) -> bool {
        self.passkey_at.is_some_and(|at| at > since)
    }
}

/// What a provider said at the login.
#[derive(Clone, Default)]
pub struct Origin {
    /// The provider's own session.
    pub sid: Option<String>,
    /// The class of authentication.
    pub acr: String,
    /// The ID token, where the provider's logout wants it back.
    pub logout_hint: Option<String>,
    /// When the person proved there who they are: long ago for whoever still had a session at the provider and was not asked.
    pub authenticated_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Origin {
    // The ID token says who it is, and either ends a session at the provider.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin").field("acr", &self.acr).finish_non_exhaustive()
    }
}

const ALIVE: &str = "s.ended_at is null and s.expires_at > $2 and s.last_seen_at > $2 - $3";
const COLUMNS: &str =
    "s.id, s.account_id, s.created_at, s.last_seen_at, s.expires_at, s.acr, s.passkey_at, s.recovered_at";

fn idle(limits: SessionLimits) -> TimeDelta {
    TimeDelta::minutes(limits.idle_minutes.into())
}

/// Begins a session and returns its token, which is stored nowhere.
///
/// # Errors
/// When the database does not answer, or the system has no randomness.
pub async fn begin(
    conn: &mut PgConnection,
    account_id: &str,
    origin: &Origin,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let token = random::secret()?;
    sqlx::query(
        "insert into session (id, token_hash, account_id, provider_sid, acr, logout_hint, created_at, last_seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $9, $7, $8)",
    )
    .bind(random::word::<16>()?)
    .bind(random::hash(&token))
    .bind(account_id)
    .bind(&origin.sid)
    .bind(&origin.acr)
    .bind(&origin.logout_hint)
    .bind(now)
    .bind(now + TimeDelta::hours(limits.absolute_hours.into()))
    // A provider may say anything, years that no database has among it.
    .bind(origin.authenticated_at.map_or(now, |at| at.max(DateTime::UNIX_EPOCH).min(now)))
    .execute(conn)
    .await?;
    Ok(token)
}

/// The session of `token`, if it is alive and its account may be used.
///
/// # Errors
/// When the database does not answer.
pub async fn of_token(
    conn: &mut PgConnection,
    token: &str,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Session>> {
    let query = format!(
        "select {COLUMNS} from session s join account a on a.id = s.account_id
         where s.token_hash = $1 and {ALIVE} and a.disabled_at is null"
    );
    let found: Option<Session> = sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(random::hash(token))
        .bind(now)
        .bind(idle(limits))
        .fetch_optional(&mut *conn)
        .await?;
    if let Some(session) = found.as_ref().filter(|s| now - s.last_seen_at > SEEN_EVERY) {
        sqlx::query("update session set last_seen_at = $2 where id = $1 and ended_at is null")
            .bind(&session.id)
            .bind(now)
            .execute(conn)
            .await?;
    }
    Ok(found)
}

/// The living sessions of an account, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_account(
    conn: &mut PgConnection,
    account_id: &str,
    limits: SessionLimits,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Session>> {
    let query = format!(
        "select {COLUMNS} from session s where s.account_id = $1 and {ALIVE} order by s.created_at desc, s.id"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(account_id)
        .bind(now)
        .bind(idle(limits))
        .fetch_all(conn)
        .await
}

/// A passkey was used in this session, so nothing has to be recovered any more. `false`: it ended meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn confirmed(conn: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let used = sqlx::query(
        "update session set passkey_at = $2, recovered_at = null where id = $1 and ended_at is null",
    );
    Ok(used.bind(id).bind(now).execute(conn).await?.rows_affected() > 0)
}

/// A recovery code was used in this session.
///
/// # Errors
/// When the database does not answer.
pub async fn recovered(conn: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query("update session set recovered_at = $2 where id = $1 and ended_at is null")
        .bind(id)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
}

/// Which sessions of an account end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// This one.
    One(&'a str),
    /// All but this one.
    Others(&'a str),
}

/// Ends sessions of `account_id`, of nobody else. Returns the hints that the provider's logout wants, one an ended session.
///
/// # Errors
/// When the database does not answer.
pub async fn end(
    conn: &mut PgConnection,
    account_id: &str,
    which: Which<'_>,
    reason: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Option<String>>> {
    let (id, others) = match which {
        Which::One(id) => (id, false),
        Which::Others(id) => (id, true),
    };
    // `returning` gives the new row: the hint is read from the old one.
    sqlx::query_scalar(
        "with old as (select id, logout_hint from session
                       where account_id = $1 and ended_at is null and ((id = $2) <> $3) for update)
         update session s set ended_at = $4, end_reason = $5, logout_hint = null from old where s.id = old.id
         returning old.logout_hint",
    )
    .bind(account_id)
    .bind(id)
    .bind(others)
    .bind(now)
    .bind(reason)
    .fetch_all(conn)
    .await
}

/// What a provider says is over.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who says so.
    pub issuer: String,
    /// Whose sessions.
    pub subject: String,
    /// Only those of this session of the provider; all of the person where it is not said.
    pub sid: Option<String>,
    /// When it was said: sessions that began later are others.
    pub at: DateTime<Utc>,
}

impl std::fmt::Debug for Notice {
    // Without whose it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notice").field("issuer", &self.issuer).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Ends what a provider says is over. Returns whose each session was that ended.
///
/// # Errors
/// When the database does not answer.
pub async fn end_by_provider(
    conn: &mut PgConnection,
    notice: &Notice,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<PersonKey>> {
    sqlx::query_scalar(
        "update session s set ended_at = $5, end_reason = 'provider', logout_hint = null
          from account a
         where a.id = s.account_id and a.issuer = $1 and a.subject = $2 and s.ended_at is null
           and ($3::text is null or s.provider_sid = $3) and s.created_at <= $4
        returning a.key",
    )
    .bind(&notice.issuer)
    .bind(&notice.subject)
    .bind(&notice.sid)
    // Both clocks run; a logout a moment after the login is one of that session.
    .bind(notice.at + TimeDelta::seconds(5))
    .bind(now)
    .fetch_all(conn)
    .await
}

/// Ends all sessions, of everybody: a backup that was restored has those that ended after its moment as if they had not, and
/// nobody can tell them from the others. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn end_all(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "update session set ended_at = $1, end_reason = 'restored', logout_hint = null, passkey_at = null, recovered_at = null
          where ended_at is null",
    )
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes what ended, or could not be used any more, before `before`. Returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(
    conn: &mut PgConnection,
    limits: SessionLimits,
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "delete from session where coalesce(ended_at, least(expires_at, last_seen_at + $2)) <= $1",
    )
    .bind(before)
    .bind(idle(limits))
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends the session of a token, whoever has it. Returns whose it was, if it had not ended.
///
/// # Errors
/// When the database does not answer.
pub async fn end_of_token(
    conn: &mut PgConnection,
    token: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<PersonKey>> {
    sqlx::query_scalar(
        "update session s set ended_at = $2, end_reason = $3, logout_hint = null from account a
          where s.token_hash = $1 and s.ended_at is null and a.id = s.account_id returning a.key",
    )
    .bind(random::hash(token))
    .bind(now)
    .bind(reason)
    .fetch_optional(conn)
    .await
}
