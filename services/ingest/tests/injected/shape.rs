//! Columns that are others, and answers that are no table.

use crate::common::shared;
use crate::table::{Cells, NO_HISTORY, flu, sorted, tables};
use ingest::Refusal;

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
