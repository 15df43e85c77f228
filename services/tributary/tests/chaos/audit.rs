//! Every output topic, read-committed, against what must be on it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tributary_insight::credit_model::CreditModel;
use tributary_model::decision::Fate;
use tributary_model::identity::{Alias, Resolved};
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_TEAM, WINDOW_TOTAL};
use tributary_model::{Decision, JourneyEvent, PersonId, Scorecard, Touchpoint, TriggerIntent, topics};
use tributary_stream::{Record, list_topics, read_to_end};

use crate::bed::Bed;
use crate::shoppers::Sent;
use crate::statements::Statements;
use crate::tables::Tables;

/// One who must be one person, with what must be at it.
struct Expected {
    who: String,
    touches: BTreeSet<String>,
    cents: i64,
    orders: i64,
}

struct Audit<'a> {
    bed: &'a Bed,
    differences: Vec<String>,
}

/// What is on the topics and must not be, and the other way round, a line each.
pub(crate) fn differences(bed: &Bed, tables: &Tables, shoppers: &Sent, reconciled: &Value) -> Vec<String> {
    let expected = expected(tables, shoppers);
    let mut audit = Audit { bed, differences: Vec::new() };
    audit.touchpoints(&expected);
    audit.dead_letters(reconciled);
    let aliases = audit.aliases();
    audit.resolved(&expected, &aliases);
    let statements = audit.statements();
    audit.journeys(&expected, &statements, &aliases);
    audit.decisions(&statements);
    audit.scorecards(&expected);
    audit.differences
}

fn expected(tables: &Tables, shoppers: &Sent) -> Vec<Expected> {
    let touches = |source: &str, ids: &BTreeSet<String>| ids.iter().map(|id| format!("{source}:{id}")).collect();
    let households = tables.households().enumerate().map(|(number, household)| Expected {
        who: format!("household {number}"),
        touches: touches("complete-journey", &household.touches),
        cents: household.cents,
        orders: household.baskets,
    });
    let shoppers = shoppers.by_shopper.iter().map(|(number, shopper)| Expected {
        who: format!("shopper {number}"),
        touches: touches("segment", &shopper.events),
        cents: shopper.cents,
        orders: shopper.orders,
    });
    // What stood in a store names nobody, so each is a person of its own.
    let nameless = tables.nameless().iter().map(|id| Expected {
        who: id.clone(),
        touches: BTreeSet::from([format!("complete-journey:{id}")]),
        cents: 0,
        orders: 0,
    });
    households.chain(shoppers).chain(nameless).collect()
}

