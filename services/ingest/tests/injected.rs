//! Faults injected into recorded payloads: each is refused whole with a sentence that says why, or does no harm.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what cannot be prepared has failed")]

mod common;

use common::{at, payload, shared};
use ingest::changes::{Cell, Log};
use ingest::{Context, Parsed, Refusal, Row, body, sources, validation};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

/// A recorded table in CSV: whose, which feed, where, and the issue time it is read at.
struct Table {
    source: &'static str,
    feed: &'static str,
    text: String,
    at: &'static str,
}

type Cells = Vec<Vec<String>>;

impl Table {
    fn recorded(
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
    fn bytes(&self, bytes: &[u8], known: &BTreeMap<Cell, f64>) -> Result<Parsed, Refusal> {
        let source = sources::find(self.source).unwrap();
        let context = Context { issued_at: at(self.at), file: self.feed };
        let parsed = (source.feed(self.feed).unwrap().parse)(&body::unpack(bytes)?, &context)?;
        let parsed = validation::check(parsed, &source.rules, 0)?;
        validation::long_enough(parsed.rows.len(), &source.rules, known.len())?;
        validation::against_known(&parsed.rows, &source.rules, known)?;
        Ok(parsed)
    }

    fn good(&self) -> Vec<Row> {
        self.bytes(self.text.as_bytes(), &BTreeMap::new()).unwrap().rows
    }

    fn known(&self) -> BTreeMap<Cell, f64> {
        let mut log = Log::default();
        log.add(self.good(), 0);
        log.newest()
    }

    fn cells(&self) -> Cells {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(self.text.as_bytes());
        reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// The verdict on the table after `change`, against the table before it.
    fn after(&self, change: impl FnOnce(&mut Cells)) -> Result<Vec<Row>, String> {
        let mut cells = self.cells();
        change(&mut cells);
        let mut writer = csv::Writer::from_writer(Vec::new());
        cells.iter().for_each(|r| writer.write_record(r).unwrap());
        let read = self.bytes(&writer.into_inner().unwrap(), &self.known());
        read.map(|p| p.rows).map_err(|reason| reason.to_string())
    }

    fn refused(&self, change: impl FnOnce(&mut Cells), sentence: &str) {
        let reason = self.after(change).unwrap_err();
        assert!(reason.contains(sentence), "{}: {reason}", self.source);
    }

    fn column(&self, name: &str) -> usize {
        self.cells()[0].iter().position(|c| c == name).unwrap()
    }
}

const NO_HISTORY: BTreeMap<Cell, f64> = BTreeMap::new();

/// The American admissions of 2024-11-27, after the repair.
fn flu(shared: &Path) -> Table {
    let path =
        "flusight/raw/incident-vintages/target-hospital-admissions_2024-11-27T171019Z_corrected.csv.gz";
    Table::recorded(shared, "cdc-flusight", "target-hospital-admissions.csv", path, "2024-11-27T17:10:19Z")
}

/// Tables of many shapes, small enough to be changed a hundred times.
fn tables(shared: &Path) -> Vec<Table> {
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

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| {
        (&a.signal, &a.place, a.reference_date).cmp(&(&b.signal, &b.place, b.reference_date))
    });
    rows
}

#[test]
fn reordered_columns_are_read_the_same() {
    let Some(shared) = shared("reordered_columns_are_read_the_same") else { return };
    for table in tables(&shared) {
        let read = table.after(|cells| cells.iter_mut().for_each(|row| row.reverse()));
        assert_eq!(sorted(read.unwrap()), sorted(table.good()), "{}", table.source);
    }
}

#[test]
fn a_renamed_column_is_named_or_was_not_needed() {
    let Some(shared) = shared("a_renamed_column_is_named_or_was_not_needed") else { return };
    for table in tables(&shared) {
        let mut refused = 0;
        for (i, name) in table.cells()[0].clone().into_iter().enumerate() {
            match table.after(|cells| cells[0][i] = format!("{name} (new)")) {
                Ok(rows) => assert_eq!(rows, table.good(), "{} without `{name}`", table.source),
                Err(reason) => {
                    assert!(
                        reason.contains(&name) && reason.contains("missing"),
                        "{}: {reason}",
                        table.source
                    );
                    refused += 1;
                }
            }
        }
        assert!(refused >= 3, "{}: {refused} columns are needed", table.source);
    }
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    let Some(shared) = shared("a_column_that_stands_twice_is_refused") else { return };
    let double = |cells: &mut Cells| cells.iter_mut().for_each(|row| row.push(row[0].clone()));
    flu(&shared).refused(double, "stands twice");
}

#[test]
fn error_texts_with_status_200_are_no_data() {
    let Some(shared) = shared("error_texts_with_status_200_are_no_data") else { return };
    let table = flu(&shared);
    for text in [
        "<!DOCTYPE html><html><body>Sorry</body></html>",
        "{\"error\":true,\"message\":\"Internal error\"}",
        "{\"error_code\":\"InvalidRESTParameterError\"}",
        "404: Not Found",
        "Internal Server Error",
        "upstream connect error or disconnect/reset before headers",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        "",
        "\u{feff}",
    ] {
        assert!(table.bytes(text.as_bytes(), &NO_HISTORY).is_err(), "{text}");
    }
    let broken = format!("{}Streaming interrupted due to the following error: timeout", table.text);
    assert_eq!(
        table.bytes(broken.as_bytes(), &NO_HISTORY),
        Err(Refusal::NotData("an export that broke off with an error"))
    );
}

#[test]
fn halved_values_are_refused() {
    let Some(shared) = shared("halved_values_are_refused") else { return };
    for (table, column) in [(flu(&shared), "value"), (tables(&shared).swap_remove(4), "totalconfflunewadm")] {
        let value = table.column(column);
        let scale = |factor: f64| {
            move |cells: &mut Cells| {
                for row in &mut cells[1..] {
                    if let Ok(number) = row[value].parse::<f64>() {
                        row[value] = (number * factor).to_string();
                    }
                }
            }
        };
        table.refused(scale(0.5), "0.50 times as large");
        table.refused(scale(1000.0), "1000.00 times as large");
        assert!(table.after(scale(0.97)).is_ok(), "a revision of all values by 3 %");
    }
}

#[test]
fn a_missing_and_a_repeated_week_are_refused() {
    let Some(shared) = shared("a_missing_and_a_repeated_week_are_refused") else { return };
    let table = flu(&shared);
    let date = table.column("date");
    table.refused(|cells| cells.retain(|r| r[date] != "2024-10-19"), "no row for 2024-10-19");
    let again = |day: &'static str| {
        move |cells: &mut Cells| {
            let week = cells.iter().filter(|r| r[date] == "2024-11-16").cloned();
            let week: Vec<_> = week
                .map(|mut r| {
                    r[date] = day.to_owned();
                    r
                })
                .collect();
            cells.retain(|r| r[date] != "2024-11-23");
            cells.extend(week);
        }
    };
    table.refused(again("2024-11-16"), "repeat a key within one vintage");
    table.refused(again("2024-11-23"), "one week stands there twice");
    // The newest known week is 2024-11-23; the next one is skipped.
    let later = Table { at: "2024-12-12T17:00:00Z", text: table.text.clone(), ..table };
    let skipped = |cells: &mut Cells| {
        let week = cells.iter().filter(|r| r[date] == "2024-11-09").cloned();
        let week: Vec<_> = week
            .map(|mut r| {
                r[date] = "2024-12-07".to_owned();
                r
            })
            .collect();
        cells.extend(week);
    };
    later.refused(skipped, "no row for 2024-11-30");
}

