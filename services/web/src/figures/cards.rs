//! The few numbers that stand beside the sentence.

use super::headline::{Latest, change, reason, widest};
use super::movement::Movement;
use super::outlook::{Outlook, to_come};
use super::series::Series;
use crate::i18n::Lang;
use domain::quantiles::MEDIAN;
use kit::growth::Time;
use store::forecasts::{Forecast, Growth, Rt, Trend};

/// A question and its answer, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The question.
    pub label: String,
    /// The answer: a number, or "not estimated".
    pub value: String,
    /// What the number is about, its interval, or the reason why there is none.
    pub detail: String,
    /// Where the number comes from (`/why/…`, without the language's prefix).
    pub why: Option<String>,
    /// Is there no answer?
    pub missing: bool,
}

/// The cards of a series: what was, then what was likely.
#[must_use]
pub fn cards(lang: &Lang, series: &Series<'_>, outlook: &Outlook) -> Vec<Card> {
    let Some(latest) = Latest::of(series) else { return Vec::new() };
    let mut all = vec![last(lang, series, &latest)];
    if latest.period == "week" || latest.period == "days" {
        all.push(against(lang, series, &latest));
    }
    all.extend(future(lang, series, outlook));
    all
}

fn last(lang: &Lang, series: &Series<'_>, latest: &Latest) -> Card {
    let date = lang.formats.date(latest.date);
    // A sum of seven days has no single row behind it; its days are in the table.
    let why = series.last().filter(|_| latest.period != "days").map(|c| format!("/why/{}", c.id));
    Card {
        label: lang.t(&format!("card.last.{}", latest.period)),
        value: lang.value(latest.value, series.signal.unit),
        detail: lang.f(
            &format!("card.last_detail.{}", latest.period),
            &[("date", &date), ("week", &lang.week(latest.date))],
        ),
        why,
        missing: false,
    }
}

fn against(lang: &Lang, series: &Series<'_>, latest: &Latest) -> Card {
    let change = change(lang, latest.movement, series.signal.unit);
    let value = match latest.movement {
        Movement::Unknown => lang.t("card.unknown"),
        Movement::Unchanged => lang.t("card.unchanged"),
        Movement::FromNone => format!("+{}", lang.value(latest.value, series.signal.unit)),
        Movement::Rising(_) | Movement::More(_) => format!("+{change}"),
        Movement::Falling(_) | Movement::Fewer(_) | Movement::ToNone(_) => format!("\u{2212}{change}"),
        Movement::Stable(_) => change,
    };
    let before = latest.before.map(|v| lang.value(v, series.signal.unit));
    let detail = before.map_or_else(
        || lang.t("card.change_unknown"),
        |b| lang.f(&format!("card.change_detail.{}", latest.period), &[("before", &b)]),
    );
    let missing = latest.movement == Movement::Unknown;
    Card { label: lang.t("card.change"), value, detail, why: None, missing }
}

fn future(lang: &Lang, series: &Series<'_>, outlook: &Outlook) -> Vec<Card> {
    // One reason for everything is said once.
    if let (Err(a), Err(b), Err(c)) = (&outlook.weeks, &outlook.rt, &outlook.trend)
        && a == b
        && b == c
    {
        return vec![unanswered(lang, series, "card.future", a)];
    }
    let mut all = Vec::new();
    let today = series.as_of.date_naive();
    let ahead = to_come(outlook.weeks.as_deref().unwrap_or_default(), today);
    // The first week that is not over is mostly the one that is under way.
    let first = match ahead.first().map(|f| (f.target_end_date - today).num_days()) {
        Some(0..7) => "this",
        Some(7..14) => "next",
        _ => "week",
    };
    match &outlook.weeks {
        Ok(_) => {
            all.extend(ahead.first().map(|f| week(lang, series, lang.t(&format!("card.{first}")), f)));
            if let Some(f) = ahead.last().filter(|_| ahead.len() > 1) {
                let n = (f.target_end_date - today).num_weeks().max(1);
                let n = lang.formats.number(f64::from(i32::try_from(n).unwrap_or(0)), 0);
                all.push(week(lang, series, lang.f("card.later", &[("n", &n)]), f));
            }
        }
        Err(word) => all.push(unanswered(lang, series, "card.next", word)),
    }
    all.push(match &outlook.rt {
        Ok(rt) => Card {
            label: lang.t("card.rt"),
            value: lang.formats.number(rt.q50, 2),
            detail: [Some(rt_detail(lang, rt)), rt.growth.as_ref().map(|g| growth(lang, g))]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; "),
            why: None,
            missing: false,
        },
        Err(word) => unanswered(lang, series, "card.rt", word),
    });
    all.push(match &outlook.trend {
        Ok(chances) => trend(lang, lang.t(&format!("card.rise_{first}")), chances),
        Err(word) => unanswered(lang, series, "card.rise", word),
    });
    all
}

