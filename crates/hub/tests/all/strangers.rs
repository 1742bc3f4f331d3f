//! Target data with faults, as it comes: a row that cannot be used is as if it were not there, and is named.

use std::fs;
use std::path::Path;

use chrono::Duration;

use crate::common::{Folder, day, folder, small, waves};
use hub::{Backtest, Build, Score, backtest, build_from_revisions, score_tasks};

/// The forecasts of one date and what was said.
fn run(hub: &Path) -> (String, String) {
    let args = Backtest { to: day(2023, 11, 18), ..small(hub, &hub.join("out")) };
    let mut said = Vec::new();
    assert_eq!(backtest(&args, &mut said).unwrap(), 1);
    let file = hub.join("out/model-output/Ours/2023-11-18-Ours.csv");
    (fs::read_to_string(file).unwrap(), String::from_utf8(said).unwrap())
}

fn not_used(hub: &Path) -> String {
    fs::read_to_string(hub.join("out/not-used-Ours.csv")).unwrap_or_default()
}

const ROW: &str = "2023-11-15,wk inc flu hosp,2023-11-11,06,";

/// The hub whose newest figure of a place is this.
fn with(name: &str, figure: Option<&str>) -> Folder {
    let hub = waves(name, "");
    let file = hub.join("target-data/time-series.csv");
    let text = fs::read_to_string(&file).unwrap();
    let of = |line: &str| match (line.starts_with(ROW), figure) {
        (false, _) => format!("{line}\n"),
        (true, Some(figure)) => format!("{ROW}{figure}\n"),
        (true, None) => String::new(),
    };
    fs::write(file, text.lines().map(of).collect::<String>()).unwrap();
    hub
}

#[test]
fn an_absurd_figure_is_as_if_it_were_not_published_and_is_named() {
    let (without, _) = run(&with("without", None));
    for (figure, why) in [
        ("-3", "`observation` is `-3`, a count, rate or share from 0 to 1e10"),
        ("1e12", "`observation` is `1e12`, a count, rate or share from 0 to 1e10"),
        ("inf", "`observation` is `inf`, a finite number is needed"),
        ("many", "`observation` is `many`, a number is needed"),
        ("39000001", "39000001 is more than there can be of `wk inc flu hosp` in 06"),
    ] {
        let hub = with("absurd", Some(figure));
        let (text, said) = run(&hub);
        assert!(text == without, "{figure}");
        assert!(said.contains(&format!("not used: 1 row: {why}")), "{said}");
        assert!(said.contains("(time-series.csv, row "), "{said}");
        assert!(
            not_used(&hub).starts_with(
                "rows,file,first,reason\n1,time-series.csv,2023-11-15 wk inc flu hosp 2023-11-11 06 "
            ),
            "{}",
            not_used(&hub)
        );
        let log = format!("as_of,target_end_date,location,value\n2023-09-05,2023-08-26,01,{figure}\n");
        fs::write(hub.join("log.csv"), log.clone() + "2023-09-06,2023-08-26,1,4\n").unwrap();
        let build = Build { revisions: hub.join("log.csv"), out: hub.join("made"), locations: None };
        let built = build_from_revisions(&build).unwrap();
        let left = usize::from(figure != "39000001");
        assert_eq!((built.rows, built.unused.rows()), (2 - left, left), "{figure}");
        fs::write(hub.join("log.csv"), log).unwrap();
        let none = build_from_revisions(&build).map_err(|e| e.to_string());
        assert!(left == 0 || none.unwrap_err().contains("has no row that can be used\nnot used: 1 row: "));
    }
}

#[test]
fn a_figure_that_is_carried_forward_is_said_and_a_history_that_is_not_there_is_explained() {
    let (_, said) = run(&with("carried", None));
    let carried =
        "2023-11-18: carried forward, since nothing newer was known, are figures of 2023-11-04: 06\n";
    assert!(said.contains(carried), "{said}");
    let hub = with("nothing carried", Some("90"));
    assert!(!run(&hub).1.contains("carried forward"));
    let args = Backtest { history: Some("nowhere/ili.csv.gz".into()), ..small(&hub, &hub.join("out")) };
    let why = backtest(&args, &mut Vec::new()).unwrap_err().to_string();
    assert!(why.starts_with("nowhere/ili.csv.gz is not there, seen from /"), "{why}");
    assert!(why.ends_with("say where it is with --history (`none`: go without)"), "{why}");
}

