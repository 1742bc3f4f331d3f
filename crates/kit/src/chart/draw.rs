//! The SVG itself.

use super::scale::along;
use super::{Chart, Line, Mark, Step, escape};
use chrono::NaiveDate;
use std::fmt::Write as _;

/// Room under the plot for its labels, and above it for the topmost one.
const BELOW: u32 = 26;
const ABOVE: u32 = 12;
/// More room above it for the unit of its values.
const UNIT: u32 = 18;
/// Height of a mark.
const TEXT: f64 = 13.0;
/// The plot's own units; it stretches to the page's width.
const UNITS: f64 = 1000.0;

struct Frame<'a> {
    chart: &'a Chart,
    top: f64,
    /// Where the plot begins, in pixels from the top of the chart.
    above: u32,
    plot: f64,
}

impl Frame<'_> {
    fn of(chart: &Chart) -> Frame<'_> {
        let top = chart.y_labels.last().map_or(1.0, |(v, _)| *v);
        let above = if chart.unit.is_empty() { ABOVE } else { ABOVE + UNIT };
        Frame { chart, top, above, plot: f64::from(chart.height.saturating_sub(BELOW + above).max(1)) }
    }
    fn x(&self, date: NaiveDate) -> f64 {
        along(date, self.chart.span) * UNITS
    }
    /// In the plot's units; a value below 0 (a correction) is drawn on the ground line.
    fn y(&self, value: f64) -> f64 {
        (1.0 - (value.max(0.0) / self.top).min(1.0)) * UNITS
    }
    /// In pixels from the top of the chart.
    fn pixel(&self, value: f64) -> f64 {
        f64::from(self.above) + self.y(value) / UNITS * self.plot
    }
    fn percent(&self, date: NaiveDate) -> f64 {
        along(date, self.chart.span) * 100.0
    }
}

pub(super) fn inline(chart: &Chart, at_ends: &[Mark]) -> String {
    let (id, height) = (escape(&chart.id), chart.height);
    let mut out = format!(
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" width=\"100%\" height=\"{height}\" \
         overflow=\"visible\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        escape(&chart.title),
        escape(&chart.description)
    );
    body(&mut out, &Frame::of(chart));
    marks(&mut out, &Frame::of(chart), at_ends);
    out.push_str("</svg>");
    out
}

pub(super) fn document(chart: &Chart, width: u32, notes: &[String], at_ends: &[Mark]) -> String {
    let (left, right, head) = (72, 44, 48);
    let height = head + chart.height + 16 + 18 * u32::try_from(notes.len()).unwrap_or(0) + 12;
    let inner = width.saturating_sub(left + right);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\" \
         aria-labelledby=\"t d\"><title id=\"t\">{title}</title><desc id=\"d\">{}</desc>\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"20\" y=\"28\" font-size=\"17\" font-weight=\"600\" fill=\"#1b1f24\">{title}</text>\
         <svg x=\"{left}\" y=\"{head}\" width=\"{inner}\" height=\"{}\" overflow=\"visible\">",
        escape(&chart.description),
        chart.height,
        title = escape(&chart.title),
    );
    body(&mut out, &Frame::of(chart));
    marks(&mut out, &Frame::of(chart), at_ends);
    out.push_str("</svg>");
    for (n, note) in (0u32..).zip(notes) {
        let y = head + chart.height + 24 + 18 * n;
        text(&mut out, "20", f64::from(y), "", "", note);
    }
    out.push_str("</svg>");
    out
}

fn body(out: &mut String, f: &Frame<'_>) {
    if !f.chart.unit.is_empty() {
        // Its left end stands where the labels of the axis begin.
        text(out, "-50", 12.0, "c-unit", "", &f.chart.unit);
    }
    for (value, label) in &f.chart.y_labels {
        let y = f.pixel(*value);
        push(
            out,
            format_args!(
                "<line class=\"c-grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#d9dde2\"/>"
            ),
        );
        text(out, "-8", y + 4.0, "c-text", "end", label);
    }
    for (date, label) in &f.chart.x_labels {
        let x = f.percent(*date);
        let (ground, below) = (f64::from(f.above) + f.plot, f64::from(f.chart.height - 6));
        push(
            out,
            format_args!(
                "<line class=\"c-tick\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{ground:.1}\" y2=\"{:.1}\" stroke=\"#8a919a\"/>",
                ground + 5.0
            ),
        );
        text(out, &format!("{x:.2}%"), below, "c-text", "middle", label);
    }
    push(
        out,
        format_args!(
            "<svg x=\"0\" y=\"{}\" width=\"100%\" height=\"{:.1}\" viewBox=\"0 0 1000 1000\" \
         preserveAspectRatio=\"none\" overflow=\"visible\">",
            f.above, f.plot
        ),
    );
    fan(out, f);
    for line in &f.chart.lines {
        let (color, width, dash) = ink(line.class);
        stroke(out, line.class, color, width, dash, &line_path(line, f));
    }
    out.push_str("</svg>");
    // Where weeks stand close together, dots would hide the bands.
    let apart = f.chart.fan.windows(2).all(|w| f.percent(w[1].date) - f.percent(w[0].date) >= 4.0);
    for step in f.chart.fan.iter().filter(|_| apart) {
        dot(out, "c-hollow", f.percent(step.date), f.pixel(step.median), 3.0);
    }
    if let Some((date, value)) = f.chart.last {
        dot(out, "c-dot", f.percent(date), f.pixel(value), 4.0);
    }
}

