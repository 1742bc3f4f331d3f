//! What a publisher's table says of itself, in the reader's language where its publisher has words in it.

use crate::chart::escape;
use domain::profile::Language;
use store::sources::Source;

/// Sources whose declaration in `ingest` is in French; the others are in English.
const DECLARED_IN_FRENCH: [&str; 4] = ["opencovid19-fr", "spf-indicateurs", "spf-odisse", "spf-sivic"];

/// A text, and the language that it is written in where that is not the reader's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The words.
    pub words: String,
    /// BCP 47: `en`; `None` in the reader's language.
    pub lang: Option<&'static str>,
}

impl Text {
    /// For a page: escaped, and with its language, so that it is read aloud rightly.
    #[must_use]
    pub fn html(&self) -> String {
        let words = escape(&self.words);
        match self.lang {
            Some(lang) => format!("<span lang=\"{lang}\">{words}</span>"),
            None => words,
        }
    }

    /// The same without a full stop at its end: for a place that sets one.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self { words: self.words.trim_end_matches('.').to_owned(), lang: self.lang }
    }
}

/// A source, as a page or a file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who publishes it.
    pub publisher: Text,
    /// What the publisher calls it.
    pub title: Text,
    /// Short name of the licence, without a full stop.
    pub licence: Text,
    /// The words that the licence asks for.
    pub credit: Text,
    /// Where a person can read about it.
    pub page_url: String,
    /// The licence's text.
    pub licence_url: String,
}

impl Named {
    /// `source` for a reader of `language`.
    #[must_use]
    pub fn of(language: &Language, source: &Source) -> Self {
        let reader = language.code.as_str();
        let written = if DECLARED_IN_FRENCH.contains(&source.id.as_str()) { "fr" } else { "en" };
        let text = |field: &str, declared: &str| {
            let own = crate::_rust_i18n_try_translate(reader, format!("source.{}.{field}", source.id));
            match own {
                Some(words) => Text { words: words.into_owned(), lang: None },
                None => Text { words: declared.to_owned(), lang: (written != reader).then_some(written) },
            }
        };
        Self {
            publisher: text("publisher", &source.publisher),
            title: text("title", &source.title),
            licence: text("licence", &source.licence).bare(),
            credit: text("credit", &source.credit),
            page_url: source.page_url.clone(),
            licence_url: source.licence_url.clone(),
        }
    }

    /// Its words by the placeholder that a text has for each: what a file, which has no markup, says of its source.
    #[must_use]
    pub fn words(&self) -> [(&'static str, &str); 4] {
        [
            ("publisher", &self.publisher.words),
            ("title", &self.title.words),
            ("licence", &self.licence.words),
            ("credit", &self.credit.words),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(code: &str) -> Language {
        Language { code: code.into(), tag: code.into(), name: code.into(), prefix: String::new() }
    }

    fn source(id: &str) -> Source {
        Source {
            id: id.into(),
            publisher: "A <Publisher>".into(),
            title: "A table".into(),
            page_url: String::new(),
            licence: "Open use. Must provide the source.".into(),
            licence_url: String::new(),
            credit: "Credit".into(),
            cadence: "ended".into(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn a_publisher_has_its_own_name_in_each_of_its_languages() {
        let name = |code: &str| Named::of(&language(code), &source("foph-covid19"));
        assert_eq!(name("de").publisher.words, "Bundesamt für Gesundheit (BAG)");
        assert_eq!(name("it").publisher.html(), "Ufficio federale della sanità pubblica (UFSP)");
        assert_eq!(name("fr").licence.words, "Utilisation libre. Obligation d’indiquer la source");
    }

    #[test]
    fn what_has_no_name_in_a_language_says_which_one_it_is_in() {
        let of = |code: &str, id: &str| Named::of(&language(code), &source(id)).publisher.html();
        assert_eq!(of("de", "jhu-csse"), "<span lang=\"en\">A &lt;Publisher&gt;</span>");
        assert_eq!(of("en", "jhu-csse"), "A &lt;Publisher&gt;");
        assert_eq!(of("fr", "spf-sivic"), "A &lt;Publisher&gt;");
        assert_eq!(of("en", "spf-sivic"), "<span lang=\"fr\">A &lt;Publisher&gt;</span>");
    }
}
