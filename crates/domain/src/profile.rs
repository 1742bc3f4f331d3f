//! A country as data: `clusters/<country>/profile/profile.toml`.

pub mod identity;
pub mod incident;
pub mod law;
mod plan;

pub use plan::{ForecastPlan, Reporting};

use crate::{CountryCode, ModelCards, PlaceId, SignalId, SourceId, WeekSystem};
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The word for a field that only the operator of an installation can fill in.
pub const UNSET: &str = "unset";

/// Everything that differs between countries and is not a service's presence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountryProfile {
    /// The folder's name.
    pub country: CountryCode,
    /// `true` refuses every [`UNSET`] legal field.
    pub production: bool,
    /// Where the country's day begins; times are stored in UTC and shown in this zone.
    pub time_zone: Tz,
    /// Its rule for numbering weeks.
    pub week_system: WeekSystem,
    /// The signal whose last issue sets the clock of a platform that runs on recorded data.
    pub main_signal: SignalId,
    /// The whole country.
    pub nation: PlaceId,
    /// Levels of places below the nation that have pages, coarsest first: `state`, `region`, `departement`, `canton`.
    pub levels: Vec<String>,
    /// Those of `levels` with so many places that no list of the whole country holds them: they are listed on the page
    /// of the place that they lie in, and found by name.
    #[serde(default)]
    pub nested_levels: Vec<String>,
    /// The languages of the pages; the first is the one of `/`.
    pub languages: Vec<Language>,
    /// Diseases in the order of the home page.
    pub diseases: Vec<Disease>,
    /// What is counted.
    pub signals: Vec<Signal>,
    /// What the country's publishers do not offer in a form that could be kept, and why.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// Fields that the law wants on the page: `unset` until an operator fills them in.
    pub legal: BTreeMap<String, String>,
    /// Who must be told of an incident, and by when.
    #[serde(default)]
    pub incident: incident::Incident,
    /// Colours.
    pub theme: Theme,
    /// Who answers for the models of this installation: nobody, until an operator signs.
    #[serde(default)]
    pub model_cards: ModelCards,
    /// Who vouches for people who log in.
    #[serde(default)]
    pub identity: identity::Identity,
    /// The law's clocks: answers to persons, and how long what is about them is kept.
    #[serde(default)]
    pub law: law::Law,
}

/// A language of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// The locale file: `fr`.
    pub code: String,
    /// BCP 47 tag for `lang` and for numbers and dates: `fr-CH`.
    pub tag: String,
    /// Its own name: `Français`.
    pub name: String,
    /// What stands before its paths: empty, or `/fr`.
    pub prefix: String,
}

/// A disease with a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disease {
    /// Word in URLs: `flu`.
    pub id: String,
    /// The signal that the disease's page opens with.
    pub headline: SignalId,
}

/// What a signal's values count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Persons, whole numbers.
    Persons,
    /// Per 100,000 inhabitants.
    #[serde(rename = "per100k")]
    Per100k,
    /// Per 100,000 visits of the same kind.
    #[serde(rename = "per100k_visits")]
    Per100kVisits,
    /// Percent: 0 to 100, and more where people are set against beds of an earlier time.
    Percent,
    /// Rank among earlier values of the same kind, 0 (the lowest) to 100 (the highest): no share of anything.
    Percentile,
}

impl Unit {
    /// Its word in profiles and the APIs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Persons => "persons",
            Self::Per100k => "per100k",
            Self::Per100kVisits => "per100k_visits",
            Self::Percent => "percent",
            Self::Percentile => "percentile",
        }
    }
}

/// How often a signal has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// One a day.
    Day,
    /// One a week, dated by the week's last day.
    Week,
}

/// What an event is in the course of a disease: decides which questions a signal can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Confirmed cases.
    Cases,
    /// Visits to doctors or emergency departments.
    Consultations,
    /// Admissions to hospital.
    Admissions,
    /// Deaths.
    Deaths,
    /// People in hospital on a day: a state, of which the days cannot be added up.
    Patients,
    /// Specimens or people tested.
    Tests,
    /// Traces of a virus in wastewater: nobody is counted.
    Wastewater,
}

