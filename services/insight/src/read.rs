//! For those who read scorecards: the metrics topics folded into the latest of each, and the proof that credit adds up.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_model::Scorecard;
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_TEAM, Measures, ScorecardKey, WINDOW_TOTAL};

use crate::credit_model::CreditModel;

/// The latest scorecards of the metrics topics that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scorecards {
    latest: BTreeMap<ScorecardKey, Scorecard>,
}

/// One subject in one window: its counts, and its money by currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The scorecard without a currency: counts over all touches.
    pub counts: Measures,
    /// The scorecards of the currencies: the slices of touches that carried money.
    pub money: BTreeMap<String, Measures>,
}

/// The part of a key that a row stands for; rows come in its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RowKey {
    /// The team that reads it.
    pub team_id: String,
    /// `team`, `channel` or `campaign`.
    pub dimension: String,
    /// The team, channel or campaign.
    pub subject: String,
}

/// A window and currency in which one model's credit is not the revenue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error(
    "credit by {model} in {window} {window_start_at} {currency}: the teams' {credit_minor} is not the revenue {revenue_minor}; \
     if records are still on the way wait for them, else replay the stage insight"
)]
pub struct CreditDifference {
    /// The model.
    pub model: &'static str,
    /// `day` or `total`.
    pub window: String,
    /// First instant of the window; 0 for `total`.
    pub window_start_at: i64,
    /// The currency.
    pub currency: String,
    /// Credit over all teams, in minor units.
    pub credit_minor: i64,
    /// Revenue over all teams, in minor units.
    pub revenue_minor: i64,
}

impl Scorecards {
    /// Takes over a record's value; an older revision than the one known changes nothing.
    pub fn apply(&mut self, scorecard: Scorecard) {
        match self.latest.get(&scorecard.key) {
            Some(known) if known.revision > scorecard.revision => {}
            _ => drop(self.latest.insert(scorecard.key.clone(), scorecard)),
        }
    }

    /// Takes over a tombstone: the scorecard with this record key is gone.
    pub fn remove(&mut self, record_key: &[u8]) {
        self.latest.retain(|key, _| key.to_key() != record_key);
    }

    /// The latest scorecard of a key.
    #[must_use]
    pub fn get(&self, key: &ScorecardKey) -> Option<&Scorecard> {
        self.latest.get(key)
    }

    /// All scorecards in order of key.
    pub fn iter(&self) -> impl Iterator<Item = &Scorecard> {
        self.latest.values()
    }

    /// The row of all time over all teams.
    #[must_use]
    pub fn whole(&self) -> Row {
        let key = RowKey {
            team_id: ALL_TEAMS.to_owned(),
            dimension: DIMENSION_TEAM.to_owned(),
            subject: ALL_TEAMS.to_owned(),
        };
        self.totals().remove(&key).unwrap_or_default()
    }

    /// The rows of all time.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<RowKey, Row> {
        let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
        for scorecard in self.latest.values().filter(|scorecard| scorecard.key.window == WINDOW_TOTAL) {
            let ScorecardKey { team_id, dimension, subject, currency, .. } = scorecard.key.clone();
            let row = rows.entry(RowKey { team_id, dimension, subject }).or_default();
            if currency.is_empty() {
                row.counts = scorecard.measures.clone();
            } else {
                row.money.insert(currency, scorecard.measures.clone());
            }
        }
        rows
    }

    /// Where the teams' credit is not the revenue over all teams, for every model, window and currency: empty once all
    /// records of all metrics topics have been read. While records are on the way differences are normal.
    #[must_use]
    pub fn credit_differences(&self) -> Vec<CreditDifference> {
        let mut sums: BTreeMap<(&str, i64, &str), (i64, [i64; CreditModel::COUNT])> = BTreeMap::new();
        for Scorecard { key, measures, .. } in self.latest.values() {
            if key.dimension != DIMENSION_TEAM || key.currency.is_empty() {
                continue;
            }
            let sum = sums.entry((&key.window, key.window_start_at, &key.currency)).or_default();
            if key.team_id == ALL_TEAMS {
                sum.0 += measures.revenue_minor;
                continue;
            }
            for (index, model) in CreditModel::ALL.into_iter().enumerate() {
                sum.1[index] += measures.credit_minor.get(model.name()).copied().unwrap_or(0);
            }
        }
        let mut differences = Vec::new();
        for ((window, window_start_at, currency), (revenue_minor, by_model)) in sums {
            for (model, credit_minor) in CreditModel::ALL.into_iter().zip(by_model) {
                if credit_minor != revenue_minor {
                    differences.push(CreditDifference {
                        model: model.name(),
                        window: window.to_owned(),
                        window_start_at,
                        currency: currency.to_owned(),
                        credit_minor,
                        revenue_minor,
                    });
                }
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scorecard(team_id: &str, currency: &str, revision: i64, measures: Measures) -> Scorecard {
        let key = ScorecardKey {
            team_id: team_id.to_owned(),
            dimension: DIMENSION_TEAM.to_owned(),
            subject: team_id.to_owned(),
            window: WINDOW_TOTAL.to_owned(),
            window_start_at: 0,
            currency: currency.to_owned(),
        };
        Scorecard { key, revision, measures, updated_at: revision }
    }

    fn credited(amount_minor: i64) -> Measures {
        let credit = CreditModel::ALL.map(|model| (model.name().to_owned(), amount_minor));
        Measures { credit_minor: BTreeMap::from(credit), ..Measures::default() }
    }

    #[test]
    fn the_latest_revision_wins_and_tombstones_remove() {
        let mut read = Scorecards::default();
        let newer = scorecard("email", "", 2, Measures { touches: 5, ..Measures::default() });
        read.apply(newer.clone());
        read.apply(scorecard("email", "", 1, Measures::default()));
        assert_eq!(read.get(&newer.key), Some(&newer));
        read.remove(&newer.key.to_key());
        assert_eq!(read.iter().count(), 0);
    }

    #[test]
    fn a_row_joins_counts_and_money_of_one_subject() {
        let mut read = Scorecards::default();
        read.apply(scorecard(ALL_TEAMS, "", 1, Measures { touches: 9, ..Measures::default() }));
        read.apply(scorecard(ALL_TEAMS, "USD", 1, Measures { revenue_minor: 7, ..Measures::default() }));
        let whole = read.whole();
        assert_eq!((whole.counts.touches, whole.money["USD"].revenue_minor), (9, 7));
    }

    #[test]
    fn credit_that_does_not_add_up_is_named_with_model_and_currency() {
        let mut read = Scorecards::default();
        read.apply(scorecard(ALL_TEAMS, "USD", 1, Measures { revenue_minor: 100, ..Measures::default() }));
        read.apply(scorecard("email", "USD", 1, credited(60)));
        read.apply(scorecard("social", "USD", 1, credited(40)));
        assert_eq!(read.credit_differences(), Vec::new());
        let mut short = credited(40);
        short.credit_minor.remove("linear");
        read.apply(scorecard("social", "USD", 2, short));
        let differences = read.credit_differences();
        assert_eq!(differences.len(), 1);
        assert_eq!(
            (differences[0].model, differences[0].credit_minor, differences[0].revenue_minor),
            ("linear", 60, 100)
        );
    }
}
