//! The unit of an axis, in a few words.

use domain::profile::{Cadence, Event, Language, Signal, Unit};
use rust_i18n::t;

/// `admissions per week`, `per 100,000 inhabitants per week`: what a number on the axis of `signal` counts.
#[must_use]
pub fn unit(language: &Language, signal: &Signal) -> String {
    let locale = language.code.as_str();
    let what = match (signal.unit, signal.event) {
        (Unit::Per100k, _) => "axis.per100k",
        (Unit::Per100kVisits, Event::Admissions) => "axis.per100k_stays",
        (Unit::Per100kVisits, _) => "axis.per100k_visits",
        // A share or a rank is no amount of a day or a week.
        (Unit::Percent, _) => return t!("axis.percent", locale = locale).into_owned(),
        (Unit::Percentile, _) => return t!("axis.percentile", locale = locale).into_owned(),
        (Unit::Persons, Event::Cases) => "axis.cases",
        (Unit::Persons, Event::Consultations) => "axis.consultations",
        (Unit::Persons, Event::Admissions) => "axis.admissions",
        (Unit::Persons, Event::Deaths) => "axis.deaths",
        (Unit::Persons, Event::Patients) => "axis.patients",
        (Unit::Persons, Event::Tests) => "axis.tests",
        (Unit::Persons, Event::Wastewater) => "axis.wastewater",
    };
    let per = match (signal.cumulative, signal.cadence, signal.event) {
        (true, _, _) => "axis.total",
        // Whoever is in hospital is there on the day, not once a day.
        (false, Cadence::Day, Event::Patients) => "axis.on_day",
        (false, Cadence::Week, _) => "axis.week",
        (false, Cadence::Day, _) => "axis.day",
    };
    t!(per, locale = locale, what = t!(what, locale = locale)).into_owned()
}
