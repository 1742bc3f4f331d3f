//! What every page, picture, file and answer says about itself: the situation it shows, and who made it.

use crate::App;
use crate::locale::Formats;
use domain::profile::Language;
use rust_i18n::t;

impl App {
    /// The language with this code, or the first one of the country.
    #[must_use]
    pub fn language(&self, code: &str) -> Option<&Language> {
        let languages = &self.profile.languages;
        languages.iter().find(|l| l.code == code).or_else(|| languages.first())
    }

    /// The language of an answer: of those of an `Accept-Language` header (RFC 9110, 12.5.4) that the country has the one that
    /// is wanted most, of several the first; else the country's first.
    #[must_use]
    pub fn negotiate(&self, accept_language: Option<&str>) -> Option<&Language> {
        let mut wanted: Vec<(f32, &str)> = accept_language
            .unwrap_or("")
            .split(',')
            .filter_map(|part| {
                let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
                let quality = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse().ok())?;
                Some((quality, tag.trim().split('-').next()?))
            })
            .filter(|(quality, _)| *quality > 0.0 && *quality <= 1.0)
            .collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let languages = &self.profile.languages;
        wanted
            .iter()
            .find_map(|(_, code)| languages.iter().find(|l| l.code.eq_ignore_ascii_case(code)))
            .or_else(|| languages.first())
    }

    /// With a stopped clock: the sentence that this is the recorded situation of a day and not the current one.
    #[must_use]
    pub fn recorded_notice(&self, language: &Language) -> Option<String> {
        let day = self.clock.recorded()?.date_naive();
        let formats = Formats::new(&language.tag, self.profile.time_zone, self.profile.week_system);
        let date = formats.map_or_else(|_| day.to_string(), |f| f.date(day));
        Some(t!("notice.recorded", locale = language.code.as_str(), date = date).into_owned())
    }
}

/// Built to a specification; operated and endorsed by nobody named in it.
#[must_use]
pub fn disclaimer(language: &Language) -> String {
    t!("notice.disclaimer", locale = language.code.as_str()).into_owned()
}
