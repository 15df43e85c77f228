//! Experiments: who takes part in which arm, and what the arms came to.

use serde::{Deserialize, Serialize};

use crate::decision::Arm;
use crate::ids::PersonId;

/// The share of persons that is held out is given in parts of this many.
pub const BUCKETS: u16 = 10_000;

/// An experiment, with what was decided before it began; or persons who are compared as they came. Where the share that is held out is changed, another part of the
/// same experiment begins: the two are not to be mixed, because persons of one arm would be newer than those of the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExperimentKey {
    /// Its name.
    pub experiment: String,
    /// The team whose messages are tried; [`crate::scorecard::ALL_TEAMS`] for a control group that gets none of any team.
    pub team_id: String,
    /// The share of persons to be held out, in parts of [`BUCKETS`].
    pub holdout_buckets: i32,
    /// Whether arms are drawn by household or account. Their persons are not independent of each other.
    pub is_clustered: bool,
    /// The campaign that its messages belong to.
    #[serde(default)]
    pub campaign_id: Option<String>,
    /// Whether nobody drew arms: those who had something are held against those who had not. What differs between them need
    /// not be its doing.
    #[serde(default)]
    pub is_observed: bool,
}

impl ExperimentKey {
    /// The record key: the parts as one JSON array, `["cart-abandoned:2026","crm",1000,false]`, and after them the campaign,
    /// where there is one.
    #[must_use]
    pub fn to_key(&self) -> Vec<u8> {
        let Self { experiment, team_id, holdout_buckets, is_clustered, campaign_id, .. } = self;
        let parts = match campaign_id {
            None => serde_json::json!([experiment, team_id, holdout_buckets, is_clustered]),
            Some(campaign) => serde_json::json!([experiment, team_id, holdout_buckets, is_clustered, campaign]),
        };
        parts.to_string().into_bytes()
    }
}

/// How a person takes part in an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentStatus {
    /// In the arm that is named.
    Enrolled,
    /// A merge joined both arms: nothing can be learnt from this person.
    Contaminated,
    /// Not any more: the person was merged into another, who takes part instead.
    Withdrawn,
}

/// A person takes part in an experiment from its first exposure on: the first message of it that was sent, or would have
/// been sent had the person not been held out. Each record replaces what was told of the person and the experiment before;
/// the record of `tributary.enrolments`, keyed by person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The person.
    pub person_id: PersonId,
    /// The experiment.
    pub key: ExperimentKey,
    /// The arm of the first exposure.
    pub arm: Arm,
    /// How the person takes part.
    pub status: EnrolmentStatus,
    /// When the first exposure was.
    pub enrolled_at: i64,
}

/// What persons are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftMetric {
    /// Came to a site, an app or a store, 1 or 0.
    Visit,
    /// Bought, 1 or 0.
    Conversion,
    /// Net value of sales in minor units.
    Revenue,
    /// Net margin of sales in minor units.
    Margin,
    /// What was spent on messages to the person, in minor units.
    Cost,
}

impl LiftMetric {
    /// The name used in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Conversion => "conversion",
            Self::Revenue => "revenue",
            Self::Margin => "margin",
            Self::Cost => "cost",
        }
    }
}

/// Sums over the persons of one arm for one metric: of what each did after the first exposure (outcome) and before
/// (covariate). Written as text, since squares of money exceed 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSums {
    /// The metric.
    pub metric: LiftMetric,
    /// The currency of money; empty otherwise.
    pub currency: String,
    /// How many persons have an outcome other than zero.
    pub nonzero: i64,
    /// Sum of the outcomes.
    #[serde(with = "as_text")]
    pub outcomes: i128,
    /// Sum of the outcomes' squares.
    #[serde(with = "as_text")]
    pub outcome_squares: i128,
    /// Sum of the covariates.
    #[serde(with = "as_text")]
    pub covariates: i128,
    /// Sum of the covariates' squares.
    #[serde(with = "as_text")]
    pub covariate_squares: i128,
    /// Sum of the products of outcome and covariate.
    #[serde(with = "as_text")]
    pub products: i128,
}

