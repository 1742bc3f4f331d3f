//! Whole tables as CSV, in an order of their own: two databases that say the same export the same bytes.

use futures_util::StreamExt as _;
use sqlx::PgConnection;
use std::io::Write;

/// What is exported: a name, and the query. Left out is what no publisher said: numbers that only count rows, and
/// which files were loaded when. The order is that of bytes, whatever the database's language.
pub const TABLES: [(&str, &str); 7] = [
    ("source", r#"select * from source order by id collate "C""#),
    ("place", r#"select * from place order by id collate "C""#),
    ("retrieval", r#"select * from retrieval order by id collate "C""#),
    (
        "observation",
        r#"select signal_id, place_id, source_id, reference_date, issued_at, seen_at, value, status, retrieval_id
             from observation
            order by signal_id collate "C", source_id collate "C", place_id collate "C", reference_date, issued_at"#,
    ),
    (
        "quarantine",
        r#"select source_id, retrieval_id, reason, row_count, noticed_at, whole from quarantine
            order by retrieval_id collate "C", reason collate "C""#,
    ),
    ("release", r#"select * from release order by retrieval_id collate "C""#),
    ("source_check", r#"select * from source_check order by source_id collate "C", checked_at"#),
];

/// Writes one of [`TABLES`] to `out` as it comes, times in UTC, and returns how many bytes that were.
///
/// # Errors
/// When the database does not answer, or `out` refuses ([`sqlx::Error::Io`]).
pub async fn csv(
    conn: &mut PgConnection,
    query: &'static str,
    out: &mut (dyn Write + Send),
) -> sqlx::Result<u64> {
    let mut bytes = 0;
    let mut rows = conn.copy_out_raw(&format!("copy ({query}) to stdout with (format csv, header)")).await?;
    while let Some(piece) = rows.next().await {
        let piece = piece?;
        out.write_all(&piece)?;
        bytes += piece.len() as u64;
    }
    Ok(bytes)
}
