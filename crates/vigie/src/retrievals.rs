//! `vigie ingest …`, `vigie reproduce`, `vigie export`: what an operator does with retrievals.

use crate::{Database, say};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use domain::{CountryProfile, ObservationKey};
use ingest::archive::Archive;
use ingest::live::check::Checker;
use ingest::live::{self, fetch};
use ingest::load::Plan;
use ingest::reproduce::{Content, Reproducer};
use ingest::{release, replay};
use serde_json::json;
use sqlx::PgPool;
use std::path::PathBuf;

/// `vigie ingest`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look once at every table of the country, now, and append what is new
    Run(Run),
    /// List the payloads that were refused whole and can be released
    Refused(Refused),
    /// Accept a payload that was refused, for a reason that is kept for ever
    Release(Release),
    /// Bring DATABASE_URL (migrated, the extract loaded) to what the archive remembers
    Replay(Place),
}

/// Where a country's retrievals and rows are.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    #[command(flatten)]
    database: Database,
    /// The country's profile
    #[arg(long, env = "VIGIE_PROFILE")]
    profile: PathBuf,
    /// Where retrievals are kept: a folder, or s3://bucket/prefix
    #[arg(long, env = "VIGIE_ARCHIVE", default_value = "archive")]
    archive: String,
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    place: Place,
    /// Only this source
    #[arg(long)]
    source: Option<String>,
    /// This installation serves no commercial purpose: look also at tables whose terms forbid one
    #[arg(long, env = "VIGIE_NON_COMMERCIAL")]
    non_commercial: bool,
    /// The address that publishers see in the name of this program
    #[arg(long, env = "VIGIE_PUBLIC_URL", default_value = "http://localhost")]
    contact: String,
}

/// Arguments of `refused`.
#[derive(Debug, clap::Args)]
pub(crate) struct Refused {
    #[command(flatten)]
    database: Database,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

/// Arguments of `release`.
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    #[command(flatten)]
    place: Place,
    /// The retrieval, as `vigie ingest refused` names it
    retrieval: String,
    /// Why it is accepted; name a ticket, not a person
    #[arg(long)]
    because: String,
}

/// `vigie reproduce`.
#[derive(Debug, clap::Args)]
pub(crate) struct Reproduce {
    #[command(flatten)]
    database: Database,
    /// Where this installation's own retrievals are kept
    #[arg(long, env = "VIGIE_ARCHIVE", default_value = "archive")]
    archive: String,
    /// The recording that the carried extract was made of
    #[arg(long, env = "VIGIE_SHARED", default_value = "../shared")]
    recording: PathBuf,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
    /// Ids of values, as every page and answer gives them
    #[arg(required = true)]
    ids: Vec<String>,
}

/// `vigie export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    database: Database,
    /// The folder to write to
    #[arg(long)]
    out: PathBuf,
}

impl Place {
    async fn open(&self) -> anyhow::Result<(PgPool, Archive, CountryProfile)> {
        let profile = kit::config::profile(self.profile.clone())?;
        Ok((
            crate::connect(self.database.database_url.as_str(), 4).await?,
            Archive::open(&self.archive)?,
            profile,
        ))
    }
}

/// Does it; 1 when something that was asked for did not come out.
pub(crate) async fn run(command: &Command) -> anyhow::Result<u8> {
    match command {
        Command::Run(args) => look(args).await,
        Command::Refused(args) => refused(args).await,
        Command::Release(args) => {
            let (db, archive, profile) = args.place.open().await?;
            let (plan, clock) = (Plan::of(&profile), &kit::wall);
            let values =
                release::release(&db, &archive, &plan, &args.retrieval, &args.because, clock).await?;
            say::line(&format!("{} is released: {values} new values", args.retrieval));
            Ok(0)
        }
        Command::Replay(place) => {
            let (db, archive, profile) = place.open().await?;
            let done = replay::catch_up(&db, &archive, &Plan::of(&profile)).await?;
            say::line(&format!(
                "{} events applied, {} new values; {} events were known",
                done.events, done.values, done.known
            ));
            Ok(0)
        }
    }
}

