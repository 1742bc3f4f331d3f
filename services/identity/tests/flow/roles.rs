//! The two roles as which the service comes, at the server of the tests: those of whoever owns the tables there.

use identity::audit::Own;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};
use std::collections::BTreeMap;
use std::sync::Mutex;
use url::Url;

/// By database. Once a database: a test may take a right away.
static GIVEN: Mutex<BTreeMap<String, (PgPool, Own)>> = Mutex::new(BTreeMap::new());

/// Roles are the whole server's: two tests may make them at once.
const MAKE: &str = "do $$ declare kind text; begin
    foreach kind in array array['_service', '_audit'] loop
        if not exists (select from pg_roles where rolname = current_user || kind) then
            begin
                execute format('create role %I login noinherit password %L', current_user || kind, 'a');
            exception when duplicate_object or unique_violation then null;
            end;
        end if;
    end loop;
end $$";

fn named(owner: &PgPool) -> String {
    owner.connect_options().get_database().unwrap().to_owned()
}

/// The name of the service's role, or of the audit's.
pub(crate) async fn name(owner: &PgPool, kind: &str) -> String {
    sqlx::query_scalar("select current_user || '_' || $1").bind(kind).fetch_one(owner).await.unwrap()
}

async fn options(owner: &PgPool, kind: &str) -> PgConnectOptions {
    (*owner.connect_options()).clone().username(&name(owner, kind).await).password("a")
}

/// The service's pool and the audit's credential, with what `identity migrate` gives them.
pub(crate) async fn given(owner: &PgPool) -> (PgPool, Own) {
    let known = GIVEN.lock().unwrap().get(&named(owner)).cloned();
    if let Some(known) = known {
        return known;
    }
    sqlx::query(MAKE).execute(owner).await.unwrap();
    assert!(identity::give(&mut owner.acquire().await.unwrap()).await.unwrap());
    // One: whoever holds a connection and wants a second one of the same pool waits here without end, and in an installation when
    // as many do it at once as there are connections.
    let service =
        PgPoolOptions::new().max_connections(1).connect_with(options(owner, "service").await).await.unwrap();
    let trail = Own::at(options(owner, "audit").await.to_url_lossy().as_str()).unwrap();
    GIVEN.lock().unwrap().insert(named(owner), (service.clone(), trail.clone()));
    tokio::spawn({
        let (owner, service, trail) = (owner.clone(), service.clone(), trail.clone());
        async move {
            // The database is dropped after the test, which waits for whoever is in it.
            owner.close_event().await;
            GIVEN.lock().unwrap().remove(&named(&owner));
            service.close().await;
            trail.pool().close().await;
        }
    });
    (service, trail)
}

/// The addresses of the service's role and of the audit's, for a program.
pub(crate) async fn addresses(owner: &PgPool) -> (Url, Url) {
    given(owner).await;
    let mut both = Vec::new();
    for kind in ["service", "audit"] {
        let mut url = options(owner, kind).await.to_url_lossy();
        url.set_query(None);
        both.push(url);
    }
    (both.remove(0), both.remove(0))
}
