//! What each column of a row group holds, in the order of the schema.

use super::encoding::{Distinct, Texts, hybrid, width};
use crate::words::{Target, Unknown, Words, date, time};
use chrono::{DateTime, NaiveDate, Utc};
use parquet::basic::Encoding;
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;
use store::scan::Row;

/// The values of one column of a row group.
pub(super) struct Column {
    /// What is distinct, plainly, and how many that are.
    pub(super) dictionary: Option<(Vec<u8>, usize)>,
    /// Which values are there, where not all need to be; then the values.
    pub(super) page: Vec<u8>,
    pub(super) encoding: Encoding,
    pub(super) statistics: Option<Statistics>,
}

/// All columns of `rows`.
///
/// # Errors
/// When a number of a row stands for nothing.
pub(super) fn all(rows: &[Row], words: &Words) -> Result<Vec<Column>, Unknown> {
    let dates = Distinct::of(rows.iter().map(|r| r.date));
    let issued = Distinct::of(rows.iter().map(|r| r.issued_at));
    let seen = Distinct::of(rows.iter().map(|r| r.seen_at));
    let series = Distinct::of(rows.iter().map(|r| r.series));
    let payloads = Distinct::of(rows.iter().map(|r| r.payload));
    let statuses = Distinct::of(rows.iter().map(|r| r.status));
    let targets = series.values.iter().map(|s| words.target(*s)).collect::<Result<Vec<_>, _>>()?;
    let (places, sources): (Vec<_>, Vec<_>) =
        targets.iter().map(|t| (t.place.as_str(), t.source.as_str())).unzip();
    let days = dates.values.iter().map(|d| date(*d)).collect::<Result<Vec<_>, _>>()?;
    let times_issued = issued.values.iter().map(|at| time(*at)).collect::<Result<Vec<_>, _>>()?;
    let payload_ids = payloads.values.iter().map(|p| words.payload(*p)).collect::<Result<Vec<_>, _>>()?;
    let all = vec![0; rows.len()];
    let there = vec![1; rows.len()];
    Ok(vec![
        ids(words, (&series, &targets), (&dates, &days), (&issued, &times_issued)),
        texts(None, &all, &[&words.signal]),
        texts(None, &series.numbers, &places),
        fixed(None, &dates, i32::to_le_bytes, |least, most, nulls| {
            Statistics::int32(Some(least), Some(most), None, nulls, false)
        }),
        weeks(words, &dates, &days, &there),
        values(rows),
        texts(None, &statuses.numbers, &statuses.values.iter().map(|s| s.as_str()).collect::<Vec<_>>()),
        texts(None, &all, &[words.unit]),
        times(None, &issued),
        times(None, &seen),
        merged(&series.numbers, &sources),
        texts(None, &payloads.numbers, &payload_ids),
        match words.recorded {
            Some(at) => times(Some(&there), &Distinct { numbers: all, values: vec![at.timestamp_micros()] }),
            None => absent(rows.len()),
        },
    ])
}

/// Which rows have a value (1) and which have not (0), where not all must have one.
fn levels(present: Option<&[u32]>) -> Vec<u8> {
    let Some(present) = present else { return Vec::new() };
    let mut page = vec![0; 4];
    hybrid(&mut page, present, 1);
    let length = (page.len() - 4) as u32;
    page[..4].copy_from_slice(&length.to_le_bytes());
    page
}

/// A column without any value.
fn absent(rows: usize) -> Column {
    let page = levels(Some(&vec![0; rows]));
    Column { dictionary: None, page, encoding: Encoding::PLAIN, statistics: None }
}

fn numbered(present: Option<&[u32]>, numbers: &[u32], count: usize) -> Vec<u8> {
    let mut page = levels(present);
    let width = width(count);
    page.push(width);
    hybrid(&mut page, numbers, width);
    page
}

/// A column of texts.
fn texts(present: Option<&[u32]>, numbers: &[u32], words: &[&str]) -> Column {
    let mut dictionary = Vec::new();
    for word in words {
        dictionary.extend((word.len() as u32).to_le_bytes());
        dictionary.extend(word.as_bytes());
    }
    let edge = |word: Option<&&str>| word.map(|w| ByteArray::from(*w));
    let (least, most) = (edge(words.iter().min()), edge(words.iter().max()));
    Column {
        dictionary: Some((dictionary, words.len())),
        page: numbered(present, numbers, words.len()),
        encoding: Encoding::RLE_DICTIONARY,
        statistics: Some(Statistics::byte_array(least, most, None, Some(0), false)),
    }
}

/// A column of texts of which several numbers share one.
fn merged(numbers: &[u32], words: &[&str]) -> Column {
    let shared = Distinct::of(words.iter().copied());
    let number = |n: &u32| shared.numbers.get(*n as usize).copied().unwrap_or_default();
    texts(None, &numbers.iter().map(number).collect::<Vec<_>>(), &shared.values)
}

