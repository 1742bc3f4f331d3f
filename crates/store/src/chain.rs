//! The chain of digests over everything that was forecast and scored (`docs/decisions/0013-hash-chain.md`): which bytes
//! a digest is of, the next link, and what a check of the chain has to read.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, Row as _};
use std::fmt::Write as _;

/// What a link is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A run with all its results.
    Run(&'a str),
    /// The scores that were stored together.
    Scores(i64),
}

/// A link, as it is stored. Digests are SHA-256, 32 bytes.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Link {
    /// 1, 2, 3, … without a gap.
    pub seq: i64,
    /// `run` or `scores`.
    pub kind: String,
    /// The run, of a link of kind `run`.
    pub run_id: Option<String>,
    /// The pass, of a link of kind `scores`.
    pub pass: Option<i64>,
    /// Was it stored before there was a chain?
    pub existing: bool,
    /// A line a table: its name, how many rows, the digest of these rows in hex.
    pub parts: String,
    /// The digest of `parts`.
    pub content: Vec<u8>,
    /// The digest of the link before; zeros in the first.
    pub previous: Vec<u8>,
    /// When it was linked, as text: what somebody changed need not be a time.
    #[sqlx(rename = "linked_text")]
    pub linked_at: Option<String>,
    /// The digest that is stored.
    pub digest: Vec<u8>,
    /// The bytes that `digest` is of.
    pub bytes: Vec<u8>,
}

impl Link {
    /// What it is about; `None` when its columns do not say.
    #[must_use]
    pub fn subject(&self) -> Option<Subject<'_>> {
        match (self.kind.as_str(), &self.run_id, self.pass) {
            ("run", Some(run), None) => Some(Subject::Run(run)),
            ("scores", None, Some(pass)) => Some(Subject::Scores(pass)),
            _ => None,
        }
    }
}

/// The newest link: who keeps its digest can tell later whether anything before it was changed.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Head {
    /// How many links there are.
    pub seq: i64,
    /// Its digest, 32 bytes.
    pub digest: Vec<u8>,
    /// When it was linked.
    pub linked_at: DateTime<Utc>,
}

/// The run itself, and every table that has rows of it.
pub const RUN_TABLES: [&str; 8] = [
    "forecast_run",
    "forecast",
    "rt_estimate",
    "trend",
    "not_estimated",
    "growth_estimate",
    "arrival",
    "deaths_relation",
];
/// Tables that came after the chain: without a row they have no line, so that the links from before hold as they are.
const LATER: [&str; 4] = ["growth_estimate", "arrival", "deaths_relation", "spread_score"];
/// Every table that has rows of a pass.
pub const SCORE_TABLES: [&str; 2] = ["forecast_score", "spread_score"];

/// Columns are named, so that one that is added later changes no digest. The order is that of bytes, whatever the
/// database's language.
const OF_RUN: &str = r#"
    select part, bytes from (
        select 0 as part, '' as place, 0 as n, null::date as day, '' as word, record_send(p) as bytes
          from (select id, model_id, model_version, signal_id, source_id, as_of, reference_date, data_vintage, data_hash,
                       source_hash, created_at from forecast_run where id = $1) p
        union all
        select 1, place_id, horizon, null, '', record_send(p)
          from (select run_id, place_id, horizon, target_end_date, quantiles from forecast where run_id = $1) p
        union all
        select 2, place_id, 0, window_end, '', record_send(p)
          from (select run_id, place_id, window_start, window_end, mean, sd, q025, q25, q50, q75, q975
                  from rt_estimate where run_id = $1) p
        union all
        select 3, place_id, horizon, null, '', record_send(p)
          from (select run_id, place_id, horizon, large_decrease, decrease, stable, increase, large_increase, rises
                  from trend where run_id = $1) p
        union all
        select 4, place_id, 0, null, question, record_send(p)
          from (select run_id, place_id, question, reason from not_estimated where run_id = $1) p
        union all
        select 5, place_id, 0, window_end, '', record_send(p)
          from (select run_id, place_id, window_end, dated, mean, sd, q025, q25, q50, q75, q975, rises, passed, known,
                       known_025, known_975
                  from growth_estimate where run_id = $1) p
        union all
        select 6, place_id, horizon, null, '', record_send(p)
          from (select run_id, place_id, horizon, state, probability from arrival where run_id = $1) p
        union all
        select 7, place_id, 0, null, '', record_send(p)
          from (select run_id, place_id, follows, ratio_025, ratio_50, ratio_975, delay, delay_low, delay_high, tried_low,
                       tried_high
                  from deaths_relation where run_id = $1) p
    ) every order by part, place collate "C", n, day, word collate "C""#;

const OF_PASS: &str = r#"
    select part, bytes from (
        select 0 as part, run_id, place_id, horizon, truth_issued_at, record_send(p) as bytes
          from (select run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, truth, wis,
                       baseline_wis, covered_50, covered_80, covered_95, replayed, scored_at
                  from forecast_score where pass = $1) p
        union all
        select 1, run_id, place_id, horizon, truth_issued_at, record_send(p)
          from (select run_id, place_id, horizon, signal_id, origin, target_end_date, truth_issued_at, class, rps,
                       rps_climatology, rises, rises_brier, rises_climatology, arrives, arrives_brier, arrives_climatology,
                       replayed, scored_at
                  from spread_score where pass = $1) p
    ) every order by part, run_id collate "C", place_id collate "C", horizon, truth_issued_at"#;

