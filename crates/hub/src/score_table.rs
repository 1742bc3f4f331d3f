//! Scores as a table for programs.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::HubError;
use crate::score::{Scored, in_parts};

const HEADER: [&str; 18] = [
    "model",
    "reference_date",
    "target",
    "horizon",
    "target_end_date",
    "location",
    "observation",
    "wis",
    "dispersion",
    "overprediction",
    "underprediction",
    "wis_log1p",
    "crps",
    "ae_median",
    "coverage_50",
    "coverage_80",
    "coverage_95",
    "bias",
];

/// Writes one row per task and model. The parts of the text are made on all cores.
pub(crate) fn write(path: &Path, scored: &[Scored]) -> Result<(), HubError> {
    let broken = |e: csv::Error| HubError::content(path, format!("cannot be written: {e}"));
    let mut file = File::create(path).map_err(HubError::file(path))?;
    let mut header = csv::Writer::from_writer(&mut file);
    header.write_record(HEADER).and_then(|()| Ok(header.flush()?)).map_err(broken)?;
    drop(header);
    for part in in_parts(scored, rows) {
        file.write_all(&part.map_err(broken)?).map_err(HubError::file(path))?;
    }
    Ok(())
}

fn rows(scored: &[Scored]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    // One text for every cell: to make and drop them took longer than to write them.
    let mut text = String::new();
    for Scored { model, task, truth, score, crps } in scored {
        let [crps, bias] = [crps, &score.bias].map(|n| n.as_ref().map_or(&"" as &dyn Display, |n| n));
        let [covered_50, covered_80, covered_95] =
            [score.covered_50, score.covered_80, score.covered_95].map(u8::from);
        let cells: [&dyn Display; 18] = [
            model,
            &task.reference_date,
            &task.target,
            &task.horizon,
            &task.target_end_date,
            &task.location,
            truth,
            &score.wis,
            &score.dispersion,
            &score.overprediction,
            &score.underprediction,
            &score.wis_log1p,
            crps,
            &score.ae_median,
            &covered_50,
            &covered_80,
            &covered_95,
            bias,
        ];
        for cell in cells {
            text.clear();
            // A `String` takes whatever is written to it.
            let _ = write!(text, "{cell}");
            table.write_field(&text)?;
        }
        table.write_record(None::<&[u8]>)?;
    }
    table.into_inner().map_err(|e| e.into_error().into())
}
