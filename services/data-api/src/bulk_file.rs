//! Builds the bulk files, once for each state of the figures.
//!
//! A file has no name: it is unlinked as soon as it is open, so that no end of the process, however sudden, leaves
//! one behind.

use crate::body::Shape;
use crate::parquet_file;
use crate::reader::{Mode, Reader, Target};
use crate::respond::{Format, piece, values};
use anyhow::Context as _;
use axum::body::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::Signal;
use flate2::{Compression, GzBuilder};
use futures_util::{Stream, stream};
use kit::{App, Problem};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, Semaphore};

/// A file that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    file: Arc<File>,
    state: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    /// When this state of the figures was first met.
    pub(crate) since: DateTime<Utc>,
}

/// Which file.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) signal: &'a Signal,
    /// Every issue, or one row a cell.
    pub(crate) all: bool,
    pub(crate) kind: Kind,
    /// A day and its end; `None`: as of the platform's clock.
    pub(crate) vintage: Option<(NaiveDate, DateTime<Utc>)>,
}

impl Wanted<'_> {
    fn name(&self) -> String {
        let (id, suffix) = (&self.signal.id, self.kind.suffix());
        match self.vintage {
            Some((day, _)) => format!("{id}/{day}{suffix}"),
            None => format!("{id}{}{suffix}", if self.all { "-issues" } else { "" }),
        }
    }
}

/// Files of vintages that are kept; their number has no bound of its own.
const VINTAGES: usize = 32;

/// The files built so far, by name.
#[derive(Debug)]
pub(crate) struct Files {
    kept: Mutex<HashMap<String, Built>>,
    /// Files that are built for one request: not so many at once that they fill the disk.
    once: Semaphore,
}

impl Default for Files {
    fn default() -> Self {
        Self { kept: Mutex::default(), once: Semaphore::new(2) }
    }
}

impl Files {
    /// The file that is wanted; built when there is none of this state of the figures.
    /// One at a time: two builds at once would only compete for the same database.
    ///
    /// # Errors
    /// When the database does not answer or the disk is full.
    pub(crate) async fn get(&self, app: &App, wanted: &Wanted<'_>) -> Result<Built, Problem> {
        let mut files = self.kept.lock().await;
        let &Wanted { signal, all, kind, vintage } = wanted;
        let now = vintage.map_or_else(|| app.clock.now(), |v| v.1);
        let mut conn = app.db.acquire().await?;
        let coverage = store::series::coverage(&mut conn, Some(signal.id.as_str()), now).await?;
        let places = store::places::of_nation(&mut conn, app.profile.nation.as_str()).await?;
        drop(conn);
        let state = format!("{coverage:?} {}", places.len());
        let name = wanted.name();
        if let Some(built) = files.get(&name).filter(|b| b.state == state) {
            return Ok(built.clone());
        }
        let target = |p: &store::places::Place| {
            Some(Target { place: p.id.clone(), source: signal.source_at(&p.level)?.to_string() })
        };
        let targets = places.iter().filter_map(target).collect();
        let mode = if all { Mode::Issues } else { Mode::Known { lag: None } };
        let reader = Reader::new(app.db.clone(), signal.id.to_string(), targets, (None, None), now, mode);
        let built = build(reader, &Shape::new(app, signal), state, kind).await?;
        tracing::info!(file = name, rows = built.rows, bytes = built.bytes, "bulk file built");
        if vintage.is_some() {
            let mut old: Vec<_> = files.iter().filter(|(n, _)| n.contains('/')).collect();
            old.sort_by_key(|(_, built)| built.since);
            let surplus = (old.len() + 1).saturating_sub(VINTAGES);
            let gone: Vec<String> = old.into_iter().take(surplus).map(|(n, _)| n.clone()).collect();
            gone.iter().for_each(|n| drop(files.remove(n)));
        }
        files.insert(name, built.clone());
        Ok(built)
    }

    /// A Parquet file of what `reader` finds, for one request.
    ///
    /// # Errors
    /// When the database does not answer or the disk is full.
    pub(crate) async fn once(&self, reader: Reader, shape: &Shape) -> Result<Built, Problem> {
        let _turn = self.once.acquire().await.map_err(anyhow::Error::from)?;
        build(reader, shape, String::new(), Kind::Parquet).await
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Gzipped CSV.
    CsvGz,
    Parquet,
}

impl Kind {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::CsvGz => ".csv.gz",
            Self::Parquet => ".parquet",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::CsvGz => "application/gzip",
            Self::Parquet => parquet_file::MEDIA_TYPE,
        }
    }
}

