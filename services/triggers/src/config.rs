//! The configuration of the triggers.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arbitrate::Arbitration;
use crate::caps::Cap;
use crate::definition::read_zone;
use crate::experiment::GlobalControl;
use crate::fields::Report;
use crate::preference::PreferenceRules;
use crate::problem::Problem;
use crate::quiet::QuietHours;
use crate::span::Span;

/// Configuration of the triggers, as it stands under `triggers:` in the configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TriggersConfig {
    /// Directories of definitions that add to the built-in ones, or replace those of the same id.
    pub directories: Vec<PathBuf>,
    /// Whether the built-in definitions run at all.
    pub builtin: bool,
    /// Ids of triggers that are switched off.
    pub disabled: Vec<String>,
    /// The zone of persons of whom no touch states one.
    pub default_time_zone: String,
    /// The property of a touch that states the person's IANA time zone.
    pub time_zone_property: String,
    /// Purposes that need consent where a trigger does not say.
    pub deny_by_default: Vec<String>,
    /// Purposes withdrawn by unsubscribing from a channel.
    pub unsubscribe_withdraws: Vec<String>,
    /// Caps on every message that is not transactional, in the form of a definition's `caps`.
    pub caps: Vec<Value>,
    /// Quiet hours of messages that have none of their own, in the form of a definition's `quiet_hours`.
    pub quiet_hours: Option<Value>,
    /// How long decisions wait for the state of a person being merged in, in event time.
    pub merge_wait: Span,
    /// How long it is remembered what has fired.
    pub remember: Span,
    /// Which messages of a person compete: `window` and `scope`.
    pub arbitration: Option<Value>,
    /// A directory of `<team>.yaml`: what the payloads for a team must look like.
    pub payload_schemas: Option<PathBuf>,
    /// Persons who get no message at all: `holdout_percent` and `seed`.
    pub global_control: Option<Value>,
    /// How preferred channels are learnt.
    pub preference: Option<Value>,
    /// Until how long after a message a sale is an outcome of it, where the trigger does not say.
    pub outcome_window: Span,
}

impl Default for TriggersConfig {
    fn default() -> Self {
        Self {
            directories: Vec::new(),
            builtin: true,
            disabled: Vec::new(),
            default_time_zone: "UTC".to_owned(),
            time_zone_property: "time_zone".to_owned(),
            deny_by_default: vec!["marketing".to_owned()],
            unsubscribe_withdraws: vec!["marketing".to_owned()],
            caps: Vec::new(),
            quiet_hours: None,
            merge_wait: Span::minutes(5),
            remember: Span::days(400),
            arbitration: None,
            payload_schemas: None,
            global_control: None,
            preference: None,
            outcome_window: Span::days(7),
        }
    }
}

/// The configuration, parsed.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) default_zone: TimeZone,
    pub(crate) zone_property: String,
    pub(crate) deny_by_default: Vec<String>,
    pub(crate) unsubscribe_withdraws: Vec<String>,
    pub(crate) caps: Vec<Cap>,
    pub(crate) quiet_hours: Option<QuietHours>,
    pub(crate) merge_wait: Span,
    pub(crate) remember: Span,
    pub(crate) arbitration: Arbitration,
    pub(crate) global_control: Option<GlobalControl>,
    pub(crate) preference: PreferenceRules,
    pub(crate) outcome_window: Span,
}

impl TriggersConfig {
    /// All that is wrong with it.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        self.policy().err().unwrap_or_default()
    }

    pub(crate) fn policy(&self) -> Result<Policy, Vec<Problem>> {
        let report = Report::new("triggers");
        let policy = Policy {
            default_zone: read_zone(&report, "default_time_zone", &self.default_time_zone),
            zone_property: self.time_zone_property.clone(),
            deny_by_default: self.deny_by_default.clone(),
            unsubscribe_withdraws: self.unsubscribe_withdraws.clone(),
            caps: Cap::read_list(&report, "caps", self.caps.clone()),
            quiet_hours: self
                .quiet_hours
                .as_ref()
                .and_then(|value| QuietHours::read(&report, "quiet_hours", value.clone())),
            merge_wait: self.merge_wait,
            remember: self.remember,
            arbitration: self
                .arbitration
                .as_ref()
                .map(|value| Arbitration::read(&report, "arbitration", value.clone()))
                .unwrap_or_default(),
            global_control: self
                .global_control
                .as_ref()
                .map(|value| GlobalControl::read(&report, "global_control", value.clone())),
            preference: self
                .preference
                .as_ref()
                .map(|value| PreferenceRules::read(&report, "preference", value.clone()))
                .unwrap_or_default(),
            outcome_window: self.outcome_window,
        };
        let problems = report.into_problems();
        if problems.is_empty() { Ok(policy) } else { Err(problems) }
    }
}