/// The rows of a run or a pass as they are stored now, a line a table: its name, how many rows, the SHA-256 of these
/// rows in hex; none of a table that came after the chain and has no row. Rows are read one by one.
///
/// # Errors
/// When the database does not answer.
pub async fn parts(conn: &mut PgConnection, of: Subject<'_>) -> sqlx::Result<String> {
    let (mut rows, tables) = match of {
        Subject::Run(id) => (sqlx::query(OF_RUN).bind(id).fetch(conn), &RUN_TABLES[..]),
        Subject::Scores(pass) => (sqlx::query(OF_PASS).bind(pass).fetch(conn), &SCORE_TABLES[..]),
    };
    let mut found: Vec<(u64, Sha256)> = vec![(0, Sha256::new()); tables.len()];
    while let Some(row) = rows.try_next().await? {
        let part: i32 = row.try_get("part")?;
        if let Some((count, hash)) = usize::try_from(part).ok().and_then(|part| found.get_mut(part)) {
            *count += 1;
            hash.update(row.try_get::<&[u8], _>("bytes")?);
        }
    }
    let lines = tables
        .iter()
        .zip(found)
        .filter(|(table, (count, _))| *count > 0 || !LATER.contains(table))
        .map(|(table, (count, hash))| format!("{table} {count} {}", hex(&hash.finalize())));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// SHA-256.
#[must_use]
pub fn digest(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// Bytes as people write them.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Adds the link of what was just stored, as the last thing in its transaction: from here to the end of the
/// transaction no other session can add one, so that the chain never forks.
///
/// # Errors
/// When the database refuses it.
pub(crate) async fn append(conn: &mut PgConnection, of: Subject<'_>) -> sqlx::Result<()> {
    let parts = parts(&mut *conn, of).await?;
    let (kind, run, pass) = match of {
        Subject::Run(id) => ("run", Some(id), None),
        Subject::Scores(pass) => ("scores", None, Some(pass)),
    };
    sqlx::query("select pg_advisory_xact_lock(hashtext('vigie chain'))").execute(&mut *conn).await?;
    // A statement of its own: it sees what the session before has committed.
    sqlx::query(
        "insert into chain_link
             select l.*, sha256(record_send(l))
               from (select coalesce(h.seq, 0) + 1 as seq, $1::text as kind, $2::text as run_id, $3::bigint as pass,
                            false as existing, $4::text as parts, sha256(convert_to($4, 'UTF8')) as content,
                            coalesce(h.digest, decode(repeat('00', 32), 'hex')) as previous,
                            clock_timestamp() as linked_at
                       from (select) one left join (select seq, digest from chain_link order by seq desc limit 1) h
                         on true) l",
    )
    .bind(kind)
    .bind(run)
    .bind(pass)
    .bind(&parts)
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// The newest link; `None` before the first.
///
/// # Errors
/// When the database does not answer.
pub async fn head(conn: &mut PgConnection) -> sqlx::Result<Option<Head>> {
    sqlx::query_as("select seq, digest, linked_at from chain_link order by seq desc limit 1")
        .fetch_optional(conn)
        .await
}

/// At most `limit` links after `seq`, in order.
///
/// # Errors
/// When the database does not answer.
pub async fn after(conn: &mut PgConnection, seq: i64, limit: i64) -> sqlx::Result<Vec<Link>> {
    sqlx::query_as(
        r#"select l.*, d.digest, record_send(l) as bytes,
                  to_char(l.linked_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as linked_text
             from (select seq, kind, run_id, pass, existing, parts, content, previous, linked_at from chain_link) l
             join chain_link d on d.seq = l.seq
            where l.seq > $1 order by l.seq limit $2"#,
    )
    .bind(seq)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// How many links are stored.
///
/// # Errors
/// When the database does not answer.
pub async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from chain_link").fetch_one(conn).await
}

/// What is stored and has no link: the id of a run, and a pass of scores with how many there are.
///
/// # Errors
/// When the database does not answer.
pub async fn unlinked(conn: &mut PgConnection) -> sqlx::Result<(Option<String>, Option<(i64, i64)>)> {
    let run = sqlx::query_scalar(
        "select id from forecast_run r where not exists (select from chain_link where run_id = r.id)
          order by created_at, id limit 1",
    )
    .fetch_optional(&mut *conn)
    .await?;
    let scores = sqlx::query_as(
        "select pass, count(*) from (select pass from forecast_score union all select pass from spread_score) s
          where not exists (select from chain_link where pass = s.pass)
          group by pass order by pass limit 1",
    )
    .fetch_optional(conn)
    .await?;
    Ok((run, scores))
}

/// Results of runs that are not there: the table, the run, how many rows.
///
/// # Errors
/// When the database does not answer.
pub async fn orphan(conn: &mut PgConnection) -> sqlx::Result<Option<(String, String, i64)>> {
    sqlx::query_as(
        "select name, run_id, count(*)
           from (select 'forecast' as name, run_id from forecast union all select 'rt_estimate', run_id from rt_estimate
                 union all select 'growth_estimate', run_id from growth_estimate
                 union all select 'trend', run_id from trend union all select 'not_estimated', run_id from not_estimated
                 union all select 'arrival', run_id from arrival
                 union all select 'deaths_relation', run_id from deaths_relation) r
          where not exists (select from forecast_run where id = run_id)
          group by name, run_id order by name, run_id limit 1",
    )
    .fetch_optional(conn)
    .await
}
