//! Tables of the right shape with values, weeks or places that cannot be.

use crate::common::shared;
use crate::table::{Cells, Table, flu, tables};
use ingest::{body, sources};

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
