//! What the demo ends with, for programs; the screen shows the same to people.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_model::scorecard::DIMENSION_TEAM;
use tributary_model::{Arm, Decision, Fate, JourneyEvent, PersonId};

use super::comparison::{Fact, Identities};
use super::lift::LiftLine;
use super::read_model::ReadModel;
use crate::accounting::Accounting;
use crate::simulate::{Caused, Letter, Noise};
use crate::timeline::{Timeline, timeline};

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What ran.
    pub input: Input,
    /// What became of every event.
    pub accounting: Accounting,
    /// Why dead letters were refused.
    pub dead_letters: Vec<DeadLetterLine>,
    /// Truth and result, fact by fact; empty for real data, whose truth nobody knows.
    pub facts: Vec<FactLine>,
    /// How well shoppers were told apart and put together.
    pub identities: Option<Identities>,
    /// Links that were refused, and identifiers that stopped linking, by reason.
    pub refusals: BTreeMap<String, i64>,
    /// What made the sales happen, which no hub can see and only the simulation knows.
    pub caused: Option<Caused>,
    /// Events that were made to break, or to come twice.
    pub noise: Option<Noise>,
    /// Decisions by team and trigger.
    pub decisions: Vec<DecisionLine>,
    /// The scorecards of the teams.
    pub scorecards: Vec<ScorecardLine>,
    /// What messages caused, experiment by experiment.
    pub lift: Vec<LiftLine>,
    /// What is true of the simulated experiment.
    pub letter: Option<Letter>,
    /// One person's story.
    pub customer: Option<Timeline>,
    /// Corrections that the journeys made: statements taken back, to be said again in the light of later evidence.
    pub corrections: u64,
    /// How long feeding and settling took, in milliseconds.
    pub took_ms: u64,
    /// Whether the accounts add up and every fact agrees.
    pub good: bool,
}

/// What ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Input {
    /// `simulation` or the data set.
    pub what: String,
    /// Shoppers simulated.
    pub persons: Option<u32>,
    /// Days simulated.
    pub days: Option<u32>,
    /// The seed.
    pub seed: Option<u64>,
    /// Events fed.
    pub events: i64,
}

/// A fact with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactLine {
    /// The fact.
    #[serde(flatten)]
    pub fact: Fact,
    /// Whether truth and result agree.
    pub agrees: bool,
}

/// Dead letters of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetterLine {
    /// The stage that refused.
    pub stage: String,
    /// The reason code.
    pub code: String,
    /// How many.
    pub count: i64,
    /// What the first one says.
    pub example: String,
}

/// Decisions of one trigger.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DecisionLine {
    /// The team.
    pub team: String,
    /// The trigger.
    pub trigger: String,
    /// Decisions that were sent.
    pub sent: i64,
    /// Decisions that were withheld, by reason.
    pub withheld: BTreeMap<String, i64>,
    /// Persons with a decision.
    pub persons: i64,
    /// Of these, held out, in percent.
    pub held_out_percent: f64,
}

/// A team's scorecard over all time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScorecardLine {
    /// The team.
    pub team: String,
    /// Currency of the money.
    pub currency: String,
    /// Touches.
    pub touches: i64,
    /// Persons it reached with a message.
    pub reach: i64,
    /// What its touches cost.
    pub cost_minor: i64,
    /// Sales made in its channels.
    pub sales: i64,
    /// Revenue of these.
    pub revenue_minor: i64,
    /// Margin of these.
    pub margin_minor: i64,
    /// Credit by attribution model.
    pub credit_minor: BTreeMap<String, i64>,
}

/// The dead letters, by stage and code.
#[must_use]
pub fn dead_letters(model: &ReadModel) -> Vec<DeadLetterLine> {
    let lines = model.dead_letters.iter().map(|((stage, code), group)| DeadLetterLine {
        stage: stage.clone(),
        code: code.clone(),
        count: group.count,
        example: group.example.clone(),
    });
    lines.collect()
}

/// Refused links and quarantined identifiers, by reason.
#[must_use]
pub fn refusals(model: &ReadModel) -> BTreeMap<String, i64> {
    let mut refusals = BTreeMap::new();
    for ((kind, reason), count) in &model.changes {
        if kind == "refused" || kind == "quarantined" {
            let reason = reason.as_deref().unwrap_or("no reason given");
            *refusals.entry(format!("{kind}: {reason}")).or_default() += count;
        }
    }
    refusals
}

