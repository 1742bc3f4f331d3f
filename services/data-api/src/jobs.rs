//! Files that are being built, each in a task of its own, and those that are: who waits too long is told to come back,
//! and finds it finished then.

use crate::build::Job;
use crate::bulk_file::Built;
use kit::Problem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// Files that are built at once: more would only compete for the same database.
const AT_ONCE: usize = 2;
/// Files that are being built or wait for it.
const UNDER_WAY: usize = 16;
/// For how long a file that nobody has fetched yet is worth fetching, although there are newer figures.
const FRESH: Duration = Duration::from_secs(600);
/// When to come back.
const AGAIN: u64 = 10;

/// For how long a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until there are newer figures.
    Always,
    /// So many of them, the newest: their number has no bound of its own.
    Vintage,
    /// Until somebody has it.
    Once,
}

impl Keep {
    fn most(self) -> usize {
        match self {
            Self::Always => usize::MAX,
            Self::Vintage => 32,
            Self::Once => 8,
        }
    }
}

type Outcome = Option<(Instant, Result<Built, String>)>;

#[derive(Debug)]
struct Entry {
    number: u64,
    state: String,
    keep: Keep,
    outcome: watch::Receiver<Outcome>,
    taken: bool,
}

impl Entry {
    fn under_way(&self) -> bool {
        // A task that has ended without an outcome has dropped its end.
        self.outcome.borrow().is_none() && self.outcome.has_changed().is_ok()
    }

    /// Does it answer a question for `state`? A file that was begun before the newest figures came does so until it was
    /// fetched once: figures that come faster than a file is built would keep everybody waiting for ever.
    fn answers(&self, state: &str) -> bool {
        if self.under_way() {
            return true;
        }
        match &*self.outcome.borrow() {
            Some((at, Ok(_))) => self.state == state || (!self.taken && at.elapsed() < FRESH),
            _ => false,
        }
    }
}

/// The files, by name.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    all: Arc<Mutex<HashMap<String, Entry>>>,
    turns: Arc<Semaphore>,
    /// How long a request waits.
    patience: Duration,
}

impl Files {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { all: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)), patience }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file `name` for a state of the figures; `job` builds it where there is none.
    ///
    /// # Errors
    /// [`Problem::NotReady`] when it takes long, or many others are being built; what `job` failed with.
    pub(crate) async fn get(&self, name: &str, state: &str, keep: Keep, job: Job) -> Result<Built, Problem> {
        let mut outcome = self.entry(name, state, keep, job)?;
        let not_ready = || Problem::NotReady { seconds: AGAIN };
        let done = tokio::time::timeout(self.patience, outcome.wait_for(Option::is_some)).await;
        let done = done
            .map_err(|_| not_ready())?
            .map_err(|_| anyhow::anyhow!("the building of {name} broke off"))?;
        match &*done {
            Some((_, Ok(built))) => {
                self.taken(name);
                Ok(built.clone())
            }
            Some((_, Err(error))) => Err(anyhow::anyhow!("{name}: {error}").into()),
            None => Err(not_ready()),
        }
    }

    fn entry(
        &self,
        name: &str,
        state: &str,
        keep: Keep,
        job: Job,
    ) -> Result<watch::Receiver<Outcome>, Problem> {
        let mut all = self.all();
        if let Some(entry) = all.get(name).filter(|entry| entry.answers(state)) {
            return Ok(entry.outcome.clone());
        }
        if all.values().filter(|entry| entry.under_way()).count() >= UNDER_WAY {
            return Err(Problem::NotReady { seconds: AGAIN });
        }
        let (tell, outcome) = watch::channel(None);
        let (turns, file) = (Arc::clone(&self.turns), name.to_owned());
        tokio::spawn(async move {
            // The semaphore is never closed; were it, the file would be built all the same.
            let _turn = turns.acquire().await;
            let built = job.build().await.map_err(|error| format!("{error:#}"));
            if let Ok(Built { rows, bytes, .. }) = &built {
                tracing::info!(file, rows, bytes, "file built");
            }
            tell.send_replace(Some((Instant::now(), built)));
        });
        let number = all.values().map(|entry| entry.number + 1).max().unwrap_or_default();
        let entry = Entry { number, state: state.to_owned(), keep, outcome: outcome.clone(), taken: false };
        all.insert(name.to_owned(), entry);
        forget(&mut all, keep);
        Ok(outcome)
    }

    fn taken(&self, name: &str) {
        let mut all = self.all();
        if all.get(name).is_some_and(|entry| entry.keep == Keep::Once && !entry.under_way()) {
            all.remove(name);
        } else if let Some(entry) = all.get_mut(name) {
            entry.taken = !entry.under_way();
        }
    }
}

/// Drops the oldest files of a kind of which there are too many.
fn forget(all: &mut HashMap<String, Entry>, keep: Keep) {
    let mut finished: Vec<(u64, String)> = all
        .iter()
        .filter(|(_, entry)| entry.keep == keep && !entry.under_way())
        .map(|(name, entry)| (entry.number, name.clone()))
        .collect();
    finished.sort_unstable_by(|a, b| b.cmp(a));
    finished.iter().skip(keep.most()).for_each(|(_, name)| drop(all.remove(name)));
}
