//! Triggers about accounts: a condition over the account's record that becomes true.
//!
//! A trigger is eligible at the moment its condition becomes true, and again when it becomes true again, once per re-entry
//! key. Its decision is the account's: the arm of a hold-out goes by the account's id, and when accounts turn out to be one,
//! what has fired for either has fired for both.

mod context;
mod definition;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tributary_model::step::{AccountStep, StepEffects};
use tributary_model::{AccountEvent, Arm, Decision, Fate, PersonId, TriggerIntent, WithheldReason};
use tributary_rules::Value;

pub(crate) use self::context::context_shape;
pub use self::definition::AccountTrigger;
use crate::arms::{ArmsSeen, assign};
use crate::ledger::decision_id;
use crate::load::Definitions;
use crate::metrics;
use crate::reentry::Reentry;
use crate::zone::local;

/// The most firings that are remembered of one trigger for one account.
const MAX_REMEMBERED: usize = 512;

/// What is remembered of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTriggerState {
    /// Triggers whose condition held when it was last asked.
    holding: BTreeSet<String>,
    /// Event times at which triggers were decided.
    fired: BTreeMap<String, BTreeSet<i64>>,
    /// The arms that the account has been exposed in, by experiment.
    arms: BTreeMap<String, ArmsSeen>,
}

/// All triggers about accounts, ready to run.
#[derive(Debug, Default)]
pub struct AccountTriggers {
    triggers: Vec<AccountTrigger>,
}

impl AccountTriggers {
    /// Those of these definitions.
    #[must_use]
    pub fn new(definitions: &Definitions) -> Self {
        Self { triggers: definitions.of_accounts().cloned().collect() }
    }
}

impl AccountStep for AccountTriggers {
    type State = AccountTriggerState;

    fn on_account(
        &self,
        account: &AccountEvent,
        evidence: Option<&str>,
        state: &mut AccountTriggerState,
        effects: &mut StepEffects,
    ) {
        let from = effects.decisions.len();
        let concerned = |trigger: &&AccountTrigger| trigger.concerns(&account.namespace);
        let mut context: Option<Value> = None;
        for trigger in self.triggers.iter().filter(concerned) {
            let context = context.get_or_insert_with(|| context::build(account));
            if !trigger.holds(context) {
                state.holding.remove(&trigger.id);
            } else if state.holding.insert(trigger.id.clone()) && !state.blocks(trigger, account.last_at) {
                decide(trigger, account, evidence, context, state, effects);
            }
        }
        metrics::decided(effects, from);
    }

    fn absorb(&self, state: &mut AccountTriggerState, other: AccountTriggerState) {
        // What holds is asked again of the union, and it has fired already if it did for either.
        for (trigger_id, fired) in other.fired {
            let known = state.fired.entry(trigger_id).or_default();
            known.extend(fired);
            keep_newest(known);
        }
        for (experiment, seen) in other.arms {
            let known = state.arms.entry(experiment).or_default();
            *known = known.union(seen);
        }
    }
}

impl AccountTriggerState {
    /// Whether the trigger has fired under the re-entry key that `at` has.
    fn blocks(&self, trigger: &AccountTrigger, at: i64) -> bool {
        let Some(fired) = self.fired.get(&trigger.id) else { return false };
        match trigger.reentry {
            Reentry::Every(span) => fired.range(at - span.as_ms() + 1..at + span.as_ms()).next().is_some(),
            Reentry::Day => fired.iter().any(|other| key(trigger.reentry, *other) == key(trigger.reentry, at)),
            _ => !fired.is_empty(),
        }
    }
}

fn keep_newest(fired: &mut BTreeSet<i64>) {
    while fired.len() > MAX_REMEMBERED {
        fired.pop_first();
    }
}

/// The re-entry key of a decision at `at`; days are those of UTC, since an account is in no one time zone.
fn key(reentry: Reentry, at: i64) -> String {
    match reentry {
        Reentry::Every(_) => format!("from:{at}"),
        Reentry::Day => format!("day:{}", local(at, &TimeZone::UTC).date()),
        _ => "once".to_owned(),
    }
}

fn decide(
    trigger: &AccountTrigger,
    account: &AccountEvent,
    evidence: Option<&str>,
    context: &Value,
    state: &mut AccountTriggerState,
    effects: &mut StepEffects,
) {
    let decided_at = account.last_at;
    let experiment = format!("{}:{}", trigger.id, trigger.seed);
    let seen = state.arms.get(&experiment).copied().unwrap_or_default();
    let unit = PersonId(account.account_id.0);
    let arm = seen.fixed().unwrap_or_else(|| assign(&trigger.seed, unit, trigger.holdout_buckets));
    let (reason, detail) = if trigger.holdout_buckets > 0 && seen.is_contaminated() {
        (Some(WithheldReason::Contaminated), Some(format!("a merge of accounts joined both arms of {experiment}")))
    } else {
        ((arm == Arm::HeldOut).then_some(WithheldReason::HeldOut), None)
    };
    let decision = Decision {
        decision_id: decision_id(&trigger.id, account.account_id.0, &key(trigger.reentry, decided_at)).to_string(),
        trigger_id: trigger.id.clone(),
        trigger_version: trigger.version,
        team_id: trigger.team_id.clone(),
        person_id: unit,
        decided_at,
        arm,
        fate: if reason.is_none() { Fate::Sent } else { Fate::Withheld },
        reason,
        detail,
        channel: trigger.channel.clone(),
        priority: trigger.priority,
        evidence: evidence.map(str::to_owned).into_iter().collect(),
        valid_until_at: decided_at + trigger.validity.as_ms(),
        account_id: Some(account.account_id),
        consent: None,
        judged_at: Some(decided_at),
        experiment: (trigger.holdout_buckets > 0).then_some(experiment.clone()),
        channel_reason: None,
        action: "notify".to_owned(),
    };
    let fired = state.fired.entry(trigger.id.clone()).or_default();
    fired.insert(decided_at);
    keep_newest(fired);
    if trigger.holdout_buckets > 0 && reason != Some(WithheldReason::Contaminated) {
        state.arms.entry(experiment).or_default().expose(arm);
    }
    if decision.fate == Fate::Sent {
        effects.intents.push(intent(trigger, &decision, context));
    }
    effects.decisions.push(decision);
}

fn intent(trigger: &AccountTrigger, decision: &Decision, context: &Value) -> TriggerIntent {
    let context = context::with_decision(context.clone(), decision);
    TriggerIntent {
        decision_id: decision.decision_id.clone(),
        trigger_id: decision.trigger_id.clone(),
        trigger_version: decision.trigger_version,
        team_id: decision.team_id.clone(),
        person_id: decision.person_id,
        action: "notify".to_owned(),
        channel: decision.channel.clone(),
        decided_at: decision.decided_at,
        valid_until_at: decision.valid_until_at,
        payload: Json::Object(trigger.payload.fill(&context)).to_string(),
        account_id: decision.account_id,
    }
}
