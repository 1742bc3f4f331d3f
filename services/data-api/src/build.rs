//! Writes a whole selection into a file.
//!
//! A file has no name: it is unlinked as soon as it is open, so that no end of the process, however sudden, leaves
//! one behind.

use crate::bulk_file::{Built, Kind};
use crate::parquet_file::{self, GROUP};
use crate::respond::{COLUMNS, Format, lines};
use crate::words::Words;
use anyhow::Context as _;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::scan::{self, Question, Row, Scan};
use tokio::sync::mpsc;

/// What is written, and how.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) db: PgPool,
    /// Without payloads yet. Its series are sorted by place: the order of the file.
    pub(crate) words: Words,
    pub(crate) question: Question,
    pub(crate) kind: Kind,
}

impl Job {
    /// Builds the file: rows are read here, and written by a thread that may wait for the disk.
    ///
    /// # Errors
    /// When the database does not answer or the disk is full.
    pub(crate) async fn build(self) -> anyhow::Result<Built> {
        let since = kit::wall();
        let mut conn = self.db.acquire().await?;
        let read = self.read(&mut conn).await;
        if read.is_err() {
            // It may stand in the middle of an answer.
            conn.close_on_drop();
        }
        let (sink, rows) = read?;
        let sha256 = hex::encode(sink.hash.finalize());
        Ok(Built { file: Arc::new(sink.file), sha256, bytes: sink.bytes, rows, since })
    }

    async fn read(self, conn: &mut PgConnection) -> anyhow::Result<(Sink, u64)> {
        let mut moment = scan::moment(conn).await?;
        let series: Vec<i32> = self.words.targets.iter().map(|target| target.series).collect();
        let sources: BTreeSet<&str> = self.words.targets.iter().map(|t| t.source.as_str()).collect();
        let sources: Vec<&str> = sources.into_iter().collect();
        let payloads = scan::payloads(&mut moment, &sources).await?.into_iter().collect();
        let (words, kind) = (self.words.with(payloads), self.kind);
        let (groups, written) = mpsc::channel(1);
        let writer = tokio::task::spawn_blocking(move || write(kind, &words, written));
        let mut scan = Scan::begin(&mut moment, &series, &self.question).await?;
        let (mut rows, mut count, mut more) = (Vec::with_capacity(GROUP), 0, true);
        while more {
            more = scan.next(&mut rows, GROUP).await?;
            while rows.len() >= GROUP || (!more && !rows.is_empty()) {
                let rest = rows.split_off(GROUP.min(rows.len()));
                count += rows.len() as u64;
                if groups.send(std::mem::replace(&mut rows, rest)).await.is_err() {
                    // The writer has ended, and says below why.
                    more = false;
                    rows.clear();
                }
            }
        }
        drop((scan, groups));
        let sink = writer.await.context("the writer of a file")??;
        moment.commit().await?;
        Ok((sink, count))
    }
}

/// Writes groups of rows as they come.
fn write(kind: Kind, words: &Words, mut groups: mpsc::Receiver<Vec<Row>>) -> anyhow::Result<Sink> {
    let sink = Sink { file: anonymous()?, hash: Sha256::new(), bytes: 0 };
    match kind {
        Kind::Parquet => {
            let mut file = parquet_file::Writer::new(sink)?;
            while let Some(rows) = groups.blocking_recv() {
                file.group(&rows, words)?;
            }
            Ok(file.finish()?)
        }
        Kind::CsvGz => {
            // No name and no time inside: the same figures give the same bytes, hence the same checksum.
            let mut gzip = GzBuilder::new().mtime(0).write(sink, Compression::default());
            gzip.write_all(COLUMNS.as_bytes())?;
            while let Some(rows) = groups.blocking_recv() {
                for rows in rows.chunks(1024) {
                    gzip.write_all(&lines(&words.values(rows)?, Format::Csv, false)?)?;
                }
            }
            Ok(gzip.finish()?)
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
