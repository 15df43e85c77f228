//! What the topics say in the end.

use std::collections::BTreeMap;

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
    /// When each touch was first stated at each person, by the log's clock.
    stated_at: BTreeMap<(PersonId, String), i64>,
    /// When each decision was written, by the same clock.
    written_at: BTreeMap<String, i64>,
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
        let (mut stated_at, mut written_at) = (BTreeMap::new(), BTreeMap::new());
        for (at, event) in stamped::<JourneyEvent>(bed, topics::JOURNEYS) {
            stated_at.entry((event.person_id, event.touchpoint.touchpoint_id.clone())).or_insert(at);
            journeys.entry(aliases.resolve(event.person_id)).or_default().push(event);
        }
        let decisions = stamped::<Decision>(bed, topics::DECISIONS).into_iter().map(|(at, decision)| {
            written_at.insert(decision.decision_id.clone(), at);
            decision
        });
        for events in journeys.values_mut() {
            *events = fold_journey(std::mem::take(events));
        }
        Self {
            decisions: decisions.collect(),
            intents: intents.flat_map(|topic| values::<TriggerIntent>(bed, &topic)).collect(),
            outcomes: values(bed, topics::OUTCOMES),
            journeys,
            aliases,
            stated_at,
            written_at,
        }
    }

    /// Whether a touch was stated at the person whom a decision was about by the time that the decision was written: else
    /// it became that person's only later, by a link.
    pub(crate) fn was_known(&self, touchpoint_id: &str, decision: &Decision) -> bool {
        let stated_at = self.stated_at.get(&(decision.person_id, touchpoint_id.to_owned()));
        stated_at.is_some_and(|at| *at <= self.written_at[&decision.decision_id])
    }
}

fn values<T: AvroRecord>(bed: &Bed, topic: &str) -> Vec<T> {
    stamped(bed, topic).into_iter().map(|(_, value)| value).collect()
}

/// The values of a topic, each with the time of its record.
fn stamped<T: AvroRecord>(bed: &Bed, topic: &str) -> Vec<(i64, T)> {
    let contracts = bed.contracts();
    let mut values = Vec::new();
    read_to_end(&bed.settings(), topic, |record| {
        let at = record.timestamp_ms.unwrap();
        values.extend(record.value.as_deref().map(|value| (at, contracts.decode::<T>(value).unwrap())));
    })
    .unwrap();
    values
}
