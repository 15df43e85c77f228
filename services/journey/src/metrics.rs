//! What the journey and account stages count.

use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{counter, histogram};
use rustc_hash::FxHashMap;
use tributary_model::{JourneyEvent, TriggerIntent};
use tributary_service::metrics::{Kind, Metric};

use crate::timeline::{Outcome, is_first_statement};

const TOUCHES: &str = "tributary_journey_touches_total";
const CORRECTIONS: &str = "tributary_journey_corrections_total";
const LATE: &str = "tributary_journey_late_touches_total";
const BEYOND_HORIZON: &str = "tributary_journey_beyond_horizon_touches_total";
const REDIRECTS: &str = "tributary_journey_redirects_total";
const MERGES: &str = "tributary_journey_merges_total";
const SPLITS: &str = "tributary_journey_splits_total";
const ERASED: &str = "tributary_journey_erased_persons_total";
const TRANSITIONS: &str = "tributary_journey_stage_transitions_total";
const TRIGGERED: &str = "tributary_journey_triggered_seconds";
const CONFLICTS: &str = "tributary_journey_conflicts_total";
const ACCOUNT_TOUCHES: &str = "tributary_journey_account_touches_total";
const ACCOUNT_MERGES: &str = "tributary_journey_account_merges_total";

const fn metric(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind: Kind::Counter, help, labels }
}

/// The metrics of this crate.
pub const CATALOGUE: &[Metric] = &[
    metric(TOUCHES, "Touches stated for the first time at a person.", &[]),
    metric(CORRECTIONS, "Statements taken back and made anew because something late arrived.", &[]),
    metric(LATE, "Touches that arrived after later ones of the same person.", &[]),
    metric(BEYOND_HORIZON, "Touches older than what is kept of their person: stated once, never corrected.", &[]),
    metric(REDIRECTS, "Events forwarded by persons that were merged away or taken apart.", &[]),
    metric(MERGES, "Persons whose journey was handed over, and whose journey was taken in.", &["side"]),
    metric(SPLITS, "Persons that another was taken out of.", &[]),
    metric(ERASED, "Persons that were erased, each that was merged into another for itself.", &[]),
    metric(TRANSITIONS, "First statements that change the person's lifecycle stage, by the stage reached.", &["stage"]),
    metric(CONFLICTS, "First statements that complete a conflict of stories, by its kind.", &["kind"]),
    Metric {
        name: TRIGGERED,
        kind: Kind::Histogram,
        help: "From the receipt of an event to the intent that it led to at once; suppressions by their action.",
        labels: &["action", "team"],
    },
    metric(ACCOUNT_TOUCHES, "Touches added to or taken from account roll-ups.", &[]),
    metric(
        ACCOUNT_MERGES,
        "Accounts that turned out to be another, and those kept apart again because several claim them.",
        &["outcome"],
    ),
];

/// Counts between two commits; given to the recorder at once.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) redirects: u64,
    pub(crate) merges_out: u64,
    pub(crate) merges_in: u64,
    pub(crate) splits: u64,
    pub(crate) erased: u64,
    touches: u64,
    corrections: u64,
    late: u64,
    beyond_horizon: u64,
    transitions: FxHashMap<String, u64>,
    conflicts: FxHashMap<String, u64>,
    /// Intents of touches, by action and team, with when the touch was received.
    triggered: Vec<(String, String, i64)>,
}

impl Tally {
    /// Notes intents that a touch led to at once.
    pub(crate) fn triggered(&mut self, intents: Vec<TriggerIntent>, received_at: i64) {
        self.triggered.extend(intents.into_iter().map(|intent| (intent.action, intent.team_id, received_at)));
    }

    pub(crate) fn note(&mut self, outcome: &Outcome) {
        self.late += outcome.late_count;
        self.beyond_horizon += outcome.beyond_horizon_count;
        for change in &outcome.changes {
            if change.retracted {
                self.corrections += 1;
            } else if is_first_statement(change) {
                self.note_touch(change);
            }
        }
    }

    fn note_touch(&mut self, event: &JourneyEvent) {
        self.touches += 1;
        if event.previous_stage.is_some() {
            add(&mut self.transitions, &event.stage);
        }
        for kind in &event.story.conflicts {
            add(&mut self.conflicts, kind);
        }
    }

    pub(crate) fn publish(&mut self) {
        let tally = std::mem::take(self);
        for (name, count) in [
            (TOUCHES, tally.touches),
            (CORRECTIONS, tally.corrections),
            (LATE, tally.late),
            (BEYOND_HORIZON, tally.beyond_horizon),
            (REDIRECTS, tally.redirects),
            (SPLITS, tally.splits),
            (ERASED, tally.erased),
        ] {
            if count > 0 {
                counter!(name).increment(count);
            }
        }
        for (side, count) in [("out", tally.merges_out), ("in", tally.merges_in)] {
            if count > 0 {
                counter!(MERGES, "side" => side).increment(count);
            }
        }
        for (stage, count) in tally.transitions {
            counter!(TRANSITIONS, "stage" => stage).increment(count);
        }
        for (kind, count) in tally.conflicts {
            counter!(CONFLICTS, "kind" => kind).increment(count);
        }
        if !tally.triggered.is_empty() {
            let now_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            for (action, team, received_at) in tally.triggered {
                let seconds = (now_at - received_at as f64 / 1_000.0).max(0.0);
                histogram!(TRIGGERED, "action" => action, "team" => team).record(seconds);
            }
        }
    }
}

/// What the accounts count between two commits.
#[derive(Debug, Default)]
pub(crate) struct AccountTally {
    pub(crate) touches: u64,
    pub(crate) merged: u64,
    pub(crate) parted: u64,
}

impl AccountTally {
    pub(crate) fn publish(self) {
        if self.touches > 0 {
            counter!(ACCOUNT_TOUCHES).increment(self.touches);
        }
        for (outcome, count) in [("merged", self.merged), ("parted", self.parted)] {
            if count > 0 {
                counter!(ACCOUNT_MERGES, "outcome" => outcome).increment(count);
            }
        }
    }
}

fn add(counts: &mut FxHashMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_follow_the_rules() {
        assert_eq!(tributary_service::metrics::naming_faults(super::CATALOGUE), Vec::<String>::new());
    }
}
