//! `vigie drill`: a publisher's table breaks, in a database made for it. Is it noticed, is the model withdrawn, does it come
//! back? Nothing of a running country is touched.

use crate::postgres;
use crate::say;
use crate::state::State;
use crate::tree::Tree;
use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::profile::{NATION, Signal};
use domain::{CountryProfile, ObservationKey, Status};
use forecast::batch::Options;
use forecast::replay::{self, Span};
use forecast::watch::{self, Alarm, Watched};
use forecast::work;
use kit::record::Closed;
use kit::{App, Clock};
use sqlx::Connection as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::observations::NewPoint;

/// What a broken table has for what it should have: another unit, in some weeks.
const WRONG: f64 = 40.0;
/// Weeks of record before it breaks.
const RECORD: usize = 12;
/// Weeks that a table may stay broken, or be whole again, before the drill has failed.
const MOST: u64 = 30;
/// An alarm must come within this time.
const NOTICED: Duration = Duration::from_secs(300);

/// What `vigie drill` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder of clusters/: us, fr, ch
    #[arg(long, env = "COUNTRY", default_value = "ch")]
    country: String,
}

/// Runs the drill.
///
/// # Errors
/// When it was not noticed, the model not withdrawn, or not back in time.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let code = tree.country(&args.country)?;
    let profile = kit::config::profile(tree.profile(code))?;
    let state = State::open(tree.root(), "drill")?;
    let home = postgres::install().await?;
    postgres::initialise(&state, &home).await?;
    let mut server = postgres::start(&state, &home, &["max_connections=80", "fsync=off"]).await?;
    let drilled = tokio::select! {
        done = drill(&tree, profile, &server.url) => done,
        () = kit::server::terminated() => bail!("stopped before its end"),
    };
    server.stop().await;
    drilled
}

async fn drill(tree: &Tree, profile: CountryProfile, url: &str) -> anyhow::Result<()> {
    let mut admin = sqlx::PgConnection::connect(url).await?;
    for statement in ["drop database if exists drill with (force)", "create database drill"] {
        sqlx::query(statement).execute(&mut admin).await?;
    }
    let (server, _) = url.rsplit_once('/').context("the server's address has no database")?;
    let url = format!("{server}/drill");
    crate::migrate(&url, &[]).await?;
    let db = crate::connect(&url, 8).await?;
    ingest::load::all(&mut *db.acquire().await?, &tree.data(), &profile, kit::wall(), &|_| {}).await?;
    let start = crate::up::last_issue(&db, &profile).await?;
    let app = App {
        db,
        profile: Arc::new(profile),
        clock: Clock::Recorded(start),
        public_url: "http://127.0.0.1".into(),
    };
    let signal = app.profile.signal(&app.profile.main_signal).context("the profile has no main signal")?;
    ensure!(signal.forecast.is_some(), "{} is not forecast: there is nothing to drill", signal.id);
    let options =
        Options { data: tree.data(), threads: std::thread::available_parallelism().map_or(1, usize::from) };
    let drill = Drill { app: &app, signal, options, start };
    say::line(&format!("drill: {} of {}, as of {}", signal.id, app.profile.nation, start.date_naive()));
    drill.whole().await
}

struct Drill<'a> {
    app: &'a App,
    signal: &'a Signal,
    options: Options,
    start: DateTime<Utc>,
}

