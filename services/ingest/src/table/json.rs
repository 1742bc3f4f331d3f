//! A JSON array of flat objects as a table: publishers leave out the keys of empty cells, so the header is all keys.

use super::{MOST_COLUMNS, Table};
use crate::Refusal;
use csv::StringRecord;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Cells of a table in memory, empty ones too: objects that each have keys of their own would make a table of
/// nothing but empty cells.
const MOST_CELLS: usize = 100_000_000;

/// The most rows that a page of Socrata (data.cdc.gov) holds; the feeds ask for that many.
const PAGE: usize = 50_000;

impl Table {
    /// Reads an array of objects, or an object that holds it under `value` (OData) or `data`. Cells are texts as in
    /// CSV; `null` and an absent key are the empty cell.
    ///
    /// # Errors
    /// [`Refusal`] when it is not JSON, or not of that shape (the reader gives up at a nesting of 128).
    pub fn json(bytes: &[u8]) -> Result<Self, Refusal> {
        crate::body::sniff(bytes)?;
        let bad = |why: String| Refusal::Unreadable { format: "JSON", why };
        let text = crate::body::text(bytes)?;
        let mut whole: Value = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let list = match &mut whole {
            Value::Object(o) if o.contains_key("@odata.nextLink") => {
                return Err(bad("it is one page of several: the rest is missing".to_owned()));
            }
            Value::Object(o) => ["value", "data"].iter().find_map(|k| o.remove(*k)),
            other => Some(other.take()),
        };
        let Some(Value::Array(list)) = list else {
            return Err(bad("it is not an array of rows".to_owned()));
        };
        let objects = list.into_iter().map(|row| match row {
            Value::Object(cells) => Ok(cells),
            _ => Err(bad("a row is not an object".to_owned())),
        });
        let objects: Vec<Map<String, Value>> = objects.collect::<Result<_, _>>()?;
        let names: BTreeSet<&str> = objects.iter().flat_map(|o| o.keys().map(String::as_str)).collect();
        if objects.is_empty() {
            return Err(Refusal::NoRows);
        }
        if objects.len() == PAGE {
            return Err(bad(format!("it has exactly {PAGE} rows, the most of a page: the rest is missing")));
        }
        if names.len() > MOST_COLUMNS || names.len().saturating_mul(objects.len()) > MOST_CELLS {
            return Err(bad(format!("its rows have {} different keys", names.len())));
        }
        let row = |object: &Map<String, Value>| {
            names.iter().map(|n| cell(object.get(*n))).collect::<StringRecord>()
        };
        let rows = (1..).zip(objects.iter().map(row)).collect();
        Ok(Self { header: names.into_iter().collect(), rows, missing: &[] })
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_and_nulls_are_empty_cells() {
        let table = Table::json(br#"{"value":[{"a":"1.5","b":null},{"c":"x","a":2}]}"#).unwrap();
        let columns = ["a", "b", "c"].map(|c| table.column(&[c]).unwrap());
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0].number(columns[0]), Ok(Some(1.5)));
        assert_eq!(lines[0].number(columns[1]), Ok(None));
        assert_eq!((lines[1].number(columns[0]), lines[1].text(columns[2])), (Ok(Some(2.0)), "x"));
    }

    #[test]
    fn other_shapes_are_refused() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        for text in [deep.as_str(), "[1]", "{\"x\":[]}", "[{\"a\":1}", "7"] {
            assert!(matches!(Table::json(text.as_bytes()), Err(Refusal::Unreadable { .. })), "{text:.20}");
        }
        assert_eq!(Table::json(b"[]").unwrap_err(), Refusal::NoRows);
        let page = format!("[{}]", vec!["{\"a\":1}"; PAGE].join(","));
        let next = "{\"@odata.nextLink\":\"x\",\"value\":[{\"a\":1}]}";
        for text in [page.as_str(), next] {
            assert!(Table::json(text.as_bytes()).unwrap_err().to_string().contains("the rest is missing"));
        }
        let many: Vec<String> = (0..20_000).map(|i| format!("{{\"k{i}\":1}}")).collect();
        let refused = Table::json(format!("[{}]", many.join(",")).as_bytes()).unwrap_err();
        assert!(refused.to_string().contains("20000 different keys"), "{refused}");
    }
}
