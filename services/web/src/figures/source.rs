//! Where a figure comes from, and how fresh it is.

use super::headline::ended;
use super::series::Series;
use crate::i18n::Lang;
use kit::source::Named;

/// The note under a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNote {
    /// Who publishes what under which licence, in the reader's language.
    pub of: Named,
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
        let next = match (series.next_issue(), ended(lang, series)) {
            (_, Some(ended)) => ended,
            // An issue that is late is said to be late, not promised for the past.
            (Some(at), None) if at < series.as_of => {
                lang.f("source.overdue", &[("date", &lang.formats.date(lang.formats.day_of(at)))])
            }
            (Some(at), None) => {
                lang.f("source.around", &[("date", &lang.formats.date(lang.formats.day_of(at)))])
            }
            (None, None) => unknown(),
        };
        Self {
            of: Named::of(&lang.language, &series.source),
            issued: series.issued.map_or_else(unknown, |at| lang.formats.moment(at)),
            checked: series.checked.map_or_else(unknown, |at| lang.formats.moment(at)),
            next,
        }
    }
}