async fn look(args: &Run) -> anyhow::Result<u8> {
    let (db, archive, profile) = args.place.open().await?;
    let plan = Plan::of(&profile);
    let mut jobs = live::jobs(&plan, args.non_commercial);
    if let Some(source) = &args.source {
        jobs.retain(|j| j.source.id == source);
        if jobs.is_empty() {
            bail!("no table of {source} is looked at for {}", profile.nation);
        }
    }
    let checker = Checker::new(db, fetch::client(&args.contact)?, archive, plan);
    let mut failed = 0;
    for job in jobs {
        let name = format!("{} {}", job.source.id, job.feed.name);
        match checker.check(&job, &kit::wall).await {
            Ok(found) => {
                let detail = match &found.outcome {
                    ingest::apply::Outcome::New(values) => format!("{values} new values"),
                    ingest::apply::Outcome::Quarantined(why) | ingest::apply::Outcome::Failed(why) => {
                        failed = 1;
                        format!("{}: {why}", found.outcome.as_str())
                    }
                    other => other.as_str().to_owned(),
                };
                say::line(&format!("{name}: {detail}"));
            }
            Err(error) => {
                failed = 1;
                say::error(&format!("{name}: {error:#}"));
            }
        }
        // One polite request at a time.
        tokio::time::sleep(live::BETWEEN).await;
    }
    Ok(failed)
}

async fn refused(args: &Refused) -> anyhow::Result<u8> {
    let pool = crate::connect(args.database.database_url.as_str(), 1).await?;
    let all = store::sources::refused(&mut *pool.acquire().await?).await?;
    if args.json {
        let entry = |q: &store::sources::SetAside| json!({ "retrieval": q.retrieval_id, "source": q.source_id, "noticed_at": q.noticed_at, "rows": q.row_count, "reason": q.reason });
        say::line(&serde_json::to_string_pretty(&all.iter().map(entry).collect::<Vec<_>>())?);
        return Ok(0);
    }
    for q in &all {
        say::line(&format!("{}  {}  {}", q.noticed_at.format("%F %T UTC"), q.retrieval_id, q.reason));
    }
    if all.is_empty() {
        say::line("nothing waits for a release");
    }
    Ok(0)
}

/// Computes values again from their bytes; 1 when one differs or cannot be computed.
pub(crate) async fn reproduce(args: &Reproduce) -> anyhow::Result<u8> {
    let pool = crate::connect(args.database.database_url.as_str(), 1).await?;
    let mut conn = pool.acquire().await?;
    // A folder that is not there is not made: this command only reads.
    let there = args.archive.contains("://") || PathBuf::from(&args.archive).is_dir();
    let archive = if there { Some(Archive::open(&args.archive)?) } else { None };
    let recording = args.recording.is_dir().then(|| args.recording.clone());
    let mut reproducer = Reproducer::new(archive, recording);
    let (mut code, mut all) = (0, Vec::new());
    for id in &args.ids {
        let key: ObservationKey = id.parse().map_err(|e| anyhow::anyhow!("`{id}` is not an id: {e}"))?;
        let found = reproducer.value(&mut conn, &key).await.with_context(|| id.clone())?;
        let same = found.same();
        code = if same { code } else { 1 };
        if args.json {
            all.push(json!({
                "id": id, "same": same, "stored": words(Some(found.stored)), "computed": words(found.computed),
                "retrieval": found.retrieval.id, "url": found.retrieval.url, "sha256": found.retrieval.sha256,
                "parser_then": found.retrieval.parser, "parser_now": found.parser,
            }));
            continue;
        }
        let verdict = if same { "the same" } else { "NOT the same" };
        say::line(&format!(
            "{id}: {verdict}\n  stored    {}\n  computed  {}\n  from      {} (sha256 {})\n  parser    {} (then {})",
            words(Some(found.stored)),
            words(found.computed),
            found.retrieval.url,
            found.retrieval.sha256,
            found.parser,
            found.retrieval.parser
        ));
    }
    if args.json {
        say::line(&serde_json::to_string_pretty(&all)?);
    }
    Ok(code)
}

fn words(content: Option<Content>) -> String {
    match content {
        Some((Some(value), status)) => format!("{value} ({status})"),
        Some((None, status)) => status.to_string(),
        None => "not in the payload".to_owned(),
    }
}

/// Writes every table of figures as CSV, all as of one moment.
pub(crate) async fn export(args: &Export) -> anyhow::Result<()> {
    let pool = crate::connect(args.database.database_url.as_str(), 1).await?;
    std::fs::create_dir_all(&args.out).with_context(|| format!("{} cannot be made", args.out.display()))?;
    let mut tx = pool.begin_with("begin isolation level repeatable read, read only").await?;
    for (name, query) in store::export::TABLES {
        let path = args.out.join(format!("{name}.csv"));
        let about = || format!("{} cannot be written", path.display());
        let mut file = std::fs::File::create(&path).with_context(about)?;
        let bytes = store::export::csv(&mut tx, query, &mut file).await.with_context(about)?;
        file.sync_all().with_context(about)?;
        say::line(&format!("{}: {bytes} bytes", path.display()));
    }
    Ok(())
}