#[test]
fn a_truncated_table_is_refused_wherever_it_ends() {
    let Some(shared) = shared("a_truncated_table_is_refused_wherever_it_ends") else { return };
    let table = flu(&shared);
    let known = table.known();
    for percent in [1, 10, 30, 50, 70, 90] {
        let cut = &table.text[..table.text.len() * percent / 100];
        assert!(table.bytes(cut.as_bytes(), &known).is_err(), "cut at {percent} %");
        let packed = body::pack(table.text.as_bytes());
        assert!(
            table.bytes(&packed[..packed.len() * percent / 100], &known).is_err(),
            "gzip cut at {percent} %"
        );
    }
    // Sorted by place, the end of the file is the end of the alphabet.
    let by_place = |cells: &mut Cells| {
        cells[1..].sort_by(|a, b| a[1].cmp(&b[1]));
        cells.truncate(cells.len() * 90 / 100);
    };
    table.refused(by_place, "the file is truncated");
}

#[test]
fn one_place_for_all_rows_is_refused() {
    let Some(shared) = shared("one_place_for_all_rows_is_refused") else { return };
    for (table, column) in [(flu(&shared), "location"), (tables(&shared).swap_remove(3), "state")] {
        let place = table.column(column);
        let first = table.cells()[1][place].clone();
        table.refused(move |cells| cells[1..].iter_mut().for_each(|r| r[place].clone_from(&first)), "all ");
    }
}

