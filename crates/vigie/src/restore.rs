//! `vigie restore`: from a backup and the archive ([`crate::backup`], [`crate::archive`]) back to a moment. It is made beside what is
//! there, and takes its place when it is whole.

use crate::archive;
use crate::backup::{ASIDE, Manifest, TIME, backups, copy, unused};
use crate::lines::{Line, at};
use crate::say;
use crate::state::{self, State, named};
use crate::tree::Tree;
use crate::{postgres, process};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Duration, Utc};
use sqlx::{Connection as _, PgConnection};
use std::path::{Path, PathBuf};

/// What `vigie restore` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// Whose database
    #[arg(long, env = "COUNTRY", default_value = "fr")]
    country: String,
    /// The moment to return to, RFC 3339 (2025-04-25T12:00:00Z); the last archived moment when absent
    #[arg(long, value_parser = kit::moment)]
    to: Option<DateTime<Utc>>,
}

/// Where a restore is made, beside what is there: it takes its place when it is whole.
const MADE: &str = "restoring";
/// In a restored database, until its accounts are made ready: the moment that it was brought back to.
const RESTORED: &str = "vigie-restored-to";

/// Brings the database of a country back to a moment. What is there now is kept beside it.
pub(crate) async fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let tree = Tree::find(&std::env::current_dir()?)?;
    let country = tree.country(&args.country)?;
    let state =
        State::open(tree.root(), &country.to_string()).context("a restore needs the country stopped")?;
    let dir = state.dir();
    after_an_interrupted(dir)?;
    archive::in_order(dir).context("the archive cannot be brought in order")?;
    let lines = archive::lines(dir)?;
    let line = at(&lines, args.to)?;
    let all = backups(dir)?;
    let Some(backup) = newest(dir, &all, line, args.to)? else {
        bail!(
            "there is no backup of {country} on time line {} that ended before {}: `vigie backup` makes one; the oldest is {}",
            line.number,
            args.to.map_or_else(|| "now".to_owned(), |t| t.to_rfc3339()),
            all.first().map_or("none".to_owned(), |(_, m)| m.finished_at.to_rfc3339())
        );
    };
    let (base, manifest) = backup;
    if manifest.postgresql != postgres::VERSION {
        bail!(
            "the backup is of PostgreSQL {}, and this program runs {}",
            manifest.postgresql,
            postgres::VERSION
        );
    }
    let home = postgres::install().await?;
    let area = dir.join("database");
    let (data, made) = (area.join("data"), area.join(MADE));
    let last = match recover(&state, &home, backup, line, args.to).await {
        Ok(last) => last,
        Err(error) => {
            // What is there was not touched.
            if made.exists() {
                std::fs::remove_dir_all(&made)?;
            }
            if postgres::is_full(&format!("{error:#}")) {
                bail!(
                    "the disk is full: free some space where {} lies, for one more database like the one there, and restore again. \
                     Nothing was changed",
                    area.display()
                );
            }
            return Err(error);
        }
    };
    let aside = area.join(format!("{ASIDE}{}", unused(&area, ASIDE).await.format(TIME)));
    if data.exists() {
        archive::put_aside(&data, &aside)?;
    }
    std::fs::rename(&made, &data)?;
    // Whoever is killed here finds the history in the folder, and what was put aside: the next start archives both.
    let begun = archive::begun(dir, kit::wall())
        .context("the database is back, but its archive cannot go on; the next start tries again")?;
    // The restore is done; a later one to a moment after this one's finds it in the archive.
    if let Err(error) = archive::finish(dir, &aside) {
        say::error(&format!(
            "the last of what was there before is not in the archive yet, the next start tries again: {error:#}"
        ));
    }
    say::line(&format!(
        "vigie: {country} is back at {}, from backup {} along time line {}, and goes on as time line {begun}; what was there before \
         is kept in {}",
        last.to_rfc3339(),
        base.file_name().map(|n| n.to_string_lossy()).unwrap_or_default(),
        line.number,
        aside.display()
    ));
    Ok(())
}

/// The moment that a restore brought the database of a state back to, until [`noted`] is told that it is written down.
pub(crate) fn restored_to(dir: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(dir.join("database/data").join(RESTORED)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).with_context(|| format!("{RESTORED} in the database's folder cannot be read")),
    }
}

/// The audit of accounts says that the database was restored.
pub(crate) fn noted(dir: &Path) -> anyhow::Result<()> {
    Ok(std::fs::remove_file(dir.join("database/data").join(RESTORED))?)
}

/// The newest backup that ended before a moment and from which a time line comes.
fn newest<'a>(
    dir: &Path,
    all: &'a [(PathBuf, Manifest)],
    line: &Line,
    to: Option<DateTime<Utc>>,
) -> anyhow::Result<Option<&'a (PathBuf, Manifest)>> {
    for backup in all.iter().rev().filter(|(_, manifest)| to.is_none_or(|to| manifest.finished_at <= to)) {
        let start = &backup.1.start_segment;
        if line.holds(start, archive::stop(dir, start)?) {
            return Ok(Some(backup));
        }
    }
    Ok(None)
}

