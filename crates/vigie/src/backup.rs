//! Backups of the local database by PostgreSQL's low-level backup API (its manual, "Making a Base Backup Using the
//! Low Level API") and continuous archiving: no tool beyond the server is needed. One folder holds all:
//! `base/<time>/` (a copy of the data folder) and `wal/` (every segment since: [`crate::archive`]).

use crate::archive::{self, Archiver};
use crate::login::IDENTITY;
use crate::postgres;
use crate::say;
use crate::state::{self, State, named};
use crate::tree::Tree;
use anyhow::Context as _;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use identity::audit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
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

/// What stands beside a copy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub postgresql: String,
    started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub start_segment: String,
    bytes: u64,
}

const MANIFEST: &str = "manifest.json";
/// How times stand in names.
pub(crate) const TIME: &str = "%Y%m%dT%H%M%SZ";
/// What was there before a restore, with the time of the restore.
pub(crate) const ASIDE: &str = "data.before-";
/// What the name of a backup ends with until it is whole.
const PART: &str = ".part";

/// The folder of all backups of a state.
pub(crate) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("backup")
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
    let base = folder(&dir).join("base");
    state::folder(&base, 0o700)?;
    // One at a time, and none of the second of another: each would take the other's files for its own.
    let lock = folder(&dir).join("lock");
    let _lock = tokio::task::spawn_blocking(move || state::wait_for(&lock)).await??;
    let started_at = unused(&base, "").await;
    let name = started_at.format(TIME).to_string();
    let work = base.join(format!("{name}{PART}"));
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    noted(&url, &name)
        .await
        .context("the audit of accounts cannot take that they are copied: nothing was")?;
    let bytes = match whole(&mut conn, &dir, &work, started_at).await {
        Ok(bytes) => bytes,
        Err(error) => {
            if work.exists() {
                std::fs::remove_dir_all(&work)?;
            }
            return Err(error.context("the backup is not kept"));
        }
    };
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

/// Writes into the audit of accounts, on the server of `url`, that all that is kept of persons is being copied: before it is.
async fn noted(url: &str, name: &str) -> anyhow::Result<()> {
    let figures: PgConnectOptions = url.parse()?;
    let accounts = format!("{}_{IDENTITY}", figures.get_database().unwrap_or_default());
    let mut conn = PgConnection::connect_with(&figures.database(&accounts)).await?;
    let mut tx = conn.begin().await?;
    // An erasure that hangs holds the end of the audit.
    sqlx::query("set local lock_timeout = '30s'").execute(&mut *tx).await?;
    audit::append(&mut tx, kit::wall(), "command", "database.backup", "", json!({ "name": name })).await?;
    Ok(tx.commit().await?)
}

