//! Bars with their spread, as SVG.

use std::fmt::Write;

use crate::Spread;

const WIDTH: f64 = 860.0;
const LABELS: f64 = 250.0;
const NUMBERS: f64 = 130.0;
const ROW: f64 = 26.0;
const TOP: f64 = 44.0;

/// One bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What it is about.
    pub label: String,
    /// How long it is.
    pub spread: Spread,
    /// True for one of ours.
    pub is_ours: bool,
}

/// Bars from zero to the largest measurement, each with a line from the least to the largest of its measurements.
#[must_use]
pub fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.spread.max).fold(f64::MIN_POSITIVE, f64::max);
    let room = WIDTH - LABELS - NUMBERS;
    let height = TOP + ROW * bars.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{}, {}</text>\n",
        escaped(title),
        escaped(unit)
    );
    for (place, bar) in bars.iter().enumerate() {
        let y = TOP + ROW * place as f64;
        let long = |value: f64| value / most * room;
        let (fill, label) = (if bar.is_ours { "#1f6feb" } else { "#9aa4b2" }, escaped(&bar.label));
        let (middle, end) = (y + ROW / 2.0, LABELS - 8.0);
        let Spread { median, min, max } = bar.spread;
        // Writing to a string cannot fail.
        let written = write!(
            svg,
            "<text x=\"{end}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>\n\
             <rect x=\"{LABELS}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>\n\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"#1b1f24\" stroke-width=\"1.5\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            middle + 4.5,
            y + 4.0,
            long(median).max(1.0),
            ROW - 8.0,
            LABELS + long(min),
            LABELS + long(max),
            LABELS + long(max) + 8.0,
            middle + 4.5,
            figure(median)
        );
        debug_assert!(written.is_ok());
    }
    svg + "</svg>\n"
}

/// A figure with three digits that count.
#[must_use]
pub fn figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_grouped() {
        let figures = [0.0567, 7.381, 42.04, 1_234.5, 1_234_567.0, -1_000.0].map(figure);
        assert_eq!(figures, ["0.06", "7.38", "42.0", "1,234", "1,234,567", "-1,000"]);
    }

    #[test]
    fn a_plot_is_well_formed_and_the_longest_bar_fills_the_room() {
        let bar = |label: &str, median: f64| Bar {
            label: label.to_owned(),
            spread: Spread { median, min: median, max: median },
            is_ours: false,
        };
        let svg = bars("CPU", "µs <an event>", &[bar("a & b", 5.0), bar("c", 10.0)]);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("a &amp; b") && svg.contains("&lt;an event&gt;"));
        assert!(svg.contains(&format!("width=\"{:.1}\"", WIDTH - LABELS - NUMBERS)));
        assert!(svg.contains(&format!("width=\"{:.1}\"", (WIDTH - LABELS - NUMBERS) / 2.0)));
    }
}
