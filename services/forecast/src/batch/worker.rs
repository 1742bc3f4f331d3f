//! How a task is done: the models run once on what is known at the clock, and what is new is stored.

use super::gate::{alive, day};
use super::hash::{DataHash, run_id};
use super::panel::{Input, build};
use super::task::{Kind, Task};
use super::{Model, SOURCE_HASH, deaths, recipe};
use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use domain::profile::{ForecastPlan, NATION, Signal};
use kit::App;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use store::forecasts::{Results, Run};
use store::places::Place;

/// What the batch is told beside the application.
#[derive(Debug, Clone)]
pub struct Options {
    /// `VIGIE_DATA_DIR`: the project's `data/`, for the history that a model learns from. Default `data`.
    pub data: PathBuf,
    /// Threads; they change nothing but the time.
    pub threads: usize,
}

impl Options {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable cannot be read.
    pub fn from_env() -> anyhow::Result<Self> {
        let data = kit::config::var("VIGIE_DATA_DIR", PathBuf::from("data"))?;
        Ok(Self { data, threads: std::thread::available_parallelism().map_or(1, usize::from) })
    }
}

/// Where lines of progress go.
pub type Progress = fn(&str);

/// The history of the models that learn from one.
const HISTORY: &str = "history/ili_plus_us_2010_2020.csv.gz";
/// The admission rates of the model that learns from them.
const RATES: &str = "history/flusurv_us_2003_2020.csv.gz";

/// Does `task` as of the clock. Returns whether there was anything new. Safe to repeat, and to be done twice at once: a run of
/// the same rows by the same code has the same id and is stored once.
///
/// # Errors
/// When the database does not answer, a file is missing or a model refuses its input.
pub async fn perform(app: &App, task: &Task, options: &Options, say: Progress) -> anyhow::Result<bool> {
    let about = || task.name();
    let signal = app.profile.signal(&task.signal).with_context(about)?;
    let conn = &mut *app.db.acquire().await?;
    let as_of = app.clock.now();
    let places = store::places::all(conn).await?;
    match task.kind {
        Kind::Pool => {
            let plan = signal.forecast.as_ref().with_context(about)?;
            planned(app, conn, signal, plan, &places, as_of, options, say).await.with_context(about)
        }
        Kind::Deaths => mortality(app, conn, signal, &places, as_of, say).await.with_context(about),
        Kind::Scores => {
            let scored =
                crate::scoring::run(conn, &app.profile, signal, &places, as_of).await.with_context(about)?;
            if scored > 0 {
                say(&format!("{}: {scored} new scores", signal.id));
            }
            Ok(scored > 0)
        }
    }
}

/// Whether the latest run was made by this code from these rows, and the gate stands where it stood; or this very run is stored
/// already, behind one of another version of the code (as long as both work beside each other at one clock): to compute it again
/// would store nothing.
async fn unchanged(conn: &mut PgConnection, signal: &Signal, run: &Run) -> sqlx::Result<bool> {
    if store::forecasts::has_run(conn, &run.id).await? {
        return Ok(true);
    }
    let Some(old) = store::forecasts::latest_run(conn, signal.id.as_str(), run.as_of).await? else {
        return Ok(false);
    };
    let gate = |at: DateTime<Utc>| alive(signal, Some(run.reference_date), at);
    let same = |f: fn(&Run) -> &str| f(&old) == f(run);
    Ok(same(|r| &r.data_hash)
        && same(|r| &r.source_hash)
        && same(|r| &r.model_id)
        && same(|r| &r.model_version)
        && gate(old.as_of) == gate(run.as_of))
}

fn new_run(
    model: (&str, &str),
    signal: &Signal,
    as_of: DateTime<Utc>,
    reference_date: NaiveDate,
    data_vintage: DateTime<Utc>,
    data_hash: String,
) -> Run {
    let source = signal.source_at(NATION).or_else(|| signal.sources.values().next());
    let known = as_of.to_rfc3339();
    Run {
        id: run_id(&[model.0, model.1, SOURCE_HASH, signal.id.as_str(), &known, &data_hash]),
        model_id: model.0.to_owned(),
        model_version: model.1.to_owned(),
        signal_id: signal.id.to_string(),
        source_id: source.map(ToString::to_string).unwrap_or_default(),
        as_of,
        reference_date,
        data_vintage,
        data_hash,
        source_hash: SOURCE_HASH.to_owned(),
        created_at: kit::wall(),
    }
}

