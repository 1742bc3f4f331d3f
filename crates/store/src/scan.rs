//! A whole signal in one query: binary `COPY` out of the database, in the order of the places asked for. Ten times as fast
//! as asking place by place, in constant memory, and as of one moment. It keeps its connection until it is read to the end.

mod copied;

use self::copied::{HEADER, broken, decode};
use crate::series::KnownBy;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use domain::Status;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};

/// One row per cell, or one per issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As known at the time asked for, or `lag` days after each reference date.
    Known {
        /// Days.
        lag: Option<i32>,
    },
    /// Every issue.
    Issues,
}

impl Mode {
    /// The lag, where there is one.
    #[must_use]
    pub fn lag(self) -> Option<i32> {
        match self {
            Self::Known { lag } => lag,
            Self::Issues => None,
        }
    }
}

/// What is read.
#[derive(Debug, Clone)]
pub struct Question {
    /// First and last reference date, both inside.
    pub span: (Option<NaiveDate>, Option<NaiveDate>),
    /// What was known.
    pub as_of: DateTime<Utc>,
    /// By which time.
    pub by: KnownBy,
    /// Which issues.
    pub mode: Mode,
}

/// A row, with numbers for what repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Which of the series asked for, from 0.
    pub series: u32,
    /// The key of its payload.
    pub payload: i32,
    /// What the value is about, in days from 1970.
    pub date: i32,
    /// A kind of value.
    pub status: Status,
    /// When the publisher issued it, in microseconds from 1970.
    pub issued_at: i64,
    /// When this platform first had it.
    pub seen_at: i64,
    /// The number, where the status has one.
    pub value: Option<f64>,
}

/// A moment of the database of which everything is then read.
///
/// # Errors
/// When the database does not answer.
pub async fn moment(conn: &mut PgConnection) -> sqlx::Result<Transaction<'_, Postgres>> {
    conn.begin_with("begin isolation level repeatable read read only").await
}

/// The keys of the series of `signal` for pairs of source and place, in their order; 0 where there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn series(
    conn: &mut PgConnection,
    signal: &str,
    sources: &[&str],
    places: &[&str],
) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar(
        "select coalesce(s.key, 0)
           from unnest($2::text[], $3::text[]) with ordinality as n (source_id, place_id, i)
           left join series s on s.signal_id = $1 and s.source_id = n.source_id and s.place_id = n.place_id
          order by n.i",
    )
    .bind(signal)
    .bind(sources)
    .bind(places)
    .fetch_all(conn)
    .await
}

/// The payloads of some sources: their keys and ids.
///
/// # Errors
/// When the database does not answer.
pub async fn payloads(conn: &mut PgConnection, sources: &[&str]) -> sqlx::Result<Vec<(i32, String)>> {
    sqlx::query_as(
        "select p.key, p.retrieval_id from payload p join retrieval r on r.id = p.retrieval_id
          where r.source_id = any($1)",
    )
    .bind(sources)
    .fetch_all(conn)
    .await
}

/// Rows as they come: by series, date and issue time.
pub struct Scan<'c> {
    pieces: BoxStream<'c, sqlx::Result<Bytes>>,
    /// The beginning of a row whose end is in the next piece.
    left: Vec<u8>,
    begun: bool,
    /// The issues of one cell, the last one first, as the index has them.
    cell: Vec<Row>,
}

impl std::fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl<'c> Scan<'c> {
    /// Asks for `series` (keys, in the order in which their rows are wanted).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(conn: &'c mut PgConnection, series: &[i32], q: &Question) -> sqlx::Result<Self> {
        let pieces = conn.copy_out_raw(&statement(series, q)).await?;
        Ok(Self { pieces, left: Vec::new(), begun: false, cell: Vec::new() })
    }

    /// Adds the next rows to `rows`, until it has about `most`; `false` at the end.
    ///
    /// # Errors
    /// When the database does not answer, or does not answer in order.
    pub async fn next(&mut self, rows: &mut Vec<Row>, most: usize) -> sqlx::Result<bool> {
        while rows.len() < most {
            let Some(piece) = self.pieces.next().await else {
                self.end_cell(rows);
                return if self.left.is_empty() { Ok(false) } else { Err(broken("ends inside a row")) };
            };
            self.take(&piece?, rows)?;
        }
        Ok(true)
    }

    fn take(&mut self, piece: &[u8], rows: &mut Vec<Row>) -> sqlx::Result<()> {
        let joined;
        let mut bytes = piece;
        if !self.left.is_empty() {
            self.left.extend_from_slice(piece);
            joined = std::mem::take(&mut self.left);
            bytes = &joined;
        }
        if !self.begun {
            let Some(rest) = bytes.get(HEADER..) else {
                self.left = bytes.to_vec();
                return Ok(());
            };
            (bytes, self.begun) = (rest, true);
        }
        loop {
            let mut rest = bytes;
            match decode(&mut rest) {
                None => break,
                Some(row) => match row? {
                    Some(row) => self.push(row, rows)?,
                    None => return Ok(()),
                },
            }
            bytes = rest;
        }
        self.left = bytes.to_vec();
        Ok(())
    }

    fn push(&mut self, row: Row, rows: &mut Vec<Row>) -> sqlx::Result<()> {
        if let Some(last) = self.cell.last() {
            match (row.series, row.date).cmp(&(last.series, last.date)) {
                std::cmp::Ordering::Less => return Err(broken("is not in order")),
                std::cmp::Ordering::Equal if row.issued_at >= last.issued_at => {
                    return Err(broken("is not in order of issue"));
                }
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => self.end_cell(rows),
            }
        }
        self.cell.push(row);
        Ok(())
    }

    fn end_cell(&mut self, rows: &mut Vec<Row>) {
        rows.extend(self.cell.drain(..).rev());
    }
}

/// In the order of the index, so that nothing is sorted: the inner order keeps the inner query by itself, and a join of it
/// with numbered rows keeps both orders. Nobody promises that, so it is checked row by row.
fn statement(series: &[i32], q: &Question) -> String {
    let at = q.as_of.to_rfc3339_opts(SecondsFormat::Micros, true);
    let sight = |limit: &str| match q.by {
        KnownBy::Issue => String::new(),
        KnownBy::Sight => format!(" and seen_at {limit}"),
    };
    let mut wanted = format!("issued_at <= '{at}'{}", sight(&format!("<= '{at}'")));
    if let Some(from) = q.span.0 {
        wanted += &format!(" and reference_date >= '{from}'");
    }
    if let Some(to) = q.span.1 {
        wanted += &format!(" and reference_date <= '{to}'");
    }
    let distinct = match q.mode {
        Mode::Issues => "",
        Mode::Known { lag } => {
            if let Some(lag) = lag {
                let day = q.as_of.date_naive();
                let end = format!("< (reference_date + {lag} + 1)::timestamp at time zone 'UTC'");
                wanted +=
                    &format!(" and reference_date + {lag} <= '{day}' and issued_at {end}{}", sight(&end));
            }
            "distinct on (reference_date)"
        }
    };
    let keys: Vec<String> = series.iter().map(i32::to_string).collect();
    format!(
        "copy (select (w.at - 1)::integer, o.payload_key, o.reference_date, o.status, o.issued_at, o.seen_at, o.value
                 from unnest('{{{}}}'::integer[]) with ordinality w (key, at)
                cross join lateral (select {distinct} * from observation_row
                                     where series_key = w.key and {wanted}
                                     order by reference_date, issued_at desc) o
                order by w.at)
           to stdout (format binary)",
        keys.join(",")
    )
}
