//! Backups of the local database by PostgreSQL's low-level backup API (its manual, "Making a Base Backup Using the
//! Low Level API") and continuous archiving: no tool beyond the server is needed. One folder holds all:
//! `base/<time>/` (a copy of the data folder) and `wal/` (every segment since).

use crate::postgres;
use crate::say;
use crate::state::{self, State};
use crate::tree::Tree;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, PgConnection, Row as _};
use std::path::{Path, PathBuf};

/// What `vigie backup` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// Whose database
    #[arg(long, env = "COUNTRY", default_value = "fr")]
    country: String,
    /// How many backups to keep; older ones go, with the segments that only they need. None is kept for longer than the days
    /// `law.keep_days.backup` of the profile, however few there are
    #[arg(long, default_value_t = 7)]
    keep: usize,
}

/// What `vigie restore` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// Whose database
    #[arg(long, env = "COUNTRY", default_value = "fr")]
    country: String,
    /// The moment to return to, RFC 3339 (2025-04-25T12:00:00Z); the last archived moment when absent
    #[arg(long)]
    to: Option<DateTime<Utc>>,
}

/// What stands beside a copy.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    postgresql: String,
    started_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
    start_segment: String,
    bytes: u64,
}

const MANIFEST: &str = "manifest.json";
/// How times stand in names.
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// What was there before a restore, with the time of the restore.
const ASIDE: &str = "data.before-";
/// What the name of a backup ends with until it is whole.
const PART: &str = ".part";

/// The folder of all backups of a state.
pub(crate) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("backup")
}

/// PostgreSQL's settings for continuous archiving into [`folder`]. A segment appears whole or not at all; one that is
/// there already is right only if it is the same: after a restore the server offers again what it had archived.
pub(crate) fn settings(state_dir: &Path) -> anyhow::Result<[String; 4]> {
    let wal = folder(state_dir).join("wal");
    state::folder(&folder(state_dir), 0o755)?;
    state::folder(&wal, 0o700)?;
    postgres::give(&wal)?;
    let wal = wal.display();
    Ok([
        "wal_level=replica".to_owned(),
        "archive_mode=on".to_owned(),
        "archive_timeout=300".to_owned(),
        format!(
            "archive_command=if test -e '{wal}/%f'; then cmp -s '%p' '{wal}/%f'; else cp '%p' '{wal}/%f.part' && \
             mv '{wal}/%f.part' '{wal}/%f'; fi"
        ),
    ])
}

/// Copies the running database of a country.
pub(crate) async fn backup(args: &BackupArgs) -> anyhow::Result<()> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let country = tree.country(&args.country)?;
    let dir = State::place(tree.root(), &country.to_string())?;
    let url = std::fs::read_to_string(dir.join("url")).with_context(|| {
        format!("the database of {country} is not running here: start it with `make up COUNTRY={country}`")
    })?;
    // One session from the start of the copy to its end: the server forgets a backup whose session closes.
    let pool = store::connect(&url, 1).await.with_context(|| {
        format!("the database of {country} does not answer: is `make up COUNTRY={country}` running?")
    })?;
    let mut conn = pool.acquire().await?;
    let started_at = kit::wall();
    let name = started_at.format(TIME).to_string();
    let base = folder(&dir).join("base");
    state::folder(&base, 0o700)?;
    let work = base.join(format!("{name}{PART}"));
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    let start_segment: String = sqlx::query_scalar("select pg_walfile_name(pg_backup_start($1, true))")
        .bind(&name)
        .fetch_one(&mut *conn)
        .await?;
    let bytes = copy(&dir.join("database/data"), &work.join("data"), Path::new(""))
        .context("the data folder cannot be copied; the backup is not kept")?;
    // Waits until the last segment that the copy needs is archived.
    let stop = sqlx::query("select labelfile from pg_backup_stop(true)").fetch_one(&mut *conn).await?;
    std::fs::write(work.join("data/backup_label"), stop.try_get::<String, _>(0)?)?;
    let manifest = Manifest {
        postgresql: postgres::VERSION.to_owned(),
        started_at,
        finished_at: kit::wall(),
        start_segment,
        bytes,
    };
    std::fs::write(work.join(MANIFEST), serde_json::to_vec_pretty(&manifest)?)?;
    std::fs::rename(&work, base.join(&name))?;
    let days = kit::config::profile(tree.profile(country))?.law.keep_days.backup;
    expire(&dir, args.keep, started_at - Duration::days(days.into()))?;
    say::line(&format!(
        "vigie: backup {name} of {country}: {} MB in {}",
        bytes / 1_000_000,
        base.join(&name).display()
    ));
    Ok(())
}

/// Files that a backup leaves out: the manual's list, and what the running server holds open.
fn left_out(relative: &Path) -> bool {
    let text = relative.to_string_lossy();
    let name = relative.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    matches!(text.as_ref(), "postmaster.pid" | "postmaster.opts")
        || [
            "pg_wal",
            "pg_replslot",
            "pg_dynshmem",
            "pg_notify",
            "pg_serial",
            "pg_snapshots",
            "pg_stat_tmp",
            "pg_subtrans",
        ]
        .iter()
        .any(|dir| text.starts_with(&format!("{dir}/")))
        || name.starts_with("pgsql_tmp")
        || name == "pg_internal.init"
}

