//! A hub of four places with winter waves, and a small backtest on it.

use std::fs;
use std::ops::Deref;
use std::path::Path;

use chrono::{Duration, NaiveDate};
use epimodels::recipe::us;
use hub::Backtest;

pub(crate) fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).unwrap()
}

/// A folder of its own for a test, gone when the test ends.
pub(crate) struct Folder(tempfile::TempDir);

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.0.path()
    }
}

/// The folders of a hub, with nothing in them.
pub(crate) fn folder(name: &str) -> Folder {
    let folder = tempfile::Builder::new().prefix(&format!("vigie-hub-{name}-")).tempdir().unwrap();
    fs::create_dir_all(folder.path().join("target-data")).unwrap();
    fs::create_dir_all(folder.path().join("auxiliary-data")).unwrap();
    Folder(folder)
}

/// A hub of four places with winter waves; each Wednesday publishes the weeks to the Saturday before. `extra` rows
/// are added as they stand.
pub(crate) fn waves(name: &str, extra: &str) -> Folder {
    let hub = folder(name);
    let mut table = String::from("as_of,target,target_end_date,location,observation\n");
    for publication in 0..8 {
        let as_of = day(2023, 11, 1) + Duration::weeks(publication);
        for week in 0..117 + publication {
            let end = day(2021, 8, 7) + Duration::weeks(week);
            for (place, size) in [("01", 50.0), ("02", 7.0), ("06", 400.0), ("US", 457.0)] {
                let wave = (-0.5 * (((week % 52) as f64 - 23.0) / 5.0).powi(2)).exp();
                let value =
                    (size * (0.1 + 6.0 * wave) * (1.0 + 0.05 * ((week * 7 % 11) as f64 / 11.0))).round();
                table += &format!("{as_of},wk inc flu hosp,{end},{place},{value}\n");
            }
        }
    }
    fs::write(hub.join("target-data/time-series.csv"), table + extra).unwrap();
    let places = "abbreviation,location,location_name,population\nAL,01,Alabama,5000000\nAK,02,Alaska,700000\n\
        CA,06,California,39000000\nUS,US,US,44700000\n";
    fs::write(hub.join("auxiliary-data/locations.csv"), places).unwrap();
    hub
}

pub(crate) fn small(hub: &Path, out: &Path) -> Backtest {
    let mut recipe = us();
    (recipe.gbq.bags, recipe.gbq.trees) = (1, 5);
    Backtest {
        hub: hub.to_owned(),
        target: "wk inc flu hosp".into(),
        from: day(2023, 11, 18),
        to: day(2023, 12, 2),
        out: out.to_owned(),
        model: "Ours".into(),
        lag_days: None,
        horizons: None,
        history: None,
        rates: None,
        carried: None,
        refit_every: 1,
        recipe: Some(recipe),
        members: false,
        baseline: None,
        seasonal: None,
        submission: None,
        threads: 2,
    }
}
