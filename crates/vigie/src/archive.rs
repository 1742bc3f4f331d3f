//! The archive of the database's log, `backup/wal/`: every segment, and the history of every time line. A restore begins a time
//! line (PostgreSQL's manual, "Timelines"); it takes the first number of which the archive has no history, so a history is there
//! before the restore is done and stays for good. A comment in it, which PostgreSQL passes over, says when the line began.

use crate::backup::{ASIDE, folder};
use crate::lines::{HISTORY, Line, began, history_of, is_segment, line_of, owner, place, position};
use crate::state::{self, named};
use crate::{postgres, say};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What an archive had of a time line whose number was given twice, with the time when that was found.
pub(crate) const REPLACED: &str = "replaced-";
/// In a database that was put aside: not all of it is in the archive yet.
const TAIL: &str = "vigie-not-archived";
/// How long nothing may come into the archive while somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// PostgreSQL tries a segment that often in a row, a second apart, and then not for a minute.
const TRIES: i64 = 3;

/// The folder of segments and histories.
pub(crate) fn wal(dir: &Path) -> PathBuf {
    folder(dir).join("wal")
}

/// PostgreSQL's settings for continuous archiving. A segment appears whole or not at all; one that is there already is right only
/// if it is the same: after a restore the server offers again what it had archived.
pub(crate) fn settings(dir: &Path) -> anyhow::Result<[String; 4]> {
    let wal = wal(dir);
    state::folder(&folder(dir), 0o755)?;
    state::folder(&wal, 0o700)?;
    postgres::give(&wal)?;
    let (part, whole) = (quoted(&wal, "%f.part"), quoted(&wal, "%f"));
    Ok([
        "wal_level=replica".to_owned(),
        "archive_mode=on".to_owned(),
        "archive_timeout=300".to_owned(),
        format!(
            "archive_command=if test -e {whole}; then cmp -s '%p' {whole}; else cp '%p' {part} && mv {part} {whole}; fi"
        ),
    ])
}

/// The setting of a server that reads the archive.
pub(crate) fn reading(dir: &Path) -> String {
    format!("restore_command=cp {} '%p'", quoted(&wal(dir), "%f"))
}

/// A file of a folder in a command that the server gives to a shell. The folder's name is the user's: a quotation mark ends no word
/// of the shell's, and a per cent sign is none of the server's.
fn quoted(folder: &Path, name: &str) -> String {
    let folder = folder.display().to_string().replace('%', "%%").replace('\'', r"'\''");
    format!("'{folder}/{name}'")
}

fn modified(path: &Path) -> anyhow::Result<DateTime<Utc>> {
    Ok(path.metadata()?.modified()?.into())
}

/// The time lines of the archive, oldest first. Numbers rise with time, since none is given twice.
pub(crate) fn lines(dir: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = vec![Line::first()];
    for (name, path) in named(&wal(dir))? {
        if let Some(number) = history_of(&name) {
            let line = Line::read(number, &std::fs::read_to_string(&path)?, modified(&path)?);
            lines.push(line.with_context(|| format!("{} is damaged", path.display()))?);
        }
    }
    lines.sort_by_key(|line| line.number);
    Ok(lines)
}

/// Where the backup that began in this segment ended: the archive keeps a small file about each.
pub(crate) fn stop(dir: &Path, start: &str) -> anyhow::Result<Option<u64>> {
    for (name, path) in named(&wal(dir))? {
        if name.starts_with(start) && name.ends_with(".backup") {
            let text = std::fs::read_to_string(&path)?;
            let row = text.lines().find_map(|row| row.strip_prefix("STOP WAL LOCATION: "));
            return Ok(row.and_then(|row| position(row.split_ascii_whitespace().next()?)));
        }
    }
    Ok(None)
}

/// Puts a file into the archive, whole or not at all.
fn put(dir: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let (part, whole) = (wal(dir).join(format!("{name}.part")), wal(dir).join(name));
    let written = || -> anyhow::Result<()> {
        let mut file = std::fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        postgres::give(&part)?;
        std::fs::rename(&part, &whole)?;
        Ok(std::fs::File::open(wal(dir))?.sync_all()?)
    };
    written().with_context(|| format!("{} cannot be written", whole.display()))
}

