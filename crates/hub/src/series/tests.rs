//! What is known last, read from the end of the file and from all of it.

use chrono::{Days, NaiveDate};
use tempfile::TempDir;

use super::{Archive, Known, Wanted};
use crate::Task;
use crate::table::tests::write_parquet;

const SERIES: [(&str, &str); 4] = [("flu", "01"), ("flu", "02"), ("flu", "US"), ("covid", "01")];

/// Whole numbers below `below`, the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn week(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, 7).unwrap() + Days::new(7 * number)
}

/// Twelve publications: of some series, with windows of several lengths, withdrawn and missing weeks.
fn publications(dice: &mut Dice) -> Vec<String> {
    let mut lines = Vec::new();
    for publication in 20..32 {
        for (target, location) in SERIES.iter().filter(|_| dice.next(5) > 0).collect::<Vec<_>>() {
            for number in dice.next(18)..publication {
                let value = if dice.next(9) == 0 { String::new() } else { dice.next(1000).to_string() };
                if dice.next(12) > 0 {
                    lines.push(format!("{},{target},{},{location},{value}", week(publication), week(number)));
                }
            }
        }
    }
    lines
}

fn written(lines: &[String], size: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let hub = folder.path();
    std::fs::create_dir_all(hub.join("target-data")).unwrap();
    let groups: Vec<&[String]> = lines.chunks(size).collect();
    let header = "as_of,target,target_end_date,location,observation";
    write_parquet(&hub.join("target-data/time-series.parquet"), header, &groups);
    folder
}

fn task(target: &str, location: &str, number: u64) -> Task {
    let (target, location) = (target.to_owned(), location.to_owned());
    Task { target, location, target_end_date: week(number), ..Task::default() }
}

fn rows(archive: &Archive) -> usize {
    archive.snapshots.values().map(Vec::len).sum()
}

/// What is known of the wanted series from a week on.
fn of_wanted(known: Known, tasks: &[Task]) -> Vec<(String, String, NaiveDate, f64)> {
    let first = tasks.iter().map(|task| task.target_end_date).min().unwrap();
    let is =
        |target: &str, location: &str| tasks.iter().any(|t| t.target == target && t.location == location);
    let wanted = known.into_iter().filter(|(key, _)| is(&key.target, &key.location));
    let weeks = wanted.flat_map(|(key, mut weeks)| {
        let from = weeks.split_off(&first).into_iter();
        from.map(move |(week, value)| (key.target.clone(), key.location.clone(), week, value))
    });
    weeks.collect()
}

#[test]
fn what_is_left_out_changes_nothing_of_what_is_wanted() {
    let mut dice = Dice(7);
    let mut left_out = 0;
    for round in 0..60 {
        let mut lines = publications(&mut dice);
        if round % 4 == 0 {
            // Publications in no order.
            let middle = dice.next(lines.len() as u64) as usize;
            lines.rotate_left(middle);
        }
        let hub = written(&lines, 20 + dice.next(100) as usize);
        // A place that no publication has, too.
        let tasks: Vec<Task> = match round % 3 {
            0 => vec![task("flu", "01", 19), task("flu", "US", 21)],
            1 => vec![task("flu", "02", 8), task("flu", "78", 12)],
            _ => vec![task("covid", "01", 2)],
        };
        let until = (round % 5 == 0).then(|| week(27));
        let all = Archive::read(hub.path(), &[], until).unwrap();
        let some = Archive::read_newest(hub.path(), until, || Some(Wanted::of(tasks.iter()))).unwrap();
        assert_eq!(of_wanted(some.last(), &tasks), of_wanted(all.last(), &tasks), "round {round}");
        assert_eq!(some.days().next_back(), all.days().next_back());
        left_out += rows(&all) - rows(&some);
        let unknown = Archive::read_newest(hub.path(), until, || None).unwrap();
        assert_eq!((unknown.last(), rows(&unknown)), (all.last(), rows(&all)));
    }
    assert!(left_out > 1000, "only {left_out} rows were left out");
}

#[test]
fn of_publications_that_repeat_all_weeks_only_the_last_is_read() {
    let line = |publication, place, number| {
        format!("{},flu,{},{place},{publication}", week(publication), week(number))
    };
    let whole =
        |publication| (0..publication).flat_map(move |n| ["01", "02"].map(|p| line(publication, p, n)));
    let lines: Vec<String> = (10..30).flat_map(whole).collect();
    // Of three parts the last holds the last publication and nothing else.
    let hub = written(&lines, (lines.len() - 58) / 2);
    let read = |wanted: Option<&[Task]>| {
        let archive = Archive::read_newest(hub.path(), None, || wanted.map(|tasks| Wanted::of(tasks.iter())));
        rows(&archive.unwrap())
    };
    assert_eq!(read(Some(&[task("flu", "01", 3), task("flu", "02", 9)])), 58);
    assert_eq!(read(Some(&[task("flu", "78", 9), task("flu", "01", 3)])), 58, "no part has the place 78");
    assert_eq!(read(None), lines.len());
}

