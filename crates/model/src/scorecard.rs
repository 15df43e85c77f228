//! One team's measures for one window, upserted as late data arrives.
//!
//! Money of different currencies is never added, so the currency is part of the key. The scorecard *without* a currency
//! counts everything that happened and holds no money; the scorecard of a currency is the slice of touches that carried
//! money of that currency. Counts of the two therefore overlap and are not to be added up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The team whose scorecards add up all teams; no team of the canvas may have this name.
pub const ALL_TEAMS: &str = "all";
/// Dimension: everything a team answers for.
pub const DIMENSION_TEAM: &str = "team";
/// Dimension: one channel of a team.
pub const DIMENSION_CHANNEL: &str = "channel";
/// Dimension: one campaign of a team.
pub const DIMENSION_CAMPAIGN: &str = "campaign";
/// Dimension: what one agency trafficked for a team.
pub const DIMENSION_AGENCY: &str = "agency";
/// Dimension: what one partner did for a team.
pub const DIMENSION_PARTNER: &str = "partner";
/// Dimension: one store or other place of a team.
pub const DIMENSION_STORE: &str = "store";
/// Dimension: the lines of one product category in a team's sales and returns.
pub const DIMENSION_CATEGORY: &str = "category";
/// Dimension: everything that hangs on one tentpole, for a team.
pub const DIMENSION_TENTPOLE: &str = "tentpole";
/// Dimension: one product, over all teams; on `tributary.products`.
pub const DIMENSION_PRODUCT: &str = "product";
/// Dimension: one message of a team, as it was worded and drawn; on `tributary.products`.
pub const DIMENSION_CREATIVE: &str = "creative";
/// Window: one flight of a campaign.
pub const WINDOW_CAMPAIGN: &str = "campaign";
/// Window: one minute of event time.
pub const WINDOW_MINUTE: &str = "minute";
/// Window: one hour of event time.
pub const WINDOW_HOUR: &str = "hour";
/// Window: one day of event time, UTC.
pub const WINDOW_DAY: &str = "day";
/// Window: seven days of event time, from Monday in UTC.
pub const WINDOW_WEEK: &str = "week";
/// Window: all time.
pub const WINDOW_TOTAL: &str = "total";

/// What a scorecard is about and over which window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScorecardKey {
    /// The team that reads it, or [`ALL_TEAMS`].
    pub team_id: String,
    /// `team`, `channel`, `campaign`, `tentpole`, `agency`, `partner`, `store`, `category`, `product` or `creative`.
    pub dimension: String,
    /// The team, channel, campaign and so on.
    pub subject: String,
    /// `minute`, `hour`, `day`, `week`, `campaign` or `total`.
    pub window: String,
    /// First instant of the window; 0 for `total`.
    pub window_start_at: i64,
    /// Currency of the money in it; empty for the counts over all touches, whatever their money.
    pub currency: String,
}

impl ScorecardKey {
    /// The record key: the parts joined by `|`.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        format!(
            "{}|{}|{}|{}|{}|{}",
            self.team_id, self.dimension, self.subject, self.window, self.window_start_at, self.currency
        )
        .into_bytes()
    }
}