#[test]
fn odd_numbers_are_refused_and_named() {
    let Some(shared) = shared("odd_numbers_are_refused_and_named") else { return };
    let table = flu(&shared);
    let value = table.column("value");
    for number in [
        "-1",
        "1e999",
        "NaN",
        "inf",
        "-infinity",
        "1,2",
        "12,34",
        "1.234,5",
        "0x1F",
        "1 234",
        "١٢",
        "--",
        "-99x",
    ] {
        let reason = table.after(|cells| cells[1][value] = number.to_owned()).unwrap_err();
        assert!(
            reason.contains("below zero") || reason.contains("is not a finite number"),
            "{number}: {reason}"
        );
    }
    for (number, is) in [("1,234", Some(1234.0)), ("", None), ("NA", None)] {
        let rows = table.after(|cells| cells[1][value] = number.to_owned()).unwrap();
        assert_eq!(rows[0].value, is, "{number}");
    }
}

#[test]
fn odd_dates_are_refused_and_named() {
    let Some(shared) = shared("odd_dates_are_refused_and_named") else { return };
    let table = flu(&shared);
    let date = table.column("date");
    for (day, sentence) in [
        ("2124-11-23", "after its issue"),
        ("2024-11-30", "after its issue"),
        ("0000-00-00", "is not a date"),
        ("2024-02-30", "is not a date"),
        ("1924-11-22", "before 2020-01-01"),
        ("23/11/2024", "is not a date"),
        ("45619", "is not a date"),
        ("2024-11-22", "last day of a week"),
        ("+262143-01-01", "is not"),
    ] {
        table.refused(|cells| cells[1][date] = day.to_owned(), sentence);
    }
    // All weeks dated by their Sundays: the system of weeks changed.
    let sundays = |cells: &mut Cells| {
        for row in &mut cells[1..] {
            let day: chrono::NaiveDate = row[date].parse().unwrap();
            row[date] = (day - chrono::TimeDelta::days(6)).to_string();
        }
    };
    table.refused(sundays, "is not dated by the last day of a week");
}

#[test]
fn a_flip_of_day_and_month_is_refused() {
    let Some(shared) = shared("a_flip_of_day_and_month_is_refused") else { return };
    let path = "data/us/cdc-covid-state/9mfq-cb36_2021-03-02.csv.gz";
    let feed = sources::find("cdc-covid-state").unwrap().feeds[0].name;
    let table = Table::recorded(&shared, "cdc-covid-state", feed, path, "2021-03-02T23:59:59Z");
    let date = table.column("submission_date");
    let flip = |row: &mut Vec<String>| {
        let parts: Vec<_> = row[date].split('/').map(str::to_owned).collect();
        row[date] = format!("{}/{}/{}", parts[1], parts[0], parts[2]);
    };
    table.refused(|cells| cells[1..].iter_mut().for_each(flip), "is not a date");
    // Only days that exist both ways: some of them had not come yet.
    let both = |cells: &mut Cells| {
        cells.retain(|r| r[date].split('/').nth(1).is_none_or(|d| d.parse::<u32>().is_ok_and(|d| d <= 12)));
        cells[1..].iter_mut().for_each(flip);
    };
    assert!(table.after(both).is_err());
}

