//! The days of the retailer lived twice, once with kills in the middle of steps and once without: the ledgers are the same,
//! decision by decision, with all their fields.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use serde_json::Value;
use tributary_model::time::SECOND_MS;
use tributary_model::{Decision, Domain, WithheldReason, topics};
use tributary_stream::{Positions, Range, read_ranges};
use tributary_testkit::eventually_every;
use tributary_tributary::simulate::SimulatedEvent;

use crate::bed::{Bed, Hub};
use crate::feed::{Feed, Retail};
use crate::ledger::Ledger;
use crate::plan::{Step, steps};
use crate::settle::Watch;
use crate::tools::acts_on;

const PATIENCE: Duration = Duration::from_secs(120);
/// One step in so many sees a kill.
const KILL_EVERY: usize = 5;
/// Where it shows that the hub is at work, a topic a kill.
const SHOWS_ON: [&str; 3] = [topics::TOUCHPOINTS, topics::RESOLVED, topics::JOURNEYS];

/// A run of the hub.
struct Life {
    bed: Bed,
    hub: Option<Hub>,
    feed: Feed,
    watch: Watch,
    identifiers: BTreeMap<String, Value>,
    /// Decisions that the tools have acted on.
    acted_on: i64,
    acts: usize,
    kills: usize,
    /// Of these, those that left something undone that had been sent.
    kills_at_work: usize,
    ends: Positions,
}

impl Life {
    fn new(retail: &Retail) -> Self {
        let bed = Bed::without_chance();
        let (hub, feed, watch) = (Some(bed.hub()), Feed::new(&bed), Watch::new(&bed.settings()));
        let ends = Positions::new(&bed.settings(), "tributary.positions").unwrap();
        Self {
            bed,
            hub,
            feed,
            watch,
            identifiers: retail.identifiers(),
            acted_on: 0,
            acts: 0,
            kills: 0,
            kills_at_work: 0,
            ends,
        }
    }

    /// A step, and what the tools do about it.
    fn step(&mut self, step: &Step) {
        self.feed.publish_in_order(&step.events);
        self.settle(&step.name);
    }

    /// A step in the middle of which the hub is killed, while it is at the first half of it.
    fn step_with_kill(&mut self, step: &Step) {
        let shows_on = SHOWS_ON[self.kills % SHOWS_ON.len()];
        let (first, second) = step.events.split_at(step.events.len().div_ceil(2));
        let before = self.end_of(shows_on);
        self.feed.publish_in_order(first);
        let begun = || (self.end_of(shows_on) > before).then_some(());
        let begun = eventually_every(Duration::from_millis(1), PATIENCE, begun);
        assert!(begun.is_some(), "nothing comes on {shows_on} of step {}", step.name);
        self.hub = None;
        self.kills += 1;
        self.kills_at_work += usize::from(!self.watch.behind().is_empty());
        self.feed.publish_in_order(second);
        self.hub = Some(self.bed.hub());
        self.settle(&step.name);
    }

    fn settle(&mut self, name: &str) {
        self.watch.until_settled(PATIENCE, name);
        let acts = self.acts();
        if !acts.is_empty() {
            self.acts += acts.len();
            self.feed.publish_in_order(&acts);
            self.watch.until_settled(PATIENCE, &format!("what the tools do in {name}"));
        }
    }

    fn end_of(&self, topic: &str) -> i64 {
        let positions = self.ends.read(&[topic.to_owned()]).unwrap();
        positions.iter().map(|position| position.end).sum()
    }

    /// What the tools do about the decisions that they have not seen yet, in the order of these.
    fn acts(&mut self) -> Vec<SimulatedEvent> {
        let (from, to) = (self.acted_on, self.end_of(topics::DECISIONS));
        self.acted_on = to;
        let contracts = self.bed.contracts();
        let mut acts = Vec::new();
        read_ranges(&self.bed.settings(), topics::DECISIONS, &[Range { partition: 0, from, to }], |record| {
            let decision: Decision = contracts.decode(&record.value.unwrap()).unwrap();
            acts.extend(acts_on(&decision, &self.identifiers).into_iter().map(|(event_id, body)| SimulatedEvent {
                source: "events-channel",
                domain: Domain::Channel,
                event_id,
                occurred_at: decision.judged_at.unwrap() + SECOND_MS,
                body: body.to_string().into_bytes(),
            }));
        })
        .unwrap();
        acts
    }
}

