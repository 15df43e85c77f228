//! The triggers of a running hub: what its files say, and what was applied since. A change is compiled on a thread of its own
//! and put in place as a whole; each step of the journey works with what is in place when it begins.

use std::collections::BTreeSet;
use std::sync::Arc;

use tributary_model::step::{AccountStep, PersonStep, PersonView, StepEffects};
use tributary_model::{
    AccountEvent, Enrolment, Identifier, JourneyEvent, Permission, PersonId, Recheck, TriggerDefinition, topics,
};
use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, Record, Table, list_topics};
use tributary_triggers::{
    AccountTriggerState, AccountTriggers, Definitions, LiveDefinitions, TriggerEngine, TriggerState, TriggersConfig,
    TriggersError,
};

use crate::metrics;

/// How often the broker is asked for a team's topics before a definition is refused.
const LOOKS: usize = 3;

/// All triggers that run, compiled.
#[derive(Debug, Clone)]
pub struct Catalogue {
    definitions: LiveDefinitions,
    config: Arc<TriggersConfig>,
    persons: Arc<TriggerEngine>,
    accounts: Arc<AccountTriggers>,
    /// Teams whose topics are there.
    teams: BTreeSet<String>,
}

impl Catalogue {
    fn new(files: &Definitions, config: &TriggersConfig) -> Result<Self, TriggersError> {
        Ok(Self {
            definitions: LiveDefinitions::new(files.clone(), config),
            config: Arc::new(config.clone()),
            persons: Arc::new(TriggerEngine::new(files.clone(), config)?),
            accounts: Arc::new(AccountTriggers::new(files)),
            teams: files.teams().into_iter().map(str::to_owned).collect(),
        })
    }

    /// Compiles what is in force and puts it in place.
    fn renew(&mut self) -> Result<(), TriggersError> {
        let running = self.definitions.running();
        running.check_payloads(&self.config)?;
        let persons = TriggerEngine::new(running.clone(), &self.config)?;
        self.accounts = Arc::new(AccountTriggers::new(&running));
        self.persons = Arc::new(persons);
        Ok(())
    }

    /// Takes over one record of the topic. One that is of no use is refused: it is logged and counted, and what was known
    /// of its trigger stays.
    pub fn take_over(&mut self, contracts: &Contracts, record: &Record, has_topics: impl FnMut(&str) -> bool) {
        let trigger_id = String::from_utf8_lossy(&record.key).into_owned();
        let result = self.try_take_over(contracts, &trigger_id, record, has_topics);
        metrics::definition_read(result.is_ok());
        match result {
            Ok(Some(said)) => {
                let (version, status) = (said.version, said.status.name());
                tracing::info!(trigger_id, version, status, "a trigger was applied");
            }
            Ok(None) => tracing::info!(trigger_id, "what was applied of a trigger is forgotten"),
            Err(reason) => {
                tracing::error!(trigger_id, position = record.position(), reason, "trigger definition refused");
            }
        }
        self.show();
    }

    /// Shows how many run.
    fn show(&self) {
        metrics::triggers_running(self.definitions.running().summaries().count());
    }

    fn try_take_over(
        &mut self,
        contracts: &Contracts,
        trigger_id: &str,
        record: &Record,
        mut has_topics: impl FnMut(&str) -> bool,
    ) -> Result<Option<TriggerDefinition>, String> {
        let before = self.definitions.clone();
        let said = match &record.value {
            None => {
                self.definitions.forget(trigger_id);
                None
            }
            Some(value) => {
                let said: TriggerDefinition = contracts.decode(value).map_err(|error| error.to_string())?;
                self.definitions
                    .apply(said.clone())
                    .map_err(|problems| TriggersError::Invalid(problems).to_string())?;
                Some(said)
            }
        };
        let running = self.definitions.running();
        let without_topics = running.teams().into_iter().find(|team| !self.teams.contains(*team) && !has_topics(team));
        if let Some(team) = without_topics {
            self.definitions = before;
            return Err(format!(
                "team {team} has no topics: apply it with `tributary trigger apply`, which makes them"
            ));
        }
        self.teams.extend(running.teams().into_iter().map(str::to_owned));
        self.renew().map_err(|error| {
            self.definitions = before;
            error.to_string()
        })?;
        Ok(said)
    }
}

/// The triggers as every step reads them. Cloning shares them.
#[derive(Debug, Clone)]
pub struct LiveTriggers {
    table: Table<Catalogue>,
}

impl LiveTriggers {
    /// Those of files, and what the topic says once it is read.
    ///
    /// # Errors
    /// [`TriggersError`] when they cannot run.
    pub fn beginning_with(files: &Definitions, config: &TriggersConfig) -> Result<Self, TriggersError> {
        let catalogue = Catalogue::new(files, config)?;
        catalogue.show();
        Ok(Self { table: Table::beginning_with(catalogue) })
    }

    /// Those of files, for ever.
    ///
    /// # Errors
    /// [`TriggersError`] when they cannot run.
    pub fn fixed(files: &Definitions, config: &TriggersConfig) -> Result<Self, TriggersError> {
        Ok(Self { table: Table::fixed(Catalogue::new(files, config)?) })
    }

    /// The table, for the thread that keeps it.
    #[must_use]
    pub fn table(&self) -> &Table<Catalogue> {
        &self.table
    }
}

/// Whether the topics of a team are there.
#[must_use]
pub fn has_topics(settings: &KafkaSettings, team: &str) -> bool {
    let needed = [topics::triggers(team), topics::metrics(team)];
    for _ in 0..LOOKS {
        match list_topics(settings) {
            Ok(found) => return needed.iter().all(|topic| found.iter().any(|(name, _)| name == topic)),
            Err(error) => tracing::warn!(%error, team, "cannot look for the topics of a team"),
        }
    }
    false
}

impl PersonStep for LiveTriggers {
    type State = TriggerState;

    fn on_journey(
        &self,
        person: PersonView<'_>,
        changes: &[JourneyEvent],
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) {
        self.table.load().persons.on_journey(person, changes, state, effects);
    }

    fn on_timer(&self, person: PersonView<'_>, at: i64, state: &mut TriggerState, effects: &mut StepEffects) {
        self.table.load().persons.on_timer(person, at, state, effects);
    }

    fn absorb(&self, person: PersonView<'_>, state: &mut TriggerState, loser: TriggerState, effects: &mut StepEffects) {
        self.table.load().persons.absorb(person, state, loser, effects);
    }

    fn take(&self, state: &mut TriggerState, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> TriggerState {
        self.table.load().persons.take(state, is_taken)
    }

    fn recheck(&self, person: PersonView<'_>, asked: &Recheck, state: &TriggerState) -> Permission {
        self.table.load().persons.recheck(person, asked, state)
    }

    fn enrolments(&self, person_id: PersonId, before: &TriggerState, after: &TriggerState) -> Vec<Enrolment> {
        self.table.load().persons.enrolments(person_id, before, after)
    }
}

/// The same triggers behind the records of accounts.
#[derive(Debug, Clone)]
pub struct LiveAccountTriggers(pub LiveTriggers);

impl AccountStep for LiveAccountTriggers {
    type State = AccountTriggerState;

    fn on_account(
        &self,
        account: &AccountEvent,
        evidence: Option<&str>,
        state: &mut AccountTriggerState,
        effects: &mut StepEffects,
    ) {
        self.0.table.load().accounts.on_account(account, evidence, state, effects);
    }

    fn absorb(&self, state: &mut AccountTriggerState, other: AccountTriggerState) {
        self.0.table.load().accounts.absorb(state, other);
    }
}