#[test]
fn a_change_of_the_sentinellas_weeks_is_refused() {
    let Some(shared) = shared("a_change_of_the_sentinellas_weeks_is_refused") else { return };
    let path = "data/ch/bag-idd/INFLUENZA_sentinella_2026-09-26_head.csv";
    let table =
        Table::recorded(&shared, "foph-sentinella", "INFLUENZA_sentinella.csv", path, "2026-09-26T23:59:59Z");
    let system = table.column("temporal_type");
    table.refused(|cells| cells[1..].iter_mut().for_each(|r| r[system] = "iso_week".into()), "is not `week`");
    let week = table.column("temporal");
    let rows = table.after(|cells| {
        for (row, label) in cells[1..].chunks_mut(8).zip(["2024-W20", "2024-W21", "2024-W22"]) {
            row.iter_mut().for_each(|r| r[week] = label.to_owned());
        }
    });
    let rows = rows.unwrap();
    let rates = rows.iter().filter(|r| r.signal.as_str() == "ili_incidence");
    let days: Vec<_> = rates.map(|r| r.reference_date.to_string()).collect();
    assert_eq!(days, ["2024-05-17", "2024-05-26", "2024-06-02"], "the long week has nine days");
    let swapped = Table::recorded(
        &shared,
        "spf-odisse",
        "france.csv",
        "data/fr/odisse/grippe-passages-aux-urgences-et-actes-sos-medecins-france_retrieved-2025-10-22_to-2025-07-28.csv",
        "2026-10-01T00:00:00Z",
    );
    let start = swapped.column("1er jour de la semaine");
    let sundays = |cells: &mut Cells| {
        for row in &mut cells[1..] {
            let day: chrono::NaiveDate = row[start].parse().unwrap();
            row[start] = day.pred_opt().unwrap().to_string();
        }
    };
    swapped.refused(sundays, "is not the Monday of the week beside it");
}

#[test]
fn another_encoding_is_read_the_same_or_refused() {
    let Some(shared) = shared("another_encoding_is_read_the_same_or_refused") else { return };
    for table in tables(&shared) {
        let good = table.good();
        let units = || table.text.encode_utf16();
        let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(units().flat_map(u16::to_be_bytes)).collect();
        let latin: Option<Vec<u8>> = table.text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let marked = format!("\u{feff}{}", table.text).into_bytes();
        let windows = table.text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
        for bytes in
            [Some(little.clone()), Some(big), latin, Some(marked), Some(windows)].into_iter().flatten()
        {
            assert_eq!(table.bytes(&bytes, &NO_HISTORY).unwrap().rows, good, "{}", table.source);
        }
        assert!(table.bytes(&little[2..], &NO_HISTORY).is_err(), "UTF-16 that does not say so");
        assert!(table.bytes(&little[..little.len() - 1], &NO_HISTORY).is_err(), "half a character");
    }
}

#[test]
fn what_breaks_the_format_is_refused() {
    let Some(shared) = shared("what_breaks_the_format_is_refused") else { return };
    let table = flu(&shared);
    let lines: Vec<&str> = table.text.lines().collect();
    let joined = |head: &str, middle: &str| format!("{head}\n{middle}\n{}\n", lines[2..].join("\n"));
    let wide = vec!["x"; 1_000_000].join(",");
    for (what, text) in [
        ("NUL", joined(lines[0], &lines[1].replace(',', "\0,"))),
        ("a quotation mark never closed", joined(lines[0], &format!("\"{}", lines[1]))),
        ("a cell too many", joined(lines[0], &format!("{},", lines[1]))),
        ("a million columns", joined(&wide, lines[1])),
        ("a million columns, all rows", format!("{wide}\n{wide}\n")),
        ("a mark of order in the middle", joined(lines[0], &lines[1].replacen(',', ",\u{feff}", 5))),
        ("two tables", format!("{}{}", table.text, table.text)),
        ("another delimiter", table.text.replace(',', ";")),
    ] {
        assert!(table.bytes(text.as_bytes(), &NO_HISTORY).is_err(), "{what}");
    }
}

