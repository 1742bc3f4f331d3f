//! The sentences of a page: what happened, what was likely to come, how sure that was.

use super::movement::Movement;
use super::outlook::{Outlook, to_come};
use super::series::Series;
use crate::i18n::{Lang, digits};
use chrono::{Days, NaiveDate};
use domain::profile::{Cadence, Event, Unit};
use domain::quantiles::MEDIAN;
use kit::record::RULE_WEEKS;
use store::forecasts::Forecast;
use store::places::Place;

/// Where the 80 % interval stands among the 23 quantiles.
const LOW: usize = 3;
const HIGH: usize = 19;

/// How a series is spoken of, and its newest value against the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// `week`, `days` (sum of seven), `day` or `until` (a running total).
    pub period: &'static str,
    /// The last day that has a figure.
    pub date: NaiveDate,
    /// The value of the period.
    pub value: f64,
    /// The value of the period before, where it is known.
    pub before: Option<f64>,
    /// One against the other.
    pub movement: Movement,
}

impl Latest {
    /// From the newest cells of a series; `None` when it has no figure at all.
    #[must_use]
    pub fn of(series: &Series<'_>) -> Option<Self> {
        let last = series.last()?;
        let date = last.date;
        if series.signal.cumulative {
            let movement = Movement::Unknown;
            return Some(Self { period: "until", date, value: last.value?, before: None, movement });
        }
        if series.signal.cadence == Cadence::Day && !series.sums_days() {
            // A rate or a rank of a day is of that day, whatever the others are. People in hospital are compared with
            // those of a week before.
            let compared = series.signal.event == Event::Patients && series.signal.unit == Unit::Persons;
            let (value, week_before) = (last.value?, date - Days::new(7));
            let before = compared.then(|| series.at(week_before)).flatten();
            let movement = Movement::between(Some(value), before, true);
            return Some(Self { period: "day", date, value, before, movement });
        }
        let Some(value) = series.week_to(date) else {
            // One of the seven days is not known: only the last day can be told.
            let movement = Movement::Unknown;
            return Some(Self { period: "day", date, value: last.value?, before: None, movement });
        };
        let before = series.week_to(date - Days::new(7));
        let movement = Movement::between(Some(value), before, series.signal.unit == Unit::Persons);
        let period = if series.sums_days() { "days" } else { "week" };
        Some(Self { period, date, value, before, movement })
    }
}

/// "In week 5 of 2025 (ending Saturday, February 1, 2025)" and its kin.
#[must_use]
pub fn when(lang: &Lang, period: &str, date: NaiveDate) -> String {
    let week = lang.formats.week(date);
    let (number, year) = (week.week().to_string(), week.year().to_string());
    let date = lang.formats.weekday_date(date);
    lang.f(&format!("when.{period}"), &[("week", &number), ("year", &year), ("date", &date)])
}

/// The change as it stands in a sentence or a card: `24%`, `3`, or nothing.
#[must_use]
pub fn change(lang: &Lang, movement: Movement, unit: Unit) -> String {
    match movement {
        Movement::Rising(share) | Movement::Falling(share) => lang.formats.percent(share),
        Movement::Stable(share) => {
            let signed = lang.formats.signed(share * 100.0, 1);
            lang.formats.percent(0.0).replacen('0', &signed, 1)
        }
        Movement::ToNone(before) => lang.value(before, unit),
        Movement::More(n) | Movement::Fewer(n) => lang.formats.number(n, 0),
        Movement::Unknown | Movement::Unchanged | Movement::FromNone => String::new(),
    }
}

/// The headline; `None` without a figure: no sentence without data.
#[must_use]
pub fn sentence(lang: &Lang, series: &Series<'_>, place: &Place) -> Option<String> {
    let latest = Latest::of(series)?;
    let unit = series.signal.unit;
    let did = format!("signal.{}.did", series.signal.id);
    let place = lang.where_(place);
    let place = match &series.signal.coverage {
        Some(word) => lang.f(&format!("coverage.{word}.where"), &[("where", &place)]),
        None => place,
    };
    let did = lang.n(&did, latest.value, digits(latest.value, unit), &[("where", &place)]);
    let when = when(lang, latest.period, latest.date);
    let change = change(lang, latest.movement, unit);
    let key = match (latest.period, latest.movement) {
        (period @ ("week" | "days"), movement) => format!("headline.{period}.{}", movement.word()),
        _ => "headline.week.unknown".to_owned(),
    };
    Some(lang.f(&key, &[("when", &when), ("did", &did), ("change", &change)]))
}

/// What stands in place of the headline where there is no figure: when the first one came, if it came later.
#[must_use]
pub fn nothing(lang: &Lang, series: &Series<'_>) -> String {
    match series.first.filter(|at| *at > series.as_of) {
        Some(at) => {
            let day = |at| lang.formats.date(lang.formats.day_of(at));
            lang.f("no_figures_before", &[("date", &day(at)), ("now", &day(series.as_of))])
        }
        None => lang.t("no_figures"),
    }
}

/// That what is kept has come to its end, and when.
#[must_use]
pub fn ended(lang: &Lang, series: &Series<'_>) -> Option<String> {
    let day = lang.formats.day_of(series.ended()?);
    Some(lang.f("ended", &[("date", &lang.formats.date(day))]))
}

/// From which day on the values were not complete when they were issued.
#[must_use]
pub fn incomplete(lang: &Lang, series: &Series<'_>) -> Option<String> {
    let from = series.incomplete_from()?;
    Some(lang.f("incomplete", &[("date", &lang.formats.date(from))]))
}