/// Archives the history of a line, from the folder of the database, with the time when it began.
fn keep(dir: &Path, pg_wal: &Path, number: u32, time: DateTime<Utc>) -> anyhow::Result<()> {
    let name = format!("{number:08X}{HISTORY}");
    let mut text = std::fs::read_to_string(pg_wal.join(&name))
        .with_context(|| format!("the database has no history of its time line {number}"))?;
    text.push_str(&format!("\n{}\n", began(number, &time.to_rfc3339())));
    put(dir, &name, text.as_bytes())
}

/// The time line that a restore began, and its history.
fn newest(pg_wal: &Path) -> anyhow::Result<(u32, PathBuf)> {
    let histories = named(pg_wal)?.into_iter().filter_map(|(name, path)| Some((history_of(&name)?, path)));
    histories.max().context("the restore began no time line")
}

/// After a restore: archives the history of the line that it began, and returns its number.
pub(crate) fn begun(dir: &Path, time: DateTime<Utc>) -> anyhow::Result<u32> {
    let pg_wal = dir.join("database/data/pg_wal");
    let (number, _) = newest(&pg_wal)?;
    keep(dir, &pg_wal, number, time)?;
    Ok(number)
}

/// A segment of `line` that the archive has beyond the end of a replay, from which `pg_wal` began a new line: what lies between is
/// damaged or missing.
pub(crate) fn beyond(dir: &Path, pg_wal: &Path, line: &Line) -> anyhow::Result<Option<String>> {
    let (number, path) = newest(pg_wal)?;
    let Some(end) = Line::read(number, &std::fs::read_to_string(path)?, kit::wall())?.left(line.number)
    else {
        return Ok(None);
    };
    let archived = named(&wal(dir))?.into_iter().map(|(name, _)| name);
    let of_line = archived.filter(|name| is_segment(name) && line_of(name) == Some(line.number));
    Ok(of_line.filter(|name| place(name).is_some_and(|at| at > end)).min())
}

/// Copies the segments of a folder of the database that a line needs to another; those of other lines would be taken for its own
/// by nobody, and lie there for ever.
pub(crate) fn carry(pg_wal: &Path, line: &Line, to: &Path) -> anyhow::Result<()> {
    for (name, path) in named(pg_wal)? {
        if line.reads(&name) && written_to(&name, &path)? {
            std::fs::copy(path, to.join(name))?;
        }
    }
    Ok(())
}

/// Is this a database that was put aside, and not yet [finished](finish)? Among those of a state at most one is: no restore begins
/// before [`in_order`].
pub(crate) fn is_unfinished(aside: &Path) -> bool {
    aside.join(TAIL).exists()
}

/// A database that was put aside is in its place again.
pub(crate) fn put_back(aside: &Path, data: &Path) -> anyhow::Result<()> {
    std::fs::rename(aside, data)?;
    state::remove(&data.join(TAIL))
}

/// Puts the database `data` aside. Until all of it is in the archive it says so: whoever is killed before, leaves that to the next
/// start or restore.
pub(crate) fn put_aside(data: &Path, aside: &Path) -> anyhow::Result<()> {
    std::fs::write(data.join(TAIL), "")
        .and_then(|()| std::fs::rename(data, aside))
        .with_context(|| format!("the database that is there cannot become {}", aside.display()))
}

/// Archives what a database that was put aside had not archived yet: nobody writes on these lines any more.
pub(crate) fn finish(dir: &Path, aside: &Path) -> anyhow::Result<()> {
    for (name, path) in named(&aside.join("pg_wal"))? {
        if written_to(&name, &path)? && !wal(dir).join(&name).exists() {
            put(dir, &name, &std::fs::read(path)?)?;
        }
    }
    state::remove(&aside.join(TAIL))
}

/// Is this a segment that was begun? The server keeps old ones under names of the future: their first page says another place.
fn written_to(name: &str, path: &Path) -> anyhow::Result<bool> {
    if !is_segment(name) {
        return Ok(false);
    }
    let mut head = [0u8; 16];
    if std::fs::File::open(path)?.read_exact(&mut head).is_err() {
        return Ok(false);
    }
    let (magic, rest) = head.split_at(8);
    let at = <[u8; 8]>::try_from(rest).map(u64::from_ne_bytes).ok();
    Ok(magic[..2] != [0, 0] && at == place(name))
}

