//! Everything that is kept about somebody, as JSON and as CSV. The tables and the conditions are those of the register.

use super::Person;
use super::register::Register;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

/// Rows by table. A table in which nothing is kept of the person is there, and empty.
///
/// # Errors
/// When the database does not answer.
pub async fn rows(conn: &mut PgConnection, person: &Person) -> anyhow::Result<Map<String, Value>> {
    let mut all = Map::new();
    for table in Register::read()?.table {
        let Some(of) = table.of else { continue };
        let name = table.name;
        let shown: Vec<String> =
            table.shown.iter().map(|(column, what)| format!("'{column}', {what}")).collect();
        // Each parameter stands in each query: a condition uses those that it needs.
        let query = format!(
            "select row from (values ($1::text, $2::text, $3::text, $4::text[])) as p, lateral
             (select to_jsonb(t) || jsonb_build_object({}) as row from \"{name}\" as t where {of}) as rows
              order by row::text",
            shown.join(", ")
        );
        let found: Vec<Value> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .bind(person.account.as_ref().map(|a| a.id.as_str()))
            .bind(person.contact.as_ref().map(|c| c.id.as_str()))
            .bind(person.email())
            .bind(person.pseudonyms())
            .fetch_all(&mut *conn)
            .await?;
        all.insert(name, json!(found));
    }
    Ok(all)
}

/// How many rows there are in all tables.
#[must_use]
pub fn count(rows: &Map<String, Value>) -> usize {
    rows.values().filter_map(Value::as_array).map(Vec::len).sum()
}

/// The rows as CSV: one line a value, since each table has its own columns.
///
/// # Errors
/// When a value cannot be written, which does not happen in memory.
pub fn csv(rows: &Map<String, Value>) -> anyhow::Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["table", "row", "column", "value"])?;
    for (table, found) in rows {
        for (n, row) in found.as_array().into_iter().flatten().enumerate() {
            for (column, value) in row.as_object().into_iter().flatten() {
                let value = match value {
                    Value::Null => String::new(),
                    Value::String(text) => harmless(text),
                    other => other.to_string(),
                };
                out.write_record([table.as_str(), &(n + 1).to_string(), column.as_str(), &value])?;
            }
        }
    }
    Ok(out.into_inner().map_err(|e| e.into_error())?)
}

/// A text that a spreadsheet does not take for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
