//! Words in the reader's language. Texts stand in `locales/`; numbers and dates come from `kit::locale::Formats`.

use chrono::NaiveDate;
use domain::profile::{Language, Unit};
use kit::locale::Formats;
use rust_i18n::t;
use store::places::Place;

/// A language of the pages: its words and its formats.
#[derive(Debug)]
pub struct Lang {
    /// As the profile declares it.
    pub language: Language,
    /// Numbers, dates, weeks.
    pub formats: Formats,
}

impl Lang {
    /// Does this language have a text of that name?
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        crate::_rust_i18n_try_translate(&self.language.code, key).is_some()
    }

    /// The text named `key`. A test proves that every key in use exists in every language.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        t!(key, locale = self.language.code.as_str()).into_owned()
    }

    /// The text named `key` with its placeholders filled in.
    #[must_use]
    pub fn f(&self, key: &str, with: &[(&str, &str)]) -> String {
        let names: Vec<&str> = with.iter().map(|(name, _)| *name).collect();
        let values: Vec<String> = with.iter().map(|(_, value)| (*value).to_owned()).collect();
        let text = rust_i18n::replace_patterns(&self.t(key), &names, &values);
        if self.language.code == "it" { elided(&text) } else { text }
    }

    /// The text `key.<plural category>` for `value`; `other` where the language has no text of that category.
    #[must_use]
    pub fn n(&self, key: &str, value: f64, digits: usize, with: &[(&str, &str)]) -> String {
        let category = format!("{key}.{}", self.formats.plural_of(value, digits));
        let number = self.formats.number(value, digits);
        let with: Vec<(&str, &str)> =
            std::iter::once(("n", number.as_str())).chain(with.iter().copied()).collect();
        if self.has(&category) { self.f(&category, &with) } else { self.f(&format!("{key}.other"), &with) }
    }

    /// A value of a signal, as it stands in sentences: `40,605`, `345`, `4.7%`.
    #[must_use]
    pub fn value(&self, value: f64, unit: Unit) -> String {
        self.cell(value, digits(value, unit), unit)
    }

    /// A value of a signal with a fixed number of decimals, as it stands in a column or on an axis.
    #[must_use]
    pub fn cell(&self, value: f64, digits: usize, unit: Unit) -> String {
        match unit {
            Unit::Percent => self.formats.percentage(value, digits),
            _ => self.formats.number(value, digits),
        }
    }

    /// `week 5 of 2025`, as a heading or a cell writes it.
    #[must_use]
    pub fn week(&self, day: NaiveDate) -> String {
        let week = self.formats.week(day);
        self.f("week.label", &[("week", &week.week().to_string()), ("year", &week.year().to_string())])
    }

    /// The name of a place in this language.
    #[must_use]
    pub fn place<'a>(&self, place: &'a Place) -> &'a str {
        place.name(&self.language.code)
    }

    /// "in" the place, with the preposition and the article that it takes: `in the United States`,
    /// `dans le canton du Jura`, `im Kanton Zürich`.
    ///
    /// `where.forms` lists the places that take another form than their level's `plain` one.
    #[must_use]
    pub fn where_(&self, place: &Place) -> String {
        let own = format!("where.place.{}", place.id.replace(':', "_"));
        if self.has(&own) {
            return self.t(&own);
        }
        let forms = self.t("where.forms");
        let form = forms
            .split_whitespace()
            .filter_map(|entry| entry.split_once('='))
            .find_map(|(form, ids)| ids.split(',').any(|id| id == place.id).then_some(form))
            .unwrap_or("plain");
        let name = self.place(place);
        let code = place.id.split_once([':', '-']).map_or(place.id.as_str(), |(_, code)| code);
        let key = format!("where.{}.{form}", place.level);
        let key = if self.has(&key) { key } else { "where.any".to_owned() };
        self.f(&key, &[("name", name), ("code", code)])
    }
}

/// Italian before 8 and 11, which begin with a vowel when they are read: `il 8 luglio` is written `l’8 luglio`.
fn elided(text: &str) -> String {
    let articles = [
        ("il", "l’"),
        ("al", "all’"),
        ("del", "dell’"),
        ("dal", "dall’"),
        ("nel", "nell’"),
        ("sul", "sull’"),
    ];
    let mut out = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        let vowel = words.peek().is_some_and(|next| {
            let digits = next.chars().take_while(char::is_ascii_digit).collect::<String>();
            digits.starts_with('8') || digits == "11"
        });
        let short = articles.iter().find(|(article, _)| *article == word).filter(|_| vowel);
        out.push_str(short.map_or(word, |(_, short)| short));
        if short.is_none() && words.peek().is_some() {
            out.push(' ');
        }
    }
    out
}

/// Decimals of a value in a sentence: none for persons; one for a small rate, none for a large one.
#[must_use]
pub fn digits(value: f64, unit: Unit) -> usize {
    match unit {
        Unit::Persons => 0,
        _ if value.abs() >= 100.0 => 0,
        _ => 1,
    }
}

/// Decimals of a value in a column, where they must stand under one another.
#[must_use]
pub fn column_digits(unit: Unit) -> usize {
    usize::from(unit != Unit::Persons)
}

#[cfg(test)]
mod tests {
    use super::elided;

    #[test]
    fn italian_shortens_the_article_before_eight_and_eleven() {
        for (plain, written) in [
            ("terminano il 8 luglio 2021.", "terminano l’8 luglio 2021."),
            ("fino al 11 marzo", "fino all’11 marzo"),
            ("del 18 marzo al 28", "del 18 marzo al 28"),
            ("dal 1 al 7, il 110", "dal 1 al 7, il 110"),
            ("la media  il", "la media  il"),
        ] {
            assert_eq!(elided(plain), written);
        }
    }
}
