use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Weekday};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::table::{self, Row};
use crate::{HubError, Locations, Unused, profile_of};

/// Which change log becomes which hub.
#[derive(Debug, Clone)]
pub struct Build {
    /// The change log: a row for every change of a value, with `as_of`, `location`, the week's end
    /// (`target_end_date` or `truth_date`), `value` (empty: withdrawn) and, where there are several, the place where
    /// it was published (`repository` or `hub`), its `source` and its `target`.
    pub revisions: PathBuf,
    /// Folder to make.
    pub out: PathBuf,
    /// Places of the hub; `None`: those of FluSight, if the log has a target of it or of the other hubs of the United States
    /// and of it the whole country (`US`), else all of the change log: a `01` alone may be a place of any country.
    pub locations: Option<PathBuf>,
}

/// A change of one value.
struct Change {
    at: NaiveDateTime,
    place: usize,
    series: usize,
    week: NaiveDate,
    value: Option<f64>,
}

/// A publication: a repository and a source within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Publication {
    repository: String,
    source: String,
}

/// The change log in memory: numbers stand for texts.
#[derive(Default)]
struct Log {
    publications: Vec<Publication>,
    series: Vec<(String, String)>,
    days: BTreeMap<NaiveDate, Vec<Change>>,
    unused: Unused,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Snapshots.
    pub snapshots: usize,
    /// Rows of all of them.
    pub rows: usize,
    /// Rows of the change log that are not in it.
    pub unused: Unused,
}

type State = HashMap<(usize, usize), BTreeMap<NaiveDate, f64>>;

/// Makes a hub directory with one full snapshot for every day on which something changed, and says how many
/// snapshots and rows it has. A row of the log that cannot be used is as if it were not there; which and why is returned, and
/// written into `not-used.csv` of the folder.
///
/// Of several repositories with a target the one that began last speaks for it from its first day on (of two that began at
/// once the last by name). Of several sources of a series `ERVISS` speaks from its first value on. Of several changes on one
/// day the latest counts; only where the log gives no times, the order of its rows tells which that is.
///
/// # Errors
/// A change log that cannot be read or has no row for the places; a folder that cannot be written.
pub fn build_from_revisions(build: &Build) -> Result<Built, HubError> {
    let mut log = read(&build.revisions)?;
    let codes: BTreeSet<String> = log.series.iter().map(|(_, location)| location.clone()).collect();
    let is_national = |(target, location): &(String, String)| {
        profile_of(target).is_ok_and(|profile| profile.national == Some(location.as_str()))
    };
    let locations = match &build.locations {
        Some(path) => Locations::read(path)?,
        None if log.series.iter().any(is_national) => Locations::flusight(),
        None => Locations::bare(codes),
    };
    let auxiliary = build.out.join("auxiliary-data");
    let targets = build.out.join("target-data");
    for folder in [&auxiliary, &targets] {
        fs::create_dir_all(folder).map_err(HubError::file(folder))?;
    }
    let list = auxiliary.join("locations.csv");
    fs::write(&list, locations.csv()).map_err(HubError::file(&list))?;
    let mut rows = BTreeMap::<&str, usize>::new();
    for change in log.days.values().flatten() {
        *rows.entry(&log.series[change.series].1).or_default() += 1;
    }
    for (place, rows) in rows.into_iter().filter(|(place, _)| locations.get(place).is_none()) {
        log.unused.add_rows(rows, format!("location `{place}` is not in the list of places"));
    }
    log.unused.write(&build.out.join("not-used.csv"))?;
    let (snapshots, rows) = write(&log, &locations, &targets.join("time-series.parquet"))?;
    Ok(Built { snapshots, rows, unused: log.unused })
}

fn read(path: &Path) -> Result<Log, HubError> {
    let mut log = Log::default();
    let (mut publications, mut series) = (HashMap::new(), HashMap::new());
    let mut unused = Unused::default();
    table::for_each(path, &COLUMNS, |row| {
        let mut take = || {
            let (publication, of, at, change) = change(row)?;
            let place = *publications.entry(publication).or_insert_with_key(|p| {
                log.publications.push(p.clone());
                log.publications.len() - 1
            });
            let series = *series.entry(of).or_insert_with_key(|s: &(String, String)| {
                log.series.push(s.clone());
                log.series.len() - 1
            });
            let (week, value) = change;
            log.days.entry(at.date()).or_default().push(Change { at, place, series, week, value });
            Ok(())
        };
        take().or_else(|error| unused.take(row, error))
    })?;
    log.unused = unused;
    for changes in log.days.values_mut() {
        changes.sort_by(|a, b| {
            let of = |change: &Change| (change.at, &log.publications[change.place].repository);
            of(a).cmp(&of(b))
        });
    }
    if log.days.is_empty() {
        let why = log.unused.text();
        let what =
            if why.is_empty() { String::new() } else { format!(" that can be used\n{}", why.trim_end()) };
        return Err(HubError::content(path, format!("has no row{what}")));
    }
    Ok(log)
}

const COLUMNS: [&str; 7] = [
    "as_of",
    "location",
    "target_end_date|truth_date|date",
    "value|observation",
    "repository|hub?",
    "source?",
    "target?",
];

type Found = (Publication, (String, String), NaiveDateTime, (NaiveDate, Option<f64>));

