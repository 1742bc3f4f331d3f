//! Schemas of OpenAPI in words.

use super::{Words, entries, list, text, words};
use serde_json::Value;

/// A piece of what a value may be; one that names a schema leads to it.
pub(crate) struct Piece {
    pub(super) text: String,
    pub(super) schema: bool,
}

pub(super) struct Property {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) kind: Vec<Piece>,
    pub(super) about: Vec<Words>,
}

pub(super) struct Schema {
    pub(super) name: String,
    pub(super) kind: Vec<Piece>,
    pub(super) about: Vec<Words>,
    pub(super) properties: Vec<Property>,
    pub(super) words: Vec<String>,
}

pub(super) fn schema(name: &str, of: &Value) -> Schema {
    let required = |name: &str| list(&of["required"]).any(|r| r == name);
    let property = |(name, of): (&String, &Value)| Property {
        name: name.clone(),
        required: required(name),
        kind: kind(of),
        about: words(&of["description"]),
    };
    Schema {
        name: name.to_owned(),
        kind: kind(of),
        about: words(&of["description"]),
        properties: entries(&of["properties"]).map(property).collect(),
        words: list(&of["enum"]).map(text).collect(),
    }
}

/// What a value may be.
pub(super) fn kind(of: &Value) -> Vec<Piece> {
    let mut pieces = Vec::new();
    put(&mut pieces, of);
    pieces
}

fn plain(pieces: &mut Vec<Piece>, text: impl Into<String>) {
    pieces.push(Piece { text: text.into(), schema: false });
}

fn put(pieces: &mut Vec<Piece>, of: &Value) {
    if let Some(name) = of["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        pieces.push(Piece { text: name.to_owned(), schema: true });
        return;
    }
    let either: Vec<&Value> = list(&of["oneOf"]).chain(list(&of["anyOf"])).collect();
    for (n, part) in either.iter().enumerate() {
        if n > 0 {
            plain(pieces, " or ");
        }
        put(pieces, part);
    }
    let types: Vec<&str> = match &of["type"] {
        Value::String(one) => vec![one],
        many => list(many).filter_map(Value::as_str).collect(),
    };
    for (n, kind) in types.iter().enumerate() {
        if n > 0 {
            plain(pieces, " or ");
        }
        match *kind {
            "array" => {
                plain(pieces, "list of ");
                put(pieces, &of["items"]);
            }
            "object" if of["additionalProperties"].is_object() => {
                plain(pieces, "map from text to ");
                put(pieces, &of["additionalProperties"]);
            }
            "string" => plain(pieces, of["format"].as_str().unwrap_or("text")),
            other => plain(pieces, other),
        }
    }
    limits(pieces, of);
}

fn limits(pieces: &mut Vec<Piece>, of: &Value) {
    for (name, says) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters, at least"),
        ("default", "default"),
        ("pattern", "matching"),
    ] {
        match &of[name] {
            Value::Null => {}
            Value::String(text) => plain(pieces, format!(", {says} {text}")),
            value => plain(pieces, format!(", {says} {value}")),
        }
    }
}
