//! For those who ask who is credited: the topic of paths folded into the latest counts of each, and every model over them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_attribution::{AttributionError, Model, Paths, StandardError, attribute};
use tributary_model::path::{PathKey, PathStatistics, Waypoint};

/// What a path is made of, for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Channels, whoever's they are.
    Channel,
    /// Teams.
    Team,
}

impl By {
    fn label(self, waypoint: &Waypoint) -> &str {
        match self {
            Self::Channel => &waypoint.channel,
            Self::Team => &waypoint.team_id,
        }
    }
}

/// Whose paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Whose {
    /// Those of persons: all conversions.
    #[default]
    Persons,
    /// Those of accounts, with what all their members heard: the conversions that name an account.
    Accounts,
}

/// Which paths, and how they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// Whose.
    pub whose: Whose,
    /// What is credited.
    pub by: By,
    /// First instant of the one month; all time when absent.
    pub month_start_at: Option<i64>,
    /// The currency of the value.
    pub currency: &'a str,
}

/// The latest counts of the paths that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedPaths {
    /// By record key.
    latest: BTreeMap<Vec<u8>, PathStatistics>,
}

/// What a model gives one channel or team.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathCredit {
    /// The channel or team.
    pub subject: String,
    /// Conversions.
    pub conversions: f64,
    /// Value in minor units of the currency asked for.
    pub value_minor: f64,
    /// Of Markov models: the share of conversions that would be lost without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal_effect: Option<f64>,
    /// Standard error of the conversions, where they are estimated from a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversions_error: Option<f64>,
    /// Standard error of the value in minor units, where it is estimated from a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_error_minor: Option<f64>,
}

impl CountedPaths {
    /// Takes over a record: the counts of its path, or for a tombstone that nobody has gone it any more.
    pub fn apply(&mut self, record_key: Vec<u8>, statistics: Option<PathStatistics>) {
        match statistics {
            Some(statistics) => drop(self.latest.insert(record_key, statistics)),
            None => drop(self.latest.remove(&record_key)),
        }
    }

    /// The months there are paths of.
    #[must_use]
    pub fn months(&self) -> BTreeSet<i64> {
        self.latest.values().map(|path| path.key.month_start_at).collect()
    }

    /// The currencies there is value in.
    #[must_use]
    pub fn currencies(&self) -> BTreeSet<&str> {
        self.latest.values().flat_map(|path| path.counts.value_minor.keys().map(String::as_str)).collect()
    }

    /// The paths that a question is about, as the models take them.
    ///
    /// # Errors
    /// [`AttributionError`] when a path has no waypoints.
    pub fn asked(&self, question: &Question<'_>) -> Result<Paths, AttributionError> {
        let mut paths = Paths::new();
        let is_account = question.whose == Whose::Accounts;
        let is_asked = |key: &PathKey| {
            key.is_account == is_account && question.month_start_at.is_none_or(|month| month == key.month_start_at)
        };
        for PathStatistics { key, counts } in self.latest.values().filter(|path| is_asked(&path.key)) {
            let labels: Vec<&str> = key.waypoints.iter().map(|waypoint| question.by.label(waypoint)).collect();
            let value_minor = counts.value_minor.get(question.currency).copied().unwrap_or(0);
            paths.add(&labels, counts.conversions, value_minor, counts.nulls)?;
        }
        Ok(paths)
    }
}

/// What a model gives each channel or team of these paths, in their order.
///
/// # Errors
/// [`AttributionError`] when the counts cannot be credited.
pub fn credits(paths: &Paths, model: Model) -> Result<Vec<PathCredit>, AttributionError> {
    let credits = attribute(paths, model)?.credits.into_iter();
    let credit = |credit: tributary_attribution::Credit| {
        let error = |of: fn(StandardError) -> f64| credit.standard_error.map(of);
        PathCredit {
            subject: credit.channel.to_string(),
            conversions: credit.conversions,
            value_minor: credit.value_minor,
            removal_effect: credit.removal_effect,
            conversions_error: error(|error| error.conversions),
            value_error_minor: error(|error| error.value_minor),
        }
    };
    Ok(credits.map(credit).collect())
}

#[cfg(test)]
mod tests {
    use tributary_model::path::PathCounts;

    use super::*;

    fn apply(counted: &mut CountedPaths, statistics: PathStatistics) {
        counted.apply(statistics.key.to_key(), Some(statistics));
    }

