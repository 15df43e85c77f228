//! The metrics of the triggers: names, labels and descriptions.

use metrics::counter;
use tributary_model::Fate;
use tributary_model::step::StepEffects;
use tributary_service::metrics::{Kind, Metric};

const DECISIONS: &str = "tributary_triggers_decisions_total";
const CONDITION_FAILURES: &str = "tributary_triggers_condition_failures_total";

/// The metrics of this crate.
pub const CATALOGUE: &[Metric] = &[
    Metric {
        name: DECISIONS,
        kind: Kind::Counter,
        help: "Decisions; the reason is empty for those sent.",
        labels: &["trigger", "team", "fate", "reason"],
    },
    Metric {
        name: CONDITION_FAILURES,
        kind: Kind::Counter,
        help: "Conditions that failed on their input and so did not hold.",
        labels: &["trigger"],
    },
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_named_by_the_rule() {
        assert_eq!(tributary_service::metrics::naming_faults(CATALOGUE), [] as [String; 0]);
    }
}
