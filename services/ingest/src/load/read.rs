//! The extract's files, read with full checking: a broken file stops the load and is named with its line.

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use csv::StringRecord;
use domain::{ObservationKey, PlaceId, SignalId, SourceId, Status};
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use store::observations::NewPoint;
use store::places::Place;
use store::sources::{Retrieval, Source};

/// An entry of `quarantine.csv`.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) retrieval: String,
    pub(super) reason: String,
    pub(super) rows: i64,
    pub(super) noticed_at: DateTime<Utc>,
    /// Was the whole payload refused?
    pub(super) whole: bool,
}

/// The small tables of an extract, and where the large ones lie.
#[derive(Debug)]
pub(super) struct Extract {
    folder: PathBuf,
    sha256: String,
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) retrievals: BTreeMap<String, Retrieval>,
    pub(super) quarantine: Vec<Refused>,
}

/// The records of a table with their line numbers; the header must be the expected one.
fn records(name: &str, bytes: &[u8], header: &[&str]) -> anyhow::Result<Vec<StringRecord>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let found = reader.headers().with_context(|| format!("data/{name} is broken"))?;
    ensure!(
        found.iter().eq(header.iter().copied()),
        "data/{name}: its columns are {found:?}, not {header:?}"
    );
    reader.into_records().collect::<Result<_, _>>().with_context(|| format!("data/{name} is broken"))
}

fn cell(record: &StringRecord, index: usize) -> String {
    record.get(index).unwrap_or_default().to_owned()
}

fn time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    Ok(DateTime::parse_from_rfc3339(text).with_context(|| format!("`{text}` is not a time"))?.to_utc())
}

