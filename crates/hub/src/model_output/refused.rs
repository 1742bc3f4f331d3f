//! What no forecast can be, in files of one model and of several: the forecast has no score, and file, row and reason are
//! told; the others have theirs.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

const HEADER: &str =
    "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n";

/// An empty folder `m`, of a model `m`, and the one around it, which goes when the test ends.
fn model(name: &str) -> (PathBuf, TempDir) {
    let base = tempfile::Builder::new().prefix(&format!("vigie-refused-{name}-")).tempdir().unwrap();
    let folder = base.path().join("m");
    fs::create_dir_all(&folder).unwrap();
    (folder, base)
}

/// Writes rows of one date, week and place into a file, and reads the folder; a fault of the forecast is the error.
fn said(folder: &Path, file: &str, rows: &[&str]) -> Result<Outputs, String> {
    let mut text = HEADER.to_owned();
    rows.iter().for_each(|row| text += &format!("2024-01-06,flu,0,2024-01-06,01,{row}\n"));
    fs::write(folder.join(file), text).unwrap();
    let mut unused = Unused::default();
    let outputs = read(folder, &mut unused).map_err(|e| e.to_string())?;
    let answer = outputs["m"].values().next().unwrap();
    match answer.fault() {
        Some(fault) => {
            assert!(answer.complete().is_none() && answer.classes().is_none());
            Err(fault.to_owned())
        }
        None if unused.is_empty() => Ok(outputs),
        None => Err(format!("not used: {}", unused.text())),
    }
}

#[test]
fn what_no_forecast_can_be_is_refused_with_its_file_and_row() {
    let (folder, _base) = model("rows");
    let path = folder.join("2024-01-06-m.csv");
    for (row, why) in [
        ("quantile,0.5,inf", "`value` is `inf`, a finite number is needed"),
        ("quantile,0.5,1e999", "a finite number is needed"),
        ("quantile,0.5,-0.1", "`value` is `-0.1`, a count, rate or share from 0 to 1e10"),
        ("quantile,0.5,1e300", "from 0 to 1e10"),
        ("sample,7,-3", "from 0 to 1e10"),
        ("quantile,,7", "a quantile has no level"),
        (
            "quantile,0.1,7",
            "`0.1` of this model, date, target, horizon, week and location stands in a row before; keep one",
        ),
        ("quantile,0.100,7", "stands in a row before"),
        (
            "quantile,0.5,6.9",
            "the quantiles cross: that of level 0.5 is 6.9 and that of 0.1 is 7; they must not fall",
        ),
        ("quantile,0.05,7.5", "the quantiles cross: that of level 0.05 is 7.5 and that of 0.1 is 7;"),
        ("sample,a1,8", "`sample a1` of this model"),
        ("sample,,8", "a sample has no `output_type_id`"),
        ("pmf,stable,1.5", "a class has the probability 1.5, one from 0 to 1 is needed"),
        ("pmf,stable,-0.5", "a class has the probability -0.5"),
        ("pmf,increase,0.5", "`increase` of this model"),
        ("pmf,,0.5", "`output_type_id` is empty"),
    ] {
        let found =
            said(&folder, "2024-01-06-m.csv", &["quantile,0.1,7", "pmf,increase,0.5", "sample,a1,7", row]);
        let found = found.unwrap_err();
        assert!(found.contains(&format!("{}: row 4: ", path.display())), "{row}: {found}");
        assert!(found.contains(why), "{row}: {found}");
    }
    for (row, why) in [
        ("quantile,0.6001,8", "the level 0.6001 is none of the 23 that hubs ask for (0.01, 0.025, 0.05,"),
        ("quantile,0,7", "the level 0 is none"),
        ("quantile,-0.5,7", "the level -0.5 is none"),
        (
            "pmf,Increase,0.5",
            "the class `Increase` is none of large_decrease, decrease, stable, increase, large_increase, and",
        ),
        ("pmf,2024-01-13,0.5", "the class `2024-01-13` is none of"),
    ] {
        let found =
            said(&folder, "2024-01-06-m.csv", &["quantile,0.1,7", "pmf,increase,0.5", row]).unwrap_err();
        assert!(
            found.starts_with("not used: ") && found.contains("row 3)"),
            "takes nothing from it: {found}"
        );
        assert!(found.contains(why), "{row}: {found}");
    }
    let fine = ["quantile,0.1,0", "quantile,0.5,1e10", "quantile,0.9,NA", "sample,1,0.5", "sample,2,0.5"];
    let fine = said(&folder, "2024-01-06-m.csv", &fine).unwrap();
    let answer = fine["m"].values().next().unwrap();
    assert!(answer.is_incomplete() && answer.complete().is_none(), "{answer:?}");
    assert_eq!(answer.samples, [0.5, 0.5]);
}

