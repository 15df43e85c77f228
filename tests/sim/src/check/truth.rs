//! What came out, against what the workload says of itself: persons are shoppers, and no cent is missing.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::PersonId;
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_TEAM, ScorecardKey, WINDOW_TOTAL};

use super::journeys::standing;
use crate::outputs::Outputs;
use crate::pills::is_pill;
use crate::workload::{Shopper, Workload};

/// Differences between the outputs and the truth about the workload.
#[must_use]
pub fn against_truth(workload: &Workload, outputs: &Outputs) -> Vec<String> {
    let mut found = persons(workload, outputs);
    found.extend(counts(workload, outputs));
    found.extend(revenue(workload, outputs));
    found
}

/// A message's id as its source gave it.
fn own_id(touchpoint_id: &str) -> &str {
    touchpoint_id.rsplit(':').next().unwrap_or(touchpoint_id)
}

/// Each shopper is one person with exactly the shopper's touches, and the totals at the last one are right.
fn persons(workload: &Workload, outputs: &Outputs) -> Vec<String> {
    let mut people: BTreeMap<PersonId, Shopper> = BTreeMap::new();
    let mut last: BTreeMap<PersonId, i64> = BTreeMap::new();
    for event in standing(&outputs.journeys) {
        let person = people.entry(event.person_id).or_default();
        person.messages.insert(own_id(&event.touchpoint.touchpoint_id).to_owned());
        // The totals of the touch that counts the most touches are those of the whole journey.
        let touches = last.entry(event.person_id).or_default();
        if event.totals.touch_count > *touches {
            *touches = event.totals.touch_count;
            (person.orders, person.net_cents) = (event.totals.order_count, event.totals.value_minor);
        }
    }
    let mut found: Vec<Shopper> = people.into_values().collect();
    let mut expected = workload.shoppers.clone();
    for shoppers in [&mut found, &mut expected] {
        shoppers.sort_by(|one, other| one.messages.cmp(&other.messages));
    }
    if found == expected {
        return Vec::new();
    }
    let lost = expected.iter().filter(|shopper| !found.contains(shopper));
    let made_up = found.iter().filter(|shopper| !expected.contains(shopper));
    let lost = lost.map(|shopper| format!("journeys: no person is {}", told(shopper)));
    lost.chain(made_up.map(|person| format!("journeys: nobody is {}", told(person)))).collect()
}

fn told(Shopper { messages, orders, net_cents }: &Shopper) -> String {
    format!("the shopper with {orders} orders, {net_cents} cents and the messages {messages:?}")
}

/// Every record that arrived is a touchpoint, a repeat or rubbish.
fn counts(workload: &Workload, outputs: &Outputs) -> Vec<String> {
    let mut found = Vec::new();
    let mut demand = |what: &str, expected: u64, is: usize| {
        if expected != is as u64 {
            found.push(format!("{what}: {expected} expected, {is} found"));
        }
    };
    let all = workload.shoppers.iter().chain(&workload.erased);
    let messages: usize = all.map(|shopper| shopper.messages.len()).sum();
    demand("touchpoints", messages as u64, outputs.touchpoints.len());
    let letters: Vec<&[u8]> = outputs.dead_letters.iter().map(|letter| letter.key.as_slice()).collect();
    let pills: BTreeSet<&[u8]> = letters.iter().copied().filter(|key| is_pill(key)).collect();
    demand("dead letters", workload.rubbish + workload.pills, letters.len());
    demand("pills among the dead letters", workload.pills, pills.len());
    found
}

/// The scorecards of all teams together hold what all shoppers paid, and so do the credits of each model.
fn revenue(workload: &Workload, outputs: &Outputs) -> Vec<String> {
    let all = workload.shoppers.iter().chain(&workload.erased);
    let net: i64 = all.map(|shopper| shopper.net_cents).sum();
    let key = ScorecardKey {
        team_id: ALL_TEAMS.to_owned(),
        dimension: DIMENSION_TEAM.to_owned(),
        subject: ALL_TEAMS.to_owned(),
        window: WINDOW_TOTAL.to_owned(),
        window_start_at: 0,
        currency: "USD".to_owned(),
    };
    let measures = outputs.scorecards.get(&key.to_key()).map(|scorecard| &scorecard.measures);
    let mut found = Vec::new();
    let revenue = measures.map_or(0, |measures| measures.revenue_minor);
    if revenue != net {
        found.push(format!("scorecards: {net} cents were paid and {revenue} are counted"));
    }
    for (model, credit) in measures.into_iter().flat_map(|measures| &measures.credit_minor) {
        if *credit != net {
            found.push(format!("scorecards: {net} cents were paid and {credit} are credited by {model}"));
        }
    }
    found
}
