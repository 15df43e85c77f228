//! Each decision that was sent has its intent on the team's topic, and each intent its decision.

use std::collections::BTreeSet;

use tributary_model::{Decision, Fate, TriggerIntent, topics};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, Positions, Range, list_topics, read_ranges};

use crate::error::CliError;

/// What the topics of decisions and intents say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IntentFacts {
    /// Sent decisions.
    pub sent: i64,
    /// Intents.
    pub intents: i64,
    /// Sent decisions without an intent.
    pub without_intent: i64,
    /// Intents without a sent decision.
    pub without_decision: i64,
    /// Offsets that retention took from the teams' topics.
    pub intents_deleted: i64,
    /// Offsets that retention took from the decisions.
    pub decisions_deleted: i64,
}

impl IntentFacts {
    /// What retention does not explain.
    #[must_use]
    pub fn unexplained(&self) -> i64 {
        (self.without_intent - self.intents_deleted).max(0) + (self.without_decision - self.decisions_deleted).max(0)
    }
}

/// Reads both. A decision and its intent are one transaction: intents are read before the decisions, to find those without
/// one, and again after, to find the decisions without one.
pub(super) fn gather(settings: &KafkaSettings, contracts: &Contracts) -> Result<IntentFacts, CliError> {
    let prefix = topics::triggers("");
    let teams: Vec<String> =
        list_topics(settings)?.into_iter().map(|(name, _)| name).filter(|name| name.starts_with(&prefix)).collect();
    let decisions = [topics::DECISIONS.to_owned()];
    let positions = Positions::new(settings, "tributary.reconcile")?;
    let mut facts = IntentFacts::default();
    let mut early = BTreeSet::new();
    facts.intents_deleted = read(settings, &positions, &teams, |value| {
        early.extend(contracts.decode::<TriggerIntent>(value).ok().map(|intent| intent.decision_id));
    })?;
    let mut sent = BTreeSet::new();
    facts.decisions_deleted = read(settings, &positions, &decisions, |value| {
        let decision = contracts.decode::<Decision>(value).ok().filter(|decision| decision.fate == Fate::Sent);
        sent.extend(decision.map(|decision| decision.decision_id));
    })?;
    let mut intents = BTreeSet::new();
    read(settings, &positions, &teams, |value| {
        intents.extend(contracts.decode::<TriggerIntent>(value).ok().map(|intent| intent.decision_id));
    })?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    facts.sent = count(sent.len());
    facts.intents = count(intents.len());
    facts.without_intent = count(sent.difference(&intents).count());
    facts.without_decision = count(early.difference(&sent).count());
    Ok(facts)
}

/// Hands every value of these topics to `each`; gives the number of offsets that retention took from them.
fn read(
    settings: &KafkaSettings,
    positions: &Positions,
    topics: &[String],
    mut each: impl FnMut(&[u8]),
) -> Result<i64, CliError> {
    let mut deleted = 0;
    let found = positions.read(topics)?;
    for topic in topics {
        let of_topic = found.iter().filter(|position| position.input.0 == *topic);
        let ranges: Vec<Range> = of_topic
            .map(|position| Range { partition: position.input.1, from: position.beginning, to: position.end })
            .collect();
        deleted += ranges.iter().map(|range| range.from).sum::<i64>();
        read_ranges(settings, topic, &ranges, |record| {
            if let Some(value) = record.value.as_deref() {
                each(value);
            }
        })?;
    }
    Ok(deleted)
}
