//! Who does which task when: workers listen for new figures and share the tasks by leases
//! (docs/decisions/0014-leases.md).

use crate::batch::{self, Kind, Options, Progress, Task};
use crate::watch;
use kit::App;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use store::leases;
use tokio::sync::RwLock;
use tokio::time::timeout;

/// How long a task is kept from others without a sign of life from its worker, which gives three in that time.
pub const LEASE: Duration = Duration::from_secs(60);
/// Figures come in many transactions; the work begins when none came for so long.
const QUIET: Duration = Duration::from_secs(2);
/// … or so long after the first.
const PATIENCE: Duration = Duration::from_secs(60);
/// A task that failed is tried again after so long.
const RETRY: Duration = Duration::from_secs(30);

/// One of the workers of a country.
#[derive(Debug, Clone)]
pub struct Worker {
    app: App,
    options: Options,
    say: Progress,
    holder: String,
}

/// What came of trying every open task once.
#[derive(Debug, Default)]
struct Sweep {
    /// How many runs are new.
    new: usize,
    failed: Vec<(Task, anyhow::Error)>,
}

/// A lease under way; it is renewed until this is dropped.
struct Renewed(tokio::task::JoinHandle<()>);

impl Drop for Renewed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does every task of the country as of the clock and waits for those that others have. Returns how many runs are new.
///
/// # Errors
/// Of the first task that fails, after the others were done.
pub async fn once(app: &App, options: &Options, say: Progress) -> anyhow::Result<usize> {
    let mut listener = PgListener::connect_with(&app.db).await?;
    listener.listen(leases::FREED).await?;
    let worker = Worker::new(app, options, say);
    let new = worker.all(&mut batch::tasks(&app.profile), &mut listener).await?;
    say(&format!("forecasts as of {}: {new} new", app.clock.now().format("%Y-%m-%d %H:%M UTC")));
    Ok(new)
}

