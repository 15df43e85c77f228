//! What the hub's topics say, folded as they are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use tributary_identity::AliasTable;
use tributary_insight::read::Scorecards;
use tributary_insight::read_lift::Experiments;
use tributary_journey::read::JourneyFold;
use tributary_model::experiment::ExperimentLift;
use tributary_model::identity::{Alias, IdentityChange};
use tributary_model::{Decision, JourneyEvent, PersonId, Scorecard, topics};
use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::{HEADER_CODE, HEADER_MESSAGE, HEADER_STAGE, Record};

/// Why records were put on the dead-letter topic: stage, code, and how often.
pub type DeadLetters = BTreeMap<(String, String), DeadLetterGroup>;

/// Dead letters of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterGroup {
    /// How many.
    pub count: i64,
    /// What the first one said.
    pub example: String,
}

/// The state of all topics that the demo shows.
#[derive(Debug)]
pub struct ReadModel {
    contracts: Arc<Contracts>,
    /// The journeys.
    pub journeys: JourneyFold,
    /// Statements that were taken back, to be said again in the light of later evidence.
    pub corrections: u64,
    /// Records of the journeys stream that did not continue what it had said.
    pub contradictions: u64,
    /// Who was merged into whom.
    pub aliases: AliasTable,
    /// The decision ledger by decision.
    pub decisions: BTreeMap<String, Decision>,
    /// The scorecards.
    pub scorecards: Scorecards,
    /// What experiments come to.
    pub experiments: Experiments,
    /// Changes of identity, by kind and reason.
    pub changes: BTreeMap<(String, Option<String>), i64>,
    /// The dead letters.
    pub dead_letters: DeadLetters,
    /// Records read, by topic.
    pub read: BTreeMap<String, i64>,
    /// Records that were not what their topic promises.
    pub unreadable: i64,
}

impl ReadModel {
    /// Nothing read yet.
    #[must_use]
    pub fn new(contracts: Arc<Contracts>) -> Self {
        Self {
            contracts,
            journeys: JourneyFold::default(),
            corrections: 0,
            contradictions: 0,
            aliases: AliasTable::default(),
            decisions: BTreeMap::new(),
            scorecards: Scorecards::default(),
            experiments: Experiments::default(),
            changes: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
            read: BTreeMap::new(),
            unreadable: 0,
        }
    }

    /// The topics it is made of, for these teams.
    #[must_use]
    pub fn topics(teams: &[String]) -> Vec<String> {
        let fixed = [
            topics::JOURNEYS,
            topics::ALIASES,
            topics::DECISIONS,
            topics::IDENTITY_CHANGES,
            topics::DEAD_LETTERS,
            topics::LIFT,
        ];
        fixed.into_iter().map(str::to_owned).chain(teams.iter().map(|team| topics::metrics(team))).collect()
    }

    /// Takes over one record.
    pub fn apply(&mut self, record: &Record) {
        *self.read.entry(record.topic.clone()).or_default() += 1;
        if record.value.is_none() {
            return self.forget(record);
        }
        match record.topic.as_str() {
            topics::JOURNEYS => self.take::<JourneyEvent>(record, |model, event| {
                model.corrections += u64::from(event.retracted);
                model.contradictions += u64::from(model.journeys.apply(event).is_err());
            }),
            topics::ALIASES => self.take::<Alias>(record, |model, alias| model.aliases.apply(&record.key, Some(alias))),
            topics::DECISIONS => self.take::<Decision>(record, |model, decision| {
                model.decisions.insert(decision.decision_id.clone(), decision);
            }),
            topics::IDENTITY_CHANGES => self.take::<IdentityChange>(record, |model, change| {
                let kind = format!("{:?}", change.kind).to_lowercase();
                *model.changes.entry((kind, change.reason)).or_default() += 1;
            }),
            topics::DEAD_LETTERS => self.take_dead_letter(record),
            topics::LIFT => self.take::<ExperimentLift>(record, |model, lift| {
                model.experiments.apply(record.key.clone(), Some(lift));
            }),
            _ => self.take::<Scorecard>(record, |model, card| {
                model.scorecards.apply(card);
            }),
        }
    }

    /// Nothing under a person's key: it was erased, or is nobody's alias any more.
    fn forget(&mut self, record: &Record) {
        if record.topic == topics::LIFT {
            return self.experiments.apply(record.key.clone(), None);
        }
        let key = std::str::from_utf8(&record.key).ok().and_then(|key| key.parse::<PersonId>().ok());
        let Some(person_id) = key else { return };
        match record.topic.as_str() {
            topics::JOURNEYS => self.journeys.erase(person_id),
            topics::ALIASES => self.aliases.apply(&record.key, None),
            topics::DECISIONS => self.decisions.retain(|_, decision| decision.person_id != person_id),
            _ => {}
        }
    }

    fn take<T: AvroRecord>(&mut self, record: &Record, then: impl FnOnce(&mut Self, T)) {
        let Some(value) = &record.value else { return };
        match self.contracts.decode::<T>(value) {
            Ok(value) => then(self, value),
            Err(error) => {
                tracing::error!(position = record.position(), %error, "unreadable record");
                self.unreadable += 1;
            }
        }
    }

    fn take_dead_letter(&mut self, record: &Record) {
        let header = |name| record.header(name).unwrap_or("unknown").to_owned();
        let group = self.dead_letters.entry((header(HEADER_STAGE), header(HEADER_CODE))).or_default();
        group.count += 1;
        if group.example.is_empty() {
            group.example = header(HEADER_MESSAGE);
        }
    }
}
