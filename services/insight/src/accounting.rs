//! What became of every record: "accepted = processed + dead-lettered + dropped", for each stage and from stage to stage.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_stream::{Stage, StageCounts};

/// The account of one stage, summed over all its tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StageAccount {
    /// The stage.
    pub stage: String,
    /// Input records.
    pub accepted: i64,
    /// Of these, handled.
    pub processed: i64,
    /// Of these, on the dead-letter topic.
    pub dead_lettered: i64,
    /// Of these, dropped, by reason.
    pub dropped: BTreeMap<String, i64>,
    /// Input records by topic; adds up to `accepted`.
    pub accepted_from: BTreeMap<String, i64>,
    /// Output records by topic, changelogs aside.
    pub emitted_to: BTreeMap<String, i64>,
}

/// Records that an account does not explain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub enum Difference {
    /// A stage's outcomes are not its inputs.
    #[error(
        "stage {stage}: {accepted} accepted and {explained} explained (processed, dead-lettered or dropped); \
         replay the stage from its input"
    )]
    Unexplained {
        /// The stage.
        stage: String,
        /// Input records.
        accepted: i64,
        /// Sum of the outcomes.
        explained: i64,
    },
    /// A stage has not read what others wrote for it.
    #[error(
        "topic {topic}: stages wrote {emitted} records and stage {stage} has read {accepted}; \
         if it is still reading wait for it, else look for another writer or for retention that was too short"
    )]
    InFlight {
        /// The topic.
        topic: String,
        /// The reading stage.
        stage: String,
        /// Records written to it.
        emitted: i64,
        /// Records read from it.
        accepted: i64,
    },
}

impl StageAccount {
    /// The account of a stage from the counts of its tasks.
    #[must_use]
    pub fn new(stage: impl Into<String>, counts: &StageCounts) -> Self {
        Self {
            stage: stage.into(),
            accepted: counts.accepted_total(),
            processed: counts.processed,
            dead_lettered: counts.dead_lettered,
            dropped: counts.dropped.clone(),
            accepted_from: counts.accepted.clone(),
            emitted_to: counts.emitted.clone(),
        }
    }

    /// As [`StageAccount::new`], with a zero for each topic the stage reads and has taken nothing from: only so can
    /// [`explain_all`] tell that a topic was written and never read.
    #[must_use]
    pub fn of(stage: &Stage, counts: &StageCounts) -> Self {
        let mut account = Self::new(stage.name, counts);
        for topic in stage.leader_topics.iter().chain(&stage.sibling_topics) {
            account.accepted_from.entry(topic.clone()).or_insert(0);
        }
        account
    }

    /// Input records dropped for any reason.
    #[must_use]
    pub fn dropped_total(&self) -> i64 {
        self.dropped.values().sum()
    }

    /// What is wrong with the account; empty is good.
    #[must_use]
    pub fn explain(&self) -> Vec<Difference> {
        let explained = self.processed + self.dead_lettered + self.dropped_total();
        let by_topic: i64 = self.accepted_from.values().sum();
        let mut differences = Vec::new();
        if explained != self.accepted || by_topic != self.accepted {
            let accepted = if by_topic == self.accepted { self.accepted } else { by_topic };
            differences.push(Difference::Unexplained { stage: self.stage.clone(), accepted, explained });
        }
        differences
    }
}

/// What is wrong with the accounts of all stages together: each by itself, and every topic that stages write and read.
/// Topics that something else writes too (the gateway, another hub) are to be named in `open_topics`.
#[must_use]
pub fn explain_all(accounts: &[StageAccount], open_topics: &BTreeSet<String>) -> Vec<Difference> {
    let mut differences: Vec<Difference> = accounts.iter().flat_map(StageAccount::explain).collect();
    let mut emitted: BTreeMap<&str, i64> = BTreeMap::new();
    for (topic, count) in accounts.iter().flat_map(|account| &account.emitted_to) {
        *emitted.entry(topic).or_insert(0) += count;
    }
    for account in accounts {
        for (topic, accepted) in &account.accepted_from {
            match emitted.get(topic.as_str()) {
                Some(emitted) if emitted != accepted && !open_topics.contains(topic) => {
                    differences.push(Difference::InFlight {
                        topic: topic.clone(),
                        stage: account.stage.clone(),
                        emitted: *emitted,
                        accepted: *accepted,
                    });
                }
                _ => {}
            }
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use tributary_model::topics;

    use super::*;

    fn account(stage: &str, from: &[(&str, i64)], processed: i64, to: &[(&str, i64)]) -> StageAccount {
        let named =
            |entries: &[(&str, i64)]| entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let counts = StageCounts {
            accepted: named(from),
            processed,
            dead_lettered: 1,
            dropped: named(&[("tombstone", 2)]),
            emitted: named(to),
            ..StageCounts::default()
        };
        StageAccount::new(stage, &counts)
    }

    #[test]
    fn an_account_that_adds_up_has_nothing_to_explain() {
        let accounts = [account("a", &[("raw", 10)], 7, &[("mid", 12)]), account("b", &[("mid", 12)], 9, &[])];
        assert_eq!(explain_all(&accounts, &BTreeSet::new()), Vec::new());
    }

    #[test]
    fn a_topic_that_nobody_read_is_a_difference() {
        let written = account("a", &[("raw", 10)], 7, &[(topics::MEASURES, 3)]);
        let idle = StageAccount::of(&crate::scorecard_stage(&crate::Config::default()), &StageCounts::default());
        assert_eq!(idle.explain(), Vec::new());
        let differences = explain_all(&[written, idle], &BTreeSet::new());
        assert!(matches!(&differences[..], [Difference::InFlight { emitted: 3, accepted: 0, .. }]), "{differences:?}");
    }

    #[test]
    fn missing_outcomes_and_records_in_flight_are_named() {
        let accounts = [account("a", &[("raw", 11)], 7, &[("mid", 12)]), account("b", &[("mid", 13)], 10, &[])];
        let differences = explain_all(&accounts, &BTreeSet::new());
        assert_eq!(
            differences,
            [
                Difference::Unexplained { stage: "a".to_owned(), accepted: 11, explained: 10 },
                Difference::InFlight { topic: "mid".to_owned(), stage: "b".to_owned(), emitted: 12, accepted: 13 },
            ]
        );
        let open = BTreeSet::from(["mid".to_owned()]);
        assert_eq!(explain_all(&accounts, &open).len(), 1, "what others write too is no difference");
    }
}
