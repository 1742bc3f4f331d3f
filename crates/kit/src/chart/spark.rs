//! A trend of the size of a word.

use std::fmt::Write as _;

/// A line of 72 × 20 pixels through `values`, oldest first; empty when fewer than two are known. Decoration
/// only (`aria-hidden`): what it shows must stand beside it in words.
#[must_use]
pub fn spark(values: &[Option<f64>]) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().filter(|v| v.is_finite()).collect();
    if known.len() < 2 {
        return String::new();
    }
    let top = known.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let step = 70.0 / f64::from(u32::try_from(values.len() - 1).unwrap_or(1));
    let (mut path, mut joins, mut x) = (String::new(), false, 1.0);
    for value in values {
        if let Some(v) = value.filter(|v| v.is_finite()) {
            // Writing to a String cannot fail.
            let _ =
                write!(path, "{}{x:.0} {:.1}", if joins { 'L' } else { 'M' }, 18.0 - v.max(0.0) / top * 16.0);
        }
        joins = value.is_some();
        x += step;
    }
    format!(
        "<svg class=\"spark\" aria-hidden=\"true\" width=\"72\" height=\"20\">\
         <path class=\"c-line\" fill=\"none\" d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_needs_two_points() {
        assert_eq!(spark(&[Some(1.0), None]), "");
        assert_eq!(spark(&[None, None]), "");
        let line = spark(&[Some(0.0), Some(1.0), None, Some(2.0)]);
        assert_eq!(line.matches('M').count(), 2, "{line}");
    }
}
