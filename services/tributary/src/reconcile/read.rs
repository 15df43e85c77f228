//! Reading the facts from the broker.

use std::collections::{BTreeMap, BTreeSet};

use tributary_insight::accounting::StageAccount;
use tributary_model::topics;
use tributary_schema::Contracts;
use tributary_stream::{
    InputPosition, KafkaSettings, Positions, Range, Record, RuntimeState, Stage, StageCounts, StateStore, list_topics,
    read_ranges, read_to_end,
};

use super::facts::{Facts, InputFacts, LetterFacts, PartitionFacts, Scanned};
use super::intents;
use super::verdict::judge;
use crate::dlq::{Ledger, read_letters};
use crate::error::CliError;

/// How much is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// The dead-letter topic.
    pub letters: bool,
    /// Every record of every input, and decisions with their intents.
    pub everything: bool,
}

/// Reads the facts about these stages.
///
/// # Errors
/// [`CliError`] when no broker answers or an account cannot be read.
pub fn gather(
    settings: &KafkaSettings,
    contracts: &Contracts,
    stages: &[Stage],
    depth: Depth,
) -> Result<Facts, CliError> {
    let before = accounts(settings, stages, Until::Now)?;
    let ledger = Ledger::read(settings, contracts)?;
    let written_back = ledger.written_back();
    let mut facts = Facts {
        before: before.clone(),
        after: before,
        written_back: [written_back.clone(), written_back],
        replayed_of: ledger.by_stage(),
        ..Facts::default()
    };
    for stage in stages {
        let positions = Positions::new(settings, &stage.group())?;
        let inputs: Vec<String> = stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect();
        let found = positions.read(&inputs)?;
        for topic in inputs {
            let of_topic: Vec<&InputPosition> = found.iter().filter(|position| position.input.0 == topic).collect();
            facts.inputs.push(input(settings, &facts, stage, topic, &of_topic, depth)?);
        }
    }
    if depth.letters {
        facts.letters = Some(letters(settings, contracts, &ledger)?);
    }
    if depth.everything {
        facts.intents = Some(intents::gather(settings, contracts)?);
    }
    if judge(&facts).unexplained > 0 {
        // The hub may have worked on meanwhile: a later account tells how far.
        facts.after = accounts(settings, stages, Until::Settled)?;
        facts.written_back[1] = Ledger::read(settings, contracts)?.written_back();
    }
    Ok(facts)
}

fn input(
    settings: &KafkaSettings,
    facts: &Facts,
    stage: &Stage,
    topic: String,
    positions: &[&InputPosition],
    depth: Depth,
) -> Result<InputFacts, CliError> {
    let is_open = topics::is_open(&topic);
    let mut partitions: BTreeMap<i32, PartitionFacts> = BTreeMap::new();
    for position in positions {
        let partition = position.input.1;
        let (deleted, deleted_unread) = (position.beginning, position.deleted_unread());
        partitions.insert(partition, PartitionFacts { partition, in_flight: 0, deleted_unread, deleted });
    }
    // Between stages that have read all that was written nothing is on its way, and nothing has to be read to know it.
    if is_open || !is_level(facts, stage.name, &topic) {
        let tails: Vec<Range> = positions
            .iter()
            .map(|position| Range { partition: position.input.1, from: position.next(), to: position.end })
            .collect();
        read_ranges(settings, &topic, &tails, |record| {
            if let Some(partition) = partitions.get_mut(&record.partition) {
                partition.in_flight += 1;
            }
        })?;
    }
    let scanned = if depth.everything { Some(scan(settings, &topic, positions)?) } else { None };
    Ok(InputFacts {
        topic,
        stage: stage.name.to_owned(),
        is_open,
        is_late: stage.name == tributary_delivery::INTAKE_STAGE,
        partitions: partitions.into_values().collect(),
        scanned,
    })
}

/// Whether the account says that the stage has read all that was written to the topic.
fn is_level(facts: &Facts, stage: &str, topic: &str) -> bool {
    let written: i64 = facts.before.iter().filter_map(|account| account.emitted_to.get(topic)).sum();
    let written_back = facts.written_back[0].get(topic).copied().unwrap_or(0);
    let reader = facts.before.iter().find(|account| account.stage == stage);
    reader.and_then(|account| account.accepted_from.get(topic)).copied().unwrap_or(0) == written + written_back
}

fn scan(settings: &KafkaSettings, topic: &str, positions: &[&InputPosition]) -> Result<Scanned, CliError> {
    let ranges: Vec<Range> = positions
        .iter()
        .map(|position| Range { partition: position.input.1, from: position.beginning, to: position.next() })
        .collect();
    let mut scanned = Scanned::default();
    read_ranges(settings, topic, &ranges, |_| scanned.read += 1)?;
    Ok(scanned)
}

fn letters(settings: &KafkaSettings, contracts: &Contracts, ledger: &Ledger) -> Result<LetterFacts, CliError> {
    let mut facts = LetterFacts::default();
    let positions = Positions::new(settings, "tributary.reconcile")?.read(&[topics::DEAD_LETTERS.to_owned()])?;
    if positions.is_empty() {
        return Ok(facts);
    }
    facts.deleted = positions.iter().map(|position| position.beginning).sum();
    read_letters(settings, contracts, |letter| {
        facts.open += i64::from(ledger.of(letter.place).is_none());
        *facts.present.entry(letter.letter.stage).or_insert(0) += 1;
    })?;
    Ok(facts)
}

/// How far an account is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// As far as readers of committed records may see now.
    Now,
    /// As far as was written, once the transactions in it have ended: it is no older than anything that was read before.
    Settled,
}

/// The accounts of the stages over all their tasks.
fn accounts(settings: &KafkaSettings, stages: &[Stage], until: Until) -> Result<Vec<StageAccount>, CliError> {
    let existing: BTreeSet<String> = list_topics(settings)?.into_iter().map(|(name, _)| name).collect();
    let of = |stage: &Stage| {
        let changelog = stage.changelogs().pop().filter(|topic| existing.contains(topic));
        let counts = changelog.map(|changelog| counts(settings, &changelog, until)).transpose()?;
        Ok(StageAccount::of(stage, &counts.unwrap_or_default()))
    };
    stages.iter().map(of).collect()
}

/// The counts of a stage over all its tasks, from the changelog they are committed with.
fn counts(settings: &KafkaSettings, changelog: &str, until: Until) -> Result<StageCounts, CliError> {
    let mut tasks: BTreeMap<i32, RuntimeState> = BTreeMap::new();
    let mut broken = None;
    let take = |record: Record| {
        let task = tasks.entry(record.partition).or_insert_with(|| RuntimeState::new(0));
        if let Err(error) = task.restore(&record.key, record.value.as_deref()) {
            broken.get_or_insert_with(|| format!("{}: {error}", record.position()));
        }
    };
    match until {
        Until::Now => read_to_end(settings, changelog, take)?,
        Until::Settled => {
            let positions = Positions::new(settings, "tributary.reconcile")?.read(&[changelog.to_owned()])?;
            let whole = |position: &InputPosition| Range {
                partition: position.input.1,
                from: position.beginning,
                to: position.end,
            };
            read_ranges(settings, changelog, &positions.iter().map(whole).collect::<Vec<_>>(), take)?;
        }
    }
    if let Some(detail) = broken {
        return Err(CliError::Definition { what: "the account of a stage cannot be read", detail });
    }
    let mut sum = StageCounts::default();
    for (count, by) in tasks.values().flat_map(RuntimeState::counts) {
        sum.add(&count, by);
    }
    Ok(sum)
}