/// A row: who published it, of which target and place, when, of which week what.
fn change(row: &Row<'_>) -> Result<Found, HubError> {
    let text = |column: usize| {
        if row.has(column) { row.text(column).map(Cow::into_owned) } else { Ok(String::new()) }
    };
    let publication = Publication { repository: text(4)?, source: text(5)? };
    let target = match text(6)?.as_str() {
        "" => "wk inc flu hosp".to_owned(),
        short @ ("ILI" | "ARI") => format!("{short} incidence"),
        other => other.to_owned(),
    };
    let (week, at) = (row.day(2)?, row.moment(0)?);
    if !matches!(week.weekday(), Weekday::Sat | Weekday::Sun) {
        let day = week.weekday();
        return Err(row.refuse(&format!("the week ends on a {day}, not on a Saturday or Sunday")));
    }
    Ok((publication, (target, row.place(1)?.into_owned()), at, (week, row.amount(3)?)))
}

/// Writes the snapshots one after the other.
fn write(log: &Log, locations: &Locations, path: &Path) -> Result<(usize, usize), HubError> {
    let broken = |e: ParquetError| HubError::content(path, format!("cannot be written: {e}"));
    let mut writer = Writer::new(path)?;
    let mut state = State::new();
    // By target.
    let mut speaks: HashMap<&str, &str> = HashMap::new();
    let mut heard: BTreeSet<(&str, &str)> = BTreeSet::new();
    let repository = |place: usize| log.publications[place].repository.as_str();
    let target = |series: usize| log.series[series].0.as_str();
    let (mut snapshots, mut rows) = (0, 0);
    for (day, changes) in &log.days {
        for change in changes {
            let (target, repository) = (target(change.series), repository(change.place));
            if heard.insert((target, repository)) {
                speaks.insert(target, repository);
            }
            let weeks = state.entry((change.place, change.series)).or_default();
            match change.value {
                Some(value) => weeks.insert(change.week, value),
                None => weeks.remove(&change.week),
            };
        }
        let current = |place, series| speaks.get(target(series)) == Some(&repository(place));
        if !changes.iter().any(|c| current(c.place, c.series)) {
            continue;
        }
        let snapshot = snapshot(log, locations, &state, current);
        snapshots += 1;
        rows += snapshot.iter().map(|(_, weeks)| weeks.len()).sum::<usize>();
        writer.add(*day, &snapshot).map_err(broken)?;
    }
    writer.finish().map_err(broken)?;
    if rows == 0 {
        return Err(HubError::content(
            path,
            "would have no row: no location of the change log is in the list",
        ));
    }
    Ok((snapshots, rows))
}

type Snapshot<'a> = Vec<(&'a (String, String), &'a BTreeMap<NaiveDate, f64>)>;

/// For each series of a listed place the weeks of the source that speaks for it.
fn snapshot<'a>(
    log: &'a Log,
    locations: &Locations,
    state: &'a State,
    current: impl Fn(usize, usize) -> bool,
) -> Snapshot<'a> {
    let mut places: Vec<usize> = (0..log.publications.len()).collect();
    places.sort_by_key(|p| (log.publications[*p].source != "ERVISS", log.publications[*p].source.clone()));
    let mut series: Vec<usize> =
        (0..log.series.len()).filter(|s| locations.get(&log.series[*s].1).is_some()).collect();
    series.sort_by_key(|s| &log.series[*s]);
    let weeks = |s: &usize| {
        places.iter().filter(|place| current(**place, *s)).find_map(|place| state.get(&(*place, *s)))
    };
    series.iter().filter_map(|s| Some((&log.series[*s], weeks(s)?))).collect()
}

const SCHEMA: &str = "message schema {
    required int32 as_of (DATE);
    required binary target (UTF8);
    required int32 target_end_date (DATE);
    required binary location (UTF8);
    required double observation;
}";

/// A row group for each snapshot of some size; several small ones share one.
struct Writer {
    file: SerializedFileWriter<File>,
    as_of: Vec<i32>,
    target: Vec<ByteArray>,
    week: Vec<i32>,
    location: Vec<ByteArray>,
    value: Vec<f64>,
}

impl Writer {
    fn new(path: &Path) -> Result<Self, HubError> {
        let broken = |e: ParquetError| HubError::content(path, format!("cannot be written: {e}"));
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(broken)?);
        let level = ZstdLevel::try_new(3).map_err(broken)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let file = File::create(path).map_err(HubError::file(path))?;
        let file = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(broken)?;
        let (as_of, week, value) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { file, as_of, target: Vec::new(), week, location: Vec::new(), value })
    }

    fn add(&mut self, as_of: NaiveDate, snapshot: &Snapshot<'_>) -> Result<(), ParquetError> {
        let days = |date: NaiveDate| (date - NaiveDate::default()).num_days() as i32;
        for ((target, location), weeks) in snapshot {
            for (week, value) in *weeks {
                self.as_of.push(days(as_of));
                self.target.push(ByteArray::from(target.as_str()));
                self.week.push(days(*week));
                self.location.push(ByteArray::from(location.as_str()));
                self.value.push(*value);
            }
        }
        if self.value.len() > 250_000 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        let mut column = 0;
        while let Some(mut writer) = group.next_column()? {
            match column {
                0 => writer.typed::<Int32Type>().write_batch(&self.as_of, None, None)?,
                1 => writer.typed::<ByteArrayType>().write_batch(&self.target, None, None)?,
                2 => writer.typed::<Int32Type>().write_batch(&self.week, None, None)?,
                3 => writer.typed::<ByteArrayType>().write_batch(&self.location, None, None)?,
                _ => writer.typed::<DoubleType>().write_batch(&self.value, None, None)?,
            };
            writer.close()?;
            column += 1;
        }
        group.close()?;
        self.as_of.clear();
        self.target.clear();
        self.week.clear();
        self.location.clear();
        self.value.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        if !self.value.is_empty() {
            self.flush()?;
        }
        self.file.close()?;
        Ok(())
    }
}
