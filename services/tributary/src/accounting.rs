//! The accounts of the stages: what each accepted and what became of it, and whether what one wrote the next has read.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_insight::accounting::StageAccount;
use tributary_stream::{Stage, StageCounts};

/// What was written to a topic, and what one of its readers took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The topic.
    pub topic: String,
    /// Records that the stages wrote to it.
    pub written: i64,
    /// The stage that reads it.
    pub reader: String,
    /// Records that it took.
    pub read: i64,
}

impl Flow {
    /// Records on their way.
    #[must_use]
    pub fn lag(&self) -> i64 {
        self.written - self.read
    }
}

/// The flows between stages. What comes from outside (`written_outside`, by topic) counts as written.
#[must_use]
pub fn flows(stages: &[(&Stage, StageCounts)], written_outside: &BTreeMap<String, i64>) -> Vec<Flow> {
    let mut written = written_outside.clone();
    for (_, counts) in stages {
        for (topic, count) in &counts.emitted {
            *written.entry(topic.clone()).or_default() += count;
        }
    }
    let mut flows = Vec::new();
    for (stage, counts) in stages {
        for topic in stage.leader_topics.iter().chain(&stage.sibling_topics) {
            flows.push(Flow {
                topic: topic.clone(),
                written: written.get(topic).copied().unwrap_or(0),
                reader: stage.name.to_owned(),
                read: counts.accepted.get(topic).copied().unwrap_or(0),
            });
        }
    }
    flows
}

/// The account of everything that came from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// Raw events that the hub acknowledged.
    pub accepted: i64,
    /// Of these, touchpoints on their way.
    pub processed: i64,
    /// Of these, on the dead-letter topic.
    pub dead_lettered: i64,
    /// Of these, dropped for a named reason.
    pub dropped: i64,
    /// The reasons.
    pub dropped_by_reason: BTreeMap<String, i64>,
    /// Whether this and the account of every stage add up, and every stage has read what was written for it.
    pub adds_up: bool,
    /// The account of every stage.
    pub stages: Vec<StageAccount>,
    /// What flows between them.
    pub flows: Vec<Flow>,
}

impl Accounting {
    /// The account of `accepted` raw events, of which the stage `first` makes touchpoints.
    #[must_use]
    pub fn new(accepted: i64, first: &str, stages: Vec<StageAccount>, flows: Vec<Flow>) -> Self {
        let entry = stages.iter().find(|account| account.stage == first).cloned().unwrap_or_default();
        let adds_up = accepted == entry.processed + entry.dead_lettered + entry.dropped_total()
            && stages.iter().all(|account| account.explain().is_empty())
            && flows.iter().all(|flow| flow.lag() == 0);
        Self {
            accepted,
            processed: entry.processed,
            dead_lettered: entry.dead_lettered,
            dropped: entry.dropped_total(),
            dropped_by_reason: entry.dropped,
            adds_up,
            stages,
            flows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(stage: &str, accepted: i64, processed: i64, dropped: i64) -> StageAccount {
        let counts = StageCounts {
            accepted: BTreeMap::from([("in".to_owned(), accepted)]),
            processed,
            dropped: BTreeMap::from([("duplicate".to_owned(), dropped)]),
            ..StageCounts::default()
        };
        StageAccount::new(stage, &counts)
    }

    #[test]
    fn it_adds_up_only_when_nothing_is_missing_anywhere() {
        let good = Accounting::new(10, "normalizer", vec![account("normalizer", 10, 7, 3)], Vec::new());
        assert!(good.adds_up);
        assert_eq!((good.accepted, good.processed, good.dropped), (10, 7, 3));
        let lost = Accounting::new(11, "normalizer", vec![account("normalizer", 10, 7, 3)], Vec::new());
        assert!(!lost.adds_up);
        let unbalanced = vec![account("normalizer", 10, 7, 3), account("identity", 7, 6, 0)];
        assert!(!Accounting::new(10, "normalizer", unbalanced, Vec::new()).adds_up);
        let flow = Flow { topic: "t".to_owned(), written: 7, reader: "identity".to_owned(), read: 6 };
        assert_eq!(flow.lag(), 1);
        assert!(!Accounting::new(10, "normalizer", vec![account("normalizer", 10, 7, 3)], vec![flow]).adds_up);
    }
}
