//! Places with pages.

use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Place {
    /// ISO 3166, or country:national code.
    pub id: String,
    /// `nation`, `state`, `region`, `departement`, `canton`, `county`.
    pub level: String,
    /// The place that it lies in.
    pub parent: Option<String>,
    /// Inhabitants.
    pub population: Option<i64>,
    /// Language code to name.
    pub names: Json<BTreeMap<String, String>>,
}

impl Place {
    /// Its name in a language, or in any that it has.
    #[must_use]
    pub fn name(&self, language: &str) -> &str {
        self.names.get(language).or_else(|| self.names.values().next()).map_or(&self.id, String::as_str)
    }
}

/// Writes a place; a changed one replaces the old one.
///
/// # Errors
/// When the database refuses, for instance because the parent is not there yet.
pub async fn put(conn: &mut PgConnection, p: &Place) -> sqlx::Result<()> {
    sqlx::query(
        "insert into place (id, level, parent, population, names) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set level = excluded.level, parent = excluded.parent,
             population = excluded.population, names = excluded.names",
    )
    .bind(&p.id)
    .bind(&p.level)
    .bind(&p.parent)
    .bind(p.population)
    .bind(&p.names)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes many places in one statement, in any order: a place and the one around it may both be new. Those that stand there
/// as they are cost nothing.
///
/// # Errors
/// When the database refuses one, for instance because its parent is nowhere.
pub async fn put_all(conn: &mut PgConnection, all: &[Place]) -> sqlx::Result<()> {
    sqlx::query(
        "insert into place (id, level, parent, population, names)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::jsonb[])
         on conflict (id) do update set level = excluded.level, parent = excluded.parent,
             population = excluded.population, names = excluded.names
          where (place.level, place.parent, place.population, place.names)
             is distinct from (excluded.level, excluded.parent, excluded.population, excluded.names)",
    )
    .bind(all.iter().map(|p| p.id.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|p| p.level.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|p| p.parent.as_deref()).collect::<Vec<_>>())
    .bind(all.iter().map(|p| p.population).collect::<Vec<_>>())
    .bind(all.iter().map(|p| &p.names).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// One place.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut PgConnection, id: &str) -> sqlx::Result<Option<Place>> {
    sqlx::query_as("select * from place where id = $1").bind(id).fetch_optional(conn).await
}

/// The places of one country (`US`: the nation and everything in it), by id.
///
/// # Errors
/// When the database does not answer.
pub async fn of_nation(conn: &mut PgConnection, nation: &str) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as("select * from place where left(id, 2) = $1 order by id")
        .bind(nation)
        .fetch_all(conn)
        .await
}

/// The places of one country and their levels, by id: all, or `only` some of them, or those of one `level`.
///
/// # Errors
/// When the database does not answer.
pub async fn levels(
    conn: &mut PgConnection,
    nation: &str,
    only: Option<&[&str]>,
    level: Option<&str>,
) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "select id, level from place
          where left(id, 2) = $1 and ($2::text[] is null or id = any($2)) and ($3::text is null or level = $3)
          order by id",
    )
    .bind(nation)
    .bind(only)
    .bind(level)
    .fetch_all(conn)
    .await
}

/// The places of one country at some of its levels, by id.
///
/// # Errors
/// When the database does not answer.
pub async fn of_levels(conn: &mut PgConnection, nation: &str, levels: &[&str]) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as("select * from place where left(id, 2) = $1 and level = any($2) order by id")
        .bind(nation)
        .bind(levels)
        .fetch_all(conn)
        .await
}

/// The first place, by id, of one country at some of its levels.
///
/// # Errors
/// When the database does not answer.
pub async fn first_of(conn: &mut PgConnection, nation: &str, levels: &[&str]) -> sqlx::Result<Option<Place>> {
    sqlx::query_as("select * from place where left(id, 2) = $1 and level = any($2) order by id limit 1")
        .bind(nation)
        .bind(levels)
        .fetch_optional(conn)
        .await
}

/// The places with these ids, by id; those that are not there are not in it.
///
/// # Errors
/// When the database does not answer.
pub async fn some(conn: &mut PgConnection, ids: &[&str]) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as("select * from place where id = any($1) order by id").bind(ids).fetch_all(conn).await
}

/// The places of some levels that lie directly in one of `parents`, by id.
///
/// # Errors
/// When the database does not answer.
pub async fn within(conn: &mut PgConnection, parents: &[&str], levels: &[&str]) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as("select * from place where parent = any($1) and level = any($2) order by id")
        .bind(parents)
        .bind(levels)
        .fetch_all(conn)
        .await
}

/// All places, those of other countries too, by id.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &mut PgConnection) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as("select * from place order by id").fetch_all(conn).await
}

/// The ids of all places.
///
/// # Errors
/// When the database does not answer.
pub async fn ids(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("select id from place order by id").fetch_all(conn).await
}