#[expect(clippy::too_many_arguments, reason = "one step of the batch, with everything that the steps share")]
async fn planned(
    app: &App,
    conn: &mut PgConnection,
    signal: &Signal,
    plan: &ForecastPlan,
    places: &[Place],
    as_of: DateTime<Utc>,
    options: &Options,
    say: Progress,
) -> anyhow::Result<bool> {
    let model = Model::named(&plan.model)
        .with_context(|| format!("the profile names the model `{}`, which does not exist", plan.model))?;
    let mut rows = BTreeMap::new();
    let mut training = store::training::begin(conn, as_of).await?;
    for feed in model.feeds {
        let found = store::observations::all_revisions(training.reader(), feed.signal, as_of).await?;
        rows.insert(feed.signal, found);
    }
    training.end().await?;
    let mut hash = DataHash::default();
    let mut file = |name: &str| -> anyhow::Result<PathBuf> {
        let path = options.data.join(name);
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{}: the model learns from it (VIGIE_DATA_DIR)", path.display()))?;
        hash.file(name, &bytes);
        Ok(path)
    };
    let history = if model.coded { hub::read_history(&file(HISTORY)?)? } else { Vec::new() };
    let rates = if model.rates()? { hub::read_rates(&file(RATES)?)? } else { Vec::new() };
    let built = build(&Input {
        profile: &app.profile,
        signal,
        model,
        places,
        rows: &rows,
        history: &history,
        rates: &rates,
        as_of,
    })?;
    for (of_row, source, point) in &built.used {
        hash.row(of_row, source, point);
    }
    let vintage = built.used.iter().map(|(_, _, p)| p.issued_at).max();
    let (Some(last), Some(vintage)) = (built.last, vintage) else {
        say(&format!("{}: no figures yet", signal.id));
        return Ok(false);
    };
    let run = new_run((model.id, model.version), signal, as_of, last, vintage, hash.finish());
    if unchanged(conn, signal, &run).await? {
        say(&format!("{}: nothing new since the last run", signal.id));
        return Ok(false);
    }
    let start = Instant::now();
    let series = built.known.last_key_value().map_or(0, |(_, panel)| panel.series.len());
    say(&format!("{}: fitting {series} series with {}", signal.id, model.id));
    let results = heavy(|| recipe::results(signal, plan, &built, options.threads))?;
    store(conn, &run, &results, start, say).await
}

/// Up to a minute of arithmetic, in a way that leaves a server's other threads to its requests.
fn heavy<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

async fn store(
    conn: &mut PgConnection,
    run: &Run,
    results: &Results,
    start: Instant,
    say: Progress,
) -> anyhow::Result<bool> {
    let new = store::forecasts::put(conn, run, results).await?;
    say(&format!(
        "{}: {} forecasts, {} reproduction numbers, {} trends, {} not estimated, in {:.1} s (run {})",
        run.signal_id,
        results.forecasts.len(),
        results.rt.len(),
        results.trends.len(),
        results.not_estimated.len(),
        start.elapsed().as_secs_f64(),
        run.id.get(..12).unwrap_or(&run.id),
    ));
    Ok(new)
}

/// Deaths ahead in every place, where both deaths and what they follow are alive.
async fn mortality(
    app: &App,
    conn: &mut PgConnection,
    signal: &Signal,
    places: &[Place],
    as_of: DateTime<Utc>,
    say: Progress,
) -> anyhow::Result<bool> {
    let start = Instant::now();
    let mut training = store::training::begin(conn, as_of).await?;
    let found = deaths::everywhere(training.reader(), &app.profile, signal, places, as_of).await?;
    training.end().await?;
    let Some(found) = found else { return Ok(false) };
    let (Some(last), Some(vintage)) = (found.last, found.vintage) else {
        say(&format!("{}: deaths ahead cannot be estimated in any place on {}", signal.id, day(as_of)));
        return Ok(false);
    };
    let run = new_run(deaths::MODEL, signal, as_of, last, vintage, found.hash.finish());
    if unchanged(conn, signal, &run).await? {
        say(&format!("{}: nothing new since the last run", signal.id));
        return Ok(false);
    }
    store(conn, &run, &found.results, start, say).await
}