impl Extract {
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut extract = Self {
            folder: folder.to_owned(),
            sha256: String::new(),
            sources: BTreeMap::new(),
            places: BTreeMap::new(),
            retrievals: BTreeMap::new(),
            quarantine: Vec::new(),
        };
        let names = ["sources.csv", "places.csv", "retrievals.csv", "quarantine.csv"];
        let files = names.iter().map(|n| extract.bytes(n)).collect::<anyhow::Result<Vec<_>>>()?;
        let [sources, places, retrievals, quarantine] = &files[..] else {
            bail!("four small tables make an extract")
        };
        extract.sha256 = crate::body::sha256(&files.concat());
        extract.read_sources(sources)?;
        extract.read_places(places)?;
        extract.read_retrievals(retrievals)?;
        extract.read_quarantine(quarantine)?;
        Ok(extract)
    }

    /// A file's bytes.
    pub(super) fn bytes(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.folder.join(name);
        std::fs::read(&path)
            .with_context(|| format!("{} cannot be read; `vigie extract` writes it", path.display()))
    }

    /// Is there such a file?
    pub(super) fn has(&self, name: &str) -> bool {
        self.folder.join(name).is_file()
    }

    /// One hash for all small tables.
    pub(super) fn records_sha256(&self) -> String {
        self.sha256.clone()
    }

    fn read_sources(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
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
        for r in records("sources.csv", bytes, &header)? {
            let [id, publisher, title, page_url, cadence, licence, licence_url, credit] =
                [0, 1, 2, 3, 4, 5, 6, 7].map(|i| cell(&r, i));
            ensure!(r.get(8) == Some("true"), "data/sources.csv: {id} may not be carried");
            let steps = cell(&r, 10).split_whitespace().map(str::to_owned).collect();
            self.sources.insert(
                id.clone(),
                Source { id, publisher, title, page_url, licence, licence_url, credit, cadence, steps },
            );
        }
        Ok(())
    }

    fn read_places(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let header = ["id", "level", "parent", "population", "code", "en", "fr", "de", "it"];
        for r in records("places.csv", bytes, &header)? {
            let id = PlaceId::new(cell(&r, 0)).context("data/places.csv")?.to_string();
            let population = match r.get(3).unwrap_or_default() {
                "" => None,
                text => Some(text.parse().with_context(|| format!("data/places.csv: population of {id}"))?),
            };
            let names = header.iter().zip(r.iter()).skip(5).filter(|(_, name)| !name.is_empty());
            let names: BTreeMap<_, _> = names.map(|(l, name)| ((*l).to_owned(), name.to_owned())).collect();
            ensure!(!names.is_empty(), "data/places.csv: {id} has no name");
            let parent = Some(cell(&r, 2)).filter(|p| !p.is_empty());
            self.places
                .insert(id.clone(), Place { id, level: cell(&r, 1), parent, population, names: Json(names) });
        }
        for place in self.places.values() {
            let (mut parent, mut steps) = (place.parent.as_ref(), 0);
            while let Some(id) = parent {
                let around = self.places.get(id).filter(|_| steps < 4);
                let around = around
                    .with_context(|| format!("data/places.csv: {} lies in the unknown {id}", place.id))?;
                (parent, steps) = (around.parent.as_ref(), steps + 1);
            }
        }
        Ok(())
    }

    fn read_retrievals(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let header = ["id", "source", "url", "recorded_as", "retrieved_at", "sha256", "bytes", "parser"];
        for r in records("retrievals.csv", bytes, &header)? {
            let [id, source_id, url, recorded_as, retrieved_at, sha256, size, parser] =
                [0, 1, 2, 3, 4, 5, 6, 7].map(|i| cell(&r, i));
            let about = || format!("data/retrievals.csv: {id}");
            ensure!(self.sources.contains_key(&source_id), "{}: unknown source {source_id}", about());
            let begins = format!("{}-{source_id}", sha256.get(..16).unwrap_or("?"));
            ensure!(id.starts_with(&begins), "{}: the id does not begin with {begins}", about());
            let retrieved_at = time(&retrieved_at).with_context(about)?;
            let bytes = size.parse().with_context(about)?;
            self.retrievals.insert(
                id.clone(),
                Retrieval {
                    id,
                    source_id,
                    url,
                    recorded_as,
                    retrieved_at,
                    sha256,
                    bytes,
                    parser,
                    feed: String::new(),
                    headers: Json::default(),
                },
            );
        }
        Ok(())
    }

    fn read_quarantine(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        for r in records(
            "quarantine.csv",
            bytes,
            &["retrieval", "recorded_as", "reason", "rows", "whole", "noticed_at"],
        )? {
            let [retrieval, reason, rows, whole, noticed] = [0, 2, 3, 4, 5].map(|i| cell(&r, i));
            ensure!(
                self.retrievals.contains_key(&retrieval),
                "data/quarantine.csv: unknown retrieval {retrieval}"
            );
            let rows = rows.parse().context("data/quarantine.csv")?;
            self.quarantine.push(Refused {
                retrieval,
                reason,
                rows,
                noticed_at: time(&noticed)?,
                whole: whole == "true",
            });
        }
        Ok(())
    }

    /// The rows of one table that `takes` wants; every row is checked, wanted or not.
    pub(super) fn observations(
        &self,
        name: &str,
        packed: &[u8],
        source: &str,
        signal: &str,
        takes: impl Fn(&PlaceId) -> bool,
    ) -> anyhow::Result<Vec<NewPoint>> {
        let (source, signal) = (SourceId::new(source)?, SignalId::new(signal)?);
        let bytes = crate::body::unpack(packed).with_context(|| format!("data/{name}"))?;
        let header = ["place", "reference_date", "issued_at", "value", "status", "retrieval"];
        let (mut points, mut before) = (Vec::new(), None);
        for record in records(name, &bytes, &header)? {
            let line = || format!("data/{name}, line {}", record.position().map_or(0, csv::Position::line));
            let point = self.point(&record, &source, &signal).with_context(line)?;
            let key = (point.key.place.clone(), point.key.reference_date, point.key.issued_at);
            ensure!(
                before.as_ref().is_none_or(|b| *b < key),
                "{}: not in order, or the same issue twice",
                line()
            );
            if takes(&point.key.place) {
                points.push(point);
            }
            before = Some(key);
        }
        Ok(points)
    }

    fn point(&self, record: &StringRecord, source: &SourceId, signal: &SignalId) -> anyhow::Result<NewPoint> {
        let text = |i: usize| record.get(i).unwrap_or_default();
        let place = PlaceId::new(text(0))?;
        ensure!(self.places.contains_key(place.as_str()), "places.csv lacks {place}");
        let reference_date: NaiveDate =
            text(1).parse().with_context(|| format!("`{}` is not a date", text(1)))?;
        let issued_at = time(text(2))?;
        ensure!(reference_date <= issued_at.date_naive(), "about a day after its issue");
        let value: Option<f64> = match text(3) {
            "" => None,
            number => Some(number.parse().with_context(|| format!("`{number}` is not a number"))?),
        };
        let status: Status = text(4).parse()?;
        ensure!(
            value.is_some() == status.has_value(),
            "the status {status} and the value `{}` exclude each other",
            text(3)
        );
        ensure!(value.is_none_or(f64::is_finite), "`{}` is not a finite number", text(3));
        let known = self.retrievals.get(text(5)).filter(|r| r.source_id == source.as_str());
        let retrieval = known.with_context(|| format!("retrievals.csv lacks {} of {source}", text(5)))?;
        let key = ObservationKey {
            signal: signal.clone(),
            source: source.clone(),
            place,
            reference_date,
            issued_at,
        };
        Ok(NewPoint {
            key,
            value,
            status,
            retrieval_id: retrieval.id.clone(),
            seen_at: retrieval.retrieved_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract() -> Extract {
        let read = |sources: &str, places: &str, retrievals: &str| {
            let mut e = Extract {
                folder: PathBuf::new(),
                sha256: String::new(),
                sources: BTreeMap::new(),
                places: BTreeMap::new(),
                retrievals: BTreeMap::new(),
                quarantine: Vec::new(),
            };
            e.read_sources(sources.as_bytes()).unwrap();
            e.read_places(places.as_bytes()).unwrap();
            e.read_retrievals(retrievals.as_bytes()).unwrap();
            e
        };
        read(
            "id,publisher,title,page_url,cadence,licence,licence_url,credit,redistributable,issue_time,steps\nx,P,T,u,weekly,L,l,C,true,I.,cell as_published\n",
            "id,level,parent,population,code,en,fr,de,it\nFR,nation,,68,FRA,France,France,,\n",
            "id,source,url,recorded_as,retrieved_at,sha256,bytes,parser\n0123456789abcdef-x,x,u,r,2025-01-08T00:00:00Z,0123456789abcdef00,1,x 1\n",
        )
    }

    #[test]
    fn a_row_that_breaks_a_rule_is_named_with_its_line() {
        let good = "FR,2025-01-05,2025-01-08T00:00:00Z,1.5,observed,0123456789abcdef-x";
        let read = |second: &str| {
            let table = format!("place,reference_date,issued_at,value,status,retrieval\n{good}\n{second}\n");
            extract().observations("t.csv.gz", &crate::body::pack(table.as_bytes()), "x", "s", |_| true)
        };
        assert_eq!(
            read("FR,2025-01-05,2025-01-15T00:00:00Z,,withdrawn,0123456789abcdef-x").unwrap().len(),
            2
        );
        for (row, reason) in [
            (good, "not in order, or the same issue twice"),
            ("CH,2025-01-05,2025-01-08T00:00:00Z,1,observed,0123456789abcdef-x", "places.csv lacks CH"),
            (
                "FR,2025-01-12,2025-01-08T00:00:00Z,1,observed,0123456789abcdef-x",
                "about a day after its issue",
            ),
            ("FR,2025-01-06,2025-01-08T00:00:00Z,,observed,0123456789abcdef-x", "exclude each other"),
            ("FR,2025-01-06,2025-01-08T00:00:00Z,1,missing,0123456789abcdef-x", "exclude each other"),
            ("FR,2025-01-06,2025-01-08T00:00:00Z,NaN,observed,0123456789abcdef-x", "is not a finite number"),
            ("FR,2025-01-06,2025-01-08T00:00:00Z,1,guessed,0123456789abcdef-x", "is not a status"),
            ("FR,2025-01-06,2025-01-08T00:00:00Z,1,observed,0-x", "retrievals.csv lacks 0-x"),
            ("FR,2025-02-30,2025-01-08T00:00:00Z,1,observed,0123456789abcdef-x", "is not a date"),
        ] {
            let error = format!("{:#}", read(row).unwrap_err());
            assert!(error.contains(reason) && error.contains("t.csv.gz, line 3"), "{row}: {error}");
        }
    }

    #[test]
    fn small_tables_that_contradict_each_other_are_refused() {
        let mut e = extract();
        let head = "id,source,url,recorded_as,retrieved_at,sha256,bytes,parser\n";
        let wrong = |e: &mut Extract, row: &str| {
            e.read_retrievals(format!("{head}{row}\n").as_bytes()).unwrap_err().to_string()
        };
        assert!(
            wrong(&mut e, "ff-x,x,u,r,2025-01-08T00:00:00Z,0123456789abcdef00,1,x")
                .contains("does not begin with")
        );
        assert!(
            wrong(&mut e, "ff-y,y,u,r,2025-01-08T00:00:00Z,0123456789abcdef00,1,y")
                .contains("unknown source y")
        );
        let circle =
            "id,level,parent,population,code,en,fr,de,it\nFR-A,region,FR-B,,,A,,,\nFR-B,region,FR-A,,,B,,,\n";
        assert!(e.read_places(circle.as_bytes()).is_err(), "two places cannot lie in each other");
        assert!(e.read_sources(b"id,publisher\n").unwrap_err().to_string().contains("its columns are"));
    }
}
