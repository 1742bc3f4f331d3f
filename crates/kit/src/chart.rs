//! Charts drawn on the server, as SVG that needs no script: a history, and what was likely to come.
//!
//! A chart knows no language and no unit: every text comes from the caller. It carries classes (a page colours
//! them, in both colour schemes) and, for a reader without the page's styles, presentation attributes.
//! The plot stretches with the page while its text keeps its size, so that it is as legible on a phone.

mod draw;
mod scale;
mod spark;

pub use scale::{days, months, ticks};
pub use spark::spark;

use chrono::NaiveDate;

/// One line of the chart; a day without a value interrupts it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Class of the stroke: `c-line` for the figures, `c-faint` for what stands behind them, `c-s1` to `c-s6` for
    /// series that are compared (each with a colour and dashes of its own).
    pub class: &'static str,
    /// By date, ascending.
    pub points: Vec<(NaiveDate, Option<f64>)>,
    /// More days than this between two points interrupt the line too.
    pub max_gap_days: i64,
}

/// One week that is forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The end of the week.
    pub date: NaiveDate,
    /// The middle of the distribution.
    pub median: f64,
    /// Low and high ends of the 50, 80 and 95 % intervals.
    pub bands: [(f64, f64); 3],
}

impl Step {
    /// From 23 quantiles at [`domain::LEVELS`]; `None` when there are not 23.
    #[must_use]
    pub fn from_quantiles(date: NaiveDate, q: &[f64]) -> Option<Self> {
        use domain::quantiles::{BANDS, MEDIAN};
        let mut bands = [(0.0, 0.0); 3];
        for (band, (_, low, high)) in bands.iter_mut().zip(BANDS) {
            *band = (*q.get(low)?, *q.get(high)?);
        }
        (q.len() == domain::LEVELS.len()).then_some(Self { date, median: *q.get(MEDIAN)?, bands })
    }
}

/// A short text beside a point, such as the number of a line at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Class of the line that it belongs to.
    pub class: &'static str,
    /// Where.
    pub date: NaiveDate,
    /// At which height.
    pub value: f64,
    /// A digit or a few: it stands outside the plot.
    pub text: String,
}

/// A chart: what it shows, and the words around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Unique on the page: prefix of the ids inside the SVG.
    pub id: String,
    /// Accessible name.
    pub title: String,
    /// The same in words.
    pub description: String,
    /// Height in pixels; the width is the page's.
    pub height: u32,
    /// First and last day of the plot.
    pub span: (NaiveDate, NaiveDate),
    /// Lines, the first at the back.
    pub lines: Vec<Line>,
    /// What was likely to come, from the last known point on.
    pub fan: Vec<Step>,
    /// The last known point: the fan opens there, and it gets a dot.
    pub last: Option<(NaiveDate, f64)>,
    /// Labels under the plot.
    pub x_labels: Vec<(NaiveDate, String)>,
    /// What the values count, above the axis; empty: nothing stands there.
    pub unit: String,
    /// Values with a grid line, with their labels; the last one is the top of the plot.
    pub y_labels: Vec<(f64, String)>,
}

impl Chart {
    /// The largest value that it draws (0 when there is none): what [`ticks`] should reach.
    #[must_use]
    pub fn top(lines: &[Line], fan: &[Step]) -> f64 {
        let seen = lines.iter().flat_map(|l| l.points.iter().filter_map(|(_, v)| *v));
        let likely = fan.iter().map(|s| s.bands[2].1);
        seen.chain(likely).filter(|v| v.is_finite()).fold(0.0, f64::max)
    }

    /// The `<svg>` element for a page.
    #[must_use]
    pub fn svg(&self) -> String {
        draw::inline(self, &[])
    }

    /// The same with `marks`, which are moved apart where they would stand on one another.
    #[must_use]
    pub fn svg_with(&self, marks: &[Mark]) -> String {
        draw::inline(self, marks)
    }

    /// A file of its own, `width` pixels wide: with its title, and `notes` under the plot (source, as-of, notice).
    #[must_use]
    pub fn document(&self, width: u32, notes: &[String]) -> String {
        draw::document(self, width, notes, &[])
    }

