//! The charts: one a place, and one with all of them.

use crate::here::Lang;
use crate::question::Question;
use crate::series::{Series, averaged};
use chrono::{Datelike as _, Days, NaiveDate};
use kit::chart::{Chart, Line, Mark, months, ticks};

/// Classes of compared lines, in order.
pub(crate) const CLASSES: [&str; 6] = ["c-s1", "c-s2", "c-s3", "c-s4", "c-s5", "c-s6"];

/// What the charts share.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// First and last day.
    pub(crate) span: (NaiveDate, NaiveDate),
    max_gap_days: i64,
}

impl Frame {
    /// The span that was asked for; without dates the last twelve months that have figures. `None`: there are no
    /// figures in it.
    pub(crate) fn of(q: &Question<'_>, all: &[Series]) -> Option<Self> {
        let last = all.iter().filter_map(Series::last).max()?;
        let first = all.iter().filter_map(Series::first).min()?;
        if q.from.is_some_and(|from| from > last) || q.to.is_some_and(|to| to < first) {
            return None;
        }
        // Inside what there is: a reader may ask for any year, and dates have an end.
        let end = q.to.unwrap_or(last).clamp(first, last);
        let begin = q.from.unwrap_or_else(|| end - Days::new(371)).clamp(first, end);
        let span = (begin.min(end - Days::new(7)), end);
        Some(Self { span, max_gap_days: if averaged(q.signal) { 2 } else { 10 } })
    }

    fn line(&self, class: &'static str, series: &Series) -> Line {
        Line { class, points: series.points(self.span), max_gap_days: self.max_gap_days }
    }

    fn chart(&self, q: &Question<'_>, id: String, title: String, lines: Vec<Line>, top: f64) -> Chart {
        let marks = ticks(top, 4);
        let digits = usize::from(marks.iter().any(|v| v.fract() != 0.0));
        Chart {
            id,
            title,
            description: String::new(),
            height: 255,
            span: self.span,
            lines,
            fan: Vec::new(),
            last: None,
            x_labels: month_labels(q.lang, self.span),
            unit: kit::axis::unit(&q.lang.language, q.signal),
            y_labels: marks.into_iter().map(|v| (v, q.lang.cell(v, digits, q.signal.unit))).collect(),
        }
    }

    /// The largest value of all places: the top of charts that share a scale.
    pub(crate) fn top(&self, all: &[Series]) -> f64 {
        let lines: Vec<Line> = all.iter().map(|s| self.line("c-line", s)).collect();
        Chart::top(&lines, &[])
    }

    /// The chart of one place.
    pub(crate) fn alone(&self, q: &Question<'_>, series: &Series, top: Option<f64>) -> Chart {
        let lines = vec![self.line("c-line", series)];
        let top = top.unwrap_or_else(|| Chart::top(&lines, &[]));
        let title = title(q, q.lang.place(&series.place));
        let mut chart = self.chart(q, format!("c-{}", series.place.id.replace(':', "-")), title, lines, top);
        chart.description = words(q, series, self.span).unwrap_or_default();
        chart.last = series
            .last()
            .filter(|d| *d >= self.span.0 && *d <= self.span.1)
            .and_then(|d| Some((d, series.drawn(d)?)));
        chart
    }

    /// The chart of all places, and the number at the end of each line.
    pub(crate) fn together(&self, q: &Question<'_>, all: &[Series]) -> (Chart, Vec<Mark>) {
        let numbered = || all.iter().zip(CLASSES).enumerate();
        let lines = numbered().map(|(_, (series, class))| self.line(class, series)).collect();
        let names: Vec<&str> = all.iter().map(|s| q.lang.place(&s.place)).collect();
        let mut chart = self.chart(q, "c-all".into(), title(q, &names.join(", ")), lines, self.top(all));
        chart.height = 335;
        let said = numbered().filter_map(|(n, (s, _))| {
            Some(format!("{}: {}. {}", n + 1, q.lang.place(&s.place), words(q, s, self.span)?))
        });
        chart.description = said.collect::<Vec<_>>().join(" ");
        let marks = numbered().filter_map(|(n, (series, class))| {
            let points = series.points(self.span);
            let (date, value) = points.into_iter().rev().find_map(|(d, v)| Some((d, v?)))?;
            Some(Mark { class, date, value, text: (n + 1).to_string() })
        });
        (chart, marks.collect())
    }
}

/// What is counted, and where.
pub(crate) fn title(q: &Question<'_>, places: &str) -> String {
    let name = q.lang.t(format!("signal.{}", q.signal.id));
    q.lang.f("chart.title", &[("name", &name), ("places", places)])
}

/// A line in words: lowest, highest, last.
pub(crate) fn words(q: &Question<'_>, series: &Series, span: (NaiveDate, NaiveDate)) -> Option<String> {
    let [low, high, last] = series.extremes(span)?;
    let (value, day) = (|v: f64| q.lang.value(v, q.signal.unit), |d: NaiveDate| q.lang.formats.date(d));
    Some(q.lang.f(
        "chart.words",
        &[
            ("low", &value(low.1)),
            ("low_date", &day(low.0)),
            ("high", &value(high.1)),
            ("high_date", &day(high.0)),
            ("last", &value(last.1)),
            ("last_date", &day(last.0)),
        ],
    ))
}

/// Months, with their year in January and at the first label unless January comes next.
fn month_labels(lang: &Lang, span: (NaiveDate, NaiveDate)) -> Vec<(NaiveDate, String)> {
    let found = months(span, 5);
    let opens = |d: Option<&NaiveDate>| d.is_some_and(|d| d.month() == 1);
    let label = |n: usize, d: NaiveDate| {
        let with_year = opens(Some(&d)) || (n == 0 && !opens(found.get(1)));
        if with_year { lang.formats.month(d) } else { lang.formats.month_alone(d) }
    };
    found.iter().enumerate().map(|(n, d)| (*d, label(n, *d))).collect()
}