/// Computes at the start and whenever figures come, for as long as it is polled. With a real clock also every `tick`, because
/// a series grows stale without any news.
pub async fn listen(app: &App, options: &Options, tick: Duration, say: Progress) {
    let worker = Worker::new(app, options, say);
    loop {
        if let Err(error) = worker.heed(tick).await {
            tracing::error!(
                error = format!("{error:#}"),
                "the worker cannot hear the database; it tries again"
            );
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Gives back what the workers of this process have, once they were ended: who does it instead, or this process when it is
/// started again, need not wait for the end of a lease.
///
/// # Errors
/// When the database does not answer.
pub async fn leave(app: &App) -> anyhow::Result<()> {
    let _none_is_taken = TAKING.write().await;
    Ok(leases::leave(&mut *app.db.acquire().await?, &this_process()).await?)
}

/// Held by whoever asks for a lease until the answer is there: [`leave`] must not come before it.
static TAKING: RwLock<()> = RwLock::const_new(());

/// Takes or renews a lease. Once the database is asked it may give it, so the answer is waited for though the worker is ended.
async fn take(db: &PgPool, task: &str, holder: &str) -> anyhow::Result<bool> {
    let (db, task, holder) = (db.clone(), task.to_owned(), holder.to_owned());
    let taking = TAKING.read().await;
    let asked = tokio::spawn(async move {
        let _taking = taking;
        leases::take(&mut *db.acquire().await?, &task, &holder, LEASE).await
    });
    Ok(asked.await??)
}

/// What the name of each of its workers begins with.
fn this_process() -> String {
    format!("{} {} ", rustix::system::uname().nodename().to_string_lossy(), std::process::id())
}

impl Worker {
    /// A worker of its own name.
    #[must_use]
    pub fn new(app: &App, options: &Options, say: Progress) -> Self {
        // A container that is started anew has its old name, and with it what it had taken: nobody else is it.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let holder = format!("{}{}", this_process(), STARTED.fetch_add(1, Ordering::Relaxed));
        Self { app: app.clone(), options: options.clone(), say, holder }
    }

    /// Does `open` until nothing is left of it.
    pub(crate) async fn all(
        &self,
        open: &mut BTreeSet<Task>,
        freed: &mut PgListener,
    ) -> anyhow::Result<usize> {
        let (mut new, mut failed) = (0, Vec::new());
        loop {
            let swept = self.sweep(open).await?;
            new += swept.new;
            failed.extend(swept.failed);
            if open.is_empty() {
                return failed.into_iter().next().map_or(Ok(new), |(_, error)| Err(error));
            }
            let wait = self.until_free(open).await?;
            if let Ok(heard) = timeout(wait, freed.try_recv()).await {
                heard?;
                // What it gave back itself is among them.
                while freed.next_buffered().is_some() {}
            }
        }
    }

    async fn heed(&self, tick: Duration) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(&self.app.db).await?;
        listener.listen_all([leases::FIGURES, leases::FREED]).await?;
        // What came before anybody listened is among these.
        let mut open = batch::tasks(&self.app.profile);
        loop {
            // Whoever gives a lease back wakes everybody, himself too: there may be nothing to do.
            let asked = !open.is_empty();
            let swept = self.sweep(&mut open).await?;
            if asked && swept.failed.is_empty() && open.is_empty() {
                watch::publish(&self.app).await?;
            }
            let mut wait = self.app.clock.recorded().map_or(Some(tick), |_| None);
            if !open.is_empty() {
                wait = Some(self.until_free(&open).await?);
            }
            if !swept.failed.is_empty() {
                wait = Some(RETRY);
            }
            for (task, error) in swept.failed {
                metrics::counter!("forecast_task_failures_total", "task" => task.name()).increment(1);
                tracing::error!(
                    task = task.name(),
                    error = format!("{error:#}"),
                    "a task failed; it is tried again"
                );
                open.insert(task);
            }
            let heard = timeout(wait.unwrap_or(Duration::MAX), listener.try_recv()).await;
            let Ok(heard) = heard else {
                if open.is_empty() {
                    open = batch::tasks(&self.app.profile);
                }
                continue;
            };
            self.note(&mut open, heard?.as_ref());
            let first = Instant::now();
            while first.elapsed() < PATIENCE {
                let Ok(more) = timeout(QUIET, listener.try_recv()).await else { break };
                self.note(&mut open, more?.as_ref());
            }
        }
    }

    /// `None` is a connection that was lost, and with it what was said meanwhile.
    fn note(&self, open: &mut BTreeSet<Task>, heard: Option<&PgNotification>) {
        let all = batch::tasks(&self.app.profile);
        match heard {
            None => open.extend(all),
            Some(news) if news.channel() == leases::FIGURES => {
                open.extend(all.into_iter().filter(|task| task.reads(&self.app.profile, news.payload())));
            }
            Some(_) => {}
        }
    }

    /// How long `open`, which others have, is waited for unless they give it back; it is said, since one that was killed does not.
    async fn until_free(&self, open: &BTreeSet<Task>) -> anyhow::Result<Duration> {
        let mut conn = self.app.db.acquire().await?;
        let next = leases::next_end(&mut conn, &self.holder).await?;
        // A lease that ended just now is taken at once; the little more lets it be past its end.
        let wait = next.map_or(Duration::ZERO, |end| end + Duration::from_millis(20));
        if let (Some(task), true) = (open.first(), wait > Duration::from_secs(1)) {
            let (task, seconds) = (task.name(), wait.as_secs());
            (self.say)(&format!(
                "{task}: another worker has it, or was killed with it; waiting {seconds} s at most"
            ));
        }
        Ok(wait)
    }

    /// Tries every task of `open` once. What somebody else has stays there.
    async fn sweep(&self, open: &mut BTreeSet<Task>) -> anyhow::Result<Sweep> {
        let mut swept = Sweep::default();
        for task in open.clone() {
            let Some(_renewed) = self.take(&task).await? else { continue };
            open.remove(&task);
            let start = Instant::now();
            match batch::perform(&self.app, &task, &self.options, self.say).await {
                Ok(new) => swept.new += usize::from(new && task.kind != Kind::Scores),
                Err(error) => swept.failed.push((task.clone(), error)),
            }
            metrics::gauge!("forecast_task_seconds", "task" => task.name())
                .set(start.elapsed().as_secs_f64());
            let mut conn = self.app.db.acquire().await?;
            leases::give_back(&mut conn, &task.name(), &self.holder).await?;
        }
        Ok(swept)
    }

    async fn take(&self, task: &Task) -> anyhow::Result<Option<Renewed>> {
        let (name, holder, db) = (task.name(), self.holder.clone(), self.app.db.clone());
        if !take(&db, &name, &holder).await? {
            return Ok(None);
        }
        let renew = async move {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                match take(&db, &name, &holder).await {
                    Ok(true) => {}
                    // Somebody else does it again; both store the same once.
                    Ok(false) => tracing::warn!(task = name, "the lease was lost"),
                    Err(error) => tracing::warn!(
                        task = name,
                        error = format!("{error:#}"),
                        "the lease cannot be renewed"
                    ),
                }
            }
        };
        Ok(Some(Renewed(tokio::spawn(renew))))
    }
}
