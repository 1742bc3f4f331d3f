//! Where a country's database, logs and lock live on this machine.

use anyhow::{Context as _, bail};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The user that PostgreSQL runs as when `vigie` runs as root: it refuses to be root. 65534 is `nobody` everywhere.
pub(crate) const NOBODY: u32 = 65534;

/// The folder of one checkout and one name (`fr`, `test`): `database/`, `log/`, `password`, `lock`.
#[derive(Debug)]
pub(crate) struct State {
    dir: PathBuf,
    // Held until the end: the kernel lets go of it however the process ends.
    _lock: File,
}

/// Is this process root?
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where all state lives: `VIGIE_STATE`, else `/var/lib/vigie` for root (the database's user must reach it),
/// else `$XDG_STATE_HOME/vigie` or `~/.local/state/vigie`.
pub(crate) fn base() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = set("VIGIE_STATE") {
        return Ok(dir);
    }
    if is_root() {
        return Ok(PathBuf::from("/var/lib/vigie"));
    }
    set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|h| h.join(".local/state")))
        .map(|d| d.join("vigie"))
        .context("neither HOME nor XDG_STATE_HOME is set: set VIGIE_STATE to a folder for the database")
}

/// Makes `dir` and its parents, readable by all: PostgreSQL's user must pass through.
pub(crate) fn folder(dir: &Path, mode: u32) -> anyhow::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(dir).with_context(|| {
        format!("the folder {} cannot be made: set VIGIE_STATE to one that can", dir.display())
    })?;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(mode))
        .with_context(|| format!("the folder {} belongs to somebody else: set VIGIE_STATE", dir.display()))
}

/// What lies in a folder, by name; nothing where there is none.
pub(crate) fn named(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let named = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((name, path))
    };
    entries.map(named).collect()
}

/// Removes a file, if it is there.
pub(crate) fn remove(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", file.display()))
        }
        _ => Ok(()),
    }
}

/// Waits for the lock file at `path`; the kernel lets go of it however the process ends.
pub(crate) fn wait_for(path: &Path) -> anyhow::Result<File> {
    let lock = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    flock(&lock, FlockOperation::LockExclusive)
        .with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(lock)
}

impl State {
    /// Where the state of `name` for the checkout at `root` lies, whether or not it is in use.
    pub(crate) fn place(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let tag: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
        Ok(base()?.join(format!("{name}-{tag}")))
    }

    /// Opens (or makes) the state of `name` for the checkout at `root`, and locks it.
    pub(crate) fn open(root: &Path, name: &str) -> anyhow::Result<Self> {
        let dir = Self::place(root, name)?;
        folder(&base()?, 0o755)?;
        folder(&dir, 0o755)?;
        folder(&dir.join("log"), 0o755)?;
        let path = dir.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            lock.read_to_string(&mut pid)?;
            let pid = pid.trim();
            if pid.is_empty() {
                bail!(
                    "`{name}` of this checkout is just being started or restored by another command: wait for it"
                );
            }
            bail!(
                "`{name}` of this checkout is already running (process {pid}): stop it with Ctrl-C there, or `kill {pid}`"
            );
        }
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(Self { dir, _lock: lock })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens the log of a program, from its beginning; the last one is kept beside it.
    pub(crate) fn log(&self, program: &str) -> anyhow::Result<(PathBuf, File)> {
        let path = self.dir.join("log").join(format!("{program}.log"));
        if path.exists() {
            std::fs::rename(&path, path.with_extension("log.previous"))?;
        }
        let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok((path, file))
    }

    /// The database's password.
    pub(crate) fn password(&self) -> anyhow::Result<String> {
        self.secret("password")
    }

    /// A password: drawn once from the system's randomness, kept in the file `name`, readable by its owner only.
    pub(crate) fn secret(&self, name: &str) -> anyhow::Result<String> {
        let path = self.dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) if text.len() == 48 => return Ok(text),
            // A start that was killed while writing leaves a short file; the database does not exist yet then.
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e).with_context(|| format!("{} cannot be read", path.display())),
        }
        let mut raw = [0u8; 24];
        File::open("/dev/urandom")?.read_exact(&mut raw)?;
        let password: String = raw.iter().map(|b| format!("{b:02x}")).collect();
        self.write_secret(name, &password)?;
        Ok(password)
    }

    /// Writes a file that its owner alone can read; an older one is replaced.
    pub(crate) fn write_secret(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.dir.join(name);
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_the_lock() {
        let dir = std::env::temp_dir().join(format!("vigie-state-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let open = || {
            let path = dir.join("lock");
            let lock =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap();
            flock(&lock, FlockOperation::NonBlockingLockExclusive).map(|()| lock)
        };
        let held = open().unwrap();
        assert!(open().is_err());
        drop(held);
        assert!(open().is_ok());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