/// A signal as this country reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Disease first: `flu_hosp_admissions`.
    pub id: SignalId,
    /// The disease it belongs to.
    pub disease: String,
    /// What is counted.
    pub event: Event,
    /// In which unit.
    pub unit: Unit,
    /// How often.
    pub cadence: Cadence,
    /// A running total since the beginning, so that changes of it are the events.
    #[serde(default)]
    pub cumulative: bool,
    /// Of whom the figures are, where that is not everybody in the place: a word of the locale files
    /// (`coverage.<word>`). Absent: a count of the whole place, or a rate.
    #[serde(default)]
    pub coverage: Option<String>,
    /// Where it comes from, by level of place (`nation`, `state`, …): one figure has one source.
    pub sources: BTreeMap<String, SourceId>,
    /// Sources that publish the same figure once more, at some of the same levels: collected and loaded like the others,
    /// served to those who name one, and on no page.
    #[serde(default)]
    pub further_sources: Vec<SourceId>,
    /// From when on the figures that are kept have come to their end: the publisher stopped, or no later table
    /// could be kept. It says nothing of the publisher. A value about a later day, fetched live, means that they go on.
    #[serde(default, deserialize_with = "toml_day")]
    pub ended: Option<NaiveDate>,
    /// Days before an issue whose values are still incomplete in it: 2 are the day of the issue and the day before.
    /// 0 for figures by day of report, which are whole when they are issued. Measured on the recorded vintages.
    #[serde(default)]
    pub settle_days: u32,
    /// Days after the last reference date from which the series is stale.
    pub stale_after_days: u32,
    /// Days between two issues, to say when the next is expected.
    pub issue_every_days: u32,
    /// How it is forecast; absent: it is not.
    #[serde(default)]
    pub forecast: Option<ForecastPlan>,
    /// Of a signal that counts deaths: the levels of place where deaths ahead are answered, because they were measured there
    /// (`docs/forecast/trials.md`). None named: nowhere.
    #[serde(default)]
    pub deaths_ahead: Vec<String>,
}

/// A day as TOML has it, without quotes: chrono itself reads only strings.
fn toml_day<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<NaiveDate>, D::Error> {
    toml_date(input).map(Some)
}

pub(crate) fn toml_date<'de, D: serde::Deserializer<'de>>(input: D) -> Result<NaiveDate, D::Error> {
    let day = toml::value::Datetime::deserialize(input)?;
    day.to_string().parse().map_err(|_| serde::de::Error::custom(format!("{day} is not a day")))
}

impl Signal {
    /// Is it forecast for places of this level?
    #[must_use]
    pub fn is_forecast_at(&self, level: &str) -> bool {
        self.forecast.as_ref().is_some_and(|plan| plan.covers(level))
    }
}

/// A figure that does not exist here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The disease.
    pub disease: String,
    /// The level of place.
    pub level: String,
    /// The places of the level that it is about; none named: all of them.
    #[serde(default)]
    pub places: Vec<PlaceId>,
    /// The signals that it is about; none named: all of the disease.
    #[serde(default)]
    pub signals: Vec<SignalId>,
    /// Key of the sentence in the locale files: `gap.<reason>`.
    pub reason: String,
}

impl Gap {
    /// Does it say why there is nothing of this signal?
    #[must_use]
    pub fn is_about(&self, signal: &Signal) -> bool {
        self.disease == signal.disease && (self.signals.is_empty() || self.signals.contains(&signal.id))
    }
}

/// The colours of a country: none imitates an official design.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Accent on a light ground, `#rrggbb`.
    pub accent: String,
    /// Accent on a dark ground.
    pub accent_dark: String,
}

/// Why a profile is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not TOML, or a field is missing, unknown or malformed.
    #[error("the profile cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// Fields that contradict one another.
    #[error("the profile contradicts itself: {0}")]
    Inconsistent(String),
    /// A production profile with a legal field that nobody filled in.
    #[error("production = true, and the operator has not filled in legal.{0}")]
    Unset(String),
}

