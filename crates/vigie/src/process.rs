//! Programs that `vigie` starts: in a process group of their own, so that Ctrl-C reaches `vigie` alone and it
//! stops them in order; and tied to it, so that none outlives it, however it ends.

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long a program may take until it is ready. It is there in a second or two; but where other programs keep the disk
/// busy, half a minute can pass until its files are read, and it is no fault of this one.
pub(crate) const PATIENCE: Duration = LOOK.saturating_mul(LOOKS);
/// How often it is looked at until then.
const LOOK: Duration = Duration::from_millis(30);
const LOOKS: u32 = 4_000;

/// A program under way.
#[derive(Debug)]
pub(crate) struct Program {
    pub name: String,
    pub log: PathBuf,
    child: Child,
}

/// Ties `command` to this process. To be spawned from the main thread only: the kernel takes the end of the thread
/// that spawned for the end of the parent.
pub(crate) fn tied(command: &mut Command, at_death: Signal) -> &mut Command {
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    #[expect(unsafe_code, reason = "prctl(PR_SET_PDEATHSIG) between fork and exec has no safe form")]
    // SAFETY: the closure makes one system call and touches no memory of the parent.
    unsafe {
        command.pre_exec(move || Ok(set_parent_process_death_signal(Some(at_death))?));
    }
    command
}

impl Program {
    /// Starts `command` with stdout and stderr into `log`.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        log: (PathBuf, std::fs::File),
        at_death: Signal,
    ) -> anyhow::Result<Self> {
        let (path, file) = log;
        let child = tied(command, at_death)
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name: name.to_owned(), log: path, child })
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Has it ended already?
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// It ended before, or is not ready after [`PATIENCE`]: with its log's last lines.
    pub(crate) async fn until(&mut self, ready: impl AsyncFn() -> bool) -> anyhow::Result<()> {
        // Looks are counted, and no clock is read: on a machine that was asleep meanwhile, all the time would have passed at once.
        for _ in 0..LOOKS {
            if ready().await {
                return Ok(());
            }
            if let Some(status) = self.has_ended() {
                bail!("{}", self.epitaph(status));
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("{} is not ready after {} s; {}", self.name, PATIENCE.as_secs(), self.last_words())
    }

    /// That it ended, how, and with which words, for a person.
    pub(crate) fn epitaph(&self, status: ExitStatus) -> String {
        format!("{} stopped ({}); {}", self.name, how(status), self.last_words())
    }

    fn last_words(&self) -> String {
        format!("its log is {}, and ends with:\n{}", self.log.display(), tail(&self.log, 6))
    }

    /// Asks it to stop and waits; after `patience` it is killed.
    pub(crate) async fn stop(&mut self, signal: Signal, patience: Duration) {
        let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
            return;
        };
        if kill_process(pid, signal).is_ok()
            && tokio::time::timeout(patience, self.child.wait()).await.is_err()
            && let Err(error) = self.child.kill().await
        {
            tracing::warn!(program = %self.name, %error, "could not be killed");
        }
    }
}

/// The last lines of a log, for a person.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// `signal 9`, `exit code 1`.
pub(crate) fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}"),
        (_, Some(code)) => format!("exit code {code}"),
        _ => "for an unknown reason".to_owned(),
    }
}