/// A column of numbers: what is distinct, once; or plainly, where that would be as long.
fn fixed<T: Copy + PartialOrd, const N: usize>(
    present: Option<&[u32]>,
    all: &Distinct<T>,
    bytes: fn(T) -> [u8; N],
    statistics: impl Fn(T, T, Option<u64>) -> Statistics,
) -> Column {
    let nulls = present.map_or(0, |p| p.len() - all.numbers.len());
    let edges = all.values.iter().fold(None, |edges: Option<(T, T)>, &v| {
        let (least, most) = edges.unwrap_or((v, v));
        Some((if v < least { v } else { least }, if v > most { v } else { most }))
    });
    let statistics = edges.map(|(least, most)| statistics(least, most, Some(nulls as u64)));
    if all.values.len() > all.numbers.len() / 2 {
        let mut page = levels(present);
        all.numbers.iter().for_each(|n| page.extend(bytes(all.values[*n as usize])));
        return Column { dictionary: None, page, encoding: Encoding::PLAIN, statistics };
    }
    let dictionary = all.values.iter().flat_map(|v| bytes(*v)).collect();
    Column {
        dictionary: Some((dictionary, all.values.len())),
        page: numbered(present, &all.numbers, all.values.len()),
        encoding: Encoding::RLE_DICTIONARY,
        statistics,
    }
}

fn times(present: Option<&[u32]>, all: &Distinct<i64>) -> Column {
    fixed(present, all, i64::to_le_bytes, |least, most, nulls| {
        Statistics::int64(Some(least), Some(most), None, nulls, false)
    })
}

fn values(rows: &[Row]) -> Column {
    let present: Vec<u32> = rows.iter().map(|r| u32::from(r.value.is_some())).collect();
    let bits = Distinct::of(rows.iter().filter_map(|r| r.value).map(f64::to_bits));
    let all =
        Distinct { numbers: bits.numbers, values: bits.values.into_iter().map(f64::from_bits).collect() };
    fixed(Some(&present), &all, f64::to_le_bytes, |least: f64, most: f64, nulls| {
        // Both zeros are one number, and a reader may ask for either.
        let (least, most) = (if least == 0.0 { -0.0 } else { least }, if most == 0.0 { 0.0 } else { most });
        Statistics::double(Some(least), Some(most), None, nulls, false)
    })
}

fn weeks(words: &Words, dates: &Distinct<i32>, days: &[NaiveDate], there: &[u32]) -> Column {
    let weeks: Option<Vec<String>> =
        days.iter().map(|day| words.week(*day).map(|week| week.to_string())).collect();
    let Some(weeks) = weeks.filter(|_| words.weeks.is_some()) else { return absent(there.len()) };
    let mut column = merged(&dates.numbers, &weeks.iter().map(String::as_str).collect::<Vec<_>>());
    let mut page = levels(Some(there));
    page.append(&mut column.page);
    Column { page, ..column }
}

/// `signal~source~place~date~issue time`, as [`domain::ObservationKey::id`] writes it: each id repeats most of the one
/// before, and only what it does not is written.
fn ids(
    words: &Words,
    (series, targets): (&Distinct<u32>, &[&Target]),
    (dates, days): (&Distinct<i32>, &[NaiveDate]),
    (issued, times): (&Distinct<i64>, &[DateTime<Utc>]),
) -> Column {
    let head = |t: &&Target| format!("{}~{}~{}~", words.signal, t.source, t.place);
    let heads: Vec<String> = targets.iter().map(head).collect();
    let days: Vec<String> = days.iter().map(|day| format!("{day}~")).collect();
    let times: Vec<String> = times.iter().map(|at| at.format("%Y%m%dT%H%M%SZ").to_string()).collect();
    let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let mut all = Texts::default();
    let mut before: Option<(usize, usize, usize)> = None;
    for row in 0..series.numbers.len() {
        let [head, day, time] =
            [series.numbers[row], dates.numbers[row], issued.numbers[row]].map(|n| n as usize);
        let (h, d, t) = (&heads[head], &days[day], &times[time]);
        // A head ends where a date begins, so two that differ do so inside both of them.
        let (repeated, rest): (usize, [&[u8]; 3]) = match before {
            Some((old, ..)) if old != head => {
                let n = same(&heads[old], h);
                (n, [&h.as_bytes()[n..], d.as_bytes(), t.as_bytes()])
            }
            Some((_, old, _)) if old != day => {
                let n = same(&days[old], d);
                (h.len() + n, [&d.as_bytes()[n..], t.as_bytes(), &[]])
            }
            Some((_, _, old)) => {
                let n = same(&times[old], t);
                (h.len() + d.len() + n, [&t.as_bytes()[n..], &[], &[]])
            }
            None => (0, [h.as_bytes(), d.as_bytes(), t.as_bytes()]),
        };
        all.push(repeated, &rest);
        before = Some((head, day, time));
    }
    Column { dictionary: None, page: all.page(), encoding: Encoding::DELTA_BYTE_ARRAY, statistics: None }
}
