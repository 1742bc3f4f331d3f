//! What every page shares: the country, its languages, its files.

use crate::assets::Assets;
use crate::i18n::Lang;
use crate::options::Options;
use kit::App;
use kit::locale::{Formats, LocaleError};

/// The pages of one country. Made once at the start.
#[derive(Debug)]
pub struct Site {
    /// Database, profile, clock.
    pub app: App,
    /// In the order of the profile.
    pub langs: Vec<Lang>,
    /// Styles and the mark.
    pub assets: Assets,
    /// Settings.
    pub options: Options,
    /// Who signed which model card, verified.
    pub signers: cards::Signers,
}

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// CLDR does not know a language of the profile.
    #[error(transparent)]
    Locale(#[from] LocaleError),
    /// A signature of a model card in the profile is none.
    #[error(transparent)]
    Signature(#[from] cards::SignatureError),
}

impl Site {
    /// Loads the formats of every language.
    ///
    /// # Errors
    /// [`StartError`] when CLDR does not know one of them, or a model card is signed wrongly.
    pub fn new(app: App, options: Options) -> Result<Self, StartError> {
        let p = &app.profile;
        let langs = p
            .languages
            .iter()
            .map(|language| {
                let formats = Formats::new(&language.tag, p.time_zone, p.week_system)?;
                Ok(Lang { language: language.clone(), formats })
            })
            .collect::<Result<Vec<_>, LocaleError>>()?;
        let assets = Assets::new(&p.theme);
        let signers = cards::verify(p)?;
        Ok(Self { langs, assets, options, signers, app })
    }

    /// Which language a path is in (by its prefix), and the path without the prefix; `None` when it has no
    /// language of its own.
    #[must_use]
    pub fn split<'a>(&self, path: &'a str) -> (Option<usize>, &'a str) {
        for (n, lang) in self.langs.iter().enumerate() {
            let prefix = lang.language.prefix.as_str();
            match path.strip_prefix(prefix) {
                Some("") => return (Some(n), "/"),
                Some(rest) if rest.starts_with('/') => return (Some(n), rest),
                _ => {}
            }
        }
        (None, path)
    }

    /// The language that a reader asks for ([`App::negotiate`]).
    #[must_use]
    pub fn negotiate(&self, accept_language: Option<&str>) -> usize {
        let asked = self.app.negotiate(accept_language);
        asked.and_then(|l| self.langs.iter().position(|ours| ours.language.code == l.code)).unwrap_or(0)
    }

    /// Is this the first part of a path of ours, so that a path without a language may be sent to one?
    #[must_use]
    pub fn knows(&self, path: &str) -> bool {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
        ["", "why", "status", "models", "feeds", "accessibility", "legal", "privacy"].contains(&first)
            || self.app.profile.disease(first).is_some()
    }
}