/// Brings the archive of a stopped database in order. What a restore that was killed did not archive comes in. Earlier versions
/// archived no history, so a second restore took the number of the first, and the archive refused its segments for ever. What it
/// has of the first goes aside with its backups; nothing is removed. Afterwards every number that was ever given has a history.
pub(crate) fn in_order(dir: &Path) -> anyhow::Result<()> {
    let pg_wal = dir.join("database/data/pg_wal");
    if !wal(dir).exists() {
        return Ok(());
    }
    for (_, aside) in named(&dir.join("database"))?.into_iter().filter(|(name, _)| name.starts_with(ASIDE)) {
        if is_unfinished(&aside) {
            finish(dir, &aside).with_context(|| format!("what is in {} alone", aside.display()))?;
        }
    }
    for (name, path) in named(&pg_wal)? {
        let Some(number) = history_of(&name).filter(|_| !wal(dir).join(&name).exists()) else { continue };
        if given_twice(dir, &pg_wal, number)? {
            set_aside(dir, number)?;
        }
        keep(dir, &pg_wal, number, modified(&path)?)?;
    }
    // Numbers that are known by their segments only.
    let mut first: BTreeMap<u32, DateTime<Utc>> = BTreeMap::new();
    for (name, path) in named(&wal(dir))? {
        if let Some(number) = owner(&name) {
            let time = modified(&path)?;
            first.entry(number).and_modify(|earliest| *earliest = time.min(*earliest)).or_insert(time);
        }
    }
    let newest = first.keys().max().copied().unwrap_or(1);
    let mut time = kit::wall();
    for number in (2..=newest).rev() {
        // A line of which nothing is left began before the next one.
        time = first.get(&number).map_or(time, |earliest| time.min(*earliest));
        let name = format!("{number:08X}{HISTORY}");
        if !wal(dir).join(&name).exists() {
            let text = format!(
                "# Where this time line comes from is not known.\n{}\n",
                began(number, &time.to_rfc3339())
            );
            put(dir, &name, text.as_bytes())?;
        }
    }
    Ok(())
}