/// What was likely to come, always with its uncertainty; or why that is not estimated.
#[must_use]
pub fn likely(lang: &Lang, series: &Series<'_>, outlook: &Outlook) -> Vec<String> {
    match &outlook.weeks {
        Err(word) => vec![lang.f("outlook.none", &[("reason", &reason(lang, series, word))])],
        Ok(weeks) => {
            let today = series.as_of.date_naive();
            let ahead = to_come(weeks, today);
            let mut said: Vec<String> =
                ahead.first().map(|f| expectation(lang, series, "outlook.next", f, 1)).into_iter().collect();
            if let Some(last) = ahead.last().filter(|_| ahead.len() > 1) {
                said.push(expectation(lang, series, "outlook.later", last, ahead.len()));
            }
            // A late publisher: the forecast begins after the last figure, with weeks that are past.
            if let Some(over) = weeks.iter().rfind(|f| f.target_end_date < today) {
                let date = lang.formats.weekday_date(over.target_end_date);
                said.push(lang.f("outlook.elapsed", &[("date", &date)]));
            }
            said
        }
    }
}

/// Decimals of an interval and of what lies in it: one precision for both ends, by the larger one.
pub(crate) fn widest(f: &Forecast, high: usize, unit: Unit) -> usize {
    f.quantiles.get(high).map_or(0, |v| digits(*v, unit))
}

fn expectation(lang: &Lang, series: &Series<'_>, key: &str, f: &Forecast, ahead: usize) -> String {
    let unit = series.signal.unit;
    let shown = widest(f, HIGH, unit);
    let at = |n: usize| f.quantiles.get(n).map_or_else(String::new, |v| lang.cell(*v, shown, unit));
    let noun = lang.t(&format!("signal.{}.noun", series.signal.id));
    let week = lang.formats.week(f.target_end_date);
    lang.f(
        key,
        &[
            ("low", &at(LOW)),
            ("high", &at(HIGH)),
            ("median", &at(MEDIAN)),
            ("noun", &noun),
            ("week", &week.week().to_string()),
            ("year", &week.year().to_string()),
            ("date", &lang.formats.weekday_date(f.target_end_date)),
            ("ahead", &lang.formats.number(f64::from(u32::try_from(ahead).unwrap_or(0)), 0)),
            ("level", &lang.formats.percent(0.8)),
        ],
    )
}

/// How sure: what the interval means, which model, on which figures.
#[must_use]
pub fn sure(lang: &Lang, outlook: &Outlook) -> Option<String> {
    let run = outlook.run.as_ref().filter(|_| outlook.weeks.is_ok())?;
    let vintage = lang.formats.date(lang.formats.day_of(run.data_vintage));
    let with =
        [("model", run.model_id.as_str()), ("version", run.model_version.as_str()), ("date", &vintage)];
    Some(lang.f("outlook.sure", &with))
}

/// How good the forecasts were here: how often the interval held what came, and how well the direction was foreseen.
#[must_use]
pub fn record(lang: &Lang, outlook: &Outlook) -> Option<String> {
    let said: Vec<String> = [held(lang, outlook), direction(lang, outlook)].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// The score of the five classes of change beside that of how often each came at this time of earlier seasons.
fn direction(lang: &Lang, outlook: &Outlook) -> Option<String> {
    let means = outlook.direction.as_ref()?;
    let number = |n: i64| lang.formats.number(n as f64, 0);
    let relative = lang.formats.number(means.relative?, 2);
    let with = [("weeks", &*number(means.weeks)), ("n", &*number(means.compared)), ("relative", &*relative)];
    Some(lang.f("outlook.direction", &with))
}

/// How often the interval of the next week held what came, and whether those forecasts were stored before it.
fn held(lang: &Lang, outlook: &Outlook) -> Option<String> {
    let record = outlook.record?;
    let number = |n: usize| lang.formats.number(f64::from(u32::try_from(n).unwrap_or(u32::MAX)), 0);
    let (weeks, held) = (number(record.weeks), number(record.held));
    let level = lang.formats.percent(0.8);
    let mut said = lang.f("outlook.record", &[("weeks", &weeks), ("held", &held), ("level", &level)]);
    let replayed = match record.replayed {
        0 => return Some(said),
        n if n == record.weeks => lang.t("outlook.replayed_all"),
        n => lang.f("outlook.replayed", &[("n", &number(n))]),
    };
    said.push(' ');
    said.push_str(&replayed);
    Some(said)
}

/// Why there is no answer, in the reader's language.
#[must_use]
pub fn reason(lang: &Lang, series: &Series<'_>, word: &str) -> String {
    let key = format!("reason.{word}");
    let key = if lang.has(&key) { key.as_str() } else { "reason.no_answer" };
    let day = |d: Option<NaiveDate>| d.map_or_else(String::new, |d| lang.formats.date(d));
    lang.f(
        key,
        &[
            ("ended", &day(series.ended().map(|at| lang.formats.day_of(at)))),
            ("last", &day(series.newest().map(|c| c.date))),
            ("weeks", &RULE_WEEKS.to_string()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_an_interval_have_the_decimals_of_the_larger_one() {
        let mut f = Forecast {
            place_id: "CH".into(),
            horizon: 1,
            target_end_date: NaiveDate::MIN,
            quantiles: vec![51.04; 23],
        };
        assert_eq!(widest(&f, HIGH, Unit::Per100k), 1);
        f.quantiles[HIGH] = 204.3;
        assert_eq!(widest(&f, HIGH, Unit::Per100k), 0, "51 to 204, not 51.0 to 204");
        assert_eq!(widest(&f, HIGH, Unit::Persons), 0);
    }
}
