//! What was done, by whom: rows that are never changed, each with a hash over itself and the one before it.

use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, serde::Serialize, sqlx::FromRow)]
pub struct Entry {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom: a pseudonym, or `command`, `provider`.
    pub actor: String,
    /// What: `account.disable`.
    pub action: String,
    /// To whom: a pseudonym.
    pub about: String,
    /// More, without anything personal.
    pub detail: Value,
    /// The hash of the entry before; of the first one, 32 zero bytes.
    #[serde(serialize_with = "hex")]
    pub previous: Vec<u8>,
    /// SHA-256 of all the rest. Whoever notes that of the newest entry finds out later whether entries were taken away after it.
    #[serde(serialize_with = "hex")]
    pub hash: Vec<u8>,
}

fn hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&store::chain::hex(bytes))
}

impl Entry {
    /// Each field with its length before it: no two entries give the same bytes.
    fn digest(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        let (seq, at, detail) = (self.seq.to_string(), self.at.to_rfc3339(), self.detail.to_string());
        for field in [&seq, &at, &self.actor, &self.action, &self.about, &detail] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        hash.update(&self.previous);
        hash.finalize().to_vec()
    }
}

/// Only one appends at a time: the chain has one end.
const LOCK: i64 = 0x7669_6769_6561_7564;

/// Appends an entry within the caller's transaction: what was done and its entry are both there, or neither.
///
/// # Errors
/// When the database does not answer.
pub async fn append(
    conn: &mut PgConnection,
    at: DateTime<Utc>,
    actor: &str,
    action: &str,
    about: &str,
    detail: Value,
) -> sqlx::Result<()> {
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *conn).await?;
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("select seq, hash from audit order by seq desc limit 1")
            .fetch_optional(&mut *conn)
            .await?;
    let (seq, previous) = match last {
        Some(last) => last,
        None => base(&mut *conn).await?,
    };
    let mut entry = Entry {
        seq: seq + 1,
        // As exact as the database keeps it, or the hash would not be that of what is read again.
        at: at.trunc_subsecs(6),
        actor: actor.to_owned(),
        action: action.to_owned(),
        about: about.to_owned(),
        detail,
        previous,
        hash: Vec::new(),
    };
    entry.hash = entry.digest();
    sqlx::query(
        "insert into audit (seq, at, actor, action, about, detail, previous, hash) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.seq)
    .bind(entry.at)
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.about)
    .bind(entry.detail)
    .bind(entry.previous)
    .bind(entry.hash)
    .execute(conn)
    .await
    .map(drop)
}

/// The audit by a credential of its own: a role that may add entries and read them, and nothing else. The service's own role
/// may not add any.
#[derive(Clone)]
pub struct Own(PgPool);

impl std::fmt::Debug for Own {
    // Without the address, which has a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own")
    }
}

impl Own {
    /// By the address of that role; it connects when it is first used.
    ///
    /// # Errors
    /// When `url` is no address of a PostgreSQL database.
    pub fn at(url: &str) -> sqlx::Result<Self> {
        let options: sqlx::postgres::PgConnectOptions = url.parse()?;
        // The chain has one end: two would wait for each other.
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
        Ok(Self(pool))
    }

    /// Its database.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.0
    }
}

/// Appends an entry by the audit's own credential where there is one: it is written before the caller's transaction is, so
/// nothing is done without its entry; one whose deed then failed may stand in the chain. Without one, as [`append`].
///
/// # Errors
/// When the database does not answer.
pub async fn write(
    conn: &mut PgConnection,
    own: Option<&Own>,
    at: DateTime<Utc>,
    actor: &str,
    action: &str,
    about: &str,
    detail: Value,
) -> sqlx::Result<()> {
    let Some(Own(pool)) = own else { return append(conn, at, actor, action, about, detail).await };
    let mut tx = pool.begin().await?;
    append(&mut tx, at, actor, action, about, detail).await?;
    tx.commit().await
}

/// At most `most` entries before `before` (the newest without it), the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut PgConnection, before: Option<i64>, most: i64) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as("select * from audit where $1::bigint is null or seq < $1 order by seq desc limit $2")
        .bind(before)
        .bind(most)
        .fetch_all(conn)
        .await
}

/// Where the chain begins: before its first entry, or at the last one that was let go.
async fn base(conn: &mut PgConnection) -> sqlx::Result<(i64, Vec<u8>)> {
    let base = sqlx::query_as("select seq, hash from audit_base order by seq desc limit 1");
    Ok(base.fetch_optional(conn).await?.unwrap_or((0, vec![0; 32])))
}

/// Lets the entries before `before` go, from the beginning up to the first younger one, and writes down where the chain
/// begins now. Returns how many went.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(conn: &mut PgConnection, before: DateTime<Utc>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    sqlx::query("select pg_advisory_xact_lock($1), set_config('vigie.older', $2, true)")
        .bind(LOCK)
        .bind(before.to_rfc3339())
        .execute(&mut *conn)
        .await?;
    let gone = sqlx::query(
        "with young as (select coalesce(min(seq), 9223372036854775807) as first from audit where at >= $1),
              kept as (insert into audit_base (seq, hash, at)
                       select seq, hash, $2 from audit where seq < (select first from young) order by seq desc limit 1)
         delete from audit where seq < (select first from young)",
    )
    .bind(before)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All of it fits; the number of the last entry and its hash, to be kept elsewhere: who could write the whole table
    /// could make a whole new chain.
    Whole(i64, Vec<u8>),
    /// The entry with this number was changed, or one before it is missing.
    Broken(i64),
    /// What is there fits, up to this entry, and the hash that was noted earlier is not in it.
    Cut(i64),
}

/// Reads a hash that was noted once, as people keep one: with the end of its line, in large letters.
///
/// # Errors
/// When it is none: nothing was cut then, and nobody should be told so.
pub fn noted(text: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("a hash is 64 hexadecimal digits".to_owned())
}

/// What [`Verdict::Cut`] means, as a sentence.
#[must_use]
pub fn cut(last: i64) -> String {
    format!(
        "the audit was cut or made anew: it fits up to entry {last}, and the hash that was noted is of none of its entries \
         (or of one that is older than the country keeps them)"
    )
}

/// Reads the chain from its beginning. A chain whose last entries were taken away fits: only a hash that was `noted` elsewhere,
/// in hexadecimal digits, shows it.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(db: &PgPool, noted: Option<&str>) -> sqlx::Result<Verdict> {
    let (mut seq, mut hash) = base(&mut *db.acquire().await?).await?;
    let is_noted =
        |hash: &[u8]| noted.is_none_or(|noted| noted.eq_ignore_ascii_case(&store::chain::hex(hash)));
    let mut seen = is_noted(&hash);
    loop {
        let page: Vec<Entry> = sqlx::query_as("select * from audit where seq > $1 order by seq limit 1000")
            .bind(seq)
            .fetch_all(db)
            .await?;
        if page.is_empty() {
            return Ok(if seen { Verdict::Whole(seq, hash) } else { Verdict::Cut(seq) });
        }
        for entry in page {
            if entry.seq != seq + 1 || entry.previous != hash || entry.hash != entry.digest() {
                return Ok(Verdict::Broken(entry.seq));
            }
            (seq, hash) = (entry.seq, entry.hash);
            seen |= is_noted(&hash);
        }
    }
}
