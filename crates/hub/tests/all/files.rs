//! From files to files: what may be used, what is written, what is said about bad input.

use std::fs;
use std::path::Path;

use crate::common::{day, folder, small, waves};
use chrono::NaiveDate;
use hub::{Archive, Backtest, Build, LeftOut, Score, backtest, build_from_revisions, score, score_tasks};

#[test]
fn a_backtest_uses_nothing_published_after_the_lag() {
    let clean = waves("clean", "");
    // Published on the Friday and the Saturday itself, or about a later week: all of it too late to be used.
    let late =
        "2023-11-17,wk inc flu hosp,2023-11-11,06,99999\n2023-11-18,wk inc flu hosp,2023-11-11,06,99999\n";
    let tainted = waves("tainted", late);
    let run = |hub: &Path| {
        let out = hub.join("out");
        let args = Backtest { to: day(2023, 11, 18), ..small(hub, &out) };
        assert_eq!(backtest(&args, &mut Vec::new()).unwrap(), 1);
        fs::read_to_string(out.join("model-output/Ours/2023-11-18-Ours.csv")).unwrap()
    };
    let text = run(&clean);
    assert_eq!(text, run(&tainted));
    assert_eq!(text.lines().count(), 1 + 4 * 4 * 23);
    let header = "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value";
    assert_eq!(text.lines().next(), Some(header));
    assert!(
        text.lines().nth(1).unwrap().starts_with("2023-11-18,wk inc flu hosp,0,2023-11-18,01,quantile,0.01,")
    );
}

#[test]
fn forecasts_are_scored_against_the_truth_of_the_day() {
    let hub = waves("scored", "");
    let mut said = Vec::new();
    assert_eq!(backtest(&small(&hub, &hub.join("out")), &mut said).unwrap(), 3);
    assert!(String::from_utf8(said).unwrap().contains("2023-11-25: 16 forecasts (2 of 3)"));
    let flat = |date: &str, end: &str, values: [i32; 2]| {
        let mut rows = String::new();
        for level in epimodels::LEVELS {
            for (place, value) in ["01", "06"].iter().zip(values) {
                rows += &format!("{date},wk inc flu hosp,0,{end},{place},quantile,{level},{value}\n");
            }
        }
        rows
    };
    let header = "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n";
    let folder = hub.join("out/model-output/Flat");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("2023-11-18-Flat.csv"),
        header.to_owned() + &flat("2023-11-18", "2023-11-18", [0, 0]),
    )
    .unwrap();
    let args = Score {
        hub: hub.to_path_buf(),
        model_output: vec![hub.join("out/model-output")],
        baseline: Some("Flat".into()),
        truth_as_of: None,
        horizons: (0, 3),
        out: hub.join("scores.csv"),
    };
    let summaries = score(&args).unwrap();
    let of = |name: &str| summaries.iter().find(|s| s.model == name).unwrap();
    assert_eq!((of("Flat").tasks, of("Flat").relative), (2, Some(1.0)));
    assert_eq!(of("Ours").common, 2);
    assert!(of("Ours").relative.unwrap() < 0.7, "{:?}", of("Ours"));
    let table = fs::read_to_string(hub.join("scores.csv")).unwrap();
    assert!(table.starts_with(
        "model,reference_date,target,horizon,target_end_date,location,observation,wis,dispersion"
    ));
    // Flat says 0 of places that have cases: every quantile is below the truth.
    let flat: Vec<&str> = table.lines().filter(|l| l.starts_with("Flat,")).collect();
    assert!(table.lines().next().unwrap().ends_with(",coverage_95,bias") && flat.len() == 2);
    assert!(flat.iter().all(|l| l.ends_with(",0,0,0,-1")), "{flat:?}");
    let missing = Score { baseline: Some("Nobody".into()), ..args };
    assert_eq!(
        score(&missing).unwrap_err().to_string(),
        "the baseline `Nobody` is not among the models: Flat, Ours"
    );
}

