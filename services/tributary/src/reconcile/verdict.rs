//! What the facts come to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_insight::accounting::{Difference, StageAccount};
use tributary_model::topics;

use super::facts::{Facts, InputFacts};

/// Where the records of one topic are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The topic.
    pub topic: String,
    /// The stage that reads it.
    pub reader: String,
    /// Records that stages wrote to it; `None` for a topic that is written from outside.
    pub written: Option<i64>,
    /// Dead letters that were written back to it.
    pub written_back: i64,
    /// Records that the reader took.
    pub read: i64,
    /// Records on their way.
    pub in_flight: i64,
    /// Records that retention took before they were read.
    pub deleted_unread: i64,
    /// Records that nothing explains: missing when positive, too many when negative.
    pub unexplained: i64,
    /// Partitions with records on their way.
    pub waiting: Vec<PartitionFlow>,
}

/// Records on their way on one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PartitionFlow {
    /// The partition.
    pub partition: i32,
    /// How many.
    pub in_flight: i64,
}

/// Something that nothing explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A stage's outcomes are not its inputs.
    #[error("{0}")]
    Stage(Difference),
    /// Records that were written are neither read, nor on their way, nor deleted by retention.
    #[error(
        "{topic}: {missing} records were written and stage {stage} has not read them, nor are they still there: look whether \
         the topic was recreated or the group's offsets were moved"
    )]
    Missing {
        /// The topic.
        topic: String,
        /// The stage that reads it.
        stage: String,
        /// How many.
        missing: i64,
    },
    /// Records were read that no stage wrote.
    #[error(
        "{topic}: stage {stage} has read or will read {surplus} records that no stage wrote: look for another writer, or \
         offsets that were moved back"
    )]
    Surplus {
        /// The topic.
        topic: String,
        /// The stage that reads it.
        stage: String,
        /// How many.
        surplus: i64,
    },
    /// The records on a topic are not those that its reader counted.
    #[error("{topic}: {counted} records are there up to where stage {stage} is, and it has counted {read}")]
    Miscounted {
        /// The topic.
        topic: String,
        /// The stage that reads it.
        stage: String,
        /// Records on the topic.
        counted: i64,
        /// Records in the stage's account.
        read: i64,
    },
    /// The letters on the dead-letter topic are not those that the stages wrote.
    #[error(
        "dead letters of stage {stage}: it wrote {written}, {present} are there and retention took {deleted} of all stages \
         at most"
    )]
    Letters {
        /// The stage.
        stage: String,
        /// Letters that it wrote.
        written: i64,
        /// Letters that are there.
        present: i64,
        /// Offsets that retention took.
        deleted: i64,
    },
    /// Sent decisions and intents do not match.
    #[error("{without_intent} sent decisions have no intent, and {without_decision} intents no sent decision")]
    Intents {
        /// Sent decisions without an intent.
        without_intent: i64,
        /// Intents without a sent decision.
        without_decision: i64,
    },
}

impl Finding {
    fn records(&self) -> i64 {
        match self {
            Self::Stage(Difference::Unexplained { accepted, explained, .. }) => (accepted - explained).abs().max(1),
            Self::Missing { missing, .. } => *missing,
            Self::Surplus { surplus, .. } => *surplus,
            Self::Miscounted { counted, read, .. } => (counted - read).abs(),
            Self::Letters { written, present, .. } => (written - present).abs(),
            Self::Intents { without_intent, without_decision } => without_intent + without_decision,
        }
    }
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Whether every record is explained and none is on its way.
    pub adds_up: bool,
    /// Records that nothing explains.
    pub unexplained: i64,
    /// Records on their way.
    pub in_flight: i64,
    /// The accounts.
    pub stages: Vec<StageAccount>,
    /// Where the records between them are.
    pub flows: Vec<Flow>,
    /// Dead letters that were replayed, by the stage that had refused them.
    pub replayed: BTreeMap<String, i64>,
    /// Dead letters that are there and were not replayed, when the topic was read.
    pub open_letters: Option<i64>,
    /// What nothing explains.
    pub findings: Vec<Finding>,
}