    /// The same with `marks`.
    #[must_use]
    pub fn document_with(&self, width: u32, notes: &[String], marks: &[Mark]) -> String {
        draw::document(self, width, notes, marks)
    }
}

/// Text as it stands in XML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn chart() -> Chart {
        let date = day("2025-02-01");
        let lines = vec![Line {
            class: "c-line",
            points: vec![(day("2025-01-18"), Some(10.0)), (day("2025-01-25"), None), (date, Some(30.0))],
            max_gap_days: 10,
        }];
        let q: Vec<f64> = (0..23).map(f64::from).collect();
        let fan = vec![Step::from_quantiles(day("2025-02-08"), &q).unwrap()];
        let top = Chart::top(&lines, &fan);
        Chart {
            id: "flu".into(),
            title: "Admissions <weekly>".into(),
            description: "From 10 to 30".into(),
            height: 300,
            span: (day("2025-01-18"), day("2025-02-08")),
            lines,
            fan,
            last: Some((date, 30.0)),
            x_labels: vec![(date, "Feb 1".into())],
            unit: "admissions & more".into(),
            y_labels: ticks(top, 4).into_iter().map(|v| (v, v.to_string())).collect(),
        }
    }

    #[test]
    fn a_chart_has_a_name_a_description_and_three_bands() {
        let svg = chart().svg();
        assert!(svg.contains("role=\"img\"") && svg.contains("aria-labelledby=\"flu-t flu-d\""));
        assert!(svg.contains("Admissions &lt;weekly&gt;"));
        for class in ["c-band95", "c-band80", "c-band50", "c-median", "c-line", "c-dot"] {
            assert!(svg.contains(class), "{class}");
        }
        assert!(!svg.contains("style="), "the content policy forbids inline styles");
        assert_eq!(svg, chart().svg());
    }

    #[test]
    fn the_unit_stands_above_the_axis_and_moves_the_plot_down() {
        let with = chart();
        let without = Chart { unit: String::new(), ..chart() };
        assert!(with.svg().contains(">admissions &amp; more</text>"));
        assert!(!without.svg().contains("c-unit"));
        let plot = |svg: &str| {
            svg.split("<svg x=\"0\" y=\"").nth(1).and_then(|s| s.split('"').next()?.parse::<u32>().ok())
        };
        assert!(plot(&with.svg()) > plot(&without.svg()));
    }

    #[test]
    fn a_missing_value_interrupts_the_line() {
        let svg = chart().svg();
        let line = svg.split("c-line\"").nth(1).unwrap();
        let path = line.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2, "{path}");
    }

    #[test]
    fn marks_keep_apart_and_compared_lines_differ_without_colour() {
        let mark =
            |class, text: &str| Mark { class, date: day("2025-02-01"), value: 30.0, text: text.into() };
        let svg = chart().svg_with(&[mark("c-s1", "1"), mark("c-s2", "2 <")]);
        let heights: Vec<f64> = svg
            .split("c-mark\"")
            .skip(1)
            .filter_map(|t| t.split("y=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect();
        assert!(heights.len() == 2 && heights[1] - heights[0] >= 13.0, "{heights:?}");
        assert!(svg.contains("2 &lt;"));
        let lines = |class| vec![Line { class, ..chart().lines[0].clone() }];
        let dashed = Chart { lines: lines("c-s2"), ..chart() }.svg();
        assert!(dashed.contains("stroke-dasharray") && !chart().svg().contains("stroke-dasharray"));
    }

    #[test]
    fn an_empty_chart_is_still_a_chart() {
        let empty = Chart { lines: Vec::new(), fan: Vec::new(), last: None, y_labels: Vec::new(), ..chart() };
        assert!(empty.svg().ends_with("</svg>"));
        assert!(empty.document(960, &["note & co".into()]).contains("note &amp; co"));
    }

    #[test]
    fn a_distribution_of_another_length_is_no_step() {
        assert!(Step::from_quantiles(day("2025-02-08"), &[1.0, 2.0]).is_none());
        assert!(Step::from_quantiles(day("2025-02-08"), &[1.0; 24]).is_none());
    }
}
