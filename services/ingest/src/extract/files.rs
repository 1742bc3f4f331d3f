//! The files of an extract.

use super::gather::{Gathered, Quarantined};
use crate::body::pack;
use crate::source::Source;
use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::Step;
use std::collections::BTreeMap;
use store::sources::Retrieval;

/// A time as the files write it: `2025-01-08T17:15:12Z`.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A table as CSV with `\n` at line ends.
pub(crate) fn csv<R, C>(header: &[&str], rows: impl IntoIterator<Item = R>) -> anyhow::Result<Vec<u8>>
where
    R: IntoIterator<Item = C>,
    C: AsRef<[u8]>,
{
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.into_inner().map_err(|e| e.into_error())?)
}

/// One packed table a signal: its name, its number of rows, its bytes.
pub(super) fn observations(
    source: &Source,
    found: &Gathered,
) -> anyhow::Result<Vec<(String, usize, Vec<u8>)>> {
    let mut by_signal: BTreeMap<&str, Vec<[String; 6]>> = BTreeMap::new();
    for ((signal, place, date), issues) in &found.cells {
        for issue in issues {
            let retrieval = found.retrievals.get(issue.payload).context("a row of no payload")?;
            by_signal.entry(signal.as_str()).or_default().push([
                place.to_string(),
                date.to_string(),
                time(issue.issued_at),
                issue.value.map_or_else(String::new, |v| v.to_string()),
                issue.status.to_string(),
                retrieval.id.clone(),
            ]);
        }
    }
    let header = ["place", "reference_date", "issued_at", "value", "status", "retrieval"];
    let pack_one = |(signal, rows): (&str, Vec<[String; 6]>)| {
        let table = csv(&header, &rows).with_context(|| format!("{} {signal}", source.id))?;
        Ok((signal.to_owned(), rows.len(), pack(&table)))
    };
    by_signal.into_iter().map(pack_one).collect()
}

pub(super) fn retrievals(mut all: Vec<Retrieval>) -> anyhow::Result<Vec<u8>> {
    all.sort_by(|a, b| (&a.source_id, a.retrieved_at, &a.id).cmp(&(&b.source_id, b.retrieved_at, &b.id)));
    let header = ["id", "source", "url", "recorded_as", "retrieved_at", "sha256", "bytes", "parser"];
    let rows = all.into_iter().map(|r| {
        [
            r.id,
            r.source_id,
            r.url,
            r.recorded_as,
            time(r.retrieved_at),
            r.sha256,
            r.bytes.to_string(),
            r.parser,
        ]
    });
    csv(&header, rows)
}

pub(super) fn quarantine(mut all: Vec<Quarantined>) -> anyhow::Result<Vec<u8>> {
    all.sort();
    let header = ["retrieval", "recorded_as", "reason", "rows", "whole", "noticed_at"];
    let row = |q: Quarantined| {
        [q.retrieval, q.recorded_as, q.reason, q.rows.to_string(), q.whole.to_string(), time(q.noticed_at)]
    };
    csv(&header, all.into_iter().map(row))
}

pub(super) fn skipped(mut all: Vec<(String, String, String, u64)>) -> anyhow::Result<Vec<u8>> {
    all.sort();
    csv(
        &["source", "recorded_as", "reason", "rows"],
        all.into_iter().map(|(s, p, r, n)| [s, p, r, n.to_string()]),
    )
}

pub(super) fn sources(all: &[&Source]) -> anyhow::Result<Vec<u8>> {
    let header = [
        "id",
        "publisher",
        "title",
        "page_url",
        "cadence",
        "licence",
        "licence_url",
        "credit",
        "redistributable",
        "issue_time",
        "steps",
    ];
    let row = |s: &&Source| {
        let yes = if s.may_be_carried() { "true" } else { "false" };
        [
            s.id,
            s.publisher,
            s.title,
            s.page_url,
            s.cadence.as_str(),
            s.licence,
            s.licence_url,
            s.credit,
            yes,
            s.issue_time,
        ]
        .map(str::to_owned)
        .into_iter()
        .chain([s.transformations().into_iter().map(Step::as_str).collect::<Vec<_>>().join(" ")])
    };
    csv(&header, all.iter().map(row))
}