/// Judges the facts.
#[must_use]
pub fn judge(facts: &Facts) -> Audit {
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(facts.before.iter().flat_map(StageAccount::explain).map(Finding::Stage));
    let flows: Vec<Flow> = facts.inputs.iter().map(|input| flow(facts, input)).collect();
    for (input, flow) in facts.inputs.iter().zip(&flows) {
        let (topic, stage) = (input.topic.clone(), input.stage.clone());
        match flow.unexplained {
            0 => {}
            missing if missing > 0 => findings.push(Finding::Missing { topic, stage, missing }),
            surplus => findings.push(Finding::Surplus { topic, stage, surplus: -surplus }),
        }
        findings.extend(miscounted(facts, input));
    }
    findings.extend(letters(facts));
    if let Some(intents) = facts.intents.filter(|intents| intents.unexplained() > 0) {
        let (without_intent, without_decision) = (intents.without_intent, intents.without_decision);
        findings.push(Finding::Intents { without_intent, without_decision });
    }
    let unexplained = findings.iter().map(Finding::records).sum();
    let in_flight = flows.iter().map(|flow| flow.in_flight).sum();
    Audit {
        adds_up: findings.is_empty() && in_flight == 0,
        unexplained,
        in_flight,
        stages: facts.after.clone(),
        flows,
        replayed: facts.replayed_of.clone(),
        open_letters: facts.letters.as_ref().map(|letters| letters.open),
        findings,
    }
}

fn written(accounts: &[StageAccount], topic: &str) -> i64 {
    accounts.iter().filter_map(|account| account.emitted_to.get(topic)).sum()
}

fn read(accounts: &[StageAccount], stage: &str, topic: &str) -> i64 {
    let reader = accounts.iter().find(|account| account.stage == stage);
    reader.and_then(|account| account.accepted_from.get(topic)).copied().unwrap_or(0)
}

/// Written = read + on its way + deleted unread. Written and read are known to lie between two moments, so a difference
/// counts only when no moment between them explains it.
fn flow(facts: &Facts, input: &InputFacts) -> Flow {
    let Facts { before, after, written_back, .. } = facts;
    let back = |index: usize| written_back[index].get(&input.topic).copied().unwrap_or(0);
    let in_flight = input.sum(|partition| partition.in_flight);
    let deletable = input.sum(|partition| partition.deleted_unread);
    let read_between = (read(before, &input.stage, &input.topic), read(after, &input.stage, &input.topic));
    let written_between = (written(before, &input.topic) + back(0), written(after, &input.topic) + back(1));
    let never_its = if input.is_late { input.sum(|partition| partition.deleted) } else { 0 };
    let least_missing = written_between.0 - read_between.1 - in_flight - never_its;
    let most_missing = written_between.1 - read_between.0 - in_flight;
    let (deleted_unread, unexplained) = match (input.is_open, least_missing, most_missing) {
        (true, ..) => (deletable, 0),
        (false, _, most) if most < 0 => (0, most),
        (false, least, _) if least > 0 => (least.min(deletable), (least - deletable).max(0)),
        _ => (0, 0),
    };
    Flow {
        topic: input.topic.clone(),
        reader: input.stage.clone(),
        written: (!input.is_open).then(|| written(after, &input.topic)),
        written_back: back(1),
        read: read_between.1,
        in_flight,
        deleted_unread,
        unexplained,
        waiting: input
            .partitions
            .iter()
            .filter(|partition| partition.in_flight > 0)
            .map(|partition| PartitionFlow { partition: partition.partition, in_flight: partition.in_flight })
            .collect(),
    }
}

/// Whether the records on the topic are those that its reader counted, as far as retention left them.
fn miscounted(facts: &Facts, input: &InputFacts) -> Option<Finding> {
    let counted = input.scanned?.read;
    let deleted = input.sum(|partition| partition.deleted);
    let least = read(&facts.before, &input.stage, &input.topic);
    let most = read(&facts.after, &input.stage, &input.topic);
    let is_possible = counted <= most && counted + deleted >= least;
    let finding = Finding::Miscounted { topic: input.topic.clone(), stage: input.stage.clone(), counted, read: most };
    (!is_possible).then_some(finding)
}

/// Whether the letters on their topic are those that the stages wrote, as far as retention left them.
fn letters(facts: &Facts) -> Vec<Finding> {
    let Some(letters) = &facts.letters else { return Vec::new() };
    let wrote = |accounts: &[StageAccount], stage: &str| {
        let account = accounts.iter().find(|account| account.stage == stage);
        account.and_then(|account| account.emitted_to.get(topics::DEAD_LETTERS)).copied().unwrap_or(0)
    };
    let known = facts.before.iter().map(|account| &account.stage);
    let stages: BTreeSet<&String> = known.chain(letters.present.keys()).collect();
    let mut findings = Vec::new();
    for stage in stages {
        let present = letters.present.get(stage).copied().unwrap_or(0);
        let (least, written) = (wrote(&facts.before, stage), wrote(&facts.after, stage));
        if present > written || present + letters.deleted < least {
            let (stage, deleted) = (stage.clone(), letters.deleted);
            findings.push(Finding::Letters { stage, written, present, deleted });
        }
    }
    findings
}

#[cfg(test)]
mod tests;
