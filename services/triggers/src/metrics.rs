//! The metrics of the triggers: names, labels and descriptions.

use metrics::{counter, histogram};
use tributary_model::step::StepEffects;
use tributary_model::{Fate, OutcomeKind};
use tributary_service::metrics::{Kind, Metric};

const DECISIONS: &str = "tributary_triggers_decisions_total";
const OUTCOMES: &str = "tributary_triggers_outcomes_total";
const LOOP: &str = "tributary_triggers_loop_seconds";
const LEAKS: &str = "tributary_triggers_suppression_leaks_total";
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
        name: OUTCOMES,
        kind: Kind::Counter,
        help: "What happened after decisions, by kind; those of the held-out are not counted.",
        labels: &["trigger", "team", "kind"],
    },
    Metric {
        name: LOOP,
        kind: Kind::Histogram,
        help: "Event time from a decision to what happened after it, by kind.",
        labels: &["team", "kind"],
    },
    Metric {
        name: LEAKS,
        kind: Kind::Counter,
        help: "Contacts with persons while a suppression held, by the team that made them.",
        labels: &["team", "trigger"],
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

/// Counts the outcomes that a step has told.
pub(crate) fn told(effects: &StepEffects, from: usize) {
    for outcome in effects.outcomes.iter().skip(from).filter(|outcome| !outcome.is_ghost) {
        let (team, kind) = (outcome.team_id.clone(), outcome.kind.name());
        if let (OutcomeKind::Leaked, Some(leaking)) = (outcome.kind, &outcome.touchpoint_team_id) {
            let labels = [("team", leaking.clone()), ("trigger", outcome.trigger_id.clone())];
            counter!(LEAKS, &labels).increment(1);
        }
        if outcome.touchpoint_id.is_some() {
            let seconds = outcome.loop_ms.max(0) as f64 / 1_000.0;
            histogram!(LOOP, "team" => team.clone(), "kind" => kind).record(seconds);
        }
        let labels = [("trigger", outcome.trigger_id.clone()), ("team", team), ("kind", kind.to_owned())];
        counter!(OUTCOMES, &labels).increment(1);
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