impl Audit<'_> {
    fn differ(&mut self, difference: impl Into<String>) {
        self.differences.push(difference.into());
    }

    fn records(&mut self, topic: &str) -> Vec<Record> {
        let mut records = Vec::new();
        if let Err(error) = read_to_end(&self.bed.settings(), topic, |record| records.push(record)) {
            self.differ(format!("{topic} cannot be read: {error}"));
        }
        records
    }

    fn values<T: tributary_schema::AvroRecord>(&mut self, topic: &str) -> Vec<T> {
        let contracts = self.bed.settings().contracts().unwrap();
        let mut values = Vec::new();
        for record in self.records(topic) {
            match record.value.as_deref().map(|value| contracts.decode::<T>(value)) {
                None => {}
                Some(Ok(value)) => values.push(value),
                Some(Err(error)) => self.differ(format!("{}: {error}", record.position())),
            }
        }
        values
    }

    /// Same names on both sides, each as often.
    fn same_names(&mut self, what: &str, expected: &BTreeSet<String>, found: impl Iterator<Item = String>) {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        found.for_each(|name| *counts.entry(name).or_default() += 1);
        for name in expected.iter().filter(|name| !counts.contains_key(*name)) {
            self.differ(format!("{what}: {name} is missing"));
        }
        for (name, count) in counts {
            if !expected.contains(&name) {
                self.differ(format!("{what}: {name} is there and nobody sent it"));
            } else if count > 1 {
                self.differ(format!("{what}: {name} is there {count} times"));
            }
        }
    }

    fn touchpoints(&mut self, expected: &[Expected]) {
        let all: BTreeSet<String> = expected.iter().flat_map(|one| one.touches.iter().cloned()).collect();
        let found = self.values::<Touchpoint>(topics::TOUCHPOINTS);
        self.same_names("touchpoints", &all, found.into_iter().map(|touchpoint| touchpoint.touchpoint_id));
    }

    /// Nothing that was sent is bad, so nothing may be here, and the accounts must say the same.
    fn dead_letters(&mut self, reconciled: &Value) {
        for record in self.records(topics::DEAD_LETTERS) {
            self.differ(format!("{}: a dead letter: {:?}", record.position(), record.headers));
        }
        for stage in reconciled["stages"].as_array().unwrap() {
            if stage["dead_lettered"] != 0 {
                self.differ(format!("the account of {} has dead letters: {stage}", stage["stage"]));
            }
        }
    }

    /// Who went over to whom, to the last.
    fn aliases(&mut self) -> BTreeMap<PersonId, PersonId> {
        let steps: BTreeMap<PersonId, PersonId> =
            self.values::<Alias>(topics::ALIASES).into_iter().map(|alias| (alias.loser, alias.winner)).collect();
        let mut last = BTreeMap::new();
        for person in steps.keys() {
            let mut at = *person;
            for _ in 0..=steps.len() {
                at = steps.get(&at).copied().unwrap_or(at);
            }
            if steps.contains_key(&at) {
                self.differ(format!("aliases: {person} goes round in a circle"));
            }
            last.insert(*person, at);
        }
        last
    }

    /// Each touch of somebody has gone to one person, by whatever name; only forwarding may show it more than once.
    fn resolved(&mut self, expected: &[Expected], aliases: &BTreeMap<PersonId, PersonId>) {
        let mut persons: BTreeMap<String, BTreeSet<PersonId>> = BTreeMap::new();
        let all: BTreeSet<String> = expected.iter().flat_map(|one| one.touches.iter().cloned()).collect();
        let records = self.values::<Resolved>(topics::RESOLVED);
        let first_hops = records.iter().filter(|resolved| resolved.hops == 0);
        self.same_names("resolved", &all, first_hops.map(|resolved| resolved.touchpoint.touchpoint_id.clone()));
        for resolved in records {
            let person = aliases.get(&resolved.person_id).copied().unwrap_or(resolved.person_id);
            persons.entry(resolved.touchpoint.touchpoint_id).or_default().insert(person);
        }
        for one in expected {
            let of_one: BTreeSet<&PersonId> = one.touches.iter().filter_map(|id| persons.get(id)).flatten().collect();
            if of_one.len() != 1 {
                self.differ(format!("resolved: {} is {} persons", one.who, of_one.len()));
            }
        }
    }

    fn statements(&mut self) -> Statements {
        let mut statements = Statements::default();
        for event in self.values::<JourneyEvent>(topics::JOURNEYS) {
            if let Some(wrong) = statements.apply(event) {
                self.differ(wrong);
            }
        }
        statements
    }

    fn journeys(&mut self, expected: &[Expected], statements: &Statements, aliases: &BTreeMap<PersonId, PersonId>) {
        let by_person = statements.by_person();
        let person_of: BTreeMap<&str, PersonId> = by_person
            .iter()
            .flat_map(|(person, events)| events.iter().map(|event| (event.touchpoint.touchpoint_id.as_str(), *person)))
            .collect();
        for one in expected {
            let person = one.touches.iter().find_map(|id| person_of.get(id.as_str()));
            let Some(person) = person else {
                self.differ(format!("journeys: {} has none", one.who));
                continue;
            };
            if aliases.contains_key(person) {
                self.differ(format!("journeys: {} is at {person}, which went over to another", one.who));
            }
            let events = &by_person[person];
            let found = events.iter().map(|event| event.touchpoint.touchpoint_id.clone());
            self.same_names(&format!("journey of {}", one.who), &one.touches, found);
            let last = events.iter().max_by_key(|event| event.totals.touch_count);
            let totals =
                last.map(|event| (event.totals.touch_count, event.totals.order_count, event.totals.value_minor));
            let wanted = Some((one.touches.len() as i64, one.orders, one.cents));
            if totals != wanted {
                self.differ(format!("journey of {}: touches, orders and cents {totals:?}, not {wanted:?}", one.who));
            }
        }
    }

    /// Each decision once; an intent for each that was sent, and for no other; the evidence is at that person.
    fn decisions(&mut self, statements: &Statements) {
        let decisions = self.values::<Decision>(topics::DECISIONS);
        let prefix = topics::triggers("");
        let teams: Vec<String> = list_topics(&self.bed.settings())
            .unwrap()
            .into_iter()
            .filter_map(|(name, _)| name.starts_with(&prefix).then_some(name))
            .collect();
        let intents: Vec<TriggerIntent> = teams.iter().flat_map(|topic| self.values(topic)).collect();
        let all: BTreeSet<String> = decisions.iter().map(|decision| decision.decision_id.clone()).collect();
        self.same_names("decisions", &all, decisions.iter().map(|decision| decision.decision_id.clone()));
        let sent: BTreeSet<String> = decisions
            .iter()
            .filter(|decision| decision.fate == Fate::Sent)
            .map(|decision| decision.decision_id.clone())
            .collect();
        self.same_names("triggers", &sent, intents.into_iter().map(|intent| intent.decision_id));
        let known: BTreeSet<&str> = statements.touches().collect();
        for decision in &decisions {
            for id in decision.evidence.iter().filter(|id| !known.contains(id.as_str())) {
                self.differ(format!("decisions: {} rests on {id}, which is on no journey", decision.decision_id));
            }
        }
        eprintln!("{} decisions, of which {} sent", decisions.len(), sent.len());
    }

    fn scorecards(&mut self, expected: &[Expected]) {
        let cards = self.values::<Scorecard>(&topics::metrics(ALL_TEAMS));
        let mut latest: BTreeMap<String, Scorecard> = BTreeMap::new();
        for card in cards {
            let key = String::from_utf8_lossy(&card.key.to_key()).into_owned();
            if let Some(before) = latest.get(&key)
                && card.revision <= before.revision
            {
                self.differ(format!("scorecard {key}: revision {} follows {}", card.revision, before.revision));
            }
            latest.insert(key, card);
        }
        let total = latest.values().find(|card| {
            card.key.dimension == DIMENSION_TEAM && card.key.window == WINDOW_TOTAL && card.key.currency == "USD"
        });
        let Some(total) = total else {
            self.differ("scorecards: none for all teams in USD");
            return;
        };
        let cents: i64 = expected.iter().map(|one| one.cents).sum();
        let orders: i64 = expected.iter().map(|one| one.orders).sum();
        let buyers = expected.iter().filter(|one| one.orders > 0).count() as i64;
        let credit = |model: &str| total.measures.credit_minor.get(model).copied().unwrap_or(0);
        for (what, found, wanted) in [
            ("revenue", total.measures.revenue_minor, cents),
            ("conversions", total.measures.conversions, orders),
            ("buyers", total.measures.buyers, buyers),
        ] {
            if found != wanted {
                self.differ(format!("scorecard of all teams: {what} {found}, not {wanted}"));
            }
        }
        for model in CreditModel::ALL.map(CreditModel::name) {
            let found = credit(model);
            if found != cents {
                self.differ(format!("scorecard of all teams: credit by {model} {found}, not {cents}"));
            }
        }
    }
}
