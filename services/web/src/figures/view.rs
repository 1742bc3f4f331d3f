//! One signal of a page, ready for its template.

use super::cards::{Card, cards};
use super::headline::{ended, incomplete, likely, nothing, record, sentence, sure};
use super::outlook::Outlook;
use super::picture::{Range, chart, words, words_ahead};
use super::series::Series;
use super::source::SourceNote;
use super::tables::{Ahead, Row, ahead, rows};
use crate::i18n::Lang;
use chrono::{Days, NaiveDate};
use domain::profile::Cadence;
use store::places::Place;

/// A section of a place page.
#[derive(Debug, Clone)]
pub struct SignalView {
    /// Its id, also the section's anchor.
    pub id: String,
    /// Is it told in a sentence, without chart and table?
    pub brief: bool,
    /// Its name.
    pub name: String,
    /// What is counted.
    pub about: String,
    /// What happened; `None` without a figure.
    pub sentence: Option<String>,
    /// What stands in its place without a figure.
    pub nothing: String,
    /// What was likely to come, or why that is not estimated.
    pub likely: Vec<String>,
    /// How sure.
    pub sure: Option<String>,
    /// How often such forecasts were right here.
    pub record: Option<String>,
    /// Numbers.
    pub cards: Vec<Card>,
    /// The history with its forecast, as SVG.
    pub chart: Option<String>,
    /// The last weeks and the forecast, as SVG.
    pub near: Option<String>,
    /// The charts as text.
    pub words: String,
    /// The forecast as text, a sentence a week.
    pub words_ahead: Vec<String>,
    /// "The figures kept here end on …".
    pub ended: Option<String>,
    /// From which day on values were incomplete.
    pub incomplete: Option<String>,
    /// Are values daily, so that the line is a mean of seven days?
    pub daily: bool,
    /// Has it a value a day?
    pub by_day: bool,
    /// Is there a fan to explain?
    pub has_fan: bool,
    /// Is the series not known at this moment for want of a copy that old?
    pub unkept: bool,
    /// Published values, newest first.
    pub rows: Vec<Row>,
    /// How many there are in all.
    pub total: String,
    /// Are there more than the table shows?
    pub cut: bool,
    /// Weeks that are forecast.
    pub ahead: Vec<Ahead>,
    /// Where it comes from.
    pub source: SourceNote,
}

impl SignalView {
    /// Everything that a page says about a series.
    #[must_use]
    pub fn of(lang: &Lang, series: &Series<'_>, outlook: &Outlook, place: &Place, range: Range) -> Self {
        let id = series.signal.id.to_string();
        let picture = chart(lang, series, outlook, place, range);
        let from = picture.as_ref().map_or(NaiveDate::MIN, |c| c.span.0);
        let (rows, total) = rows(lang, series);
        Self {
            brief: false,
            name: lang.t(&format!("signal.{id}.name")),
            about: about(lang, series),
            sentence: sentence(lang, series, place),
            nothing: nothing(lang, series),
            likely: if series.last().is_some() { likely(lang, series, outlook) } else { Vec::new() },
            sure: sure(lang, outlook),
            record: record(lang, outlook),
            cards: cards(lang, series, outlook),
            chart: picture.map(|c| c.svg()),
            near: chart(lang, series, outlook, place, Range::Close).map(|c| c.svg()),
            words: words(lang, series, from).unwrap_or_default(),
            words_ahead: words_ahead(lang, series, outlook),
            ended: ended(lang, series),
            incomplete: incomplete(lang, series),
            daily: series.signal.cadence == Cadence::Day && series.sums_days(),
            by_day: series.signal.cadence == Cadence::Day,
            has_fan: outlook.weeks.is_ok(),
            unkept: series.unkept(),
            cut: total > rows.len(),
            rows,
            total: lang.formats.number(f64::from(u32::try_from(total).unwrap_or(u32::MAX)), 0),
            ahead: ahead(lang, series, outlook),
            source: SourceNote::of(lang, series),
            id,
        }
    }
}

/// What is counted, and of whom.
fn about(lang: &Lang, series: &Series<'_>) -> String {
    let about = lang.t(&format!("signal.{}.about", series.signal.id));
    match &series.signal.coverage {
        Some(word) => format!("{about} {}", lang.t(&format!("coverage.{word}.about"))),
        None => about,
    }
}

/// The weekly values of the last `weeks` weeks up to `date`, oldest first: what a small trend draws.
#[must_use]
pub fn recent(series: &Series<'_>, date: NaiveDate, weeks: u64) -> Vec<Option<f64>> {
    (0..weeks).rev().map(|n| series.week_to(date - Days::new(7 * n))).collect()
}