#[test]
fn a_missing_zero_drops_no_place_and_what_is_dropped_is_counted_by_reason() {
    let clean = waves("codes", "");
    let (wanted, quiet) = run(&clean);
    assert!(!quiet.contains("not used") && not_used(&clean).is_empty(), "{quiet}");
    let faults = "2023-11-15,wk inc flu hosp,2023-11-11,66,5\n2023-11-15,wk inc flu hosp,2023-11-04,66,5\n\
        2023-11-15,wk inc flu hosp,2023-11-10,01,5\n2023-11-15,wk inc flu hosp,2023-11-18,01,5\n\
        2023-11-15,wk inc flu hosp,11/11/2023,01,5\n,wk inc flu hosp,2023-11-11,01,5\n2023-11-15,wk inc";
    let hub = waves("codes", faults);
    let file = hub.join("target-data/time-series.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, text.replace(",01,", ",1,").replace(",02,", ",2.0,").replace(",US,", ",us,")).unwrap();
    let (text, said) = run(&hub);
    assert!(text == wanted);
    for why in [
        "not used: 2 rows: location `66` is not in auxiliary-data/locations.csv (time-series.csv, row 3857 and more)",
        "not used: 1 row: the week ends on a Fri, those of `wk inc flu hosp` on a Sat",
        "not used: 1 row: the week to 2023-11-18 was not over on 2023-11-15, when it was published",
        "not used: 1 row: `target_end_date` is `11/11/2023`, a date like 2025-01-31 is needed",
        "not used: 1 row: `as_of` is empty, a date like 2025-01-31 is needed",
    ] {
        assert!(said.contains(why), "{why}\n{said}");
    }
    assert!(
        not_used(&hub)
            .contains("2,time-series.csv,2023-11-15 wk inc flu hosp 2023-11-11 66 5,location `66` is not in")
    );
}

#[test]
fn of_two_figures_the_later_holds_and_of_more_none() {
    let twice = |more: &str| run(&waves("twice", more));
    let same = waves("same", "");
    let rows = fs::read_to_string(same.join("target-data/time-series.csv")).unwrap();
    let again = rows.lines().skip(1).filter(|l| l.contains("2023-11-1")).collect::<Vec<_>>().join("\n");
    let (clean, _) = run(&same);
    assert_eq!(twice(&(again + "\n")), run(&same), "said twice alike");
    let (corrected, said) = twice(&format!("{ROW}77\n"));
    assert!(corrected == run(&with("corrected", Some("77"))).0 && corrected != clean);
    let why = "published on 2023-11-15 are two figures of `wk inc flu hosp` in 06 for one week: the later row holds";
    assert!(said.contains(&format!("not used: 1 row: {why}")), "{said}");
    let (none, said) = twice(&format!("{ROW}77\n{ROW}78\n"));
    assert!(
        none == run(&with("none", None)).0
            && said.contains("not used: 3 rows: published on 2023-11-15 are more than two figures"),
        "{said}"
    );
}

#[test]
fn an_hour_of_publication_counts_in_utc_and_orders_two_of_one_day() {
    let (wanted, _) = run(&with("at", Some("90")));
    // The cut-off is the end of 2023-11-16 in UTC.
    let late = |hour: &str| {
        let rows = format!(
            "2023-11-15T20:00:00Z,wk inc flu hosp,2023-11-11,06,90\n{hour},wk inc flu hosp,2023-11-11,06,66\n"
        );
        run(&waves("hours", &rows)).0 == wanted
    };
    assert!(
        late("2023-11-15T09:00:00Z") && late("2023-11-16T23:30:00-05:00") && late("2023-11-17T00:00:00Z")
    );
    assert!(
        !late("2023-11-16T23:59:00Z") && !late("2023-11-17T00:30:00+02:00") && !late("2023-11-15T21:00:00Z")
    );
}

#[test]
fn a_place_without_forecasts_is_named_and_one_without_people_stops_nothing() {
    let hub = waves("people", "");
    let list = hub.join("auxiliary-data/locations.csv");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(
        &list,
        text.replace("California,39000000", "California,").replace("US,US,US,44700000\n", "XX,XX,Xanadu,\n"),
    )
    .unwrap();
    let rows = "2023-11-15,wk inc flu hosp,2023-11-11,XX,5\n";
    let series = hub.join("target-data/time-series.csv");
    fs::write(&series, fs::read_to_string(&series).unwrap() + rows).unwrap();
    let (text, said) = run(&hub);
    assert_eq!(text.lines().count(), 1 + 3 * 4 * 23, "three places, without the nation's");
    assert!(said.contains("gives no population of 06: those of FluSight, 2024-25, are used"), "{said}");
    assert!(
        said.contains("location `XX` has no population") && said.contains("location `US` is not in"),
        "{said}"
    );
    assert!(said.contains("without a forecast: XX (nothing known)"), "{said}");
    fs::remove_file(list).unwrap();
    let (text, said) = run(&hub);
    assert_eq!(text.lines().count(), 1 + 4 * 4 * 23);
    assert!(
        said.contains("no auxiliary-data/locations.csv: the places and populations of FluSight"),
        "{said}"
    );
}

#[test]
fn a_date_of_which_too_little_was_known_stops_no_other() {
    let hub = folder("young");
    let mut table = String::from("as_of,target,target_end_date,location,observation\n");
    let end = |week: i64| day(2025, 8, 10) + Duration::weeks(week);
    for publication in 0..40 {
        let as_of = end(publication) + Duration::days(5);
        for (place, size) in [("FR", 30), ("CH", 20), ("DE", 25), ("IT", 22)] {
            for week in 0..=publication {
                table += &format!("{as_of},ILI incidence,{},{place},{}\n", end(week), size + week * 7 % 11);
            }
        }
    }
    fs::write(hub.join("target-data/time-series.csv"), table).unwrap();
    let mut recipe = epimodels::recipe::europe();
    recipe.gbq.trees = 2;
    let args = Backtest {
        target: "ILI incidence".into(),
        recipe: Some(recipe),
        from: day(2025, 10, 1),
        to: day(2026, 4, 30),
        ..small(&hub, &hub.join("out"))
    };
    let mut said = Vec::new();
    let files = backtest(&args, &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(files > 2 && said.contains("no forecast, too little was known to learn from"), "{files}: {said}");
    assert!(said.contains("no auxiliary-data/locations.csv: every place of the target data"), "{said}");
}

#[test]
fn scoring_names_what_it_does_not_use() {
    let hub = waves("scored", "2023-12-20,wk inc flu hosp,2023-11-18,06,-4\n");
    let mut rows = String::from(
        "reference_date,target,horizon,target_end_date,location,output_type,output_type_id,value\n",
    );
    for level in epimodels::LEVELS {
        for (place, value) in [("1", 7.0), ("06", 7.0), ("02", if level > 0.5 { 1.0 } else { 2.0 })] {
            rows += &format!("2023-11-18,wk inc flu hosp,0,2023-11-18,{place},quantile,{level},{value}\n");
        }
    }
    let folder = hub.join("model-output/Seven");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("2023-11-18-Seven.csv"), rows).unwrap();
    fs::write(folder.join("2023-11-25-Seven.csv"), "").unwrap();
    let args = Score {
        hub: hub.to_path_buf(),
        model_output: vec![hub.join("model-output")],
        baseline: None,
        truth_as_of: None,
        horizons: (0, 3),
        out: hub.join("scores.csv"),
    };
    let found = score_tasks(&args).unwrap();
    let places: Vec<&str> = found.scored.iter().map(|s| s.task.location.as_str()).collect();
    assert_eq!(places, ["01", "06"]);
    assert_eq!((found.left_out["Seven"].faulty, found.left_out["Seven"].without_truth), (1, 0));
    assert!(found.faults["Seven"].contains("2023-11-18-Seven.csv: row "), "{:?}", found.faults);
    let file = "not used: the file 2023-11-25-Seven.csv has no column `reference_date` or `origin_date`";
    assert!(found.unused.text().starts_with(file), "{}", found.unused.text());
    assert_eq!(found.unused_truth.rows(), 1, "the figure before it stands");
}