/// An unlinked file that is being written, with its checksum.
struct Sink {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Sink {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(part).map_err(|e| {
            io::Error::new(e.kind(), format!("the bulk file cannot be written (is the disk full?): {e}"))
        })?;
        self.hash.update(&part[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes everything that `reader` finds into an unlinked file.
///
/// # Errors
/// When the database does not answer or the disk is full.
pub(crate) async fn build(
    mut reader: Reader,
    shape: &Shape,
    state: String,
    kind: Kind,
) -> Result<Built, Problem> {
    let sink = Sink { file: anonymous()?, hash: Sha256::new(), bytes: 0 };
    let (mut rows, since) = (0, kit::wall());
    let sink = match kind {
        Kind::CsvGz => {
            // No name and no time inside: the same figures give the same bytes, hence the same checksum.
            let mut gzip = GzBuilder::new().mtime(0).write(sink, Compression::default());
            let mut first = true;
            loop {
                let (lines, count) = piece(&mut reader, shape, Format::Csv, first).await?;
                gzip.write_all(&lines).map_err(anyhow::Error::from)?;
                (rows, first) = (rows + count, false);
                if count == 0 {
                    break gzip.finish();
                }
            }
        }
        Kind::Parquet => {
            let mut file = parquet_file::Writer::new(sink).map_err(anyhow::Error::from)?;
            loop {
                let values = values(&mut reader, shape).await?;
                values.iter().try_for_each(|v| file.push(&v.row())).map_err(anyhow::Error::from)?;
                rows += values.len() as u64;
                if values.is_empty() {
                    break file.finish();
                }
            }
        }
    };
    let Sink { file, hash, bytes } = sink.map_err(anyhow::Error::from)?;
    Ok(Built { file: Arc::new(file), state, sha256: hex::encode(hash.finalize()), bytes, rows, since })
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

fn anonymous() -> anyhow::Result<File> {
    let name = format!("vigie-bulk-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .with_context(|| format!("{} cannot be created (TMPDIR chooses the folder)", path.display()))?;
    std::fs::remove_file(&path).with_context(|| format!("{} cannot be unlinked", path.display()))?;
    Ok(file)
}

impl Built {
    /// The bytes from `start` up to and without `end`.
    pub(crate) fn stream(&self, start: u64, end: u64) -> impl Stream<Item = std::io::Result<Bytes>> + use<> {
        let file = Arc::clone(&self.file);
        stream::try_unfold(start, move |at| {
            let file = Arc::clone(&file);
            async move {
                let size = usize::try_from((end - at).min(64 * 1024)).unwrap_or(0);
                if size == 0 {
                    return Ok(None);
                }
                let mut buffer = vec![0; size];
                file.read_exact_at(&mut buffer, at)?;
                Ok(Some((Bytes::from(buffer), at + size as u64)))
            }
        })
    }
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// Nothing that we read, or several parts: the whole file is a right answer to both (RFC 9110, 14.2).
    Whole,
    /// From the first up to and without the second byte.
    Part(u64, u64),
    /// Beyond the end.
    Outside,
}

/// Reads a `Range` header for a file of `total` bytes.
pub(crate) fn range(header: &str, total: u64) -> Range {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Range::Whole;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), _) if first >= total => Range::Outside,
        (Ok(first), Ok(last)) if last < first => Range::Whole,
        (Ok(first), Ok(last)) => Range::Part(first, last.saturating_add(1).min(total)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Range::Part(first, total),
        (Err(_), Ok(0)) if first.trim().is_empty() => Range::Outside,
        (Err(_), Ok(count)) if first.trim().is_empty() => Range::Part(total.saturating_sub(count), total),
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        for (header, wanted) in [
            ("bytes=0-9", Range::Part(0, 10)),
            ("bytes=90-", Range::Part(90, 100)),
            ("bytes=90-1000", Range::Part(90, 100)),
            ("bytes=-10", Range::Part(90, 100)),
            ("bytes=-1000", Range::Part(0, 100)),
            ("bytes=100-", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,5-6", Range::Whole),
            ("lines=1-2", Range::Whole),
        ] {
            assert_eq!(range(header, 100), wanted, "{header}");
        }
    }
}