/// The additive measures of a scorecard: counts, and money in minor units of the key's currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Touches of any kind.
    pub touches: i64,
    /// Messages received.
    pub exposures: i64,
    /// Distinct persons with a touch.
    pub persons: i64,
    /// Distinct persons with an exposure.
    pub reach: i64,
    /// Distinct persons with a sale.
    pub buyers: i64,
    /// What the touches cost.
    pub cost_minor: i64,
    /// Sales.
    pub conversions: i64,
    /// Sales taken back.
    pub returns: i64,
    /// Lines of sales and returns.
    pub lines: i64,
    /// Net value of the sales made here (not credit).
    pub revenue_minor: i64,
    /// Net margin of the sales made here.
    pub margin_minor: i64,
    /// Reductions in the lines, by kind.
    pub discounts_minor: BTreeMap<String, i64>,
    /// Credit by model (`first`, `last`, `last_non_direct`, `linear`, `position_based`, `time_decay`): the parts of one sale
    /// add up to it over all teams.
    pub credit_minor: BTreeMap<String, i64>,
    /// Touches by place; its size is the number of distinct stores.
    pub locations: BTreeMap<String, i64>,
    /// Decisions sent.
    pub decisions_sent: i64,
    /// Decisions withheld, by reason.
    pub decisions_withheld: BTreeMap<String, i64>,
    /// Exposures with a message or campaign: those that tell a story.
    #[serde(default)]
    pub planned_exposures: i64,
    /// Of these, with a message approved in the canvas.
    #[serde(default)]
    pub approved_exposures: i64,
    /// Of these, the first to tell the person another story than it had heard.
    #[serde(default)]
    pub second_stories: i64,
    /// Distinct persons who were told more than one story when they met one of these.
    #[serde(default)]
    pub several_stories: i64,
    /// Contradictions that these completed, by kind.
    #[serde(default)]
    pub conflicts: BTreeMap<String, i64>,
    /// What came of decisions, by kind.
    #[serde(default)]
    pub outcomes: BTreeMap<String, i64>,
    /// Sales to persons whom a brand message had reached in the window before.
    #[serde(default)]
    pub brand_conversions: i64,
    /// Contacts with persons who were to be left alone, by the team that made them.
    #[serde(default)]
    pub leaks: i64,
    /// Outcomes of sent decisions in which the person or its channel's system answered.
    #[serde(default)]
    pub loops: i64,
    /// How long after the decision these were, in milliseconds of event time.
    #[serde(default)]
    pub loop_ms: i64,
    /// Suppressions that were sent.
    #[serde(default)]
    pub suppressions: i64,
    /// Sales, and complaints that were opened, by how long after the event the hub heard of them: within `1m`, `5m`, `1h`,
    /// `1d`, or `later`. No suppression can begin before.
    #[serde(default)]
    pub handover: BTreeMap<String, i64>,
    /// Touches by type; on products and creatives only.
    #[serde(default)]
    pub events: BTreeMap<String, i64>,
    /// Pieces sold less those taken back; on products only.
    #[serde(default)]
    pub pieces: i64,
    /// Reviews with a rating; on products only.
    #[serde(default)]
    pub ratings: i64,
    /// Sum of the ratings in hundredths of a star; on products only.
    #[serde(default)]
    pub rating_centi: i64,
}

impl Measures {
    /// Adds `other`; entries of maps that become zero disappear.
    pub fn add(&mut self, other: &Self) {
        self.touches += other.touches;
        self.exposures += other.exposures;
        self.persons += other.persons;
        self.reach += other.reach;
        self.buyers += other.buyers;
        self.cost_minor += other.cost_minor;
        self.conversions += other.conversions;
        self.returns += other.returns;
        self.lines += other.lines;
        self.revenue_minor += other.revenue_minor;
        self.margin_minor += other.margin_minor;
        self.decisions_sent += other.decisions_sent;
        add_entries(&mut self.discounts_minor, &other.discounts_minor);
        add_entries(&mut self.credit_minor, &other.credit_minor);
        add_entries(&mut self.locations, &other.locations);
        add_entries(&mut self.decisions_withheld, &other.decisions_withheld);
        self.planned_exposures += other.planned_exposures;
        self.approved_exposures += other.approved_exposures;
        self.second_stories += other.second_stories;
        self.several_stories += other.several_stories;
        add_entries(&mut self.conflicts, &other.conflicts);
        add_entries(&mut self.outcomes, &other.outcomes);
        self.brand_conversions += other.brand_conversions;
        self.leaks += other.leaks;
        self.loops += other.loops;
        self.loop_ms += other.loop_ms;
        self.suppressions += other.suppressions;
        add_entries(&mut self.handover, &other.handover);
        add_entries(&mut self.events, &other.events);
        self.pieces += other.pieces;
        self.ratings += other.ratings;
        self.rating_centi += other.rating_centi;
    }