#[test]
fn json_that_is_no_table_is_refused() {
    let Some(shared) = shared("json_that_is_no_table_is_refused") else { return };
    let text = String::from_utf8(payload(&shared, "data/us/cdc-nhsn/ua7e-t2fy_page.json")).unwrap();
    let table = Table { source: "cdc-nhsn", feed: "ua7e-t2fy", text, at: "2025-02-14T23:59:59Z" };
    let deep = "[".repeat(10_000);
    for (what, text) in [
        ("cut", table.text[..table.text.len() / 2].to_owned()),
        ("an empty page", "[]".to_owned()),
        ("an error in a page", "[{\"message\":\"x\"}]".to_owned()),
        ("a renamed field", table.text.replace("totalconfflunewadm\"", "totalflu\"")),
        (
            "a value below zero",
            table.text.replacen("\"totalconfc19newadm\": \"", "\"totalconfc19newadm\": \"-", 1),
        ),
        ("a list for a number", table.text.replacen("\"852.0\"", "[1]", 1)),
        ("nested", deep),
    ] {
        assert!(table.bytes(text.as_bytes(), &NO_HISTORY).is_err(), "{what}");
    }
    // Numbers as numbers say the same as numbers as texts.
    let numbers = table.text.replacen("\"852.0\"", "852.0", 1);
    assert_eq!(table.bytes(numbers.as_bytes(), &NO_HISTORY).unwrap().rows, table.good());
}

#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    let table =
        Table { source: "cdc-fluview", feed: "ILINet.csv", text: String::new(), at: "2025-04-16T00:00:00Z" };
    let member = body::pack(&vec![b' '; 32 << 20]);
    let bomb = member.repeat(9);
    assert!(bomb.len() < 400_000, "{} bytes that unpack to 288 MiB", bomb.len());
    let reason = table.bytes(&bomb, &NO_HISTORY).unwrap_err().to_string();
    assert!(reason.contains("more than 256 MiB"), "{reason}");
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..257 {
        packer.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let reason =
        table.bytes(&zip("ILINet.csv", &packer.finish().unwrap(), 0), &NO_HISTORY).unwrap_err().to_string();
    assert!(reason.contains("more than 256 MiB"), "{reason}");
}

/// A zip archive of one member, as it is packed already.
fn zip(name: &str, packed: &[u8], crc: u32) -> Vec<u8> {
    let (size, length) = ((packed.len() as u32).to_le_bytes(), (name.len() as u16).to_le_bytes());
    let common =
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..], &crc.to_le_bytes(), &size, &[0; 4], &length, &[0; 2]].concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), packed].concat();
    let central = [b"PK\x01\x02", &[20, 0][..], &common, &[0; 14], name.as_bytes()].concat();
    let counts = [
        &[0; 4][..],
        &[1, 0, 1, 0],
        &(central.len() as u32).to_le_bytes(),
        &(local.len() as u32).to_le_bytes(),
        &[0; 2],
    ];
    [&local[..], &central, b"PK\x05\x06", &counts.concat()].concat()
}

#[test]
fn a_zip_is_read_by_the_name_of_its_table_alone() {
    let Some(shared) = shared("a_zip_is_read_by_the_name_of_its_table_alone") else { return };
    let path = "data/us/cdc-fluview/ILINet_national_2024-40_2025-13.csv";
    let table = Table {
        source: "cdc-fluview",
        feed: "ILINet.csv",
        text: String::from_utf8(payload(&shared, path)).unwrap(),
        at: "2025-04-16T00:00:00Z",
    };
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(table.text.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(table.text.as_bytes());
    let good = zip("ILINet.csv", &packed, crc.sum());
    assert_eq!(table.bytes(&good, &NO_HISTORY).unwrap().rows, table.good());
    for (name, crc, sentence) in [
        ("WHO_NREVSS.csv", crc.sum(), "no member `ILINet.csv` but: WHO_NREVSS.csv"),
        ("../../ILINet.csv", crc.sum(), "outside the archive"),
        ("/etc/passwd", crc.sum(), "outside the archive"),
        ("C:\\ILINet.csv", crc.sum(), "outside the archive"),
        ("ILINet.csv", 7, "checksum"),
    ] {
        let reason = table.bytes(&zip(name, &packed, crc), &NO_HISTORY).unwrap_err().to_string();
        assert!(reason.contains(sentence), "{reason}");
    }
    for cut in 0..good.len() {
        assert!(table.bytes(&good[..cut], &NO_HISTORY).is_err(), "cut at {cut}");
    }
}
