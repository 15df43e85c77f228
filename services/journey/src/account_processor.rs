//! The accounts on their partition: journey events and commands keyed by account in, the account as it is now out, what
//! changes about the ways that accounts went, and what a merged account tells the one that it turned out to be. Chained behind, in the same transaction, the step that
//! decides the triggers about accounts.

use std::sync::Arc;

use tributary_model::account::AccountCommand;
use tributary_model::step::{AccountStep, StepEffects};
use tributary_model::{AccountEvent, AccountId, JourneyEvent, PersonId, topics};
use tributary_stream::{Effects, Failure, KeyedStore, Processor, Record, Stage, StateStore};

use crate::account::delta::Delta;
use crate::account::{AccountRollups, STORES, Told};
use crate::account_rules::AccountRules;
use crate::config::Config;
use crate::metrics::AccountTally;
use crate::stage::StageDefinitions;

/// Name of the stage.
pub const ACCOUNTS_STAGE: &str = "accounts";
/// The person that an account is to forget, on a record without a value.
pub(crate) const HEADER_ERASED_PERSON: &str = "tributary-erased-person";

const STEPS: &str = "steps";
/// Version of the steps' store.
const STEPS_VERSION: u8 = 1;
/// A delta that was passed on by more merged accounts than this goes round in a circle.
const MAX_HOPS: i32 = 64;

/// The stage that folds `tributary.account-touches` and `tributary.account-commands` into `tributary.accounts`, and runs
/// `make_step`'s step behind each account.
pub fn accounts_stage<T, F>(
    config: &Config,
    stages: Arc<StageDefinitions>,
    rules: Arc<AccountRules>,
    make_step: F,
) -> Stage
where
    T: AccountStep + 'static,
    F: Fn() -> T + Send + Sync + 'static,
{
    let config = config.clone();
    Stage {
        name: ACCOUNTS_STAGE,
        leader_topics: vec![topics::ACCOUNT_TOUCHES.to_owned()],
        sibling_topics: vec![topics::ACCOUNT_COMMANDS.to_owned()],
        stores: STORES.into_iter().chain([STEPS]).collect(),
        allowed_lateness_ms: config.allowed_lateness_ms,
        factory: Arc::new(move |_| {
            Box::new(AccountsProcessor::new(&config, Arc::clone(&stages), Arc::clone(&rules), make_step()))
        }),
    }
}

/// The accounts of one partition.
#[derive(Debug)]
pub struct AccountsProcessor<T: AccountStep> {
    rollups: AccountRollups,
    step: T,
    steps: KeyedStore<AccountId, T::State>,
    tally: AccountTally,
}

impl<T: AccountStep> AccountsProcessor<T> {
    /// A processor without state.
    #[must_use]
    pub fn new(config: &Config, stages: Arc<StageDefinitions>, rules: Arc<AccountRules>, step: T) -> Self {
        let rollups = AccountRollups::new(config, rules, stages);
        Self { rollups, step, steps: KeyedStore::new(STEPS, STEPS_VERSION), tally: AccountTally::default() }
    }

    fn on_touch(&mut self, account_id: AccountId, event: &JourneyEvent, effects: &mut Effects) -> Result<(), Failure> {
        effects.observe_event_time(event.touchpoint.occurred_at);
        let told = self.rollups.on_touch(account_id, event);
        self.tally.touches += 1;
        self.publish(told, 0, Some(&event.touchpoint.touchpoint_id), effects)
    }

    fn on_command(&mut self, command: &AccountCommand, effects: &mut Effects) -> Result<(), Failure> {
        let delta = Delta::decode(&command.delta)?;
        self.take_in_step(command.account_id, &delta.step)?;
        let told = self.rollups.enter(command.account_id, delta);
        self.publish(told, command.hops, None, effects)
    }