/// What a restore left that was killed: the half of a database goes, and what was there before stands where it stood.
pub(crate) fn after_an_interrupted(dir: &Path) -> anyhow::Result<()> {
    let area = dir.join("database");
    let (data, made) = (area.join("data"), area.join(MADE));
    if !made.exists() {
        return Ok(());
    }
    // Its time says nothing: a clock can be set back.
    let is_it = |(name, path): &(String, PathBuf)| name.starts_with(ASIDE) && archive::is_unfinished(path);
    if let Some((_, aside)) = named(&area)?.into_iter().find(is_it).filter(|_| !data.exists()) {
        archive::put_back(&aside, &data)?;
    }
    std::fs::remove_dir_all(&made).with_context(|| format!("{} cannot be removed", made.display()))?;
    say::line("vigie: a restore was ended before it was done; everything is as it was before it");
    Ok(())
}

/// Makes the database of a moment beside what is there: copies the backup and replays the archive along `line` up to `to`. Returns
/// the moment: the time of the last transaction replayed, if there was any after the backup.
/// The segments that were not archived yet are taken from the database that is there: nothing is lost.
async fn recover(
    state: &State,
    home: &Path,
    (base, manifest): &(PathBuf, Manifest),
    line: &Line,
    to: Option<DateTime<Utc>>,
) -> anyhow::Result<DateTime<Utc>> {
    let area = state.dir().join("database");
    let data = area.join(MADE);
    copy(&base.join("data"), &data, Path::new(""))?;
    for empty in ["pg_wal", "pg_wal/archive_status", "pg_wal/summaries"] {
        state::folder(&data.join(empty), 0o700)?;
    }
    archive::carry(&area.join("data/pg_wal"), line, &data.join("pg_wal"))?;
    std::fs::write(data.join("recovery.signal"), "")?;
    give_all(&data)?;
    let mut settings = vec![
        archive::reading(state.dir()),
        "recovery_target_action=promote".to_owned(),
        // Not the newest line: the one on which the database was at that moment.
        format!("recovery_target_timeline={}", line.number),
        // What the server archives it would archive some time later: the history of the new line goes in when it is in place.
        "archive_mode=off".to_owned(),
    ];
    if let Some(to) = to {
        settings.push(format!("recovery_target_time={}", to.to_rfc3339()));
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut server = postgres::start_in(state, home, &data, &settings)
        .await
        .context("the archive does not reach that moment")?;
    let log = server.program.log.clone();
    let result = promoted(&server.url).await.with_context(|| {
        format!(
            "the archive does not reach that moment; the database's log is {}, and ends with:\n{}",
            log.display(),
            process::tail(&log, 6)
        )
    });
    server.stop().await;
    let last = result?;
    // With a moment the server says itself that it did not get there.
    if to.is_none()
        && let Some(segment) = archive::beyond(state.dir(), &data.join("pg_wal"), line)?
    {
        bail!(
            "the archive is damaged: after {} its next segment cannot be read, though it goes on to {segment}. `--to` a moment \
             before that restores what is whole",
            last.map_or("the backup".to_owned(), |at| at.to_rfc3339())
        );
    }
    let last = last.unwrap_or_else(|| to.unwrap_or(manifest.finished_at));
    std::fs::write(data.join(RESTORED), last.to_rfc3339())?;
    Ok(last)
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
    fn a_restore_that_was_killed_leaves_what_was_there() {
        let dir = std::env::temp_dir().join(format!("vigie-killed-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let area = dir.join("database");
        let has = |folder: &str| std::fs::read_to_string(area.join(folder).join("is")).unwrap_or_default();
        let make = |folder: &str, is: &str| {
            std::fs::create_dir_all(area.join(folder)).unwrap();
            std::fs::write(area.join(folder).join("is"), is).unwrap();
        };
        let half = || make(MADE, "half");
        let older = format!("{ASIDE}20260101T000000Z");
        make(&older, "older");
        make("data", "whole");
        half();
        after_an_interrupted(&dir).unwrap();
        assert_eq!((has("data"), has(MADE)), ("whole".to_owned(), String::new()));
        // Between the two names, with a clock that was set back.
        let aside = area.join(format!("{ASIDE}20251231T000000Z"));
        archive::put_aside(&area.join("data"), &aside).unwrap();
        half();
        after_an_interrupted(&dir).unwrap();
        assert_eq!(
            (has("data"), has(MADE), has(&older)),
            ("whole".to_owned(), String::new(), "older".to_owned())
        );
        // Who removed the database meant it, before a restore that was killed too.
        std::fs::remove_dir_all(area.join("data")).unwrap();
        after_an_interrupted(&dir).unwrap();
        half();
        after_an_interrupted(&dir).unwrap();
        assert_eq!((has("data"), has(MADE)), (String::new(), String::new()));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
