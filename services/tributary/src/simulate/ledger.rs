//! The book in which every simulated event is entered once: as what is true, and as what the source sends.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use tributary_model::time::SECOND_MS;
use tributary_model::{Domain, Identifier};

use super::draft::{Draft, Name};
use super::people::stream;
use super::truth::{Caused, Letter, Planted, TruePerson, Truth};
use super::{SimulatedEvent, Simulation, wire};

/// What a crawler calls itself.
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
/// The purpose number of the noise's chance, apart from every shopper's.
const NOISE: u64 = u64::MAX / 8 - 1;

#[derive(Debug)]
pub(crate) struct Ledger {
    seed: u64,
    events: Vec<SimulatedEvent>,
    truth: Truth,
    /// Names seen together, by shopper, and by whom.
    together: Vec<Vec<(Vec<Name>, BTreeSet<Domain>)>>,
}

impl Ledger {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, events: Vec::new(), truth: Truth::default(), together: Vec::new() }
    }

    /// Enters an event of a shopper.
    pub(crate) fn record(&mut self, person: usize, draft: Draft) {
        self.count(&draft);
        if self.together.len() <= person {
            self.together.resize_with(person + 1, Vec::new);
        }
        let together = &mut self.together[person];
        match together.iter_mut().find(|(names, _)| *names == draft.identifiers) {
            Some((_, domains)) => drop(domains.insert(draft.domain)),
            None => together.push((draft.identifiers.clone(), BTreeSet::from([draft.domain]))),
        }
        self.events.push(wire::event(&draft));
    }

    /// Notes a name that is not one shopper's.
    pub(crate) fn shared(&mut self, namespace: &str, value: &str) {
        self.truth.shared.insert(Identifier::new(namespace, value));
    }

    /// Notes planted contradictions.
    pub(crate) fn planted(&mut self, planted: Planted) {
        self.truth.planted.offer += planted.offer;
        self.truth.planted.stage += planted.stage;
        self.truth.planted.unapproved += planted.unapproved;
    }

    /// Notes why a sale happened.
    pub(crate) fn caused(&mut self, caused: Caused) {
        self.truth.caused.anyway += caused.anyway;
        self.truth.caused.by_brand += caused.by_brand;
        self.truth.caused.by_demand += caused.by_demand;
        self.truth.caused.by_both += caused.by_both;
    }

    /// Notes a shopper's part in the experiment.
    pub(crate) fn letter(&mut self, letter: Letter) {
        self.truth.letter.treated += letter.treated;
        self.truth.letter.held_out += letter.held_out;
        self.truth.letter.caused_sales += letter.caused_sales;
        self.truth.letter.caused_minor += letter.caused_minor;
    }

    fn count(&mut self, draft: &Draft) {
        let totals = self.truth.domains.entry(draft.domain).or_default();
        totals.touches += 1;
        totals.cost_minor += draft.cost_minor.unwrap_or(0);
        if let Some(value_minor) = draft.value_minor.filter(|_| draft.is_conversion()) {
            totals.sales += i64::from(!draft.is_return());
            totals.returns += i64::from(draft.is_return());
            totals.revenue_minor += value_minor;
            totals.returned_minor += if draft.is_return() { -value_minor } else { 0 };
            totals.margin_minor += draft.margin_minor();
            totals.lines += draft.lines.len() as i64;
        }
        *self.truth.touches_by_type.entry(draft.event_type.to_owned()).or_default() += 1;
    }

    /// Closes the book: orders the events in time, and adds what happens to events on their way.
    pub(crate) fn finish(mut self) -> Simulation {
        self.add_noise();
        self.events.sort_by(|a, b| (a.occurred_at, &a.event_id, &a.body).cmp(&(b.occurred_at, &b.event_id, &b.body)));
        let shared = &self.truth.shared;
        self.truth.persons = self.together.iter().map(|together| true_person(together, shared)).collect();
        Simulation { events: self.events, truth: self.truth }
    }

    /// Some events come twice, some break off on the way; and not every visitor is a shopper.
    fn add_noise(&mut self) {
        let mut rng = stream(self.seed, NOISE, 0);
        let mut noise = Vec::new();
        for event in &self.events {
            let draw: f64 = rng.random();
            if draw < 0.004 {
                self.truth.noise.duplicates += 1;
                noise.push(SimulatedEvent { occurred_at: event.occurred_at + 90 * SECOND_MS, ..event.clone() });
            } else if draw < 0.005 {
                self.truth.noise.malformed += 1;
                noise.push(SimulatedEvent {
                    event_id: format!("{}-cut", event.event_id),
                    body: event.body[..event.body.len() / 2].to_vec(),
                    ..event.clone()
                });
            } else if draw < 0.010 {
                self.truth.noise.bots += 1;
                let event_id = format!("crawl-{}", self.truth.noise.bots);
                let cookie = vec![("anonymous_id", event_id.clone())];
                let mut visit = Draft::new(event_id, Domain::Ecommerce, "page.viewed", event.occurred_at).by(cookie);
                visit.user_agent = Some(CRAWLER);
                noise.push(wire::event(&visit));
            }
        }
        self.events.extend(noise);
    }
}

/// Groups the names of one shopper by what their events connect (connected components).
fn true_person(together: &[(Vec<Name>, BTreeSet<Domain>)], shared: &BTreeSet<Identifier>) -> TruePerson {
    let mut group_of: BTreeMap<Identifier, usize> = BTreeMap::new();
    let mut groups: Vec<BTreeSet<Identifier>> = Vec::new();
    for (names, _) in together {
        let own: Vec<Identifier> = names
            .iter()
            .map(|(namespace, value)| Identifier::new(*namespace, value.clone()))
            .filter(|identifier| !shared.contains(identifier))
            .collect();
        let mut joined = groups.len();
        groups.push(BTreeSet::new());
        for identifier in own {
            match group_of.get(&identifier).copied() {
                Some(known) if known != joined => {
                    let (into, from) = (known.min(joined), known.max(joined));
                    let moved = std::mem::take(&mut groups[from]);
                    for member in &moved {
                        group_of.insert(member.clone(), into);
                    }
                    groups[into].extend(moved);
                    joined = into;
                }
                Some(_) => {}
                None => {
                    group_of.insert(identifier.clone(), joined);
                    groups[joined].insert(identifier);
                }
            }
        }
    }
    groups.retain(|group| !group.is_empty());
    let is_of = |group: &BTreeSet<Identifier>, (namespace, value): &Name| {
        group.contains(&Identifier::new(*namespace, value.clone()))
    };
    let seen_by = |group: &BTreeSet<Identifier>| {
        let theirs = together.iter().filter(|(names, _)| names.iter().any(|name| is_of(group, name)));
        theirs.flat_map(|(_, domains)| domains).copied().collect()
    };
    let domains = groups.iter().map(seen_by).collect();
    TruePerson { groups, domains }
}
