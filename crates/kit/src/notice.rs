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

    /// The language of an answer: the first of an `Accept-Language` header that the country has, else its first.
    #[must_use]
    pub fn negotiate(&self, accept_language: Option<&str>) -> Option<&Language> {
        let wanted =
            accept_language.unwrap_or("").split(',').filter_map(|part| part.split([';', '-']).next());
        let mut codes = wanted.map(|w| w.trim().to_ascii_lowercase());
        codes
            .find_map(|code| self.profile.languages.iter().find(|l| l.code == code))
            .or_else(|| self.profile.languages.first())
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
