//! What became of every record: "accepted = processed + dead-lettered + dropped", for each stage.

use std::collections::BTreeMap;

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
    /// it be told that a topic was written and never read.
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
        assert_eq!(account("a", &[("raw", 10)], 7, &[("mid", 12)]).explain(), Vec::new());
        let idle = StageAccount::of(&crate::scorecard_stage(&crate::Config::default()), &StageCounts::default());
        assert_eq!(idle.explain(), Vec::new());
        assert_eq!(idle.accepted_from.get(topics::MEASURES), Some(&0), "a topic that nothing was taken from is named");
    }

    #[test]
    fn missing_outcomes_are_named() {
        assert_eq!(
            account("a", &[("raw", 11)], 7, &[("mid", 12)]).explain(),
            [Difference::Unexplained { stage: "a".to_owned(), accepted: 11, explained: 10 }]
        );
    }
}
