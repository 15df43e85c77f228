//! The retailer's days as input whose order of processing does not depend on chance.
//!
//! All raw events go to one topic of one partition, in the order of their time, so that every stage sees the touches in one
//! order. What is left to chance is how what identity finds out meets what follows: so whoever is going to be seen under
//! several identifiers for the first time is introduced before, between two parts of the day when nothing else is under way:
//! each identifier for itself, then all of them together, and each for itself again, since the first touch after a merge goes
//! a way round, on which others overtake it. No trigger looks at these touches, and they move no watermark.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tributary_model::Domain;
use tributary_model::time::{DAY_MS, HOUR_MS, to_rfc3339};
use tributary_tributary::simulate::SimulatedEvent;

/// Of those whom a part of the day ties more often than this, it is left out what would tie them once more.
const MAX_ROUNDS: usize = 3;
/// Behind the last timer.
const AFTERWARDS_MS: i64 = 45 * DAY_MS;

/// What is sent at once, and settles before the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) events: Vec<SimulatedEvent>,
}

type Name = (String, String);

/// Who was seen with whom.
#[derive(Default)]
struct Known {
    together: BTreeSet<(Name, Name)>,
    /// One of those who are the same, by each identifier.
    leads_to: BTreeMap<Name, Name>,
}

impl Known {
    fn first(&self, name: &Name) -> Name {
        let mut at = name;
        while let Some(next) = self.leads_to.get(at) {
            at = next;
        }
        at.clone()
    }

    /// Everybody who is touched when these are seen together for the first time; nobody when they have been.
    fn tied_by(&self, names: &[Name]) -> BTreeSet<Name> {
        if pairs(names).all(|pair| self.together.contains(&pair)) {
            return BTreeSet::new();
        }
        names.iter().map(|name| self.first(name)).collect()
    }

    fn tie(&mut self, names: &[Name]) {
        self.together.extend(pairs(names));
        for (one, other) in pairs(names) {
            let (one, other) = (self.first(&one), self.first(&other));
            if one != other {
                self.leads_to.insert(one, other);
            }
        }
    }
}

fn pairs(names: &[Name]) -> impl Iterator<Item = (Name, Name)> + '_ {
    names.iter().enumerate().flat_map(|(at, one)| names[at + 1..].iter().map(|other| (one.clone(), other.clone())))
}

/// The steps of these events, `hours` to a part.
pub(crate) fn steps(events: &[SimulatedEvent], hours: i64) -> Vec<Step> {
    let mut known = Known::default();
    let (mut steps, mut newest_at) = (Vec::new(), events.first().map_or(0, |event| event.occurred_at));
    let part_of = |event: &SimulatedEvent| event.occurred_at.div_euclid(hours * HOUR_MS);
    for (part, events) in events.chunk_by(|one, other| part_of(one) == part_of(other)).enumerate() {
        let mut rounds: Vec<Vec<Vec<Name>>> = Vec::new();
        let mut times: BTreeMap<Name, usize> = BTreeMap::new();
        let mut told = Vec::new();
        for event in events {
            let names = names(event);
            let tied = known.tied_by(&names);
            if !tied.is_empty() {
                let round = tied.iter().filter_map(|name| times.get(name)).max().copied().unwrap_or(0);
                if round == MAX_ROUNDS {
                    continue;
                }
                known.tie(&names);
                times.extend(tied.into_iter().chain([known.first(&names[0])]).map(|name| (name, round + 1)));
                if rounds.len() == round {
                    rounds.push(Vec::new());
                }
                rounds[round].push(names);
            }
            told.push(event.clone());
        }
        for (round, ties) in rounds.iter().enumerate() {
            let name = format!("{part}.{round}");
            let tied: BTreeSet<Name> = ties.iter().flatten().cloned().collect();
            steps.push(introduction(format!("{name}a"), alone(tied.iter().cloned()), newest_at));
            steps.push(introduction(format!("{name}b"), ties.clone(), newest_at));
            // Whoever is known by several names by now is to be found at once by each of them.
            let same: BTreeSet<Name> = tied.iter().map(|name| known.first(name)).collect();
            let all = known.leads_to.keys().filter(|name| same.contains(&known.first(name))).cloned();
            let all: BTreeSet<Name> = all.chain(same.iter().cloned()).collect();
            steps.push(introduction(format!("{name}c"), alone(all), newest_at));
        }
        newest_at = events.last().map_or(newest_at, |event| event.occurred_at);
        steps.push(Step { name: part.to_string(), events: told });
    }
    let stranger = vec![vec![("customer_id".to_owned(), "stranger".to_owned())]];
    steps.push(introduction("afterwards".to_owned(), stranger, newest_at + AFTERWARDS_MS));
    steps
}

fn alone(names: impl IntoIterator<Item = Name>) -> Vec<Vec<Name>> {
    names.into_iter().map(|name| vec![name]).collect()
}

/// By what an event names somebody; what cannot be read names nobody.
fn names(event: &SimulatedEvent) -> Vec<Name> {
    let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
    let identifiers = body["identifiers"].as_object().into_iter().flatten();
    let names = identifiers.map(|(namespace, value)| (namespace.clone(), value.as_str().unwrap().to_owned()));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn introduction(name: String, who: Vec<Vec<Name>>, at: i64) -> Step {
    let event = |(number, names): (usize, Vec<Name>)| {
        let event_id = format!("introduced-{name}-{number}");
        let identifiers: Map<String, Value> =
            names.into_iter().map(|(namespace, value)| (namespace, Value::String(value))).collect();
        let body = json!({
            "id": event_id, "type": "person.identified", "occurred_at": to_rfc3339(at), "identifiers": identifiers,
            "channel": "direct",
        });
        let body = body.to_string().into_bytes();
        SimulatedEvent { source: "events-ecommerce", domain: Domain::Ecommerce, event_id, occurred_at: at, body }
    };
    Step { events: who.into_iter().enumerate().map(event).collect(), name }
}