    fn statistics(
        month_start_at: i64,
        way: &[(&str, &str)],
        conversions: i64,
        value: i64,
        nulls: i64,
    ) -> PathStatistics {
        let waypoint =
            |(team, channel): &(&str, &str)| Waypoint { team_id: (*team).into(), channel: (*channel).into() };
        let value_minor = [("USD".to_owned(), value)].into_iter().filter(|(_, value)| *value != 0).collect();
        PathStatistics {
            key: PathKey { month_start_at, waypoints: way.iter().map(waypoint).collect(), is_account: false },
            counts: PathCounts { conversions, value_minor, nulls },
        }
    }

    fn by_team_in_month_one() -> Question<'static> {
        Question { whose: Whose::Persons, by: By::Team, month_start_at: Some(1), currency: "USD" }
    }

    fn counted() -> CountedPaths {
        let mut counted = CountedPaths::default();
        apply(&mut counted, statistics(1, &[("crm", "email"), ("crm", "sms")], 2, 500, 1));
        apply(&mut counted, statistics(2, &[("crm", "email")], 0, 0, 9));
        apply(&mut counted, statistics(2, &[("crm", "email"), ("social", "paid")], 1, 100, 0));
        counted
    }

    /// Whatever the models make of paths of persons is untouched by those of accounts, and the other way round.
    #[test]
    fn paths_of_accounts_are_credited_for_themselves() {
        let mut counted = counted();
        let mut of_account = statistics(2, &[("crm", "email"), ("social", "paid"), ("crm", "email")], 1, 101, 4);
        of_account.key.is_account = true;
        apply(&mut counted, of_account);
        let question = |whose| Question { whose, by: By::Team, month_start_at: None, currency: "USD" };
        let (persons, accounts) = (question(Whose::Persons), question(Whose::Accounts));
        assert_eq!(linear(&counted, &persons), linear(&self::counted(), &persons));
        assert!(linear(&self::counted(), &accounts).is_empty());
        for model in Model::ALL {
            let credits = credits(&counted.asked(&accounts).unwrap(), model).unwrap();
            let total: f64 = credits.iter().map(|credit| credit.value_minor).sum();
            assert!((total - 101.0).abs() < 1e-6, "{}: {total}", model.name());
        }
    }

    fn linear(counted: &CountedPaths, question: &Question<'_>) -> Vec<(String, f64, f64)> {
        let credits = credits(&counted.asked(question).unwrap(), Model::Linear).unwrap().into_iter();
        credits.map(|credit| (credit.subject, credit.conversions, credit.value_minor)).collect()
    }

    #[test]
    fn paths_are_credited_by_channel_and_by_team_over_all_time_and_in_a_month() {
        let counted = counted();
        let by = |by, month_start_at| {
            linear(&counted, &Question { whose: Whose::Persons, by, month_start_at, currency: "USD" })
        };
        let of = |subject: &str, conversions, value| (subject.to_owned(), conversions, value);
        assert_eq!(by(By::Channel, None), [of("email", 1.5, 300.0), of("paid", 0.5, 50.0), of("sms", 1.0, 250.0)]);
        assert_eq!(by(By::Team, None), [of("crm", 2.5, 550.0), of("social", 0.5, 50.0)]);
        assert_eq!(by(By::Team, Some(2)), [of("crm", 0.5, 50.0), of("social", 0.5, 50.0)]);
        let euros = linear(&counted, &Question { currency: "EUR", ..by_team_in_month_one() });
        assert_eq!(euros, [of("crm", 2.0, 0.0)]);
        assert_eq!((counted.months().len(), counted.currencies()), (2, BTreeSet::from(["USD"])));
    }

    #[test]
    fn the_latest_counts_stand_and_a_tombstone_removes_a_path() {
        let mut counted = counted();
        let newer = statistics(1, &[("crm", "email"), ("crm", "sms")], 3, 600, 0);
        apply(&mut counted, newer.clone());
        let question = by_team_in_month_one();
        assert_eq!(linear(&counted, &question), [("crm".to_owned(), 3.0, 600.0)]);
        counted.apply(newer.key.to_key(), None);
        assert!(linear(&counted, &question).is_empty());
        assert_eq!(counted.latest.len(), 2);
    }

    /// A return in another month than its sale: value without a sale.
    #[test]
    fn what_a_return_takes_back_is_taken_from_those_on_its_path() {
        let mut counted = CountedPaths::default();
        apply(&mut counted, statistics(1, &[("crm", "email"), ("crm", "sms")], 0, -300, 2));
        let question = Question { by: By::Channel, month_start_at: None, ..by_team_in_month_one() };
        let expected = [("email".to_owned(), 0.0, -150.0), ("sms".to_owned(), 0.0, -150.0)];
        assert_eq!(linear(&counted, &question), expected);
    }
}