#[test]
fn a_fault_takes_nothing_from_the_forecasts_beside_it() {
    let (folder, _base) = model("beside");
    let mut text = HEADER.to_owned();
    for level in LEVELS {
        for (place, value) in [("1", 7.0), ("02", -1.0), ("us", 8.0)] {
            text += &format!("2024-01-06,flu,0,2024-01-06,{place},quantile,{level},{value}\n");
        }
        text += &format!("2024-01-06,flu,0,never,06,quantile,{level},5\n");
    }
    fs::write(folder.join("2024-01-06-m.csv"), text).unwrap();
    let mut unused = Unused::default();
    let outputs = read(&folder, &mut unused).unwrap();
    let whole: Vec<_> =
        outputs["m"].iter().map(|(t, a)| (t.location.as_str(), a.complete().is_some())).collect();
    assert_eq!(whole, [("01", true), ("02", false), ("US", true)], "codes as the hub writes them");
    assert_eq!(unused.rows(), 23, "of no week: {}", unused.text());
}

#[test]
fn quantiles_that_do_not_cross_come_in_any_order_and_may_be_equal() {
    let (folder, _base) = model("order");
    let mut levels: Vec<usize> = (0..LEVELS.len()).collect();
    // Seven is no factor of 23: all of them, out of order.
    levels.sort_by_key(|n| n * 7 % 23);
    let rows: Vec<String> = levels.iter().map(|n| format!("quantile,{},{}", LEVELS[*n], n / 3)).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let found = said(&folder, "2024-01-06-m.csv", &rows).unwrap();
    let quantiles = found["m"].values().next().unwrap().complete().unwrap();
    assert!(quantiles.iter().enumerate().all(|(n, q)| *q == (n / 3) as f64), "{quantiles:?}");
    for (place, row) in rows.iter().enumerate() {
        let mut crossed = rows.clone();
        let value = if levels[place] > 11 { 0.5 } else { 6.5 };
        let text = format!("{},{value}", row.rsplit_once(',').unwrap().0);
        crossed[place] = &text;
        let error = said(&folder, "2024-01-06-m.csv", &crossed).unwrap_err();
        assert!(error.contains("the quantiles cross"), "{text}: {error}");
    }
}

#[test]
fn a_date_that_is_not_that_of_the_files_name_is_refused() {
    let (folder, _base) = model("dated");
    let error = said(&folder, "2024-01-13-m.csv", &["quantile,0.1,7"]).unwrap_err();
    let why =
        "2024-01-13-m.csv: row 1: the forecast is of 2024-01-06 and the name of the file says 2024-01-13";
    assert!(error.contains(why), "{error}");
    fs::remove_file(folder.join("2024-01-13-m.csv")).unwrap();
    for name in ["2024-01-06-m.csv", "all.csv", "2023-24.csv"] {
        assert!(said(&folder, name, &["quantile,0.1,7"]).is_ok(), "{name}");
        fs::remove_file(folder.join(name)).unwrap();
    }
}

#[test]
fn two_files_may_not_say_the_same_and_may_say_parts() {
    let (folder, _base) = model("files");
    let first = ["quantile,0.1,7", "pmf,stable,0.5", "sample,1,7"];
    said(&folder, "2024-01-06-m.csv", &first).unwrap();
    for (row, why) in [
        (
            "quantile,0.1,7",
            "`0.1` of the forecast of `m` for 2024-01-06, `flu`, horizon 0, location 01 stands in ",
        ),
        ("pmf,stable,0.5", "`stable` of the forecast of `m`"),
        ("sample,1,9", "`sample 1` of the forecast of `m`"),
        ("quantile,0.5,6", "the quantiles cross: that of level 0.5 is 6 and that of 0.1 is 7;"),
    ] {
        let error = said(&folder, "second.csv", &["quantile,0.9,NA", row]).unwrap_err();
        assert!(error.contains("second.csv: row 2: ") && error.contains(why), "{row}: {error}");
    }
    let both = said(&folder, "second.csv", &["quantile,0.5,8", "pmf,increase,0.5", "sample,2,9"]).unwrap();
    assert_eq!(both["m"].values().next().unwrap().samples, [7.0, 9.0]);
    // The same, given as two folders.
    fs::remove_file(folder.join("second.csv")).unwrap();
    let (again, _base_again) = model("files-again");
    said(&again, "2024-01-06-m.csv", &["quantile,0.5,8", "quantile,0.1,7"]).unwrap();
    let error = read_all(&[folder.clone(), again.clone()], &mut Unused::default()).unwrap_err().to_string();
    let (old, new) = (folder.join("2024-01-06-m.csv"), again.join("2024-01-06-m.csv"));
    assert!(error.starts_with(&format!("{}: row 1: `0.1` of", new.display())), "{error}");
    assert!(error.contains(&format!("stands in {} already (row 1 or below)", old.display())), "{error}");
    said(&again, "2024-01-06-m.csv", &["quantile,0.5,8"]).unwrap();
    assert_eq!(read_all(&[folder, again], &mut Unused::default()).unwrap().len(), 2);
}
