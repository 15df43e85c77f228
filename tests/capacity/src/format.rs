//! Numbers for people.

/// A count: with commas up to ten million, then in millions and billions.
#[must_use]
pub fn count(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{} billion", short(value / 1e9)),
        value if value >= 1e7 => format!("{} million", short(value / 1e6)),
        value if value >= 100.0 => with_commas(value.round() as u64),
        value => short(value),
    }
}

/// Three figures at most, and no fraction of what is large.
fn short(value: f64) -> String {
    let text = match value {
        value if value >= 100.0 || value == 0.0 => return with_commas(value.round() as u64),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.1 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn with_commas(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in units of thousands.
#[must_use]
pub fn bytes(value: f64) -> String {
    for (unit, size) in [("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] {
        if value >= size {
            return format!("{} {unit}", short(value / size));
        }
    }
    format!("{} B", short(value))
}

/// Seconds, as milliseconds, minutes or hours where that is shorter.
#[must_use]
pub fn seconds(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 1.0 => format!("{} ms", short(value * 1e3)),
        value if value < 120.0 => format!("{} s", short(value)),
        value if value < 7_200.0 => format!("{} min", short(value / 60.0)),
        value => format!("{} h", short(value / 3_600.0)),
    }
}

/// A Markdown table.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(head.iter().map(|cell| (*cell).to_owned()).collect());
    out.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    rows.iter().for_each(|row| out.push_str(&line(row.clone())));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 0.25, 7.0, 12.34, 1_234.4, 9_999_999.0].map(count),
            ["0", "0.25", "7", "12.3", "1,234", "9,999,999"]
        );
        assert_eq!([12_345_678.0, 5e9, 22e9].map(count), ["12.3 million", "5 billion", "22 billion"]);
        assert_eq!([999.0, 1_500.0, 2.04e12, 3e16].map(bytes), ["999 B", "1.5 kB", "2.04 TB", "30 PB"]);
        assert_eq!([0.0123, 4.0, 150.0, 9_000.0].map(seconds), ["12.3 ms", "4 s", "2.5 min", "2.5 h"]);
        assert_eq!(table(&["a", "b"], &[vec!["1".into(), "2".into()]]), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    }
}
