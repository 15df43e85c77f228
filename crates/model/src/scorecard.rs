//! One team's measures for one window, upserted as late data arrives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a scorecard is about and over which window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScorecardKey {
    /// The team that reads it.
    pub team_id: String,
    /// `team`, `channel` or `campaign`.
    pub dimension: String,
    /// The team, channel or campaign.
    pub subject: String,
    /// `day` or `total`.
    pub window: String,
    /// First instant of the window; 0 for `total`.
    pub window_start_at: i64,
    /// Currency of the money in it; empty when there is none.
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
    /// Credit by model (`first`, `last`, `linear`): the parts of one sale add up to it over all teams.
    pub credit_minor: BTreeMap<String, i64>,
    /// Touches by place; its size is the number of distinct stores.
    pub locations: BTreeMap<String, i64>,
    /// Decisions sent.
    pub decisions_sent: i64,
    /// Decisions withheld, by reason.
    pub decisions_withheld: BTreeMap<String, i64>,
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
    }

    /// True when adding it changes nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

fn add_entries(into: &mut BTreeMap<String, i64>, from: &BTreeMap<String, i64>) {
    for (name, amount) in from {
        let sum = into.get(name).copied().unwrap_or(0) + amount;
        if sum == 0 {
            into.remove(name);
        } else {
            into.insert(name.clone(), sum);
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
    /// Event time of the newest touch in it.
    pub occurred_at: i64,
}

/// The record of the compacted `tributary.metrics.<team>`, keyed by scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Which scorecard.
    pub key: ScorecardKey,
    /// Counts up with every change.
    pub revision: i64,
    /// The measures now.
    pub measures: Measures,
    /// Event time of the newest touch in it.
    pub updated_at: i64,
}
