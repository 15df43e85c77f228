//! Which stages make a service, made from its configuration; and the topics that they all need.

use std::collections::BTreeSet;
use std::sync::Arc;

use tributary_insight::paths::PathLimits;
use tributary_model::canvas::UNASSIGNED_TEAM;
use tributary_model::scorecard::ALL_TEAMS;
use tributary_model::topics::{self, TopicDefinition};
use tributary_model::{CanvasEntry, Pseudonymizer};
use tributary_normalizer::Rulebook;
use tributary_stream::{Checkpoints, Stage, StandbySettings, Table, changelog_definitions};
use tributary_triggers::Definitions;

use crate::canvas;
use crate::cli::Service;
use crate::config::HubConfig;
use crate::error::CliError;
use crate::hub::{Staffed, Tables};
use crate::trigger::live::{LiveAccountTriggers, LiveTriggers};

/// Everything that files define, read once.
#[derive(Debug)]
pub struct Definition {
    /// The canvas as its files have it.
    pub canvas: Vec<CanvasEntry>,
    /// The triggers.
    pub triggers: Definitions,
    /// Identity rules.
    pub identity: Arc<tributary_identity::Rules>,
    /// Lifecycle stages.
    pub stages: Arc<tributary_journey::StageDefinitions>,
    /// What an account is.
    pub accounts: Arc<tributary_journey::AccountRules>,
    /// Sources, channels and bots.
    pub sources: Rulebook,
}

impl Definition {
    /// Reads all definitions that the configuration asks for.
    ///
    /// # Errors
    /// [`CliError`] of the first that cannot be read; `tributary check` tells them all.
    pub fn read(config: &HubConfig) -> Result<Self, CliError> {
        Ok(Self {
            canvas: canvas_entries(config)?,
            triggers: Definitions::configured(&config.triggers).map_err(wrong("triggers"))?,
            identity: Arc::new(identity_rules(config)?),
            stages: Arc::new(stages(config)?),
            accounts: Arc::new(account_rules(config)?),
            sources: Rulebook::load(&config.normalizer).map_err(wrong("sources"))?,
        })
    }

    /// The teams that need topics, in order.
    #[must_use]
    pub fn teams(&self) -> Vec<String> {
        let mut teams: BTreeSet<String> = self.triggers.teams().into_iter().map(str::to_owned).collect();
        for entry in &self.canvas {
            teams.extend(entry.team.iter().map(|team| team.team_id.clone()));
            teams.extend(entry.campaign.iter().map(|campaign| campaign.team_id.clone()));
        }
        teams.insert(UNASSIGNED_TEAM.to_owned());
        teams.into_iter().collect()
    }

    /// All topics of the hub but the changelogs.
    #[must_use]
    pub fn open_topics(&self) -> Vec<TopicDefinition> {
        let mut all = topics::definitions(&self.teams());
        // The sum of all teams has scorecards, and nobody to be told anything.
        let sum = topics::metrics(ALL_TEAMS);
        all.extend(topics::definitions(&[ALL_TEAMS.to_owned()]).into_iter().filter(|topic| topic.name == sum));
        all
    }

    /// Teams that destinations name and that have no topic of intents, as `destination: team`.
    #[must_use]
    pub fn unknown_teams(&self, config: &tributary_delivery::Config) -> Vec<String> {
        let known = self.teams();
        let of = |(name, destination): (&String, &tributary_delivery::DestinationConfig)| {
            let unknown = destination.teams.iter().filter(|team| !known.contains(team));
            unknown.map(|team| format!("{name}: {team}")).collect::<Vec<_>>()
        };
        config.destinations.iter().flat_map(of).collect()
    }

    /// The tables of a hub that is to be started.
    ///
    /// # Errors
    /// [`CliError`] when the triggers cannot run.
    pub fn tables(&self, config: &HubConfig) -> Result<Tables, CliError> {
        let triggers = LiveTriggers::beginning_with(&self.triggers, &config.triggers).map_err(wrong("triggers"))?;
        Ok(Tables { canvas: Table::default(), triggers })
    }

