//! Experiments that are run elsewhere: the touch by which they say that a person was exposed in one.

use std::collections::BTreeMap;

use crate::decision::Arm;
use crate::experiment::BUCKETS;
use crate::touchpoint::Touchpoint;

/// The longest name of such an experiment.
const MAX_NAME_BYTES: usize = 128;

/// The type of a touch by which an experiment that is run elsewhere says that a person was exposed in it.
pub const EXPERIMENT_VIEWED: &str = "experiment.viewed";

/// What such a touch says, in its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentViewed<'a> {
    /// The experiment, `experiment_id`.
    pub experiment_id: &'a str,
    /// The arm, `arm`: `treated` or `held_out`.
    pub arm: Arm,
    /// The share that is held out, in parts of [`BUCKETS`]: `holdout_percent`.
    pub holdout_buckets: u16,
}

/// Why the properties of such a touch say nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("properties.{property}: {found}; {remedy}")]
pub struct NotViewed {
    /// The property.
    pub property: &'static str,
    /// What is there.
    pub found: String,
    /// What has to be.
    pub remedy: &'static str,
}

impl Touchpoint {
    /// What a touch `experiment.viewed` says; `None` for others.
    ///
    /// # Errors
    /// [`NotViewed`] when a property is missing or is not what it has to be.
    #[must_use]
    pub fn experiment_viewed(&self) -> Option<Result<ExperimentViewed<'_>, NotViewed>> {
        (self.event_type == EXPERIMENT_VIEWED).then(|| experiment_viewed(&self.properties))
    }
}

/// What the properties of a touch `experiment.viewed` say.
///
/// # Errors
/// [`NotViewed`] when a property is missing or is not what it has to be.
pub fn experiment_viewed(properties: &BTreeMap<String, String>) -> Result<ExperimentViewed<'_>, NotViewed> {
    let text = |name: &str| properties.get(name).map(String::as_str);
    let refuse = |property, found: Option<&str>, remedy| {
        let found = found.map_or_else(|| "is missing".to_owned(), |text| format!("is \"{text}\""));
        NotViewed { property, found, remedy }
    };
    let experiment_id =
        text("experiment_id").filter(|id| (1..=MAX_NAME_BYTES).contains(&id.len())).ok_or_else(|| {
            refuse("experiment_id", text("experiment_id"), "write the experiment's name, of at most 128 bytes")
        })?;
    let arm = match text("arm") {
        Some("treated") => Arm::Treated,
        Some("held_out") => Arm::HeldOut,
        other => return Err(refuse("arm", other, "write treated or held_out")),
    };
    let buckets = text("holdout_percent")
        .and_then(|text| text.parse::<f64>().ok())
        .map(|percent| (percent * f64::from(BUCKETS) / 100.0).round());
    let holdout_buckets = buckets.filter(|buckets| (1.0..f64::from(BUCKETS)).contains(buckets)).ok_or_else(|| {
        refuse(
            "holdout_percent",
            text("holdout_percent"),
            "write the share of persons who were to be held out in percent, such as 50",
        )
    })?;
    Ok(ExperimentViewed { experiment_id, arm, holdout_buckets: holdout_buckets as u16 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_property_of_a_viewed_experiment_is_demanded_with_a_remedy() {
        let properties = |changed: &[(&str, Option<&str>)]| {
            let mut all: BTreeMap<&str, &str> =
                [("experiment_id", "mens"), ("arm", "held_out"), ("holdout_percent", "33.33")].into();
            for (name, value) in changed {
                match value {
                    Some(value) => drop(all.insert(name, value)),
                    None => drop(all.remove(name)),
                }
            }
            all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>()
        };
        let whole = properties(&[]);
        let viewed = ExperimentViewed { experiment_id: "mens", arm: Arm::HeldOut, holdout_buckets: 3_333 };
        assert_eq!(experiment_viewed(&whole), Ok(viewed));
        let message = |name: &str, value| experiment_viewed(&properties(&[(name, value)])).unwrap_err().to_string();
        assert!(message("experiment_id", None).starts_with("properties.experiment_id: is missing; write"));
        assert!(message("arm", Some("control")).contains("is \"control\"; write treated or held_out"));
        for value in [None, Some("half"), Some("0"), Some("100"), Some("NaN")] {
            assert!(message("holdout_percent", value).starts_with("properties.holdout_percent: is "));
        }
    }
}
