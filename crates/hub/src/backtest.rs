mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{Datelike, Duration, NaiveDate};
use epimodels::baseline::{BaselineConfig, baseline};
use epimodels::recipe::{Config, FirstReport, Fits, Forecast, Panel, Series};
use epimodels::trend::Trend;
use epimodels::{Error, Quantiles};

use crate::carried::Carried;
use crate::history::{HistoryRow, RateRow, ili_plus, rates, read_history, read_rates, weekly};
use crate::model_output::{Task, write_forecasts};
use crate::profile::{Pool, Profile, profile_of};
use crate::seasonal::{SUFFIXES, Seasonal};
use crate::series::{Archive, Asked, Known, SeriesKey};
use crate::{HubError, Locations, Submission, Unused, rate_change};

use self::places::{Places, last_day_of_week, older, without};

/// What to backtest.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// The hub directory.
    pub hub: PathBuf,
    /// The target to forecast.
    pub target: String,
    /// First reference date (the first one of the right weekday on or after it).
    pub from: NaiveDate,
    /// Last reference date.
    pub to: NaiveDate,
    /// Folder that gets `model-output/<MODEL>/`.
    pub out: PathBuf,
    /// Name of the model.
    pub model: String,
    /// Days before the reference date after which nothing is used; `None`: what the hub does.
    pub lag_days: Option<i64>,
    /// First and last horizon; `None`: what the hub does.
    pub horizons: Option<(i32, i32)>,
    /// File of the ILI+ history; `None`: without.
    pub history: Option<PathBuf>,
    /// File of the history of admission rates; `None`: without.
    pub rates: Option<PathBuf>,
    /// Folder of the series that the project carries (`data`), for targets that learn from other hubs' as well;
    /// `None`: without.
    pub carried: Option<PathBuf>,
    /// Reference dates from one fit to the next (1: a fit at each, as the platform does).
    pub refit_every: usize,
    /// Another recipe than the measured one.
    pub recipe: Option<Config>,
    /// Also write what each member says, as models of their own.
    pub members: bool,
    /// Also write the hubs' persistence baseline from what was known, as a model of this name.
    pub baseline: Option<String>,
    /// Also write the seasonal baselines from what was known, as models of this name and of it with `-climate`.
    pub seasonal: Option<String>,
    /// Also write what can be handed in to the hub, with the classes of change.
    pub submission: Option<Submission>,
    /// Threads; they change nothing but the time.
    pub threads: usize,
}

/// Draws of the baseline; more change the third digit.
const BASELINE_DRAWS: usize = 10_000;
/// Steps of the baseline: the farthest horizon from a last value that was carried forward.
const LONGEST: usize = 8;

/// One hub, ready to be asked what was known when.
struct Ground {
    profile: Profile,
    config: Config,
    locations: Locations,
    history: Vec<HistoryRow>,
    rates: Vec<RateRow>,
    carried: Vec<Carried>,
    known: BTreeMap<NaiveDate, Known>,
    lag: Duration,
    /// What of the target data was not used.
    unused: Unused,
    note: Option<String>,
}

