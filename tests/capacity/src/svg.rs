//! Pictures of lines, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
/// From the lowest to the highest value.
const HIGH: f64 = 250.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
/// Above the lines' names, and for each of them.
const TOP: f64 = 50.0;
const ROW: f64 = 16.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 6] = ["#1f5fa8", "#c2501c", "#2e7d43", "#7b3f98", "#8a6d00", "#444444"];

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// The axis to the right.
    pub x: String,
    /// The axis upwards; each line on it is ten times the one below.
    pub y: String,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Plot {
    /// The picture as SVG. Values of 0 and less are left out: there is no place for them.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|(_, y)| *y > 0.0);
        let fold = |first: f64, by: fn(f64, f64) -> f64, of: fn(&(f64, f64)) -> f64| points().map(of).fold(first, by);
        let (left, right) = (fold(f64::INFINITY, f64::min, |p| p.0), fold(f64::NEG_INFINITY, f64::max, |p| p.0));
        let (low, high) = (fold(f64::INFINITY, f64::min, |p| p.1), fold(f64::NEG_INFINITY, f64::max, |p| p.1));
        if left > right {
            return String::new();
        }
        let (low, mut high) = (libm::log10(low).floor(), libm::log10(high).ceil());
        high = high.max(low + 1.0);
        let span = (right - left).max(1e-9);
        let at_x = |x: f64| LEFT + (x - left) / span * (WIDTH - LEFT - RIGHT);
        let top = TOP + ROW * self.lines.len() as f64;
        let height = top + HIGH + BOTTOM;
        let at_y = |y: f64| top + HIGH - (libm::log10(y) - low) / (high - low) * HIGH;
        let mut out = String::new();
        head(&mut out, &self.title, height);
        for power in low as i32..=high as i32 {
            let y = at_y(libm::pow(10.0, f64::from(power)));
            line(&mut out, (LEFT, y), (WIDTH - RIGHT, y));
            text(&mut out, (LEFT - 8.0, y + 4.0), "end", &power_of_ten(power));
        }
        let step = step_of(span);
        let mut tick = (left / step).ceil() * step;
        while tick <= right + step * 1e-6 {
            text(&mut out, (at_x(tick), top + HIGH + 18.0), "middle", &round(tick));
            tick += step;
        }
        text(&mut out, ((LEFT + WIDTH - RIGHT) / 2.0, height - 12.0), "middle", &self.x);
        text(&mut out, (LEFT, top - 8.0), "start", &self.y);
        for (index, each) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let path: Vec<String> = each
                .points
                .iter()
                .filter(|(_, y)| *y > 0.0)
                .map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y)))
                .collect();
            let path = path.join(" ");
            add(
                &mut out,
                &format!("<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{path}\"/>"),
            );
            let y = TOP - 12.0 + ROW * index as f64;
            add(
                &mut out,
                &format!("<rect x=\"{:.0}\" y=\"{:.0}\" width=\"14\" height=\"3\" fill=\"{colour}\"/>", LEFT, y - 5.0),
            );
            text(&mut out, (LEFT + 20.0, y), "start", &each.name);
        }
        add(&mut out, "</svg>");
        out
    }
}

fn add(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn head(out: &mut String, title: &str, height: f64) {
    add(
        out,
        &format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\" role=\"img\">"
        ),
    );
    add(out, &format!("<title>{}</title>", escaped(title)));
    add(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    add(out, &format!("<text x=\"{LEFT}\" y=\"18\" font-size=\"14\" fill=\"#222222\">{}</text>", escaped(title)));
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ends = format!("x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"", from.0, from.1, to.0, to.1);
    add(out, &format!("<line {ends} stroke=\"#dddddd\"/>"));
}

fn text(out: &mut String, at: (f64, f64), anchor: &str, words: &str) {
    let place = format!("x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\"", at.0, at.1);
    add(out, &format!("<text {place} fill=\"#444444\">{}</text>", escaped(words)));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn power_of_ten(power: i32) -> String {
    round(libm::pow(10.0, f64::from(power)))
}

fn round(value: f64) -> String {
    let mut text = String::new();
    let written = if value.abs() >= 1.0 || value == 0.0 { write!(text, "{value:.0}") } else { write!(text, "{value}") };
    if written.is_err() {
        text.clear();
    }
    text
}

/// A round step that makes five to ten of `span`.
fn step_of(span: f64) -> f64 {
    let power = libm::pow(10.0, libm::log10(span / 5.0).floor());
    [5.0, 2.0, 1.0].into_iter().map(|factor| factor * power).find(|step| span / step >= 5.0).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_their_places() {
        let points = vec![(0.0, 1.0), (50.0, 10.0), (100.0, 0.0), (100.0, 100.0)];
        let plot = Plot {
            title: "a <b>".to_owned(),
            x: "load".to_owned(),
            y: "ms".to_owned(),
            lines: vec![Line { name: "p50".to_owned(), points }],
        };
        let svg = plot.svg();
        // The axes are 670 wide from 70, and 250 high from 316 upwards; ten is half way from one to a hundred.
        assert!(svg.contains("points=\"70.0,316.0 405.0,191.0 740.0,66.0\""), "{svg}");
        assert!(svg.contains("<title>a &lt;b&gt;</title>") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(Plot { lines: Vec::new(), ..plot }.svg(), "");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([100.0, 7.0, 930.0, 0.8].map(step_of), [20.0, 1.0, 100.0, 0.1]);
    }
}