/// A hub whose folder of publications has these tables, as Parquet or (with hours of publication) as CSV.
fn in_files(ending: &str, tables: &[&[String]]) -> TempDir {
    let hub = tempfile::tempdir().unwrap();
    let folder = hub.path().join("target-data/time-series");
    std::fs::create_dir_all(&folder).unwrap();
    let header = "as_of,target,target_end_date,location,observation";
    for (number, lines) in tables.iter().enumerate() {
        let file = folder.join(format!("{number}.{ending}"));
        match ending {
            "parquet" => write_parquet(&file, header, &[*lines]),
            _ => std::fs::write(file, format!("{header}\n{}\n", lines.join("\n"))).unwrap(),
        }
    }
    hub
}

#[test]
#[cfg(target_os = "linux")]
fn of_many_files_one_is_open_at_a_time() {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let lines: Vec<String> = (0..9).map(|n| format!("{},flu,{},{n:02},5", week(3), week(1))).collect();
    let hub = in_files("parquet", &lines.chunks(1).collect::<Vec<_>>());
    let open = || {
        let all =
            std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fd.ok()?.path().read_link().ok());
        all.filter(|path| path.starts_with(hub.path())).collect::<BTreeSet<_>>().len()
    };
    let most = AtomicUsize::new(0);
    let bound = |_: &super::SeriesKey| {
        most.fetch_max(open(), Ordering::Relaxed);
        Ok(f64::INFINITY)
    };
    let asked = super::Asked { bound: &bound, ..super::Asked::of(&[], None) };
    let all = Archive::read_asked(hub.path(), &asked).unwrap();
    assert_eq!((rows(&all), most.into_inner()), (9, 1));
    let mut at_the_first = 0;
    let newest = Archive::read_newest(hub.path(), None, || {
        at_the_first = open();
        None
    });
    assert_eq!((rows(&newest.unwrap()), at_the_first), (9, 1));
}

#[test]
fn a_second_publication_of_a_day_corrects_the_weeks_that_it_has_and_withdraws_no_other() {
    let at = |hour: &str, place: &str, weeks: &[(u64, &str)]| -> Vec<String> {
        let line =
            |(n, value): &(u64, &str)| format!("{}T{hour}:00:00Z,flu,{},{place},{value}", week(9), week(*n));
        weeks.iter().map(line).collect()
    };
    let whole = |place: &str| at("09", place, &[(1, "10"), (2, "20"), (3, "30"), (4, "40")]);
    let parts = [
        whole("01"),
        whole("02"),
        whole("03"),
        at("15", "01", &[(1, "11")]),
        at("15", "02", &[(1, "12"), (2, "22"), (3, "32"), (4, "42")]),
        // Withdrawn by an empty cell, and corrected once more.
        at("15", "03", &[(2, ""), (3, "33")]),
        at("18", "03", &[(3, "34")]),
        vec![format!("{},flu,{},02,23", week(10), week(2))],
    ];
    let hub = in_files("csv", &[&parts.concat()]);
    let archive = Archive::read(hub.path(), &[], None).unwrap();
    let figures =
        |known: &Known| -> Vec<Vec<f64>> { known.values().map(|w| w.values().copied().collect()).collect() };
    let known = archive.known(&[week(9), week(10)]);
    let wanted = [vec![11.0, 20.0, 30.0, 40.0], vec![12.0, 22.0, 32.0, 42.0], vec![10.0, 34.0, 40.0]];
    assert_eq!(figures(&known[0]), wanted);
    let next = [wanted[0].clone(), vec![12.0, 23.0], wanted[2].clone()];
    assert_eq!(figures(&known[1]), next, "a later day is a snapshot of its own");
    let two = in_files("csv", &[&parts[..4].concat(), &parts[4..].concat()]);
    let backwards = Archive::read_newest(two.path(), None, || None);
    assert_eq!(archive.last(), known[1]);
    assert_eq!(backwards.unwrap().last(), known[1]);
    assert_eq!(archive.days().collect::<Vec<_>>(), [week(9), week(10)]);
}
