//! The unit of an axis, in a few words.

use domain::profile::{Cadence, Event, Language, Signal, Unit};
use rust_i18n::t;

/// `admissions per week`, `per 100,000 inhabitants per week`: what a number on the axis of `signal` counts.
#[must_use]
pub fn unit(language: &Language, signal: &Signal) -> String {
    let locale = language.code.as_str();
    let what = match (signal.unit, signal.event) {
        (Unit::Per100k, _) => "axis.per100k",
        (Unit::Per100kVisits, _) => "axis.per100k_visits",
        // A share or a rank is no amount of a day or a week.
        (Unit::Percent, _) => return t!("axis.percent", locale = locale).into_owned(),
        (Unit::Percentile, _) => return t!("axis.percentile", locale = locale).into_owned(),
        (Unit::Persons, Event::Cases) => "axis.cases",
        (Unit::Persons, Event::Consultations) => "axis.consultations",
        (Unit::Persons, Event::Admissions) => "axis.admissions",
        (Unit::Persons, Event::Deaths) => "axis.deaths",
        (Unit::Persons, Event::Wastewater) => "axis.wastewater",
    };
    let per = match (signal.cumulative, signal.cadence) {
        (true, _) => "axis.total",
        (false, Cadence::Week) => "axis.week",
        (false, Cadence::Day) => "axis.day",
    };
    t!(per, locale = locale, what = t!(what, locale = locale)).into_owned()
}