impl Drill<'_> {
    async fn whole(&self) -> anyhow::Result<()> {
        let replayed =
            replay::run(self.app, &self.options, Span::Weeks(RECORD), Some(self.signal.id.as_str()), quiet);
        let replayed = replayed.await?;
        work::once(self.app, &self.options, quiet).await?;
        let before = self.state(self.start).await?;
        say::line(&format!("before: {replayed} weeks replayed; {}", told(&before)));
        ensure!(!before.alarms.contains(&Alarm::RevisionLarge), "the alarm is raised before anything broke");
        ensure!(!before.alarms.contains(&Alarm::Withdrawn), "the model is withdrawn before anything broke");
        self.noticed().await?;
        let withdrawn = self.until(2, true).await?;
        say::line(&format!("withdrawn: {withdrawn} weeks after the table broke; pages and API say so"));
        self.correct(withdrawn).await?;
        let back = self.until(withdrawn + 1, false).await?;
        say::line(&format!("back: {} weeks after the table was whole again", back - withdrawn));
        Ok(())
    }

    /// The table breaks while a worker listens.
    async fn noticed(&self) -> anyhow::Result<()> {
        let at = self.week(1);
        let app = self.at(at);
        let listening = tokio::spawn({
            let (app, options) = (app.clone(), self.options.clone());
            async move { work::listen(&app, &options, Duration::from_secs(3600), quiet).await }
        });
        let mut broken = self.figures(at, WRONG).await?;
        broken.extend(self.next(at, WRONG).await?);
        self.issue(at, broken).await?;
        let since = Instant::now();
        let seen = tokio::time::timeout(NOTICED, async {
            loop {
                let now = self.state(at).await?;
                let computed = now.run.as_ref().is_some_and(|run| run.as_of == at);
                if now.alarms.contains(&Alarm::RevisionLarge) && computed {
                    return anyhow::Ok(now);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let seen = seen.await.context("nobody noticed within five minutes that the table broke")??;
        listening.abort();
        say::line(&format!(
            "noticed: {:.1} s after the broken table the worker had computed and the alarm was raised; {}",
            since.elapsed().as_secs_f64(),
            told(&seen)
        ));
        Ok(())
    }

    /// Week after week from `week` on, until the model is withdrawn, or is not any more. Every other week of a broken table is
    /// wrong.
    async fn until(&self, week: u64, withdrawn: bool) -> anyhow::Result<u64> {
        for week in week..week + MOST {
            let at = self.week(week);
            let times = if withdrawn && week % 2 == 1 { WRONG } else { 1.0 };
            self.issue(at, self.next(at, times).await?).await?;
            work::once(&self.at(at), &self.options, quiet).await?;
            let now = self.state(at).await?;
            say::line(&format!("  {}: {}", at.date_naive(), told(&now)));
            if (self.closed(at).await? == Some(Closed::Withdrawn)) == withdrawn {
                return Ok(week);
            }
        }
        bail!("after {MOST} weeks the model was {} withdrawn", if withdrawn { "not" } else { "still" })
    }

    /// The publisher corrects everything that was wrong: the week's figure of a year before stands for what was true.
    async fn correct(&self, broken: u64) -> anyhow::Result<()> {
        let at = self.week(broken) + Days::new(1);
        let mut right = self.figures(self.start, 1.0).await?;
        for week in 1..=broken {
            right.extend(self.next(self.week(week), 1.0).await?);
        }
        self.issue(at, right).await
    }

    fn week(&self, number: u64) -> DateTime<Utc> {
        self.start + Days::new(7 * number)
    }

    fn at(&self, at: DateTime<Utc>) -> App {
        App { clock: Clock::Recorded(at), ..self.app.clone() }
    }

    async fn state(&self, at: DateTime<Utc>) -> anyhow::Result<Watched> {
        let all = watch::read(&self.at(at)).await?;
        all.into_iter().find(|w| w.signal == self.signal.id.as_str()).context("the signal is not watched")
    }

    async fn closed(&self, at: DateTime<Utc>) -> anyhow::Result<Option<Closed>> {
        let source = self.signal.source_at(NATION).context("there are no national figures")?;
        let nation = self.app.profile.nation.as_str();
        let mut conn = self.app.db.acquire().await?;
        Ok(Closed::read(&mut conn, self.signal.id.as_str(), source.as_str(), nation, at).await?)
    }

    /// The last eight weeks of every place of the country as known at `at`, times `times`.
    async fn figures(&self, at: DateTime<Utc>, times: f64) -> anyhow::Result<Vec<Figure>> {
        let since = self.start.date_naive() - Days::new(7 * 8);
        let recent = self.known(at).await?.into_iter().filter(|((_, week), _)| *week > since);
        Ok(recent.map(|(cell, (source, value))| (cell, source, value * times)).collect())
    }

    async fn known(&self, at: DateTime<Utc>) -> anyhow::Result<Figures> {
        let mut conn = self.app.db.acquire().await?;
        let places = store::places::of_nation(&mut conn, self.app.profile.nation.as_str()).await?;
        let mut known = Figures::new();
        for (level, source) in &self.signal.sources {
            for p in
                store::observations::panel(&mut conn, self.signal.id.as_str(), source.as_str(), at).await?
            {
                let of_level = places.iter().any(|place| place.id == p.place_id && place.level == *level);
                if let Some(value) = p.value.filter(|_| of_level) {
                    known.insert((p.place_id, p.reference_date), (source.to_string(), value));
                }
            }
        }
        Ok(known)
    }

    /// The week that is new at `at`: what it had a year before, times `times`.
    async fn next(&self, at: DateTime<Utc>, times: f64) -> anyhow::Result<Vec<Figure>> {
        let known = self.known(self.start).await?;
        let last = known.keys().map(|(_, week)| *week).max().context("there are no figures")?;
        let week = last + Days::new(u64::try_from((at - self.start).num_weeks())?.saturating_mul(7));
        let year = |(place, _): &(String, NaiveDate)| known.get(&(place.clone(), week - Days::new(364)));
        let places = known.keys().filter(|(_, of)| *of == last);
        let of = |cell: &(String, NaiveDate)| {
            year(cell).map(|(source, value)| ((cell.0.clone(), week), source.clone(), value * times))
        };
        Ok(places.filter_map(of).collect())
    }

    /// The publisher issues these figures an hour before `at`.
    async fn issue(&self, at: DateTime<Utc>, figures: Vec<Figure>) -> anyhow::Result<()> {
        let mut conn = self.app.db.acquire().await?;
        let mut points = Vec::new();
        for ((place, reference_date), source, value) in figures {
            let payload = "select id from retrieval where source_id = $1 order by retrieved_at desc limit 1";
            let retrieval_id: String =
                sqlx::query_scalar(payload).bind(&source).fetch_one(&mut *conn).await?;
            let issued_at = at - chrono::Duration::hours(1);
            let key = ObservationKey {
                signal: self.signal.id.clone(),
                source: source.parse()?,
                place: place.parse()?,
                reference_date,
                issued_at,
            };
            points.push(NewPoint {
                key,
                value: Some(value),
                status: Status::Observed,
                retrieval_id,
                seen_at: issued_at,
            });
        }
        store::observations::append(&mut conn, &points).await?;
        Ok(())
    }
}

/// By place and week: the source and the value.
type Figures = BTreeMap<(String, NaiveDate), (String, f64)>;
/// Place and week, source, value.
type Figure = ((String, NaiveDate), String, f64);

fn quiet(_: &str) {}

fn told(now: &Watched) -> String {
    let alarms: Vec<&str> = now.alarms.iter().map(|a| a.as_str()).collect();
    let share = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |v| format!("{v:.2}"));
    format!(
        "{} weeks, 80 % intervals held {}, score over persistence {}; alarms: {}",
        now.weeks,
        share(now.coverage_80),
        share(now.relative_wis),
        if alarms.is_empty() { "none".to_owned() } else { alarms.join(", ") }
    )
}
