//! A file that is built, and the parts of it that are sent.

use crate::parquet_file;
use axum::body::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, stream};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// A file that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) file: Arc<File>,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    /// When this state of the figures was first met.
    pub(crate) since: DateTime<Utc>,
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