/// Forecasts every reference date from what was known then, one file each; says on `progress` what it does, and
/// returns the number of files.
///
/// # Errors
/// Arguments or files that do not fit, and a span without any forecast, in a sentence.
pub fn backtest(args: &Backtest, progress: &mut dyn Write) -> Result<usize, HubError> {
    let origins = origins(args, &profile_of(&args.target)?)?;
    let ground = Ground::open(args, &origins)?;
    ground.note.iter().for_each(|note| say(progress, note));
    ground.unused.text().lines().for_each(|line| say(progress, line));
    ground.unused.write(&args.out.join(format!("not-used-{}.csv", args.model)))?;
    if let Some(submission) = &args.submission {
        submission.write_metadata(&args.model, &ground.profile)?;
    }
    let mut fits = Fits::default();
    let (mut files, mut missing, mut late) = (0, String::new(), String::new());
    for (index, origin) in origins.iter().copied().enumerate() {
        let model = |cause| HubError::Model { origin, cause };
        let panel = ground.panel(&args.target, origin);
        if !panel.series.iter().any(|s| s.forecast) {
            say(progress, &format!("{origin}: nothing was known of the target yet"));
            continue;
        }
        if fits.is_empty() || index % args.refit_every.max(1) == 0 {
            say(progress, &format!("{origin}: fitting"));
            let known = |day| ground.panel(&args.target, day);
            match fits.renew(&ground.config, origin, args.threads, known) {
                Ok(()) => {}
                Err(few @ Error::TooFew { .. }) => {
                    say(
                        progress,
                        &format!("{origin}: no forecast, too little was known to learn from: {few}"),
                    );
                    fits = Fits::default();
                    continue;
                }
                Err(error) => return Err(model(error)),
            }
        }
        let forecasts = fits.predict(&panel, origin).map_err(model)?;
        if forecasts.is_empty() {
            say(progress, &format!("{origin}: no forecast, the last values are too old"));
            continue;
        }
        for (suffix, choose) in outputs(args.members) {
            let rows = tasks(&args.target, origin, &forecasts, choose);
            if !rows.is_empty() {
                let model = format!("{}{suffix}", args.model);
                let folder = args.out.join("model-output").join(&model);
                let file = format!("{origin}-{model}.csv");
                write_forecasts(&folder.join(&file), &rows, &[])?;
                if let (Some(submission), "") = (&args.submission, suffix) {
                    let trends = ground.trends(&panel, &rows);
                    submission.write_forecasts(&model, ground.profile.form, origin, &rows, &trends)?;
                }
            }
        }
        if let Some(name) = &args.baseline {
            write_model(args, name, origin, &persistence(&args.target, origin, &panel, &forecasts))?;
        }
        if let Some(name) = &args.seasonal {
            let law = Seasonal::of(&panel, &ground.config, &forecasts);
            for suffix in SUFFIXES {
                let rows = tasks(&args.target, origin, &forecasts, |f| law.quantiles(suffix, f));
                write_model(args, &format!("{name}{suffix}"), origin, &rows)?;
            }
        }
        files += 1;
        let now = without(&panel, &forecasts, &ground.locations, &ground.config);
        if now != missing {
            let what = if now.is_empty() { "every place again" } else { now.as_str() };
            say(progress, &format!("{origin}: without a forecast: {what}"));
            missing = now;
        }
        let now = older(&panel, &forecasts, &ground.config);
        if now != late && !now.is_empty() {
            say(
                progress,
                &format!("{origin}: carried forward, since nothing newer was known, are figures {now}"),
            );
        }
        late = now;
        say(
            progress,
            &format!("{origin}: {} forecasts ({} of {})", forecasts.len(), index + 1, origins.len()),
        );
    }
    if files == 0 {
        let Backtest { from, to, target, .. } = args;
        return Err(HubError::Argument(format!(
            "no reference date from {from} to {to} has a forecast: of `{target}` nothing was known then, too little to learn from, or nothing new enough"
        )));
    }
    Ok(files)
}

/// The file of another model for the same date, if it says anything.
fn write_model(
    args: &Backtest,
    name: &str,
    origin: NaiveDate,
    rows: &[(Task, Quantiles)],
) -> Result<(), HubError> {
    let folder = args.out.join("model-output").join(name);
    if rows.is_empty() {
        Ok(())
    } else {
        write_forecasts(&folder.join(format!("{origin}-{name}.csv")), rows, &[])
    }
}

/// A line of progress; a closed pipe is no reason to stop.
fn say(progress: &mut dyn Write, line: &str) {
    let _ = writeln!(progress, "{line}");
}

type Choose = fn(&Forecast) -> Option<Quantiles>;

fn outputs(members: bool) -> Vec<(&'static str, Choose)> {
    let mut all: Vec<(&'static str, Choose)> = vec![("", |f| Some(f.quantiles))];
    if members {
        all.push(("-gbq", |f| f.members.gbq));
        all.push(("-lin", |f| f.members.lin));
        all.push(("-knn", |f| f.members.knn));
    }
    all
}

fn tasks(
    target: &str,
    origin: NaiveDate,
    forecasts: &[Forecast],
    choose: impl Fn(&Forecast) -> Option<Quantiles>,
) -> Vec<(Task, Quantiles)> {
    let row = |f: &Forecast| {
        let location = f.series.split_once('/').map_or(f.series.as_str(), |(_, location)| location);
        let task = Task {
            reference_date: origin,
            target: target.to_owned(),
            horizon: f.horizon,
            target_end_date: f.target_end_date,
            location: location.to_owned(),
        };
        Some((task, choose(f)?))
    };
    forecasts.iter().filter_map(row).collect()
}

/// A file of the project is looked for where the command is given.
fn there<'a>(path: &'a Path, option: &str) -> Result<&'a Path, HubError> {
    if path.exists() {
        return Ok(path);
    }
    let here = std::env::current_dir().unwrap_or_default();
    Err(HubError::Argument(format!(
        "{} is not there, seen from {}: go to the project's folder, or say where it is with {option} (`none`: go without)",
        path.display(),
        here.display()
    )))
}

