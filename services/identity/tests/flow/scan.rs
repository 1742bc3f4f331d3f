//! Where in a whole database something stands: every column of every table of every schema that is not the system's.

use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// `table.column` → how many rows hold one of the values there, as text, in JSON, as bytes or as hexadecimal digits.
pub(crate) async fn scan(pool: &PgPool, values: &[String]) -> BTreeMap<String, i64> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select table_schema::text, table_name::text, column_name::text from information_schema.columns
          join information_schema.tables using (table_schema, table_name)
         where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(columns.len() > 60, "all tables are seen");
    let mut found = BTreeMap::new();
    for (schema, table, column) in columns {
        // Bytes are read as hexadecimal digits by the cast, and the values are looked for in both forms.
        let query = format!(
            "select count(*) from \"{schema}\".\"{table}\" t
              where exists (select 1 from unnest($1::text[]) v where strpos(t.\"{column}\"::text, v) > 0)"
        );
        let n: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(values).fetch_one(pool).await.unwrap();
        if n > 0 {
            found.insert(format!("{table}.{column}"), n);
        }
    }
    found
}

/// A person's values and what can be made of them: as they are, in hexadecimal digits, and their SHA-256.
pub(crate) fn canaries(values: &[&str]) -> Vec<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let all = |v: &&str| {
        let upper = v.to_uppercase();
        [(*v).to_owned(), upper, hex(v.as_bytes()), hex(&Sha256::digest(v.as_bytes()))]
    };
    values.iter().flat_map(all).collect()
}
