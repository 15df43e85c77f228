//! Decisions about accounts: when they are made depends on the order of arrival, so only what holds in every order is judged.

use tributary_model::Decision;

use super::{TOPIC, check_fate, check_team};
use crate::check::report::Report;
use crate::check::triggers::Rule;
use crate::truth::World;
use crate::truth::companies::named;

/// Checks one decision.
pub(super) fn check(world: &World, rule: &Rule, decision: &Decision, report: &mut Report) {
    let name = format!("{} {}", rule.id, decision.decision_id);
    check_team(&name, rule, decision, report);
    if decision.account_id.map(|account| account.0) != Some(decision.person_id.0) {
        report.add(TOPIC, &name, "the account in the place of the person", format!("{:?}", decision.account_id));
    }
    for id in &decision.evidence {
        let touch = world.ledger.touches.get(id);
        let names = |kept: &crate::truth::ledger::Kept| {
            named(&kept.touchpoint).iter().any(|(_, _, account)| Some(*account) == decision.account_id)
        };
        if !touch.is_some_and(names) {
            report.add(TOPIC, &name, "evidence that names the account", id);
        }
    }
    let is_a_time = world.people.journeys().any(|(_, event)| event.touchpoint.occurred_at == decision.decided_at);
    if !is_a_time {
        report.add(TOPIC, &name, "the time of a touch", decision.decided_at);
    }
    report.count(TOPIC, &name, "as end of validity", decision.decided_at + rule.validity_ms, decision.valid_until_at);
    check_fate(&name, rule, decision, report);
}
