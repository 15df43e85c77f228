//! Which scorecards are kept: over which windows, and about what.
//!
//! Each touch is counted under every view that is asked for, so that more of them cost more. What is asked for later begins
//! with what is stated then, and a correction of what was stated before takes back there what was never counted.

use serde::{Deserialize, Serialize};
use tributary_model::scorecard::{
    DIMENSION_AGENCY, DIMENSION_CAMPAIGN, DIMENSION_CATEGORY, DIMENSION_CHANNEL, DIMENSION_CREATIVE, DIMENSION_PARTNER,
    DIMENSION_PRODUCT, DIMENSION_STORE, DIMENSION_TEAM, DIMENSION_TENTPOLE, WINDOW_CAMPAIGN, WINDOW_DAY, WINDOW_HOUR,
    WINDOW_MINUTE, WINDOW_TOTAL, WINDOW_WEEK,
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
    /// What hangs on one tentpole.
    Tentpole,
    /// What one agency trafficked.
    Agency,
    /// What one partner did.
    Partner,
    /// One store or other place.
    Store,
    /// The lines of one product category in sales and returns.
    Category,
    /// One product, over all teams: who was shown it, looked at it, bought it and brought it back.
    Product,
    /// One message, as it was worded and drawn.
    Creative,
}

impl Dimension {
    /// The name used in scorecards.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Team => DIMENSION_TEAM,
            Self::Channel => DIMENSION_CHANNEL,
            Self::Campaign => DIMENSION_CAMPAIGN,
            Self::Tentpole => DIMENSION_TENTPOLE,
            Self::Agency => DIMENSION_AGENCY,
            Self::Partner => DIMENSION_PARTNER,
            Self::Store => DIMENSION_STORE,
            Self::Category => DIMENSION_CATEGORY,
            Self::Product => DIMENSION_PRODUCT,
            Self::Creative => DIMENSION_CREATIVE,
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
    /// The flight of a campaign, by the canvas; of campaigns only.
    Campaign,
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
            Self::Campaign => WINDOW_CAMPAIGN,
            Self::Total => WINDOW_TOTAL,
        }
    }

    /// The window of this length that holds `at`; for a campaign, the flight that begins there.
    #[must_use]
    pub fn around(self, at: i64) -> Window {
        let start_at = match self {
            Self::Minute => at.div_euclid(MINUTE_MS) * MINUTE_MS,
            Self::Hour => at.div_euclid(HOUR_MS) * HOUR_MS,
            Self::Day => day_start(at),
            Self::Week => week_start(at),
            Self::Campaign => at,
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
    /// What is asked for, and what is always there: teams, their channels, campaigns and tentpoles, by day and in all.
    #[must_use]
    pub fn new(dimensions: &[Dimension], spans: &[Span]) -> Self {
        let mut views = Self {
            dimensions: vec![Dimension::Team, Dimension::Channel, Dimension::Campaign, Dimension::Tentpole],
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

    /// The windows that an event at `at` falls into, flights of campaigns aside.
    pub fn windows(&self, at: i64) -> impl Iterator<Item = Window> {
        self.spans.iter().filter(|span| **span != Span::Campaign).map(move |span| span.around(at))
    }

    /// Whether flights of campaigns are windows too.
    #[must_use]
    pub fn has_flights(&self) -> bool {
        self.spans.contains(&Span::Campaign)
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::time::from_rfc3339;

    use super::*;

    #[test]
    fn what_is_always_there_comes_with_what_is_asked_for() {
        let views = Views::new(&[Dimension::Store, Dimension::Team], &[Span::Week, Span::Day]);
        use Dimension::{Campaign, Channel, Store, Team, Tentpole};
        assert_eq!(views.dimensions(), [Team, Channel, Campaign, Tentpole, Store]);
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
