//! Recorded tables that can be changed, and the verdict on what came of it.

use crate::common::{at, payload};
use ingest::changes::{Cell, Log};
use ingest::{Context, Parsed, Refusal, Row, body, sources, validation};
use std::collections::BTreeMap;
use std::path::Path;

/// A recorded table in CSV: whose, which feed, where, and the issue time it is read at.
pub(crate) struct Table {
    pub(crate) source: &'static str,
    pub(crate) feed: &'static str,
    pub(crate) text: String,
    pub(crate) at: &'static str,
}

pub(crate) type Cells = Vec<Vec<String>>;

impl Table {
    pub(crate) fn recorded(
        shared: &Path,
        source: &'static str,
        feed: &'static str,
        path: &str,
        at: &'static str,
    ) -> Self {
        let text = String::from_utf8(payload(shared, path)).unwrap();
        Self { source, feed, text: text.trim_start_matches('\u{feff}').to_owned(), at }
    }

    /// What the live runner does with bytes: unpack, parse, check, compare with what is known.
    pub(crate) fn bytes(&self, bytes: &[u8], known: &BTreeMap<Cell, f64>) -> Result<Parsed, Refusal> {
        let source = sources::find(self.source).unwrap();
        let context = Context { issued_at: at(self.at), file: self.feed };
        let parsed = (source.feed(self.feed).unwrap().parse)(&body::unpack(bytes)?, &context)?;
        let parsed = validation::check(parsed, &source.rules, 0)?;
        validation::long_enough(parsed.rows.len(), &source.rules, known.len())?;
        validation::against_known(&parsed.rows, &source.rules, known)?;
        Ok(parsed)
    }

    pub(crate) fn good(&self) -> Vec<Row> {
        self.bytes(self.text.as_bytes(), &BTreeMap::new()).unwrap().rows
    }

    pub(crate) fn known(&self) -> BTreeMap<Cell, f64> {
        let mut log = Log::default();
        log.add(self.good(), 0);
        log.newest()
    }

    pub(crate) fn cells(&self) -> Cells {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(self.text.as_bytes());
        reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// The verdict on the table after `change`, against the table before it.
    pub(crate) fn after(&self, change: impl FnOnce(&mut Cells)) -> Result<Vec<Row>, String> {
        let mut cells = self.cells();
        change(&mut cells);
        let mut writer = csv::Writer::from_writer(Vec::new());
        cells.iter().for_each(|r| writer.write_record(r).unwrap());
        let read = self.bytes(&writer.into_inner().unwrap(), &self.known());
        read.map(|p| p.rows).map_err(|reason| reason.to_string())
    }

    pub(crate) fn refused(&self, change: impl FnOnce(&mut Cells), sentence: &str) {
        let reason = self.after(change).unwrap_err();
        assert!(reason.contains(sentence), "{}: {reason}", self.source);
    }

    pub(crate) fn column(&self, name: &str) -> usize {
        self.cells()[0].iter().position(|c| c == name).unwrap()
    }
}

pub(crate) const NO_HISTORY: BTreeMap<Cell, f64> = BTreeMap::new();

/// The American admissions of 2024-11-27, after the repair.
pub(crate) fn flu(shared: &Path) -> Table {
    let path =
        "flusight/raw/incident-vintages/target-hospital-admissions_2024-11-27T171019Z_corrected.csv.gz";
    Table::recorded(shared, "cdc-flusight", "target-hospital-admissions.csv", path, "2024-11-27T17:10:19Z")
}

/// Tables of many shapes, small enough to be changed a hundred times.
pub(crate) fn tables(shared: &Path) -> Vec<Table> {
    let recorded =
        |source, feed, path: &str| Table::recorded(shared, source, feed, path, "2026-10-01T00:00:00Z");
    vec![
        flu(shared),
        recorded(
            "cdc-covid-hub",
            "covid-hospital-admissions.csv",
            "data/us/covid-hub/covid-hospital-admissions_2025-01-15.csv",
        ),
        recorded("cdc-mpox", "us-map.csv", "data/us/cdc-mpox/cdc_latest_2022-10-03.csv"),
        recorded("cdc-nchs-deaths", "r8kw-7aab", "data/us/cdc-nchs-deaths/r8kw-7aab_2020-09-09.csv"),
        recorded("cdc-nhsn", "ua7e-t2fy", "data/us/cdc-nhsn/backup_20241119.csv.gz"),
        recorded("cdc-nwss", "2ew6-ywp6", "data/us/cdc-nwss/metric_data.csv"),
        recorded(
            "ecdc-covid",
            "covid-cases-deaths.csv",
            "data/eu/ecdc-covid/covid-cases-deaths_2022-12-16.csv",
        ),
        recorded(
            "ecdc-mpox",
            "ecdc-by-date-of-onset-country.csv",
            "data/eu/ecdc-mpox/ecdc-by-date-of-onset-country_2022-07-21.csv",
        ),
        recorded("foph-idd", "MONKEYPOX_oblig.csv", "data/ch/bag-idd/MONKEYPOX_oblig_2026-10-08.csv"),
        recorded(
            "globaldothealth-mpox",
            "timeseries-country-confirmed.csv",
            "data/global/globaldothealth-mpox/timeseries-country-confirmed_2022-06-21.csv",
        ),
        recorded(
            "owid-mpox",
            "owid-monkeypox-data.csv",
            "data/global/owid-mpox/owid-monkeypox-data_2022-08-09.csv",
        ),
        recorded("sentinelles", "incidence-PAY-3.csv", "data/fr/sentinelles/incidence-PAY-3_to-202101.csv"),
        recorded(
            "spf-odisse",
            "france.csv",
            "data/fr/odisse/grippe-passages-aux-urgences-et-actes-sos-medecins-france_retrieved-2025-10-22_to-2025-07-28.csv",
        ),
    ]
}

pub(crate) fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| {
        (&a.signal, &a.place, a.reference_date).cmp(&(&b.signal, &b.place, b.reference_date))
    });
    rows
}
