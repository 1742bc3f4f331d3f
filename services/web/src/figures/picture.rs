//! The charts of a series, and the same in words.

use super::outlook::Outlook;
use super::series::Series;
use crate::i18n::{Lang, digits};
use chrono::{Datelike as _, Days, NaiveDate};
use kit::chart::{Chart, Line, Step, days, months, ticks};
use store::places::Place;

/// How much of the history a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The last twelve weeks and what was likely to come.
    Close,
    /// The last twelve months.
    Year,
    /// Everything.
    All,
}

/// A chart of `range`; `None` when there is nothing to draw, or no forecast to look at closely.
#[must_use]
pub fn chart(
    lang: &Lang,
    series: &Series<'_>,
    outlook: &Outlook,
    place: &Place,
    range: Range,
) -> Option<Chart> {
    let weeks = outlook.weeks.as_deref().unwrap_or_default();
    if range == Range::Close && weeks.is_empty() {
        return None;
    }
    let (last, newest) = (series.last()?, series.newest()?);
    let first = series.cells.iter().find(|c| c.value.is_some())?.date;
    let end = weeks.last().map_or(newest.date, |f| f.target_end_date).max(newest.date);
    let back = match range {
        Range::Close => last.date - Days::new(84),
        Range::Year => last.date - Days::new(371),
        Range::All => first,
    };
    let span = (back.max(first).min(end - Days::new(7)), end);
    let lines = lines(series, span.0);
    let fan: Vec<Step> =
        weeks.iter().filter_map(|f| Step::from_quantiles(f.target_end_date, &f.quantiles)).collect();
    let marks = ticks(Chart::top(&lines, &fan), 4);
    let unit = series.signal.unit;
    let digits = usize::from(marks.iter().any(|v| v.fract() != 0.0));
    let name = lang.t(&format!("signal.{}.name", series.signal.id));
    let x_labels = match range {
        Range::Close => days(span, 28).into_iter().map(|d| (d, lang.formats.day_month(d))).collect(),
        _ => month_labels(lang, span),
    };
    Some(Chart {
        id: format!("c-{}{}", series.signal.id, if range == Range::Close { "-near" } else { "" }),
        title: lang.f("chart.title", &[("name", &name), ("where", &lang.where_(place))]),
        description: words(lang, series, span.0)
            .into_iter()
            .chain(words_ahead(lang, series, outlook))
            .collect::<Vec<_>>()
            .join(" "),
        height: if range == Range::Close { 240 } else { 300 },
        span,
        lines,
        fan,
        last: series
            .signal
            .cadence
            .eq(&domain::profile::Cadence::Week)
            .then(|| (last.date, last.value.unwrap_or(0.0))),
        x_labels,
        unit: kit::axis::unit(&lang.language, series.signal),
        y_labels: marks.into_iter().map(|v| (v, lang.cell(v, digits, unit))).collect(),
    })
}

/// Months, with their year where a reader needs it: in January, and at the first one unless January comes next.
fn month_labels(lang: &Lang, span: (NaiveDate, NaiveDate)) -> Vec<(NaiveDate, String)> {
    let found = months(span, 5);
    let opens = |d: Option<&NaiveDate>| d.is_some_and(|d| d.month() == 1);
    let label = |n: usize, d: NaiveDate| {
        if opens(Some(&d)) || (n == 0 && !opens(found.get(1))) {
            lang.formats.month(d)
        } else {
            lang.formats.month_alone(d)
        }
    };
    found.iter().enumerate().map(|(n, d)| (*d, label(n, *d))).collect()
}

/// Weekly values as one line; daily ones faint behind their mean of seven days, which ends before incomplete days.
fn lines(series: &Series<'_>, from: NaiveDate) -> Vec<Line> {
    let shown = series.cells.iter().filter(|c| c.date >= from);
    let points: Vec<_> = shown.clone().map(|c| (c.date, c.value)).collect();
    if !series.sums_days() {
        return vec![Line { class: "c-line", points, max_gap_days: 10 }];
    }
    let whole = |date| series.week_to(date).filter(|_| series.settled(date));
    let mean = shown.map(|c| (c.date, whole(c.date).map(|v| v / 7.0))).collect();
    vec![
        Line { class: "c-faint", points, max_gap_days: 2 },
        Line { class: "c-line", points: mean, max_gap_days: 2 },
    ]
}

/// What the chart shows of the history, as text: span, lowest, highest, last; of complete values only.
#[must_use]
pub fn words(lang: &Lang, series: &Series<'_>, from: NaiveDate) -> Option<String> {
    let unit = series.signal.unit;
    let end = series.last()?.date;
    let shown = series.cells.iter().filter(|c| c.date >= from && c.date <= end);
    let known: Vec<(NaiveDate, f64)> = shown.filter_map(|c| Some((c.date, c.value?))).collect();
    let lowest = known.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let highest = known.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (first, last) = (known.first()?, known.last()?);
    let day = |d: NaiveDate| lang.formats.date(d);
    Some(lang.f(
        "chart.words",
        &[
            ("from", &day(first.0)),
            ("to", &day(last.0)),
            ("low", &lang.value(lowest.1, unit)),
            ("low_date", &day(lowest.0)),
            ("high", &lang.value(highest.1, unit)),
            ("high_date", &day(highest.0)),
            ("last", &lang.value(last.1, unit)),
        ],
    ))
}

/// What the chart shows of the future, as text: a sentence a week, with its three intervals.
#[must_use]
pub fn words_ahead(lang: &Lang, series: &Series<'_>, outlook: &Outlook) -> Vec<String> {
    let unit = series.signal.unit;
    let weeks = outlook.weeks.as_deref().unwrap_or_default().iter();
    let said = weeks.filter_map(|f| {
        let step = Step::from_quantiles(f.target_end_date, &f.quantiles)?;
        let shown = digits(step.bands[2].1, unit);
        let write = |v: f64| lang.cell(v, shown, unit);
        let [b50, b80, b95] =
            step.bands.map(|(low, high)| lang.f("range", &[("low", &write(low)), ("high", &write(high))]));
        let with = [
            ("date", &*lang.formats.date(f.target_end_date)),
            ("median", &*write(step.median)),
            ("b50", &*b50),
            ("b80", &*b80),
            ("b95", &*b95),
        ];
        Some(lang.f("chart.words_ahead", &with))
    });
    said.collect()
}
