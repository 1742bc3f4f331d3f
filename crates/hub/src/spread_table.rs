//! Scores of spread as a table for programs and as one for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use epimodels::scores::{brier, rps};
use epimodels::trend::CLASSES;

use crate::HubError;
use crate::spread::{Event, Spread};

/// One row per model, place and horizon: what was said, what came, and the scores.
pub(crate) fn write(path: &Path, rows: &[Spread]) -> Result<(), HubError> {
    let broken = |e: csv::Error| HubError::content(path, format!("cannot be written: {e}"));
    let mut table = csv::Writer::from_path(path).map_err(broken)?;
    let mut header: Vec<String> =
        ["model", "reference_date", "target", "horizon", "target_end_date", "location"]
            .map(String::from)
            .into();
    header.extend(CLASSES.map(String::from));
    header.extend(CLASSES.map(|class| format!("climatology_{class}")));
    header.extend(["class", "rps", "rps_climatology"].map(String::from));
    for event in ["rises", "arrives"] {
        header.extend([event.to_owned(), format!("climatology_{event}"), format!("{event}_happened")]);
        header.extend([format!("brier_{event}"), format!("brier_climatology_{event}")]);
    }
    table.write_record(&header).map_err(broken)?;
    for row in rows {
        let task = &row.task;
        let mut record = vec![row.model.clone(), task.reference_date.to_string(), task.target.clone()];
        record.extend([task.horizon.to_string(), task.target_end_date.to_string(), task.location.clone()]);
        record.extend(row.classes.iter().chain(&row.climatology).map(f64::to_string));
        record.push(CLASSES[row.class].to_owned());
        record
            .extend([rps(&row.classes, row.class), rps(&row.climatology, row.class)].map(|s| s.to_string()));
        for event in [Some(row.rises), row.arrives] {
            record.extend(event.map_or_else(|| vec![String::new(); 5], cells));
        }
        table.write_record(&record).map_err(broken)?;
    }
    table.flush().map_err(HubError::file(path))
}

fn cells(event: Event) -> Vec<String> {
    let Event { probability, climatology, happened } = event;
    let scores = [brier(probability, happened), brier(climatology, happened)].map(|s| s.to_string());
    let happened = u8::from(happened).to_string();
    [vec![probability.to_string(), climatology.to_string(), happened], scores.into()].concat()
}

/// Mean score, that of climatology on the same tasks, and their number.
fn means(scores: &[(f64, f64)]) -> (f64, f64, usize) {
    let (ours, climatology) = scores.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let n = scores.len() as f64;
    (ours / n, climatology / n, scores.len())
}

/// The tables that people read: scores by model and horizon, then how often came what was given each probability.
pub(crate) fn text(rows: &[Spread]) -> String {
    let mut models: BTreeMap<&str, Vec<&Spread>> = BTreeMap::new();
    for row in rows {
        models.entry(&row.model).or_default().push(row);
    }
    let mut table = String::from("\nspread                       tasks    score  climatology  ratio\n");
    for (model, rows) in &models {
        let mut horizons: Vec<Option<i32>> = rows.iter().map(|r| Some(r.task.horizon)).collect();
        horizons.sort_unstable();
        horizons.dedup();
        horizons.insert(0, None);
        let _ = writeln!(table, "{model}");
        for horizon in horizons {
            let of = || rows.iter().filter(|r| horizon.is_none_or(|h| r.task.horizon == h));
            let pair = |e: Event| (brier(e.probability, e.happened), brier(e.climatology, e.happened));
            let lines = [
                (
                    "five classes, RPS",
                    of().map(|r| (rps(&r.classes, r.class), rps(&r.climatology, r.class))).collect(),
                ),
                ("rises, Brier", of().map(|r| pair(r.rises)).collect()),
                ("arrives, Brier", of().filter_map(|r| r.arrives.map(pair)).collect::<Vec<_>>()),
            ];
            let at = horizon.map_or_else(|| "all".to_owned(), |h| format!("h{h}"));
            for (name, scores) in lines.iter().filter(|(_, scores)| !scores.is_empty()) {
                let (ours, climatology, n) = means(scores);
                let ratio = ours / climatology;
                let _ =
                    writeln!(table, "  {at:3} {name:18} {n:>9} {ours:>8.4} {climatology:>12.4} {ratio:>6.3}");
            }
        }
        let large = |class: usize| rows.iter().map(move |r| (r.classes[class], r.class == class)).collect();
        let reliability: [(&str, Vec<(f64, bool)>); 4] = [
            ("rises", rows.iter().map(|r| (r.rises.probability, r.rises.happened)).collect()),
            ("arrives", rows.iter().filter_map(|r| r.arrives.map(|e| (e.probability, e.happened))).collect()),
            ("large increase", large(4)),
            ("large decrease", large(0)),
        ];
        let _ = writeln!(
            table,
            "  given a probability of 0 to .1, .1 to .3, .3 to .5, .5 to .7, .7 to .9, .9 to 1, it came (times given)"
        );
        for (name, events) in &reliability {
            let _ = writeln!(table, "  {name:15} {}", came(events).join("  "));
        }
    }
    table
}

/// The share that came of what was given each range of probabilities.
fn came(events: &[(f64, bool)]) -> Vec<String> {
    let cuts = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, f64::INFINITY];
    let of = |range: &[f64]| {
        let inside: Vec<bool> =
            events.iter().filter(|(p, _)| (range[0]..range[1]).contains(p)).map(|(_, came)| *came).collect();
        if inside.is_empty() {
            return "-".to_owned();
        }
        let share = inside.iter().filter(|came| **came).count() as f64 / inside.len() as f64;
        format!("{share:.2} ({})", inside.len())
    };
    cuts.windows(2).map(of).collect()
}
