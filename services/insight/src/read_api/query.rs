//! What is asked for: which scorecards, from where on, in which form.

use serde::Deserialize;
use tributary_model::scorecard::{ScorecardKey, WINDOW_TOTAL};
use tributary_model::time::from_rfc3339;

/// The most rows of one answer.
pub(super) const MAX_ROWS: usize = 10_000;
/// The rows of an answer when nothing is said.
const ROWS: usize = 1_000;

/// The parameters of `/v1/scorecards` and `/v1/products`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CardQuery {
    pub(super) team: Option<String>,
    pub(super) dimension: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) window: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) after: Option<String>,
    pub(super) format: Option<Format>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// One JSON object.
    #[default]
    Json,
    /// Comma-separated values with a header, RFC 4180.
    Csv,
}

/// A query that was understood.
#[derive(Debug)]
pub(super) struct Asked {
    query: CardQuery,
    window: String,
    from_at: i64,
    to_at: i64,
    pub(super) limit: usize,
}

impl CardQuery {
    /// Understands it, or says what is wrong and what to write.
    pub(super) fn understand(self) -> Result<Asked, String> {
        let instant = |name: &str, text: &Option<String>, other: i64| match text {
            None => Ok(other),
            Some(text) => from_rfc3339(text).or_else(|| from_rfc3339(&format!("{text}T00:00:00Z"))).ok_or_else(|| {
                format!("{name}={text} is no instant: write a day such as 2026-11-01, or RFC 3339 with Z")
            }),
        };
        let (from_at, to_at) = (instant("from", &self.from, i64::MIN)?, instant("to", &self.to, i64::MAX)?);
        let limit = self.limit.unwrap_or(ROWS);
        if !(1..=MAX_ROWS).contains(&limit) {
            return Err(format!("limit={limit}: ask for 1 to {MAX_ROWS} rows, and for the next with `after`"));
        }
        let window = self.window.clone().unwrap_or_else(|| WINDOW_TOTAL.to_owned());
        Ok(Asked { window, from_at, to_at, limit, query: self })
    }
}

impl Asked {
    /// Whether a scorecard is asked for.
    pub(super) fn wants(&self, key: &ScorecardKey) -> bool {
        let is = |asked: &Option<String>, value: &str| asked.as_deref().is_none_or(|asked| asked == value);
        key.window == self.window
            && (self.from_at..self.to_at).contains(&key.window_start_at)
            && is(&self.query.team, &key.team_id)
            && is(&self.query.dimension, &key.dimension)
            && is(&self.query.subject, &key.subject)
            && is(&self.query.currency, &key.currency)
            && self.query.after.as_deref().is_none_or(|after| record_key(key).as_str() > after)
    }
}

/// The record key of a scorecard as text: what pages go by.
pub(super) fn record_key(key: &ScorecardKey) -> String {
    String::from_utf8_lossy(&key.to_key()).into_owned()
}