    /// Tables that hold what the files say and read no topic.
    ///
    /// # Errors
    /// [`CliError`] when the triggers cannot run.
    pub fn fixed_tables(&self, config: &HubConfig) -> Result<Tables, CliError> {
        let triggers = LiveTriggers::fixed(&self.triggers, &config.triggers).map_err(wrong("triggers"))?;
        Ok(Tables { canvas: Table::fixed(canvas::fold(&self.canvas)), triggers })
    }

    /// The stages of a service, with their threads.
    ///
    /// # Errors
    /// [`CliError`] when a destination of webhooks names a team that does not exist.
    pub fn staffed(
        self,
        config: &HubConfig,
        service: Service,
        tables: &Tables,
        pseudonymizer: Pseudonymizer,
    ) -> Result<Vec<Staffed>, CliError> {
        let workers = &config.workers;
        let unknown = self.unknown_teams(&config.delivery);
        if !unknown.is_empty() {
            let detail = format!("no such team: {}; name teams of the canvas", unknown.join(", "));
            return Err(CliError::Definition { what: "delivery destinations", detail });
        }
        let mut staffed = Vec::new();
        let mut add = |of: Service, stage: Stage, workers: u32| {
            if service == Service::All || service == of {
                let checkpoints = Checkpoints::in_directory(&config.state, stage.name, config.kafka.instance);
                let standby = StandbySettings::of(&config.state);
                staffed.push(Staffed { stage, workers, checkpoints, standby });
            }
        };
        let mut insight = config.insight.clone();
        insight.export.add_canvas(&canvas::fold(&self.canvas));
        insight.path_limits =
            PathLimits { lookback_ms: config.journey.lookback_ms(), max_steps: config.journey.max_path_steps };

        let normalizer = tributary_normalizer::stage_with(&config.normalizer, self.sources, pseudonymizer);
        add(Service::Normalizer, normalizer, workers.normalizer);
        let owners = tributary_identity::owners_stage(&config.identity, Arc::clone(&self.identity));
        add(Service::Identity, owners, workers.identity);
        // One partition: a second thread would have nothing to do.
        add(Service::Identity, tributary_identity::sequencer_stage(&config.identity, self.identity), 1);
        add(Service::Journey, journey_stage(config, &self.stages, &self.accounts, tables), workers.journey);
        let of_accounts = LiveAccountTriggers(tables.triggers.clone());
        let make = move || of_accounts.clone();
        let accounts = tributary_journey::accounts_stage(&config.journey, self.stages, self.accounts, make);
        add(Service::Journey, accounts, workers.accounts);
        add(Service::Insight, tributary_insight::credit_stage(&insight), workers.insight);
        add(Service::Insight, tributary_insight::scorecard_stage(&insight), workers.scorecards);
        if !config.delivery.destinations.is_empty() {
            for stage in delivery_stages(&config.delivery)? {
                add(Service::Delivery, stage, workers.delivery);
            }
        }
        Ok(staffed)
    }
}

/// Journeys with the triggers chained behind them.
fn journey_stage(
    config: &HubConfig,
    stages: &Arc<tributary_journey::StageDefinitions>,
    accounts: &Arc<tributary_journey::AccountRules>,
    tables: &Tables,
) -> Stage {
    let triggers = tables.triggers.clone();
    let make = move || triggers.clone();
    let (stages, accounts) = (Arc::clone(stages), Arc::clone(accounts));
    tributary_journey::journey_stage(&config.journey, stages, accounts, tables.canvas.clone(), make)
}

/// The stages of webhooks.
fn delivery_stages(config: &tributary_delivery::Config) -> Result<[Stage; 2], CliError> {
    let intake = tributary_delivery::intake_stage(config).map_err(wrong("delivery"))?;
    Ok([intake, tributary_delivery::delivery_stage(config).map_err(wrong("delivery"))?])
}

