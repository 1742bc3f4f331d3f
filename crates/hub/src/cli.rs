//! The three commands as `clap` arguments, for the `vigie` binary: each is parsed, then [`Command::run`] (or the
//! `run` of its arguments) does the work. Results go to `out`, progress to `progress`.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use crate::{
    Backtest, Build, Built, CardTable, Contributor, HubError, Locations, Score, ScoreSpread, Submission,
    backtest, build_from_revisions, profile_of, score_spread, score_tasks, spread_table, summarise, summary,
};

/// All commands of this crate.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a hub directory.
    Hub {
        /// What to do.
        #[command(subcommand)]
        command: HubCommand,
    },
    /// Forecast past reference dates from what was known then.
    Backtest(BacktestArgs),
    /// Score forecasts against the target data of a hub.
    Score(ScoreArgs),
}

/// Commands on a hub directory.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Make a hub directory from a log of changes.
    Build(BuildArgs),
}

/// Arguments of `hub build`.
#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// Log of changes (.parquet, .csv, .csv.gz): as_of, target_end_date, location, value, and perhaps repository,
    /// source and target.
    #[arg(long, value_name = "FILE")]
    pub from_revisions: PathBuf,
    /// Folder to make.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Table of the locations; without it those of FluSight, or those of the log if it has no `US` of a target that one of
    /// the hubs of the United States has.
    #[arg(long, value_name = "FILE")]
    pub locations: Option<PathBuf>,
}

/// Arguments of `backtest`.
#[derive(Debug, Clone, Args)]
pub struct BacktestArgs {
    /// Hub directory.
    #[arg(long, value_name = "DIR")]
    pub hub: PathBuf,
    /// Target, as the hub names it.
    #[arg(long, default_value = "wk inc flu hosp")]
    pub target: String,
    /// First reference date.
    #[arg(long, value_name = "DATE")]
    pub from: NaiveDate,
    /// Last reference date.
    #[arg(long, value_name = "DATE")]
    pub to: NaiveDate,
    /// Folder for model-output/MODEL/*.csv.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the model.
    #[arg(long, value_name = "NAME", default_value = "Vigie-pool", value_parser = model_name)]
    pub model: String,
    /// Only what was published this many days before the reference date is used (FluSight 2, RespiCast 0).
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(0..=365))]
    pub lag_days: Option<i64>,
    /// Horizons, both ends inside (FluSight 0..3, RespiCast 1..4).
    #[arg(long, value_name = "A..B", value_parser = horizons, allow_hyphen_values = true)]
    pub horizons: Option<(i32, i32)>,
    /// History of ILI+ for the targets that use it; `none` to go without.
    #[arg(long, value_name = "FILE", default_value = "data/history/ili_plus_us_2010_2020.csv.gz")]
    pub history: PathBuf,
    /// History of admissions per 100,000 (FluSurv-NET) for the targets that use it; `none` to go without.
    #[arg(long, value_name = "FILE", default_value = "data/history/flusurv_us_2003_2020.csv.gz")]
    pub rates: PathBuf,
    /// The project's data, for targets that learn from other hubs' series too; `none` to go without.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Also write the hubs' persistence baseline from what was known, as a model of this name.
    #[arg(long, value_name = "NAME", value_parser = model_name)]
    pub baseline: Option<String>,
    /// Also write the seasonal baselines from what was known: the same weeks of earlier seasons as a model of this name,
    /// and with `-climate` after it the mean of those, with the newest weeks, and of all places.
    #[arg(long, value_name = "NAME", value_parser = model_name)]
    pub seasonal: Option<String>,
    /// Reference dates from one fit to the next; more than 1 is quicker, and not what the platform does.
    #[arg(long, value_name = "N", default_value = "1")]
    pub refit_every: NonZeroUsize,
    /// Also write what each member of the ensemble says, as models of their own.
    #[arg(long)]
    pub members: bool,
    /// Folder for what the target's hub takes from a team, in its own form: the forecasts (FluSight: with the classes of
    /// change), and the model's metadata. Targets of one hub go into the same folder, one command after the other.
    #[arg(long, value_name = "DIR", requires = "contributor")]
    pub submission: Option<PathBuf>,
    /// Who answers for a submission; may be given several times.
    #[arg(long, value_name = "NAME; AFFILIATION; E-MAIL")]
    pub contributor: Vec<Contributor>,
    /// Where the model or the team is described, for a submission: the hubs of the CDC require it.
    #[arg(long, value_name = "URL")]
    pub website: Option<String>,
    /// Card of the model, for the metadata of a submission; without it that of the target's model, below
    /// `crates/cards/model-cards`.
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// Licence of the forecasts of a submission.
    #[arg(long, value_name = "LICENCE", default_value = "CC-BY-4.0")]
    pub licence: String,
    /// Threads; they change nothing but the time. Default: all cores.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// Arguments of `score`.