/// Has the archive segments of another line of that number?
fn given_twice(dir: &Path, pg_wal: &Path, number: u32) -> anyhow::Result<bool> {
    for (name, path) in named(pg_wal)? {
        let archived = wal(dir).join(&name);
        if line_of(&name) == Some(number)
            && written_to(&name, &path)?
            && archived.exists()
            && std::fs::read(&path)? != std::fs::read(archived)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts aside what the archive has of a line, and the backups that were made on it. The last segment first: as long as the first
/// is there, whoever was interrupted finds it again.
fn set_aside(dir: &Path, number: u32) -> anyhow::Result<()> {
    let aside = folder(dir).join(format!("{REPLACED}{}", kit::wall().format(crate::backup::TIME)));
    state::folder(&aside, 0o700)?;
    for (path, manifest) in crate::backup::backups(dir)? {
        if line_of(&manifest.start_segment) == Some(number)
            && let Some(name) = path.file_name()
        {
            std::fs::rename(&path, aside.join(name))?;
        }
    }
    let mut files = named(&wal(dir))?;
    files.sort_by(|a, b| b.cmp(a));
    for (name, path) in files.into_iter().filter(|(name, _)| owner(name) == Some(number)) {
        std::fs::rename(path, aside.join(name))?;
    }
    say::line(&format!(
        "vigie: two restores had begun a time line {number}, and the archive had stopped at the second. What it has of the first, \
         and backups made on it, are now in {}. Make a backup: `vigie backup`",
        aside.display()
    ));
    Ok(())
}

/// What the server's archiver says of itself.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Archiver {
    archived_count: i64,
    failed_count: i64,
    last_failed_wal: Option<String>,
    last_failed_time: Option<DateTime<Utc>>,
    /// Its last try failed, and something waits.
    failing: bool,
}

impl Archiver {
    pub(crate) async fn ask(conn: &mut PgConnection) -> sqlx::Result<Self> {
        sqlx::query_as(
            "select archived_count, failed_count, last_failed_wal, last_failed_time,
                    coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
                    and exists (select from pg_ls_archive_statusdir() where name like '%.ready') as failing
               from pg_stat_archiver",
        )
        .fetch_one(conn)
        .await
    }

    fn sentence(&self, dir: &Path) -> String {
        let (log, wal) = (dir.join("log/postgres.log"), wal(dir));
        let said = match (&self.last_failed_wal, self.last_failed_time) {
            (Some(segment), Some(time)) if self.failing => format!(
                "does not take {segment}: {} tries failed, the last at {}",
                self.failed_count,
                time.format("%Y-%m-%dT%H:%M:%SZ")
            ),
            _ => format!("has taken nothing for {} s", PATIENCE.as_secs()),
        };
        format!(
            "the archive of the database {said}. Is there room in {}, and may the database's user write there? The database's log \
             is {}; a stop and `make up` bring in order what a restore by an earlier version left",
            wal.display(),
            log.display()
        )
    }
}

/// Waits until the archive has these files; `before` is what the archiver said before it was asked for them.
pub(crate) async fn arrived(
    conn: &mut PgConnection,
    dir: &Path,
    files: &[String],
    mut before: Archiver,
) -> anyhow::Result<()> {
    let mut since = Instant::now();
    while !files.iter().all(|file| wal(dir).join(file).exists()) {
        let now = Archiver::ask(conn).await?;
        if now.archived_count != before.archived_count {
            (before, since) = (now, Instant::now());
        } else if now.failed_count >= before.failed_count + TRIES || since.elapsed() > PATIENCE {
            bail!("{}", now.sentence(dir));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Says when the archive of a running database fails, and when it goes on. Never ends.
pub(crate) async fn watch(url: Option<&str>, dir: &Path) -> String {
    let Some(url) = url else { return std::future::pending().await };
    let mut said = false;
    loop {
        // Whoever waits for the database says when it is gone.
        let Ok(mut conn) = PgConnection::connect(url).await else {
            tokio::time::sleep(Duration::from_secs(5)).await;
            continue;
        };
        while let Ok(archiver) = Archiver::ask(&mut conn).await {
            if archiver.failing && !said {
                say::error(&format!(
                    "{}. Until it goes on `vigie backup` fails, and what waits fills the disk",
                    archiver.sentence(dir)
                ));
            } else if said && !archiver.failing {
                say::line("vigie: the archive of the database goes on");
            }
            said = archiver.failing;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(test: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("vigie-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        for folder in [wal(&dir), dir.join("backup/base"), dir.join("database/data/pg_wal")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        dir
    }

    /// A segment that says where it lies, with something in it.
    fn segment(folder: &Path, name: &str, at: &str, text: &str) {
        let mut bytes = vec![0x16, 0xD1, 0, 0, 1, 0, 0, 0];
        bytes.extend(place(at).unwrap().to_ne_bytes());
        bytes.extend(text.as_bytes());
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    fn left(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = named(folder).unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    }

    #[test]
    fn an_archive_that_stopped_at_a_number_given_twice_goes_on() {
        let dir = place_of("twice");
        let pg_wal = dir.join("database/data/pg_wal");
        for (n, text) in [
            ("000000010000000000000005", "one"),
            ("000000020000000000000005", "first"),
            ("000000020000000000000006", "first"),
        ] {
            segment(&wal(&dir), n, n, text);
        }
        std::fs::write(wal(&dir).join("000000020000000000000006.00000028.backup"), "").unwrap();
        for (n, text) in [("000000010000000000000005", "one"), ("000000020000000000000005", "second")] {
            segment(&pg_wal, n, n, text);
        }
        // An old one under a name of the future.
        segment(&pg_wal, "000000020000000000000006", "000000010000000000000003", "old");
        std::fs::write(pg_wal.join("00000002.history"), "1\t0/5000100\tbefore\n").unwrap();
        for (name, start) in [
            ("20260101T000000Z", "000000010000000000000003"),
            ("20260102T000000Z", "000000020000000000000006"),
        ] {
            crate::backup::planted(&dir, name, start);
        }
        in_order(&dir).unwrap();
        assert_eq!(left(&wal(&dir)), ["000000010000000000000005", "00000002.history"]);
        assert_eq!(left(&dir.join("backup/base")), ["20260101T000000Z"]);
        let aside =
            named(&folder(&dir)).unwrap().into_iter().find(|(name, _)| name.starts_with(REPLACED)).unwrap().1;
        assert_eq!(
            left(&aside),
            [
                "000000020000000000000005",
                "000000020000000000000006",
                "000000020000000000000006.00000028.backup",
                "20260102T000000Z"
            ]
        );
        // The second time nothing is left to do, and a line that goes on is none that was given twice.
        segment(&wal(&dir), "000000020000000000000005", "000000020000000000000005", "second");
        let before = left(&folder(&dir));
        in_order(&dir).unwrap();
        assert_eq!((left(&wal(&dir)).len(), left(&folder(&dir))), (3, before));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_segment_beyond_the_end_of_a_replay_is_named_and_the_one_it_ended_in_is_not() {
        let dir = place_of("beyond");
        let pg_wal = dir.join("database/data/pg_wal");
        let beyond = || beyond(&dir, &pg_wal, &Line::first()).unwrap();
        for name in ["000000010000000000000004", "000000010000000000000005", "000000020000000000000007"] {
            segment(&wal(&dir), name, name, "");
        }
        std::fs::write(pg_wal.join("00000003.history"), "1\t0/5000100\tno recovery target\n").unwrap();
        assert_eq!(beyond(), None, "segment 5 is where it ended, 7 is of another line");
        for name in ["000000010000000000000008", "000000010000000000000007"] {
            segment(&wal(&dir), name, name, "");
        }
        assert_eq!(beyond().as_deref(), Some("000000010000000000000007"));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_number_is_not_given_again_though_only_its_segments_are_known() {
        let dir = place_of("known");
        segment(&wal(&dir), "000000030000000000000005", "000000030000000000000005", "");
        std::fs::write(wal(&dir).join("deadbeef is nothing of ours"), "").unwrap();
        in_order(&dir).unwrap();
        let found = lines(&dir).unwrap();
        assert_eq!(found.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(found.iter().all(|line| line.began <= kit::wall()));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn segments_go_into_the_archive_and_come_back_whatever_the_name_of_its_folder() {
        let dir = place_of("it's 100% \"$HOME\" %f");
        let segment = dir.join("segment");
        std::fs::write(&segment, "a").unwrap();
        // As the server does it.
        let run = |setting: &str, at: &Path| {
            let (_, command) = setting.split_once('=').unwrap();
            let command = command.replace("%%", "\0").replace("%f", "5");
            let command = command.replace("'%p'", &format!("\"{}\"", at.display())).replace('\0', "%");
            std::process::Command::new("sh")
                .arg("-c")
                .arg(command)
                .current_dir(&dir)
                .status()
                .unwrap()
                .success()
        };
        let archive = &settings(&dir).unwrap()[3];
        let at = Path::new("segment");
        assert!(run(archive, at) && run(archive, at), "twice the same");
        std::fs::write(&segment, "b").unwrap();
        assert!(!run(archive, at), "another one of that name");
        assert!(run(&reading(&dir), at));
        assert_eq!(std::fs::read_to_string(&segment).unwrap(), "a");
        assert_eq!(left(&wal(&dir)), ["5"]);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_was_not_archived_before_a_restore_is_after_it() {
        let dir = place_of("tail");
        let data = dir.join("database/data");
        let aside = dir.join(format!("database/{ASIDE}20260101T000000Z/pg_wal"));
        put_aside(&data, aside.parent().unwrap()).unwrap();
        std::fs::create_dir_all(data.join("pg_wal")).unwrap();
        let (known, tail, future) =
            ("000000010000000000000005", "000000010000000000000006", "000000010000000000000007");
        segment(&wal(&dir), known, known, "known");
        segment(&aside, known, known, "known");
        segment(&aside, tail, tail, "tail");
        segment(&aside, future, "000000010000000000000003", "old");
        let other = "000000020000000000000006";
        segment(&aside, other, other, "another line");
        let to = dir.join("database/data/pg_wal");
        carry(&aside, &lines(&dir).unwrap()[0], &to).unwrap();
        assert_eq!(left(&to), [known, tail]);
        // As a restore that is killed before it does that leaves it to the next start.
        in_order(&dir).unwrap();
        let archived = || left(&wal(&dir)).into_iter().filter(|name| is_segment(name)).collect::<Vec<_>>();
        assert_eq!(archived(), [known, tail, other]);
        // Once: what the archive lets go of later does not come back.
        std::fs::remove_file(wal(&dir).join(known)).unwrap();
        in_order(&dir).unwrap();
        assert_eq!(archived(), [tail, other]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
