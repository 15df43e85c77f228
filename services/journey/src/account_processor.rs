//! The account roll-ups on their partition: journey events keyed by account in, the account as it is now out.

use std::sync::Arc;

use tributary_model::{AccountId, JourneyEvent, PersonId, topics};
use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore};

use crate::account::{AccountRollups, STORES};
use crate::config::Config;
use crate::metrics::publish_account_touches;
use crate::stage::StageDefinitions;

/// Name of the stage.
pub const ACCOUNTS_STAGE: &str = "accounts";
/// The person that an account is to forget, on a record without a value.
pub(crate) const HEADER_ERASED_PERSON: &str = "tributary-erased-person";

/// The stage that folds `tributary.account-touches` into `tributary.accounts`.
#[must_use]
pub fn accounts_stage(config: &Config, stages: Arc<StageDefinitions>) -> Stage {
    let max_touch_times = config.account_touch_times;
    Stage {
        name: ACCOUNTS_STAGE,
        leader_topics: vec![topics::ACCOUNT_TOUCHES.to_owned()],
        sibling_topics: Vec::new(),
        stores: STORES.to_vec(),
        allowed_lateness_ms: config.allowed_lateness_ms,
        factory: Arc::new(move |_| Box::new(AccountsProcessor::new(Arc::clone(&stages), max_touch_times))),
    }
}

/// The accounts of one partition.
#[derive(Debug)]
pub struct AccountsProcessor {
    rollups: AccountRollups,
    touch_count: u64,
}

impl AccountsProcessor {
    /// A processor without state.
    #[must_use]
    pub fn new(stages: Arc<StageDefinitions>, max_touch_times: usize) -> Self {
        Self { rollups: AccountRollups::new(stages, max_touch_times), touch_count: 0 }
    }
}

impl Processor for AccountsProcessor {
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
            let left = erased.and_then(|person_id| self.rollups.forget(account_id, person_id));
            return left.map_or(Ok(()), |account| effects.emit(topics::ACCOUNTS, account_id.to_key(), &account));
        };
        let event: JourneyEvent = effects.contracts().decode(value)?;
        effects.observe_event_time(event.touchpoint.occurred_at);
        let account = self.rollups.apply(account_id, &event);
        self.touch_count += 1;
        effects.emit(topics::ACCOUNTS, account_id.to_key(), &account)
    }

    fn before_commit(&mut self, _effects: &mut Effects) -> Result<(), Failure> {
        publish_account_touches(std::mem::take(&mut self.touch_count));
        Ok(())
    }

    fn on_abort(&mut self) {
        self.touch_count = 0;
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        self.rollups.stores()
    }
}