/// All topics of the hub, changelogs included; also those of webhooks when there is no destination (any more).
///
/// # Errors
/// As [`Definition::read`].
pub fn all_topics(config: &HubConfig) -> Result<Vec<TopicDefinition>, CliError> {
    let definition = Definition::read(config)?;
    let mut all = definition.open_topics();
    for staffed in nameless(config, definition)? {
        all.extend(changelog_definitions(&staffed.stage));
    }
    if config.delivery.destinations.is_empty() {
        all.extend(delivery_stages(&config.delivery)?.iter().flat_map(changelog_definitions));
    }
    Ok(all)
}

/// The topics of the hub that are among `existing`, with those of teams that only applied triggers name.
///
/// # Errors
/// As [`all_topics`].
pub fn topics_among(config: &HubConfig, existing: &BTreeSet<String>) -> Result<Vec<TopicDefinition>, CliError> {
    let mut all = all_topics(config)?;
    let (triggers, metrics) = (topics::triggers(""), topics::metrics(""));
    let team = |name: &String| name.strip_prefix(&triggers).or(name.strip_prefix(&metrics)).map(str::to_owned);
    let teams: BTreeSet<String> = existing.iter().filter_map(team).collect();
    for definition in topics::definitions(&teams.into_iter().collect::<Vec<_>>()) {
        if !all.iter().any(|known| known.name == definition.name) {
            all.push(definition);
        }
    }
    all.retain(|definition| existing.contains(&definition.name));
    Ok(all)
}

/// The stages of the whole hub for those who want to know their names and topics only, and need no key for that.
///
/// # Errors
/// As [`Definition::staffed`].
pub fn nameless(config: &HubConfig, definition: Definition) -> Result<Vec<Staffed>, CliError> {
    let key = Pseudonymizer::new(b"not for pseudonyms").map_err(wrong("pseudonym key"))?;
    let tables = definition.fixed_tables(config)?;
    definition.staffed(config, Service::All, &tables, key)
}

fn wrong<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> CliError {
    move |error| CliError::Definition { what, detail: error.to_string() }
}

/// The canvas as files have it.
///
/// # Errors
/// [`CliError::Canvas`] naming the file.
pub fn canvas_entries(config: &HubConfig) -> Result<Vec<CanvasEntry>, CliError> {
    match &config.canvas.directory {
        Some(directory) => canvas::from_directory(directory),
        None => canvas::built_in(),
    }
}

/// The identity rules.
///
/// # Errors
/// [`CliError`] with everything that is wrong with them.
pub fn identity_rules(config: &HubConfig) -> Result<tributary_identity::Rules, CliError> {
    let Some(path) = &config.identity.rules else {
        return tributary_identity::Rules::built_in().map_err(wrong("identity rules"));
    };
    let text = std::fs::read_to_string(path)
        .map_err(CliError::system(format!("reading identity.rules {}", path.display())))?;
    tributary_identity::Rules::from_yaml(&text).map_err(|error| CliError::Definition {
        what: "identity rules",
        detail: format!("{}: {error}", path.display()),
    })
}

/// The lifecycle stages.
///
/// # Errors
/// [`CliError`] with everything that is wrong with them.
pub fn stages(config: &HubConfig) -> Result<tributary_journey::StageDefinitions, CliError> {
    tributary_journey::StageDefinitions::load(config.definitions.as_deref()).map_err(wrong("stages"))
}

/// The rules for accounts.
///
/// # Errors
/// [`CliError`] with everything that is wrong with them.
pub fn account_rules(config: &HubConfig) -> Result<tributary_journey::AccountRules, CliError> {
    tributary_journey::AccountRules::load(config.definitions.as_deref()).map_err(wrong("account rules"))
}
