//! What must stand in the files: every field in every language, every requirement answered by something that exists.

use crate::format::{Answers, Asked, COMMON, Card, GENERATED, Library, OWN, Status, Text, owner};
use std::collections::{BTreeMap, BTreeSet};

impl Library {
    /// Adds what is missing, empty or unknown.
    pub fn check(&self, files: &BTreeMap<String, String>, faults: &mut Vec<String>) {
        for card in &self.cards {
            card.check(faults);
        }
        for (code, common) in &self.common {
            let file = format!("common.{code}.toml");
            complete(&file, "fields", &common.fields, COMMON, Text::is_empty, faults);
            let all = OWN.into_iter().chain(COMMON).chain(GENERATED);
            complete(&file, "headings", &common.headings, all, |t| t.trim().is_empty(), faults);
        }
        self.check_requirements(faults);
        let ids: BTreeSet<&str> = self.cards.iter().map(|c| c.id.as_str()).collect();
        for name in files.keys() {
            if owner(name).is_some_and(|id| !ids.contains(id)) {
                faults.push(format!("{name} belongs to no card"));
            }
        }
    }

    fn check_requirements(&self, faults: &mut Vec<String>) {
        let known: BTreeSet<&str> = OWN.into_iter().chain(COMMON).chain(GENERATED).collect();
        let mut ids = BTreeSet::new();
        for row in &self.requirements {
            let of = format!("requirements.toml: {}", row.id);
            if !ids.insert(row.id.as_str()) {
                faults.push(format!("{of} stands there twice"));
            }
            for field in row.fields.iter().filter(|f| !known.contains(f.as_str())) {
                faults.push(format!("{of} is answered by the field `{field}`, which no card has"));
            }
            let answered = !row.fields.is_empty() || !row.pages.is_empty() || !row.tests.is_empty();
            if matches!(row.status, Status::Met | Status::Partly) && !answered {
                faults.push(format!(
                    "{of} is said to be {} and names nothing that answers it",
                    row.status.as_str()
                ));
            }
        }
        let groups: BTreeSet<&str> = self.requirements.iter().map(|r| r.group.as_str()).collect();
        let statuses =
            [Status::Met, Status::Partly, Status::NotMet, Status::NotApplicable].map(Status::as_str);
        for (code, words) in &self.words {
            let file = format!("requirements.{code}.toml");
            complete(&file, "groups", &words.groups, groups.iter().copied(), |t| t.trim().is_empty(), faults);
            complete(&file, "statuses", &words.statuses, statuses, |t| t.trim().is_empty(), faults);
            let empty = |a: &Asked| a.asks.trim().is_empty() || a.says.trim().is_empty();
            complete(&file, "rows", &words.rows, ids.iter().copied(), empty, faults);
        }
    }
}

impl Card {
    fn check(&self, faults: &mut Vec<String>) {
        let file = format!("{}.toml", self.id);
        if self.version.trim().is_empty() {
            faults.push(format!("{file}: version is empty"));
        }
        let forecasts = self.answers == Answers::Forecast;
        for (field, empty) in [("plans", self.plans.is_empty()), ("sources", self.sources.is_empty())] {
            if forecasts == empty {
                let what = if empty { "is empty" } else { "is for a model of forecasts only" };
                faults.push(format!("{file}: {field} {what}"));
            }
        }
        for (code, texts) in &self.texts {
            let file = if code == "en" { file.clone() } else { format!("{}.{code}.toml", self.id) };
            if texts.title.trim().is_empty() {
                faults.push(format!("{file}: title is empty"));
            }
            complete(&file, "", &texts.fields, OWN, Text::is_empty, faults);
            if self.table.is_empty() && texts.measured.is_empty() {
                faults.push(format!(
                    "{file}: scores is empty: neither measured nor scores/{}.csv has a row",
                    self.id
                ));
            }
            if texts.measured.len() != self.texts.get("en").map_or(0, |en| en.measured.len()) {
                faults.push(format!("{file}: measured has not as many rows as the English file"));
            }
            for m in &texts.measured {
                let given = [Some(&m.on), Some(&m.measure), Some(&m.value), m.date.as_ref(), m.how.as_ref()];
                let wanted = if code == "en" { 5 } else { 3 };
                let filled = given.iter().flatten().filter(|t| !t.trim().is_empty()).count();
                if filled != wanted
                    || m.date.as_ref().is_some_and(|d| d.parse::<chrono::NaiveDate>().is_err())
                {
                    faults.push(format!("{file}: measured on `{}` lacks a field or has one too many", m.on));
                }
            }
        }
    }
}

/// Wants exactly the keys `wanted`, none of them empty.
fn complete<'a, T>(
    file: &str,
    table: &str,
    found: &BTreeMap<String, T>,
    wanted: impl IntoIterator<Item = &'a str>,
    empty: impl Fn(&T) -> bool,
    faults: &mut Vec<String>,
) {
    let dot = if table.is_empty() { "" } else { "." };
    let wanted: BTreeSet<&str> = wanted.into_iter().collect();
    for key in &wanted {
        match found.get(*key) {
            None => faults.push(format!("{file}: {table}{dot}{key} is missing")),
            Some(value) if empty(value) => faults.push(format!("{file}: {table}{dot}{key} is empty")),
            Some(_) => {}
        }
    }
    for key in found.keys().filter(|key| !wanted.contains(key.as_str())) {
        faults.push(format!("{file}: {table}{dot}{key} is shown nowhere: no such field is known"));
    }
}