    fn publish(&mut self, told: Told, hops: i32, evidence: Option<&str>, effects: &mut Effects) -> Result<(), Failure> {
        let account = &told.event;
        effects.emit(topics::ACCOUNTS, account.account_id.to_key(), account)?;
        let send = |account_id: AccountId, delta: &Delta, effects: &mut Effects| {
            let command = AccountCommand { account_id, hops: hops + 1, delta: delta.encode()? };
            effects.emit(topics::ACCOUNT_COMMANDS, account_id.to_key(), &command)
        };
        // Before what it brings: what has fired for this account is not to fire for that one.
        if let Some(survivor) = told.merged_into
            && let Some(state) = self.steps.get(&account.account_id)
        {
            let step = rmp_serde::to_vec(state)
                .map_err(|error| Failure::Fatal(format!("the triggers of an account cannot be written: {error}")))?;
            send(survivor, &Delta { step, ..Delta::default() }, effects)?;
        }
        for (account_id, delta) in &told.others {
            send(*account_id, delta, effects)?;
        }
        self.tally.merged += u64::from(told.merged_into.is_some());
        self.tally.parted += u64::from(told.is_parted_now);
        if account.merged_into.is_none() { self.run_step(account, evidence, effects) } else { Ok(()) }
    }

    fn take_in_step(&mut self, account_id: AccountId, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        let other = rmp_serde::from_slice(bytes)
            .map_err(|error| Failure::Poison { code: "corrupt_step", message: error.to_string() })?;
        let mut state = self.steps.get(&account_id).cloned().unwrap_or_default();
        self.step.absorb(&mut state, other);
        self.steps.insert(account_id, state);
        Ok(())
    }

    /// Runs the chained step on the account as it is now, and publishes what it wants done.
    fn run_step(
        &mut self,
        account: &AccountEvent,
        evidence: Option<&str>,
        effects: &mut Effects,
    ) -> Result<(), Failure> {
        let mut wanted = StepEffects::default();
        let before = self.steps.get(&account.account_id).cloned().unwrap_or_default();
        let mut after = before.clone();
        self.step.on_account(account, evidence, &mut after, &mut wanted);
        if after != before {
            self.steps.insert(account.account_id, after);
        }
        for decision in &wanted.decisions {
            effects.emit(topics::DECISIONS, account.account_id.to_key(), decision)?;
        }
        for intent in &wanted.intents {
            effects.emit(&topics::triggers(&intent.team_id), account.account_id.to_key(), intent)?;
        }
        Ok(())
    }
}

impl<T: AccountStep> Processor for AccountsProcessor<T> {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let erased = input.header(HEADER_ERASED_PERSON).and_then(|text| text.parse::<PersonId>().ok());
        if input.value.is_none() && erased.is_none() {
            effects.drop_input("tombstone");
            return Ok(());
        }
        let account_id: AccountId = String::from_utf8_lossy(&input.key)
            .parse()
            .map_err(|_| Failure::Poison { code: "account_key", message: "the key is not an account".to_owned() })?;
        let Some(value) = &input.value else {
            let Some(person_id) = erased else { return Ok(()) };
            let told = self.rollups.forget(account_id, person_id);
            return self.publish(told, 0, None, effects);
        };
        match input.topic.as_str() {
            topics::ACCOUNT_TOUCHES => {
                let event: JourneyEvent = effects.contracts().decode(value)?;
                self.on_touch(account_id, &event, effects)
            }
            topics::ACCOUNT_COMMANDS => {
                let command: AccountCommand = effects.contracts().decode(value)?;
                if command.hops > MAX_HOPS {
                    let message = "passed on from account to account: the rules of their kinds were changed".to_owned();
                    return Err(Failure::Poison { code: "account_circle", message });
                }
                self.on_command(&AccountCommand { account_id, ..command }, effects)
            }
            other => Err(Failure::Fatal(format!("accounts do not read {other}: check the stage's topics"))),
        }
    }

    fn before_commit(&mut self, effects: &mut Effects) -> Result<(), Failure> {
        for delta in self.rollups.drain_paths() {
            effects.emit(topics::PATH_CHANGES, delta.key.to_key(), &delta)?;
        }
        std::mem::take(&mut self.tally).publish();
        Ok(())
    }

    fn on_abort(&mut self) {
        self.rollups.abort();
        self.tally = AccountTally::default();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let mut stores = self.rollups.stores();
        stores.push(&mut self.steps);
        stores
    }
}

#[cfg(test)]
mod tests;