#[test]
fn a_change_log_becomes_snapshots_and_a_cut_off_week_stays_known() {
    let base = folder("log");
    let log = "repository,as_of,commit,target_end_date,location,value\n\
        old,2023-09-05T10:00:00+0000,a,2023-08-26,01,3\n\
        old,2023-09-12T10:00:00+0000,b,2023-09-02,01,4\n\
        new,2023-10-03T18:00:00+0000,c,2023-09-02,01,5\n\
        new,2023-10-03T18:00:00+0000,c,2023-09-02,US,6\n\
        old,2023-10-04T10:00:00+0000,d,2023-09-02,01,99\n\
        new,2023-10-11T18:00:00+0000,e,2023-09-02,01,\n\
        new,2023-10-11T18:00:00+0000,e,2023-09-09,01,7\n\
        new,2023-10-11T18:00:00+0000,e,2023-09-09,60,1\n";
    fs::write(base.join("log.csv"), log).unwrap();
    let out = base.join("hub");
    let build = Build { revisions: base.join("log.csv"), out: out.clone(), locations: None };
    let built = build_from_revisions(&build).unwrap();
    assert_eq!((built.snapshots, built.rows), (4, 1 + 2 + 2 + 2));
    assert_eq!(built.unused.text(), "not used: 1 row: location `60` is not in the list of places\n");
    let archive = Archive::read(&out, &["wk inc flu hosp"], None).unwrap();
    let days = [day(2023, 9, 10), day(2023, 10, 5), day(2023, 10, 11)];
    let known: Vec<Vec<(NaiveDate, f64)>> = archive
        .known(&days)
        .into_iter()
        .map(|k| k.into_iter().find(|(key, _)| key.location == "01").unwrap().1.into_iter().collect())
        .collect();
    let (august, first, second) = (day(2023, 8, 26), day(2023, 9, 2), day(2023, 9, 9));
    assert_eq!(known[0], [(august, 3.0)]);
    assert_eq!(known[1], [(august, 3.0), (first, 5.0)], "the older repository is no longer heard");
    assert!(known[2].contains(&(second, 7.0)) && known[2].contains(&(august, 3.0)));
    assert_eq!(archive.last(), archive.known(&days[2..])[0], "one pass back says what all snapshots say");
    assert!(
        fs::read_to_string(out.join("auxiliary-data/locations.csv"))
            .unwrap()
            .contains("AL,01,Alabama,5108468")
    );
}

#[test]
fn departments_of_france_do_not_become_american_states() {
    let base = folder("departments");
    let list = |target: &str, more: &str| {
        let log = format!(
            "as_of,target,target_end_date,location,value\n2024-10-11,{target},2024-10-06,01,5\n2024-10-11,{target},2024-10-06,95,6\n{more}"
        );
        fs::write(base.join("log.csv"), log).unwrap();
        let out = base.join("hub");
        let build = Build { revisions: base.join("log.csv"), out: out.clone(), locations: None };
        let built = build_from_revisions(&build).unwrap();
        (fs::read_to_string(out.join("auxiliary-data/locations.csv")).unwrap(), built.unused.rows())
    };
    let departments = "abbreviation,location,location_name,population\n01,01,01,\n95,95,95,\n";
    for target in ["ILI", "visits of emergency departments", "", "wk inc flu hosp"] {
        assert_eq!(list(target, ""), (departments.to_owned(), 0), "{target}");
    }
    let (states, unused) = list("wk inc covid hosp", "2024-10-11,wk inc covid hosp,2024-10-06,us,9\n");
    assert!(states.contains("AL,01,Alabama,5108468") && unused == 1, "{states}");
}

/// On a day, of a target and place, what is known.
type Row = (String, String, Vec<(NaiveDate, f64)>);

/// Every row of the hub that a change log becomes.
fn made(name: &str, log: &str) -> Vec<Row> {
    let base = folder(name);
    fs::write(base.join("log.csv"), log).unwrap();
    let out = base.join("hub");
    build_from_revisions(&Build { revisions: base.join("log.csv"), out: out.clone(), locations: None })
        .unwrap();
    let archive = Archive::read(&out, &[], None).unwrap();
    let days: Vec<NaiveDate> = archive.days().collect();
    let known = archive.known(&days).into_iter().zip(days);
    known
        .flat_map(|(known, day)| {
            let row = move |(key, weeks): (hub::SeriesKey, std::collections::BTreeMap<NaiveDate, f64>)| {
                (day.to_string(), format!("{} {}", key.target, key.location), weeks.into_iter().collect())
            };
            known.into_iter().map(row)
        })
        .collect()
}

#[test]
fn the_order_of_the_rows_of_a_change_log_means_nothing() {
    let header = "repository,as_of,target_end_date,location,value\n";
    // Two publications on one day; the hours are those of several zones, and the last is on the next day of UTC.
    let mut rows = [
        "new,2023-10-03T08:00:00Z,2023-09-30,01,5\n",
        "new,2023-10-03 18:00:00+00:00,2023-09-30,01,6\n",
        "new,2023-10-03T15:30:00-0400,2023-09-30,01,7\n",
        "new,2023-10-03T22:00:00-04:00,2023-09-30,01,8\n",
        "old,2023-10-03T08:00:00Z,2023-09-30,01,1\n",
    ];
    let wanted = [("2023-10-03", 7.0), ("2023-10-04", 8.0)].map(|(day_of, value)| {
        (day_of.to_owned(), "wk inc flu hosp 01".to_owned(), vec![(day(2023, 9, 30), value)])
    });
    for turn in 0..rows.len() {
        rows.rotate_left(1);
        let log = header.to_owned() + &rows.concat() + &rows[turn].replace("2023-09-30", "2023-09-27");
        assert_eq!(made("order", &log.replace("old,", "anew,")), wanted, "{log}");
    }
}

