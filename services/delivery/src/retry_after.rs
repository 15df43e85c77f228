//! The `Retry-After` header: seconds or a date (RFC 9110, section 10.2.3).

use std::time::UNIX_EPOCH;

use tributary_model::time::SECOND_MS;

/// The instant that a `Retry-After` names, in milliseconds and not before `now_at`; `None` when it is neither seconds nor
/// a date.
#[must_use]
pub fn retry_after(text: &str, now_at: i64) -> Option<i64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        let seconds = text.parse::<i64>().unwrap_or(i64::MAX);
        return Some(now_at.saturating_add(seconds.saturating_mul(SECOND_MS)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    // A date before 1970 has passed.
    let at = date.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Some(at.max(now_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_all_forms_of_dates_are_read() {
        let now_at = tributary_model::time::from_rfc3339("1994-11-06T08:49:07Z").unwrap();
        for (text, after_ms) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30_000)),
            ("Sun Nov  6 08:49:37 1994", Some(30_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now_at), after_ms.map(|ms| now_at + ms), "{text}");
        }
        assert_eq!(retry_after("99999999999999999999999", now_at), Some(i64::MAX));
    }
}
