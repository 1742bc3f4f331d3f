//! A request's visit to the database, and what is kept from one visit to the next: what was issued, which series there
//! are. It is kept until something is written to the database, by whomever, so it is never old.

use crate::select::{self, Places};
use crate::words::Target;
use domain::profile::Signal;
use kit::{App, Problem};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::issued::Issue;
use store::scan::Row;

/// Selections of places and payloads that are kept: a bound for the memory, far above what readers ask for.
const MOST: usize = 200_000;

/// What visits leave for the next ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The state of the database that all of it is of.
    state: String,
    issued: HashMap<String, Arc<Vec<Issue>>>,
    targets: HashMap<String, Arc<Vec<Target>>>,
    payloads: HashMap<i32, String>,
    size: usize,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A visit: a connection, and what is kept of the state that the database is in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn visit(&self, db: &PgPool) -> sqlx::Result<Visit> {
        let mut conn = db.acquire().await?;
        let state = store::issued::state(&mut conn).await?;
        let mut kept = self.kept();
        if kept.state != state {
            *kept = Kept { state: state.clone(), ..Kept::default() };
        }
        drop(kept);
        Ok(Visit { conn, state, memory: self.clone() })
    }
}

/// A connection, and what is kept.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) conn: PoolConnection<Postgres>,
    state: String,
    memory: Memory,
}

impl Visit {
    /// Keeps what was read in this visit, if nobody has seen another state meanwhile.
    fn keep(&self, size: usize, what: impl FnOnce(&mut Kept)) {
        let mut kept = self.memory.kept();
        if kept.state != self.state {
            return;
        }
        if kept.size + size > MOST {
            *kept = Kept { state: self.state.clone(), ..Kept::default() };
        }
        kept.size += size;
        what(&mut kept);
    }

    fn kept<T>(&self, find: impl FnOnce(&Kept) -> Option<T>) -> Option<T> {
        let kept = self.memory.kept();
        if kept.state == self.state { find(&kept) } else { None }
    }

    /// What was issued of a signal.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn issued(&mut self, signal: &str) -> sqlx::Result<Arc<Vec<Issue>>> {
        if let Some(found) = self.kept(|k| k.issued.get(signal).cloned()) {
            return Ok(found);
        }
        let found = Arc::new(store::issued::issues(&mut self.conn, signal).await?);
        self.keep(found.len(), |k| drop(k.issued.insert(signal.to_owned(), Arc::clone(&found))));
        Ok(found)
    }

    /// The places that are asked for, by id, each with whose figures stand for it. Places of a level at which the signal is
    /// not published are left out.
    ///
    /// # Errors
    /// [`Problem::NotFound`] for a place that this country has not; when the database does not answer.
    pub(crate) async fn targets(
        &mut self,
        app: &App,
        signal: &Signal,
        places: &Places<'_>,
    ) -> Result<Arc<Vec<Target>>, Problem> {
        let name = format!("{} {places:?}", signal.id);
        if let Some(found) = self.kept(|k| k.targets.get(&name).cloned()) {
            return Ok(found);
        }
        let found = Arc::new(select::find(app, &mut self.conn, signal, places).await?);
        self.keep(found.len() + 1, |k| drop(k.targets.insert(name, Arc::clone(&found))));
        Ok(found)
    }

    /// The ids of the payloads of rows, by key.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn payloads(&mut self, rows: &[Row]) -> sqlx::Result<HashMap<i32, String>> {
        let wanted: BTreeSet<i32> = rows.iter().map(|r| r.payload).collect();
        let find = |k: &Kept| wanted.iter().map(|key| Some((*key, k.payloads.get(key)?.clone()))).collect();
        if let Some(found) = self.kept(find) {
            return Ok(found);
        }
        let wanted: Vec<i32> = wanted.into_iter().collect();
        let found = store::series::payloads(&mut self.conn, &wanted).await?;
        self.keep(found.len(), |k| k.payloads.extend(found.iter().cloned()));
        Ok(found.into_iter().collect())
    }
}
