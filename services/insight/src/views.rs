//! Which scorecards are kept: over which windows, and about what.
//!
//! Each touch is counted under every view that is asked for, so that more of them cost more. What is asked for later begins
//! with what is stated then, and a correction of what was stated before takes back there what was never counted.

use serde::{Deserialize, Serialize};
use tributary_model::scorecard::{
    DIMENSION_AGENCY, DIMENSION_CAMPAIGN, DIMENSION_CATEGORY, DIMENSION_CHANNEL, DIMENSION_PARTNER, DIMENSION_STORE,
    DIMENSION_TEAM, WINDOW_DAY, WINDOW_HOUR, WINDOW_MINUTE, WINDOW_TOTAL, WINDOW_WEEK,
};
use tributary_model::time::{HOUR_MS, MINUTE_MS, day_start, week_start};

/// What a scorecard of a team is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Everything that the team answers for.
    Team,
    /// One channel.
    Channel,
    /// One campaign.
    Campaign,
    /// What one agency trafficked.
    Agency,
    /// What one partner did.
    Partner,
    /// One store or other place.
    Store,
    /// The lines of one product category in sales and returns.
    Category,
}

impl Dimension {
    /// The name used in scorecards.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Team => DIMENSION_TEAM,
            Self::Channel => DIMENSION_CHANNEL,
            Self::Campaign => DIMENSION_CAMPAIGN,
            Self::Agency => DIMENSION_AGENCY,
            Self::Partner => DIMENSION_PARTNER,
            Self::Store => DIMENSION_STORE,
            Self::Category => DIMENSION_CATEGORY,
        }
    }
}

/// How long a window is; all are counted from midnight or Monday in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Seven days from Monday.
    Week,
    /// All time.
    Total,
}

/// The span of event time that a scorecard covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// How long it is.
    pub span: Span,
    /// Its first instant in milliseconds; 0 for all time.
    pub start_at: i64,
}

impl Span {
    /// The name used in scorecards.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => WINDOW_MINUTE,
            Self::Hour => WINDOW_HOUR,
            Self::Day => WINDOW_DAY,
            Self::Week => WINDOW_WEEK,
            Self::Total => WINDOW_TOTAL,
        }
    }

    /// The window of this length that holds `at`.
    #[must_use]
    pub fn around(self, at: i64) -> Window {
        let start_at = match self {
            Self::Minute => at.div_euclid(MINUTE_MS) * MINUTE_MS,
            Self::Hour => at.div_euclid(HOUR_MS) * HOUR_MS,
            Self::Day => day_start(at),
            Self::Week => week_start(at),
            Self::Total => 0,
        };
        Window { span: self, start_at }
    }
}

/// The scorecards that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Views {
    dimensions: Vec<Dimension>,
    spans: Vec<Span>,
}

impl Default for Views {
    fn default() -> Self {
        Self::new(&[], &[])
    }
}

impl Views {
    /// What is asked for, and what is always there: teams, their channels and campaigns, by day and in all.
    #[must_use]
    pub fn new(dimensions: &[Dimension], spans: &[Span]) -> Self {
        let mut views = Self {
            dimensions: vec![Dimension::Team, Dimension::Channel, Dimension::Campaign],
            spans: vec![Span::Day, Span::Total],
        };
        views.dimensions.extend(dimensions);
        views.spans.extend(spans);
        views.dimensions.sort_unstable();
        views.dimensions.dedup();
        views.spans.sort_unstable();
        views.spans.dedup();
        views
    }

    /// The dimensions, in their order.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// True when this dimension is kept.
    #[must_use]
    pub fn has(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
    }

    /// The windows that an event at `at` falls into.
    pub fn windows(&self, at: i64) -> impl Iterator<Item = Window> {
        self.spans.iter().map(move |span| span.around(at))
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::time::from_rfc3339;

    use super::*;

    #[test]
    fn what_is_always_there_comes_with_what_is_asked_for() {
        let views = Views::new(&[Dimension::Store, Dimension::Team], &[Span::Week, Span::Day]);
        assert_eq!(views.dimensions(), [Dimension::Team, Dimension::Channel, Dimension::Campaign, Dimension::Store]);
        assert!(views.has(Dimension::Store) && !views.has(Dimension::Category));
        assert_eq!(views.spans, [Span::Day, Span::Week, Span::Total]);
    }

    #[test]
    fn windows_begin_with_their_minute_hour_day_and_monday() {
        let at = from_rfc3339("2026-11-22T07:40:31.5Z").unwrap();
        let starts = [
            (Span::Minute, "2026-11-22T07:40:00Z"),
            (Span::Hour, "2026-11-22T07:00:00Z"),
            (Span::Day, "2026-11-22T00:00:00Z"),
            (Span::Week, "2026-11-16T00:00:00Z"),
            (Span::Total, "1970-01-01T00:00:00Z"),
        ];
        for (span, start) in starts {
            assert_eq!(Some(span.around(at).start_at), from_rfc3339(start), "{span:?}");
        }
        assert_eq!(Span::Minute.around(-1).start_at, -MINUTE_MS);
    }
}