#[test]
fn a_repository_of_other_targets_takes_nobody_s_word() {
    let log = "hub,as_of,target,target_end_date,location,value\n\
        syndromes,2024-10-11,ILI,2024-10-06,FR,50\n\
        syndromes,2024-10-11,ARI,2024-10-06,FR,300\n\
        covid,2024-10-18,hospital admissions,2024-10-13,FR,9\n\
        covid,2024-10-25,hospital admissions,2024-10-20,FR,8\n\
        syndromes,2024-10-25,ILI,2024-10-20,FR,60\n";
    let last: Vec<_> = made("targets", log).into_iter().filter(|(day, ..)| day == "2024-10-25").collect();
    let (first, second, third) = (day(2024, 10, 6), day(2024, 10, 13), day(2024, 10, 20));
    let of = |what: &str| last.iter().find(|(_, series, _)| series == what).map(|(.., weeks)| weeks.clone());
    assert_eq!(of("ILI incidence FR"), Some(vec![(first, 50.0), (third, 60.0)]), "{last:?}");
    assert_eq!(of("ARI incidence FR"), Some(vec![(first, 300.0)]), "{last:?}");
    assert_eq!(of("hospital admissions FR"), Some(vec![(second, 9.0), (third, 8.0)]), "{last:?}");
}

/// A model that says 7 of two places, of one of them 22 quantiles only, and of a week that nobody knows.
fn scoring(hub: &Path) -> Score {
    let mut rows = String::from(
        "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n",
    );
    for level in epimodels::LEVELS {
        for (place, end) in [("01", "2023-11-18"), ("06", "2023-11-18"), ("06", "2033-11-18")] {
            let value = if place == "06" && end < "2030" && level > 0.98 { "" } else { "7" };
            rows += &format!("2023-11-18,wk inc flu hosp,0,{end},{place},quantile,{level},{value}\n");
        }
    }
    for (class, p) in [("stable", 0.4), ("increase", 0.4)] {
        rows += &format!("2023-11-18,wk flu hosp rate change,1,2023-11-25,01,pmf,{class},{p}\n");
    }
    let folder = hub.join("model-output/Seven");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("2023-11-18-Seven.csv"), rows).unwrap();
    Score {
        hub: hub.to_owned(),
        model_output: vec![hub.join("model-output")],
        baseline: None,
        truth_as_of: None,
        horizons: (0, 3),
        out: hub.join("scores.csv"),
    }
}

#[test]
fn what_is_not_scored_is_counted() {
    let found = score_tasks(&scoring(&waves("left-out", ""))).unwrap();
    assert_eq!(found.scored.len(), 1);
    let left = LeftOut { incomplete: 1, without_truth: 1, broken_classes: 1, faulty: 0 };
    assert_eq!(found.left_out, [("Seven".to_owned(), left)].into());
}

#[test]
fn bad_input_is_answered_by_a_sentence() {
    let hub = waves("bad", "");
    let args = small(&hub, &hub.join("out"));
    let said = |args: &Backtest| backtest(args, &mut Vec::new()).unwrap_err().to_string();
    let other = Backtest { target: "wk inc plague".into(), ..args.clone() };
    assert!(said(&other).contains("no recipe forecasts the target `wk inc plague`"));
    let never = Backtest { from: day(2023, 11, 20), to: day(2023, 11, 22), ..args.clone() };
    assert!(said(&never).contains("no reference date (Sat) lies between"));
    let clean = waves("late", "");
    let late = Backtest { from: day(2024, 6, 1), to: day(2024, 6, 8), ..small(&clean, &clean.join("out")) };
    assert!(
        said(&late).contains("no reference date from 2024-06-01 to 2024-06-08 has a forecast"),
        "{}",
        said(&late)
    );
    let far = Backtest { horizons: Some((0, 9)), ..args.clone() };
    assert!(said(&far).contains("are 0..3 or a part of them"));
    fs::write(hub.join("target-data/time-series.csv"), "as_of,week\n").unwrap();
    assert!(said(&args).contains("has no column `target`, only: as_of, week"));
    fs::remove_file(hub.join("target-data/time-series.csv")).unwrap();
    assert!(said(&args).contains("holds none of time-series.parquet"));
    fs::write(hub.join("target-data/oracle-output.csv"), "location\n").unwrap();
    assert!(said(&args).contains("oracle-output.csv: has no day of publication (`as_of`)"));
}