/// The decision ledger by team and trigger.
#[must_use]
pub fn decisions(model: &ReadModel) -> Vec<DecisionLine> {
    let mut by_trigger: BTreeMap<(&str, &str), Vec<&Decision>> = BTreeMap::new();
    for decision in model.decisions.values() {
        by_trigger.entry((&decision.team_id, &decision.trigger_id)).or_default().push(decision);
    }
    by_trigger.into_iter().map(|((team, trigger), ledger)| decision_line(team, trigger, &ledger)).collect()
}

fn decision_line(team: &str, trigger: &str, ledger: &[&Decision]) -> DecisionLine {
    let mut line = DecisionLine { team: team.to_owned(), trigger: trigger.to_owned(), ..DecisionLine::default() };
    let mut persons: BTreeSet<PersonId> = BTreeSet::new();
    let mut held_out: BTreeSet<PersonId> = BTreeSet::new();
    for decision in ledger {
        persons.insert(decision.person_id);
        if decision.arm == Arm::HeldOut {
            held_out.insert(decision.person_id);
        }
        match (decision.fate, decision.reason) {
            (Fate::Sent, _) => line.sent += 1,
            (Fate::Withheld, reason) => {
                let reason = reason.map_or("no reason given", |reason| reason.name());
                *line.withheld.entry(reason.to_owned()).or_default() += 1;
            }
        }
    }
    line.persons = persons.len() as i64;
    line.held_out_percent = 100.0 * held_out.len() as f64 / persons.len().max(1) as f64;
    line
}

/// The teams' scorecards over all time, in order of team; money in the currency that has most of it.
#[must_use]
pub fn scorecards(model: &ReadModel) -> Vec<ScorecardLine> {
    let rows = model.scorecards.totals().into_iter().filter(|(key, _)| key.dimension == DIMENSION_TEAM);
    let lines = rows.map(|(key, row)| {
        let most = row.money.into_iter().max_by_key(|(_, money)| money.revenue_minor.abs() + money.cost_minor);
        let (currency, money) = most.unwrap_or_default();
        ScorecardLine {
            team: key.team_id,
            currency,
            touches: row.counts.touches,
            reach: row.counts.reach,
            cost_minor: money.cost_minor,
            sales: row.counts.conversions,
            revenue_minor: money.revenue_minor,
            margin_minor: money.margin_minor,
            credit_minor: money.credit_minor,
        }
    });
    lines.collect()
}

/// The facts with their verdicts.
#[must_use]
pub fn fact_lines(facts: Vec<Fact>) -> Vec<FactLine> {
    facts.into_iter().map(|fact| FactLine { agrees: fact.agrees(), fact }).collect()
}

/// The story that shows most: all domains, a merge, a stage change, a contradiction, and short enough to be read.
#[must_use]
pub fn customer(model: &ReadModel) -> Option<Timeline> {
    let mut journeys: BTreeMap<PersonId, Vec<&JourneyEvent>> = BTreeMap::new();
    for event in model.journeys.events() {
        journeys.entry(event.person_id).or_default().push(event);
    }
    let (_, best) = journeys.into_iter().max_by_key(|(person, events)| (worth_telling(events), *person))?;
    let events: Vec<JourneyEvent> = best.into_iter().cloned().collect();
    Some(timeline(&events))
}

fn worth_telling(events: &[&JourneyEvent]) -> i64 {
    let count = |holds: &dyn Fn(&JourneyEvent) -> bool| events.iter().filter(|event| holds(event)).count() as i64;
    let domains: BTreeSet<_> = events.iter().map(|event| event.touchpoint.domain).collect();
    let bought_in: BTreeSet<_> =
        events.iter().filter(|event| event.touchpoint.is_sale()).map(|event| event.touchpoint.domain).collect();
    let identifiers = events.iter().flat_map(|event| &event.touchpoint.identifiers);
    let namespaces: BTreeSet<&str> = identifiers.map(|identifier| identifier.namespace.as_str()).collect();
    let stages = count(&|event| event.previous_stage.as_ref().is_some_and(|before| *before != event.stage));
    let conflicts = count(&|event| !event.story.conflicts.is_empty());
    let returns = count(&|event| event.touchpoint.is_conversion() && !event.touchpoint.is_sale());
    let touches = events.len() as i64;
    let unhandy = (touches - 28).max(0) + (12 - touches).max(0);
    40 * domains.len() as i64
        + 25 * bought_in.len() as i64
        + 12 * namespaces.len() as i64
        + 6 * stages.min(4)
        + 15 * conflicts.min(1)
        + 15 * returns.min(1)
        - 4 * unhandy
}