    /// What takes these measures back: every count and amount with the opposite sign.
    #[must_use]
    pub fn negated(&self) -> Self {
        let entries = |map: &BTreeMap<String, i64>| map.iter().map(|(name, amount)| (name.clone(), -amount)).collect();
        Self {
            touches: -self.touches,
            exposures: -self.exposures,
            persons: -self.persons,
            reach: -self.reach,
            buyers: -self.buyers,
            cost_minor: -self.cost_minor,
            conversions: -self.conversions,
            returns: -self.returns,
            lines: -self.lines,
            revenue_minor: -self.revenue_minor,
            margin_minor: -self.margin_minor,
            discounts_minor: entries(&self.discounts_minor),
            credit_minor: entries(&self.credit_minor),
            locations: entries(&self.locations),
            decisions_sent: -self.decisions_sent,
            decisions_withheld: entries(&self.decisions_withheld),
            planned_exposures: -self.planned_exposures,
            approved_exposures: -self.approved_exposures,
            second_stories: -self.second_stories,
            several_stories: -self.several_stories,
            conflicts: entries(&self.conflicts),
            outcomes: entries(&self.outcomes),
            brand_conversions: -self.brand_conversions,
            leaks: -self.leaks,
            loops: -self.loops,
            loop_ms: -self.loop_ms,
            suppressions: -self.suppressions,
            handover: entries(&self.handover),
            events: entries(&self.events),
            pieces: -self.pieces,
            ratings: -self.ratings,
            rating_centi: -self.rating_centi,
        }
    }

    /// True when adding it changes nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

fn add_entries(into: &mut BTreeMap<String, i64>, from: &BTreeMap<String, i64>) {
    for (name, amount) in from {
        match into.get_mut(name) {
            Some(sum) => {
                *sum += amount;
                if *sum == 0 {
                    into.remove(name);
                }
            }
            None if *amount != 0 => drop(into.insert(name.clone(), *amount)),
            None => {}
        }
    }
}

/// A change to a scorecard; the record of the internal `tributary.measures`, keyed by scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasureDelta {
    /// Which scorecard.
    pub key: ScorecardKey,
    /// What to add.
    pub delta: Measures,
    /// How many changes it combines, at least 1; the scorecard's revision counts them.
    pub change_count: i64,
    /// Event time of the newest touch in it.
    pub occurred_at: i64,
}

/// The record of the compacted `tributary.metrics.<team>`, keyed by scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Which scorecard.
    pub key: ScorecardKey,
    /// The number of changes folded so far: the same for the same input, however it was cut into transactions.
    pub revision: i64,
    /// The measures now.
    pub measures: Measures,
    /// Event time of the newest touch in it.
    pub updated_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_and_their_negation_cancel_out() {
        let named = |name: &str, amount| BTreeMap::from([(name.to_owned(), amount)]);
        let measures = Measures {
            touches: 1,
            exposures: 2,
            persons: 3,
            reach: 4,
            buyers: 5,
            cost_minor: 6,
            conversions: 7,
            returns: 8,
            lines: 9,
            revenue_minor: -10,
            margin_minor: 11,
            discounts_minor: named("coupon", 12),
            credit_minor: named("linear", -13),
            locations: named("store-1", 14),
            decisions_sent: 15,
            decisions_withheld: named("capped", 16),
            planned_exposures: 20,
            approved_exposures: 21,
            second_stories: 22,
            several_stories: 23,
            conflicts: named("conflicts", 24),
            outcomes: named("outcomes", 25),
            brand_conversions: 40,
            leaks: 26,
            loops: 27,
            loop_ms: 28,
            suppressions: 29,
            handover: named("1m", 34),
            events: named("events", 30),
            pieces: 31,
            ratings: 32,
            rating_centi: 33,
        };
        let mut sum = measures.clone();
        sum.add(&measures);
        assert_eq!(sum.lines, 18);
        sum.add(&measures.negated());
        assert_eq!(sum, measures);
        sum.add(&measures.negated());
        assert!(sum.is_zero(), "{sum:?}");
    }
}
