//! The metrics of the triggers: names, labels and descriptions.

use metrics::{counter, describe_counter};
use tributary_model::Fate;
use tributary_model::step::StepEffects;

/// Decisions by trigger, team, fate and reason (empty when sent).
pub const DECISIONS: &str = "tributary_triggers_decisions_total";
/// Conditions that failed on their input, by trigger.
pub const CONDITION_FAILURES: &str = "tributary_triggers_condition_failures_total";

/// Describes the metrics to the recorder.
pub fn describe() {
    describe_counter!(DECISIONS, "Decisions by trigger, team, fate and reason");
    describe_counter!(CONDITION_FAILURES, "Conditions that failed on their input and so did not hold, by trigger");
}

/// Counts what a step has decided.
pub(crate) fn decided(effects: &StepEffects, from: usize) {
    for decision in effects.decisions.iter().skip(from) {
        let fate = match decision.fate {
            Fate::Sent => "sent",
            Fate::Withheld => "withheld",
        };
        let reason = decision.reason.map_or("", |reason| reason.name());
        let labels = [
            ("trigger", decision.trigger_id.clone()),
            ("team", decision.team_id.clone()),
            ("fate", fate.to_owned()),
            ("reason", reason.to_owned()),
        ];
        counter!(DECISIONS, &labels).increment(1);
    }
}

pub(crate) fn condition_failed(trigger_id: &str) {
    counter!(CONDITION_FAILURES, "trigger" => trigger_id.to_owned()).increment(1);
}