/// Copies a folder; a file that vanishes meanwhile was a table's that was dropped: recovery knows. Returns bytes.
fn copy(from: &Path, to: &Path, relative: &Path) -> anyhow::Result<u64> {
    state::folder(to, 0o700)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let below = relative.join(entry.file_name());
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            bytes += copy(&entry.path(), &target, &below)?;
        } else if !left_out(&below) {
            match std::fs::copy(entry.path(), &target) {
                Ok(n) => bytes += n,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(e).with_context(|| format!("{}", entry.path().display())),
            }
        }
    }
    Ok(bytes)
}

/// The backups of a state, oldest first.
fn backups(dir: &Path) -> anyhow::Result<Vec<(PathBuf, Manifest)>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder(dir).join("base")) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        // A `.part` is a backup that was interrupted.
        if path.extension().is_none() && path.join(MANIFEST).is_file() {
            let manifest = serde_json::from_slice(&std::fs::read(path.join(MANIFEST))?)
                .with_context(|| format!("{} is damaged", path.join(MANIFEST).display()))?;
            found.push((path, manifest));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Lets go of what is older than `days`, at each start: whoever makes no backups has the archive all the same, and one that was
/// the last may have been made long ago.
pub(crate) fn keep_no_longer(dir: &Path, days: u32) -> anyhow::Result<()> {
    expire(dir, usize::MAX, kit::wall() - Duration::days(days.into()))
}

/// Removes all but the newest `keep` backups, those of `before` too, and the segments before the oldest one kept, or those of
/// `before` where there is none; also what restores put aside and interrupted backups left before that time: all of it holds
/// whoever was erased since.
fn expire(dir: &Path, keep: usize, before: DateTime<Utc>) -> anyhow::Result<()> {
    let mut all = backups(dir)?;
    let many = all.len().saturating_sub(keep.max(1));
    let old = all.iter().take_while(|(_, manifest)| manifest.finished_at < before).count();
    for (path, _) in all.drain(..many.max(old)) {
        std::fs::remove_dir_all(path)?;
    }
    for (name, path) in named(&dir.join("database"))?.into_iter().chain(named(&folder(dir).join("base"))?) {
        let at = name.strip_prefix(ASIDE).or_else(|| name.strip_suffix(PART));
        let at = at.and_then(|at| NaiveDateTime::parse_from_str(at, TIME).ok());
        if at.is_some_and(|at| at.and_utc() < before) {
            std::fs::remove_dir_all(path)?;
        }
    }
    for (name, path) in named(&folder(dir).join("wal"))? {
        if name.len() < 24 || !name.is_ascii() {
            continue;
        }
        let gone = match all.first() {
            // Names of segments sort by time line, then by position.
            Some((_, oldest)) => name[..24] < oldest.start_segment[..],
            None => match path.metadata() {
                // The server's archiver is at work: it renames what it has written whole.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                found => DateTime::<Utc>::from(found?.modified()?) < before,
            },
        };
        if gone {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What lies in a folder, by name; nothing where there is none.
fn named(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let named = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((name, path))
    };
    entries.map(named).collect()
}

/// Brings the database of a country back to a moment. What is there now is kept beside it.
pub(crate) async fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let country = tree.country(&args.country)?;
    let state =
        State::open(tree.root(), &country.to_string()).context("a restore needs the country stopped")?;
    let dir = state.dir();
    let all = backups(dir)?;
    let Some((base, manifest)) = all.iter().rev().find(|(_, m)| args.to.is_none_or(|to| m.finished_at <= to))
    else {
        bail!(
            "there is no backup of {country} that ended before {}: `vigie backup` makes one; the oldest is {}",
            args.to.map_or_else(|| "now".to_owned(), |t| t.to_rfc3339()),
            all.first().map_or("none".to_owned(), |(_, m)| m.finished_at.to_rfc3339())
        );
    };
    if manifest.postgresql != postgres::VERSION {
        bail!(
            "the backup is of PostgreSQL {}, and this program runs {}",
            manifest.postgresql,
            postgres::VERSION
        );
    }
    let home = postgres::install().await?;
    let area = dir.join("database");
    let aside = area.join(format!("{ASIDE}{}", kit::wall().format(TIME)));
    if area.join("data").exists() {
        std::fs::rename(area.join("data"), &aside)?;
    }
    let result = recover(&state, &home, base, &aside, args.to).await;
    if result.is_err() && aside.exists() {
        // Nothing is lost by a restore that fails.
        std::fs::remove_dir_all(area.join("data"))?;
        std::fs::rename(&aside, area.join("data"))?;
    }
    let last = result?.unwrap_or_else(|| args.to.unwrap_or(manifest.finished_at));
    say::line(&format!(
        "vigie: {country} is back at {}, from backup {}; what was there before is kept in {}",
        last.to_rfc3339(),
        base.file_name().map(|n| n.to_string_lossy()).unwrap_or_default(),
        aside.display()
    ));
    Ok(())
}

/// Copies `base` into place and replays the archive up to `to`; returns the time of the last transaction
/// replayed, if there was any after the backup.
/// The segments that were not archived yet are taken from `aside`, the folder that is replaced: nothing is lost.
async fn recover(
    state: &State,
    home: &Path,
    base: &Path,
    aside: &Path,
    to: Option<DateTime<Utc>>,
) -> anyhow::Result<Option<DateTime<Utc>>> {
    let data = state.dir().join("database/data");
    copy(&base.join("data"), &data, Path::new(""))?;
    for empty in ["pg_wal", "pg_wal/archive_status", "pg_wal/summaries"] {
        state::folder(&data.join(empty), 0o700)?;
    }
    if let Ok(entries) = std::fs::read_dir(aside.join("pg_wal")) {
        for entry in entries {
            let entry = entry?;
            // Segments only: a history or backup file is in the archive already.
            if entry.file_type()?.is_file() && entry.file_name().len() == 24 {
                std::fs::copy(entry.path(), data.join("pg_wal").join(entry.file_name()))?;
            }
        }
    }
    std::fs::write(data.join("recovery.signal"), "")?;
    give_all(&data)?;
    let wal = folder(state.dir()).join("wal");
    let mut settings = vec![
        format!("restore_command=cp '{}/%f' '%p'", wal.display()),
        "recovery_target_action=promote".to_owned(),
        "archive_mode=off".to_owned(),
    ];
    if let Some(to) = to {
        settings.push(format!("recovery_target_time={}", to.to_rfc3339()));
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut server =
        postgres::start(state, home, &settings).await.context("the archive does not reach that moment")?;
    let result = promoted(&server.url).await;
    server.stop().await;
    result
}

async fn promoted(url: &str) -> anyhow::Result<Option<DateTime<Utc>>> {
    let mut conn = PgConnection::connect(url).await?;
    let deadline = kit::wall() + Duration::minutes(10);
    while sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut conn).await? {
        if kit::wall() > deadline {
            bail!("the database is still replaying its archive after 10 minutes");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(sqlx::query_scalar("select pg_last_xact_replay_timestamp()").fetch_one(&mut conn).await?)
}

/// Gives a folder and all in it to the database's user.
fn give_all(path: &Path) -> anyhow::Result<()> {
    postgres::give(path)?;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            give_all(&entry.path())?;
        } else {
            postgres::give(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_backup_is_kept_for_longer_than_the_countrys_days_however_few_there_are() {
        let dir = std::env::temp_dir().join(format!("vigie-expire-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let day = |n: i64| DateTime::UNIX_EPOCH + Duration::days(n);
        let name = |n: i64| day(n).format(TIME).to_string();
        for n in [1, 20, 40, 60] {
            let base = folder(&dir).join("base").join(name(n));
            std::fs::create_dir_all(base.join("data")).unwrap();
            let (time, segment) = (day(n), format!("{n:024}"));
            let manifest = Manifest {
                postgresql: String::new(),
                started_at: time,
                finished_at: time,
                start_segment: segment.clone(),
                bytes: 0,
            };
            std::fs::write(base.join(MANIFEST), serde_json::to_vec(&manifest).unwrap()).unwrap();
            std::fs::create_dir_all(folder(&dir).join("wal")).unwrap();
            std::fs::write(folder(&dir).join("wal").join(segment), "").unwrap();
            std::fs::create_dir_all(dir.join("database").join(format!("{ASIDE}{}", name(n)))).unwrap();
        }
        std::fs::create_dir_all(dir.join("database/data")).unwrap();
        let left = |below: &str| {
            let mut names: Vec<_> =
                named(&dir.join(below)).unwrap().into_iter().map(|(name, _)| name).collect();
            names.sort();
            names
        };
        // Interrupted ones.
        for n in [2, 70] {
            std::fs::create_dir_all(folder(&dir).join("base").join(name(n) + PART).join("data")).unwrap();
        }
        expire(&dir, 7, day(25)).unwrap();
        let whole_and_half = [name(40), name(60), name(70) + PART];
        assert_eq!(left("backup/base"), whole_and_half);
        assert_eq!(left("backup/wal"), [format!("{:024}", 40), format!("{:024}", 60)]);
        let aside = |n| format!("{ASIDE}{}", name(n));
        assert_eq!(left("database"), ["data".to_owned(), aside(40), aside(60)]);
        expire(&dir, 1, day(25)).unwrap();
        assert_eq!(left("backup/base"), [name(60), name(70) + PART]);
        // The archive goes on where nobody makes backups, and after the last one went.
        expire(&dir, 7, day(99)).unwrap();
        assert_eq!((left("backup/base").len(), left("database")), (0, vec!["data".to_owned()]));
        assert_eq!(left("backup/wal"), [format!("{:024}", 60)], "a file of today");
        let tomorrow = kit::wall() + Duration::days(1);
        expire(&dir, 7, tomorrow).unwrap();
        assert_eq!(left("backup/wal"), [""; 0]);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
