//! What the topics say in the end.

use std::collections::{BTreeMap, BTreeSet};

use tributary_identity::AliasTable;
use tributary_journey::read::fold_journey;
use tributary_model::identity::Alias;
use tributary_model::{Decision, DecisionOutcome, JourneyEvent, PersonId, TriggerIntent, topics};
use tributary_schema::AvroRecord;
use tributary_stream::{list_topics, read_to_end};

use crate::bed::Bed;

pub(crate) struct Ledger {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) intents: Vec<TriggerIntent>,
    pub(crate) outcomes: Vec<DecisionOutcome>,
    /// The standing journey of each person, in order of event time.
    pub(crate) journeys: BTreeMap<PersonId, Vec<JourneyEvent>>,
    pub(crate) aliases: AliasTable,
}

impl Ledger {
    pub(crate) fn read(bed: &Bed) -> Self {
        let mut aliases = AliasTable::default();
        read_to_end(&bed.settings(), topics::ALIASES, |record| {
            let alias = record.value.as_deref().map(|value| bed.contracts().decode::<Alias>(value).unwrap());
            aliases.apply(&record.key, alias);
        })
        .unwrap();
        let teams = list_topics(&bed.settings()).unwrap().into_iter().map(|(name, _)| name);
        let intents = teams.filter(|name| name.starts_with(&topics::triggers("")));
        let mut journeys: BTreeMap<PersonId, Vec<JourneyEvent>> = BTreeMap::new();
        for event in values::<JourneyEvent>(bed, topics::JOURNEYS) {
            journeys.entry(aliases.resolve(event.person_id)).or_default().push(event);
        }
        for events in journeys.values_mut() {
            *events = fold_journey(std::mem::take(events));
        }
        Self {
            decisions: values(bed, topics::DECISIONS),
            intents: intents.flat_map(|topic| values::<TriggerIntent>(bed, &topic)).collect(),
            outcomes: values(bed, topics::OUTCOMES),
            journeys,
            aliases,
        }
    }

    /// Persons who were one from the beginning: nobody was ever merged into them.
    fn is_single(&self, person_id: PersonId) -> bool {
        self.aliases.ids_of(person_id).is_empty() && self.aliases.resolve(person_id) == person_id
    }

    /// How many decisions about persons with one id are the same in both ledgers, and those that are not.
    pub(crate) fn compare(&self, other: &Self) -> (usize, Vec<String>) {
        let told = |ledger: &Self| -> BTreeSet<String> {
            let own = ledger.decisions.iter();
            let single = own.filter(|one| self.is_single(one.person_id) && other.is_single(one.person_id));
            single
                .map(|one| {
                    format!("{} {} {:?} {:?} {}", one.decision_id, one.trigger_id, one.fate, one.reason, one.channel)
                })
                .collect()
        };
        let (mine, theirs) = (told(self), told(other));
        let differing = mine.symmetric_difference(&theirs).cloned().collect();
        (mine.intersection(&theirs).count(), differing)
    }
}

fn values<T: AvroRecord>(bed: &Bed, topic: &str) -> Vec<T> {
    let contracts = bed.contracts();
    let mut values = Vec::new();
    read_to_end(&bed.settings(), topic, |record| {
        values.extend(record.value.as_deref().map(|value| contracts.decode::<T>(value).unwrap()));
    })
    .unwrap();
    values
}