/// A time by which nothing in `folder` is called yet, after `begin`. Names are exact to the second: what is made in the same one
/// waits for the next.
pub(crate) async fn unused(folder: &Path, begin: &str) -> DateTime<Utc> {
    loop {
        let now = kit::wall();
        if !folder.join(format!("{begin}{}", now.format(TIME))).exists() {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Makes a backup in `work`, with its manifest; returns its bytes.
async fn whole(
    conn: &mut PgConnection,
    dir: &Path,
    work: &Path,
    started_at: DateTime<Utc>,
) -> anyhow::Result<u64> {
    let start =
        sqlx::query("select file_name, file_offset from pg_walfile_name_offset(pg_backup_start($1, true))")
            .bind(started_at.format(TIME).to_string())
            .fetch_one(&mut *conn)
            .await?;
    let (start_segment, offset): (String, i32) = (start.try_get(0)?, start.try_get(1)?);
    let bytes = copy(&dir.join("database/data"), &work.join("data"), Path::new(""))
        .context("the data folder cannot be copied")?;
    let before = Archiver::ask(conn).await?;
    // The server would wait without end, and without a word, for an archive that fails.
    let stop = sqlx::query("select pg_walfile_name(lsn - 1), labelfile from pg_backup_stop(false)");
    let stop = stop.fetch_one(&mut *conn).await?;
    std::fs::write(work.join("data/backup_label"), stop.try_get::<String, _>(1)?)?;
    let needed = [stop.try_get(0)?, format!("{start_segment}.{offset:08X}.backup")];
    archive::arrived(conn, dir, &needed, before).await?;
    let manifest = Manifest {
        postgresql: postgres::VERSION.to_owned(),
        started_at,
        finished_at: kit::wall(),
        start_segment,
        bytes,
    };
    std::fs::write(work.join(MANIFEST), serde_json::to_vec_pretty(&manifest)?)?;
    Ok(bytes)
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
pub(crate) fn copy(from: &Path, to: &Path, relative: &Path) -> anyhow::Result<u64> {
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
pub(crate) fn backups(dir: &Path) -> anyhow::Result<Vec<(PathBuf, Manifest)>> {
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
/// whoever was erased since. The histories of time lines stay: they hold nobody, and without them a number is given again.
fn expire(dir: &Path, keep: usize, before: DateTime<Utc>) -> anyhow::Result<()> {
    let mut all = backups(dir)?;
    let many = all.len().saturating_sub(keep.max(1));
    let old = all.iter().take_while(|(_, manifest)| manifest.finished_at < before).count();
    for (path, _) in all.drain(..many.max(old)) {
        std::fs::remove_dir_all(path)?;
    }
    let places = [dir.join("database"), folder(dir), folder(dir).join("base")];
    for (name, path) in places.iter().map(|place| named(place)).collect::<Result<Vec<_>, _>>()?.concat() {
        let at = [ASIDE, archive::REPLACED].iter().find_map(|begin| name.strip_prefix(begin));
        let at = at.or_else(|| name.strip_suffix(PART));
        let at = at.and_then(|at| NaiveDateTime::parse_from_str(at, TIME).ok());
        if at.is_some_and(|at| at.and_utc() < before) {
            std::fs::remove_dir_all(path)?;
        }
    }
    for (name, path) in named(&archive::wal(dir))? {
        if name.len() < 24 || !name.is_ascii() {
            continue;
        }
        let gone = match all.first() {
            // Names of segments sort by time line, then by position, and so do backups by time: no later one is on an earlier line.
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

/// A backup as it stands in its folder, for tests: its name says when it was made.
#[cfg(test)]
pub(crate) fn planted(dir: &Path, name: &str, start_segment: &str) {
    let time = NaiveDateTime::parse_from_str(name, TIME).unwrap_or_default().and_utc();
    let manifest = Manifest {
        postgresql: String::new(),
        started_at: time,
        finished_at: time,
        start_segment: start_segment.to_owned(),
        bytes: 0,
    };
    let base = folder(dir).join("base").join(name);
    let write = || -> anyhow::Result<()> {
        std::fs::create_dir_all(base.join("data"))?;
        Ok(std::fs::write(base.join(MANIFEST), serde_json::to_vec(&manifest)?)?)
    };
    assert!(write().is_ok());
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
            let segment = format!("{n:024}");
            planted(&dir, &name(n), &segment);
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

    #[test]
    fn what_a_kept_backup_needs_stays_on_every_time_line() {
        let dir = std::env::temp_dir().join(format!("vigie-expire-lines-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(archive::wal(&dir)).unwrap();
        let files = [
            "000000010000000000000003",
            "000000010000000000000003.00000028.backup",
            "000000010000000000000004",
            "000000010000000000000005",
            "000000010000000000000006.partial",
            "00000002.history",
            "000000020000000000000004",
            "000000020000000000000006",
            "000000020000000000000006.00000028.backup",
            "00000003.history",
            "000000030000000000000004",
            "000000030000000000000007",
        ];
        for name in files {
            std::fs::write(archive::wal(&dir).join(name), "").unwrap();
        }
        planted(&dir, "20260101T000000Z", files[0]);
        planted(&dir, "20260102T000000Z", files[2]);
        planted(&dir, "20260103T000000Z", files[7]);
        planted(&dir, "20260104T000000Z", files[11]);
        let left = || {
            let mut names: Vec<_> =
                named(&archive::wal(&dir)).unwrap().into_iter().map(|(name, _)| name).collect();
            names.sort();
            names
        };
        // The second of line 1 is the oldest: its line from there, and all that came of it.
        expire(&dir, 3, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(left(), files[2..]);
        expire(&dir, 2, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(left(), [files[5], files[7], files[8], files[9], files[10], files[11]]);
        expire(&dir, 1, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(left(), [files[5], files[9], files[11]], "a history stays");
        let replaced = folder(&dir).join(format!("{}20260101T000000Z", archive::REPLACED));
        std::fs::create_dir_all(&replaced).unwrap();
        expire(&dir, 1, kit::wall() + Duration::days(1)).unwrap();
        assert_eq!(left(), [files[5], files[9]], "a history stays for good");
        assert!(!replaced.exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