/// The persons of one arm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmSums {
    /// How many there are.
    pub persons: i64,
    /// What they did, by metric and currency; nothing where all sums are zero.
    pub metrics: Vec<MetricSums>,
}

/// The sums of an experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentSums {
    /// Those who get the messages.
    pub treated: ArmSums,
    /// Those who do not.
    pub held_out: ArmSums,
    /// Persons who are left out because a merge joined both arms.
    pub contaminated: i64,
    /// Persons who are left out because it was not known in time that they take part.
    pub late: i64,
}

/// A change to the sums of an experiment; the record of the internal `tributary.experiment-changes`, keyed by experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftDelta {
    /// Which experiment.
    pub key: ExperimentKey,
    /// What to add.
    pub delta: ExperimentSums,
}

/// What the sums say of one metric. Means and effects are for each person, in the metric's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiftEstimate {
    /// The metric.
    pub metric: LiftMetric,
    /// The currency of money; empty otherwise.
    pub currency: String,
    /// Whether the noise that the time before explains has been removed (CUPED).
    pub is_adjusted: bool,
    /// Mean of the treated.
    pub treated_mean: f64,
    /// Mean of the held-out.
    pub held_out_mean: f64,
    /// Treated mean less held-out mean.
    pub effect: f64,
    /// Standard error of the effect.
    pub standard_error: f64,
    /// Lower limit for a reader who looks once.
    pub fixed_low: f64,
    /// Upper limit for a reader who looks once.
    pub fixed_high: f64,
    /// For a reader who looks once: the probability of a difference like this without an effect.
    pub fixed_p_value: f64,
    /// Lower limit for a reader who looks at any time; nothing while it is too early to say.
    pub anytime_low: Option<f64>,
    /// Upper limit for a reader who looks at any time.
    pub anytime_high: Option<f64>,
    /// For a reader who looks at any time: the smallest level at which "no effect" is excluded.
    pub anytime_p_value: Option<f64>,
}

/// An experiment as it stands; the record of the compacted `tributary.lift`, keyed by experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentLift {
    /// Which experiment.
    pub key: ExperimentKey,
    /// The sums that the estimates are made of.
    pub sums: ExperimentSums,
    /// False where nothing that is said here is to be believed: the sizes of the arms are out of what chance allows, or
    /// persons were not drawn one by one.
    pub is_trusted: bool,
    /// The probability that the arms are so far from their sizes by chance, for a reader who looks at any time.
    pub ratio_p_value: f64,
    /// What the sums say; nothing for a metric that does not yet differ between persons.
    pub estimates: Vec<LiftEstimate>,
}

/// Integers of 128 bits as decimal text.
mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom(format!("\"{text}\" is not an integer of 128 bits")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_any_sign_in_them_make_different_keys() {
        let key = |experiment: &str, team_id: &str| {
            let (experiment, team_id) = (experiment.to_owned(), team_id.to_owned());
            let key = ExperimentKey {
                experiment,
                team_id,
                holdout_buckets: 1_000,
                is_clustered: false,
                campaign_id: None,
                is_observed: false,
            };
            String::from_utf8(key.to_key()).unwrap()
        };
        assert_eq!(key("cart:2026", "crm"), r#"["cart:2026","crm",1000,false]"#);
        assert_ne!(key("a\",\"b", "c"), key("a", "b\",\"c"));
    }

    #[test]
    fn sums_beyond_64_bits_are_written_as_text() {
        let sums = MetricSums {
            metric: LiftMetric::Revenue,
            currency: "USD".to_owned(),
            nonzero: 1,
            outcomes: -5,
            outcome_squares: i128::MAX,
            covariates: 0,
            covariate_squares: 0,
            products: i128::MIN,
        };
        let json = serde_json::to_value(&sums).unwrap();
        assert_eq!(json["outcome_squares"], i128::MAX.to_string());
        assert_eq!(serde_json::from_value::<MetricSums>(json).unwrap(), sums);
        let error = serde_json::from_value::<MetricSums>(serde_json::json!({
            "metric": "revenue", "currency": "USD", "nonzero": 1, "outcomes": "many"
        }));
        assert!(error.unwrap_err().to_string().contains("\"many\" is not an integer of 128 bits"));
    }
}
