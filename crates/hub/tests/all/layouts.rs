//! The names and layouts in which hubs have kept their target data.

use std::fs;
use std::path::Path;

use crate::common::{Folder, day, small, waves};
use hub::{Backtest, Score, backtest, score_tasks};

fn run(hub: &Path) -> String {
    let args = Backtest { to: day(2023, 11, 18), ..small(hub, &hub.join("out")) };
    assert_eq!(backtest(&args, &mut Vec::new()).unwrap(), 1);
    fs::read_to_string(hub.join("out/model-output/Ours/2023-11-18-Ours.csv")).unwrap()
}

/// The hub with its table made into others: by name, and text.
fn laid_out(name: &str, of: impl Fn(&str) -> Vec<(String, Vec<u8>)>) -> Folder {
    let hub = waves(name, "");
    let file = hub.join("target-data/time-series.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    for (name, bytes) in of(&text) {
        let path = hub.join("target-data").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    hub
}

fn one(text: String) -> Vec<(String, Vec<u8>)> {
    vec![("time-series.csv".to_owned(), text.into_bytes())]
}

#[test]
fn one_content_in_any_layout_gives_the_same_bytes() {
    let wanted = run(&waves("plain", ""));
    let quoted = |text: &str| {
        let row =
            |line: &str| line.split(',').map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(",") + "\r\n";
        one(format!("\u{feff}{}", text.lines().map(row).collect::<String>()))
    };
    assert!(run(&laid_out("quoted", quoted)) == wanted, "byte order mark, quotes, CR and LF");
    let turned = |text: &str| {
        let mut rows: Vec<&str> = text.lines().skip(1).collect();
        rows.reverse();
        let header = "X,observation,location_name,location,target_end_date,target,as_of,weekly_rate\n";
        let row = |line: &&str| {
            let c: Vec<&str> = line.split(',').collect();
            format!(
                "1,{:e},\u{ce}le,{},{}T00:00:00Z,{},{} 09:00:00,NA\n",
                c[4].parse::<f64>().unwrap(),
                c[3],
                c[2],
                c[1],
                c[0]
            )
        };
        let text = header.to_owned() + &rows.iter().map(row).collect::<String>();
        // A name in Latin-1.
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        vec![("time-series.csv".to_owned(), bytes)]
    };
    assert!(
        run(&laid_out("turned", turned)) == wanted,
        "other columns, from the end, with exponents and times"
    );
    let parts = |text: &str| {
        let mut files = std::collections::BTreeMap::<String, String>::new();
        for line in text.lines().skip(1) {
            let (as_of, rest) = line.split_once(',').unwrap();
            let rest = rest.replace("wk inc flu hosp,", "");
            let file = files
                .entry(format!("time-series/target=wk%20inc%20flu%20hosp/as_of={as_of}/part-0.csv"))
                .or_insert_with(|| "target_end_date,location,observation\n".into());
            *file += &format!("{rest}\n");
        }
        files.insert("time-series/_SUCCESS.csv".into(), String::new());
        files.insert("time-series/notes.csv".into(), "nothing\n".into());
        files.insert("time-series/as_of=2023-11-17/part-0.csv".into(), "nothing\n".into());
        files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
    };
    let hub = laid_out("parts", parts);
    assert!(run(&hub) == wanted, "a folder of each publication");
    let said = fs::read_to_string(hub.join("out/not-used-Ours.csv")).unwrap();
    assert!(said.contains("the file time-series/notes.csv has no column"), "{said}");
    assert_eq!(said.lines().count(), 2, "a broken file of a later day is not looked at: {said}");
}

#[test]
fn the_truth_may_come_without_its_day_and_a_backtest_may_not() {
    let dated = waves("dated", "");
    run(&dated);
    let args = |hub: &Path| Score {
        hub: hub.to_owned(),
        model_output: vec![dated.join("out/model-output")],
        baseline: None,
        truth_as_of: None,
        horizons: (0, 3),
        out: dated.join("scores.csv"),
    };
    let wanted = score_tasks(&args(&dated)).unwrap();
    assert_eq!(wanted.scored.len(), 16);
    let newest = |text: &str, of: &dyn Fn(&[&str]) -> String| -> String {
        let newest = text.lines().filter(|l| l.starts_with("2023-12-20"));
        newest.map(|line| of(&line.split(',').collect::<Vec<_>>())).collect()
    };
    for (name, header, form) in [
        ("target-hospital-admissions.csv", "date,location,location_name,value", 0),
        ("oracle-output.csv", "target_end_date,location,target,output_type,output_type_id,oracle_value", 1),
        ("time-series.csv", "target_end_date,location,target,observation", 2),
    ] {
        let row = |c: &[&str]| match form {
            0 => format!("{},{},x,{}\n", c[2], c[3], c[4]),
            1 => format!(
                "{},{},{},quantile,NA,{}\n{},{},wk flu hosp rate change,pmf,stable,1\n",
                c[2], c[3], c[1], c[4], c[2], c[3]
            ),
            _ => format!("{},{},{},{}\n", c[2], c[3], c[1], c[4]),
        };
        let hub = laid_out("undated", |text| {
            vec![(name.to_owned(), format!("{header}\n{}", newest(text, &row)).into_bytes())]
        });
        let found = score_tasks(&args(&hub)).unwrap();
        let wis = |all: &[hub::Scored]| all.iter().map(|s| s.score.wis.to_bits()).collect::<Vec<_>>();
        assert_eq!(wis(&found.scored), wis(&wanted.scored), "{name}");
        assert!(found.unused_truth.is_empty(), "{}", found.unused_truth.text());
        let of_a_day = Score { truth_as_of: Some(day(2023, 12, 1)), ..args(&hub) };
        let said = score_tasks(&of_a_day).unwrap_err().to_string();
        assert!(
            said.contains("without a column `as_of` nobody can say what was known on a day"),
            "{name}: {said}"
        );
        let said = backtest(&small(&hub, &hub.join("out")), &mut Vec::new()).unwrap_err().to_string();
        assert!(said.contains("as_of"), "{name}: {said}");
    }
}
