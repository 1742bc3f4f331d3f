//! Rows out of the binary format of `COPY`.

use super::Row;

/// Signature, flags, and the length of an extension that there is not.
pub(super) const HEADER: usize = 19;
/// PostgreSQL counts from the year 2000: its first day, in days from 1970.
const EPOCH_DAYS: i32 = 10_957;

pub(crate) fn broken(how: &str) -> sqlx::Error {
    sqlx::Error::Protocol(format!("the answer {how}"))
}

/// The next row, no row at the end; `None` where not all of its bytes are there.
pub(super) fn decode(from: &mut &[u8]) -> Option<sqlx::Result<Option<Row>>> {
    let count;
    (count, *from) = from.split_first_chunk()?;
    if i16::from_be_bytes(*count) == -1 {
        return Some(Ok(None));
    }
    let mut fields = [None; 7];
    for f in &mut fields {
        *f = field(from)?;
    }
    Some(row(fields).map(Some).ok_or_else(|| broken("holds something else than rows")))
}

/// A field: its length before it, -1 for one that holds nothing.
fn field<'a>(from: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length;
    (length, *from) = from.split_first_chunk()?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else { return Some(None) };
    let bytes;
    (bytes, *from) = from.split_at_checked(length)?;
    Some(Some(bytes))
}

/// A row of [`super::COLUMNS`], each as the database writes it in binary.
pub(crate) fn row(
    [series, payload, date, status, issued_at, seen_at, value]: [Option<&[u8]>; 7],
) -> Option<Row> {
    let int = |field: Option<&[u8]>| Some(i32::from_be_bytes(field?.try_into().ok()?));
    let time = |field: Option<&[u8]>| {
        Some(i64::from_be_bytes(field?.try_into().ok()?) + i64::from(EPOCH_DAYS) * 86_400_000_000)
    };
    Some(Row {
        series: u32::try_from(int(series)?).ok()?,
        payload: int(payload)?,
        date: int(date)? + EPOCH_DAYS,
        status: std::str::from_utf8(status?).ok()?.parse().ok()?,
        issued_at: time(issued_at)?,
        seen_at: time(seen_at)?,
        value: match value {
            Some(bytes) => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
            None => None,
        },
    })
}