#[derive(Debug, Clone, Args)]
pub struct ScoreArgs {
    /// Hub directory with the truth.
    #[arg(long, value_name = "DIR")]
    pub hub: PathBuf,
    /// Folder of models, of one model, or one table with a column `model`; may be given several times.
    #[arg(long, value_name = "DIR", required = true)]
    pub model_output: Vec<PathBuf>,
    /// Model that the others are compared with.
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
    /// Day as of which the truth is taken; without it the last.
    #[arg(long, value_name = "DATE")]
    pub truth_as_of: Option<NaiveDate>,
    /// Horizons that count, both ends inside.
    #[arg(long, value_name = "A..B", value_parser = horizons, default_value = "0..99", allow_hyphen_values = true)]
    pub horizons: (i32, i32),
    /// Table to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Also score what the forecasts say of the classes of change, of a rise and of an arrival, against the frequencies
    /// of earlier seasons, and write it here.
    #[arg(long, value_name = "FILE")]
    pub spread: Option<PathBuf>,
    /// Also write the scores of one model by season and place into the table that its card carries.
    #[arg(long, value_name = "FILE", requires_all = ["baseline", "card_command"])]
    pub card: Option<PathBuf>,
    /// The model of that table.
    #[arg(long, value_name = "NAME", default_value = "Vigie-pool")]
    pub card_model: String,
    /// How its forecasts were made: the command, for whoever makes them again.
    #[arg(long, value_name = "COMMAND")]
    pub card_command: Option<String>,
}

/// A name becomes a folder and part of a file's name: letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
fn model_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("a model's name has letters, digits, `-`, `_` and `.` only, and begins with a letter or a digit"
        .to_owned())
}

/// `0..3`, both ends inside, or one number.
fn horizons(text: &str) -> Result<(i32, i32), String> {
    let wrong = |_| format!("`{text}` is no range like 0..3");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let last = last.trim_start_matches('=');
    Ok((first.trim().parse().map_err(wrong)?, last.trim().parse().map_err(wrong)?))
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// A sentence that says what is wrong and where.
    pub fn run(&self, out: &mut dyn Write, progress: &mut dyn Write) -> Result<(), HubError> {
        match self {
            Self::Hub { command: HubCommand::Build(args) } => args.run(out),
            Self::Backtest(args) => args.run(out, progress),
            Self::Score(args) => args.run(out),
        }
    }
}

impl BuildArgs {
    /// Does it.
    ///
    /// # Errors
    /// As [`build_from_revisions`].
    pub fn run(&self, out: &mut dyn Write) -> Result<(), HubError> {
        let Self { from_revisions: revisions, out: folder, locations } = self.clone();
        let Built { snapshots, rows, unused } =
            build_from_revisions(&Build { revisions, out: folder, locations })?;
        say(out, &unused.text())?;
        say(out, &format!("{}: {snapshots} snapshots, {rows} rows\n", self.out.display()))
    }
}

impl BacktestArgs {
    /// Does it.
    ///
    /// # Errors
    /// As [`backtest`].
    pub fn run(&self, out: &mut dyn Write, progress: &mut dyn Write) -> Result<(), HubError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let args = self.clone();
        let (card, contributors, website, licence) =
            (args.card, args.contributor, args.website, args.licence);
        let submission = args.submission.map(|out| Submission { out, card, contributors, website, licence });
        let files = backtest(
            &Backtest {
                hub: args.hub,
                target: args.target,
                from: args.from,
                to: args.to,
                out: args.out,
                model: args.model,
                lag_days: args.lag_days,
                horizons: args.horizons,
                history: (args.history.as_os_str() != "none").then_some(args.history),
                rates: (args.rates.as_os_str() != "none").then_some(args.rates),
                carried: (args.data.as_os_str() != "none").then_some(args.data),
                refit_every: args.refit_every.get(),
                baseline: args.baseline,
                seasonal: args.seasonal,
                recipe: None,
                members: args.members,
                submission,
                threads: args.threads.map_or(cores, NonZeroUsize::get),
            },
            progress,
        )?;
        let folder = self.out.join("model-output").join(&self.model);
        say(out, &format!("{}: {files} reference dates\n", folder.display()))
    }
}

