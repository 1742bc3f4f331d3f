//! Where a figure comes from, and how fresh it is.

use super::series::Series;
use crate::i18n::Lang;

/// The note under a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNote {
    /// Who publishes it.
    pub publisher: String,
    /// What the publisher calls it.
    pub title: String,
    /// Where a person can read about it.
    pub page_url: String,
    /// The licence's short name.
    pub licence: String,
    /// The licence's text.
    pub licence_url: String,
    /// The words that the licence asks for.
    pub credit: String,
    /// When it was last published.
    pub issued: String,
    /// When we last looked.
    pub checked: String,
    /// When the next is expected.
    pub next: String,
}

impl SourceNote {
    /// The note of a series.
    #[must_use]
    pub fn of(lang: &Lang, series: &Series<'_>) -> Self {
        let unknown = || lang.t("source.unknown");
        let next = match (series.next_issue(), series.ended()) {
            (_, Some(ended)) => lang.f("ended", &[("date", &lang.formats.date(ended))]),
            // An issue that is late is said to be late, not promised for the past.
            (Some(at), None) if at < series.as_of => {
                lang.f("source.overdue", &[("date", &lang.formats.date(lang.formats.day_of(at)))])
            }
            (Some(at), None) => {
                lang.f("source.around", &[("date", &lang.formats.date(lang.formats.day_of(at)))])
            }
            (None, None) => unknown(),
        };
        let s = &series.source;
        Self {
            publisher: s.publisher.clone(),
            title: s.title.clone(),
            page_url: s.page_url.clone(),
            licence: s.licence.clone(),
            licence_url: s.licence_url.clone(),
            credit: s.credit.clone(),
            issued: series.issued.map_or_else(unknown, |at| lang.formats.moment(at)),
            checked: series.checked.map_or_else(unknown, |at| lang.formats.moment(at)),
            next,
        }
    }
}