/// Lives all steps, and gives the ledger and the number of kills.
fn live(retail: &Retail, steps: &[Step], with_kills: bool) -> (Ledger, usize) {
    let mut life = Life::new(retail);
    for (number, step) in steps.iter().enumerate() {
        if with_kills && number % KILL_EVERY == KILL_EVERY - 1 && step.events.len() > 1 {
            life.step_with_kill(step);
        } else {
            life.step(step);
        }
    }
    life.hub = None;
    let ledger = Ledger::read(&life.bed);
    eprintln!(
        "{} steps in {} s, {} kills, {} of them at work, {} acts of the tools, {} decisions, {} intents, {} outcomes",
        steps.len(),
        life.feed.seconds(),
        life.kills,
        life.kills_at_work,
        life.acts,
        ledger.decisions.len(),
        ledger.intents.len(),
        ledger.outcomes.len(),
    );
    (ledger, life.kills)
}

/// Lives the retailer's days in parts of so many hours, with kills and without.
pub(crate) fn the_same_with_kills(persons: u32, hours: i64) {
    let retail = Retail::new(persons);
    let steps = steps(retail.events(), hours);
    let sent: usize = steps.iter().map(|step| step.events.len()).sum();
    eprintln!("{} steps of {sent} events, {} of them the retailer's", steps.len(), retail.event_count());
    let (calm, _) = live(&retail, &steps, false);
    let (killed, kills) = live(&retail, &steps, true);
    let mut fates: BTreeMap<&str, usize> = BTreeMap::new();
    for decision in &calm.decisions {
        *fates.entry(decision.reason.map_or("sent", WithheldReason::name)).or_default() += 1;
    }
    eprintln!("fates: {fates:?}");
    let mut differences = differences("decisions", &calm.decisions, &killed.decisions, |one| &one.decision_id);
    differences.extend(self::differences("outcomes", &calm.outcomes, &killed.outcomes, |one| &one.outcome_id));
    differences.extend(self::differences("intents", &calm.intents, &killed.intents, |one| &one.decision_id));
    for difference in differences.iter().take(30) {
        eprintln!("  ✗ {difference}");
    }
    assert!(differences.is_empty(), "{} differences", differences.len());
    assert!(kills >= 3, "only {kills} kills");
    for fate in ["sent", "held_out", "capped", "quiet_hours", "no_consent", "lost_arbitration", "suppressed", "expired"]
    {
        assert!(fates.contains_key(fate), "nothing was ever {fate}");
    }
    assert!(!calm.outcomes.is_empty());
}

/// What is not the same, in a line each. Those of one id are compared field by field, and all of them in their order.
fn differences<T: Debug + PartialEq>(what: &str, calm: &[T], killed: &[T], id: impl Fn(&T) -> &String) -> Vec<String> {
    let by_id = |all: &[T]| all.iter().map(|one| (id(one).clone(), format!("{one:?}"))).collect::<BTreeMap<_, _>>();
    let (calm_by_id, killed_by_id) = (by_id(calm), by_id(killed));
    let ids = calm_by_id.keys().chain(killed_by_id.keys().filter(|id| !calm_by_id.contains_key(*id)));
    let mut found: Vec<String> = ids
        .filter(|id| calm_by_id.get(*id) != killed_by_id.get(*id))
        .map(|id| format!("{what}: without kills {:?}, with kills {:?}", calm_by_id.get(id), killed_by_id.get(id)))
        .collect();
    if found.is_empty() && calm != killed {
        found.push(format!("{what}: the same in another order, or one stands twice"));
    }
    found
}
