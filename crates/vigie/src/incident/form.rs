//! The form of each authority, in each language of the country, as Markdown that a person copies into the authority's own.

use super::state::{Incident, MOMENT};
use anyhow::Context as _;
use domain::profile::UNSET;
use domain::profile::incident::{Authority, Field, Texts};
use rust_i18n::t;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes all forms into the incident's folder; returns their names.
///
/// # Errors
/// When one cannot be written.
pub(super) fn write(dir: &Path, incident: &Incident) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for authority in &incident.declared.rules.authority {
        for language in &incident.declared.languages {
            let name = format!("{}.{language}.md", authority.id);
            let path = dir.join(&name);
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
            let written = file.and_then(|mut f| f.write_all(text(incident, authority, language).as_bytes()));
            written.with_context(|| format!("{} cannot be written", path.display()))?;
            names.push(name);
        }
    }
    Ok(names)
}

fn text(incident: &Incident, authority: &Authority, language: &str) -> String {
    let word = |key: &str| t!(format!("form.{key}"), locale = language).into_owned();
    let with = |key: &str, name: &str, value: &str| {
        rust_i18n::replace_patterns(&word(key), &[name], &[value.to_owned()])
    };
    let deadline = incident.deadlines.iter().find(|d| d.authority == authority.id);
    let due =
        deadline.and_then(|d| d.due_at).map_or_else(|| word("at_once"), |at| at.format(MOMENT).to_string());
    let heading = with("heading", "name", of(&authority.name, language));
    let about = rust_i18n::replace_patterns(
        &word("incident"),
        &["id", "title"],
        &[incident.id.clone(), incident.declared.title.clone()],
    );
    let mut out = format!("# {heading}\n\n{about}\n\n");
    for (label, value) in [
        (word("law"), of(&authority.law, language).to_owned()),
        (word("when"), of(&authority.when, language).to_owned()),
        (word("aware"), incident.declared.aware_at.format(MOMENT).to_string()),
        (word("due"), due),
    ] {
        let _ = writeln!(out, "- **{label}** – {value}");
    }
    for field in authority.fields.iter().filter_map(|id| incident.declared.rules.field(id)) {
        let answer = answer(incident, field).unwrap_or_else(|| match &field.from {
            Some(key) => format!("[{}]", with("unset", "key", key)),
            None => format!("[{}]", word("open")),
        });
        let _ = write!(out, "\n## {}\n{answer}\n", of(&field.label, language));
    }
    let _ = write!(out, "\n---\n{}\n", word("note"));
    out
}

/// What was stated; else what the profile says, unless nobody filled it in.
fn answer(incident: &Incident, field: &Field) -> Option<String> {
    let stated = incident.facts.get(&field.id);
    let of_profile =
        || field.from.as_ref().and_then(|key| incident.declared.legal.get(key)).filter(|v| *v != UNSET);
    stated.or_else(of_profile).cloned()
}

fn of<'t>(texts: &'t Texts, language: &str) -> &'t str {
    texts.get(language).map_or("", String::as_str)
}
