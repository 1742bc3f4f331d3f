//! Parquet as others write it: empty cells, several types for one thing, blocks that end inside a row group.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;

use super::for_each;

const SCHEMA: &str = "message schema {
    optional binary place (UTF8);
    optional int32 day (DATE);
    optional int64 nanoseconds;
    required int64 moment (TIMESTAMP_MICROS);
    optional double value;
    required int32 code (UINT_8);
    required boolean known;
    required group nested { required double inside; }
}";

/// Every third place, fifth day and seventh value is missing.
fn written(path: &Path, properties: WriterProperties, groups: &[usize]) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    let mut first = 0;
    for rows in groups {
        let rows: Vec<usize> = (first..first + rows).collect();
        first += rows.len();
        let mut group = file.next_row_group().unwrap();
        column::<ByteArrayType>(&mut group, &rows, 3, |r| ByteArray::from(place(r).as_str()));
        column::<Int32Type>(&mut group, &rows, 5, |r| 20_000 + r as i32 % 1000);
        column::<Int64Type>(&mut group, &rows, 2, |r| (20_000 + r as i64 % 1000) * 86_400_000_000_000);
        column::<Int64Type>(&mut group, &rows, 0, |r| (20_000 + r as i64 % 1000) * 86_400_000_000 + 1);
        column::<DoubleType>(&mut group, &rows, 7, |r| if r % 11 == 1 { f64::NAN } else { r as f64 / 4.0 });
        column::<Int32Type>(&mut group, &rows, 0, |r| r as i32 % 100);
        column::<BoolType>(&mut group, &rows, 0, |r| r % 2 == 0);
        column::<DoubleType>(&mut group, &rows, 0, |r| r as f64);
        group.close().unwrap();
    }
    file.close().unwrap();
}

fn place(row: usize) -> String {
    format!("Île-{}", row / 10 % 7)
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[usize],
    every: usize,
    of: impl Fn(usize) -> T::T,
) {
    let missing = |row: &usize| every > 0 && row.is_multiple_of(every);
    let values: Vec<T::T> = rows.iter().filter(|r| !missing(r)).map(|r| of(*r)).collect();
    let levels: Vec<i16> = rows.iter().map(|r| i16::from(!missing(r))).collect();
    let mut writer = group.next_column().unwrap().unwrap();
    writer.typed::<T>().write_batch(&values, (every > 0).then_some(&levels), None).unwrap();
    writer.close().unwrap();
}

const COLUMNS: [&str; 9] =
    ["place", "absent?", "day", "nanoseconds", "moment", "value", "code", "known", "nested"];

#[test]
fn every_row_comes_with_its_own_cells_across_blocks_and_groups() {
    let properties = WriterProperties::builder;
    let cells = |properties| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.parquet");
        written(&path, properties, &[5000, 1, 9000]);
        every_row_has_its_own(&path);
    };
    cells(properties().build());
    cells(properties().set_dictionary_enabled(false).build());
    // The dictionary is full after some pages: what follows stands in the pages themselves.
    let full = properties().set_dictionary_page_size_limit(64).set_data_page_row_count_limit(1000);
    cells(full.set_write_batch_size(100).build());
}