fn fan(out: &mut String, f: &Frame<'_>) {
    let steps = &f.chart.fan;
    if steps.is_empty() {
        return;
    }
    let colors = ["#6fa3b8", "#a9cad7", "#d8e8ee"];
    let class = ["c-band50", "c-band80", "c-band95"];
    for band in (0..3).rev() {
        let edge = |pick: fn(&Step, usize) -> f64| {
            steps.iter().map(move |s| (s.date, pick(s, band))).collect::<Vec<_>>()
        };
        let high = edge(|s, b| s.bands[b].1);
        let low = edge(|s, b| s.bands[b].0);
        let outline = f.chart.last.into_iter().chain(high).chain(low.into_iter().rev());
        let path = joined(outline, f) + "Z";
        push(out, format_args!("<path class=\"{}\" fill=\"{}\" d=\"{path}\"/>", class[band], colors[band]));
    }
    let median = f.chart.last.into_iter().chain(steps.iter().map(|s| (s.date, s.median)));
    stroke(out, "c-median", "#0b5c7a", 1.75, "", &joined(median, f));
}

fn joined(points: impl Iterator<Item = (NaiveDate, f64)>, f: &Frame<'_>) -> String {
    let mut path = String::new();
    for (n, (date, value)) in points.enumerate() {
        let to = if n == 0 { 'M' } else { 'L' };
        push(&mut path, format_args!("{to}{:.1} {:.1}", f.x(date), f.y(value)));
    }
    path
}

fn line_path(line: &Line, f: &Frame<'_>) -> String {
    let mut path = String::new();
    let mut before: Option<NaiveDate> = None;
    for (date, value) in &line.points {
        let Some(value) = value else {
            before = None;
            continue;
        };
        let joins = before.is_some_and(|b| (*date - b).num_days() <= line.max_gap_days);
        push(
            &mut path,
            format_args!("{}{:.1} {:.1}", if joins { 'L' } else { 'M' }, f.x(*date), f.y(*value)),
        );
        before = Some(*date);
    }
    path
}

/// How a line is drawn without the page's styles: colour, width, dashes. Lines that are compared differ in colour
/// and in their dashes, so that they can be told apart without seeing colours.
fn ink(class: &str) -> (&'static str, f64, &'static str) {
    match class {
        "c-line" => ("#0b5c7a", 2.25, ""),
        "c-s1" => ("#1f5fa8", 2.25, ""),
        "c-s2" => ("#b5520b", 2.25, "8 4"),
        "c-s3" => ("#6b3fa0", 2.25, "2 4"),
        "c-s4" => ("#00756b", 2.25, "12 4 2 4"),
        "c-s5" => ("#9c2f5f", 2.25, "16 5"),
        "c-s6" => ("#5c5c00", 2.25, "5 3 2 3 2 3"),
        _ => ("#9fb6c2", 1.0, ""),
    }
}

/// The marks at the ends of lines, from the top down and never closer than a line of text.
fn marks(out: &mut String, f: &Frame<'_>, marks: &[Mark]) {
    let mut placed: Vec<(f64, &Mark)> = marks.iter().map(|m| (f.pixel(m.value), m)).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::NEG_INFINITY;
    for (y, _) in &mut placed {
        *y = y.max(free);
        free = *y + TEXT;
    }
    // What was pushed below the ground line goes back up, and lifts what stands above it.
    let mut free = f64::from(f.above) + f.plot;
    for (y, _) in placed.iter_mut().rev() {
        *y = y.min(free);
        free = *y - TEXT;
    }
    for (y, mark) in placed {
        push(
            out,
            format_args!(
                "<text class=\"{} c-mark\" x=\"{:.2}%\" y=\"{:.1}\" dx=\"5\" font-weight=\"600\" fill=\"{}\">{}</text>",
                mark.class,
                f.percent(mark.date),
                y + 4.0,
                ink(mark.class).0,
                escape(&mark.text)
            ),
        );
    }
}

fn stroke(out: &mut String, class: &str, color: &str, width: f64, dash: &str, path: &str) {
    let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
    // Round caps would close the gaps of a dashed line.
    let cap = if dash.is_empty() { "round" } else { "butt" };
    push(
        out,
        format_args!(
            "<path class=\"{class}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\"{dash} stroke-linejoin=\"round\" \
         stroke-linecap=\"{cap}\" vector-effect=\"non-scaling-stroke\" d=\"{path}\"/>"
        ),
    );
}

fn dot(out: &mut String, class: &str, x: f64, y: f64, r: f64) {
    let fill = if class == "c-dot" { "#0b5c7a" } else { "#fff" };
    push(
        out,
        format_args!(
            "<circle class=\"{class}\" cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"{r}\" fill=\"{fill}\" stroke=\"#0b5c7a\"/>"
        ),
    );
}

fn text(out: &mut String, x: &str, y: f64, class: &str, anchor: &str, words: &str) {
    let anchor = if anchor.is_empty() { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    push(
        out,
        format_args!("<text{class} x=\"{x}\" y=\"{y:.1}\"{anchor} fill=\"#4a5159\">{}</text>", escape(words)),
    );
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(what);
}