fn carried(folder: &Path, profile: &Profile, locations: &Locations) -> Result<Vec<Carried>, HubError> {
    let read = |pool: &Pool| Carried::read(there(&folder.join(pool.file), "--data")?, pool.group, locations);
    profile.pools.iter().map(read).collect()
}

/// The baseline of every forecast: from the last known value of the series on.
fn persistence(target: &str, origin: NaiveDate, panel: &Panel, made: &[Forecast]) -> Vec<(Task, Quantiles)> {
    let config = BaselineConfig { draws: BASELINE_DRAWS, ..BaselineConfig::default() };
    let series: BTreeMap<&str, &Series> = panel.series.iter().map(|s| (s.id.as_str(), s)).collect();
    let law = |id: &str| {
        let of = series.get(id)?;
        let last = of.last_known()?;
        let known = usize::try_from((last - of.first).num_weeks() + 1).ok()?;
        Some((last, baseline(of.values.get(..known)?, LONGEST, &config).ok()?))
    };
    let laws: BTreeMap<&str, Option<(NaiveDate, Vec<Quantiles>)>> = made
        .iter()
        .map(|f| f.series.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|id| (id, law(id)))
        .collect();
    let of_forecast = |f: &Forecast| {
        let (last, steps) = laws.get(f.series.as_str())?.as_ref()?;
        let step = usize::try_from((f.target_end_date - *last).num_weeks()).ok()?;
        steps.get(step.checked_sub(1)?).copied()
    };
    tasks(target, origin, made, of_forecast)
}

fn origins(args: &Backtest, profile: &Profile) -> Result<Vec<NaiveDate>, HubError> {
    let first = args.from.iter_days().take(7).find(|d| d.weekday() == profile.origin).unwrap_or(args.from);
    let all: Vec<NaiveDate> = first.iter_weeks().take_while(|d| *d <= args.to).collect();
    if all.is_empty() {
        let (from, to, day) = (args.from, args.to, profile.origin);
        return Err(HubError::Argument(format!("no reference date ({day}) lies between {from} and {to}")));
    }
    Ok(all)
}

impl Ground {
    fn open(args: &Backtest, origins: &[NaiveDate]) -> Result<Self, HubError> {
        let profile = profile_of(&args.target)?;
        let mut config = args.recipe.clone().unwrap_or_else(profile.recipe);
        if let Some(horizons) = args.horizons {
            if horizons.0 < config.horizons.0 || horizons.1 > config.horizons.1 || horizons.0 > horizons.1 {
                let (a, b) = config.horizons;
                let target = &args.target;
                return Err(HubError::Argument(format!(
                    "horizons of `{target}` are {a}..{b} or a part of them"
                )));
            }
            // The longest step belongs to the last horizon: a part of the horizons keeps the same models.
            config.max_step -= usize::try_from(config.horizons.1 - horizons.1).unwrap_or(0);
            config.horizons = horizons;
        }
        let lag = Duration::days(args.lag_days.unwrap_or(profile.lag_days));
        let places = Places::read(&args.hub, &profile, &config)?;
        let targets: Vec<&str> = profile.targets.iter().map(|(target, _)| *target).collect();
        // Not to the last day that was asked for: what no reference date may use is not looked at.
        let last = origins[origins.len() - 1];
        let asked = Asked {
            weekday: Some(last_day_of_week(&config, last)),
            bound: &|key| places.bound(key),
            ..Asked::of(&targets, Some(last - lag))
        };
        let archive = Archive::read_asked(&args.hub, &asked)?;
        let locations = match places.listed.clone() {
            Some(listed) => listed,
            None => Locations::bare(archive.places()),
        };
        let history = match (&args.history, profile.history) {
            (Some(path), Some(_)) => read_history(there(path, "--history")?)?,
            _ => Vec::new(),
        };
        let rates = match (&args.rates, profile.rates) {
            (Some(path), Some(_)) => read_rates(there(path, "--rates")?)?,
            _ => Vec::new(),
        };
        let carried = match &args.carried {
            Some(folder) => carried(folder, &profile, &locations)?,
            None => Vec::new(),
        };
        let first = config.origins(origins[0])[0];
        let looked_back = config.nowcast.map_or(0, |n| n.origins) as i64;
        let earlier = (first - Duration::weeks(looked_back)).iter_weeks().take_while(|day| *day < origins[0]);
        let days: Vec<NaiveDate> = earlier.chain(origins.iter().copied()).collect();
        let cut: Vec<NaiveDate> = days.iter().map(|day| *day - lag).collect();
        let known = days.into_iter().zip(archive.known(&cut)).collect();
        let (unused, note) = (archive.unused().clone(), places.note.clone());
        Ok(Self { profile, config, locations, history, rates, carried, known, lag, unused, note })
    }