fn every_row_has_its_own(path: &Path) {
    let mut row = 0;
    for_each(path, &COLUMNS, |found| {
        let day = chrono::NaiveDate::from_epoch_days(20_000 + row as i32 % 1000).unwrap();
        assert_eq!(found.number, row + 1);
        assert_eq!(found.text(0).ok().as_deref(), (row % 3 != 0).then(|| place(row)).as_deref());
        assert!(!found.has(1) && !found.has(8), "nothing, and nothing of its own");
        assert_eq!(found.day(2).ok(), (row % 5 != 0).then_some(day));
        assert_eq!(found.day(3).ok(), (row % 2 != 0).then_some(day));
        assert_eq!(found.day(4).unwrap(), day);
        let value = (row % 7 != 0 && row % 11 != 1).then_some(row as f64 / 4.0);
        assert_eq!(found.number(5).unwrap(), value);
        assert_eq!(found.text(6).unwrap(), format!("{:02}", row % 100));
        assert_eq!(found.text(7).unwrap(), (row % 2 == 0).to_string());
        row += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(row, 14_001);
}

#[test]
fn a_column_of_a_type_that_is_not_read_is_refused_and_not_taken_for_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decimal.parquet");
    let schema =
        "message schema { required int64 value (DECIMAL(18, 2)); required int64 other (DECIMAL(18, 2)); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(File::create(&path).unwrap(), schema, properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    for _ in 0..2 {
        column::<Int64Type>(&mut group, &[1], 0, |_| 4250);
    }
    group.close().unwrap();
    file.close().unwrap();
    let said = for_each(&path, &["value"], |_| Ok(())).unwrap_err().to_string();
    assert!(said.contains("decimal.parquet: the column `value` is a DECIMAL, which is not read"), "{said}");
    for_each(&path, &["absent?"], |row| {
        assert!(!row.has(0));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_caller_that_stops_is_answered_by_its_own_error_and_a_broken_file_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stop.parquet");
    written(&path, WriterProperties::builder().build(), &[200_000]);
    let mut rows = 0;
    let stopped = for_each(&path, &COLUMNS, |row| {
        rows += 1;
        row.number(4).map(drop)
    });
    assert!(stopped.unwrap_err().to_string().contains("row 1: `moment` is 20"), "a day is no number");
    assert_eq!(rows, 1);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let broken = for_each(&path, &COLUMNS, |_| Ok(())).unwrap_err().to_string();
    assert!(broken.contains("is not a Parquet table") && broken.contains("stop.parquet"), "{broken}");
}

/// Writes lines of a CSV table as Parquet, one row group each slice: columns whose name holds `date` or `as_of` as days, the
/// others as texts, empty cells as missing.
pub(crate) fn write_parquet(path: &Path, header: &str, groups: &[&[String]]) {
    let names: Vec<&str> = header.split(',').collect();
    let is_day = |name: &str| name.contains("date") || name == "as_of";
    let field = |name: &&str| {
        if is_day(name) {
            format!("optional int32 {name} (DATE);")
        } else {
            format!("optional binary {name} (UTF8);")
        }
    };
    let schema = format!("message schema {{ {} }}", names.iter().map(field).collect::<String>());
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    for lines in groups {
        let mut group = file.next_row_group().unwrap();
        for (place, name) in names.iter().enumerate() {
            let cells: Vec<&str> = lines.iter().map(|line| line.split(',').nth(place).unwrap()).collect();
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(!cell.is_empty())).collect();
            let there = cells.iter().filter(|cell| !cell.is_empty());
            let mut writer = group.next_column().unwrap().unwrap();
            if is_day(name) {
                let day = |cell: &&str| cell.parse::<chrono::NaiveDate>().unwrap().to_epoch_days();
                let days: Vec<i32> = there.map(day).collect();
                writer.typed::<Int32Type>().write_batch(&days, Some(&levels), None).unwrap();
            } else {
                let texts: Vec<ByteArray> = there.map(|cell| ByteArray::from(*cell)).collect();
                writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None).unwrap();
            }
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    file.close().unwrap();
}

#[test]
fn a_day_is_as_it_is_written_and_a_moment_is_one_of_utc() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("times.csv");
    let times = "end,at\n2023-09-30T00:00:00+02:00,2023-09-30T00:00:00+02:00\n2023-09-30,2023-09-30 18:00\n2023-09-30 00:00:00 UTC,2023-09-30\n";
    std::fs::write(&path, times).unwrap();
    let mut found = Vec::new();
    for_each(&path, &["end", "at"], |row| {
        found.push((row.day(0)?.to_string(), row.moment(1)?.to_string()));
        Ok(())
    })
    .unwrap();
    let day = "2023-09-30".to_owned();
    assert_eq!(
        found,
        [
            (day.clone(), "2023-09-29 22:00:00".to_owned()),
            (day.clone(), "2023-09-30 18:00:00".to_owned()),
            (day, "2023-09-30 00:00:00".to_owned()),
        ]
    );
}
