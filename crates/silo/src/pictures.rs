//! The report's pictures as SVG inside of the page: colours are those of the page, so that they follow light and dark.

use tributary_model::Domain;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

use crate::delays::Quantiles;
use crate::escape::html as text;
use crate::report::{Consistency, MatchRates, PairMatch};
use crate::words::{count, percent, span};

/// Widths in the picture's own units.
const WIDTH: f64 = 760.0;
const LABEL: f64 = 170.0;
const ROW: f64 = 30.0;
const CELL: f64 = 118.0;
/// The longest name that is written out.
const MAX_LETTERS: usize = 22;

fn svg(title: &str, width: f64, height: f64, inside: &str) -> String {
    let title = text(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\"><title>{title}</title>{inside}</svg>"
    )
}

fn label(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", text(words))
}

/// A rectangle, which tells `words` to whoever points at it.
fn block(x: f64, y: f64, width: f64, height: f64, colour: &str, opacity: f64, words: &str) -> String {
    format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" style=\"fill: var(--{colour})\" \
         fill-opacity=\"{opacity:.2}\"><title>{}</title></rect>",
        text(words)
    )
}

fn short(name: &str) -> String {
    if name.chars().count() <= MAX_LETTERS {
        return name.to_owned();
    }
    name.chars().take(MAX_LETTERS - 1).chain(['…']).collect()
}

/// Match rates: the more of a row's domain are known to a column's, the stronger.
pub(crate) fn heat_map(rates: &MatchRates) -> String {
    let mut inside = String::new();
    for (column, to) in Domain::ALL.into_iter().enumerate() {
        inside += &label(LABEL + (column as f64 + 0.5) * CELL, 18.0, "middle", &format!("in {}", to.name()));
    }
    for (row, from) in Domain::ALL.into_iter().enumerate() {
        let y = 28.0 + row as f64 * 44.0;
        inside += &label(LABEL - 10.0, y + 26.0, "end", &format!("of {}", from.name()));
        for (column, to) in Domain::ALL.into_iter().enumerate() {
            let x = LABEL + column as f64 * CELL;
            let pair = rates.pairs.iter().find(|pair| (pair.from, pair.to) == (from, to));
            let share = |pair: &PairMatch| pair.rate.share.filter(|_| rates.is_connected(to));
            let (colour, opacity, words) = match pair.map(share) {
                None => {
                    let known = rates.domains.iter().find(|known| known.domain == from);
                    ("card", 1.0, format!("{} persons", count(known.map_or(0, |known| known.persons))))
                }
                Some(None) => ("card", 1.0, "–".to_owned()),
                Some(Some(share)) => ("mark", 0.06 + 0.5 * share, percent(share)),
            };
            let title = format!("of {} in {}: {words}", from.name(), to.name());
            inside += &block(x + 2.0, y, CELL - 4.0, 40.0, colour, opacity, &title);
            inside += &label(x + CELL / 2.0, y + 25.0, "middle", &words);
        }
    }
    let wide = LABEL + CELL * Domain::ALL.len() as f64;
    svg(
        "Of the persons of one domain, the share that another knows",
        wide,
        36.0 + 44.0 * Domain::ALL.len() as f64,
        &inside,
    )
}

/// Bars to the half, to nine in ten and to ninety-nine in a hundred, on a scale where each step is ten times the last.
pub(crate) fn delays<'a>(title: &str, bars: impl Iterator<Item = (&'a str, Quantiles)>) -> Option<String> {
    let bars: Vec<(&str, Quantiles)> = bars.collect();
    let longest_ms = bars.iter().map(|(_, delay)| delay.p99_ms).max()?.max(10 * SECOND_MS);
    let length = |span_ms: i64| {
        let part = (span_ms.max(0) as f64 + 1.0).ln() / (longest_ms as f64 + 1.0).ln();
        part * (WIDTH - LABEL - 90.0)
    };
    let height = 50.0 + ROW * bars.len() as f64;
    let mut inside = String::new();
    for (tick_ms, name) in [(SECOND_MS, "1 s"), (MINUTE_MS, "1 min"), (HOUR_MS, "1 h"), (DAY_MS, "1 d")] {
        if tick_ms <= longest_ms {
            let x = LABEL + length(tick_ms);
            inside += &format!(
                "<line x1=\"{x:.1}\" y1=\"4\" x2=\"{x:.1}\" y2=\"{:.1}\" style=\"stroke: var(--line)\"/>",
                height - 40.0
            );
            inside += &label(x, height - 24.0, "middle", name);
        }
    }
    for (row, (name, delay)) in bars.iter().enumerate() {
        let y = 6.0 + ROW * row as f64;
        inside += &label(LABEL - 10.0, y + 15.0, "end", &short(name));
        for (what, span_ms, colour, inset) in [
            ("99 in 100", delay.p99_ms, "third", 5.0),
            ("9 in 10", delay.p90_ms, "second", 2.5),
            ("half", delay.p50_ms, "mark", 0.0),
        ] {
            let words = format!("{name}: {what} within {}", span(span_ms));
            inside += &block(LABEL, y + inset, length(span_ms).max(1.5), 20.0 - 2.0 * inset, colour, 1.0, &words);
        }
        inside += &label(LABEL + length(delay.p99_ms) + 8.0, y + 15.0, "start", &span(delay.p90_ms));
    }
    inside +=
        &label(LABEL, height - 6.0, "start", "tallest: half; lower: nine in ten, with its figure; lowest: 99 in 100");
    Some(svg(title, WIDTH, height, &inside))
}

/// Persons by how many narratives they heard, as parts of one bar.
pub(crate) fn stories(consistency: &Consistency) -> Option<String> {
    let all: u64 = consistency.narratives.iter().map(|heard| heard.persons).sum();
    if all == 0 {
        return None;
    }
    let (mut inside, mut x) = (String::new(), 0.0);
    for (place, heard) in consistency.narratives.iter().enumerate() {
        let part = heard.persons as f64 / all as f64;
        let words = match heard.narratives {
            1 => format!("one: {}", percent(part)),
            several => format!("{several}: {}", percent(part)),
        };
        let (colour, opacity) = match heard.narratives {
            1 => ("mark", 0.5),
            several => ("bad", (0.15 + 0.15 * f64::from(several)).min(0.9)),
        };
        inside += &block(x, 4.0, part * WIDTH, 36.0, colour, opacity, &words);
        // The names stand below each other, so that a narrow part has room for its own.
        inside += &block(0.0, 52.0 + 20.0 * place as f64, 12.0, 12.0, colour, opacity, &words);
        let told = format!("{words} ({} persons)", count(heard.persons));
        inside += &label(20.0, 63.0 + 20.0 * place as f64, "start", &told);
        x += part * WIDTH;
    }
    let height = 60.0 + 20.0 * consistency.narratives.len() as f64;
    Some(svg("Narratives that a person heard within 30 days", WIDTH, height, &inside))
}