impl ScoreArgs {
    /// Does it.
    ///
    /// # Errors
    /// As [`score`].
    pub fn run(&self, out: &mut dyn Write) -> Result<(), HubError> {
        if self.card.is_some() || self.spread.is_some() {
            // Their list of places: what is wrong with it is said before the work is done.
            Locations::of_hub(&self.hub, None)?;
        }
        let args = self.clone();
        let found = score_tasks(&Score {
            hub: args.hub,
            model_output: args.model_output,
            baseline: args.baseline,
            truth_as_of: args.truth_as_of,
            horizons: args.horizons,
            out: args.out,
        })?;
        say(out, &summary::text(&summarise(&found.scored, self.baseline.as_deref())))?;
        say(out, &summary::left_out(&found.left_out, &found.faults))?;
        say(out, &found.unused.text())?;
        say(out, &found.unused_truth.text())?;
        say(out, &summary::two_weeks(&found.two_weeks))?;
        let mut note = None;
        if let (Some(path), Some(baseline)) = (args.card, self.baseline.clone()) {
            let targets: BTreeSet<&str> = found.scored.iter().map(|s| s.task.target.as_str()).collect();
            let national = targets.iter().find_map(|target| profile_of(target).ok()?.national);
            let (listed, instead) = Locations::of_hub(&self.hub, national)?;
            let (model, command) = (args.card_model, args.card_command.unwrap_or_default());
            let truth_as_of = found.truth_as_of.ok_or_else(|| HubError::Argument(UNDATED.to_owned()))?;
            let table = CardTable { path: path.clone(), model, baseline, truth_as_of, command };
            let rows = table.write(&found.scored, &listed.unwrap_or_default())?;
            note = instead;
            say(out, &format!("{}: {rows} rows\n", path.display()))?;
        }
        note.iter().try_for_each(|note| say(out, &format!("{note}\n")))?;
        let Some(table) = self.spread.clone() else { return Ok(()) };
        let args = self.clone();
        let spread = score_spread(&ScoreSpread {
            hub: args.hub,
            model_output: args.model_output,
            truth_as_of: args.truth_as_of,
            horizons: args.horizons,
            out: table,
        })?;
        let new = spread.note.filter(|new| note.as_ref() != Some(new));
        new.iter().try_for_each(|note| say(out, &format!("{note}\n")))?;
        say(out, &spread.unused.beside(&[&found.unused, &found.unused_truth]).text())?;
        say(out, &spread_table::text(&spread.rows))
    }
}

const UNDATED: &str = "a card says as of when its truth is, and this target data has no day of publication (a column `as_of`): give a hub whose time-series has one, or leave `--card` out";

fn say(out: &mut dyn Write, text: &str) -> Result<(), HubError> {
    let wrong = |cause| HubError::File { path: PathBuf::from("standard output"), cause };
    out.write_all(text.as_bytes()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{BacktestArgs, ScoreArgs, horizons};

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        score: ScoreArgs,
    }

    #[test]
    fn a_horizon_before_the_reference_date_is_no_option() {
        let words = "vigie --hub h --model-output m --out o --horizons -1..3".split(' ');
        assert_eq!(Program::try_parse_from(words).unwrap().score.horizons, (-1, 3));
    }

    #[derive(Debug, Parser)]
    struct Back {
        #[command(flatten)]
        test: BacktestArgs,
    }

    #[test]
    fn what_would_look_ahead_run_over_or_write_elsewhere_is_refused() {
        let with = |more: &str| {
            let words = format!("vigie --hub h --from 2025-01-04 --to 2025-01-04 --out o {more}");
            Back::try_parse_from(words.split_whitespace()).map(|b| b.test).map_err(|e| e.to_string())
        };
        assert_eq!(with("--lag-days 0 --refit-every 1 --threads 2").unwrap().lag_days, Some(0));
        assert_eq!(with("--model Vigie-pool_2.1").unwrap().model, "Vigie-pool_2.1");
        for wrong in [
            "--lag-days=-28",
            "--lag-days 4000000000",
            "--refit-every 0",
            "--threads 0",
            "--model ../../evil",
            "--model .",
            "--baseline a/b",
            "--seasonal ..",
        ] {
            assert!(with(wrong).is_err_and(|e| e.contains("invalid value")), "{wrong}");
        }
    }

    #[test]
    fn a_range_of_horizons_has_both_ends() {
        assert_eq!(
            (horizons("0..3"), horizons("-1..=2"), horizons("1")),
            (Ok((0, 3)), Ok((-1, 2)), Ok((1, 1)))
        );
        assert!(horizons("a..3").unwrap_err().contains("a..3"));
    }
}