    /// All series as known at `origin`.
    fn panel(&self, target: &str, origin: NaiveDate) -> Panel {
        let Some(known) = self.known.get(&origin) else { return Panel::default() };
        let mut series: Vec<Series> = known
            .iter()
            .filter(|(key, _)| self.locations.get(&key.location).is_some())
            .filter_map(|(key, weeks)| self.series(target, origin, key, weeks))
            .collect();
        for pool in &self.carried {
            series.extend(pool.known(&self.locations, self.profile.national, origin - self.lag));
        }
        if let (Some(group), Some(national)) = (self.profile.history, self.profile.national) {
            series.extend(ili_plus(&self.history, &self.locations, national, group, origin - self.lag));
        }
        if let (Some(group), Some(national)) = (self.profile.rates, self.profile.national) {
            series.extend(rates(&self.rates, &self.locations, national, group, origin - self.lag));
        }
        Panel { series }
    }

    /// The classes of change of forecasts, where the week that a change is counted from is known.
    fn trends(&self, panel: &Panel, forecasts: &[(Task, Quantiles)]) -> Vec<(Task, Trend)> {
        let (Some(target), Some((_, group))) = (self.profile.rate_change, self.profile.targets.first())
        else {
            return Vec::new();
        };
        let series: BTreeMap<&str, &Series> = panel.series.iter().map(|s| (s.id.as_str(), s)).collect();
        let of = |(task, quantiles): &(Task, Quantiles)| {
            let series = series.get(format!("{group}/{}", task.location).as_str())?;
            let base = series.at(rate_change::base_week(task.reference_date))?;
            let trend = rate_change::of_quantiles(task, quantiles, base, series.population?)?;
            Some((Task { target: target.to_owned(), ..task.clone() }, trend))
        };
        forecasts.iter().filter_map(of).collect()
    }

    fn series(
        &self,
        target: &str,
        origin: NaiveDate,
        key: &SeriesKey,
        weeks: &BTreeMap<NaiveDate, f64>,
    ) -> Option<Series> {
        let group = self.profile.targets.iter().find(|(target, _)| *target == key.target)?.1;
        let (first, values) = weekly(weeks)?;
        let mut series = Series::new(format!("{group}/{}", key.location), group, first, values);
        series.population = self.locations.get(&key.location)?.population;
        series.national = self.profile.national == Some(key.location.as_str());
        series.forecast = key.target == target;
        series.focus = self.profile.focus.iter().any(|(t, l)| *t == key.target && *l == key.location);
        let origins = self.config.nowcast.map_or(0, |n| n.origins) as i64;
        let newest = |back: i64| {
            let before = origin - Duration::weeks(back);
            let week = before + Duration::days(self.config.horizon_zero_days - 7);
            let (last, value) = self.known.get(&before)?.get(key)?.last_key_value()?;
            (*last == week).then_some(FirstReport { week, value: *value })
        };
        series.first_reports = (1..=origins).filter_map(newest).collect();
        Some(series)
    }
}