fn rt_detail(lang: &Lang, rt: &Rt) -> String {
    lang.f(
        "card.rt_detail",
        &[
            ("low", &lang.formats.number(rt.q025, 2)),
            ("high", &lang.formats.number(rt.q975, 2)),
            ("date", &lang.formats.short_date(rt.window_end)),
            ("level", &lang.formats.percent(0.95)),
        ],
    )
}

/// How fast infections change in a week, with the time that this takes to double or halve them where that means something.
fn growth(lang: &Lang, growth: &Growth) -> String {
    // From a rate per day to the change in a week.
    let change = |rate: f64| lang.formats.signed_percent((7.0 * rate).exp_m1());
    let level = lang.formats.percent(0.95);
    let said = lang.f(
        "card.growth_detail",
        &[
            ("change", &change(growth.q50)),
            ("low", &change(growth.q025)),
            ("high", &change(growth.q975)),
            ("level", &level),
        ],
    );
    let Some(time) = Time::of(growth) else { return said };
    let days = |days: f64| lang.formats.number(days, 0);
    let (least, median) = (days(time.band_95.0), days(time.median));
    let most = time.band_95.1.map(days);
    let key = match (time.doubles, &most) {
        (true, Some(_)) => "card.doubles",
        (true, None) => "card.doubles_open",
        (false, Some(_)) => "card.halves",
        (false, None) => "card.halves_open",
    };
    let most = most.unwrap_or_default();
    let with = [("days", &*median), ("least", &*least), ("most", &*most), ("level", &*level)];
    // A sentence without an end takes no word for it.
    let used = if time.band_95.1.is_some() { &with[..] } else { &[with[0], with[1], with[3]][..] };
    format!("{said}; {}", lang.f(key, used))
}

/// The likeliest of three directions as the answer, the chance of each as its detail.
fn trend(lang: &Lang, label: String, trend: &Trend) -> Card {
    let chances = [
        ("up", "card.trend_up", trend.increase + trend.large_increase),
        ("stable", "card.trend_stable", trend.stable),
        ("down", "card.trend_down", trend.decrease + trend.large_decrease),
    ];
    let likeliest = chances.iter().max_by(|a, b| a.2.total_cmp(&b.2)).map_or("card.unknown", |c| c.1);
    let written = chances.map(|(name, _, chance)| (name, lang.formats.percent(chance)));
    Card {
        label,
        value: lang.t(likeliest),
        detail: lang.f("card.rise_detail", &written.each_ref().map(|(name, text)| (*name, text.as_str()))),
        why: None,
        missing: false,
    }
}

fn week(lang: &Lang, series: &Series<'_>, label: String, f: &Forecast) -> Card {
    let unit = series.signal.unit;
    let shown = widest(f, 19, unit);
    let at = |n: usize| f.quantiles.get(n).map_or_else(String::new, |v| lang.cell(*v, shown, unit));
    let with = [
        ("median", &*at(MEDIAN)),
        ("date", &*lang.formats.short_date(f.target_end_date)),
        ("level", &*lang.formats.percent(0.8)),
    ];
    Card {
        label,
        value: lang.f("range_short", &[("low", &at(3)), ("high", &at(19))]),
        detail: lang.f("card.week_detail", &with),
        why: None,
        missing: false,
    }
}

fn unanswered(lang: &Lang, series: &Series<'_>, label: &str, word: &str) -> Card {
    Card {
        label: lang.t(label),
        value: lang.t("not_estimated"),
        detail: reason(lang, series, word),
        why: None,
        missing: true,
    }
}
