//! Numbers, shares and spans as people read them.

use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

use crate::share::Share;

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `one` of one and `many` of others, with the number.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `0.398` as `39.8 %`.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// A share with its interval: `39.8 % (36.9–42.9)`.
pub(crate) fn share(share: &Share) -> String {
    match share.share {
        None => "–".to_owned(),
        Some(part) => format!("{} ({:.1}–{:.1})", percent(part), share.low * 100.0, share.high * 100.0),
    }
}

/// A span of time with two digits that count.
pub(crate) fn span(span_ms: i64) -> String {
    let of = |unit_ms: i64, name: &str| {
        let number = span_ms as f64 / unit_ms as f64;
        let is_short = number < 9.95 && span_ms % unit_ms != 0;
        if is_short { format!("{number:.1} {name}") } else { format!("{number:.0} {name}") }
    };
    match span_ms {
        ..SECOND_MS => format!("{span_ms} ms"),
        SECOND_MS..MINUTE_MS => of(SECOND_MS, "s"),
        MINUTE_MS..HOUR_MS => of(MINUTE_MS, "min"),
        HOUR_MS..DAY_MS => of(HOUR_MS, "h"),
        _ => of(DAY_MS, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_spans_have_their_unit() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "sale", "sales") + " " + &counted(2_000, "sale", "sales"), "1 sale 2,000 sales");
        let spans = [999, 1_000, 59_499, 90_000, 36_000_000, 86_400_000, 864_000_000];
        assert_eq!(spans.map(span), ["999 ms", "1 s", "59 s", "1.5 min", "10 h", "1 d", "10 d"]);
        assert_eq!(share(&Share::new(0, 0)), "–");
        assert_eq!(share(&Share::new(81, 263)), "30.8 % (25.5–36.6)");
    }
}