impl CountryProfile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`ProfileError`], naming the field.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)?;
        profile.check()?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), ProfileError> {
        let wrong = |what: String| Err(ProfileError::Inconsistent(what));
        if self.languages.is_empty() {
            return wrong("languages is empty".into());
        }
        if self.signal(&self.main_signal).is_none() {
            return wrong(format!("main_signal {} is not among signals", self.main_signal));
        }
        for disease in &self.diseases {
            match self.signal(&disease.headline) {
                Some(signal) if signal.disease == disease.id => {}
                _ => return wrong(format!("headline {} is no signal of {}", disease.headline, disease.id)),
            }
        }
        if let Some(level) = self.nested_levels.iter().find(|l| !self.levels.contains(l)) {
            return wrong(format!("nested_levels names the unknown level {level}"));
        }
        for signal in &self.signals {
            if self.disease(&signal.disease).is_none() {
                return wrong(format!("signal {} names the unknown disease {}", signal.id, signal.disease));
            }
            if signal.settle_days > 0 && signal.cadence != Cadence::Day {
                return wrong(format!("signal {} is weekly and has settle_days", signal.id));
            }
            if let Some(fault) = signal.forecast.as_ref().and_then(ForecastPlan::fault) {
                return wrong(format!("signal {}, forecast: {fault}", signal.id));
            }
            if let Some(fault) = signal.deaths_ahead_fault() {
                return wrong(format!("signal {}, deaths_ahead: {fault}", signal.id));
            }
            let again = |s: &&SourceId| signal.sources.values().any(|first| first == *s);
            if let Some(source) = signal.further_sources.iter().find(again) {
                return wrong(format!(
                    "signal {} names {source} twice: one figure has one source",
                    signal.id
                ));
            }
            for level in signal.sources.keys() {
                if level != NATION && !self.levels.contains(level) {
                    return wrong(format!("signal {} names the unknown level {level}", signal.id));
                }
            }
        }
        for (gap, id) in self.gaps.iter().flat_map(|g| g.signals.iter().map(move |id| (g, id))) {
            if self.signal(id).is_none_or(|s| s.disease != gap.disease) {
                return wrong(format!(
                    "gap {} names {id}, which is no signal of {}",
                    gap.reason, gap.disease
                ));
            }
        }
        self.incident.check(self)?;
        if let Some(contact) = self.legal.get("security_contact").filter(|c| *c != UNSET && !is_contact(c)) {
            return wrong(format!(
                "legal.security_contact `{contact}` is no address: write an e-mail address, or https://…, tel:…"
            ));
        }
        if let Some(what) = self.model_cards.fault() {
            return wrong(what);
        }
        self.identity.check()?;
        self.law.check()?;
        match self.legal.iter().find(|(_, value)| *value == UNSET) {
            Some((field, _)) if self.production => Err(ProfileError::Unset(field.clone())),
            _ => Ok(()),
        }
    }

    /// The signal named `id`, if this country has it.
    #[must_use]
    pub fn signal(&self, id: &SignalId) -> Option<&Signal> {
        self.signals.iter().find(|s| s.id == *id)
    }

    /// The levels whose places stand in lists of the whole country, coarsest first.
    pub fn listed_levels(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().map(String::as_str).filter(|l| !self.nests(l))
    }

    /// Are places of this level listed on the page of the place that they lie in, and nowhere else?
    #[must_use]
    pub fn nests(&self, level: &str) -> bool {
        self.nested_levels.iter().any(|l| l == level)
    }

    /// The disease named `id`, if this country has it.
    #[must_use]
    pub fn disease(&self, id: &str) -> Option<&Disease> {
        self.diseases.iter().find(|d| d.id == id)
    }

    /// The signals of a disease, headline first.
    pub fn signals_of<'a>(&'a self, disease: &'a Disease) -> impl Iterator<Item = &'a Signal> {
        let of = move |s: &&Signal| s.disease == disease.id;
        let head = self.signals.iter().filter(of).filter(|s| s.id == disease.headline);
        head.chain(self.signals.iter().filter(of).filter(|s| s.id != disease.headline))
    }
}

/// Is it an e-mail address, or an address of a kind that RFC 9116 allows?
fn is_contact(text: &str) -> bool {
    let scheme = ["https://", "mailto:", "tel:"].iter().any(|s| text.len() > s.len() && text.starts_with(s));
    let mail =
        !text.contains(':') && text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.'));
    (scheme || mail) && !text.contains(char::is_whitespace)
}

/// The level of the whole country.
pub const NATION: &str = "nation";

impl Signal {
    /// The last day whose value is complete when the newest issue is of the day `issued`; later days still grow.
    #[must_use]
    pub fn settled(&self, issued: NaiveDate) -> NaiveDate {
        issued.checked_sub_days(Days::new(u64::from(self.settle_days))).unwrap_or(issued)
    }

    /// Are the values of a week the sum of its days? Rates, running totals and states are not.
    #[must_use]
    pub fn sums_days(&self) -> bool {
        self.cadence == Cadence::Day
            && self.unit == Unit::Persons
            && !self.cumulative
            && self.event != Event::Patients
    }

    /// The source of this signal at a level of place (`nation`, `state`, …).
    #[must_use]
    pub fn source_at(&self, level: &str) -> Option<&SourceId> {
        self.sources.get(level)
    }

    /// The source to read at a level of place: the first one, or `asked` where it publishes this signal there.
    #[must_use]
    pub fn source_among<'a>(&'a self, level: &str, asked: Option<&'a SourceId>) -> Option<&'a SourceId> {
        let first = self.source_at(level)?;
        match asked {
            None => Some(first),
            Some(id) => (id == first || self.further_sources.contains(id)).then_some(id),
        }
    }

    /// Every source that publishes it, each once, those of pages first.
    pub fn all_sources(&self) -> impl Iterator<Item = &SourceId> {
        let first: BTreeSet<&SourceId> = self.sources.values().collect();
        first.into_iter().chain(&self.further_sources)
    }

    /// The declared end of the figures, for somebody who at `as_of` has none about a day after `last`: `None` where the
    /// end has not come yet, or where the figures go on after it for longer than it takes until they are stale.
    #[must_use]
    pub fn ended_by(&self, as_of: NaiveDate, last: Option<NaiveDate>) -> Option<NaiveDate> {
        let late = Days::new(u64::from(self.stale_after_days));
        self.ended.filter(|end| *end <= as_of && last.is_none_or(|last| last <= *end + late))
    }
}
